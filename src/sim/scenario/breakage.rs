//! Ways to break an estate, as people and machines do.

use crate::sim::world::flow_logs::{self, Request};
use crate::sim::world::instances::profiles;
use crate::sim::world::nodes::agent;
use crate::sim::world::parameters::Put;
use crate::sim::world::{Place, World, roles};

/// One way to break an estate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Breakage {
    /// Somebody stops the agent on a machine.
    AgentStopped,
    /// Somebody removes the agent's package.
    AgentUninstalled,
    /// Somebody adds a configuration of their own.
    OtherConfiguration,
    /// Somebody edits the configuration on a machine by hand.
    FileEdited,
    /// Somebody writes another value into the configuration's parameter.
    ParameterEdited,
    /// Somebody deletes a flow log.
    FlowLogDeleted,
    /// Somebody replaces a flow log by one with another interval.
    FlowLogInterval,
    /// Somebody deletes a log group.
    LogGroupDeleted,
    /// Somebody changes a log group's retention.
    RetentionChanged,
    /// Somebody detaches a policy from the machines' role.
    PolicyDetached,
    /// Somebody edits who may assume a role.
    TrustEdited,
    /// Somebody takes a machine's instance profile away.
    ProfileDetached,
}

impl Breakage {
    /// Every one of them.
    pub const ALL: [Self; 12] = [
        Self::AgentStopped,
        Self::AgentUninstalled,
        Self::OtherConfiguration,
        Self::FileEdited,
        Self::ParameterEdited,
        Self::FlowLogDeleted,
        Self::FlowLogInterval,
        Self::LogGroupDeleted,
        Self::RetentionChanged,
        Self::PolicyDetached,
        Self::TrustEdited,
        Self::ProfileDetached,
    ];

    /// Breaks something, drawn by the world's own chance, and says what; `None` when there is nothing of that sort.
    pub fn strike(self, world: &mut World, place: &Place) -> Option<String> {
        match self {
            Self::AgentStopped | Self::AgentUninstalled | Self::OtherConfiguration | Self::FileEdited => {
                strike_agent(self, world, place)
            }
            Self::ParameterEdited => edit_parameter(world, place),
            Self::FlowLogDeleted | Self::FlowLogInterval => strike_flow_log(self, world, place),
            Self::LogGroupDeleted | Self::RetentionChanged => strike_group(self, world, place),
            Self::PolicyDetached => detach_policy(world, place),
            Self::TrustEdited => edit_trust(world, place),
            Self::ProfileDetached => detach_profile(world, place),
        }
    }
}

fn strike_agent(breakage: Breakage, world: &mut World, place: &Place) -> Option<String> {
    let running: Vec<String> = world
        .region(place)
        .nodes
        .nodes
        .values()
        .filter(|node| node.agent.started.is_some() && node.is_reachable())
        .map(|node| node.id.clone())
        .collect();
    let id = pick(world, running)?;
    let said = match breakage {
        Breakage::AgentStopped => {
            agent::stop(world, place, &id);
            format!("stopped the agent of {id}")
        }
        Breakage::AgentUninstalled => {
            agent::remove_all(world, place, &id);
            format!("removed the agent of {id}")
        }
        Breakage::OtherConfiguration => {
            let config =
                r#"{"metrics":{"metrics_collected":{"swap":{"measurement":["swap_used_percent"]}}}}"#;
            agent::write_config(world, place, &id, "file_intruder.json", config.as_bytes());
            format!("added a configuration on {id}")
        }
        _ => {
            let file = world.region(place).nodes.nodes.get(&id)?.agent.files.keys().next().cloned()?;
            let config = r#"{"metrics":{"metrics_collected":{"cpu":{"measurement":["cpu_usage_idle"]}}}}"#;
            agent::write_config(world, place, &id, &file, config.as_bytes());
            format!("edited {file} on {id}")
        }
    };
    Some(said)
}

fn edit_parameter(world: &mut World, place: &Place) -> Option<String> {
    let names = world.region(place).parameters.parameters.keys();
    let names: Vec<String> = names.filter(|name| name.starts_with("AmazonCloudWatch-")).cloned().collect();
    let name = pick(world, names)?;
    let now = world.now();
    let put = Put {
        name: name.clone(),
        value: r#"{"metrics":{"metrics_collected":{"cpu":{"measurement":["cpu_usage_user"]}}}}"#.to_owned(),
        kind: None,
        description: None,
        overwrite: true,
        tier: None,
        data_type: None,
        key_id: None,
        tags: Default::default(),
    };
    world.region(place).parameters.put(now, put).ok()?;
    Some(format!("wrote another value into parameter {name}"))
}

fn strike_flow_log(breakage: Breakage, world: &mut World, place: &Place) -> Option<String> {
    // Those with an owner's tags; the network team's own is nobody's target.
    let ids = world.region(place).flow_logs.living();
    let ids: Vec<String> = ids.filter(|log| log.tags.len() > 1).map(|log| log.id.clone()).collect();
    let id = pick(world, ids)?;
    let log = world.region(place).flow_logs.living().find(|log| log.id == id)?.clone();
    flow_logs::delete(world, place, &id).ok()?;
    if breakage == Breakage::FlowLogDeleted {
        return Some(format!("deleted flow log {id}"));
    }
    let mut config = log.config.clone();
    config.interval = if config.interval == 60 { 600 } else { 60 };
    let request =
        Request { resources: vec![log.resource.clone()], config, tags: log.tags.clone(), token: None };
    flow_logs::create(world, place, &request).ok()?;
    Some(format!("replaced flow log {id} by one with another interval"))
}

fn strike_group(breakage: Breakage, world: &mut World, place: &Place) -> Option<String> {
    let groups = world.region(place).log_groups.groups.iter();
    let names: Vec<String> =
        groups.filter(|(_, group)| !group.tags.is_empty()).map(|(name, _)| name.clone()).collect();
    let name = pick(world, names)?;
    let now = world.now();
    let groups = &mut world.region(place).log_groups;
    if breakage == Breakage::LogGroupDeleted {
        groups.delete(now, &name).ok()?;
        return Some(format!("deleted log group {name}"));
    }
    groups.put_retention(now, &name, Some(7));
    Some(format!("set the retention of {name} to 7 days"))
}

fn detach_policy(world: &mut World, place: &Place) -> Option<String> {
    let (role, policy) = world.account(place).iam.roles.values().find_map(|role| {
        let is_watched = !role.tags.is_empty();
        role.attached.iter().next().filter(|_| is_watched).map(|policy| (role.name.clone(), policy.clone()))
    })?;
    world.account(place).iam.detach(&role, &policy).ok()?;
    Some(format!("detached {policy} from role {role}"))
}

fn edit_trust(world: &mut World, place: &Place) -> Option<String> {
    const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
    let roles = world.account(place).iam.roles.values();
    let names: Vec<String> =
        roles.filter(|role| !role.tags.is_empty()).map(|role| role.name.clone()).collect();
    let name = pick(world, names)?;
    roles::set_trust(world, place, &name, TRUST).ok()?;
    Some(format!("edited who may assume role {name}"))
}

fn detach_profile(world: &mut World, place: &Place) -> Option<String> {
    // Of the estate's own machines only: nobody would mend somebody else's.
    let instances = &world.region(place).instances;
    let is_own = |id: &str| {
        let instance = instances.instances.get(id);
        instance
            .and_then(|instance| instance.tags.get("Application"))
            .is_some_and(|name| name == "ExampleCorp")
    };
    let held = instances.associations.values().filter(|association| is_own(&association.instance));
    let ids: Vec<String> = held.map(|association| association.id.clone()).collect();
    let id = pick(world, ids)?;
    let association = profiles::disassociate(world, place, &id).ok()?;
    Some(format!("took the instance profile of {} away", association.instance))
}

fn pick<T>(world: &mut World, mut from: Vec<T>) -> Option<T> {
    if from.is_empty() {
        return None;
    }
    let at = world.rng.usize(..from.len());
    Some(from.swap_remove(at))
}
