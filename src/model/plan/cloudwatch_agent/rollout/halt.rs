//! A release that harms nodes is stopped, remembered as rejected, and taken back.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::super::candidates::Candidate;
use super::super::desk::Desk;
use super::super::node;
use super::super::wish::{self, Wishes};
use super::place::{self, Move};
use super::stage::{self, Member};
use super::{Place, record};
use crate::model::action::{Action, Step};
use crate::model::finding::{Drift, Finding};
use crate::model::memory::Change;
use crate::model::observed::{CommandStatus, Reading};
use crate::model::plan::draft::Needed;
use crate::model::reason::Reason;
use crate::model::rollout::{self, Origin, Phase, Progress, Rejected, Release, State};

/// How many fields of the difference between two configurations are shown.
const SHOWN: usize = 12;

/// More nodes failed than is borne: the release is rejected. Nothing else is done before that is written and read.
pub(super) fn begin(
    desk: &mut Desk<'_, '_>,
    members: Vec<Member<'_>>,
    target: &Wishes,
    state: State,
    reached: u32,
    progress: Progress,
) {
    let Some((first, failing)) = stage::first_failure(&members) else { return };
    let (first, failing) = (first.candidate.id.clone(), failing.clone());
    for Member { candidate, place } in members {
        if let Place::Failed(failing) = place {
            let finding = Finding::of(&desk.object.id, Reason::RolloutFailure, failing.why);
            desk.draft.find(finding.about(candidate.id.clone()).told_by(failing.command));
        } else {
            desk.leave(candidate, target);
        }
    }
    let Progress { failed, tolerated, touched, stage: (_, of), .. } = &progress;
    let why = format!(
        "{failed} of the {touched} nodes that have it failed in stage {reached} of {of}, {tolerated} are borne; the first: {}",
        failing.why
    );
    let stable = state.stable.clone();
    let now = desk.draft.known.now;
    let rejected = Rejected::of(&target.release, stable.as_ref(), now, Origin::Health, why);
    let rejected = rejected.shown_by(&first, failing.command.clone(), &node::tail(&failing.output));
    reject(desk, target, state, rejected, progress);
}

/// An alarm that the document names rings while nodes have the release.
pub(super) fn begin_by_alarm(
    desk: &mut Desk<'_, '_>,
    alarm: &str,
    target: &Wishes,
    state: State,
    progress: Progress,
) {
    let why = format!("alarm {alarm} rings while {} nodes have it", progress.touched);
    let now = desk.draft.known.now;
    let rejected = Rejected::of(&target.release, state.stable.as_ref(), now, Origin::Alarm, why);
    reject(desk, target, state, rejected, progress);
}

/// Writes the rejection down.
fn reject(desk: &mut Desk<'_, '_>, target: &Wishes, state: State, rejected: Rejected, progress: Progress) {
    let message = format!("{} is rejected: {}", target.release.shown(), rejected.why);
    desk.draft.rollout(
        &desk.object.id,
        Progress { phase: Phase::Halted, why: Some(rejected.why.as_str().into()), ..progress },
    );
    record::write(desk, &state.rejecting(rejected), message);
}

/// The wanted release was rejected: what is pending is cancelled, its nodes go back to the stable one, and the
/// others stay there.
pub(super) fn plan(
    desk: &mut Desk<'_, '_>,
    nodes: Vec<Candidate<'_>>,
    target: &Wishes,
    stable: Option<&Wishes>,
    rejected: &Rejected,
) {
    cancel(desk, target, stable);
    let mut touched = 0;
    let total = nodes.len();
    for candidate in nodes {
        let to = target.for_candidate(&candidate, desk.agent).ok();
        let from = stable.and_then(|stable| stable.for_candidate(&candidate, desk.agent).ok());
        let is_touched = to
            .is_some_and(|to| place::is_touched(Move { to, from }, &candidate, &desk.draft.known, desk.busy));
        touched += u32::from(is_touched);
        match stable {
            Some(stable) if from.is_some() && is_touched => desk.revert(candidate, stable),
            Some(stable) if from.is_some() => desk.hold(candidate, stable),
            // Nothing was ever stable for it.
            _ => desk.leave(candidate, target),
        }
    }
    tell(desk, target, stable, rejected, touched);
    let progress = Progress {
        phase: Phase::Halted,
        release: target.release.shown(),
        stable: stable.map(|stable| stable.release.shown()),
        total: super::super::count(total),
        touched,
        why: Some(rejected.why.as_str().into()),
        ..Progress::default()
    };
    desk.draft.rollout(&desk.object.id, progress);
}

fn tell(
    desk: &mut Desk<'_, '_>,
    target: &Wishes,
    stable: Option<&Wishes>,
    rejected: &Rejected,
    touched: u32,
) {
    let why = if rejected.why.is_empty() { "it was rejected before" } else { rejected.why.as_str() };
    let output =
        if rejected.output.is_empty() { String::new() } else { format!(" It printed: {}", rejected.output) };
    let release = target.release.shown();
    let (reason, back) = match stable {
        Some(stable) => {
            let shown = stable.release.shown();
            let is_undone = rejected.by == Origin::Person;
            let reason = if is_undone { Reason::RolloutUndone } else { Reason::RolloutHalted };
            // Without a count, which changes from pass to pass: that it is done is news, each node is not.
            let is_back = touched == 0;
            (
                reason,
                format!("{} {shown}", if is_back { "every node is back on" } else { "its nodes go back to" }),
            )
        }
        None => (Reason::NoStableVersion, "there is nothing stable to go back to".to_owned()),
    };
    let message = format!("{release} was stopped: {why}.{output}");
    let drift = difference(desk, &target.asked, stable.map(|stable| &stable.release));
    let finding = Finding::of(&desk.object.id, reason, message).noting(back).with(drift);
    desk.draft.find(finding.told_by(rejected.command.clone()));
}

/// How the rejected configurations differ from the stable ones, field by field.
fn difference(desk: &Desk<'_, '_>, target: &Release, stable: Option<&Release>) -> Vec<Drift> {
    let Some(stable) = stable else { return Vec::new() };
    let known = desk.draft.known;
    let mut drift = Vec::new();
    if stable.version != target.version {
        let shown = |release: &Release| release.version.clone().unwrap_or_else(|| "any".into());
        drift.push(Drift::new("version", shown(stable), shown(target)));
    }
    for (field, pinned) in &target.configs {
        let Some(before) = stable.at(field).filter(|before| before.sha256 != pinned.sha256) else { continue };
        let label = format!("{}:{}", before.parameter, rollout::label(&desk.object.id.name));
        let old = known.observed.parameters.get(label.as_str()).and_then(Reading::known);
        if let (Some(old), Some(new)) = (old, wish::document_of(desk.draft, pinned))
            && old.version == before.version
        {
            drift.extend(rollout::difference(&old.value, &new.content));
        }
    }
    drift.truncate(SHOWN);
    drift
}

/// Cancels the commands that still bring what was rejected.
fn cancel(desk: &mut Desk<'_, '_>, target: &Wishes, stable: Option<&Wishes>) {
    let brought = |release: &Release| -> BTreeSet<Arc<str>> {
        let configs = release.configs.values().flat_map(|pinned| {
            [format!("{}:{}", pinned.parameter, pinned.version).into(), pinned.parameter.clone()]
        });
        configs.chain(release.version.clone()).collect()
    };
    let kept = stable.map(|stable| brought(&stable.release)).unwrap_or_default();
    let rejected: BTreeSet<Arc<str>> = brought(&target.release).difference(&kept).cloned().collect();
    let pending: Vec<Arc<str>> = desk
        .draft
        .known
        .observed
        .commands
        .values()
        .filter(|command| command.status == CommandStatus::UnderWay)
        .filter(|command| *command.key.object == *desk.object.id.name)
        .filter(|command| matches!(command.step(), Step::Configure | Step::Install))
        .filter(|command| rejected.contains(&command.wanted()))
        .map(|command| command.id.clone())
        .collect();
    for id in pending {
        let change = Change::new(id.clone(), "cancel");
        let why = format!("command {id} still brings what was rejected");
        let needed = Needed { change, reason: Reason::Reverting, why, drift: Vec::new() };
        if desk.draft.admit_revert(desk.object, &needed) {
            desk.draft.push(&desk.object.id, Action::CancelCommand(id), vec![needed]);
        }
    }
}
