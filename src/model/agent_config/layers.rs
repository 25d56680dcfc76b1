//! Several configurations made one, by the agent's own rules for `append-config` (AWS-FACTS §3.3).
//!
//! Sections and collectors are joined; `collect_list`, `procstat`, `jmx` and `otlp` are lists that grow, equal items
//! once; of anything else there is one value, and two different ones are a conflict. The agent judges the
//! merged whole, so a layer alone need not be complete.
//!
//! Lines of all layers are counted on, one file after the other, so that a position says its file as well.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::path::Path;
use super::shape::canonical;
use super::{Checked, Finding, json, not_json};
use crate::model::desired::decode::shown;
use crate::model::desired::problem::{Severity, Span};
use crate::model::desired::yaml::{Key, Node, Value};

/// One file of several.
#[derive(Clone, Debug)]
pub struct Layer<'a> {
    /// Its path inside the folder.
    pub file: Arc<str>,
    /// What it holds.
    pub text: &'a str,
}

/// Where the lines of each file begin.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sources {
    files: Vec<(u32, Arc<str>)>,
}

impl Sources {
    /// The file and the place in it; no file where there are no layers.
    pub(super) fn locate(&self, at: Span) -> (Option<&Arc<str>>, Span) {
        match self.files.iter().rev().find(|(lines, _)| *lines < at.line) {
            Some((lines, file)) => (Some(file), Span { line: at.line - lines, ..at }),
            None => (None, at),
        }
    }
}

/// Checks layers and merges them. The text is what goes into the parameter: keys sorted, so that moving a line
/// changes nothing. None if a layer is not JSON, or two of them contradict each other.
pub fn check_layers(layers: &[Layer<'_>]) -> (Option<String>, Checked) {
    let mut checked = Checked::default();
    let mut merged: Option<Node> = None;
    let mut lines: u32 = 0;
    for layer in layers {
        checked.sources.files.push((lines, Arc::clone(&layer.file)));
        match read(layer, lines) {
            Ok(tree) => {
                checked.repeated_keys(&tree, &Path::ROOT);
                merged = Some(match merged {
                    None => tree,
                    Some(before) => root(before, tree, &mut checked),
                });
            }
            Err(finding) => checked.findings.push(finding),
        }
        let count = u32::try_from(layer.text.matches('\n').count()).unwrap_or(u32::MAX);
        lines = lines.saturating_add(count).saturating_add(1);
    }
    let broken = checked.findings.iter().any(|finding| finding.severity == Severity::Error);
    let Some(tree) = merged.filter(|_| !broken) else {
        checked.sort();
        return (None, checked);
    };
    checked.judge(&tree);
    let text = format!("{:#}", tree.to_json());
    braces(&text, &mut checked);
    checked.sort();
    (Some(text), checked)
}

fn read(layer: &Layer<'_>, lines: u32) -> Result<Node, Finding> {
    let shift = |span: &mut Span| span.line = span.line.saturating_add(lines);
    json::read(layer.text)
        .map(|mut tree| {
            shifted(&mut tree, &shift);
            tree
        })
        .map_err(|mut error| {
            shift(&mut error.at);
            not_json(error).findings.swap_remove(0)
        })
}

fn shifted(node: &mut Node, shift: &impl Fn(&mut Span)) {
    shift(&mut node.span);
    match &mut node.value {
        Value::List(items) => items.iter_mut().for_each(|item| shifted(item, shift)),
        Value::Map(entries) => {
            for (key, node) in entries {
                shift(&mut key.span);
                shifted(node, shift);
            }
        }
        _ => {}
    }
}

/// Found in the text that the layers become, so there is no place to point to.
fn braces(text: &str, checked: &mut Checked) {
    let mut found = Checked::default();
    found.check_braces(text);
    checked.findings.extend(found.without_positions().findings);
}

/// How a value is merged with an earlier one.
enum Rule {
    /// Field by field.
    Join,
    /// A list that grows.
    Grow,
    /// One object or a list of them, which become one list.
    Gather,
    /// There is one value only.
    Same,
}

/// The agent's rules, by path.
fn rule(path: &str) -> Rule {
    match path {
        "agent"
        | "metrics"
        | "metrics.metrics_collected"
        | "logs"
        | "logs.logs_collected"
        | "logs.logs_collected.files"
        | "logs.logs_collected.windows_events"
        | "logs.logs_collected.journald"
        | "logs.metrics_collected"
        | "logs.metrics_collected.ecs"
        | "logs.metrics_collected.kubernetes"
        | "traces"
        | "traces.traces_collected"
        | "opentelemetry"
        | "opentelemetry.collect" => Rule::Join,
        "agent.usage_metadata"
        | "logs.logs_collected.files.collect_list"
        | "logs.logs_collected.windows_events.collect_list"
        | "logs.logs_collected.journald.collect_list"
        | "metrics.metrics_collected.procstat" => Rule::Grow,
        "metrics.metrics_collected.jmx"
        | "metrics.metrics_collected.otlp"
        | "traces.traces_collected.otlp" => Rule::Gather,
        _ => Rule::Same,
    }
}

fn root(before: Node, after: Node, checked: &mut Checked) -> Node {
    match (before.value, after.value) {
        (Value::Map(before_entries), Value::Map(entries)) => {
            let value = joined(before_entries, entries, &Path::ROOT, checked);
            Node { value, span: before.span }
        }
        // What is no object is refused by the check of the whole.
        (Value::Map(_), value) => Node { value, span: after.span },
        (value, _) => Node { value, span: before.span },
    }
}

fn joined(
    before: Vec<(Key, Node)>,
    after: Vec<(Key, Node)>,
    path: &Path<'_>,
    checked: &mut Checked,
) -> Value {
    let mut merged = last_of_each(before);
    let places = places(&merged);
    for (key, node) in last_of_each(after) {
        match places.get(&key.text).and_then(|index| merged.get_mut(*index)) {
            Some((known, before)) => {
                let path = path.key(&key.text);
                let old = std::mem::replace(before, Node { value: Value::Null, span: before.span });
                *before = one(old, node, (known.span, key.span), &path, checked);
            }
            None => merged.push((key, node)),
        }
    }
    Value::Map(merged)
}

/// Of repeated keys the last, as the agent reads them.
fn last_of_each(entries: Vec<(Key, Node)>) -> Vec<(Key, Node)> {
    let places = places(&entries);
    let kept =
        entries.into_iter().enumerate().filter(|(index, (key, _))| places.get(&key.text) == Some(index));
    kept.map(|(_, entry)| entry).collect()
}

/// Where each key stands last.
fn places(entries: &[(Key, Node)]) -> BTreeMap<String, usize> {
    entries.iter().enumerate().map(|(index, (key, _))| (key.text.clone(), index)).collect()
}

fn one(before: Node, after: Node, keys: (Span, Span), path: &Path<'_>, checked: &mut Checked) -> Node {
    let span = before.span;
    match (rule(&path.to_string()), before.value, after.value) {
        (Rule::Join, Value::Map(old), Value::Map(new)) => {
            Node { value: joined(old, new, path, checked), span }
        }
        (Rule::Grow, Value::List(old), Value::List(new)) => Node { value: grown(old, new), span },
        (Rule::Gather, old, new) => {
            let (old, new) = (Node { value: old, span }, Node { value: new, span: after.span });
            if canonical(&old) == canonical(&new) {
                return old;
            }
            Node { value: grown(listed(old), listed(new)), span }
        }
        (_, old, new) => {
            let (old, new) = (Node { value: old, span }, Node { value: new, span: after.span });
            if canonical(&old) != canonical(&new) {
                let place = checked.place_of(keys.0);
                let message = match (brief(&old), brief(&new)) {
                    (Some(old), Some(new)) => format!("this is `{new}` here and `{old}`{place}"),
                    _ => format!("this is not the same as{place}"),
                };
                checked.error(
                    keys.1,
                    path,
                    message,
                    "the agent refuses to merge different values: say it in one layer",
                );
            }
            old
        }
    }
}

fn listed(node: Node) -> Vec<Node> {
    match node.value {
        Value::List(items) => items,
        value => vec![Node { value, span: node.span }],
    }
}

fn grown(mut list: Vec<Node>, more: Vec<Node>) -> Value {
    let mut known: BTreeSet<String> = list.iter().map(canonical).collect();
    list.extend(more.into_iter().filter(|item| known.insert(canonical(item))));
    Value::List(list)
}

/// A value that is short enough to be shown.
fn brief(node: &Node) -> Option<String> {
    match &node.value {
        Value::Map(_) | Value::List(_) => None,
        _ => Some(shown(&node.to_json().to_string())),
    }
}
