//! Which streams show whether our flow logs deliver.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::Asked;
use crate::model::desired::{Kind, Management, Spec};
use crate::model::observed::{Arrival, FlowLog};
use crate::model::plan::{Known, applies, proof_deadline};
use crate::model::tags;

/// The streams of one group in which records should come.
#[derive(Clone, Debug, Default)]
pub(super) struct Records {
    /// The streams of a few interfaces of each network.
    pub streams: BTreeSet<Arc<str>>,
    /// Whether a flow log that was just made has not been seen to write into any of its own.
    pub is_awaited: bool,
}

impl Asked<'_> {
    /// What our flow logs should write, by group. Nobody else's need proof from us.
    pub(super) fn flow_records(&self) -> BTreeMap<Arc<str>, Records> {
        let Known { desired, observed, rules, now, .. } = self.known;
        let mut groups: BTreeMap<Arc<str>, Records> = BTreeMap::new();
        let documents = desired.of_kind(Kind::FlowLog).filter(|object| {
            object.common.management != Management::Paused && applies(desired, observed, object)
        });
        let wanted: BTreeSet<&str> = documents
            .filter_map(|object| match &object.spec {
                Spec::FlowLog(flow_log) => Some(flow_log.log_group.as_str()),
                _ => None,
            })
            .collect();
        if wanted.is_empty() {
            return groups;
        }
        let running = observed.running_interfaces();
        for (_, row) in observed.flow_logs.iter() {
            let is_ours = row.tags.get(tags::INSTALLATION) == Some(&*rules.installation);
            let Some(group) = row.log_group.as_ref().filter(|group| is_ours && wanted.contains(&***group))
            else {
                continue;
            };
            let records = groups.entry(group.clone()).or_default();
            let streams: Vec<Arc<str>> =
                running.on(&row.resource).iter().filter_map(|interface| row.stream(interface)).collect();
            let is_seen = streams.iter().any(|stream| self.has_records(group, stream, row));
            records.is_awaited |= !is_seen && proof_deadline(row).is_none_or(|deadline| now < deadline);
            records.streams.extend(streams);
        }
        groups
    }

    fn has_records(&self, group: &str, stream: &str, row: &FlowLog) -> bool {
        let made = row.created.unwrap_or(Timestamp::UNIX_EPOCH);
        matches!(self.known.observed.arrival(group, stream), Arrival::At(at) if at >= made)
    }
}
