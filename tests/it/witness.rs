//! What the simulated world remembers of us: the commands that nodes were given, and the calls that were made.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use watchkeeper::sim::world::commands::State;

use crate::estate::Estate;

/// A command as the world remembers it.
#[derive(Clone, Debug)]
pub struct Sent {
    /// When AWS took it.
    pub at: Timestamp,
    /// The document with its parameters: the same words mean the same cause.
    pub what: String,
    /// Each node, with when it was done; `None`: it still is at it.
    pub nodes: BTreeMap<String, Option<Timestamp>>,
    /// The nodes on which it went well.
    pub went_well: BTreeSet<String>,
}

/// Every command that was sent, oldest first.
pub fn commands(estate: &Estate) -> Vec<Sent> {
    let mut sent: Vec<Sent> = estate.sim.world(|world| {
        let commands =
            world.region(&estate.place).commands.newest_first(None).filter(|command| !command.hidden);
        let sent = commands.map(|command| Sent {
            at: command.requested,
            what: format!("{} {:?}", command.document, command.parameters),
            nodes: command
                .invocations
                .iter()
                .map(|(node, on_node)| (node.clone(), on_node.finished))
                .collect(),
            went_well: command
                .invocations
                .iter()
                .filter(|(_, on_node)| on_node.state == State::Success)
                .map(|(node, _)| node.clone())
                .collect(),
        });
        sent.collect()
    });
    sent.reverse();
    sent
}

/// The nodes that were given a command while they were still at another.
pub fn overlaps(sent: &[Sent]) -> Vec<String> {
    let mut free_from: BTreeMap<&str, (Option<Timestamp>, &str)> = BTreeMap::new();
    let mut overlapping = Vec::new();
    for command in sent {
        for (node, done) in &command.nodes {
            if let Some((until, what)) = free_from.get(node.as_str())
                && until.is_none_or(|until| until > command.at)
            {
                overlapping.push(format!("{node} at {}: {} while at {what}", command.at, command.what));
            }
            free_from.insert(node, (*done, &command.what));
        }
    }
    overlapping
}

/// The nodes that were given a command again that had gone well on them, though nothing had broken anything since.
/// Probes may be repeated: they change nothing.
pub fn repeats(sent: &[Sent], broken: &[Timestamp]) -> Vec<String> {
    let mut went_well: BTreeMap<(&str, &str), Timestamp> = BTreeMap::new();
    let mut repeated = Vec::new();
    for command in sent.iter().filter(|command| !command.what.starts_with("Watchkeeper-Probe")) {
        for node in command.nodes.keys() {
            let key = (node.as_str(), command.what.as_str());
            if let Some(before) = went_well.get(&key)
                && !broken.iter().any(|at| (*before..=command.at).contains(at))
            {
                repeated.push(format!("{node} at {}: {} as at {before}", command.at, command.what));
            }
            if command.went_well.contains(node) {
                went_well.insert(key, command.at);
            }
        }
    }
    repeated
}
