//! A release reaches the nodes of one `CloudWatchAgent` stage by stage, and goes back by itself when it harms them.
//!
//! In every pass the stages are counted anew from the nodes ([`place`], [`stage`]); nothing of the progress is
//! remembered. What nodes cannot tell stands in the object's parameter ([`record`]): what is stable, what was
//! rejected, whether a person paused it. A rejection is written, and read back, before anything goes back, since
//! going back erases the evidence.
//!
//! A node that has, or was sent, anything of the release counts as touched and is seen through, also when a window
//! closes or a person pauses. Every other node is held at the stable release, new nodes included.

mod alarm;
mod eta;
mod halt;
mod place;
mod record;
mod room;
mod stage;

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::desk::Desk;
use super::wish::{self, Wishes};
use crate::model::desired::Ensure;
use crate::model::finding::Finding;
use crate::model::reason::Reason;
use crate::model::rollout::{Phase, Progress, State};
use alarm::Alarm;
use place::{Move, Place};
use stage::{Member, Stage, Survey};

use super::candidates::Candidate;

/// Whether what the document asks for was rejected while it had stages. Taking them away is no word that the release
/// is good.
pub(super) fn is_rejected(desk: &Desk<'_, '_>, target: &Wishes) -> bool {
    desk.agent.ensure == Ensure::Present
        && record::known(desk).is_some_and(|state| state.rejection(&target.asked).is_some())
}

/// Plans the nodes of an object whose releases come in stages.
pub(super) fn plan(desk: &mut Desk<'_, '_>, nodes: Vec<Candidate<'_>>, target: &mut Wishes) {
    let Some(state) = record::read(desk) else { return };
    let state = room::make(desk, state);
    record::protect(desk, &state);
    let ours = || state.stable.iter().chain(&state.previous);
    target.own(ours());
    let target = &*target;
    let mut stable = state.stable.clone().map(|release| wish::of_release(desk.draft, desk.agent, release));
    stable.iter_mut().for_each(|stable| stable.own(ours()));
    if let Some(rejected) = state.rejection(&target.asked) {
        return halt::plan(desk, nodes, target, stable.as_ref(), rejected);
    }
    if let Some(unread) = wish::unread_version(desk.draft, desk.agent) {
        desk.draft.unread(&desk.object.id, "the newest version of the agent", unread);
        return nodes.into_iter().for_each(|candidate| desk.leave(candidate, target));
    }
    let is_new = stable.as_ref().is_none_or(|stable| !target.release.is_within(&stable.release));
    if is_new {
        roll(desk, nodes, target, stable.as_ref(), state);
    } else {
        for candidate in nodes {
            desk.serve(candidate, target);
        }
        record::keep(desk, &state, target);
    }
}

fn roll(
    desk: &mut Desk<'_, '_>,
    nodes: Vec<Candidate<'_>>,
    target: &Wishes,
    stable: Option<&Wishes>,
    state: State,
) {
    let members = members(desk, nodes, target, stable, state.retried);
    let survey = Survey::of(&members);
    let stage = Stage::of(&desk.agent.rollout, survey, state.is_promoted(&target.release));
    let mut progress = progress(target, stable, survey, stage);
    if survey.failed > stage.tolerated {
        return halt::begin(desk, members, target, state, stage.reached, progress);
    }
    let alarm = alarm::state(desk);
    let is_promoted = state.is_promoted(&target.release);
    let is_over = stage.is_over && target.is_whole();
    // What every node has, with nothing before it to go back to, is no release that an alarm can stop.
    if let Alarm::Ringing(name) = &alarm
        && survey.touched > 0
        && !(is_over && stable.is_none())
    {
        return halt::begin_by_alarm(desk, name, target, state, progress);
    }
    progress.phase = may_begin(desk, &state);
    let phase = progress.phase;
    if phase == Phase::Rolling && !is_promoted {
        progress.eta = eta::of(&desk.draft.known, &members, target, &desk.agent.rollout, survey);
    }
    let next = match phase {
        Phase::Rolling
            if survey.unread == 0 && alarm == Alarm::Quiet && (is_promoted || !survey.is_silencing()) =>
        {
            let free = stage.limit.saturating_sub(survey.touched);
            stage::next(&members, free, &target.release.digest())
        }
        _ => BTreeSet::new(),
    };
    for (at, member) in members.into_iter().enumerate() {
        serve(desk, member, next.contains(&at), target, stable);
    }
    if let Some(at) = survey.baked {
        desk.draft.look_again(at);
    }
    desk.draft.rollout(&desk.object.id, progress.clone());
    if is_over && survey.is_proof() && (alarm == Alarm::Quiet || stable.is_some()) {
        record::prove(desk, state, target.release.clone());
    } else if survey.total > 0 || survey.silent > 0 {
        tell(desk, phase, &progress, survey);
    }
}

fn members<'a>(
    desk: &Desk<'_, '_>,
    nodes: Vec<Candidate<'a>>,
    target: &Wishes,
    stable: Option<&Wishes>,
    retried: Option<Timestamp>,
) -> Vec<Member<'a>> {
    let bake = bake(desk);
    let place = |candidate: &Candidate<'_>| {
        // Its verdict says what is missing; the stages count without it.
        let Ok(to) = target.for_candidate(candidate, desk.agent) else { return Place::Unaffected };
        let from = stable.and_then(|stable| stable.for_candidate(candidate, desk.agent).ok());
        place::of(Move { to, from }, candidate, desk.object, &desk.draft.known, desk.busy, bake, retried)
    };
    nodes.into_iter().map(|candidate| Member { place: place(&candidate), candidate }).collect()
}

fn bake(desk: &Desk<'_, '_>) -> SignedDuration {
    SignedDuration::try_from(desk.agent.rollout.bake).unwrap_or(SignedDuration::MAX)
}

/// What is done with one node, by its place. `is_next`: it may begin now.
fn serve(
    desk: &mut Desk<'_, '_>,
    member: Member<'_>,
    is_next: bool,
    target: &Wishes,
    stable: Option<&Wishes>,
) {
    let Member { candidate, place } = member;
    match place {
        Place::Waiting if !is_next => match stable {
            Some(stable) if stable.for_candidate(&candidate, desk.agent).is_ok() => {
                desk.hold(candidate, stable);
            }
            // Nothing was ever stable for it.
            _ => desk.leave(candidate, target),
        },
        Place::Baking { until, is_read: false } if desk.draft.known.now >= until => {
            desk.right();
            desk.probe(&candidate, target, "has baked, and is read once more");
        }
        Place::Baking { .. } => desk.right(),
        Place::Failed(failing) => {
            let finding = Finding::of(&desk.object.id, Reason::RolloutFailure, failing.why.clone());
            desk.draft.find(finding.about(candidate.id.clone()).told_by(failing.command));
        }
        Place::Unaffected
        | Place::Aside
        | Place::Silent
        | Place::Unread
        | Place::Waiting
        | Place::Underway
        | Place::Healthy => desk.serve(candidate, target),
    }
}

/// Whether further nodes may begin.
fn may_begin(desk: &mut Desk<'_, '_>, state: &State) -> Phase {
    if state.paused {
        return Phase::Paused;
    }
    let windows = &desk.agent.rollout.windows;
    let now = desk.draft.known.now;
    if windows.is_empty() || windows.iter().any(|window| window.contains(now)) {
        return Phase::Rolling;
    }
    if let Some(opens) = windows.iter().filter_map(|window| window.opens_after(now)).min() {
        desk.draft.look_again(opens);
    }
    Phase::OutsideWindow
}

fn tell(desk: &mut Desk<'_, '_>, phase: Phase, progress: &Progress, survey: Survey) {
    let Progress { stage: (stage, of), limit, total, touched, healthy, baking, failed, .. } = progress;
    if *total == 0 {
        let message = format!("no node that can be managed is known to need {} yet", progress.release);
        return desk.draft.find(Finding::of(&desk.object.id, Reason::NotProbed, message));
    }
    let so_far = format!(
        "stage {stage} of {of}: {touched} of {limit} nodes have it (of {total} in all), {healthy} healthy, {baking} baking, {failed} failed"
    );
    let (reason, message) = match phase {
        Phase::Paused => {
            (Reason::RolloutPaused, format!("the rollout of {} is paused in {so_far}", progress.release))
        }
        Phase::OutsideWindow => (
            Reason::OutsideWindow,
            format!("the rollout of {} waits for its window in {so_far}", progress.release),
        ),
        _ => (Reason::RolloutInProgress, format!("{} is in {so_far}", progress.release)),
    };
    if survey.is_silencing() {
        let message = format!(
            "{} nodes have fallen silent since they have {}: no further node begins before they are heard of",
            survey.silent, progress.release
        );
        desk.draft.find(Finding::of(&desk.object.id, Reason::RolloutFailure, message));
    }
    // A new stage is news.
    let mut finding = Finding::of(&desk.object.id, reason, message).about(format!("stage {stage}"));
    if let Some(eta) = progress.eta {
        finding = finding.noting(format!("it will be through at about {eta:.0}"));
    }
    if let Some(at) = survey.baked {
        finding = finding.until(at);
    }
    desk.draft.find(finding);
}

fn progress(target: &Wishes, stable: Option<&Wishes>, survey: Survey, stage: Stage) -> Progress {
    Progress {
        phase: Phase::Rolling,
        release: target.release.shown(),
        stable: stable.map(|stable| stable.release.shown()),
        stage: (stage.number, stage.of),
        limit: stage.limit,
        total: survey.total,
        touched: survey.touched,
        healthy: survey.healthy,
        baking: survey.baking,
        failed: survey.failed,
        tolerated: stage.tolerated,
        eta: None,
        why: None,
    }
}
