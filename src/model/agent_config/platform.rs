//! Parts of a configuration that only some platforms have. Elsewhere the agent passes over them without a word.

use super::path::Path;
use super::{Checked, PlatformPart};
use crate::model::desired::Platform::{self, Linux, MacOs, Windows};
use crate::model::desired::yaml::Node;

const UNIX: &[Platform] = &[Linux, MacOs];
const ALL: &[Platform] = &[Linux, Windows, MacOs];

/// Collectors of metrics and where they work. Other names are performance objects of Windows.
const METRICS: [(&str, &[Platform]); 17] = [
    ("collectd", UNIX),
    ("cpu", UNIX),
    ("disk", UNIX),
    ("diskio", UNIX),
    ("efa", &[Linux]),
    ("ethtool", &[Linux]),
    ("jmx", ALL),
    ("mem", UNIX),
    ("net", UNIX),
    ("netstat", UNIX),
    ("nvidia_smi", &[Linux, Windows]),
    ("otlp", ALL),
    ("processes", UNIX),
    ("procstat", ALL),
    ("prometheus", ALL),
    ("statsd", ALL),
    ("swap", UNIX),
];

/// Notes the parts that a platform passes over.
pub(super) fn note(tree: &Node, checked: &mut Checked) {
    let path = Path::ROOT;
    if let Some(collected) = tree.get("metrics").and_then(|metrics| metrics.get("metrics_collected")) {
        let path = path.key("metrics");
        let path = path.key("metrics_collected");
        for (key, _) in collected.entries() {
            let known = METRICS.iter().find(|(name, _)| *name == key.text);
            let platforms = known.map_or(&[Windows][..], |(_, platforms)| platforms);
            if platforms != ALL {
                let path = path.key(&key.text).to_string();
                checked.platform_parts.push(PlatformPart { path, platforms, at: Some(key.span) });
            }
        }
    }
    if let Some(collected) = tree.get("logs").and_then(|logs| logs.get("logs_collected")) {
        let path = path.key("logs");
        let path = path.key("logs_collected");
        for (key, _) in collected.entries() {
            let platforms: &[Platform] = match key.text.as_str() {
                "windows_events" => &[Windows],
                "journald" => &[Linux],
                _ => continue,
            };
            let path = path.key(&key.text).to_string();
            checked.platform_parts.push(PlatformPart { path, platforms, at: Some(key.span) });
        }
    }
}
