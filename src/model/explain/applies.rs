//! Which documents apply to a subject, and by what.

use std::collections::BTreeSet;

use super::{Applies, Subject};
use crate::model::desired::{
    Desired, Kind, Management, NetworkSelector, NodeSelector, Object, ObjectRef, Platform, RoleRef, Spec,
    TagMatch,
};
use crate::model::observed::{InstanceState, Reading};
use crate::model::plan::{self, Known};
use crate::model::status::Status;
use crate::model::tags::Tags;

/// The documents that apply to `subject`: those that select it, then those that these refer to. Of an object: itself,
/// what it refers to, and what refers to it.
pub(super) fn of(known: &Known<'_>, status: &Status, subject: &Subject) -> Vec<Applies> {
    let mut found: Vec<(ObjectRef, String)> = Vec::new();
    let mut add = |id: ObjectRef, why: String| {
        if !found.iter().any(|(known, _)| *known == id) {
            found.push((id, why));
        }
    };
    let first = match subject {
        Subject::Object(id) => vec![(id.clone(), "is what is explained".to_owned())],
        Subject::Node(_) | Subject::Network(_) => selecting(known, subject),
    };
    for (id, why) in &first {
        add(id.clone(), why.clone());
    }
    for (id, _) in &first {
        for needed in needed(known, subject, id) {
            add(needed, format!("{id} refers to it"));
        }
    }
    if let Subject::Object(id) = subject {
        for object in known.desired.objects.values().filter(|object| object.id != *id) {
            if referred(known.desired, &object.id).contains(id) {
                add(object.id.clone(), format!("refers to {id}"));
            }
        }
    }
    found.into_iter().map(|(id, how)| applies(known, status, id, how)).collect()
}

fn applies(known: &Known<'_>, status: &Status, id: ObjectRef, how: String) -> Applies {
    let standing = status.objects.iter().find(|standing| standing.object == id);
    let standing = standing.map(|standing| (standing.ready, standing.reason, standing.message.clone()));
    let object = known.desired.get(&id);
    let at = object.map(|object| &object.at).or_else(|| known.desired.broken.get(&id));
    let at = at.map(ToString::to_string).unwrap_or_default();
    let management = object.map_or("has mistakes", management).to_owned();
    let is_elsewhere = object.is_some_and(|object| !plan::applies(known.desired, known.observed, object));
    let how = if is_elsewhere { format!("{how}, but it is not for this account") } else { how };
    Applies { object: id, at, how, management, standing }
}

fn management(object: &Object) -> &'static str {
    match object.common.management {
        Management::Enforce => "enforce",
        Management::Observe => "observe",
        Management::Paused => "paused",
    }
}

/// The documents that select a node or a network themselves, each with the part of its selector that does.
pub fn selecting(known: &Known<'_>, subject: &Subject) -> Vec<(ObjectRef, String)> {
    let objects = known.desired.objects.values();
    let objects = objects.filter(|object| plan::applies(known.desired, known.observed, object));
    objects
        .filter_map(|object| {
            let how = match (subject, &object.spec) {
                (Subject::Node(id), Spec::CloudWatchAgent(agent)) => {
                    by_node(known, &agent.nodes, id, "nodes")
                }
                (Subject::Node(id), Spec::IamRole(role)) => {
                    by_node(known, role.attach_to.as_ref()?, id, "attachTo")
                }
                (Subject::Network(id), Spec::FlowLog(_)) => by_network(known, &object.spec, id),
                _ => None,
            }?;
            Some((object.id.clone(), how))
        })
        .collect()
}

/// The documents that may select nodes or networks here, to be asked about many of them.
pub struct Selectors<'a> {
    known: Known<'a>,
    nodes: Vec<(&'a NodeSelector, &'a ObjectRef)>,
    networks: Vec<&'a Object>,
}

impl<'a> Selectors<'a> {
    /// All of them.
    pub fn of(known: &Known<'a>) -> Self {
        let mut selectors = Self { known: *known, nodes: Vec::new(), networks: Vec::new() };
        let objects = known.desired.objects.values().map(|object| &**object);
        for object in objects.filter(|object| plan::applies(known.desired, known.observed, object)) {
            match &object.spec {
                Spec::CloudWatchAgent(agent) => selectors.nodes.push((&agent.nodes, &object.id)),
                Spec::IamRole(role) => {
                    selectors.nodes.extend(role.attach_to.as_ref().map(|selector| (selector, &object.id)));
                }
                Spec::FlowLog(_) => selectors.networks.push(object),
                Spec::Account(_) | Spec::AgentConfig(_) | Spec::LogGroup(_) => {}
            }
        }
        selectors
    }

    /// Those that select the node.
    pub fn of_node(&self, id: &str) -> Vec<ObjectRef> {
        let known = &self.known;
        if is_gone(known, id) {
            return Vec::new();
        }
        let none = Tags::default();
        let (platform, tags) = (platform(known, id), node_tags(known, id).unwrap_or(&none));
        let selecting = self.nodes.iter().filter(|(selector, _)| selector.matches(id, platform, tags));
        selecting.map(|(_, object)| (*object).clone()).collect()
    }

    /// Those that select the network.
    pub fn of_network(&self, id: &str) -> Vec<ObjectRef> {
        let selects = |object: &&&Object| {
            network(&self.known, &object.spec, id)
                .is_some_and(|(selector, tags, _)| selector.matches(id, tags))
        };
        self.networks.iter().filter(selects).map(|object| object.id.clone()).collect()
    }
}

fn is_gone(known: &Known<'_>, id: &str) -> bool {
    known.observed.instances.get(id).is_some_and(|row| row.state == InstanceState::Terminated)
}

fn selects_node(known: &Known<'_>, selector: &NodeSelector, id: &str) -> bool {
    !is_gone(known, id)
        && selector.matches(id, platform(known, id), node_tags(known, id).unwrap_or(&Tags::default()))
}

fn node_tags<'a>(known: &Known<'a>, id: &str) -> Option<&'a Tags> {
    match known.observed.instances.get(id) {
        Some(instance) => Some(&instance.tags),
        None => known.observed.node_tags.get(id).and_then(Reading::known),
    }
}

fn by_node(known: &Known<'_>, selector: &NodeSelector, id: &str, field: &str) -> Option<String> {
    if !selects_node(known, selector, id) {
        return None;
    }
    let none = Tags::default();
    let tags = node_tags(known, id).unwrap_or(&none);
    let only = selector.platform.map(|platform| format!(", platform: {}", platform.name()));
    let by = by(selector.all, &selector.ids, &selector.match_tags, id, tags);
    Some(format!("{field}: {by}{}", only.unwrap_or_default()))
}

/// What the node runs. What SSM cannot name counts as Linux, as where nodes are selected.
pub fn platform(known: &Known<'_>, id: &str) -> Platform {
    let is_windows = known.observed.instances.get(id).is_some_and(|instance| instance.windows);
    match known.observed.nodes.get(id) {
        Some(managed) => managed.platform.unwrap_or(Platform::Linux),
        None if is_windows => Platform::Windows,
        None => Platform::Linux,
    }
}

fn by_network(known: &Known<'_>, spec: &Spec, id: &str) -> Option<String> {
    let (selector, tags, field) = network(known, spec, id)?;
    let by = || by(selector.all, &selector.ids, &selector.match_tags, id, tags);
    selector.matches(id, tags).then(|| format!("{field}: {}", by()))
}

/// The selector of a document that is for such a network, the network's tags, and the selector's field.
fn network<'a>(
    known: &Known<'a>,
    spec: &'a Spec,
    id: &str,
) -> Option<(&'a NetworkSelector, &'a Tags, &'static str)> {
    let Spec::FlowLog(flow_log) = spec else { return None };
    let (observed, target) = (known.observed, &flow_log.target);
    Some(if let Some(vpc) = observed.vpcs.get(id) {
        (target.vpcs.as_ref()?, &vpc.tags, "vpcs")
    } else if let Some(subnet) = observed.subnets.get(id) {
        (target.subnets.as_ref()?, &subnet.tags, "subnets")
    } else {
        (target.network_interfaces.as_ref()?, &observed.interfaces.get(id)?.tags, "networkInterfaces")
    })
}

fn by(all: bool, ids: &BTreeSet<String>, wanted: &TagMatch, id: &str, tags: &Tags) -> String {
    if ids.contains(id) {
        return "it is named in ids".to_owned();
    }
    if all {
        return "all of them".to_owned();
    }
    let pairs = wanted.keys().map(|key| format!("{key}={}", tags.get(key).unwrap_or_default()));
    format!("matchTags, by its tag {}", pairs.collect::<Vec<_>>().join(" and "))
}

/// The objects that the document of `id` refers to, as far as `subject` has to do with them: a node gets one
/// configuration, that of its platform.
pub fn needed(known: &Known<'_>, subject: &Subject, id: &ObjectRef) -> Vec<ObjectRef> {
    let spec = known.desired.get(id).map(|object| &object.spec);
    let (Subject::Node(node), Some(Spec::CloudWatchAgent(agent))) = (subject, spec) else {
        return referred(known.desired, id);
    };
    let choice = agent.config.as_ref();
    let name = choice.and_then(|choice| choice.for_node(platform(known, node), node.starts_with("mi-")));
    let config = name.map(|name| ObjectRef::new(Kind::AgentConfig, name));
    config.into_iter().flat_map(|id| [vec![id.clone()], referred(known.desired, &id)].concat()).collect()
}

/// The objects that the document of `id` refers to, and those that they refer to.
pub fn referred(desired: &Desired, id: &ObjectRef) -> Vec<ObjectRef> {
    let mut found = Vec::new();
    let Some(object) = desired.get(id) else { return found };
    match &object.spec {
        Spec::CloudWatchAgent(agent) => {
            for (_, name) in agent.config.iter().flat_map(|choice| choice.names()) {
                let config = ObjectRef::new(Kind::AgentConfig, name);
                found.push(config.clone());
                found.extend(referred(desired, &config));
            }
        }
        Spec::AgentConfig(config) => {
            let groups = config.log_groups.iter().filter_map(|group| desired.log_group(group));
            found.extend(groups.map(|(owner, _)| owner.id.clone()));
        }
        Spec::FlowLog(flow_log) => {
            found.extend(desired.log_group(&flow_log.log_group).map(|(owner, _)| owner.id.clone()));
            if let RoleRef::Object(name) = &flow_log.role {
                found.push(ObjectRef::new(Kind::IamRole, name.as_str()));
            }
        }
        Spec::Account(_) | Spec::IamRole(_) | Spec::LogGroup(_) => {}
    }
    let mut told = BTreeSet::new();
    found.retain(|id| told.insert(id.clone()));
    found
}
