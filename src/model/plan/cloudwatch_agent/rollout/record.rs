//! What is kept of an object's rollouts: read, written, and the label that protects what is stable.

use std::sync::Arc;

use super::super::desk::Desk;
use super::super::wish::Wishes;
use crate::model::action::Action;
use crate::model::digest;
use crate::model::finding::Finding;
use crate::model::memory::Change;
use crate::model::observed::Reading;
use crate::model::plan::Known;
use crate::model::plan::draft::Needed;
use crate::model::reason::Reason;
use crate::model::rollout::{self, Phase, Pinned, Progress, Release, State};

fn name(desk: &Desk<'_, '_>) -> Arc<str> {
    rollout::parameter(&desk.draft.known.rules.installation, &desk.object.id.name).into()
}

/// What is kept. When that cannot be told, says so: then nothing may be done with the object's nodes.
pub(super) fn read(desk: &mut Desk<'_, '_>) -> Option<State> {
    let name = name(desk);
    let reading = desk.draft.known.observed.parameters.get(&name).unwrap_or(&Reading::NotAsked);
    match reading {
        Reading::Absent { .. } => Some(State::default()),
        Reading::Known { value, .. } => match State::parse(&value.value) {
            Ok(state) => Some(state),
            Err(why) => {
                let message = format!("parameter {name} (version {}) cannot be read: {why}", value.version);
                desk.draft.find(Finding::of(&desk.object.id, Reason::StateUnreadable, message));
                None
            }
        },
        other => {
            desk.draft.unread(
                &desk.object.id,
                &format!("parameter {name}, which keeps the rollouts,"),
                other,
            );
            None
        }
    }
}

/// What is kept, where that is known.
pub(super) fn known(desk: &Desk<'_, '_>) -> Option<State> {
    let reading = desk.draft.known.observed.parameters.get(&name(desk))?;
    State::parse(&reading.known()?.value).ok()
}

/// Every node has `release` and is healthy with it: from now on it is what rollouts go back to.
pub(super) fn prove(desk: &mut Desk<'_, '_>, state: State, release: Release) {
    let why = format!("{} is proven on every node", release.shown());
    write(desk, &state.proven(release), why);
}

/// Keeps the record in step with a release that is stable and wanted: the versions that hold it now.
pub(super) fn keep(desk: &mut Desk<'_, '_>, state: &State, target: &Wishes) {
    let Some(stable) = &state.stable else { return };
    desk.draft.rollout(&desk.object.id, stable_progress(stable));
    if *stable != target.release && target.is_whole() {
        let why = format!("{} holds the stable content now", target.release.shown());
        write(desk, &state.clone().proven(target.release.clone()), why);
    }
}

/// Labels what is stable, whatever is going on.
pub(super) fn protect(desk: &mut Desk<'_, '_>, state: &State) {
    for pinned in state.stable.iter().flat_map(|stable| stable.configs.values()) {
        label(desk, pinned);
    }
}

fn stable_progress(stable: &Release) -> Progress {
    Progress {
        phase: Phase::Stable,
        release: stable.shown(),
        stable: Some(stable.shown()),
        ..Progress::default()
    }
}

fn label(desk: &mut Desk<'_, '_>, pinned: &Pinned) {
    let label = rollout::label(&desk.object.id.name);
    let labelled = format!("{}:{label}", pinned.parameter);
    let have = match desk.draft.known.observed.parameters.get(labelled.as_str()) {
        Some(Reading::Known { value, .. }) if value.version == pinned.version => return,
        Some(Reading::Known { value, .. }) => value.version.to_string(),
        Some(Reading::Absent { .. }) => "no version".to_owned(),
        _ => return,
    };
    let write = format!("label {label} {}", pinned.version);
    let why = format!(
        "{} protects {have} of {} from being pruned, not {}",
        label, pinned.parameter, pinned.version
    );
    let change = Change::new(labelled, write);
    let needed = Needed { change, reason: Reason::Recording, why, drift: Vec::new() };
    let action = Action::LabelParameter(pinned.parameter.clone(), pinned.version, label.into());
    desk.draft.propose(desk.object, action, needed);
}

/// Writes `state` down, unless that was just done and does not show yet. No budget holds it back.
pub(super) fn write(desk: &mut Desk<'_, '_>, state: &State, why: String) {
    let name = name(desk);
    let change = Change::new(name.clone(), format!("record {}", digest::short([&*state.timeless().text()])));
    let needed = Needed { change, reason: Reason::Recording, why, drift: Vec::new() };
    if !desk.draft.admit_revert(desk.object, &needed) {
        return;
    }
    let Known { observed, rules, .. } = desk.draft.known;
    let based_on = observed.parameters.get(&name).and_then(Reading::known).map(|known| known.version);
    desk.draft.push(&desk.object.id, rollout::keep(rules, &desk.object.id, state, based_on), vec![needed]);
}
