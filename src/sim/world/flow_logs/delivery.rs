//! What a flow log delivers: one stream per interface, for as long as its role may write.
//!
//! Every minute each flow log looks at its role, its log group and the running interfaces of its resource. The
//! first records arrive one aggregation interval and the delay after traffic begins; until then the status
//! says nothing. Interfaces whose instance does not run have no traffic.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::super::log_groups::{Line, Source};
use super::super::roles::partition;
use super::{Due, FlowLog, Place, SERVICE, World};

/// How often delivery is looked at: the shortest aggregation interval.
const TICK: SignedDuration = SignedDuration::from_mins(1);

/// What became of a flow log's records.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Whether the last records could be delivered; nothing until there were any.
    pub works: Option<bool>,
    /// From when on records could be delivered.
    from: Timestamp,
    /// The interfaces that are written for, and since when.
    interfaces: BTreeMap<String, Timestamp>,
}

impl Delivery {
    pub(super) fn beginning(from: Timestamp) -> Self {
        Self { works: None, from, interfaces: BTreeMap::new() }
    }
}

/// Whether records can be delivered, and into what.
enum Access {
    Granted { create_group: bool },
    Refused,
}

/// Puts the first look on the agenda: when the first records would arrive.
pub(super) fn begin(world: &mut World, place: &Place, id: &str) {
    let delay = world.settings.flow_log_delay;
    let Some(log) = world.region(place).flow_logs.logs.get(id) else { return };
    let wait = SignedDuration::from_secs(log.config.interval) + delay;
    world.later(place, wait, super::super::Due::FlowLog(Due::Delivers(id.to_owned())));
}

/// Stops all delivery.
pub(super) fn end(world: &mut World, place: &Place, id: &str) {
    let now = world.now();
    let region = world.region(place);
    let Some(log) = region.flow_logs.logs.get_mut(id) else { return };
    for interface in std::mem::take(&mut log.delivery.interfaces).into_keys() {
        region.log_groups.detach(now, &key(id, &interface));
    }
}

/// Looks at one flow log's delivery, and puts the next look on the agenda.
pub(super) fn tick(world: &mut World, place: &Place, id: &str) {
    let found = world.region(place).flow_logs.logs.get(id).filter(|log| log.deleted.is_none());
    let Some(log) = found.cloned() else { return };
    match access(world, place, &log) {
        Access::Granted { create_group } => deliver(world, place, &log, create_group),
        Access::Refused => refuse(world, place, &log),
    }
    world.later(place, TICK, super::super::Due::FlowLog(Due::Delivers(id.to_owned())));
}

/// An instance that runs no longer has no traffic. A new one is found by the next look.
pub(in super::super) fn instance_changed(world: &mut World, place: &Place, instance: &str) {
    let now = world.now();
    let region = world.region(place);
    let Some(instance) = region.instances.instances.get(instance) else { return };
    if region.instances.runs(&instance.id) {
        return;
    }
    for log in region.flow_logs.logs.values_mut() {
        if log.delivery.interfaces.remove(&instance.interface).is_some() {
            region.log_groups.detach(now, &key(&log.id, &instance.interface));
        }
    }
}

fn access(world: &mut World, place: &Place, log: &FlowLog) -> Access {
    // Records for S3 are delivered by bucket policies, which this world does not have.
    let Some(group) = log.config.destination.group() else {
        return Access::Granted { create_group: false };
    };
    let missing = !world.region(place).log_groups.exists(group);
    let arn =
        format!("arn:{}:logs:{}:{}:log-group:{group}", partition(&place.region), place.region, place.account);
    let role = log.config.role.as_ref().and_then(|arn| world.account(place).iam.role_by_arn(arn));
    let granted = role.is_some_and(|role| {
        role.trusts(SERVICE)
            && role.allows("logs:CreateLogStream", &format!("{arn}:log-stream:any"))
            && role.allows("logs:PutLogEvents", &format!("{arn}:log-stream:any"))
            && (!missing || role.allows("logs:CreateLogGroup", &format!("{arn}:*")))
    });
    if granted { Access::Granted { create_group: missing } } else { Access::Refused }
}

/// The interfaces with traffic, and since when each has had it.
fn traffic(world: &mut World, place: &Place, log: &FlowLog) -> BTreeMap<String, Timestamp> {
    let region = world.region(place);
    let interfaces = region.networks.interfaces_of(&log.resource).into_iter();
    let with_traffic = interfaces.filter_map(|interface| {
        let instance = interface.instance.as_ref()?;
        let launched = region.instances.instances.get(instance)?.launched;
        region.instances.runs(instance).then(|| (interface.id.clone(), launched))
    });
    with_traffic.collect()
}

fn deliver(world: &mut World, place: &Place, log: &FlowLog, create_group: bool) {
    let now = world.now();
    let first_after = SignedDuration::from_secs(log.config.interval) + world.settings.flow_log_delay;
    let live = traffic(world, place, log);
    let mut delivery = log.delivery.clone();
    let since = |launched: Timestamp| delivery.from.max(launched);
    if !live.values().any(|launched| since(*launched) + first_after <= now) {
        return;
    }
    let region = world.region(place);
    if let (true, Some(group)) = (create_group, log.config.destination.group()) {
        // Whoever wrote into the group that is gone begins again in the new one.
        region.log_groups.create(now, group);
        delivery.interfaces.clear();
    }
    for (interface, launched) in live {
        let from = delivery.from.max(launched);
        if delivery.interfaces.insert(interface.clone(), from).is_none()
            && let Some(source) = source(place, log, &interface, world.settings.flow_log_delay)
        {
            world.region(place).log_groups.attach(from, source);
        }
    }
    delivery.works = Some(true);
    remember(world, place, &log.id, delivery);
}

/// Access is missing: nothing is written, and once there was traffic the status says so.
fn refuse(world: &mut World, place: &Place, log: &FlowLog) {
    let now = world.now();
    let has_traffic = !traffic(world, place, log).is_empty();
    end(world, place, &log.id);
    let works = if has_traffic { Some(false) } else { log.delivery.works };
    remember(world, place, &log.id, Delivery { works, from: now, interfaces: BTreeMap::new() });
}

fn remember(world: &mut World, place: &Place, id: &str, delivery: Delivery) {
    if let Some(log) = world.region(place).flow_logs.logs.get_mut(id) {
        log.delivery = delivery;
    }
}

/// The writer of one interface's records.
fn source(place: &Place, log: &FlowLog, interface: &str, delay: SignedDuration) -> Option<Source> {
    let group = log.config.destination.group()?.to_owned();
    // `-all` is seen in AWS's examples, the other two by convention.
    let stream = format!("{interface}-{}", log.config.traffic.to_ascii_lowercase());
    Some(Source {
        key: key(&log.id, interface),
        group,
        stream,
        every: SignedDuration::from_secs(log.config.interval),
        delay,
        // A group that is missing is made when delivery is next judged, with the role's permission looked at.
        recreates: false,
        line: Line::FlowRecord {
            format: log.config.format.clone(),
            interface: interface.to_owned(),
            account: place.account.clone(),
        },
    })
}

fn key(id: &str, interface: &str) -> String {
    format!("flow-log/{id}/{interface}")
}
