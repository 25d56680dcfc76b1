//! AWS objects that are ours by tag and that no document names any more.
//!
//! Only what the tag of the object itself says may be deleted, and only where two listings agree and the
//! folder has not suddenly become much smaller than what we own.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Known;
use super::draft::{Draft, Needed};
use super::stable::{self, Need};
use crate::model::action::Action;
use crate::model::desired::ObjectRef;
use crate::model::finding::Finding;
use crate::model::memory::Change;
use crate::model::observed::Reading;
use crate::model::reason::Reason;
use crate::model::rollout::Pinned;
use crate::model::tags::{self, Tags};

/// One of our AWS objects whose document is gone.
struct Orphan {
    owner: ObjectRef,
    subject: Arc<str>,
    what: String,
    wants_deletion: bool,
    action: Action,
}

/// Plans what becomes of the objects whose documents are gone.
pub(super) fn plan(draft: &mut Draft<'_>) {
    let known = draft.known;
    let mut owned: BTreeMap<ObjectRef, u32> = BTreeMap::new();
    let orphans = find(&known, &mut owned);
    if orphans.is_empty() {
        return;
    }
    let gone = owned.keys().filter(|owner| !is_known(&known, owner)).count();
    let is_suspicious = known.desired.objects.is_empty() || gone * 2 > owned.len().max(2);
    let confirmed = known.rules.confirmed.as_deref() == Some(&*known.desired.revision.0);
    if is_suspicious && !confirmed && orphans.iter().any(|orphan| orphan.wants_deletion) {
        let message = format!(
            "{gone} of the {} documents whose objects Watchkeeper owns are gone from the folder at {}: nothing is deleted",
            owned.len(),
            known.desired.revision
        );
        draft.find(Finding::general(Reason::SuspiciousShrink, message));
        return;
    }
    for orphan in orphans {
        settle(draft, orphan);
    }
}

fn settle(draft: &mut Draft<'_>, orphan: Orphan) {
    let is_its = |pinned: &Pinned| pinned.parameter == orphan.subject;
    if orphan.wants_deletion
        && let Need::Object(other) | Need::Unknown(other) = stable::needed_by(&draft.known, is_its)
        && matches!(orphan.action, Action::DeleteParameter(_))
    {
        let message = format!("{} is kept while {other} may have to go back to it", orphan.what);
        draft.find(Finding::of(&orphan.owner, Reason::Retained, message).about(orphan.subject));
        return;
    }
    if !orphan.wants_deletion {
        let message = format!("{} is kept, though {} is gone", orphan.what, orphan.owner);
        draft.find(Finding::of(&orphan.owner, Reason::Retained, message).about(orphan.subject));
        return;
    }
    let change = Change::new(orphan.subject.clone(), "delete");
    let why =
        format!("{} belongs to {}, which is gone, and says `deletion: delete`", orphan.what, orphan.owner);
    draft.propose_orphan(&orphan.owner, orphan.action, Needed::drift(change, why, Vec::new()));
}

fn find(known: &Known<'_>, owned: &mut BTreeMap<ObjectRef, u32>) -> Vec<Orphan> {
    let mut orphans = Vec::new();
    let mut see = |tags: &Tags, subject: &Arc<str>, what: String, action: Action| {
        let Some(owner) = owner_of(known, tags) else { return };
        *owned.entry(owner.clone()).or_default() += 1;
        if !is_known(known, &owner) {
            let wants_deletion = tags.get(tags::DELETION) == Some("delete");
            orphans.push(Orphan { owner, subject: subject.clone(), what, wants_deletion, action });
        }
    };
    for (id, row) in known.observed.flow_logs.iter() {
        see(&row.tags, &row.resource, format!("flow log {id}"), Action::DeleteFlowLogs(vec![id.clone()]));
    }
    for (name, reading) in &known.observed.parameter_tags {
        if let Reading::Known { value, .. } = reading {
            see(value, name, format!("parameter {name}"), Action::DeleteParameter(name.clone()));
        }
    }
    for (name, reading) in &known.observed.log_group_tags {
        if let Reading::Known { value, .. } = reading {
            see(value, name, format!("log group {name}"), Action::DeleteLogGroup(name.clone()));
        }
    }
    for (name, reading) in &known.observed.roles {
        if let Reading::Known { value, .. } = reading {
            see(&value.tags, name, format!("role {name}"), Action::DeleteRole(name.clone()));
        }
    }
    orphans
}

/// The document that our tag names.
fn owner_of(known: &Known<'_>, tags: &Tags) -> Option<ObjectRef> {
    let (installation, object) = tags.get(tags::OWNER)?.split_once('/')?;
    if *installation != *known.rules.installation {
        return None;
    }
    object.parse().ok()
}

/// A broken document is still a document.
fn is_known(known: &Known<'_>, owner: &ObjectRef) -> bool {
    known.desired.objects.contains_key(owner)
        || known.desired.broken.contains_key(owner)
        || !known.desired.broken_files.is_empty()
}
