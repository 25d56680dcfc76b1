//! The CloudWatch agent's configuration, checked before an agent sees it.
//!
//! The rules are the agent's own: its JSON schema (`shapes`), and what its translator and its start refuse beyond
//! that (`logs`, `metrics`, `pattern`). An agent may say "validation succeeded" and then not start, so its word
//! is never waited for. In return nothing is refused that an agent accepts: what is only probably wrong is a warning.
//!
//! ```text
//! text ──json──▶ tree ──merge (layers)──▶ tree ──shape──▶ ──logs, metrics──▶ Checked
//! ```

mod json;
mod layers;
mod logs;
mod metrics;
mod names;
mod path;
mod pattern;
mod platform;
mod shape;
mod shapes;
pub mod signals;
mod timestamp;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub use layers::{Layer, check_layers};

use self::path::Path;
use self::shape::{Place, Shape};
use crate::model::desired::Platform;
use crate::model::desired::decode::{did_you_mean, shown};
use crate::model::desired::problem::{Severity, Span};
use crate::model::desired::yaml::{Node, Value};

/// The most findings that are kept of one configuration. More help nobody, and cost time.
const MOST_FINDINGS: usize = 100;

/// One thing that an agent would refuse, or that is probably not meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Whether the agent refuses it.
    pub severity: Severity,
    /// Where in the text; none where positions are not known.
    pub at: Option<Span>,
    /// What is wrong, with the path inside the configuration.
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

/// A part of a configuration that only some platforms have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlatformPart {
    /// Its path.
    pub path: String,
    /// The platforms that have it.
    pub platforms: &'static [Platform],
    /// Where its key stands.
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
    /// What some platforms pass over.
    pub platform_parts: Vec<PlatformPart>,
    /// Of layers, where each file begins.
    pub(super) sources: layers::Sources,
}

/// Checks a configuration's text.
pub fn check_text(text: &str) -> Checked {
    let mut checked = match json::read(text) {
        Ok(tree) => check_tree(&tree),
        Err(error) => return not_json(error),
    };
    checked.check_braces(text);
    checked.sort();
    checked
}

/// Checks a configuration that was read already.
pub fn check_tree(tree: &Node) -> Checked {
    let mut checked = Checked::default();
    checked.repeated_keys(tree, &Path::ROOT);
    checked.judge(tree);
    checked.sort();
    checked
}

fn not_json(error: json::NotJson) -> Checked {
    let mut checked = Checked::default();
    checked.error(error.at, &Path::ROOT, format!("this is not JSON: {}", error.message), error.help);
    checked
}

/// What kind of value this is, in JSON's words.
fn what(node: &Node) -> &'static str {
    match node.value {
        Value::Null => "null",
        Value::Map(_) => "an object",
        _ => node.what(),
    }
}

const SECTIONS: [&str; 5] = ["agent", "metrics", "logs", "traces", "opentelemetry"];
const COLLECTING: [&str; 4] = ["metrics", "logs", "traces", "opentelemetry"];

impl Checked {
    /// Everything but repeated keys, which a merged tree no longer has.
    fn judge(&mut self, tree: &Node) {
        let root = Path::ROOT;
        let place = Place { path: &root, named: tree.span, node: tree };
        if !matches!(tree.value, Value::Map(_)) {
            let message = format!("an agent configuration is a JSON object, this is {}", what(tree));
            self.error(tree.span, &root, message, "write it as { \"metrics\": …, \"logs\": … }");
            return;
        }
        self.numbers(tree, &root);
        shape::check(place, &Shape::Object(&shapes::CONFIGURATION), self);
        self.sections(tree);
        if let Some(metrics) = tree.get("metrics") {
            metrics::check(metrics, &root.key("metrics"), self);
        }
        if let Some(logs) = tree.get("logs") {
            logs::check(logs, &root.key("logs"), self);
        }
        self.resource_attributes(tree);
        platform::note(tree, self);
    }

    /// The agent ignores sections that it does not know, so a slip silently collects nothing.
    fn sections(&mut self, tree: &Node) {
        for (key, _) in tree.entries() {
            if SECTIONS.contains(&key.text.as_str()) {
                continue;
            }
            if let Some(help) = did_you_mean(&key.text, SECTIONS) {
                let message = String::from("the agent ignores this section");
                self.warn(key.span, &Path::ROOT.key(&key.text), message, help);
            }
        }
        if !COLLECTING.iter().any(|section| tree.get(section).is_some()) {
            let message =
                String::from("this configuration collects nothing: it has no metrics, logs or traces");
            self.warn(tree.span, &Path::ROOT, message, "add one of these sections");
        }
    }

    /// Names that the agent keeps for itself; its schema says that it rejects them.
    fn resource_attributes(&mut self, tree: &Node) {
        const RESERVED: [&str; 3] = ["aws.log.group.name", "aws.log.stream.name", "aws.log.source"];
        let attributes = tree.get("opentelemetry").and_then(|section| section.get("resource_attributes"));
        let path = Path::ROOT.key("opentelemetry");
        let path = path.key("resource_attributes");
        for (key, _) in attributes.map_or(&[][..], Node::entries) {
            if RESERVED.contains(&key.text.as_str()) {
                let message = String::from("the agent keeps this attribute for itself");
                self.error(key.span, &path.key(&key.text), message, "remove it");
            }
        }
    }

    /// YAML has numbers that JSON cannot say.
    fn numbers(&mut self, node: &Node, path: &Path<'_>) {
        match &node.value {
            Value::Float(number) if !number.is_finite() => {
                self.error(node.span, path, String::from("JSON has no such number"), "write a plain number");
            }
            Value::List(items) => {
                items.iter().enumerate().for_each(|(index, item)| self.numbers(item, &path.item(index)));
            }
            Value::Map(entries) => {
                entries.iter().for_each(|(key, node)| self.numbers(node, &path.key(&key.text)));
            }
            _ => {}
        }
    }

    /// The agent takes the last of two equal keys and says nothing.
    fn repeated_keys(&mut self, node: &Node, path: &Path<'_>) {
        for (index, item) in node.items().iter().enumerate() {
            self.repeated_keys(item, &path.item(index));
        }
        let mut first: BTreeMap<&str, Span> = BTreeMap::new();
        for (key, node) in node.entries() {
            let path = path.key(&key.text);
            match first.get(key.text.as_str()) {
                Some(before) => {
                    let place = self.place_of(*before);
                    let message = format!("`{}` is already written{place}", shown(&key.text));
                    self.warn(
                        key.span,
                        &path,
                        message,
                        "the agent takes only the last one: remove the others",
                    );
                }
                None => {
                    first.insert(&key.text, key.span);
                }
            }
            self.repeated_keys(node, &path);
        }
    }

    /// The same without positions, for text whose place in its file is not known.
    #[must_use]
    pub fn without_positions(mut self) -> Self {
        self.findings.iter_mut().for_each(|finding| finding.at = None);
        self.retentions.iter_mut().for_each(|retention| retention.at = None);
        self.platform_parts.iter_mut().for_each(|part| part.at = None);
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

    /// Which file a position is in, and where there. None for a configuration that is not made of layers.
    pub fn locate(&self, at: Span) -> (Option<&Arc<str>>, Span) {
        self.sources.locate(at)
    }

    /// ` on line 3`, ` at base.json:3:5`: another place, for messages.
    fn place_of(&self, at: Span) -> String {
        match self.locate(at) {
            (Some(file), at) => format!(" at {file}:{}:{}", at.line, at.column),
            (None, at) => format!(" on line {}", at.line),
        }
    }

    /// Whether looking further changes nothing: enough is said, and the configuration is refused.
    fn is_full(&self) -> bool {
        self.findings.len() >= MOST_FINDINGS
            && self.findings.iter().any(|finding| finding.severity == Severity::Error)
    }

    fn error(&mut self, at: Span, path: &Path<'_>, message: String, help: impl Into<String>) {
        self.note(Severity::Error, at, path, message, help.into());
    }

    fn warn(&mut self, at: Span, path: &Path<'_>, message: String, help: impl Into<String>) {
        self.note(Severity::Warning, at, path, message, help.into());
    }

    fn note(&mut self, severity: Severity, at: Span, path: &Path<'_>, message: String, help: String) {
        // The first error is always kept: without it a configuration that the agent refuses would pass.
        let enough = self.findings.len() >= MOST_FINDINGS;
        if enough && (severity == Severity::Warning || self.is_full()) {
            return;
        }
        let path = path.to_string();
        let message = if path.is_empty() { message } else { format!("`{path}`: {message}") };
        self.findings.push(Finding { severity, at: Some(at), message, help: Some(help) });
    }

    /// Takes over something found elsewhere, as a warning.
    fn warn_again(&mut self, finding: Finding) {
        if self.findings.len() < MOST_FINDINGS {
            self.findings.push(Finding { severity: Severity::Warning, ..finding });
        }
    }

    fn sort(&mut self) {
        self.findings.sort_by_key(|finding| finding.at);
    }
}
