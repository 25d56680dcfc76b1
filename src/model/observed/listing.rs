//! Rows of one kind of thing, and what their absence proves.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::Reading;
use crate::model::failure::Failure;

/// How long the rows of the last complete listing are believed while every later one fails: some tries of each.
const BELIEVED_FOR: SignedDuration = SignedDuration::from_mins(10);

/// The last complete listing of one kind of thing, by id.
///
/// AWS's listings may lag behind writes, so a row that is missing once is only *maybe* gone. Whoever wants to
/// destroy something because another thing is not there asks [`Listing::surely_absent`].
#[derive(Clone, Debug)]
pub struct Listing<T> {
    rows: BTreeMap<Arc<str>, T>,
    /// When the last complete listing ended.
    at: Option<Timestamp>,
    /// When the last complete listing began.
    begun: Option<Timestamp>,
    /// Ids that the last complete listing lacked and the one before had.
    missing_once: BTreeMap<Arc<str>, Timestamp>,
    /// How many complete listings there were.
    complete: u64,
    /// The last attempt failed.
    failure: Option<(Timestamp, Failure)>,
    /// The first one of those that have failed since the last complete listing.
    failing_since: Option<Timestamp>,
}

impl<T> Default for Listing<T> {
    fn default() -> Self {
        Self {
            rows: BTreeMap::new(),
            at: None,
            begun: None,
            missing_once: BTreeMap::new(),
            complete: 0,
            failure: None,
            failing_since: None,
        }
    }
}

impl<T> Listing<T> {
    /// Takes a complete listing in.
    pub fn take(&mut self, rows: impl IntoIterator<Item = (Arc<str>, T)>, begun: Timestamp, at: Timestamp) {
        let before = std::mem::take(&mut self.rows);
        self.rows = rows.into_iter().collect();
        self.missing_once =
            before.into_keys().filter(|id| !self.rows.contains_key(id)).map(|id| (id, at)).collect();
        self.complete += 1;
        self.at = Some(at);
        self.begun = Some(begun);
        self.failure = None;
        self.failing_since = None;
    }

    /// Notes that a listing failed or broke off. The rows stay, and age.
    pub fn fail(&mut self, why: Failure, at: Timestamp) {
        self.failure = Some((at, why));
        self.failing_since.get_or_insert(at);
    }

    /// The row of `id`: known, absent from the last complete listing, or unknown.
    pub fn get(&self, id: &str) -> Option<&T> {
        self.rows.get(id)
    }

    /// All rows, by id.
    pub fn iter(&self) -> impl Iterator<Item = (&Arc<str>, &T)> {
        self.rows.iter()
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Whether there ever was a complete listing.
    pub const fn is_known(&self) -> bool {
        self.complete > 0
    }

    /// Whether the rows may be taken for true: there was a complete listing, and later ones have not failed for too
    /// long. What was so then need not be so now.
    pub fn is_current(&self, now: Timestamp) -> bool {
        self.is_known() && self.failing_since.is_none_or(|since| now.duration_since(since) < BELIEVED_FOR)
    }

    /// When the last complete listing ended.
    pub const fn at(&self) -> Option<Timestamp> {
        self.at
    }

    /// When the last complete listing began.
    pub const fn begun(&self) -> Option<Timestamp> {
        self.begun
    }

    /// Whether two complete listings in a row agree that `id` is not there.
    pub fn surely_absent(&self, id: &str) -> bool {
        self.complete >= 2 && !self.rows.contains_key(id) && !self.missing_once.contains_key(id)
    }

    /// Why the last attempt failed, if it did.
    pub fn failure(&self) -> Option<&Failure> {
        self.failure.as_ref().map(|(_, why)| why)
    }

    /// Whether it is time to list again, when a listing is good for `age`.
    pub fn is_due(&self, now: Timestamp, age: SignedDuration) -> bool {
        let tried = self.at.max(self.failure.as_ref().map(|(at, _)| *at));
        tried.is_none_or(|at| now.duration_since(at) >= age)
    }

    /// Makes the next [`Listing::is_due`] true: something of ours has just changed it.
    pub fn touch(&mut self) {
        // The rows stay good for reading; only their freshness is gone.
        self.at = self.at.map(|_| Timestamp::UNIX_EPOCH);
        self.failure = None;
    }
}

impl<T: Clone> Listing<T> {
    /// The row of `id` as a [`Reading`].
    pub fn reading(&self, id: &str) -> Reading<T> {
        match (self.rows.get(id), self.begun, &self.failure) {
            (Some(value), Some(at), _) => Reading::Known { value: value.clone(), at },
            (None, Some(at), None) => Reading::Absent { at },
            (_, _, Some((at, why))) => Reading::Unknown { why: why.clone(), at: *at },
            (_, None, None) => Reading::NotAsked,
        }
    }
}
