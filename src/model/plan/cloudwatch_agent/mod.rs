//! What the `CloudWatchAgent`s need: on every selected node the agent at its version, with its configuration
//! loaded and nothing else; or no agent at all.
//!
//! [`candidates`] finds who is selected, [`wish`] resolves what a document wants, [`node`] judges one node by what
//! [`evaluate`] makes of its probe, and [`batch`] packs the steps that are needed ([`recipe`]) into commands.

mod batch;
mod candidates;
mod compete;
mod desk;
mod evaluate;
mod node;
mod recipe;
mod rollout;
mod telemetry;
mod version;
mod wish;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::draft::Draft;
use jiff::Timestamp;

use crate::model::desired::{Amount, CloudWatchAgent, Management, Object};
use crate::model::failure::{Class, Failure};
use crate::model::finding::{Finding, Tally};
use crate::model::observed::{Command, CommandStatus, Observed};
use crate::model::question::Question;
use crate::model::reason::Reason;
use batch::Wants;
use candidates::Candidate;
use desk::Desk;

pub(crate) use wish::{CONFIGURE_DOCUMENT, PACKAGE, PACKAGE_DOCUMENT, wanted};

/// How many nodes of one object may be worked on at once, where its document does not say: the larger of these.
const DEFAULT_CONCURRENCY: (u32, Amount) = (50, Amount::Percent(1_000));

/// Which nodes have a command of ours under way, and which.
pub(super) type Busy<'a> = BTreeMap<&'a str, &'a Command>;

/// Plans all agents.
pub(super) fn plan(draft: &mut Draft<'_>, agents: &[(&Object, &CloudWatchAgent)]) {
    if agents.is_empty() {
        return;
    }
    unread_history(draft);
    let observed = draft.known.observed;
    let busy = busy(observed);
    let mut selected = candidates::selected(&draft.known, agents);
    let mut wants = Wants::beside(&busy);
    for (index, (object, agent)) in agents.iter().enumerate() {
        let nodes = std::mem::take(&mut selected[index]);
        one(draft, object, agent, nodes, &busy, &mut wants);
    }
    batch::send(draft, wants, &busy);
}

fn one(
    draft: &mut Draft<'_>,
    object: &Object,
    agent: &CloudWatchAgent,
    nodes: Vec<Candidate<'_>>,
    busy: &Busy<'_>,
    wants: &mut Wants,
) {
    let selected = nodes.len();
    if !is_readable(draft, object) {
        return draft.tally(&object.id, Tally { selected: count(selected), ..Tally::default() });
    }
    compete::plan(draft, object, &nodes);
    let mut target = wish::resolve(draft, agent);
    let mut desk = Desk::new(draft, object, agent, busy, wants, selected);
    // Without a word of our own on the nodes there is nothing to stage: differences are only reported.
    let is_staged = agent.has_stages() || rollout::is_rejected(&desk, &target);
    if is_staged && object.common.management == Management::Enforce {
        rollout::plan(&mut desk, nodes, &mut target);
    } else {
        nodes.into_iter().for_each(|candidate| desk.serve(candidate, &target));
    }
    desk.finish(concurrency(agent, count(selected)));
}

/// Without the listings, or without the probe, nothing can be told of any node.
fn is_readable(draft: &mut Draft<'_>, object: &Object) -> bool {
    let (observed, now) = (draft.known.observed, draft.known.now);
    if !observed.nodes.is_current(now) {
        draft.unlisted(&object.id, "the managed nodes", &observed.nodes);
        return false;
    }
    if !observed.instances.is_current(now) {
        draft.unlisted(&object.id, "the instances", &observed.instances);
        return false;
    }
    wish::has_probe(draft, object)
}

/// That the command history may not be read: then no node is known to be free, and nothing is sent.
fn unread_history(draft: &mut Draft<'_>) {
    let observed = draft.known.observed;
    let is_unread = |question: &Question, failed: Timestamp| match question {
        Question::Commands { document, .. } => {
            observed.commands_read.get(document).is_none_or(|read| *read < failed)
        }
        Question::Invocations(command) => {
            observed.commands.get(command).is_some_and(|command| command.status == CommandStatus::UnderWay)
        }
        _ => false,
    };
    let failures = observed.failures.iter().filter(|(question, (at, _))| is_unread(question, *at));
    let denied: BTreeMap<&str, &Failure> = failures
        .filter(|(_, (_, why))| why.class == Class::Denied)
        .map(|(_, (_, why))| (&*why.call, why))
        .collect();
    for (call, why) in denied {
        let message = format!("commands cannot be followed, so none is sent: {call} failed with {why}");
        draft.find(Finding::general(Reason::AccessDenied, message));
    }
}

/// The nodes on which a command of ours has not finished.
fn busy(observed: &Observed) -> Busy<'_> {
    let mut busy = BTreeMap::new();
    for command in observed.commands.values().filter(|command| command.status == CommandStatus::UnderWay) {
        for node in &command.nodes {
            let result = observed.on_nodes.get(node).and_then(|on_node| on_node.results.get(&command.step()));
            if result.is_none_or(|result| result.command != command.id) {
                busy.insert(&**node, command);
            }
        }
    }
    busy
}

fn concurrency(agent: &CloudWatchAgent, selected: u32) -> u32 {
    let (least, share) = DEFAULT_CONCURRENCY;
    match agent.rollout.max_concurrency {
        Some(amount) => amount.of(selected).max(1),
        None => least.max(share.of(selected)),
    }
}

fn count(rows: usize) -> u32 {
    u32::try_from(rows).unwrap_or(u32::MAX)
}

/// The name of a node as commands know it.
pub(super) type NodeId = Arc<str>;
