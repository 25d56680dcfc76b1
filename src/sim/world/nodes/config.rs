//! The agent's JSON: the part of its translator that decides whether a configuration is taken, and what logs
//! and metrics it collects. Only files that are on the machine are collected ([`files`]).

use jiff::SignedDuration;
use serde_json::{Map, Value};

use super::{Platform, files};
use crate::sim::world::log_groups::Line;
use crate::sim::world::metrics::{Dimensions, Emission};

/// How often metrics are sent where the configuration does not say, in seconds.
const INTERVAL: i64 = 60;
/// The collectors of Linux and macOS that are simulated, each with the dimension that its metrics carry and one value of it.
const COLLECTORS: [(&str, Option<(&str, &str)>); 8] = [
    ("cpu", Some(("cpu", "cpu-total"))),
    ("disk", Some(("path", "/"))),
    ("diskio", Some(("name", "nvme0n1"))),
    ("mem", None),
    ("net", Some(("interface", "eth0"))),
    ("netstat", None),
    ("processes", None),
    ("swap", None),
];
/// Windows's performance objects that have one instance only, and so no dimension for it.
const SINGLE_OBJECTS: [&str; 2] = ["Memory", "System"];
/// Collectors of applications, whose metrics nobody knows beforehand.
const OF_APPLICATIONS: [&str; 9] =
    ["collectd", "efa", "ethtool", "jmx", "nvidia_gpu", "otlp", "procstat", "prometheus", "statsd"];

/// One log that a configuration names.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    /// The file, or the Windows event log.
    pub(super) from: String,
    /// The group, with its placeholders.
    pub(super) group: String,
    /// The stream, with its placeholders; `None` = the agent's default.
    pub(super) stream: Option<String>,
    /// Days, where the configuration sets them.
    pub(super) retention: Option<i32>,
    /// What is in it.
    pub(super) line: Line,
}

/// Reads, checks and merges configurations. No configuration at all is an empty one.
pub(super) fn merge<'a>(files: impl Iterator<Item = &'a [u8]>) -> Result<Value, String> {
    let mut merged = Value::Null;
    for bytes in files {
        let next: Value = serde_json::from_slice(bytes).map_err(|error| {
            format!("E! Failed to generate the merged config: unable to parse json, error: {error}")
        })?;
        join(&mut merged, next, "")?;
    }
    if merged.is_null() { Ok(merged) } else { valid(&merged).map(|()| merged) }
}

fn join(into: &mut Value, next: Value, path: &str) -> Result<(), String> {
    match (&mut *into, next) {
        (Value::Null, next) => *into = next,
        (Value::Object(into), Value::Object(next)) => {
            for (key, value) in next {
                join(into.entry(key.clone()).or_insert(Value::Null), value, &format!("{path}/{key}"))?;
            }
        }
        (Value::Array(into), Value::Array(next)) => {
            for item in next {
                if !into.contains(&item) {
                    into.push(item);
                }
            }
        }
        (same, next) if *same == next => {}
        _ => {
            let key = path.rsplit('/').next().unwrap_or_default();
            return Err(format!(
                "Under path : {path}/ | Error : Different values are specified for {key}\nE! Failed to merge multiple json config files."
            ));
        }
    }
    Ok(())
}

fn valid(config: &Value) -> Result<(), String> {
    const REFUSED: &str = "E! Invalid Json input schema.";
    let sections = config.as_object().ok_or(REFUSED)?;
    let named =
        |section: &str| sections.get(section).map(|value| value.as_object().ok_or(REFUSED)).transpose();
    let metrics = named("metrics")?;
    let logs = named("logs")?;
    let traces = named("traces")?;
    named("agent")?;
    let has = |section: &Map<String, Value>, member: &str| {
        section.get(member).and_then(Value::as_object).is_some_and(|members| !members.is_empty())
    };
    let good = metrics.is_none_or(|metrics| has(metrics, "metrics_collected"))
        && logs.is_none_or(|logs| has(logs, "logs_collected") || has(logs, "metrics_collected"))
        && traces.is_none_or(|traces| has(traces, "traces_collected"))
        && (metrics.is_some() || logs.is_some() || traces.is_some());
    if !good {
        return Err(REFUSED.to_owned());
    }
    let nameless = |entry: &Value| entry.get("file_path").and_then(Value::as_str).is_none_or(str::is_empty);
    if list(config, "files").iter().any(nameless) { Err(REFUSED.to_owned()) } else { Ok(()) }
}

/// The logs that an agent with a merged configuration collects on a machine of this platform.
pub(super) fn entries(config: &Value, platform: Platform) -> Vec<Entry> {
    let default_stream = config.pointer("/logs/log_stream_name").and_then(Value::as_str);
    let files = list(config, "files").iter().map(|entry| (entry, "file_path"));
    let events = list(config, "windows_events").iter().map(|entry| (entry, "event_name"));
    files
        .filter(|(entry, _)| files::is_there(entry.get("file_path"), platform))
        .chain(events.filter(|_| platform == Platform::Windows))
        .filter_map(|(entry, member)| {
            let text = |name: &str| entry.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
            let from = text(member)?;
            // The default group is the path up to its final dot.
            let stem = from.rsplit_once('.').map_or(from, |(stem, _)| stem);
            let days = entry.get("retention_in_days").and_then(Value::as_i64).filter(|days| *days > 0);
            Some(Entry {
                from: from.to_owned(),
                group: text("log_group_name").unwrap_or(stem).to_owned(),
                stream: text("log_stream_name").or(default_stream).map(str::to_owned),
                retention: days.and_then(|days| i32::try_from(days).ok()),
                line: if member == "event_name" { Line::WindowsEvent } else { line(from) },
            })
        })
        .collect()
}

fn list<'a>(config: &'a Value, source: &str) -> &'a [Value] {
    let found = config.pointer(&format!("/logs/logs_collected/{source}/collect_list"));
    found.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The metrics that an agent with a merged configuration sends from a machine of this platform.
pub(super) fn emission(config: &Value, platform: Platform) -> Option<Emission> {
    let section = config.get("metrics")?;
    if section.get("metrics_destinations").is_some_and(|to| to.get("cloudwatch").is_none()) {
        return None;
    }
    let collected = section.get("metrics_collected")?.as_object()?;
    let metrics: Vec<(String, Dimensions)> = collected
        .iter()
        .flat_map(|(collector, settings)| {
            let named = own_dimensions(collector, platform);
            let names = settings.get("measurement").and_then(Value::as_array).into_iter().flatten();
            names.filter_map(move |measurement| {
                Some((metric_name(collector, measurement, platform)?, named.clone()?))
            })
        })
        .collect();
    let interval = config.pointer("/agent/metrics_collection_interval").and_then(Value::as_i64);
    let appended = section.get("append_dimensions").and_then(Value::as_object);
    (!metrics.is_empty()).then(|| Emission {
        namespace: section.get("namespace").and_then(Value::as_str).unwrap_or("CWAgent").to_owned(),
        appended: appended.map(|appended| appended.keys().cloned().collect()).unwrap_or_default(),
        every: SignedDuration::from_secs(interval.unwrap_or(INTERVAL).max(1)),
        metrics,
    })
}

/// The dimensions that a collector's metrics carry by themselves; `None` where the platform has no such collector.
fn own_dimensions(collector: &str, platform: Platform) -> Option<Dimensions> {
    let one = |(name, value): (&str, &str)| Dimensions::from([(name.to_owned(), value.to_owned())]);
    let known = COLLECTORS.iter().find(|(name, _)| *name == collector);
    match (platform, known) {
        (Platform::Windows, None) if !OF_APPLICATIONS.contains(&collector) => {
            let mut dimensions = one(("objectname", collector));
            if !SINGLE_OBJECTS.contains(&collector) {
                dimensions.extend(one(("instance", "_Total")));
            }
            Some(dimensions)
        }
        (Platform::Linux | Platform::MacOs, Some((_, dimension))) => {
            Some(dimension.map(one).unwrap_or_default())
        }
        _ => None,
    }
}

/// `usage_idle` of `cpu` is sent as `cpu_usage_idle`; on Windows the object, a space, and the counter.
fn metric_name(collector: &str, measurement: &Value, platform: Platform) -> Option<String> {
    let name = measurement.as_str().or_else(|| measurement.get("name")?.as_str())?;
    if let Some(renamed) = measurement.get("rename").and_then(Value::as_str) {
        return Some(renamed.to_owned());
    }
    if platform == Platform::Windows {
        return Some(format!("{collector} {name}"));
    }
    let bare = name.strip_prefix(collector).and_then(|rest| rest.strip_prefix('_')).unwrap_or(name);
    Some(format!("{collector}_{bare}"))
}

/// What a log contains, judged by its file's path.
fn line(path: &str) -> Line {
    let path = path.to_ascii_lowercase();
    if path.contains("access") {
        Line::WebAccess
    } else if path.contains("error") {
        Line::WebError
    } else if ["messages", "syslog", "secure", "system"].iter().any(|word| path.contains(word)) {
        Line::System
    } else {
        Line::Application
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_translator_takes() {
        let cases: [(&[&str], bool); 8] = [
            (&[], true),
            (&["{"], false),
            (&["[]"], false),
            (&[r#"{"agent":{}}"#], false),
            (&[r#"{"metrics":{}}"#], false),
            (&[r#"{"metrics":{"metrics_collected":{"cpu":{}}}}"#], true),
            (&[r#"{"logs":{"logs_collected":{"files":{"collect_list":[{}]}}}}"#], false),
            (
                &[
                    r#"{"metrics":{"namespace":"A","metrics_collected":{"cpu":{}}}}"#,
                    r#"{"metrics":{"namespace":"B"}}"#,
                ],
                false,
            ),
        ];
        for (files, taken) in cases {
            assert_eq!(merge(files.iter().map(|text| text.as_bytes())).is_ok(), taken, "{files:?}");
        }
    }

    #[test]
    fn the_logs_a_configuration_names() {
        let config = serde_json::json!({ "logs": { "log_stream_name": "all", "logs_collected": {
            "files": { "collect_list": [
                { "file_path": "/var/log/httpd/access_log", "log_group_name": "web", "log_stream_name": "{instance_id}" },
                { "file_path": "/opt/app/application.log", "retention_in_days": 30 },
            ] },
            "windows_events": { "collect_list": [{ "event_name": "System", "log_group_name": "w" }] },
        } } });
        let found: Vec<Entry> = [Platform::Linux, Platform::Windows]
            .into_iter()
            .flat_map(|system| entries(&config, system))
            .collect();
        let short: Vec<_> = found
            .iter()
            .map(|entry| (entry.group.as_str(), entry.stream.as_deref(), entry.retention, &entry.line))
            .collect();
        assert_eq!(
            short,
            [
                ("web", Some("{instance_id}"), None, &Line::WebAccess),
                ("/opt/app/application", Some("all"), Some(30), &Line::Application),
                ("w", Some("all"), None, &Line::WindowsEvent),
            ]
        );
    }
}
