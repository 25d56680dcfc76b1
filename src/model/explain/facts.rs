//! What was observed of a subject, each fact with its age.

use std::sync::Arc;

use jiff::Timestamp;

use super::index::{Index, Stream};
use super::{Fact, Subject};
use crate::model::desired::{Object, ObjectRef, Spec};
use crate::model::observed::{FlowLog, Listing, OnNode, Reading};
use crate::model::plan::Known;
use crate::model::probe::Probe;
use crate::model::rollout;
use crate::model::status::Status;
use crate::model::tags;

/// How many things of one sort are told.
const MOST: usize = 8;
/// How much of a digest tells two contents apart.
const DIGEST: usize = 12;

/// The subject in a few words.
pub(super) fn title(known: &Known<'_>, subject: &Subject) -> String {
    let observed = known.observed;
    match subject {
        Subject::Object(id) => match known.desired.get(id) {
            Some(object) => format!("{id} ({})", object.at),
            None => format!("{id}, whose document has mistakes"),
        },
        Subject::Node(id) => {
            let managed =
                observed.nodes.get(id).map(|node| format!("{} {}", node.computer_name, node.platform_name));
            let name = observed.instances.get(id).and_then(|instance| instance.tags.get("Name"));
            let words = managed.into_iter().chain(name.map(|name| format!("\"{name}\"")));
            let words: Vec<String> = words.filter(|word| !word.trim().is_empty()).collect();
            if words.is_empty() {
                format!("{id}, a machine that SSM does not know")
            } else {
                format!("{id} · {}", words.join(" · "))
            }
        }
        Subject::Network(id) => {
            let row = observed.vpcs.get(id).or_else(|| observed.subnets.get(id));
            let name = row.and_then(|row| row.tags.get("Name")).map(|name| format!(" · \"{name}\""));
            format!("{id}{}", name.unwrap_or_default())
        }
    }
}

/// What was observed of `subject`.
pub(super) fn of(index: &Index<'_>, status: &Status, subject: &Subject) -> Vec<Fact> {
    match subject {
        Subject::Node(id) => node(index, id),
        Subject::Network(id) => network(index, id),
        Subject::Object(id) => object(&index.known, status, id),
    }
}

fn fact(known: &Known<'_>, what: &str, value: impl Into<String>, at: Option<Timestamp>) -> Fact {
    // A listing that something of ours has just changed is as good as not read.
    let at = at.filter(|at| *at > Timestamp::UNIX_EPOCH);
    let age = at.map(|at| known.now.duration_since(at).as_secs().max(0));
    Fact { what: what.to_owned(), value: value.into(), age }
}

/// What is said where a listing has no such row.
fn missing<T>(listing: &Listing<T>, what: &str) -> String {
    match listing.failure() {
        Some(why) => format!("not known: {} failed with {why}", why.call),
        None if listing.is_known() => format!("not in the listing of {what}"),
        None => "not known: not listed yet".to_owned(),
    }
}

fn reading<T>(
    known: &Known<'_>,
    what: &str,
    reading: Option<&Reading<T>>,
    shown: impl Fn(&T) -> String,
) -> Fact {
    let value = match reading {
        Some(Reading::Known { value, .. }) => shown(value),
        Some(Reading::Absent { .. }) => "does not exist".to_owned(),
        Some(Reading::Unknown { why, .. }) => format!("not known: {} failed with {why}", why.call),
        Some(Reading::NotAsked) | None => "not known: not asked yet".to_owned(),
    };
    fact(known, what, value, reading.and_then(Reading::tried))
}

fn node(index: &Index<'_>, id: &Arc<str>) -> Vec<Fact> {
    let known = &index.known;
    let observed = known.observed;
    let mut facts = Vec::new();
    let managed = observed.nodes.get(id).map_or_else(
        || missing(&observed.nodes, "managed nodes"),
        |node| {
            let heard = node.last_ping.map(|at| format!(", last heard of at {at:.0}")).unwrap_or_default();
            format!("{:?}{heard}; SSM agent {}", node.ping, node.ssm_agent)
        },
    );
    facts.push(fact(known, "SSM", managed, observed.nodes.at()));
    if id.starts_with("i-") {
        let instance = observed.instances.get(id).map_or_else(
            || missing(&observed.instances, "instances"),
            |instance| {
                let profile = instance
                    .profile
                    .as_deref()
                    .map_or("no profile".to_owned(), |name| format!("profile {name}"));
                format!("{:?} in {}, {profile}", instance.state, instance.zone)
            },
        );
        facts.push(fact(known, "EC2", instance, observed.instances.at()));
    }
    let nothing = OnNode::default();
    let on_node = observed.on_nodes.get(id).unwrap_or(&nothing);
    match &on_node.probe {
        Some((at, probe)) => {
            let told = probed(probe).into_iter();
            facts.extend(told.map(|(what, value)| fact(known, what, value, Some(*at))));
        }
        None => facts.push(fact(known, "agent", "not known: the node was not probed yet", None)),
    }
    facts.extend(arrivals(index, id));
    facts
}

/// What the node said of its agent.
fn probed(probe: &Probe) -> Vec<(&'static str, String)> {
    if !probe.installed {
        return vec![("agent", "not installed".to_owned())];
    }
    let version = probe.version.as_deref().unwrap_or("of an unknown version");
    let started = probe.started.map(|at| format!(" since {at:.0}")).unwrap_or_default();
    let mut facts = vec![("agent", format!("{version}, {:?}{started}", probe.status))];
    for file in probe.files.iter().take(MOST) {
        let digest = file.sha256.as_deref().and_then(|sha256| sha256.get(..DIGEST)).unwrap_or("unreadable");
        facts.push(("config", format!("{} ({digest}…)", file.name)));
    }
    if probe.files.is_empty() {
        facts.push(("config", "none".to_owned()));
    }
    facts
}

/// The newest events in the streams that bear the subject's id.
fn arrivals(index: &Index<'_>, id: &str) -> Vec<Fact> {
    let told = |stream: &Stream<'_>| {
        let Stream { group, name, newest, arrivals, read } = stream;
        let value = newest.map_or_else(
            || format!("nothing since {:.0} in {group}, stream {name}", arrivals.since),
            |newest| format!("newest event at {newest:.0} in {group}, stream {name}"),
        );
        fact(&index.known, "logs", value, *read)
    };
    index.streams(id).iter().take(MOST).map(told).collect()
}

fn network(index: &Index<'_>, id: &Arc<str>) -> Vec<Fact> {
    let known = &index.known;
    let observed = known.observed;
    let mut facts = Vec::new();
    if let Some(row) = observed.vpcs.get(id) {
        facts.push(fact(known, "VPC", format!("owned by {}", row.owner), observed.vpcs.at()));
    } else if let Some(row) = observed.subnets.get(id) {
        facts.push(fact(
            known,
            "subnet",
            format!("of {}, owned by {}", row.vpc, row.owner),
            observed.subnets.at(),
        ));
    } else if let Some(row) = observed.interfaces.get(id) {
        let used = if row.in_use { "in use" } else { "not in use" };
        facts.push(fact(
            known,
            "interface",
            format!("{used}, in {} of {}", row.subnet, row.vpc),
            observed.interfaces.at(),
        ));
    }
    let interfaces: Vec<&str> = index.running.on(id).iter().map(|id| &***id).collect();
    let traffic = match interfaces.as_slice() {
        _ if !observed.interfaces.is_known() => "not known: not listed".to_owned(),
        [] => "none runs, so there is nothing to deliver".to_owned(),
        some => format!("running, {} among them", some.join(", ")),
    };
    facts.push(fact(known, "interfaces", traffic, observed.interfaces.at()));
    let flow_logs = index.flow_logs(id);
    for row in flow_logs.iter().take(MOST) {
        facts.push(fact(known, "flow log", flow_log(row), observed.flow_logs.at()));
    }
    if flow_logs.is_empty() {
        let none = if observed.flow_logs.is_known() {
            "none".to_owned()
        } else {
            missing(&observed.flow_logs, "flow logs")
        };
        facts.push(fact(known, "flow log", none, observed.flow_logs.at()));
    }
    for interface in interfaces {
        facts.extend(arrivals(index, interface));
    }
    facts
}

fn flow_log(row: &FlowLog) -> String {
    let state = if row.active { "active" } else { "not active" };
    let to = row.log_group.as_deref().unwrap_or(&row.destination_type);
    let delivery = match (&row.deliver_status, &row.deliver_error) {
        (_, Some(error)) => format!("delivery fails: {error}"),
        (Some(status), None) => format!("delivery {status}"),
        (None, None) => "nothing delivered yet".to_owned(),
    };
    let owner = row.tags.get(tags::OWNER).map_or("not ours".to_owned(), |owner| format!("of {owner}"));
    format!("{} {state}, {} to {to} every {} s, {delivery}; {owner}", row.id, row.traffic, row.interval)
}

fn object(known: &Known<'_>, status: &Status, id: &ObjectRef) -> Vec<Fact> {
    let mut facts = Vec::new();
    if let Some(standing) = status.objects.iter().find(|standing| standing.object == *id) {
        let aside: u32 = standing.set_aside.values().sum();
        let aside = if aside > 0 { format!(", {aside} cannot be managed") } else { String::new() };
        let parts = format!("{} of {} are right{aside}", standing.right, standing.selected);
        facts.push(fact(known, "parts", parts, Some(status.at)));
    }
    if let Some(object) = known.desired.get(id) {
        facts.extend(thing(known, object));
    }
    if let Some(progress) = status.rollouts.get(id) {
        let rollout::Progress { phase, release, stage: (stage, of), touched, total, .. } = progress;
        let stage = if *of > 0 {
            format!(", stage {stage} of {of}, {touched} of {total} nodes")
        } else {
            String::new()
        };
        facts.push(fact(known, "rollout", format!("{phase:?}: {release}{stage}"), Some(status.at)));
    }
    facts
}

/// The AWS thing that an object is about, where it is a single one.
fn thing(known: &Known<'_>, object: &Object) -> Vec<Fact> {
    let observed = known.observed;
    match &object.spec {
        Spec::AgentConfig(config) => {
            let name = config.parameter.as_str();
            vec![
                reading(known, "parameter", observed.parameters.get(name), |found| {
                    let is_same = *found.value == *config.content;
                    let same = if is_same {
                        "has the folder's content"
                    } else {
                        "has other content than the folder"
                    };
                    format!("{name} is at version {} and {same}", found.version)
                }),
                reading(known, "owner", observed.parameter_tags.get(name), owner),
            ]
        }
        Spec::LogGroup(group) => {
            let name = group.log_group.as_str();
            vec![
                reading(known, "log group", observed.log_groups.get(name), |found| {
                    let days =
                        found.retention_days.map_or("for ever".to_owned(), |days| format!("{days} days"));
                    format!("{name}, class {}, keeps events {days}", found.class)
                }),
                reading(known, "owner", observed.log_group_tags.get(name), owner),
            ]
        }
        Spec::IamRole(role) => {
            vec![reading(known, "role", observed.roles.get(role.role_name.as_str()), |found| {
                let owner =
                    found.tags.get(tags::OWNER).map_or("not ours".to_owned(), |owner| format!("of {owner}"));
                format!(
                    "{}, {} managed and {} inline policies; {owner}",
                    found.arn,
                    found.attached.len(),
                    found.inline.len()
                )
            })]
        }
        Spec::CloudWatchAgent(agent) if agent.has_stages() => {
            let name = rollout::parameter(&known.rules.installation, &object.id.name);
            vec![reading(known, "kept", observed.parameters.get(name.as_str()), |found| {
                format!("{name} at version {}", found.version)
            })]
        }
        Spec::CloudWatchAgent(_) | Spec::FlowLog(_) | Spec::Account(_) => Vec::new(),
    }
}

fn owner(tags: &tags::Tags) -> String {
    tags.get(tags::OWNER)
        .map_or_else(|| "not ours: it has no tag of ours".to_owned(), |owner| format!("of {owner}"))
}
