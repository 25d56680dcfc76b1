//! A picture that is too old is none: what was known then says nothing of now.

use jiff::{SignedDuration, Timestamp};

use super::{Condition, Picture, Signal};
use crate::model::reason::Reason;
use crate::model::status::Truth;

/// A pass that is this many intervals late is overdue.
const OVERDUE_INTERVALS: i32 = 5;

/// How long what a pass showed may be taken for true, where a pass is due every `interval`.
pub fn good_for(interval: SignedDuration) -> SignedDuration {
    interval * OVERDUE_INTERVALS
}

impl Picture {
    /// Whether it may still be taken for true.
    pub fn is_good(&self, now: Timestamp) -> bool {
        now <= self.good_until
    }

    /// The picture as it must be read at `now`: once it is too old, everything that it took for known is not.
    pub fn seen_at(mut self, now: Timestamp) -> Self {
        if !self.is_good(now) {
            self.grow_old();
        }
        self
    }

    /// Makes everything unknown: what it tells was so once.
    pub fn grow_old(&mut self) {
        let message =
            format!("the last pass ended at {:.0}: what it saw may not be so any more", self.status.at);
        for standing in &mut self.status.objects {
            standing.ready = Truth::Unknown;
            standing.reason = Reason::PassOverdue;
            standing.message.clone_from(&message);
        }
        for part in self.parts.iter_mut().filter(|part| part.condition != Condition::Unmanaged) {
            part.condition = Condition::Unknown;
            part.reason = Reason::PassOverdue;
            part.message.clone_from(&message);
        }
        for line in self.coverage.lines.iter_mut().filter(|line| line.signal != Signal::NotWanted) {
            line.signal = Signal::Unknown;
            line.reason = Some(Reason::PassOverdue);
            line.why = message.as_str().into();
        }
        self.coverage.count();
        self.status.general.insert(0, (Reason::PassOverdue, message));
    }
}
