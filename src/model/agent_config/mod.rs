//! The CloudWatch agent's configuration, checked before an agent sees it.
//!
//! The rules are the agent's own (its JSON schema, and what its translator refuses beyond that). The check
//! must never refuse what an agent accepts: where the agent is lenient, so is this. It is not the whole
//! schema: it holds the structure and what Watchkeeper itself depends on (log groups, retention, size).

mod logs;
mod metrics;
pub mod signals;

use std::collections::BTreeSet;

use crate::model::desired::decode::did_you_mean;
use crate::model::desired::problem::{Severity, Span};
use crate::model::desired::yaml::{self, Key, Node, Value};

/// One thing that an agent would refuse, or that is probably not meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Whether the agent refuses it.
    pub severity: Severity,
    /// Where in the text; none where positions are not known.
    pub at: Option<Span>,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

/// What a configuration says about the retention of a log group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupRetention {
    /// The group's name as written, placeholders and all.
    pub log_group: String,
    /// Days; -1 leaves the group alone.
    pub days: i64,
    /// Where `retention_in_days` stands.
    pub at: Option<Span>,
}

/// A checked configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// What is wrong, in the order of the text.
    pub findings: Vec<Finding>,
    /// The log groups that it names.
    pub log_groups: BTreeSet<String>,
    /// What it says about retention.
    pub retentions: Vec<GroupRetention>,
}

/// Checks a configuration's text.
pub fn check_text(text: &str) -> Checked {
    let json: serde_json::Value = match serde_json::from_str(text) {
        Ok(json) => json,
        Err(error) => return not_json(text, &error),
    };
    // JSON is YAML, whose reader knows positions. Where it disagrees about the value, positions are not known.
    let tree = match yaml::documents(text).as_slice() {
        [Ok(tree)] if tree.to_json() == json => Some(tree.clone()),
        _ => None,
    };
    let mut checked = match tree {
        Some(tree) => check_tree(&tree),
        None => check_tree(&Node::from_json(&json, Span::START)).without_positions(),
    };
    checked.check_braces(text);
    checked
}

/// Checks a configuration that was read already.
pub fn check_tree(tree: &Node) -> Checked {
    let mut checked = Checked::default();
    let Value::Map(sections) = &tree.value else {
        checked.error(tree.span, format!("an agent configuration is a JSON object, this is {}", tree.what()));
        return checked;
    };
    for (key, node) in sections {
        match key.text.as_str() {
            "agent" => {
                checked.object(key, node);
            }
            "metrics" => metrics::check(key, node, &mut checked),
            "logs" => logs::check(key, node, &mut checked),
            "traces" => traces(key, node, &mut checked),
            "opentelemetry" => {}
            // The agent ignores what it does not know, so a slip silently collects nothing.
            other => {
                if let Some(help) = did_you_mean(other, SECTIONS) {
                    checked.warn(key.span, format!("the agent ignores the section `{other}`"), Some(help));
                }
            }
        }
    }
    if !COLLECTING.iter().any(|section| tree.get(section).is_some()) {
        let message = String::from("this configuration collects nothing: it has no metrics, logs or traces");
        checked.warn(tree.span, message, None);
    }
    checked.check_retentions();
    checked
}

const SECTIONS: [&str; 5] = ["agent", "metrics", "logs", "traces", "opentelemetry"];
const COLLECTING: [&str; 4] = ["metrics", "logs", "traces", "opentelemetry"];

fn traces(key: &Key, node: &Node, checked: &mut Checked) {
    const FIELDS: [&str; 11] = [
        "traces_collected",
        "concurrency",
        "buffer_size_mb",
        "resource_arn",
        "local_mode",
        "insecure",
        "credentials",
        "proxy_override",
        "endpoint_override",
        "region_override",
        "transit_spans_in_otlp_format",
    ];
    if !checked.object(key, node) {
        return;
    }
    checked.known_fields("traces", node, &FIELDS);
    checked.collected("traces", key, node, "traces_collected");
}

fn not_json(text: &str, error: &serde_json::Error) -> Checked {
    let mut checked = Checked::default();
    let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    // serde_json counts columns in bytes; people and editors count characters.
    let line = text.lines().nth(error.line().saturating_sub(1)).unwrap_or("");
    let before = line.get(..error.column().saturating_sub(1)).map_or(0, |before| before.chars().count());
    let at = Span { line: number(error.line()).max(1), column: number(before) + 1, length: 1 };
    let message = error.to_string();
    let message = message.split(" at line ").next().unwrap_or("").to_owned();
    checked.error(at, format!("this is not JSON: {message}"));
    checked
}

impl Checked {
    /// The same without positions, for text whose place in its file is not known.
    #[must_use]
    pub fn without_positions(mut self) -> Self {
        self.findings.iter_mut().for_each(|finding| finding.at = None);
        self.retentions.iter_mut().for_each(|retention| retention.at = None);
        self
    }

    /// Parameter Store takes `{{…}}` for a reference and refuses the value; placeholders have one brace.
    pub fn check_braces(&mut self, text: &str) {
        let Some(offset) = text.find("{{") else {
            return;
        };
        let before = &text[..offset];
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let at = Span { line: number(line), column: number(column), length: 2 };
        self.findings.push(Finding {
            severity: Severity::Error,
            at: Some(at),
            message: String::from("Parameter Store does not take a value with `{{`"),
            help: Some(String::from(
                "placeholders have one brace, {instance_id}; between braces of JSON put a space",
            )),
        });
    }

    pub(super) fn error(&mut self, at: Span, message: String) {
        self.findings.push(Finding { severity: Severity::Error, at: Some(at), message, help: None });
    }

    pub(super) fn error_help(&mut self, at: Span, message: String, help: Option<String>) {
        self.findings.push(Finding { severity: Severity::Error, at: Some(at), message, help });
    }

    fn warn(&mut self, at: Span, message: String, help: Option<String>) {
        self.findings.push(Finding { severity: Severity::Warning, at: Some(at), message, help });
    }

    /// Whether the value is an object; notes it if not.
    pub(super) fn object(&mut self, key: &Key, node: &Node) -> bool {
        let is_object = matches!(node.value, Value::Map(_));
        if !is_object {
            self.error(node.span, format!("`{}` must be an object, this is {}", key.text, node.what()));
        }
        is_object
    }

    /// Notes fields that the agent's schema refuses.
    pub(super) fn known_fields(&mut self, what: &str, node: &Node, known: &[&str]) {
        for (key, _) in node.entries() {
            if !known.contains(&key.text.as_str()) {
                let help = did_you_mean(&key.text, known.iter().copied());
                self.error_help(key.span, format!("`{what}` has no field `{}`", key.text), help);
            }
        }
    }

    /// The obligatory section that lists the collectors; notes it if it is missing or empty.
    pub(super) fn collected<'n>(
        &mut self,
        what: &str,
        key: &Key,
        node: &'n Node,
        field: &str,
    ) -> Option<&'n Node> {
        let Some(collected) = node.get(field) else {
            self.error(key.span, format!("`{what}` needs the field `{field}`"));
            return None;
        };
        match &collected.value {
            Value::Map(entries) if entries.is_empty() => {
                self.error(collected.span, format!("`{field}` is empty"));
                None
            }
            Value::Map(_) => Some(collected),
            _ => {
                self.error(
                    collected.span,
                    format!("`{field}` must be an object, this is {}", collected.what()),
                );
                None
            }
        }
    }

    /// The agent's translator refuses two retentions for one group; names are compared without case.
    fn check_retentions(&mut self) {
        let mut clashes = Vec::new();
        for (index, retention) in self.retentions.iter().enumerate() {
            let same = |other: &&GroupRetention| {
                other.log_group.to_lowercase() == retention.log_group.to_lowercase()
                    && other.days != retention.days
                    // -1 leaves the group alone.
                    && other.days > 0
                    && retention.days > 0
            };
            if let Some(other) = self.retentions[..index].iter().find(same) {
                let message = format!(
                    "`{}` is given a retention of {} days here and of {} elsewhere",
                    retention.log_group, retention.days, other.days
                );
                clashes.push((retention.at.unwrap_or(Span::START), message));
            }
        }
        for (at, message) in clashes {
            self.error(at, message);
        }
    }
}
