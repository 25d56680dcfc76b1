//! Where to look whether the agents' telemetry arrives: which streams of which groups, and which metrics.
//!
//! What is asked follows from the documents, the nodes that they select, and what the configurations promise. In
//! steady state every group and every metric is read every [`ages::ARRIVALS`]; sooner while a node that was just
//! configured or started has not been seen to send. Nothing that no document selects is ever asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::records::Records;
use super::{Asked, ages};
use crate::model::action::Step;
use crate::model::agent_config::signals::{Signals, signals};
use crate::model::desired::{CloudWatchAgent, Kind, Management, ObjectRef, Platform, Spec};
use crate::model::observed::{
    Arrival, InstanceState, LOOK_BACK, ManagedNode, MetricKey, Observed, OnNode, Reading,
};
use crate::model::plan::{Known, applies};
use crate::model::question::Question;
use crate::model::tags::Tags;

/// How long after its last step a node is waited for. An agent that has sent nothing by then will not soon.
const AWAITED_FOR: SignedDuration = SignedDuration::from_mins(20);
/// The most streams that are read event by event: what one `FilterLogEvents` may name (API reference). More cost
/// one query.
const STREAMS_READ: usize = 100;
/// How late events may come in. A reading that follows another looks back this much further.
const LATE: SignedDuration = SignedDuration::from_mins(15);
/// The class of groups that only queries can read.
const QUERIED_CLASS: &str = "INFREQUENT_ACCESS";

/// An agent's document, with what its configurations promise, by name.
struct Promise<'a> {
    agent: &'a CloudWatchAgent,
    signals: BTreeMap<&'a str, Signals>,
}

/// One selected node.
struct Selected<'a> {
    node: &'a ManagedNode,
    platform: Platform,
    signals: &'a Signals,
}

impl<'a> Asked<'a> {
    /// What tells whether telemetry arrives.
    pub(super) fn telemetry(&mut self) {
        let known = self.known;
        let promises = promises(&known);
        let recent = recent(&known);
        let records = self.flow_records();
        let groups = self.due_groups(&promises, &records, &recent);
        self.ask_groups(&promises, records, groups);
        self.ask_metrics(&promises, &recent);
    }

    /// The groups whose streams are worth reading now. Asks for what must be known of a group before.
    fn due_groups(
        &mut self,
        promises: &[Promise<'_>],
        records: &BTreeMap<Arc<str>, Records>,
        recent: &BTreeMap<&str, Timestamp>,
    ) -> BTreeSet<Arc<str>> {
        let Known { observed, now, .. } = self.known;
        let mut due = BTreeSet::new();
        let mut soon = BTreeSet::new();
        let mut named = named_groups(promises);
        named.extend(records.keys().cloned());
        for group in named {
            let class = observed.log_groups.get(&group).unwrap_or(&Reading::NotAsked);
            let awaits_records = records.get(&group).is_some_and(|records| records.is_awaited);
            let is_awaited = awaits_records || !recent.is_empty();
            let age =
                if class.is_absent() && is_awaited { ages::AWAITED_ARRIVALS } else { ages::GROUP_CLASS };
            self.due_in(&observed.log_groups, &group, age, Question::LogGroup);
            if class.known().is_none() {
                continue;
            }
            let reading = observed.group_arrivals.get(&group).unwrap_or(&Reading::NotAsked);
            if reading.is_due(now, if awaits_records { ages::AWAITED_ARRIVALS } else { ages::ARRIVALS }) {
                due.insert(group);
            } else if reading.is_due(now, ages::AWAITED_ARRIVALS) {
                soon.insert(group);
            }
        }
        if !recent.is_empty() && !soon.is_empty() {
            due.extend(awaited_groups(&self.known, promises, recent, &soon));
        }
        due
    }

    fn ask_groups(
        &mut self,
        promises: &[Promise<'_>],
        mut records: BTreeMap<Arc<str>, Records>,
        groups: BTreeSet<Arc<str>>,
    ) {
        let Known { observed, now, .. } = self.known;
        let mut streams: BTreeMap<Arc<str>, BTreeSet<Arc<str>>> =
            groups.into_iter().map(|group| (group, BTreeSet::new())).collect();
        if streams.is_empty() {
            return;
        }
        for selected in promises.iter().flat_map(|promise| promise.nodes(&self.known)) {
            for (group, stream) in selected.streams() {
                if let Some(streams) = streams.get_mut(group) {
                    streams.insert(stream);
                }
            }
        }
        for (group, mut streams) in streams {
            let class = observed.log_groups.get(&group).and_then(Reading::known).map(|group| &*group.class);
            // Flow logs write too much to pay for a search, and a few of their streams tell for all.
            let by_query = streams.len() > STREAMS_READ || class == Some(QUERIED_CLASS);
            streams.extend(records.remove(&group).into_iter().flat_map(|records| records.streams));
            if streams.is_empty() {
                continue;
            }
            let read = observed.group_arrivals.get(&group).and_then(Reading::at);
            // Reading events costs nothing by the hour.
            let back = if by_query { look_back(read, now) } else { LOOK_BACK };
            let streams = streams.into_iter().collect();
            self.questions.insert(Question::GroupArrivals { group, streams, back, by_query });
        }
    }

    fn ask_metrics(&mut self, promises: &[Promise<'_>], recent: &BTreeMap<&str, Timestamp>) {
        let Known { observed, now, .. } = self.known;
        let mut soon = BTreeSet::new();
        for key in metric_keys(promises) {
            let reading = observed.active_metrics.get(&key).unwrap_or(&Reading::NotAsked);
            if reading.is_due(now, ages::ARRIVALS) {
                self.questions.insert(Question::ActiveMetrics(key));
            } else if reading.is_due(now, ages::AWAITED_ARRIVALS) {
                soon.insert(key);
            }
        }
        if recent.is_empty() || soon.is_empty() {
            return;
        }
        for selected in promises.iter().flat_map(|promise| promise.nodes(&self.known)) {
            if !recent.contains_key(&*selected.node.id) {
                continue;
            }
            let silent = selected.metrics().filter(|(key, value)| {
                soon.contains(key) && observed.sends_metric(key, value) == Some(false)
            });
            self.questions.extend(silent.map(|(key, _)| Question::ActiveMetrics(key)));
        }
    }
}

/// The documents whose nodes should send something.
fn promises<'a>(known: &Known<'a>) -> Vec<Promise<'a>> {
    let objects = known.desired.of_kind(Kind::CloudWatchAgent);
    let objects = objects.filter(|object| {
        object.common.management != Management::Paused && applies(known.desired, known.observed, object)
    });
    let promise = |spec: &'a Spec| {
        let Spec::CloudWatchAgent(agent) = spec else { return None };
        let signals = agent.config.as_ref()?.names().into_iter().filter_map(|(_, name)| {
            let id = ObjectRef::new(Kind::AgentConfig, name);
            match known.desired.get(&id).map(|object| &object.spec) {
                Some(Spec::AgentConfig(config)) => Some((name, signals(&config.content))),
                _ => None,
            }
        });
        Some(Promise { agent, signals: signals.collect() })
    };
    objects.filter_map(|object| promise(&object.spec)).collect()
}

fn named_groups(promises: &[Promise<'_>]) -> BTreeSet<Arc<str>> {
    let signals = promises.iter().flat_map(|promise| promise.signals.values());
    signals.flat_map(|signals| &signals.logs).filter_map(|log| log.group().ok().cloned()).collect()
}

fn metric_keys(promises: &[Promise<'_>]) -> BTreeSet<MetricKey> {
    let signals = promises.iter().flat_map(|promise| promise.signals.values());
    signals.flat_map(|signals| &signals.metrics).filter_map(|metric| metric.key().ok()).collect()
}

/// The nodes that were configured or started lately, and when.
fn recent<'a>(known: &Known<'a>) -> BTreeMap<&'a str, Timestamp> {
    let finished = |on_node: &OnNode| {
        let steps = [Step::Configure, Step::Start].iter().filter_map(|step| on_node.results.get(step));
        steps.map(|result| result.finished).max()
    };
    let nodes = known.observed.on_nodes.iter();
    nodes
        .filter_map(|(id, on_node)| Some((&**id, finished(on_node)?)))
        .filter(|(_, at)| known.now.duration_since(*at) < AWAITED_FOR)
        .collect()
}

/// Those of `groups` in which a node of `recent` has not been seen since its step.
fn awaited_groups(
    known: &Known<'_>,
    promises: &[Promise<'_>],
    recent: &BTreeMap<&str, Timestamp>,
    groups: &BTreeSet<Arc<str>>,
) -> BTreeSet<Arc<str>> {
    let mut awaited = BTreeSet::new();
    for selected in promises.iter().flat_map(|promise| promise.nodes(known)) {
        let Some(finished) = recent.get(&*selected.node.id) else { continue };
        for (group, stream) in selected.streams().filter(|(group, _)| groups.contains(*group)) {
            let is_seen =
                matches!(known.observed.arrival(group, &stream), Arrival::At(at) if at >= *finished);
            if !is_seen {
                awaited.insert(group.clone());
            }
        }
    }
    awaited
}

/// How far back to look: all the way, or, after an earlier reading, to where that one ended. One of few values, so
/// that a question that fails is the same one when it is asked again.
fn look_back(read: Option<Timestamp>, now: Timestamp) -> SignedDuration {
    let spans = [ages::AWAITED_ARRIVALS * 2, ages::ARRIVALS + ages::AWAITED_ARRIVALS * 2];
    let gap = read.map_or(LOOK_BACK, |read| now.duration_since(read));
    spans.into_iter().find(|span| gap <= *span).map_or(LOOK_BACK, |span| span + LATE)
}

impl<'a> Promise<'a> {
    /// The nodes that the document selects and that may run.
    fn nodes<'k: 'a>(&'a self, known: &Known<'k>) -> impl Iterator<Item = Selected<'a>> {
        let observed = known.observed;
        observed.nodes.iter().filter_map(move |(id, node)| {
            let platform = node.platform?;
            let is_meant = is_running(observed, id)
                && self.agent.nodes.matches(id, platform, tags(observed, id).unwrap_or(&Tags::default()));
            let config = self.agent.config.as_ref()?.for_node(platform, node.is_on_premises())?;
            let signals = self.signals.get(config)?;
            is_meant.then_some(Selected { node, platform, signals })
        })
    }
}

fn is_running(observed: &Observed, id: &str) -> bool {
    observed.instances.get(id).is_none_or(|instance| instance.state == InstanceState::Running)
}

fn tags<'a>(observed: &'a Observed, id: &str) -> Option<&'a Tags> {
    let of_machine = || observed.node_tags.get(id).and_then(Reading::known);
    observed.instances.get(id).map(|instance| &instance.tags).or_else(of_machine)
}

impl<'a> Selected<'a> {
    /// The streams that it writes into, as far as they have names.
    fn streams(&self) -> impl Iterator<Item = (&'a Arc<str>, Arc<str>)> {
        let (node, platform) = (self.node, self.platform);
        let logs = self.signals.logs.iter().filter(move |log| log.applies_to(platform));
        logs.filter_map(|log| Some((log.group().ok()?, log.stream_on(&node.id, &node.computer_name).ok()?)))
    }

    /// The metrics that it sends, with the dimension's value.
    fn metrics(&self) -> impl Iterator<Item = (MetricKey, Arc<str>)> {
        let (node, platform) = (self.node, self.platform);
        let metrics = self.signals.metrics.iter().filter(move |metric| metric.applies_to(platform));
        metrics.filter_map(|metric| {
            Some((metric.key().ok()?, metric.value_on(&node.id, &node.computer_name).ok()?))
        })
    }
}
