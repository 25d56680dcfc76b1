//! What is known, by the subject that it is about: ten thousand explanations must not each look through everything.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use crate::model::desired::ObjectRef;
use crate::model::finding::Finding;
use crate::model::memory::{Attempts, Change};
use crate::model::observed::{Arrivals, Command, CommandStatus, FlowLog, Running};
use crate::model::plan::{Known, Plan};

/// How the ids begin that streams are named by: instances, on-premises nodes, network interfaces.
const IDS: [&str; 3] = ["i-", "mi-", "eni-"];

/// One stream of a log group.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stream<'a> {
    pub group: &'a Arc<str>,
    pub name: &'a Arc<str>,
    pub newest: Option<Timestamp>,
    pub arrivals: &'a Arrivals,
    /// When it was read.
    pub read: Option<Timestamp>,
}

/// What is known, by subject.
#[derive(Debug)]
pub(super) struct Index<'a> {
    pub known: Known<'a>,
    by_subject: BTreeMap<&'a str, Vec<&'a Finding>>,
    by_object: BTreeMap<&'a ObjectRef, Vec<&'a Finding>>,
    /// Those that are about nothing in particular.
    pub general: Vec<&'a Finding>,
    attempts: BTreeMap<&'a str, Vec<(&'a Change, &'a Attempts)>>,
    under_way: BTreeMap<&'a str, Vec<&'a Command>>,
    streams: BTreeMap<&'a str, Vec<Stream<'a>>>,
    flow_logs: BTreeMap<&'a str, Vec<&'a FlowLog>>,
    pub running: Running<'a>,
}

impl<'a> Index<'a> {
    pub fn new(known: &Known<'a>, plan: &'a Plan) -> Self {
        let observed = known.observed;
        let mut index = Self {
            known: *known,
            by_subject: BTreeMap::new(),
            by_object: BTreeMap::new(),
            general: Vec::new(),
            attempts: BTreeMap::new(),
            under_way: BTreeMap::new(),
            streams: BTreeMap::new(),
            flow_logs: BTreeMap::new(),
            running: observed.running_interfaces(),
        };
        index.take_findings(plan);
        for (change, attempts) in &known.memory.attempts {
            for id in change.things() {
                index.attempts.entry(id).or_default().push((change, attempts));
            }
        }
        let under_way = observed.commands.values().filter(|one| one.status == CommandStatus::UnderWay);
        for command in under_way {
            for node in &command.nodes {
                index.under_way.entry(node).or_default().push(command);
            }
        }
        for (_, row) in observed.flow_logs.iter() {
            index.flow_logs.entry(&row.resource).or_default().push(row);
        }
        index.take_streams();
        index
    }

    fn take_findings(&mut self, plan: &'a Plan) {
        for finding in &plan.findings {
            if let Some(object) = &finding.object {
                self.by_object.entry(object).or_default().push(finding);
            }
            if let Some(subject) = &finding.subject {
                self.by_subject.entry(subject).or_default().push(finding);
            }
            if finding.object.is_none() && finding.subject.is_none() {
                self.general.push(finding);
            }
        }
    }

    fn take_streams(&mut self) {
        for (group, reading) in &self.known.observed.group_arrivals {
            let Some(arrivals) = reading.known() else { continue };
            for (name, newest) in &arrivals.newest {
                let stream = Stream { group, name, newest: *newest, arrivals, read: reading.at() };
                for id in ids(name) {
                    self.streams.entry(id).or_default().push(stream);
                }
            }
        }
    }

    pub fn about(&self, subject: &str) -> &[&'a Finding] {
        some(&self.by_subject, subject)
    }

    pub fn of(&self, object: &ObjectRef) -> &[&'a Finding] {
        self.by_object.get(object).map(Vec::as_slice).unwrap_or_default()
    }

    /// What was tried on a node or a network.
    pub fn tried(&self, id: &str) -> &[(&'a Change, &'a Attempts)] {
        some(&self.attempts, id)
    }

    /// The commands that are under way, if not on the node itself then on others.
    pub fn under_way(&self, node: &str) -> &[&'a Command] {
        some(&self.under_way, node)
    }

    /// The streams that bear the id.
    pub fn streams(&self, id: &str) -> &[Stream<'a>] {
        some(&self.streams, id)
    }

    /// The flow logs of a network.
    pub fn flow_logs(&self, network: &str) -> &[&'a FlowLog] {
        some(&self.flow_logs, network)
    }
}

fn some<'b, T>(by: &'b BTreeMap<&str, Vec<T>>, key: &str) -> &'b [T] {
    by.get(key).map(Vec::as_slice).unwrap_or_default()
}

/// The ids of machines and interfaces in a stream's name, such as in `eni-0a1b-all`.
fn ids(name: &str) -> impl Iterator<Item = &str> {
    IDS.iter().flat_map(move |begin| {
        name.match_indices(begin).filter_map(move |(at, _)| {
            let (before, from) = (&name[..at], &name[at..]);
            if before.ends_with(|c: char| c.is_ascii_alphanumeric()) {
                return None;
            }
            let rest = &from[begin.len()..];
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
            (end > 0).then(|| &from[..begin.len() + end])
        })
    })
}

#[cfg(test)]
mod tests {
    use super::ids;

    #[test]
    fn ids_are_found_in_the_names_of_streams() {
        let found = |name| ids(name).collect::<Vec<_>>();
        assert_eq!(found("i-0a1b"), ["i-0a1b"]);
        assert_eq!(found("mi-0a1b/var/log"), ["mi-0a1b"]);
        assert_eq!(found("eni-0a1b-all"), ["eni-0a1b"]);
        assert_eq!(found("web_i-1_i-2"), ["i-1", "i-2"]);
        assert!(found("i-").is_empty() && found("wifi-2").is_empty());
    }
}
