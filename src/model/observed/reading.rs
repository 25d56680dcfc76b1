//! One fact, three answers.

use jiff::{SignedDuration, Timestamp};

use crate::model::failure::Failure;

/// How soon a reading that failed is tried again, however long an answer would have been good: less than the time
/// between two passes, so that the next one asks.
const TRY_AGAIN: SignedDuration = SignedDuration::from_secs(30);

/// One fact about the world: known, absent, or unknown with a reason. Three answers, never two.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum Reading<T> {
    /// It is so, as of `at`.
    Known {
        /// The fact.
        value: T,
        /// When it was read.
        at: Timestamp,
    },
    /// It is not there, as of `at`.
    Absent {
        /// When that was read.
        at: Timestamp,
    },
    /// It could not be read.
    Unknown {
        /// Why, and when that was.
        why: Failure,
        /// When it was tried.
        at: Timestamp,
    },
    /// It was not asked yet.
    #[default]
    NotAsked,
}

impl<T> Reading<T> {
    /// A direct answer: there, or not there.
    pub fn answered(value: Option<T>, at: Timestamp) -> Self {
        match value {
            Some(value) => Self::Known { value, at },
            None => Self::Absent { at },
        }
    }

    /// The fact, if it is known.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known { value, .. } => Some(value),
            _ => None,
        }
    }

    /// Whether it is known not to be there.
    pub const fn is_absent(&self) -> bool {
        matches!(self, Self::Absent { .. })
    }

    /// When the fact, or its absence, was read.
    pub const fn at(&self) -> Option<Timestamp> {
        match self {
            Self::Known { at, .. } | Self::Absent { at } => Some(*at),
            Self::Unknown { .. } | Self::NotAsked => None,
        }
    }

    /// When it was last tried, whatever came of it.
    pub const fn tried(&self) -> Option<Timestamp> {
        match self {
            Self::Known { at, .. } | Self::Absent { at } | Self::Unknown { at, .. } => Some(*at),
            Self::NotAsked => None,
        }
    }

    /// Whether it is time to ask again, when answers are good for `age`. A failure is no answer.
    pub fn is_due(&self, now: Timestamp, age: SignedDuration) -> bool {
        match self {
            Self::Known { at, .. } | Self::Absent { at } => now.duration_since(*at) >= age,
            Self::Unknown { at, .. } => now.duration_since(*at) >= age.min(TRY_AGAIN),
            Self::NotAsked => true,
        }
    }

    /// Why it is not known, if it was asked in vain.
    pub const fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Unknown { why, .. } => Some(why),
            _ => None,
        }
    }

    /// Takes a new answer in. A fact that was known and could not be read again becomes unknown: an old fact is no fact.
    pub fn take(&mut self, answer: Result<Option<T>, Failure>, at: Timestamp) {
        *self = match answer {
            Ok(value) => Self::answered(value, at),
            Err(why) => Self::Unknown { why, at },
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::failure::Class;

    #[test]
    fn a_failure_is_tried_again_long_before_an_answer_would_be_old() {
        let at: Timestamp = "2026-01-01T00:00:00Z".parse().expect("a timestamp");
        let why = Failure {
            class: Class::Denied,
            code: "AccessDenied".to_owned(),
            message: String::new(),
            call: "sts:GetCallerIdentity".to_owned(),
            request_id: None,
        };
        let day = SignedDuration::from_hours(24);
        let known = Reading::Known { value: 1, at };
        let failed = Reading::<i32>::Unknown { why, at };
        let later = at + SignedDuration::from_mins(1);
        assert!(!known.is_due(later, day));
        assert!(failed.is_due(later, day));
        assert!(!failed.is_due(at + SignedDuration::from_secs(1), day), "not at once");
    }
}
