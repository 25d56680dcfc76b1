//! The `logs` section: what is collected, into which groups, and what it says about retention.

use super::{Checked, GroupRetention};
use crate::model::desired::RETENTION_DAYS;
use crate::model::desired::yaml::{Key, Node, Value};

/// The schema refuses any other.
const FIELDS: [&str; 9] = [
    "logs_collected",
    "metrics_collected",
    "log_stream_name",
    "force_flush_interval",
    "credentials",
    "endpoint_override",
    "service.name",
    "deployment.environment",
    "concurrency",
];

const COLLECTORS: [&str; 4] = ["files", "windows_events", "journald", "application_signals"];

/// Fields of an entry of `files`; the schema refuses any other.
const FILE_FIELDS: [&str; 17] = [
    "file_path",
    "log_group_name",
    "log_stream_name",
    "log_group_class",
    "retention_in_days",
    "timestamp_format",
    "timezone",
    "multi_line_start_pattern",
    "encoding",
    "auto_removal",
    "trim_timestamp",
    "backpressure_mode",
    "blacklist",
    "publish_multi_logs",
    "filters",
    "service.name",
    "deployment.environment",
];

pub(super) fn check(key: &Key, node: &Node, checked: &mut Checked) {
    if !checked.object(key, node) {
        return;
    }
    checked.known_fields("logs", node, &FIELDS);
    if node.get("logs_collected").is_none() {
        if node.get("metrics_collected").is_none() {
            checked.error(key.span, String::from("`logs` needs `logs_collected` or `metrics_collected`"));
        }
        return;
    }
    let Some(collected) = checked.collected("logs", key, node, "logs_collected") else {
        return;
    };
    checked.known_fields("logs_collected", collected, &COLLECTORS);
    for (name, collector) in collected.entries() {
        if !COLLECTORS.contains(&name.text.as_str()) || !checked.object(name, collector) {
            continue;
        }
        match name.text.as_str() {
            "application_signals" => note_group(collector, None, checked),
            _ => collect_list(name, collector, checked),
        }
    }
}

fn collect_list(name: &Key, collector: &Node, checked: &mut Checked) {
    let Some(list) = collector.get("collect_list") else {
        checked.error(name.span, format!("`{}` needs the field `collect_list`", name.text));
        return;
    };
    let Value::List(entries) = &list.value else {
        checked.error(list.span, format!("`collect_list` must be a list, this is {}", list.what()));
        return;
    };
    if entries.is_empty() && name.text == "files" {
        checked.error(list.span, String::from("`collect_list` is empty"));
    }
    for entry in entries {
        if !matches!(entry.value, Value::Map(_)) {
            checked.error(entry.span, format!("an entry must be an object, this is {}", entry.what()));
            continue;
        }
        match name.text.as_str() {
            "files" => file(entry, checked),
            "windows_events" => windows_event(entry, checked),
            _ => note_group(entry, None, checked),
        }
    }
}

fn file(entry: &Node, checked: &mut Checked) {
    checked.known_fields("an entry of files", entry, &FILE_FIELDS);
    let Some(path) = entry.get("file_path") else {
        checked.error(entry.span, String::from("an entry of `files` needs the field `file_path`"));
        return;
    };
    if path.text().is_none_or(str::is_empty) {
        checked.error(path.span, format!("`file_path` must be text, this is {}", path.what()));
    }
    note_group(entry, path.text().map(default_group), checked);
}

/// Without a group's name the agent takes the file's path up to its last dot.
fn default_group(path: &str) -> &str {
    path.rsplit_once('.').map_or(path, |(group, _)| group)
}

fn windows_event(entry: &Node, checked: &mut Checked) {
    if entry.get("event_name").is_none() {
        checked.error(entry.span, String::from("an entry of `windows_events` needs the field `event_name`"));
    }
    if !["event_levels", "event_ids", "filters"].iter().any(|field| entry.get(field).is_some()) {
        checked.error(
            entry.span,
            String::from("an entry of `windows_events` needs `event_levels`, `event_ids` or `filters`"),
        );
    }
    note_group(entry, None, checked);
}

fn note_group(entry: &Node, default: Option<&str>, checked: &mut Checked) {
    let group = match entry.get("log_group_name") {
        Some(name) => match name.text() {
            Some(text) if (1..=512).contains(&text.chars().count()) => Some(text),
            _ => {
                checked
                    .error(name.span, String::from("`log_group_name` must be text of 1 to 512 characters"));
                return;
            }
        },
        None => default,
    };
    if let Some(group) = group {
        checked.log_groups.insert(group.to_owned());
    }
    if let Some(days) = entry.get("retention_in_days") {
        retention(days, group.unwrap_or_default(), checked);
    }
}

fn retention(node: &Node, log_group: &str, checked: &mut Checked) {
    let Value::Int(days) = node.value else {
        checked
            .error(node.span, format!("`retention_in_days` must be a whole number, this is {}", node.what()));
        return;
    };
    if days != -1 && !RETENTION_DAYS.iter().any(|offered| i64::from(*offered) == days) {
        let help = crate::model::desired::nearest_retention(days);
        checked.error_help(node.span, format!("AWS does not offer a retention of {days} days"), Some(help));
        return;
    }
    let log_group = log_group.to_owned();
    checked.retentions.push(GroupRetention { log_group, days, at: Some(node.span) });
}
