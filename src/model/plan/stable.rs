//! Which versions of which parameters a rollout may have to go back to: they must not be lost.
//!
//! AWS keeps a hundred versions of a parameter. One more write drops the oldest, or is refused when that carries a
//! label. So the version that is stable is moved before, by the rollout that needs it; others wait for that.

use super::{Known, applies};
use crate::model::desired::{Kind, ObjectRef, Spec};
use crate::model::digest::sha256;
use crate::model::observed::{Parameter, Reading};
use crate::model::rollout::{self, Pinned, State};

/// How many versions of a parameter AWS keeps (Parameter Store, user guide, "Working with parameter versions").
const VERSIONS: i64 = 100;

/// Whether an object may have to go back to something.
pub(super) enum Need {
    /// No object.
    Nobody,
    /// This one.
    Object(ObjectRef),
    /// The record of this one cannot be told.
    Unknown(ObjectRef),
}

/// Which object may have to go back to a version that `is_meant`.
pub(super) fn needed_by(known: &Known<'_>, is_meant: impl Fn(&Pinned) -> bool) -> Need {
    let mut unknown = None;
    for object in known.desired.of_kind(Kind::CloudWatchAgent) {
        let is_staged = matches!(&object.spec, Spec::CloudWatchAgent(agent) if agent.has_stages());
        if !is_staged || !applies(known.desired, known.observed, object) {
            continue;
        }
        let name = rollout::parameter(&known.rules.installation, &object.id.name);
        let state = match known.observed.parameters.get(name.as_str()) {
            Some(Reading::Known { value, .. }) => State::parse(&value.value).ok(),
            Some(Reading::Absent { .. }) => Some(State::default()),
            _ => None,
        };
        let Some(state) = state else {
            unknown = Some(object.id.clone());
            continue;
        };
        if state.stable.iter().flat_map(|stable| stable.configs.values()).any(&is_meant) {
            return Need::Object(object.id.clone());
        }
    }
    unknown.map_or(Need::Nobody, Need::Unknown)
}

/// Whether the next write of a parameter, which is `newest` now, would drop what is `pinned`.
pub(super) fn is_next_to_go(pinned: &Pinned, newest: &Parameter) -> bool {
    pinned.parameter == newest.name && pinned.version + VERSIONS - 1 == newest.version
}

/// Whether what is `pinned` has been written again as the newest version, and the record has to follow.
pub(super) fn is_moved(pinned: &Pinned, newest: &Parameter) -> bool {
    pinned.parameter == newest.name
        && pinned.version + VERSIONS - 1 <= newest.version
        && *sha256(newest.value.as_bytes()) == *pinned.sha256
}

/// Which object keeps a parameter, which is `newest` now, from being written.
pub(super) fn keeps_from_writing(known: &Known<'_>, newest: &Parameter) -> Need {
    if newest.version < VERSIONS {
        return Need::Nobody;
    }
    needed_by(known, |pinned| is_next_to_go(pinned, newest) || is_moved(pinned, newest))
}
