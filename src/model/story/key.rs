//! What makes two findings one cause, and what a finding is about.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Setting;
use crate::model::desired::{Kind, ObjectRef};
use crate::model::digest;
use crate::model::finding::Finding;
use crate::model::reason::{Nature, Reason};

/// What makes two findings one cause.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Key {
    pub object: Option<ObjectRef>,
    pub cause: Cause,
}

/// The cause of a story.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum Cause {
    /// Something differs from its document, and Watchkeeper is at it, whatever step that is at.
    ///
    /// Of many nodes or networks, those that differ in the same fields are one cause: an agent that is missing
    /// and one that is stopped are two. A single thing is one cause, however many of its fields differ.
    Drift(Vec<Arc<str>>),
    /// Anything else.
    Reason(Reason),
}

/// Whether a reason is a story of its own. What Watchkeeper is at belongs to the drift that it mends; a rollout is what
/// people ask about.
pub(super) fn is_told_by_itself(reason: Reason) -> bool {
    reason.nature() != Nature::Converging
        || matches!(reason, Reason::RolloutInProgress | Reason::OutsideWindow)
}

/// Whether a finding says that the object as a whole could not be read.
pub(super) fn is_unknown(finding: &Finding) -> bool {
    let is_unread = matches!(
        finding.reason,
        Reason::Unreadable | Reason::AccessDenied | Reason::Throttled | Reason::NotRead
    );
    is_unread && finding.subject.is_none()
}

/// An object, and what of it.
pub(super) type Subject = (Option<ObjectRef>, Arc<str>);

pub(super) fn subject_of(finding: &Finding) -> Subject {
    let object_name = || finding.object.as_ref().map_or_else(|| "-".into(), |object| object.name.clone());
    (finding.object.clone(), finding.subject.clone().unwrap_or_else(object_name))
}

impl Key {
    pub fn of(finding: &Finding) -> Self {
        let object = finding.object.clone();
        if is_told_by_itself(finding.reason) {
            return Self { object, cause: Cause::Reason(finding.reason) };
        }
        let has_parts = object
            .as_ref()
            .is_some_and(|object| matches!(object.kind, Kind::CloudWatchAgent | Kind::FlowLog));
        let fields: BTreeSet<Arc<str>> = finding.drift.iter().map(|drift| drift.field.clone()).collect();
        let fields = if has_parts { fields.into_iter().collect() } else { Vec::new() };
        Self { object, cause: Cause::Drift(fields) }
    }

    pub fn fingerprint(&self, setting: &Setting) -> Arc<str> {
        let object = self.object.as_ref().map(ToString::to_string).unwrap_or_default();
        let (word, fields) = match &self.cause {
            Cause::Drift(fields) => ("Drift", fields.as_slice()),
            Cause::Reason(reason) => (reason.word(), &[][..]),
        };
        let parts = [&*setting.installation, &*setting.account, &*setting.region, &object, word];
        digest::short(parts.into_iter().chain(fields.iter().map(|field| &**field))).into()
    }

    pub fn is_drift(&self) -> bool {
        matches!(self.cause, Cause::Drift(_))
    }
}
