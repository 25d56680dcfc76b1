//! Whether a needed change may be made now.
//!
//! In this order: management (observe, paused), writes that may not show yet, delay after failures, somebody
//! else writing the same thing, the pass's change budget. The first that says no gives the reason.

use super::Known;
use super::draft::{Needed, reason_of};
use crate::model::desired::{Management, ObjectRef};
use crate::model::finding::Finding;
use crate::model::memory::{Attempts, CONTESTED_AFTER, growing};
use crate::model::reason::Reason;
use jiff::SignedDuration;

/// How often something that is only not ready yet is tried before it counts as a fault: about two minutes.
const PATIENCE: u32 = 6;

/// How much one pass may still change.
#[derive(Debug)]
pub(super) struct Budget {
    left: u32,
    whole: u32,
}

impl Budget {
    /// The whole budget, measured against the estate.
    pub fn of(known: &Known<'_>) -> Self {
        let nodes = u32::try_from(known.observed.nodes.len()).unwrap_or(u32::MAX);
        let whole = known.rules.max_changes.max(known.rules.max_change_share.of(nodes));
        Self { left: whole, whole }
    }

    fn spend(&mut self) -> bool {
        let is_left = self.left > 0;
        self.left = self.left.saturating_sub(1);
        is_left
    }
}

/// Why `needed` may not be done now; `None` when it may, and then it is counted.
pub(super) fn closed(
    known: &Known<'_>,
    budget: &mut Budget,
    object: &ObjectRef,
    management: Management,
    needed: &Needed,
) -> Option<Finding> {
    unmanaged(object, management, needed)
        .or_else(|| tried(known, object, needed))
        .or_else(|| contested(known, object, needed))
        .or_else(|| spent(budget, object, needed))
}

/// Why a node may not go back to the stable release now: only what was tried already, in vain or not yet seen. A
/// revert waits for no window, budget or pause.
pub(super) fn closed_for_revert(
    known: &Known<'_>,
    object: &ObjectRef,
    management: Management,
    needed: &Needed,
) -> Option<Finding> {
    unmanaged(object, management, needed).or_else(|| tried(known, object, needed))
}

fn about(
    object: &ObjectRef,
    needed: &Needed,
    reason: Reason,
    note: impl Into<std::borrow::Cow<'static, str>>,
) -> Finding {
    let finding = Finding::of(object, reason, needed.why.clone()).noting(note);
    finding.about(needed.change.subject.clone()).with(needed.drift.clone())
}

fn unmanaged(object: &ObjectRef, management: Management, needed: &Needed) -> Option<Finding> {
    let reason = match management {
        Management::Enforce => return None,
        Management::Paused => Reason::Paused,
        Management::Observe => Reason::Observing,
    };
    Some(about(object, needed, reason, "left as it is"))
}

fn tried(known: &Known<'_>, object: &ObjectRef, needed: &Needed) -> Option<Finding> {
    let attempts = known.memory.attempts.get(&needed.change)?;
    // Not by the present time: a reading from before then may lack the write, however long observing took.
    if known.begun < attempts.expected_until {
        let settling = about(object, needed, Reason::Settling, "done, and waiting for AWS to show it");
        return Some(settling.until(attempts.expected_until));
    }
    let next = attempts.next();
    (known.now < next)
        .then(|| about(object, needed, failed_reason(attempts), failed_note(attempts)).until(next))
}

/// What AWS asks to try again in a moment is no fault until it has been asked in vain a few times.
fn failed_reason(attempts: &Attempts) -> Reason {
    match &attempts.failure {
        Some(_) if attempts.is_soon_tried_again() && attempts.count < PATIENCE => Reason::Retrying,
        Some(why) => reason_of(why, Reason::CallFailed),
        None => Reason::CallFailed,
    }
}

fn failed_note(attempts: &Attempts) -> String {
    let times = if attempts.count == 1 { "once".to_owned() } else { format!("{} times", attempts.count) };
    match &attempts.failure {
        Some(why) => format!("tried {times}; {} answered {why}", why.call),
        None => format!("tried {times} without effect"),
    }
}

fn contested(known: &Known<'_>, object: &ObjectRef, needed: &Needed) -> Option<Finding> {
    let (count, last) = known.memory.recent_corrections(&needed.change, known.now);
    let over = count.checked_sub(CONTESTED_AFTER)?;
    let delay =
        growing(SignedDuration::from_mins(1), u32::try_from(over).unwrap_or(u32::MAX).saturating_add(1));
    let next = last? + delay;
    (known.now < next).then(|| {
        let note = format!("corrected {count} times in six hours, and changed back each time");
        about(object, needed, Reason::Contested, note).until(next)
    })
}

fn spent(budget: &mut Budget, object: &ObjectRef, needed: &Needed) -> Option<Finding> {
    if budget.spend() {
        return None;
    }
    let note = format!("this pass has made its {} changes", budget.whole);
    Some(about(object, needed, Reason::ChangeBudget, note))
}
