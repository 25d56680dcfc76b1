//! What a `LogGroup` needs: the group itself, its retention, key and tags.

use jiff::{SignedDuration, Timestamp};

use super::draft::{Draft, Needed};
use super::ownership::{self, Owner};
use crate::model::action::{Action, CreateLogGroup};
use crate::model::desired::{LogGroup, LogGroupClass, Object, Retention};
use crate::model::finding::{Drift, Finding};
use crate::model::memory::Change;
use crate::model::observed::{self, Reading};
use crate::model::reason::Reason;
use crate::model::tags::Tags;

/// Plans one log group.
pub(super) fn plan(draft: &mut Draft<'_>, object: &Object, group: &LogGroup) {
    let observed = draft.known.observed;
    let name = group.log_group.as_str();
    match observed.log_groups.get(name).unwrap_or(&Reading::NotAsked) {
        Reading::Absent { .. } => create(draft, object, group),
        Reading::Known { value, .. } => {
            match observed.log_group_tags.get(name).unwrap_or(&Reading::NotAsked) {
                Reading::Known { value: tags, .. } => existing(draft, object, group, value, tags),
                // It vanished between the two questions; the next pass knows more.
                other => draft.unread(&object.id, &format!("the tags of log group {name}"), other),
            }
        }
        other => draft.unread(&object.id, &format!("log group {name}"), other),
    }
    draft.tally_single(&object.id);
}

fn create(draft: &mut Draft<'_>, object: &Object, group: &LogGroup) {
    let action = Action::CreateLogGroup(CreateLogGroup {
        name: group.log_group.as_str().into(),
        class: class(group.class).into(),
        kms_key: group.kms_key.as_deref().map(Into::into),
        tags: ownership::wanted_tags(&draft.known, object, &group.tags),
    });
    let change = Change::new(group.log_group.as_str(), "create");
    draft.propose(
        object,
        action,
        Needed::missing(change, format!("log group {} does not exist", group.log_group)),
    );
}

fn existing(
    draft: &mut Draft<'_>,
    object: &Object,
    group: &LogGroup,
    have: &observed::LogGroup,
    tags: &Tags,
) {
    let drift = field_drift(group, have);
    match ownership::of(&draft.known, object, &have.name, tags) {
        Owner::NotOurs => {
            let message =
                ownership::not_owned_message(&draft.known, &format!("log group {}", have.name), tags);
            draft.find(
                Finding::of(&object.id, Reason::NotOwned, message).about(have.name.clone()).with(drift),
            );
            return;
        }
        Owner::Ours => draft.ours(&have.name, &object.id),
        Owner::ToTake => {}
    }
    retag(draft, object, group, have, tags);
    immutable(draft, object, group, have);
    retention(draft, object, group, have);
    key(draft, object, group, have);
    if !draft.holds_back(&object.id) {
        draft.right(have.name.clone());
    }
}

fn retag(draft: &mut Draft<'_>, object: &Object, group: &LogGroup, have: &observed::LogGroup, tags: &Tags) {
    let wanted = ownership::wanted_tags(&draft.known, object, &group.tags);
    let (missing, drift) = ownership::tag_drift(tags, &wanted);
    if missing.is_empty() {
        return;
    }
    let action = Action::TagLogGroup { name: have.name.clone(), arn: have.arn.clone(), tags: missing };
    let change = Change::new(have.name.clone(), "tag");
    draft.propose(
        object,
        action,
        Needed::drift(change, format!("log group {} lacks tags", have.name), drift),
    );
}

fn retention(draft: &mut Draft<'_>, object: &Object, group: &LogGroup, have: &observed::LogGroup) {
    let wanted = match group.retention {
        Retention::Unmanaged => return,
        Retention::Never => None,
        Retention::Days(days) => Some(days),
    };
    if have.retention_days == wanted {
        return;
    }
    let drift = vec![Drift::new("retentionDays", days(have.retention_days), days(wanted))];
    if let Some(policy) = &have.account_policy {
        let message = format!("account policy {policy} hides the retention of log group {}", have.name);
        draft.find(
            Finding::of(&object.id, Reason::HiddenByAccountPolicy, message)
                .about(have.name.clone())
                .with(drift),
        );
        return;
    }
    if destroys(draft.known.now, have, wanted) && !group.allow_data_loss {
        let message = format!(
            "lowering the retention of log group {} from {} to {} would destroy events",
            have.name,
            days(have.retention_days),
            days(wanted)
        );
        draft.find(Finding::of(&object.id, Reason::DataLoss, message).about(have.name.clone()).with(drift));
        return;
    }
    let change = Change::new(have.name.clone(), format!("retention {}", days(wanted)));
    let why = format!(
        "log group {} keeps events for {} instead of {}",
        have.name,
        kept_for(have.retention_days),
        kept_for(wanted)
    );
    draft.propose(object, Action::SetRetention(have.name.clone(), wanted), Needed::drift(change, why, drift));
}

fn key(draft: &mut Draft<'_>, object: &Object, group: &LogGroup, have: &observed::LogGroup) {
    let Some(wanted) = &group.kms_key else { return };
    if have.kms_key.as_deref() == Some(wanted) {
        return;
    }
    let drift = vec![Drift::new("kmsKey", have.kms_key.as_deref().unwrap_or("(none)"), wanted)];
    let action = Action::SetLogGroupKey(have.name.clone(), wanted.as_str().into());
    let change = Change::new(have.name.clone(), "key");
    let why = format!("log group {} is encrypted with another key", have.name);
    draft.propose(object, action, Needed::drift(change, why, drift));
}

fn immutable(draft: &mut Draft<'_>, object: &Object, group: &LogGroup, have: &observed::LogGroup) {
    let wanted = class(group.class);
    if *have.class != *wanted {
        let drift = vec![Drift::new("class", &have.class, wanted)];
        let message =
            format!("log group {} is of class {}, and AWS cannot change that", have.name, have.class);
        draft.find(
            Finding::of(&object.id, Reason::ImmutableField, message).about(have.name.clone()).with(drift),
        );
    }
}

/// Everything that differs, for a report on a group that is not ours.
fn field_drift(group: &LogGroup, have: &observed::LogGroup) -> Vec<Drift> {
    let mut drift = Vec::new();
    let wanted = match group.retention {
        Retention::Unmanaged => have.retention_days,
        Retention::Never => None,
        Retention::Days(days) => Some(days),
    };
    if have.retention_days != wanted {
        drift.push(Drift::new("retentionDays", days(have.retention_days), days(wanted)));
    }
    if *have.class != *class(group.class) {
        drift.push(Drift::new("class", &have.class, class(group.class)));
    }
    if let Some(key) = &group.kms_key
        && have.kms_key.as_deref() != Some(key)
    {
        drift.push(Drift::new("kmsKey", have.kms_key.as_deref().unwrap_or("(none)"), key));
    }
    drift
}

/// Whether the new retention would destroy events: it is shorter (never expire being the longest), and the
/// group is old enough to hold events that are older than it. A group that was just made holds none.
fn destroys(now: Timestamp, have: &observed::LogGroup, wanted: Option<i32>) -> bool {
    let Some(wanted) = wanted else { return false };
    let is_shorter = have.retention_days.is_none_or(|have| wanted < have);
    let reach = SignedDuration::from_hours(24 * i64::from(wanted));
    is_shorter && have.created.is_none_or(|created| now.duration_since(created) > reach)
}

fn kept_for(days: Option<i32>) -> String {
    days.map_or_else(|| "ever".to_owned(), |days| format!("{days} days"))
}

fn days(days: Option<i32>) -> String {
    days.map_or_else(|| "never expire".to_owned(), |days| format!("{days} days"))
}

const fn class(class: LogGroupClass) -> &'static str {
    match class {
        LogGroupClass::Standard => "STANDARD",
        LogGroupClass::InfrequentAccess => "INFREQUENT_ACCESS",
    }
}
