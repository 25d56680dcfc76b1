//! One fact, three answers.

use jiff::{SignedDuration, Timestamp};

use crate::model::failure::Failure;

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

    /// Whether it is time to ask again, when answers are good for `age`.
    pub fn is_due(&self, now: Timestamp, age: SignedDuration) -> bool {
        self.tried().is_none_or(|at| now.duration_since(at) >= age)
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
