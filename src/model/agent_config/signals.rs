//! What a configuration promises: the telemetry that a node which runs it sends, as far as AWS can be asked for it.
//!
//! Only what can be named beforehand is promised. A log goes into a group and a stream; of the metrics one is
//! chosen to stand for all, since an agent that sends one sends them all. Traces, StatsD, collectd and Prometheus
//! carry names that only the applications know. Nothing here refuses a configuration: the checks are elsewhere.

use std::sync::Arc;

use serde_json::Value;

use crate::model::desired::Platform;
use crate::model::observed::MetricKey;

/// The namespace of metrics where the configuration names none.
const DEFAULT_NAMESPACE: &str = "CWAgent";

/// The collectors of Linux and macOS, the ones with the fewest series per machine first: a listing of metrics has
/// a row for each series, and costs by rows. Of each, whether its metrics begin with its name is the agent's rule.
const COLLECTORS: [&str; 8] = ["mem", "swap", "processes", "netstat", "cpu", "net", "diskio", "disk"];

/// Performance objects of Windows with one instance each: they come first, for the same reason.
const WINDOWS_FIRST: [&str; 4] = ["Memory", "System", "Paging File", "Processor"];

/// Collectors that are none of Windows's performance objects, wherever they stand.
const NO_OBJECTS: [&str; 10] = [
    "collectd",
    "ethtool",
    "efa",
    "jmx",
    "nvidia_gpu",
    "otlp",
    "procstat",
    "prometheus",
    "statsd",
    "application_signals",
];

/// All that a configuration promises of a node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Signals {
    /// The logs, in the order of the text.
    pub logs: Vec<LogSignal>,
    /// At most one metric for Linux and macOS, and one for Windows.
    pub metrics: Vec<MetricSignal>,
    /// The sources of traces, such as `xray`.
    pub traces: Vec<Arc<str>>,
}

/// One log that a node sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogSignal {
    /// The file, Windows event log, or `journald`.
    pub from: Arc<str>,
    /// The log group, placeholders as written.
    pub group: Arc<str>,
    /// The stream, placeholders as written; `None` = the agent's default.
    stream: Option<Arc<str>>,
    /// Whether the agent makes a stream of its own for each file.
    splits: bool,
    system: Option<System>,
}

/// One metric that a node sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetricSignal {
    /// The namespace.
    pub namespace: Arc<str>,
    /// The metric, such as `mem_used_percent`.
    pub metric: Arc<str>,
    /// The dimension that names the node, `InstanceId` or `host`; or why none does.
    pub dimension: Result<Arc<str>, Unnamed>,
    system: System,
}

/// Why something cannot be asked for by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unnamed {
    /// A placeholder whose value only the machine knows.
    #[error("the name holds a placeholder that only the machine can fill in")]
    Placeholder,
    /// The stream's name changes from day to day.
    #[error("the stream's name holds the date")]
    Dated,
    /// `publish_multi_logs`.
    #[error("the agent makes a stream of its own for each file (publish_multi_logs)")]
    OneForEachFile,
    /// SSM has not told the machine's name.
    #[error("the machine's own name is not known")]
    NoHostName,
    /// No dimension names the node.
    #[error("no dimension of its metrics names the node (append_dimensions, omit_hostname)")]
    NoDimension,
    /// Machines outside EC2 have no instance id.
    #[error("a machine outside EC2 has no instance id")]
    NoInstanceId,
}

/// The two families of systems, which collect in different ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum System {
    Unix,
    Windows,
}

impl System {
    const fn of(platform: Platform) -> Self {
        match platform {
            Platform::Windows => Self::Windows,
            Platform::Linux | Platform::MacOs => Self::Unix,
        }
    }
}

/// What the configuration with this text promises. Text that is no configuration promises nothing.
pub fn signals(text: &str) -> Signals {
    let Ok(config) = serde_json::from_str::<Value>(text) else { return Signals::default() };
    let logs = [("files", "file_path", None), ("windows_events", "event_name", Some(System::Windows))];
    let logs = logs.into_iter().flat_map(|(source, from, system)| logs_of(&config, source, from, system));
    let journal = logs_of(&config, "journald", "", Some(System::Unix));
    let metrics = [System::Unix, System::Windows].into_iter().filter_map(|system| metric_of(&config, system));
    let traces = config.pointer("/traces/traces_collected").and_then(Value::as_object);
    let traces = traces.into_iter().flat_map(|sources| sources.keys()).map(|source| source.as_str().into());
    Signals { logs: logs.chain(journal).collect(), metrics: metrics.collect(), traces: traces.collect() }
}

fn logs_of(config: &Value, source: &str, from: &str, system: Option<System>) -> Vec<LogSignal> {
    let default_stream = config.pointer("/logs/log_stream_name").and_then(Value::as_str);
    let list = config.pointer(&format!("/logs/logs_collected/{source}/collect_list"));
    let entries = list.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let signal = |entry: &Value| {
        let text = |name: &str| entry.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        let from = if from.is_empty() { source } else { text(from)? };
        // Only a file has a default group: its path up to the last dot.
        let stem = (source == "files").then(|| from.rsplit_once('.').map_or(from, |(stem, _)| stem));
        Some(LogSignal {
            from: from.into(),
            group: text("log_group_name").or(stem)?.into(),
            stream: text("log_stream_name").or(default_stream).map(Into::into),
            splits: entry.get("publish_multi_logs").and_then(Value::as_bool) == Some(true),
            system,
        })
    };
    entries.iter().filter_map(signal).collect()
}

fn metric_of(config: &Value, system: System) -> Option<MetricSignal> {
    let metrics = config.get("metrics")?;
    // Metrics that go to Prometheus only are not in CloudWatch.
    if metrics.get("metrics_destinations").is_some_and(|to| to.get("cloudwatch").is_none()) {
        return None;
    }
    let collected = metrics.get("metrics_collected")?.as_object()?;
    let metric = match system {
        System::Unix => COLLECTORS.iter().find_map(|name| unix_metric(name, collected.get(*name)?))?,
        System::Windows => {
            let first = WINDOWS_FIRST.iter().filter_map(|name| Some((*name, collected.get(*name)?)));
            let others = collected.iter().map(|(name, object)| (name.as_str(), object));
            let is_object = |name: &str| !COLLECTORS.contains(&name) && !NO_OBJECTS.contains(&name);
            first
                .chain(others.filter(|(name, _)| is_object(name)))
                .find_map(|(name, object)| windows_metric(name, object))?
        }
    };
    let namespace = metrics.get("namespace").and_then(Value::as_str).unwrap_or(DEFAULT_NAMESPACE);
    let dimension = dimension(config, metrics);
    Some(MetricSignal { namespace: namespace.into(), metric: metric.into(), dimension, system })
}

/// The measurements of a collector that are sent machine by machine: their names, and what they are renamed to.
fn measurements(collector: &Value) -> impl Iterator<Item = (&str, Option<&str>)> {
    let dropped = collector.get("drop_original_metrics").and_then(Value::as_array);
    let all = collector.get("measurement").and_then(Value::as_array).into_iter().flatten();
    let named = all.filter_map(|measurement| match measurement {
        Value::String(name) => Some((name.as_str(), None)),
        other => Some((other.get("name")?.as_str()?, other.get("rename").and_then(Value::as_str))),
    });
    named.filter(move |(name, _)| !dropped.is_some_and(|dropped| dropped.iter().any(|each| each == name)))
}

/// On Linux and macOS the collector's name stands before the measurement's, once.
fn unix_metric(collector: &str, settings: &Value) -> Option<String> {
    let (name, renamed) = measurements(settings).next()?;
    let prefix = format!("{collector}_");
    let full = if name.starts_with(&prefix) { name.to_owned() } else { prefix + name };
    Some(renamed.map_or(full, str::to_owned))
}

/// On Windows a metric is the object's name, a space, and the counter's.
fn windows_metric(object: &str, settings: &Value) -> Option<String> {
    let (name, renamed) = measurements(settings).next()?;
    Some(renamed.map_or_else(|| format!("{object} {name}"), str::to_owned))
}

/// `host` is a dimension unless `append_dimensions` puts others in its place (agent's documentation, "metrics").
fn dimension(config: &Value, metrics: &Value) -> Result<Arc<str>, Unnamed> {
    match metrics.get("append_dimensions").and_then(Value::as_object) {
        Some(appended) if appended.contains_key("InstanceId") => Ok("InstanceId".into()),
        Some(appended) if !appended.is_empty() => Err(Unnamed::NoDimension),
        _ if config.pointer("/agent/omit_hostname").and_then(Value::as_bool) == Some(true) => {
            Err(Unnamed::NoDimension)
        }
        _ => Ok("host".into()),
    }
}

impl LogSignal {
    /// Whether an agent on `platform` collects it.
    pub fn applies_to(&self, platform: Platform) -> bool {
        self.system.is_none_or(|system| system == System::of(platform))
    }

    /// The group's name, when it is the same for every node.
    ///
    /// # Errors
    /// When it has placeholders: then each node has a group of its own, which nobody asks for one by one.
    pub fn group(&self) -> Result<&Arc<str>, Unnamed> {
        if self.group.contains('{') { Err(Unnamed::Placeholder) } else { Ok(&self.group) }
    }

    /// The name of the stream that node `id` writes into, where SSM knows the machine as `hostname`.
    ///
    /// # Errors
    /// Why the name cannot be told.
    pub fn stream_on(&self, id: &Arc<str>, hostname: &str) -> Result<Arc<str>, Unnamed> {
        if self.splits {
            return Err(Unnamed::OneForEachFile);
        }
        let template = self.template(id);
        // The common case, and without a copy: a hundred thousand nodes share their ids.
        if template == "{instance_id}" && !is_on_premises(id) {
            return Ok(id.clone());
        }
        let mut name = template.to_owned();
        if name.contains("{instance_id}") {
            if is_on_premises(id) {
                return Err(Unnamed::NoInstanceId);
            }
            name = name.replace("{instance_id}", id);
        }
        if names_host(&name) {
            if hostname.is_empty() {
                return Err(Unnamed::NoHostName);
            }
            name = name.replace("{hostname}", hostname).replace("{local_hostname}", hostname);
        }
        match () {
            () if name.contains("{date}") => Err(Unnamed::Dated),
            () if name.contains('{') => Err(Unnamed::Placeholder),
            () => Ok(name.into()),
        }
    }

    /// Whether the stream's name rests on the machine's own name. SSM and the agent may spell that differently
    /// (in EC2 the agent takes it from the instance's metadata), so events under it prove arrival, and none prove
    /// nothing.
    pub fn is_guess(&self, id: &str) -> bool {
        names_host(self.template(id))
    }

    fn template(&self, id: &str) -> &str {
        let default = if is_on_premises(id) { "{hostname}" } else { "{instance_id}" };
        self.stream.as_deref().unwrap_or(default)
    }
}

impl MetricSignal {
    /// Whether an agent on `platform` collects it.
    pub fn applies_to(&self, platform: Platform) -> bool {
        self.system == System::of(platform)
    }

    /// What to ask for.
    ///
    /// # Errors
    /// When no dimension names the node.
    pub fn key(&self) -> Result<MetricKey, Unnamed> {
        let dimension = self.dimension.clone()?;
        Ok(MetricKey { namespace: self.namespace.clone(), metric: self.metric.clone(), dimension })
    }

    /// The dimension's value for node `id`, where SSM knows the machine as `hostname`.
    ///
    /// # Errors
    /// Why it cannot be told.
    pub fn value_on(&self, id: &Arc<str>, hostname: &str) -> Result<Arc<str>, Unnamed> {
        match &*self.dimension.clone()? {
            "InstanceId" if is_on_premises(id) => Err(Unnamed::NoInstanceId),
            "InstanceId" => Ok(id.clone()),
            _ if hostname.is_empty() => Err(Unnamed::NoHostName),
            _ => Ok(hostname.into()),
        }
    }

    /// Whether the dimension's value rests on the machine's own name: see [`LogSignal::is_guess`].
    pub fn is_guess(&self) -> bool {
        self.dimension.as_deref() == Ok("host")
    }
}

fn is_on_premises(id: &str) -> bool {
    id.starts_with("mi-")
}

fn names_host(template: &str) -> bool {
    template.contains("{hostname}") || template.contains("{local_hostname}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NODE: &str = "i-0123456789abcdef0";
    const MACHINE: &str = "mi-0123456789abcdef0";

    fn files(entries: &Value) -> Signals {
        signals(
            &json!({ "logs": { "logs_collected": { "files": { "collect_list": entries } } } }).to_string(),
        )
    }

    #[test]
    fn streams_have_their_names() {
        let cases: [(Value, &str, Result<&str, Unnamed>); 11] = [
            (json!({}), NODE, Ok(NODE)),
            (json!({}), MACHINE, Ok("web-1")),
            (json!({ "log_stream_name": "{instance_id}" }), NODE, Ok(NODE)),
            (json!({ "log_stream_name": "{instance_id}" }), MACHINE, Err(Unnamed::NoInstanceId)),
            (json!({ "log_stream_name": "{hostname}/a" }), NODE, Ok("web-1/a")),
            (json!({ "log_stream_name": "{local_hostname}" }), MACHINE, Ok("web-1")),
            (json!({ "log_stream_name": "fixed" }), NODE, Ok("fixed")),
            (json!({ "log_stream_name": "{ip_address}" }), NODE, Err(Unnamed::Placeholder)),
            (json!({ "log_stream_name": "{instance_id}-{date}" }), NODE, Err(Unnamed::Dated)),
            (json!({ "publish_multi_logs": true }), NODE, Err(Unnamed::OneForEachFile)),
            (json!({ "log_stream_name": "" }), NODE, Ok(NODE)),
        ];
        for (mut entry, id, expected) in cases {
            entry["file_path"] = json!("/var/log/a.log");
            let found = files(&json!([entry]));
            let name = found.logs[0].stream_on(&id.into(), "web-1");
            assert_eq!(name.as_deref(), expected.as_ref().copied(), "{entry}");
        }
    }

    #[test]
    fn groups_have_their_defaults() {
        let found = files(&json!([
            { "file_path": "/var/log/a.b.log" },
            { "file_path": "/var/log/messages", "log_group_name": "system" },
            { "file_path": "/x", "log_group_name": "{instance_id}" },
            { "log_group_name": "nothing is collected" },
        ]));
        let groups: Vec<_> = found.logs.iter().map(|log| log.group().map(|group| &**group)).collect();
        assert_eq!(groups, [Ok("/var/log/a.b"), Ok("system"), Err(Unnamed::Placeholder)]);
    }

    #[test]
    fn a_platform_sends_only_what_it_collects() {
        let found = signals(
            &json!({ "logs": { "logs_collected": {
                "files": { "collect_list": [{ "file_path": "f.log" }] },
                "windows_events": { "collect_list": [{ "event_name": "System", "log_group_name": "w" }] },
                "journald": { "collect_list": [{ "log_group_name": "j" }, {}] },
            } } })
            .to_string(),
        );
        let on = |platform| {
            let logs = found.logs.iter().filter(|log| log.applies_to(platform));
            logs.map(|log| &*log.from).collect::<Vec<_>>()
        };
        assert_eq!(on(Platform::Linux), ["f.log", "journald"]);
        assert_eq!(on(Platform::Windows), ["f.log", "System"]);
    }

    #[test]
    fn one_metric_stands_for_all() {
        let cpu = json!({ "measurement": ["usage_idle"] });
        let memory = json!({ "measurement": [{ "name": "% Committed Bytes In Use" }] });
        type Told<'a> = Option<(&'a str, Result<&'a str, Unnamed>)>;
        let cases: [(Value, Told<'_>); 9] = [
            (json!({ "metrics_collected": { "cpu": cpu } }), Some(("CWAgent cpu_usage_idle", Ok("host")))),
            (
                json!({ "namespace": "N", "append_dimensions": { "InstanceId": "${aws:InstanceId}" },
                    "metrics_collected": { "cpu": cpu, "mem": { "measurement": ["mem_used_percent"] } } }),
                Some(("N mem_used_percent", Ok("InstanceId"))),
            ),
            (
                json!({ "append_dimensions": { "ImageId": "${aws:ImageId}" }, "metrics_collected": { "cpu": cpu } }),
                Some(("CWAgent cpu_usage_idle", Err(Unnamed::NoDimension))),
            ),
            (
                json!({ "metrics_collected": { "Memory": memory, "LogicalDisk": { "measurement": ["a"] } } }),
                Some(("CWAgent Memory % Committed Bytes In Use", Ok("host"))),
            ),
            (
                json!({ "metrics_collected": { "mem": { "measurement": [{ "name": "used", "rename": "mine" }] } } }),
                Some(("CWAgent mine", Ok("host"))),
            ),
            (
                json!({ "metrics_collected": {
                    "mem": { "measurement": ["used"], "drop_original_metrics": ["used"] }, "cpu": cpu } }),
                Some(("CWAgent cpu_usage_idle", Ok("host"))),
            ),
            (json!({ "metrics_collected": { "statsd": {} } }), None),
            (json!({ "metrics_destinations": { "amp": {} }, "metrics_collected": { "cpu": cpu } }), None),
            (json!({ "metrics_collected": {} }), None),
        ];
        for (metrics, expected) in cases {
            let found = signals(&json!({ "metrics": metrics }).to_string());
            let found = found.metrics.first().map(|signal| {
                let name = format!("{} {}", signal.namespace, signal.metric);
                (name, signal.dimension.clone())
            });
            let found = found.as_ref().map(|(name, dimension)| (name.as_str(), dimension.as_deref()));
            let expected = expected.as_ref().map(|(name, dimension)| (*name, dimension.as_ref().copied()));
            assert_eq!(found, expected, "{metrics}");
        }
    }

    #[test]
    fn what_is_no_configuration_promises_nothing() {
        for text in ["", "[]", "{", "{\"logs\":1,\"metrics\":[]}"] {
            assert_eq!(signals(text), Signals::default(), "{text}");
        }
    }
}
