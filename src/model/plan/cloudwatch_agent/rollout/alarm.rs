//! The CloudWatch alarms that halt a rollout.

use super::super::desk::Desk;
use crate::model::finding::Finding;
use crate::model::observed::{AlarmState, Reading};
use crate::model::reason::Reason;

/// What the alarms of `abortOn` say together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Alarm {
    /// None rings.
    Quiet,
    /// This one rings.
    Ringing(String),
    /// One cannot be told: nothing begins meanwhile, and nothing is taken back.
    Unknown,
}

/// Looks at the alarms, and says what keeps the rollout from going on.
pub(super) fn state(desk: &mut Desk<'_, '_>) -> Alarm {
    let (object, observed) = (&desk.object.id, desk.draft.known.observed);
    for name in &desk.agent.rollout.abort_on {
        let what = format!("alarm {name}");
        match observed.alarms.get(name.as_str()).unwrap_or(&Reading::NotAsked) {
            Reading::Known { value: AlarmState::Alarm, .. } => {
                let message = format!("{what}, which `abortOn` names, rings: no node begins");
                desk.draft.find(Finding::of(object, Reason::AlarmRinging, message));
                return Alarm::Ringing(name.clone());
            }
            Reading::Known { .. } => {}
            Reading::Absent { .. } => {
                let message = format!("{what}, which `abortOn` names, does not exist: no node begins");
                desk.draft.find(Finding::of(object, Reason::AlarmRinging, message));
                return Alarm::Unknown;
            }
            unknown => {
                desk.draft.unread(object, &what, unknown);
                return Alarm::Unknown;
            }
        }
    }
    Alarm::Quiet
}
