//! The world as a flat list of facts, so that a test can say what changed and, above all, what did not.

use std::collections::{BTreeMap, BTreeSet};

use watchkeeper::sim::world::nodes::Node;
use watchkeeper::sim::world::nodes::agent::sha256;
use watchkeeper::sim::world::roles::Iam;
use watchkeeper::sim::world::{Place, Region};

use crate::estate::Estate;

/// Facts by the name of the thing, such as `node/i-…`.
pub type Facts = BTreeMap<String, String>;

/// Everything in the estate that a controller could change. Probes change nothing and so do not show.
pub fn facts(estate: &Estate) -> Facts {
    estate.sim.world(|world| {
        let place: &Place = &estate.place;
        let mut facts = Facts::new();
        of_iam(&world.account(place).iam, &mut facts);
        of_region(world.region(place), &mut facts);
        facts
    })
}

/// The names of the things that differ between two moments.
pub fn changed(before: &Facts, after: &Facts) -> BTreeSet<String> {
    let names = before.keys().chain(after.keys());
    names.filter(|name| before.get(*name) != after.get(*name)).cloned().collect()
}

fn of_region(region: &Region, facts: &mut Facts) {
    for node in region.nodes.nodes.values() {
        facts.insert(format!("node/{}", node.id), of_node(node));
    }
    for id in region.instances.instances.keys() {
        facts.insert(format!("instance/{id}"), format!("{:?}", region.instances.profile_of(id)));
    }
    for (name, parameter) in &region.parameters.parameters {
        let labels: Vec<_> = parameter
            .versions
            .iter()
            .filter(|version| !version.labels.is_empty())
            .map(|version| (version.number, &version.labels))
            .collect();
        let latest = parameter.latest().map(|version| (version.number, sha256(version.value.as_bytes())));
        facts.insert(
            format!("parameter/{name}"),
            format!("{latest:?} {} {:?} {labels:?}", parameter.tier, parameter.tags),
        );
    }
    for (name, group) in &region.log_groups.groups {
        let fact = format!("{} {:?} {} {:?}", group.created, group.retention_days, group.class, group.tags);
        facts.insert(format!("log-group/{name}"), fact);
    }
    for log in region.flow_logs.living() {
        let name = format!("flow-log/{}/{}", log.resource, log.config.destination.group().unwrap_or("-"));
        let fact = facts.entry(name).or_default();
        fact.push_str(&format!("{} {:?} {:?}; ", log.id, log.config, log.tags));
    }
}

fn of_node(node: &Node) -> String {
    let agent = &node.agent;
    let files: Vec<(&str, String)> =
        agent.configurations().map(|(name, file)| (name, file.sha256())).collect();
    format!("{:?} {:?} {:?} {files:?}", agent.package, agent.version, agent.started)
}

fn of_iam(iam: &Iam, facts: &mut Facts) {
    for (name, role) in &iam.roles {
        let inline: Vec<(&String, &str)> =
            role.inline.iter().map(|(name, policy)| (name, policy.text.as_str())).collect();
        let fact =
            format!("{} {inline:?} {:?} {:?} {:?}", role.trust.text, role.attached, role.boundary, role.tags);
        facts.insert(format!("role/{name}"), fact);
    }
    for (name, profile) in &iam.profiles {
        facts.insert(format!("profile/{name}"), format!("{:?} {:?}", profile.role, profile.tags));
    }
}
