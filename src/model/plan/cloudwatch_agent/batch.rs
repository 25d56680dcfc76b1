//! Packs what nodes need into commands: as few as possible, none above AWS's limit, none held back for long.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::candidates::Candidate;
use super::node::Want;
use super::recipe::{self, Parameters, Recipe};
use super::wish::{CONFIGURE_DOCUMENT, PACKAGE_DOCUMENT};
use super::{Busy, NodeId};
use crate::model::action::{Action, ActionKey, NODES_PER_COMMAND, SendCommand, Step};
use crate::model::desired::{Object, ObjectRef};
use crate::model::digest;
use crate::model::failure::{Class, Failure};
use crate::model::finding::Finding;
use crate::model::plan::draft::{Draft, Needed, grouped};
use crate::model::probe;
use crate::model::reason::Reason;

/// The order in which steps get their share of `maxConcurrency`: nodes that are nearly done come first.
const FIRST_SERVED: [Step; 4] = [Step::Start, Step::Configure, Step::Uninstall, Step::Install];

/// How many nodes may fetch their configuration at once, over all objects. Each fetch is a `GetParameter`, of which
/// an account has 40 a second; a node takes some seconds to come to it, so that this many ask for some 25 a second.
/// More at once, and the agents' fetches fail.
const FETCHES_AT_ONCE: usize = 150;

/// What nodes need, sorted into commands.
#[derive(Debug)]
pub(super) struct Wants {
    /// How many nodes may begin to fetch a configuration.
    fetches: usize,
    probes: BTreeMap<NodeId, Want>,
    groups: BTreeMap<GroupKey, Vec<(NodeId, Needed)>>,
}

/// Nodes of one group may share a command.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct GroupKey {
    object: ObjectRef,
    recipe: Arc<Recipe>,
}

impl Wants {
    /// Nothing yet, while the commands of `busy` are under way.
    pub fn beside(busy: &Busy<'_>) -> Self {
        let fetching = busy.values().filter(|command| command.step() == Step::Configure).count();
        let free = FETCHES_AT_ONCE.saturating_sub(fetching);
        // Room for a part of a command is left until it is room for a whole one.
        let fetches = free - free % NODES_PER_COMMAND;
        Self { fetches, probes: BTreeMap::new(), groups: BTreeMap::new() }
    }

    /// A node needs a probe, whatever object asks.
    pub fn probe(&mut self, candidate: &Candidate<'_>, want: Want) {
        self.probes.insert(candidate.id.clone(), want);
    }

    /// Nodes of one object need changes; `free` of them may begin.
    pub fn change(
        &mut self,
        draft: &mut Draft<'_>,
        object: &Object,
        wanted: Vec<(NodeId, Want)>,
        mut free: u32,
    ) {
        for (recipe, rows) in in_order(wanted) {
            let key = GroupKey { object: object.id.clone(), recipe };
            let is_fetch = key.recipe.step == Step::Configure;
            let mut going = Vec::new();
            for (node, needed) in rows {
                let full = if free == 0 {
                    Some("as many nodes as allowed are at work")
                } else if is_fetch && self.fetches == 0 {
                    Some("as many nodes as Parameter Store can serve are at it")
                } else {
                    None
                };
                if let Some(note) = full {
                    let finding = Finding::of(&object.id, Reason::MaxConcurrency, needed.why).about(node);
                    draft.find(finding.noting(note).with(needed.drift));
                } else if admits(draft, object, &needed) {
                    free -= 1;
                    self.fetches -= usize::from(is_fetch);
                    going.push((node, needed));
                }
            }
            if !going.is_empty() {
                self.groups.entry(key).or_default().extend(going);
            }
        }
    }
}

/// Whether a change may be made now: a revert is asked less.
fn admits(draft: &mut Draft<'_>, object: &Object, needed: &Needed) -> bool {
    match needed.reason {
        Reason::Reverting => draft.admit_revert(object, needed),
        _ => draft.admit(object, needed),
    }
}

/// Nodes, each with what it needs.
type Rows = Vec<(NodeId, Needed)>;

/// What is wanted by recipe, in the order in which recipes are served: nodes that may share a command stand together,
/// so that what room there is goes to full commands.
fn in_order(wanted: Vec<(NodeId, Want)>) -> Vec<(Arc<Recipe>, Rows)> {
    let rows = wanted.into_iter().map(|(node, want)| (want.recipe, (node, want.needed)));
    let mut groups: Vec<_> = grouped(rows).into_iter().collect();
    groups.sort_by_key(|(recipe, _)| FIRST_SERVED.iter().position(|step| *step == recipe.step));
    groups
}

/// Turns what is wanted into commands, unless a command may not be sent yet at all.
pub(super) fn send(draft: &mut Draft<'_>, wants: Wants, busy: &Busy<'_>) {
    if let Some(unread) = commands_unread(draft) {
        for key in wants.groups.keys() {
            draft.find(Finding::of(&key.object, Reason::Settling, unread.clone()));
        }
        if !wants.probes.is_empty() {
            draft.find(Finding::general(Reason::Settling, unread));
        }
        return;
    }
    for (key, rows) in wants.groups {
        send_group(draft, &key, rows, !busy.is_empty());
    }
    send_probes(draft, wants.probes, busy);
}

/// A process that has just begun does not know what the one before it sent: it waits until a listing must show it.
fn commands_unread(draft: &mut Draft<'_>) -> Option<String> {
    let known = draft.known;
    let from = known.memory.started + known.rules.settle.commands;
    let is_read =
        |document: &str| known.observed.commands_read.get(document).is_some_and(|begun| *begun >= from);
    if [probe::NAME, PACKAGE_DOCUMENT, CONFIGURE_DOCUMENT].into_iter().all(is_read) {
        return None;
    }
    draft.look_again(from.max(known.now));
    Some("just started: first the commands that may still be under way are read".to_owned())
}

fn send_group(draft: &mut Draft<'_>, key: &GroupKey, rows: Vec<(NodeId, Needed)>, more_may_come: bool) {
    let name = batch_name(&key.recipe, &key.object.name);
    let (now_rows, waiting) = ready(draft, &name, rows, more_may_come);
    for (node, needed) in waiting {
        let finding = Finding::of(&key.object, Reason::Batching, needed.why).about(node);
        draft.find(finding.noting("waiting a moment for more nodes").with(needed.drift));
    }
    for chunk in chunks_of(now_rows, |(_, needed)| bad_company(draft, needed)) {
        let (nodes, needed): (Vec<NodeId>, Vec<Needed>) = chunk.into_iter().unzip();
        let command = SendCommand {
            key: action_key(draft, &key.recipe, &key.object.name, &nodes),
            document: key.recipe.document.into(),
            parameters: key.recipe.parameters.clone(),
            nodes,
        };
        draft.push(&key.object, Action::SendCommand(command), needed);
    }
}

fn send_probes(draft: &mut Draft<'_>, probes: BTreeMap<NodeId, Want>, busy: &Busy<'_>) {
    let mut due = Vec::new();
    for (node, want) in probes {
        let attempts = draft.known.memory.attempts.get(&want.needed.change);
        match attempts.map(|attempts| attempts.next().max(attempts.expected_until)) {
            Some(next) if draft.known.now < next && !is_answered(draft, &node) => draft.look_again(next),
            _ => due.push((node, want.needed)),
        }
    }
    let recipe = recipe::probe();
    let name = batch_name(&recipe, "-");
    let (now_rows, _) = ready(draft, &name, due, !busy.is_empty());
    for chunk in chunks_of(now_rows, |(_, needed)| bad_company(draft, needed)) {
        let why = format!("{} nodes have not been read lately", chunk.len());
        let (nodes, changes): (Vec<NodeId>, Vec<_>) =
            chunk.into_iter().map(|(node, needed)| (node, needed.change)).unzip();
        let command = SendCommand {
            key: action_key(draft, &recipe, "-", &nodes),
            document: recipe.document.into(),
            parameters: recipe.parameters.clone(),
            nodes,
        };
        draft.push_general(Action::SendCommand(command), changes, why);
    }
}

/// Whether the node has answered the last probe that was sent to it.
fn is_answered(draft: &Draft<'_>, node: &NodeId) -> bool {
    let known = draft.known;
    let change = crate::model::memory::Change::new(node.clone(), "probe");
    let sent = known.memory.attempts.get(&change).map(|attempts| attempts.last);
    let read =
        known.observed.on_nodes.get(node).and_then(|on_node| on_node.probe.as_ref()).map(|(at, _)| *at);
    sent.zip(read).is_some_and(|(sent, read)| read >= sent)
}

/// Parts rows into those that go now and those that wait for company: a command that is not full waits while
/// other nodes may still join it, but never longer than the rules say.
fn ready<T>(
    draft: &mut Draft<'_>,
    name: &Arc<str>,
    mut rows: Vec<T>,
    more_may_come: bool,
) -> (Vec<T>, Vec<T>) {
    let known = draft.known;
    let partial = rows.len() % NODES_PER_COMMAND;
    if partial == 0 || !more_may_come {
        return (rows, Vec::new());
    }
    let since = known.memory.batches.get(name).copied().unwrap_or(known.now);
    let until = since + known.rules.batch_wait;
    if known.now >= until {
        return (rows, Vec::new());
    }
    draft.batch(name.clone(), since);
    draft.look_again(until);
    let waiting = rows.split_off(rows.len() - partial);
    (rows, waiting)
}

/// One node that SSM does not take makes AWS refuse the whole command. After each such refusal the nodes go in
/// smaller company, until the bad one is alone.
fn bad_company(draft: &Draft<'_>, needed: &Needed) -> u32 {
    let attempts = draft.known.memory.attempts.get(&needed.change);
    let is_refused = |why: &Failure| why.class == Class::NotFound;
    attempts
        .filter(|attempts| attempts.failure.as_ref().is_some_and(is_refused))
        .map_or(0, |attempts| attempts.count)
}

/// Rows in commands of at most fifty, halved for every refusal that they were part of.
fn chunks_of<T>(rows: Vec<T>, refusals: impl Fn(&T) -> u32) -> Vec<Vec<T>> {
    let by_refusals = grouped(rows.into_iter().map(|row| (refusals(&row), row)));
    let mut chunks = Vec::new();
    for (refusals, rows) in by_refusals {
        let size = (NODES_PER_COMMAND >> refusals.min(10)).max(1);
        let mut rows = rows.into_iter().peekable();
        while rows.peek().is_some() {
            chunks.push(rows.by_ref().take(size).collect());
        }
    }
    chunks
}

fn batch_name(recipe: &Recipe, object: &str) -> Arc<str> {
    format!("{}/{object}/{}", recipe.step.word(), digest::short(flat(&recipe.parameters))).into()
}

fn action_key(draft: &Draft<'_>, recipe: &Recipe, object: &str, nodes: &[NodeId]) -> ActionKey {
    let parts = flat(&recipe.parameters).chain(nodes.iter().map(|node| &**node));
    ActionKey {
        installation: draft.known.rules.installation.clone(),
        step: recipe.step,
        object: object.into(),
        digest: digest::short(parts).into(),
    }
}

fn flat(parameters: &Parameters) -> impl Iterator<Item = &str> {
    parameters
        .iter()
        .flat_map(|(name, values)| std::iter::once(&**name).chain(values.iter().map(|value| &**value)))
}
