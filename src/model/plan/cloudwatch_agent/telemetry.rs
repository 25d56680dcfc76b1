//! Whether a node's telemetry arrives: installed, configured and running is not enough.
//!
//! Signal by signal, as far as it can be known. A metric is sent whether anything happens on the machine or not, so
//! one that does not arrive is a fault. A log may be quiet because nothing is written: only one that had been
//! arriving up to a change, and never since, says that the change broke it.

use jiff::{SignedDuration, Timestamp};

use super::candidates::Candidate;
use super::wish::Wish;
use crate::model::observed::{Arrival, Observed, Reading};

/// How soon after its last step a node's signals must be seen. CloudWatch may take fifteen minutes to list a new
/// metric (`ListMetrics`, API reference).
const ARRIVES_WITHIN: SignedDuration = SignedDuration::from_mins(20);
/// How long a log may stay silent after a change before it counts as stopped …
const SILENT_FOR: SignedDuration = SignedDuration::from_mins(15);
/// … provided that it had an event this shortly before the change: others have longer pauses by nature.
const WAS_BUSY_WITHIN: SignedDuration = SignedDuration::from_mins(10);

/// What is known of a node's telemetry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Telemetry {
    /// Everything that can be known arrives.
    Arriving,
    /// Something could not be read since the last step, and may still be.
    Untold {
        /// What, and why, for a person.
        what: String,
        /// From then on it counts as unknowable.
        until: Timestamp,
    },
    /// Something has not been seen since the last step, and may still come.
    Awaited {
        /// What, for a person.
        what: String,
        /// From then on it counts as missing.
        until: Timestamp,
    },
    /// Something that had been arriving does not any more, since the last step.
    Stopped(String),
    /// Something should be arriving by now and was not seen at all.
    Missing(String),
}

impl Telemetry {
    fn rank(&self) -> u8 {
        match self {
            Self::Arriving => 0,
            Self::Untold { .. } => 1,
            Self::Awaited { .. } => 2,
            Self::Missing(_) => 3,
            Self::Stopped(_) => 4,
        }
    }
}

/// What is known of the telemetry that `wish` promises of the node; `since`: when its agent got its configuration.
pub(super) fn of(
    observed: &Observed,
    candidate: &Candidate<'_>,
    wish: &Wish,
    since: Timestamp,
    now: Timestamp,
) -> Telemetry {
    let Some(signals) = &wish.signals else { return Telemetry::Arriving };
    let (Some(platform), Some(managed)) = (candidate.platform, candidate.managed) else {
        return Telemetry::Arriving;
    };
    let metrics = signals.metrics.iter().filter(|metric| metric.applies_to(platform)).filter_map(|metric| {
        let key = metric.key().ok()?;
        let value = metric.value_on(&candidate.id, &managed.computer_name).ok()?;
        if let Some(Reading::Unknown { why, .. }) = observed.active_metrics.get(&key) {
            return Some(untold(format!("metric {}: {} ({why})", key.metric, why.call), since));
        }
        let is_sent = observed.sends_metric(&key, &value)?;
        // A name that is only guessed proves nothing by its absence.
        (!is_sent && !metric.is_guess()).then(|| silent_metric(&key.metric, &key.namespace, since, now))
    });
    let logs = signals.logs.iter().filter(|log| log.applies_to(platform)).filter_map(|log| {
        let stream = log.stream_on(&candidate.id, &managed.computer_name).ok()?;
        let group = log.group().ok()?;
        match observed.arrival(group, &stream) {
            Arrival::At(at) if at < since && since.duration_since(at) <= WAS_BUSY_WITHIN => {
                Some(silent_log(group, &stream, since, now))
            }
            Arrival::Unknown(why) => Some(untold(format!("log group {group}: {} ({why})", why.call), since)),
            Arrival::NotAsked => Some(untold(format!("log group {group}: not read yet"), since)),
            _ => None,
        }
    });
    metrics.chain(logs).max_by_key(Telemetry::rank).unwrap_or(Telemetry::Arriving)
}

fn untold(what: String, since: Timestamp) -> Telemetry {
    Telemetry::Untold { what, until: since + SILENT_FOR }
}

fn silent_metric(metric: &str, namespace: &str, since: Timestamp, now: Timestamp) -> Telemetry {
    let what = format!("metric {metric} in {namespace}");
    let until = since + ARRIVES_WITHIN;
    if now < until { Telemetry::Awaited { what, until } } else { Telemetry::Missing(what) }
}

fn silent_log(group: &str, stream: &str, since: Timestamp, now: Timestamp) -> Telemetry {
    let what = format!("stream {stream} of log group {group}");
    let until = since + SILENT_FOR;
    if now < until { Telemetry::Awaited { what, until } } else { Telemetry::Stopped(what) }
}
