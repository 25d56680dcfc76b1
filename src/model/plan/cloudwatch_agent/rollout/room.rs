//! The hundred versions that AWS keeps of a parameter, and the stable one among them.
//!
//! The oldest version cannot be dropped while it carries our label, so nothing could be written any more; and without
//! the label it would be lost. So its content is written again, as the newest version, before anything else is; then
//! the record follows it, then the label. At every moment some version holds the content and the record can find it.
//! Nodes have equal bytes all the time, and notice nothing.

use std::sync::Arc;

use super::super::desk::Desk;
use super::record;
use crate::model::action::{Action, PutParameter, TagMap};
use crate::model::desired::{Kind, Management, Spec};
use crate::model::digest::sha256;
use crate::model::memory::Change;
use crate::model::observed::{Parameter, Reading};
use crate::model::plan::draft::Needed;
use crate::model::plan::ownership::{self, Owner};
use crate::model::plan::stable::{is_moved, is_next_to_go};
use crate::model::reason::Reason;
use crate::model::rollout::{self, Pinned, State};

/// Makes room where the next write would drop what is stable, and gives back what is kept: with what was moved where
/// it is now.
pub(super) fn make(desk: &mut Desk<'_, '_>, state: State) -> State {
    let Some(stable) = &state.stable else { return state };
    let mut moved = stable.clone();
    for pinned in moved.configs.values_mut() {
        let known = desk.draft.known;
        let Some(newest) = known.observed.parameters.get(&pinned.parameter).and_then(Reading::known) else {
            continue;
        };
        if is_moved(pinned, newest) {
            pinned.version = newest.version;
        } else if is_next_to_go(pinned, newest) && is_written_soon(desk, newest) {
            write_again(desk, pinned, newest);
        }
    }
    if moved == *stable {
        return state;
    }
    let why = format!("what is stable was written again: {}", moved.shown());
    let state = State { stable: Some(moved), ..state };
    record::write(desk, &state, why);
    state
}

/// Whether a document of ours is about to write the parameter.
fn is_written_soon(desk: &Desk<'_, '_>, newest: &Parameter) -> bool {
    let known = desk.draft.known;
    let Some(tags) = known.observed.parameter_tags.get(&newest.name).and_then(Reading::known) else {
        return false;
    };
    known.desired.of_kind(Kind::AgentConfig).any(|object| {
        matches!(&object.spec, Spec::AgentConfig(config)
            if *config.parameter == *newest.name && *config.content != *newest.value)
            && object.common.management == Management::Enforce
            && matches!(ownership::of(&known, object, &newest.name, tags), Owner::Ours)
    })
}

/// Takes the label off, so that AWS can drop the version, and writes its content as the newest one.
fn write_again(desk: &mut Desk<'_, '_>, pinned: &Pinned, newest: &Parameter) {
    let observed = desk.draft.known.observed;
    let label = rollout::label(&desk.object.id.name);
    let at = |selector: &str| {
        let reading = observed.parameters.get(format!("{}:{selector}", pinned.parameter).as_str());
        reading.and_then(Reading::known).filter(|have| *sha256(have.value.as_bytes()) == *pinned.sha256)
    };
    let labelled = at(&label).filter(|have| have.version == pinned.version);
    let Some(text) = labelled.or_else(|| at(&pinned.version.to_string())) else { return };
    let Some(tier) = observed.parameter_tiers.get(&pinned.parameter).and_then(Reading::known) else { return };
    let why = format!(
        "version {} of {} is stable and the oldest that AWS keeps: it is written again before anything else",
        pinned.version, pinned.parameter
    );
    if labelled.is_some() {
        let action =
            Action::UnlabelParameter(pinned.parameter.clone(), pinned.version, label.as_str().into());
        propose(desk, action, Change::new(pinned.parameter.clone(), format!("unlabel {label}")), why.clone());
    }
    let put = PutParameter {
        name: pinned.parameter.clone(),
        value: text.value.clone(),
        tier: tier.clone(),
        description: format!("What is stable for {}, kept by Watchkeeper", desk.object.id).into(),
        tags: TagMap::new(),
        based_on: Some(newest.version),
    };
    let write: Arc<str> = format!("keep {}", pinned.version).into();
    propose(desk, Action::OverwriteParameter(put), Change::new(pinned.parameter.clone(), write), why);
}

fn propose(desk: &mut Desk<'_, '_>, action: Action, change: Change, why: String) {
    let needed = Needed { change, reason: Reason::Recording, why, drift: Vec::new() };
    if desk.draft.admit_revert(desk.object, &needed) {
        desk.draft.push(&desk.object.id, action, vec![needed]);
    }
}
