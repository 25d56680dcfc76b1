//! A plan being made.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::gate::{self, Budget};
use super::{Known, Plan, Planned};
use crate::model::action::Action;
use crate::model::desired::{Management, Object, ObjectRef};
use crate::model::failure::{Class, Failure};
use crate::model::finding::{Drift, Finding, Tally};
use crate::model::memory::Change;
use crate::model::observed::{Listing, Reading};
use crate::model::reason::{Nature, Reason};
use crate::model::rollout::Progress;

/// A plan being made: what the kinds write into.
#[derive(Debug)]
pub(super) struct Draft<'a> {
    /// What the plan rests on.
    pub known: Known<'a>,
    plan: Plan,
    budget: Budget,
}

/// A change that an object needs.
#[derive(Debug)]
pub(super) struct Needed {
    /// What it changes.
    pub change: Change,
    /// `Missing` or `Drift`, or what else it is.
    pub reason: Reason,
    /// For a person.
    pub why: String,
    /// Field by field.
    pub drift: Vec<Drift>,
}

impl Needed {
    /// The thing is not there.
    pub fn missing(change: Change, why: impl Into<String>) -> Self {
        Self { change, reason: Reason::Missing, why: why.into(), drift: Vec::new() }
    }

    /// The thing differs.
    pub fn drift(change: Change, why: impl Into<String>, drift: Vec<Drift>) -> Self {
        Self { change, reason: Reason::Drift, why: why.into(), drift }
    }
}

impl<'a> Draft<'a> {
    /// Nothing yet.
    pub fn new(known: Known<'a>) -> Self {
        Self { known, plan: Plan::default(), budget: Budget::of(&known) }
    }

    /// Adds a finding.
    pub fn find(&mut self, finding: Finding) {
        if let Some(until) = finding.until {
            self.look_again(until);
        }
        self.plan.findings.push(finding);
    }

    /// Says how an object's parts stand.
    pub fn tally(&mut self, object: &ObjectRef, tally: Tally) {
        self.plan.tallies.insert(object.clone(), tally);
    }

    /// The thing was seen to be right.
    pub fn right(&mut self, subject: impl Into<Arc<str>>) {
        let subject = subject.into();
        // Nearly everything is right nearly always: only what was tried before needs forgiving.
        if self.known.memory.was_tried(&subject) {
            self.plan.right.insert(subject);
        }
    }

    /// The node must be read before anything can be told of it.
    pub fn not_read_yet(&mut self, node: Arc<str>) {
        self.plan.unread.insert(node);
    }

    /// The thing carries our tag.
    pub fn ours(&mut self, name: &str, object: &ObjectRef) {
        self.plan.ours.insert(name.into(), object.clone());
    }

    /// A kind of command waits for more nodes since then.
    pub fn batch(&mut self, key: Arc<str>, since: Timestamp) {
        self.plan.batches.insert(key, since);
    }

    /// Something will be due then.
    pub fn look_again(&mut self, at: Timestamp) {
        let soonest = self.plan.look_again.map_or(at, |known| known.min(at));
        self.plan.look_again = Some(soonest);
    }

    /// Whether `needed` may be done now. If not, the finding that says why is added. If so, it counts against the budget.
    pub fn admit(&mut self, object: &Object, needed: &Needed) -> bool {
        self.admit_for(&object.id, object.common.management, needed)
    }

    /// Whether a node may go back to the stable release now. If not, the finding that says why is added.
    pub fn admit_revert(&mut self, object: &Object, needed: &Needed) -> bool {
        let closed = gate::closed_for_revert(&self.known, &object.id, object.common.management, needed);
        let is_open = closed.is_none();
        closed.into_iter().for_each(|finding| self.find(finding));
        is_open
    }

    fn admit_for(&mut self, object: &ObjectRef, management: Management, needed: &Needed) -> bool {
        match gate::closed(&self.known, &mut self.budget, object, management, needed) {
            Some(finding) => {
                self.find(finding);
                false
            }
            None => true,
        }
    }

    /// Adds an action whose changes were all admitted, with the finding that tells what it mends.
    pub fn push(&mut self, object: &ObjectRef, action: Action, needed: Vec<Needed>) {
        for one in &needed {
            let finding = Finding::of(object, one.reason, one.why.clone())
                .about(one.change.subject.clone())
                .with(one.drift.clone());
            self.find(finding);
        }
        let Some(first) = needed.first() else { return };
        let planned = Planned {
            action,
            object: Some(object.clone()),
            reason: first.reason,
            why: first.why.clone(),
            changes: needed.iter().map(|one| one.change.clone()).collect(),
            drift: needed.into_iter().map(|one| (one.change.subject, one.drift)).collect(),
        };
        self.plan.actions.push(planned);
    }

    /// Adds an action that serves no single object: a probe.
    pub fn push_general(&mut self, action: Action, changes: Vec<Change>, why: impl Into<String>) {
        let reason = Reason::NotProbed;
        self.plan.actions.push(Planned {
            action,
            object: None,
            changes,
            reason,
            why: why.into(),
            drift: Vec::new(),
        });
    }

    /// Admits and adds an action that makes one change.
    pub fn propose(&mut self, object: &Object, action: Action, needed: Needed) {
        if self.admit(object, &needed) {
            self.push(&object.id, action, vec![needed]);
        }
    }

    /// Admits and adds an action on behalf of a document that is gone.
    pub fn propose_orphan(&mut self, owner: &ObjectRef, action: Action, needed: Needed) {
        if self.admit_for(owner, Management::Enforce, &needed) {
            self.push(owner, action, vec![needed]);
        }
    }

    /// Adds the finding for a fact that is needed and not known. `what` says which fact.
    pub fn unread<T>(&mut self, object: &ObjectRef, what: &str, reading: &Reading<T>) {
        let finding = match reading.failure() {
            Some(why) => unreadable(object, what, why),
            None => Finding::of(object, Reason::NotRead, format!("{what} has not been read yet")),
        };
        self.find(finding);
    }

    /// Adds the finding for a listing that is needed and not known. `what` says which listing.
    pub fn unlisted<T>(&mut self, object: &ObjectRef, what: &str, listing: &Listing<T>) {
        let finding = match listing.failure() {
            Some(why) => unreadable(object, what, why),
            None => Finding::of(object, Reason::NotRead, format!("{what} have not been listed yet")),
        };
        self.find(finding);
    }

    /// Whether anything found so far keeps the object from being right.
    pub fn holds_back(&self, object: &ObjectRef) -> bool {
        self.plan
            .findings
            .iter()
            .any(|finding| finding.object.as_ref() == Some(object) && finding.reason.nature() > Nature::Note)
    }

    /// Says how far an object's rollout is.
    pub fn rollout(&mut self, object: &ObjectRef, progress: Progress) {
        self.plan.rollouts.insert(object.clone(), progress);
    }

    /// Closes the tally of an object that is one single thing.
    pub fn tally_single(&mut self, object: &ObjectRef) {
        let right = u32::from(!self.holds_back(object));
        self.tally(object, Tally { selected: 1, right, set_aside: 0 });
    }

    /// The plan.
    pub fn finish(self) -> Plan {
        self.plan
    }
}

/// The finding for a failed reading.
pub(super) fn unreadable(object: &ObjectRef, what: &str, why: &Failure) -> Finding {
    let reason = reason_of(why, Reason::Unreadable);
    Finding::of(object, reason, format!("{what} could not be read: {} ({why})", why.call))
}

/// The reason that fits a failure; `otherwise` where the class says nothing special.
pub(super) fn reason_of(why: &Failure, otherwise: Reason) -> Reason {
    match why.class {
        Class::Denied => Reason::AccessDenied,
        Class::Throttled => Reason::Throttled,
        Class::Quota => Reason::QuotaReached,
        _ => otherwise,
    }
}

/// A map from the subjects of `pairs`, for kinds that group changes into one call.
pub(super) fn grouped<K: Ord, V>(pairs: impl IntoIterator<Item = (K, V)>) -> BTreeMap<K, Vec<V>> {
    let mut groups: BTreeMap<K, Vec<V>> = BTreeMap::new();
    for (key, value) in pairs {
        groups.entry(key).or_default().push(value);
    }
    groups
}
