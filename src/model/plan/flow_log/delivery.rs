//! Whether a flow log is seen to deliver: the proof that is needed before an older one may go.

use jiff::{SignedDuration, Timestamp};

use super::networks::Network;
use crate::model::desired::ObjectRef;
use crate::model::finding::Finding;
use crate::model::observed::{FlowLog, Interface};
use crate::model::plan::Known;
use crate::model::reason::Reason;

/// How long at least the delivery status must have been good, when records alone cannot tell old from new.
const LEAST_PROOF: SignedDuration = SignedDuration::from_mins(15);

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
}

/// What is known of the delivery of `flow_log`, which may supersede `old` ones on the same network.
pub(super) fn of(known: &Known<'_>, flow_log: &FlowLog, old: &[&FlowLog], network: &Network) -> Delivery {
    if flow_log.deliver_status.as_deref() == Some("FAILED") {
        return Delivery::Failed(flow_log.deliver_error.as_deref().unwrap_or("no error given").to_owned());
    }
    let is_good = flow_log.deliver_status.as_deref() == Some("SUCCESS");
    if !is_good && !has_traffic(known, network) {
        return Delivery::NoTraffic;
    }
    if old.is_empty() {
        return if is_good { Delivery::Proven } else { Delivery::Awaited(known.now + POLL) };
    }
    proof_against(known, flow_log, old, network, is_good)
}

/// How soon to look again at what AWS updates every few minutes.
const POLL: SignedDuration = SignedDuration::from_mins(1);

/// Old and new write side by side. In different groups, records in the new one are proof; in the same group
/// they share streams, so only the new one's own status, good for a while, is.
fn proof_against(
    known: &Known<'_>,
    flow_log: &FlowLog,
    old: &[&FlowLog],
    network: &Network,
    is_good: bool,
) -> Delivery {
    let Some(created) = flow_log.created else { return Delivery::Awaited(known.now + POLL) };
    let shares_group = old.iter().any(|row| row.log_group == flow_log.log_group);
    if shares_group {
        let interval = SignedDuration::from_secs(i64::from(flow_log.interval));
        let proven_at = created + LEAST_PROOF.max(interval * 2);
        let proven = is_good && known.now >= proven_at;
        return if proven { Delivery::Proven } else { Delivery::Awaited(proven_at.max(known.now + POLL)) };
    }
    let group = flow_log.log_group.as_deref().unwrap_or_default();
    let arrived = interfaces(known, network).any(|interface| {
        let key = (group.into(), interface.id.clone());
        known.observed.arrivals.get(&key).and_then(|reading| reading.known()).is_some_and(|at| *at >= created)
    });
    if is_good && arrived { Delivery::Proven } else { Delivery::Awaited(known.now + POLL) }
}

/// Whether anything runs on the network. While the interfaces are not known, something might.
fn has_traffic(known: &Known<'_>, network: &Network) -> bool {
    !known.observed.interfaces.is_known() || interfaces(known, network).next().is_some()
}

/// The running interfaces of a network, by id.
fn interfaces<'a>(known: &Known<'a>, network: &'a Network) -> impl Iterator<Item = &'a Interface> {
    known.observed.interfaces.iter().map(|(_, interface)| interface).filter(|interface| {
        interface.in_use
            && match network.kind {
                "VPC" => interface.vpc == network.id,
                "Subnet" => interface.subnet == network.id,
                _ => interface.id == network.id,
            }
    })
}

/// A finding that does not know its object yet.
pub(super) struct Told(Reason, String, Network, Option<Timestamp>);

impl Told {
    /// As a finding of `object`.
    pub fn of_object(self, object: &ObjectRef) -> Finding {
        let finding = Finding::of(object, self.0, self.1).about(self.2.id);
        match self.3 {
            Some(until) => finding.until(until),
            None => finding,
        }
    }
}

impl Delivery {
    /// What to say of it, where there is something to say.
    pub fn finding(&self, flow_log: &FlowLog, network: &Network) -> Option<Told> {
        let id = &flow_log.id;
        let (reason, message, until) = match self {
            Self::Proven => return None,
            Self::NoTraffic => (
                Reason::NoTraffic,
                format!("{id} of {} has nothing to deliver: no interface runs there", network.id),
                None,
            ),
            Self::Awaited(until) => (
                Reason::Delivering,
                format!("{id} of {} has not been seen to deliver yet", network.id),
                Some(*until),
            ),
            Self::Failed(error) => {
                (Reason::DeliveryFailed, format!("{id} of {} delivers nothing: {error}", network.id), None)
            }
        };
        Some(Told(reason, message, network.clone(), until))
    }
}
