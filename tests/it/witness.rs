//! What the simulated world remembers of us: the commands that nodes were given, and the calls that were made.

use std::collections::BTreeMap;

use jiff::Timestamp;

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
