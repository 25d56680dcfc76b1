//! The `metrics` section.

use super::Checked;
use crate::model::desired::yaml::{Key, Node, Value};

/// The schema refuses any other.
const FIELDS: [&str; 10] = [
    "namespace",
    "aggregation_dimensions",
    "append_dimensions",
    "metrics_destinations",
    "metrics_collected",
    "force_flush_interval",
    "credentials",
    "endpoint_override",
    "service.name",
    "deployment.environment",
];

/// Collectors whose value is an object and nothing else. Names that are not here may be objects of Windows
/// performance counters, so an unknown one is not a mistake.
const OBJECTS: [&str; 11] =
    ["collectd", "cpu", "disk", "diskio", "efa", "ethtool", "mem", "net", "netstat", "processes", "swap"];

/// Of these, the ones for which the schema asks for `measurement`.
const MEASURED: [&str; 8] = ["cpu", "disk", "diskio", "mem", "net", "netstat", "processes", "swap"];

pub(super) fn check(key: &Key, node: &Node, checked: &mut Checked) {
    if !checked.object(key, node) {
        return;
    }
    checked.known_fields("metrics", node, &FIELDS);
    let Some(collected) = checked.collected("metrics", key, node, "metrics_collected") else {
        return;
    };
    for (name, collector) in collected.entries() {
        let known = name.text.as_str();
        if OBJECTS.contains(&known) && checked.object(name, collector) && MEASURED.contains(&known) {
            measurement(name, collector, checked);
        }
        if known == "procstat" {
            procstat(collector, checked);
        }
    }
}

fn measurement(name: &Key, collector: &Node, checked: &mut Checked) {
    match collector.get("measurement") {
        None => checked.error(name.span, format!("`{}` needs the field `measurement`", name.text)),
        Some(list) if matches!(list.value, Value::List(_)) => {
            if list.items().is_empty() {
                checked.error(list.span, format!("`measurement` of `{}` is empty", name.text));
            }
        }
        Some(other) => {
            checked.error(other.span, format!("`measurement` must be a list, this is {}", other.what()));
        }
    }
}

fn procstat(collector: &Node, checked: &mut Checked) {
    let Value::List(items) = &collector.value else {
        checked.error(collector.span, format!("`procstat` must be a list, this is {}", collector.what()));
        return;
    };
    for item in items {
        if !["pid_file", "exe", "pattern"].iter().any(|field| item.get(field).is_some()) {
            checked
                .error(item.span, String::from("an item of `procstat` needs `pid_file`, `exe` or `pattern`"));
        }
    }
}
