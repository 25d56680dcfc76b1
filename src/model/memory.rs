//! What one pass tells the next. Losing it costs time, never correctness.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::action::Step;
use super::desired::ObjectRef;
use super::failure::{Class, Failure};

/// What a pass remembers for the next one.
#[derive(Clone, Debug)]
pub struct Memory {
    /// When this process, or its lease, began: commands sent before may not be listed yet.
    pub started: Timestamp,
    /// Writes tried and not yet followed by the right state, by what they were to change.
    pub attempts: BTreeMap<Change, Attempts>,
    /// When each thing was last corrected, for finding out that somebody else keeps writing it.
    pub corrections: BTreeMap<Change, Vec<Timestamp>>,
    /// Since when each kind of command has waited for more nodes.
    pub batches: BTreeMap<Arc<str>, Timestamp>,
    /// Groups and parameters that carried our tag: if they come back untagged, they are taken back.
    pub ours: BTreeMap<Arc<str>, ObjectRef>,
}

/// What a write is to change: the key by which writes are remembered.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct Change {
    /// The thing: a node's id, a network's, a group's name.
    pub subject: Arc<str>,
    /// The write, with what it would set, such as `configure AmazonCloudWatch-x:7`.
    pub write: Arc<str>,
}

/// How often a write was tried, and what came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Attempts {
    /// How often.
    pub count: u32,
    /// When it was last sent.
    pub last: Timestamp,
    /// Until when it may not show yet, and is expected.
    pub expected_until: Timestamp,
    /// Why the last try failed, if it did.
    pub failure: Option<Failure>,
}

/// Corrections of one thing within [`CONTEST_WINDOW`] from which on it is contested.
pub const CONTESTED_AFTER: usize = 4;
/// How long a correction counts.
pub const CONTEST_WINDOW: SignedDuration = SignedDuration::from_hours(6);
/// The longest delay between two tries.
const LONGEST_DELAY: SignedDuration = SignedDuration::from_mins(30);

impl Memory {
    /// A memory that knows nothing, of a process that began at `started`.
    pub fn new(started: Timestamp) -> Self {
        Self {
            started,
            attempts: BTreeMap::new(),
            corrections: BTreeMap::new(),
            batches: BTreeMap::new(),
            ours: BTreeMap::new(),
        }
    }

    /// Whether anything was tried on `subject`.
    pub fn was_tried(&self, subject: &Arc<str>) -> bool {
        !self.attempts.is_empty() && self.tries_on(subject).next().is_some()
    }

    /// Until when a write to `subject` may not show yet.
    pub fn expected_until(&self, subject: &Arc<str>) -> Option<Timestamp> {
        if self.attempts.is_empty() {
            return None;
        }
        self.tries_on(subject).map(|(_, attempts)| attempts.expected_until).max()
    }

    /// Until when a write to any of these subjects may not show yet. Commands are followed by their id instead.
    pub fn expected_of(&self, subjects: impl Fn(&str) -> bool) -> Option<Timestamp> {
        let is_command = |change: &Change| Step::of_word(change.verb()).is_some();
        let is_meant = |change: &Change| subjects(&change.subject) && !is_command(change);
        self.attempts
            .iter()
            .filter(|(change, _)| is_meant(change))
            .map(|(_, attempts)| attempts.expected_until)
            .max()
    }

    /// When something was last tried on `subject`.
    pub fn last_try_on(&self, subject: &Arc<str>) -> Option<Timestamp> {
        self.tries_on(subject).map(|(_, attempts)| attempts.last).max()
    }

    /// Until when a write to `subject` may be under way that AWS does not show: sent, and its reply lost.
    pub fn in_doubt_until(&self, subject: &Arc<str>) -> Option<Timestamp> {
        let in_doubt =
            |attempts: &Attempts| attempts.failure.as_ref().is_some_and(Failure::may_have_happened);
        self.tries_on(subject)
            .filter(|(_, attempts)| in_doubt(attempts))
            .map(|(_, attempts)| attempts.expected_until)
            .max()
    }

    /// When the oldest write was sent whose reply was lost, and which a listing begun at `read` need not show yet.
    pub fn oldest_doubt(&self, read: Timestamp) -> Option<Timestamp> {
        self.attempts
            .values()
            .filter(|attempts| attempts.failure.as_ref().is_some_and(Failure::may_have_happened))
            .filter(|attempts| attempts.expected_until > read)
            .map(|attempts| attempts.last)
            .min()
    }

    fn tries_on(&self, subject: &Arc<str>) -> impl Iterator<Item = (&Change, &Attempts)> {
        let from = Change { subject: subject.clone(), write: "".into() };
        self.attempts.range(from..).take_while(move |(change, _)| change.subject == *subject)
    }

    /// How many corrections of `change` still count at `now`, and when the last one was.
    pub fn recent_corrections(&self, change: &Change, now: Timestamp) -> (usize, Option<Timestamp>) {
        let Some(times) = self.corrections.get(change) else { return (0, None) };
        let recent = times.iter().filter(|at| now.duration_since(**at) < CONTEST_WINDOW);
        (recent.clone().count(), recent.max().copied())
    }
}

impl Change {
    /// The change that `write` would make to `subject`.
    pub fn new(subject: impl Into<Arc<str>>, write: impl Into<Arc<str>>) -> Self {
        Self { subject: subject.into(), write: write.into() }
    }

    /// Whether it changes, makes or deletes the thing called `id`: a deletion names it after its verb, where the
    /// subject is the network that it is on.
    pub fn concerns(&self, id: &str) -> bool {
        *self.subject == *id || self.write.split(' ').nth(1) == Some(id)
    }

    /// The ids of what it changes, makes or deletes.
    pub fn things(&self) -> impl Iterator<Item = &str> {
        let named = self.write.split(' ').nth(1).filter(|named| **named != *self.subject);
        std::iter::once(&*self.subject).chain(named)
    }

    /// The first word of the write, such as `configure`.
    fn verb(&self) -> &str {
        self.write.split(' ').next().unwrap_or_default()
    }
}

impl Attempts {
    /// Whether the failure is of a kind that passes by itself.
    pub fn is_soon_tried_again(&self) -> bool {
        self.failure.as_ref().is_some_and(|why| {
            matches!(why.class, Class::NotReady | Class::Conflict | Class::Throttled | Class::Ambiguous)
        })
    }

    /// When the next try is due.
    pub fn next(&self) -> Timestamp {
        // What AWS asks to try again soon is tried again soon; what it refuses, slowly.
        let first = SignedDuration::from_secs(if self.is_soon_tried_again() { 4 } else { 30 });
        self.last + growing(first, self.count)
    }
}

/// A delay that doubles with every try, up to half an hour.
pub fn growing(first: SignedDuration, tries: u32) -> SignedDuration {
    let doublings = tries.saturating_sub(1).min(16);
    first.checked_mul(1 << doublings).unwrap_or(LONGEST_DELAY).min(LONGEST_DELAY)
}
