//! What a running CloudWatch agent delivers: log sources and metrics, as long as its role allows it.
//!
//! Looked at when the agent starts or stops and with every heartbeat, so that a role that gains or loses a
//! permission shows within five minutes.

use std::collections::BTreeSet;

use jiff::SignedDuration;

use super::{Node, allows, config::Entry};
use crate::sim::world::instances::Instance;
use crate::sim::world::log_groups::Source;
use crate::sim::world::metrics::Dimensions;
use crate::sim::world::{Place, World};

/// How often each log gets a line.
const EVERY: SignedDuration = SignedDuration::from_secs(10);
/// How much later it arrives: the agent's `force_flush_interval`.
const FLUSH: SignedDuration = SignedDuration::from_secs(5);

/// Attaches what should be delivered and is not, and detaches what is and should not.
pub(super) fn refresh(world: &mut World, place: &Place, id: &str) {
    refresh_logs(world, place, id);
    refresh_metrics(world, place, id);
}

fn refresh_metrics(world: &mut World, place: &Place, id: &str) {
    let now = world.now();
    let Some(node) = world.region(place).nodes.nodes.get(id) else { return };
    let (emits, was_emitting) = (node.agent.emits.clone(), node.agent.emitting);
    if emits.is_none() && !was_emitting {
        return;
    }
    let is_allowed = allows(world, place, id, "cloudwatch:PutMetricData", "*");
    let emits = emits.filter(|_| is_allowed);
    let region = world.region(place);
    let Some(node) = region.nodes.nodes.get_mut(id) else { return };
    node.agent.emitting = emits.is_some();
    match emits {
        Some(emission) => {
            let dimensions = dimensions(node, region.instances.instances.get(id), &emission.appended);
            region.metrics.attach(now, id, &emission, dimensions);
        }
        None => region.metrics.detach(now, id),
    }
}

/// The dimensions that name the node: `host`, or what the configuration appends in its place. A machine outside EC2
/// has nothing to append.
fn dimensions(node: &Node, instance: Option<&Instance>, appended: &[String]) -> Dimensions {
    if appended.is_empty() {
        return [("host".to_owned(), node.computer_name.clone())].into();
    }
    let value = |name: &str| match name {
        "InstanceId" => instance.map(|instance| instance.id.clone()),
        "ImageId" => instance.map(|instance| instance.image.clone()),
        "InstanceType" => instance.map(|instance| instance.instance_type.clone()),
        _ => instance.and_then(|instance| instance.tags.get("aws:autoscaling:groupName").cloned()),
    };
    appended.iter().filter_map(|name| Some((name.clone(), value(name)?))).collect()
}

fn refresh_logs(world: &mut World, place: &Place, id: &str) {
    let now = world.now();
    let Some(node) = world.region(place).nodes.nodes.get(id) else { return };
    if node.agent.attached.is_empty() && node.agent.collects.is_empty() {
        return;
    }
    let wanted: Vec<(Source, Option<i32>)> =
        node.agent.collects.iter().map(|entry| source(node, place, entry)).collect();
    let attached: BTreeSet<String> = node.agent.attached.iter().cloned().collect();
    let may_write = allows(world, place, id, "logs:PutLogEvents", "*")
        && allows(world, place, id, "logs:CreateLogStream", "*");
    let may_create = allows(world, place, id, "logs:CreateLogGroup", "*");
    let may_retain = allows(world, place, id, "logs:PutRetentionPolicy", "*");

    let groups = &mut world.region(place).log_groups;
    let mut keys = BTreeSet::new();
    for (mut source, retention) in wanted.into_iter().filter(|_| may_write) {
        if !groups.exists(&source.group) {
            if !may_create {
                continue;
            }
            groups.create(now, &source.group);
        }
        if !keys.insert(source.key.clone()) || attached.contains(&source.key) {
            continue;
        }
        // The agent's log pusher sets retention once, when it starts.
        if let Some(days) = retention.filter(|_| may_retain) {
            groups.put_retention(now, &source.group, Some(days));
        }
        source.recreates = may_create;
        groups.attach(now, source);
    }
    for key in attached.difference(&keys) {
        groups.detach(now, key);
    }
    if let Some(node) = world.region(place).nodes.nodes.get_mut(id) {
        node.agent.attached = keys.into_iter().collect();
    }
}

fn source(node: &Node, place: &Place, entry: &Entry) -> (Source, Option<i32>) {
    let default = if node.is_on_premises() { "{hostname}" } else { "{instance_id}" };
    let group = resolve(node, place, &entry.group);
    let stream = resolve(node, place, entry.stream.as_deref().unwrap_or(default));
    // The key names all that matters, so that a changed entry is another source.
    let key = format!("agent/{}/{}/{group}/{stream}", node.id, entry.from);
    let line = entry.line.clone();
    (Source { key, group, stream, every: EVERY, delay: FLUSH, line, recreates: false }, entry.retention)
}

fn resolve(node: &Node, place: &Place, text: &str) -> String {
    let instance = if node.is_on_premises() { "i-UNKNOWN" } else { &node.id };
    text.replace("{instance_id}", instance)
        .replace("{hostname}", &node.computer_name)
        .replace("{local_hostname}", &node.computer_name)
        .replace("{ip_address}", &node.ip)
        .replace("{aws_region}", &place.region)
        .replace("{account_id}", &place.account)
}
