//! What arrives: events in log streams, metrics in namespaces; and the alarms that watch over them.
//!
//! A reading of arrivals covers the streams that were asked for, and no others. Each stream costs two words and a
//! moment, and shares its name with the node's id: a group may have a hundred thousand of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::{Observed, Reading};
use crate::model::failure::Failure;

/// How far back an event still counts as seen. Older than this, and a stream has gone quiet.
pub const LOOK_BACK: SignedDuration = SignedDuration::from_hours(2);

/// The newest events in streams of one group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Arrivals {
    /// How far back was looked: a stream without an event has had none since then.
    pub since: Timestamp,
    /// The streams that were asked for, each with its newest event since then.
    pub newest: BTreeMap<Arc<str>, Option<Timestamp>>,
}

/// One metric in one namespace, and the dimension that tells who sends it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MetricKey {
    /// The namespace, such as `CWAgent`.
    pub namespace: Arc<str>,
    /// The metric's name.
    pub metric: Arc<str>,
    /// The dimension, such as `InstanceId`.
    pub dimension: Arc<str>,
}

/// The state of a CloudWatch alarm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum AlarmState {
    /// Within its threshold.
    Ok,
    /// Beyond its threshold.
    Alarm,
    /// It cannot tell.
    InsufficientData,
}

/// What is known of the events in one stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// The newest one happened then.
    At(Timestamp),
    /// There was none since then.
    NoneSince(Timestamp),
    /// It could not be read.
    Unknown(Failure),
    /// It was not asked for yet.
    NotAsked,
}

impl Reading<Arrivals> {
    /// Takes a new answer in. One that looks back to before the last answer goes on from that one, so that what was
    /// read once is not searched, and paid for, again.
    pub(super) fn take_arrivals(&mut self, mut answer: Arrivals, at: Timestamp) {
        if let Self::Known { value: earlier, at: read } = self
            && answer.since <= *read
        {
            answer.go_on_from(earlier, at - LOOK_BACK);
        }
        *self = Self::Known { value: answer, at };
    }
}

impl Arrivals {
    fn go_on_from(&mut self, earlier: &Self, oldest: Timestamp) {
        for (stream, newest) in &mut self.newest {
            let before = earlier.newest.get(stream).copied().flatten();
            *newest = (*newest).max(before.filter(|at| *at >= oldest));
        }
        // A stream that the earlier answer lacks has only been looked for since the new one began.
        if self.newest.keys().all(|stream| earlier.newest.contains_key(stream)) {
            self.since = self.since.min(earlier.since.max(oldest));
        }
    }
}

impl Observed {
    /// What is known of the events in `stream` of `group`.
    pub fn arrival(&self, group: &str, stream: &str) -> Arrival {
        if let Some(Reading::Absent { at }) = self.log_groups.get(group) {
            return Arrival::NoneSince(*at - LOOK_BACK);
        }
        match self.group_arrivals.get(group) {
            Some(Reading::Known { value, .. }) => match value.newest.get(stream) {
                Some(Some(at)) => Arrival::At(*at),
                Some(None) => Arrival::NoneSince(value.since),
                None => Arrival::NotAsked,
            },
            Some(Reading::Unknown { why, .. }) => Arrival::Unknown(why.clone()),
            Some(Reading::Absent { .. } | Reading::NotAsked) | None => Arrival::NotAsked,
        }
    }

    /// Whether `value` of the dimension sent the metric in the last three hours; `None` while that is not known.
    ///
    /// A new metric may take fifteen minutes to be listed, and one that stopped is listed for three hours.
    pub fn sends_metric(&self, key: &MetricKey, value: &str) -> Option<bool> {
        self.active_metrics.get(key)?.known().map(|values| values.contains(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minute(minute: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minute)
    }

    fn arrivals(since: i64, newest: &[(&str, Option<i64>)]) -> Arrivals {
        let newest = newest.iter().map(|(stream, at)| ((*stream).into(), at.map(minute))).collect();
        Arrivals { since: minute(since), newest }
    }

    #[test]
    fn a_short_look_goes_on_from_a_long_one() {
        let mut reading = Reading::NotAsked;
        reading.take_arrivals(
            arrivals(0, &[("busy", Some(119)), ("quiet", Some(30)), ("dumb", None)]),
            minute(120),
        );
        let short = [("busy", Some(129)), ("quiet", None), ("dumb", None)];
        reading.take_arrivals(arrivals(100, &short), minute(130));
        let expected = arrivals(10, &[("busy", Some(129)), ("quiet", Some(30)), ("dumb", None)]);
        assert_eq!(reading.known(), Some(&expected));
        reading.take_arrivals(arrivals(130, &short), minute(160));
        assert_eq!(reading.known().map(|read| read.newest["quiet"]), Some(None), "thirty is too long ago");
    }

    #[test]
    fn a_look_that_leaves_a_gap_begins_anew() {
        let mut reading = Reading::NotAsked;
        reading.take_arrivals(arrivals(0, &[("a", Some(119))]), minute(120));
        reading.take_arrivals(arrivals(150, &[("a", None)]), minute(180));
        assert_eq!(reading.known(), Some(&arrivals(150, &[("a", None)])));
    }

    #[test]
    fn a_stream_that_was_not_asked_for_is_not_known() {
        let mut observed = Observed::default();
        let read = Reading::Known { value: arrivals(0, &[("a", Some(5)), ("b", None)]), at: minute(9) };
        observed.group_arrivals.insert("g".into(), read);
        assert_eq!(observed.arrival("g", "a"), Arrival::At(minute(5)));
        assert_eq!(observed.arrival("g", "b"), Arrival::NoneSince(minute(0)));
        assert_eq!(observed.arrival("g", "c"), Arrival::NotAsked);
        assert_eq!(observed.arrival("h", "a"), Arrival::NotAsked);
    }
}
