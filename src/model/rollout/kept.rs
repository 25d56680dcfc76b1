//! How [`State`] becomes the parameter that keeps it: the same for the planner and for a person's order.

use super::{State, parameter};
use crate::model::action::{Action, PutParameter, TagMap};
use crate::model::desired::ObjectRef;
use crate::model::plan::owner;
use crate::model::rules::Rules;
use crate::model::tags;

/// The write that keeps `state`. `based_on`: the version that was read; none: there is no such parameter yet, and
/// it is made with the tags that let it go with its document.
pub fn keep(rules: &Rules, object: &ObjectRef, state: &State, based_on: Option<i64>) -> Action {
    let put = PutParameter {
        name: parameter(&rules.installation, &object.name).into(),
        value: state.text().into(),
        tier: "Standard".into(),
        description: format!("The rollouts of {object}, kept by Watchkeeper").into(),
        tags: if based_on.is_none() { tags_of(rules, object) } else { TagMap::new() },
        based_on,
    };
    if based_on.is_none() { Action::CreateParameter(put) } else { Action::OverwriteParameter(put) }
}

fn tags_of(rules: &Rules, object: &ObjectRef) -> TagMap {
    TagMap::from([
        (tags::OWNER.into(), owner(rules, object).into()),
        (tags::INSTALLATION.into(), rules.installation.clone()),
        (tags::DELETION.into(), "delete".into()),
    ])
}
