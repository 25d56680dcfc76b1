//! What the `metrics` section means: dimensions that the agent fills in, measurements that measure something.

use super::Checked;
use super::logs::expression;
use super::path::Path;
use crate::model::desired::decode::{did_you_mean, list, shown};
use crate::model::desired::yaml::{Node, Value};

/// The dimensions that the agent can add, each with the only value that it understands (AWS-FACTS §3.4).
const DIMENSIONS: [(&str, &str); 4] = [
    ("ImageId", "${aws:ImageId}"),
    ("InstanceId", "${aws:InstanceId}"),
    ("InstanceType", "${aws:InstanceType}"),
    ("AutoScalingGroupName", "${aws:AutoScalingGroupName}"),
];

pub(super) fn check(metrics: &Node, path: &Path<'_>, checked: &mut Checked) {
    if let Some(dimensions) = metrics.get("append_dimensions") {
        append_dimensions(dimensions, &path.key("append_dimensions"), checked);
    }
    let Some(collected) = metrics.get("metrics_collected") else { return };
    let path = path.key("metrics_collected");
    for (name, collector) in collected.entries() {
        let path = path.key(&name.text);
        measurement(collector, &path, checked);
        for (index, item) in collector.items().iter().enumerate() {
            let path = path.item(index);
            measurement(item, &path, checked);
            if name.text == "procstat" {
                process(item, &path, checked);
            }
        }
    }
}

/// The agent leaves out what it does not understand, without a word.
fn append_dimensions(dimensions: &Node, path: &Path<'_>, checked: &mut Checked) {
    for (key, node) in dimensions.entries() {
        let path = path.key(&key.text);
        let Some(text) = node.text() else { continue };
        match DIMENSIONS.iter().find(|(name, _)| *name == key.text) {
            Some((_, value)) if *value == text => {}
            Some((_, value)) => {
                let message = format!("the agent leaves this out: it understands no `{}` here", shown(text));
                checked.warn(node.span, &path, message, format!("write `{value}`"));
            }
            None => {
                let names: Vec<&str> = DIMENSIONS.iter().map(|(name, _)| *name).collect();
                let help = did_you_mean(&key.text, names.iter().copied()).unwrap_or_else(|| {
                    format!("here are {} only; a collector has `append_dimensions` of its own", list(&names))
                });
                checked.warn(key.span, &path, String::from("the agent adds no such dimension here"), help);
            }
        }
    }
}

fn measurement(collector: &Node, path: &Path<'_>, checked: &mut Checked) {
    let Some(measurement) = collector.get("measurement") else { return };
    if matches!(&measurement.value, Value::List(items) if items.is_empty()) {
        let message = String::from("this list is empty: nothing is measured");
        checked.warn(measurement.span, &path.key("measurement"), message, "name what to measure");
    }
    for (index, item) in measurement.items().iter().enumerate() {
        let is_map = matches!(item.value, Value::Map(_));
        if is_map && item.get("name").is_none() {
            let path = path.key("measurement");
            let message = String::from("the field `name` is missing: nothing is measured");
            checked.warn(item.span, &path.item(index), message, "add `name`");
        }
    }
}

/// The agent finds processes by expressions.
fn process(process: &Node, path: &Path<'_>, checked: &mut Checked) {
    if let Some(node) = process.get("pattern") {
        // Which program matches depends on the platform and the agent's version, so this only warns.
        let mut found = Checked::default();
        expression(node, &path.key("pattern"), &mut found);
        for finding in found.findings {
            checked.warn_again(finding);
        }
    }
}
