//! What nodes send: metrics, logs by file, traces.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use super::{Category, Line, Signal};
use crate::model::agent_config::signals::{LogSignal, MetricSignal, Signals, signals};
use crate::model::desired::{CloudWatchAgent, Kind, ObjectRef, Platform, Spec};
use crate::model::explain::platform;
use crate::model::observed::{Arrival, InstanceState, Reading};
use crate::model::picture::{Condition, Part};
use crate::model::plan::Known;
use crate::model::reason::Reason;

/// Why nothing is wanted of most nodes: said of many, so made once.
static COLLECTS_NONE: LazyLock<Arc<str>> = LazyLock::new(|| "its configuration collects none".into());

/// What each configuration promises, by its object's name: read once for all nodes.
pub(super) type Promises = BTreeMap<Arc<str>, Promise>;

/// What one configuration promises.
pub(super) struct Promise {
    /// Each metric with what people call it.
    metrics: Vec<(MetricSignal, Arc<str>)>,
    logs: Vec<LogSignal>,
    traces: Vec<Arc<str>>,
}

/// What the configurations promise.
pub(super) fn promises(known: &Known<'_>) -> Promises {
    let configs = known.desired.of_kind(Kind::AgentConfig);
    let promised = configs.filter_map(|object| match &object.spec {
        Spec::AgentConfig(config) => Some((object.id.name.clone(), Promise::of(signals(&config.content)))),
        _ => None,
    });
    promised.collect()
}

impl Promise {
    fn of(signals: Signals) -> Self {
        let Signals { logs, metrics, traces } = signals;
        let named = |metric: MetricSignal| {
            let name = format!("{} {}", metric.namespace, metric.metric).into();
            (metric, name)
        };
        Self { metrics: metrics.into_iter().map(named).collect(), logs, traces }
    }
}

/// The signals of one node: metrics, logs, traces. A machine that does not run sends nothing, and nobody expects it to.
pub(super) fn lines(known: &Known<'_>, promises: &Promises, part: &Part, lines: [&mut Vec<Line>; 3]) {
    let instance = known.observed.instances.get(&part.id);
    if instance.is_some_and(|instance| instance.state != InstanceState::Running) {
        return;
    }
    let sending = sending(known, promises, part);
    for (category, lines) in [Category::Metrics, Category::Logs, Category::Traces].into_iter().zip(lines) {
        let before = lines.len();
        let why = match &sending {
            Ok(sending) => {
                sending.add(category, lines);
                COLLECTS_NONE.clone()
            }
            Err(why) => (*why).into(),
        };
        if lines.len() == before {
            lines.push(Line { why, ..line(part, category, Arc::default(), Signal::NotWanted) });
        }
    }
}

/// A node that should send something.
struct Sending<'a> {
    known: &'a Known<'a>,
    part: &'a Part,
    platform: Platform,
    host: &'a str,
    promise: &'a Promise,
}

/// Why nothing is wanted of a node, in a few words.
type NotWanted = &'static str;

fn sending<'a>(
    known: &'a Known<'a>,
    promises: &'a Promises,
    part: &'a Part,
) -> Result<Sending<'a>, NotWanted> {
    let mut agents = part.objects.iter().filter_map(|id| agent(known, id));
    let agent = agents.next().ok_or("no CloudWatchAgent document selects it")?;
    let platform = platform(known, &part.id);
    let choice = agent.config.as_ref().ok_or("its document removes the agent")?;
    let name = choice.for_node(platform, part.id.starts_with("mi-"));
    let name = name.ok_or("its document has no configuration for its platform")?;
    let promise = promises.get(name).ok_or("its configuration has mistakes")?;
    let host = known.observed.nodes.get(&part.id).map_or("", |node| &*node.computer_name);
    Ok(Sending { known, part, platform, host, promise })
}

fn agent<'a>(known: &Known<'a>, id: &ObjectRef) -> Option<&'a CloudWatchAgent> {
    match &known.desired.get(id)?.spec {
        Spec::CloudWatchAgent(agent) => Some(agent),
        _ => None,
    }
}

impl Sending<'_> {
    fn add(&self, category: Category, lines: &mut Vec<Line>) {
        let Promise { metrics, logs, traces } = self.promise;
        match category {
            Category::Metrics => {
                lines.extend(metrics.iter().filter_map(|(metric, name)| self.metric(metric, name)));
            }
            Category::Logs => lines.extend(logs.iter().filter_map(|log| self.log(log))),
            Category::Traces => lines.extend(traces.iter().map(|source| self.trace(source))),
            Category::FlowLogs => {}
        }
    }

    fn metric(&self, metric: &MetricSignal, name: &Arc<str>) -> Option<Line> {
        if !metric.applies_to(self.platform) {
            return None;
        }
        let what = name.clone();
        let asked = metric.key().and_then(|key| Ok((key, metric.value_on(&self.part.id, self.host)?)));
        let (key, value) = match asked {
            Ok(asked) => asked,
            Err(why) => return Some(self.untold(Category::Metrics, what, &why.to_string())),
        };
        let observed = self.known.observed;
        Some(match observed.sends_metric(&key, &value) {
            Some(true) => line(self.part, Category::Metrics, what, Signal::Arriving),
            Some(false) if metric.is_guess() => {
                let why = "the machine's name in CloudWatch may differ from the one that SSM tells";
                self.untold(Category::Metrics, what, why)
            }
            Some(false) => self.silent(Category::Metrics, what, "not seen in the last three hours"),
            None => {
                let why = match observed.active_metrics.get(&key) {
                    Some(Reading::Unknown { why, .. }) => format!("{} failed with {why}", why.call),
                    _ => "not read yet".to_owned(),
                };
                self.untold(Category::Metrics, what, &why)
            }
        })
    }

    fn log(&self, log: &LogSignal) -> Option<Line> {
        if !log.applies_to(self.platform) {
            return None;
        }
        let what = log.from.clone();
        let asked = log.group().and_then(|group| Ok((group, log.stream_on(&self.part.id, self.host)?)));
        let (group, stream) = match asked {
            Ok(asked) => asked,
            Err(why) => return Some(self.untold(Category::Logs, what, &why.to_string())),
        };
        Some(match self.known.observed.arrival(group, &stream) {
            Arrival::At(_) => line(self.part, Category::Logs, what, Signal::Arriving),
            Arrival::NoneSince(at) => {
                let why = format!("no event since {at:.0}: it may be quiet");
                self.untold(Category::Logs, what, &why)
            }
            Arrival::Unknown(why) => {
                self.untold(Category::Logs, what, &format!("{} failed with {why}", why.call))
            }
            Arrival::NotAsked => self.untold(Category::Logs, what, "not read yet"),
        })
    }

    /// Applications send traces, or do not; the agent only passes them on, and Watchkeeper does not read them.
    fn trace(&self, source: &Arc<str>) -> Line {
        self.untold(
            Category::Traces,
            source.clone(),
            "collected by its configuration; whether any come is not read",
        )
    }

    /// What cannot be told of a sound node is missing on one that is not.
    fn untold(&self, category: Category, what: Arc<str>, why: &str) -> Line {
        match self.trouble() {
            Some(reason) => self.missing(category, what, reason, &self.part.message),
            None => Line { why: why.into(), ..line(self.part, category, what, Signal::Unknown) },
        }
    }

    fn silent(&self, category: Category, what: Arc<str>, why: &str) -> Line {
        match self.trouble() {
            Some(reason) => self.missing(category, what, reason, &self.part.message),
            None => self.missing(category, what, Reason::TelemetryMissing, why),
        }
    }

    fn missing(&self, category: Category, what: Arc<str>, reason: Reason, why: &str) -> Line {
        let reason = Some(reason);
        Line { reason, why: why.into(), ..line(self.part, category, what, Signal::Missing) }
    }

    /// Why the node cannot be expected to send.
    fn trouble(&self) -> Option<Reason> {
        let Part { condition, reason, .. } = self.part;
        match condition {
            Condition::Ready | Condition::Unmanaged | Condition::Unknown => None,
            Condition::Reconciling if *reason == Reason::AwaitingTelemetry => None,
            Condition::Reconciling | Condition::Held | Condition::Stalled => Some(*reason),
        }
    }
}

fn line(part: &Part, category: Category, what: Arc<str>, signal: Signal) -> Line {
    Line { id: part.id.clone(), sort: part.sort, category, what, signal, reason: None, why: Arc::default() }
}
