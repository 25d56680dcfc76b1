//! What the `logs` section means: patterns that compile, one retention and one class for each group, names.
//!
//! The form is judged already. What has the wrong type is passed over here.

use std::collections::BTreeMap;

use super::path::Path;
use super::shape::whole;
use super::{Checked, GroupRetention, names, pattern, timestamp};
use crate::model::desired::decode::shown;
use crate::model::desired::problem::Span;
use crate::model::desired::yaml::{Node, Value};

/// Collectors with a list of entries, each of which writes to a log group.
const LISTS: [&str; 3] = ["files", "windows_events", "journald"];

pub(super) fn check(logs: &Node, path: &Path<'_>, checked: &mut Checked) {
    let Some(collected) = logs.get("logs_collected") else { return };
    let path = path.key("logs_collected");
    let mut elsewhere = Stated::default();
    for name in LISTS {
        let Some(list) = collected.get(name).and_then(|collector| collector.get("collect_list")) else {
            continue;
        };
        let (path, mut here) = (path.key(name), Stated::default());
        let path = path.key("collect_list");
        for (index, entry) in list.items().iter().enumerate() {
            let path = path.item(index);
            let group = group(name, entry);
            if let Some(group) = &group {
                checked.log_groups.insert(group.clone());
            }
            self::entry(entry, &path, checked);
            stated(entry, group, &path, (&mut here, &mut elsewhere), checked);
        }
    }
    if let Some(signals) = collected.get("application_signals") {
        let path = path.key("application_signals");
        names::check(signals, &path, checked);
        if let Some(group) = signals.get("log_group_name").and_then(Node::text) {
            checked.log_groups.insert(group.to_owned());
        }
    }
}

/// The group that an entry writes to, placeholders as written. Files without one go to a group that is named like
/// the file up to its last dot, unless each file gets its own.
fn group(collector: &str, entry: &Node) -> Option<String> {
    if let Some(name) = entry.get("log_group_name") {
        return name.text().filter(|name| !name.is_empty()).map(str::to_owned);
    }
    let each_its_own = entry.get("publish_multi_logs").is_some_and(|node| node.value == Value::Bool(true));
    if collector != "files" || each_its_own {
        return None;
    }
    let path = entry.get("file_path").and_then(Node::text)?;
    Some(path.rsplit_once('.').map_or(path, |(group, _)| group).to_owned())
}

fn entry(entry: &Node, path: &Path<'_>, checked: &mut Checked) {
    names::check(entry, path, checked);
    patterns(entry, path, checked);
    class(entry, path, checked);
    if let Some(name) = entry.get("event_name").filter(|name| name.text() == Some("Forwarded Events")) {
        let message = String::from("the agent does not collect the log `Forwarded Events` under this name");
        checked.error(name.span, &path.key("event_name"), message, "did you mean `ForwardedEvents`?");
    }
    if let Some(name) = entry.get("file_path").filter(|name| name.text().is_some_and(str::is_empty)) {
        let message = String::from("this is empty: no file is collected");
        checked.warn(name.span, &path.key("file_path"), message, "name a file, as in /var/log/app.log");
    }
}

fn patterns(entry: &Node, path: &Path<'_>, checked: &mut Checked) {
    for (index, filter) in entry.get("filters").map_or(&[][..], Node::items).iter().enumerate() {
        let path = path.key("filters");
        self::filter(filter, &path.item(index), checked);
    }
    if let Some(format) = entry.get("timestamp_format") {
        timestamp_format(format, &path.key("timestamp_format"), checked);
    }
    if let Some(blacklist) = entry.get("blacklist") {
        expression(blacklist, &path.key("blacklist"), checked);
    }
    if let Some(start) = entry.get("multi_line_start_pattern") {
        let path = path.key("multi_line_start_pattern");
        if start.text() != Some("{timestamp_format}") {
            expression(start, &path, checked);
        } else if entry.get("timestamp_format").is_none() {
            let message = String::from("there is no `timestamp_format` to take the pattern from");
            checked.warn(start.span, &path, message, "add `timestamp_format`, or write the pattern out");
        }
    }
}

/// The schema asks for neither field, the translator for both.
fn filter(filter: &Node, path: &Path<'_>, checked: &mut Checked) {
    for field in ["type", "expression"] {
        match filter.get(field) {
            None if matches!(filter.value, Value::Map(_)) => {
                let message = format!("the field `{field}` is missing");
                checked.error(filter.span, path, message, format!("add `{field}`: a filter needs both"));
            }
            Some(node) if field == "expression" && node.text() == Some("") => {
                let message = String::from("this may not be empty");
                checked.error(
                    node.span,
                    &path.key(field),
                    message,
                    "write an expression, or remove the filter",
                );
            }
            _ => {}
        }
    }
    if let Some(node) = filter.get("expression") {
        expression(node, &path.key("expression"), checked);
    }
}

pub(super) fn expression(node: &Node, path: &Path<'_>, checked: &mut Checked) {
    let Some(text) = node.text() else { return };
    match pattern::judge(text) {
        pattern::Verdict::Fine => {}
        pattern::Verdict::Doubtful(why) => {
            checked.warn(
                node.span,
                path,
                why,
                "the agent's expressions are Go's (RE2): see that it compiles",
            );
        }
        pattern::Verdict::Wrong(why) => {
            let message = format!("`{}` is no regular expression for the agent: {why}", shown(text));
            checked.error(
                node.span,
                path,
                message,
                "the agent's expressions are Go's (RE2): github.com/google/re2/wiki/Syntax",
            );
        }
    }
}

fn timestamp_format(node: &Node, path: &Path<'_>, checked: &mut Checked) {
    let Some(text) = node.text() else { return };
    if text.is_empty() {
        return;
    }
    let reading = timestamp::read(text);
    if let pattern::Verdict::Wrong(why) = pattern::judge(&reading.expression) {
        let message = format!("the agent can make no expression of `{}`: {why}", shown(text));
        checked.error(node.span, path, message, "write `\\\\+` for a plus, or leave the character out");
        return;
    }
    for code in &reading.unknown {
        let message = format!("the agent knows no `{}` and takes it for plain text", shown(code));
        checked.warn(node.span, path, message, format!("it knows {}", timestamp::codes()));
    }
    if !reading.any_code && reading.unknown.is_empty() {
        let message = String::from("this has no code, so no timestamp is found");
        checked.warn(node.span, path, message, format!("the agent knows {}", timestamp::codes()));
    }
}

/// An unknown class is dropped without a word.
fn class(entry: &Node, path: &Path<'_>, checked: &mut Checked) {
    let Some((node, text)) = entry.get("log_group_class").and_then(|node| Some((node, node.text()?))) else {
        return;
    };
    if !text.is_empty() && !CLASSES.contains(&text.to_uppercase().as_str()) {
        let message = format!("the agent drops the class `{}` without a word", shown(text));
        checked.warn(
            node.span,
            &path.key("log_group_class"),
            message,
            "take `STANDARD` or `INFREQUENT_ACCESS`",
        );
    }
}

const CLASSES: [&str; 2] = ["STANDARD", "INFREQUENT_ACCESS"];

/// What was said before about each group, its name in small letters.
#[derive(Default)]
struct Stated {
    retention: Said,
    class: Said,
}

/// The translator refuses two retentions or classes for one group within one list, names compared without case.
/// Across lists, and where a name comes from the file's, it does not look, and the last agent to write wins.
fn stated(
    entry: &Node,
    group: Option<String>,
    path: &Path<'_>,
    (here, elsewhere): (&mut Stated, &mut Stated),
    checked: &mut Checked,
) {
    let Some(group) = group else { return };
    let is_named = entry.get("log_group_name").is_some();
    if let Some((node, days)) =
        entry.get("retention_in_days").and_then(|node| Some((node, whole(&node.value)?)))
    {
        checked.retentions.push(GroupRetention { log_group: group.clone(), days, at: Some(node.span) });
        if days > 0 {
            let said = (format!("{days} days"), node);
            conflict(
                said,
                (&group, is_named),
                (&mut here.retention, &mut elsewhere.retention),
                &path.key("retention_in_days"),
                checked,
            );
        }
    }
    if let Some((node, class)) = entry.get("log_group_class").and_then(|node| Some((node, node.text()?))) {
        let class = class.to_uppercase();
        if CLASSES.contains(&class.as_str()) {
            let said = (class, node);
            conflict(
                said,
                (&group, is_named),
                (&mut here.class, &mut elsewhere.class),
                &path.key("log_group_class"),
                checked,
            );
        }
    }
}

/// What was said about each group, as it is shown, and where.
type Said = BTreeMap<String, (String, Span)>;

fn conflict(
    (value, node): (String, &Node),
    (group, is_named): (&str, bool),
    (here, elsewhere): (&mut Said, &mut Said),
    path: &Path<'_>,
    checked: &mut Checked,
) {
    let folded = group.to_lowercase();
    let in_list = here.get(&folded).filter(|_| is_named).filter(|(other, _)| *other != value);
    let in_all = elsewhere.get(&folded).filter(|(other, _)| *other != value);
    if let Some((other, at)) = in_list.or(in_all) {
        let place = checked.place_of(*at);
        let message = format!("`{}` is given {value} here and {other}{place}", shown(group));
        let help = "one group has one value: say it once";
        if in_list.is_some() {
            checked.error(node.span, path, message, help);
        } else {
            checked.warn(node.span, path, message, help);
        }
    }
    if is_named {
        here.entry(folded.clone()).or_insert((value.clone(), node.span));
    }
    elsewhere.entry(folded).or_insert((value, node.span));
}
