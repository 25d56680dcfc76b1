//! Whether a flow log is seen to deliver: records come, and AWS says that they do. Without that proof it is not
//! ready, and no older one may go for it.
//!
//! Three cases that look alike are told apart: nothing runs on the network, so nothing can come; it was made a
//! moment ago, so nothing has come yet; and something runs, time has passed, and still nothing comes.

use jiff::{SignedDuration, Timestamp};

use super::networks::Network;
use crate::model::desired::ObjectRef;
use crate::model::failure::Failure;
use crate::model::finding::Finding;
use crate::model::observed::{Arrival, FlowLog, Observed, Running};
use crate::model::plan::Known;
use crate::model::plan::draft::reason_of;
use crate::model::reason::Reason;

/// How long at least a flow log may take to show its first records (VPC user guide: about ten minutes for the
/// first, and delivery takes some more). As long must its status be good where records cannot tell old from new.
const LEAST_PROOF: SignedDuration = SignedDuration::from_mins(15);
/// How soon to look again at what AWS updates every few minutes.
const POLL: SignedDuration = SignedDuration::from_mins(1);

/// What is known of a flow log's delivery.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Delivery {
    /// It delivers.
    Proven,
    /// There is nothing to deliver.
    NoTraffic,
    /// Not seen yet; look again then.
    Awaited(Timestamp),
    /// AWS says it fails.
    Failed(String),
    /// Nothing comes, though something should: why that is believed.
    NoRecords(String),
    /// The records could not be read.
    Unread(Failure),
}

/// What there is to judge by.
pub(super) struct Evidence<'a> {
    /// Everything known.
    pub known: Known<'a>,
    /// The interfaces that run.
    pub running: &'a Running<'a>,
    /// The flow log is ours. Somebody else's is judged by its status alone: nobody asked us to search its records.
    pub is_ours: bool,
}

/// By when a flow log must have been seen to deliver; `None`: AWS does not say when it was made.
pub(crate) fn proof_deadline(flow_log: &FlowLog) -> Option<Timestamp> {
    let interval = SignedDuration::from_secs(i64::from(flow_log.interval));
    flow_log.created.map(|created| created + LEAST_PROOF.max(interval * 2))
}

/// By when records must have come of interfaces that have only just begun to run: as long after the first of their
/// instances was launched as a new flow log has. An interface without an instance counts as old.
fn traffic_deadline(observed: &Observed, flow_log: &FlowLog, running: &[&std::sync::Arc<str>]) -> Timestamp {
    let launched = running.iter().map(|id| {
        let instance = observed.interfaces.get(id)?.instance.as_ref()?;
        observed.instances.get(instance)?.launched
    });
    let first = launched.map(|at| at.unwrap_or(Timestamp::UNIX_EPOCH)).min().unwrap_or(Timestamp::UNIX_EPOCH);
    let interval = SignedDuration::from_secs(i64::from(flow_log.interval));
    first + LEAST_PROOF.max(interval * 2)
}

/// What is known of the delivery of `flow_log`, which may supersede `old` ones on the same network.
pub(super) fn of(
    evidence: &Evidence<'_>,
    flow_log: &FlowLog,
    old: &[&FlowLog],
    network: &Network,
) -> Delivery {
    let Known { observed, now, .. } = evidence.known;
    let soon = now + POLL;
    if flow_log.deliver_status.as_deref() == Some("FAILED") {
        return Delivery::Failed(flow_log.deliver_error.as_deref().unwrap_or("no error given").to_owned());
    }
    if !observed.interfaces.is_current(now) {
        return observed.interfaces.failure().cloned().map_or(Delivery::Awaited(soon), Delivery::Unread);
    }
    let running = evidence.running.on(&network.id);
    if running.is_empty() {
        return Delivery::NoTraffic;
    }
    let is_good = flow_log.deliver_status.as_deref() == Some("SUCCESS");
    let deadline =
        proof_deadline(flow_log).unwrap_or(soon).max(traffic_deadline(observed, flow_log, running));
    let streams: Vec<_> = running.iter().filter_map(|interface| flow_log.stream(interface)).collect();
    if !evidence.is_ours || streams.is_empty() {
        // Its status is all there is; where another one runs beside it, it must have been good for a while.
        let is_proven = is_good && (old.is_empty() || now >= deadline);
        return if is_proven { Delivery::Proven } else { Delivery::Awaited(soon) };
    }
    // Old and new share the streams of one group, so that records there may be the old one's.
    let shares_group = old.iter().any(|row| row.log_group == flow_log.log_group);
    match records(&evidence.known, flow_log, &streams) {
        Arrival::Unknown(why) => Delivery::Unread(why),
        Arrival::NotAsked => Delivery::Awaited(soon),
        Arrival::At(_) if is_good && (!shares_group || now >= deadline) => Delivery::Proven,
        Arrival::At(_) | Arrival::NoneSince(_) if now < deadline => Delivery::Awaited(deadline.min(soon)),
        Arrival::At(_) => Delivery::NoRecords("its delivery status does not say SUCCESS".to_owned()),
        Arrival::NoneSince(_) => {
            Delivery::NoRecords(format!("no records in stream {}", streams.join(", nor in ")))
        }
    }
}

/// The newest record since the flow log was made, in any of these streams.
fn records(known: &Known<'_>, flow_log: &FlowLog, streams: &[std::sync::Arc<str>]) -> Arrival {
    let group = flow_log.log_group.as_deref().unwrap_or_default();
    let made = flow_log.created.unwrap_or(Timestamp::UNIX_EPOCH);
    let mut found = Arrival::NotAsked;
    for stream in streams {
        match known.observed.arrival(group, stream) {
            Arrival::At(at) if at >= made => return Arrival::At(at),
            Arrival::At(_) => found = Arrival::NoneSince(made),
            Arrival::NotAsked => {}
            other => found = other,
        }
    }
    found
}

impl Delivery {
    /// What to say of it, where there is something to say.
    pub fn finding(&self, object: &ObjectRef, flow_log: &FlowLog, network: &Network) -> Option<Finding> {
        let (id, place) = (&flow_log.id, &network.id);
        let of = |reason, message| Some(Finding::of(object, reason, message).about(network.id.clone()));
        match self {
            Self::Proven => None,
            Self::NoTraffic => of(
                Reason::NoTraffic,
                format!("{id} of {place} has nothing to deliver: no interface runs there"),
            ),
            Self::Awaited(until) => {
                of(Reason::AwaitingRecords, format!("{id} of {place} has not been seen to deliver yet"))
                    .map(|finding| finding.until(*until))
            }
            Self::Failed(error) => {
                of(Reason::DeliveryFailed, format!("{id} of {place} delivers nothing: {error}"))
            }
            Self::NoRecords(why) => of(Reason::NoRecords, format!("{id} of {place} is active, but {why}")),
            Self::Unread(why) => of(
                reason_of(why, Reason::Unreadable),
                format!("whether {id} of {place} delivers could not be read: {} ({why})", why.call),
            ),
        }
    }
}
