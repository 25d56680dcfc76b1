//! SSM managed nodes: EC2 instances and on-premises machines, with what is on them.
//!
//! A node is a machine with an SSM agent, which registers once its role lets it and then sends a heartbeat
//! every five minutes, and with a CloudWatch agent ([`agent`]), if one was installed. What Run Command does to
//! a node is in `commands`; what the control script and the package do is here ([`ctl`], [`package`]).

pub mod agent;
mod config;
pub mod ctl;
mod delivery;
mod files;
pub mod package;
pub mod probe;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::instances::State;
use super::{Place, World};
use agent::CloudWatchAgent;

/// How often an SSM agent reports (`UpdateInstanceInformation`, amazon-ssm-agent's own default).
const HEARTBEAT: SignedDuration = SignedDuration::from_mins(5);
/// How long a new agent, or one without permission, waits before it tries to register.
const REGISTER: SignedDuration = SignedDuration::from_secs(5);
/// How often an agent without permission tries again.
const REGISTER_AGAIN: SignedDuration = SignedDuration::from_secs(30);
/// How old the last heartbeat of an `Online` node may be. AWS does not publish it: one missed beat and a minute.
const CONNECTION_LOST: SignedDuration = SignedDuration::from_mins(6);
/// The SSM agent that every simulated node runs; new enough for `ENV_VAR` parameters.
const SSM_AGENT: &str = "3.3.2958.0";

/// All nodes of a Region.
#[derive(Clone, Debug, Default)]
pub struct Nodes {
    /// By id, `i-…` or `mi-…`.
    pub nodes: BTreeMap<String, Node>,
}

/// The operating systems that SSM tells apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Platform {
    /// Amazon Linux, as far as this world goes.
    Linux,
    /// Windows Server.
    Windows,
    /// macOS.
    MacOs,
}

/// One machine that SSM manages.
#[derive(Clone, Debug)]
pub struct Node {
    /// `i-…` or `mi-…`.
    pub id: String,
    /// The operating system.
    pub platform: Platform,
    /// Such as `ip-10-0-1-5.ec2.internal`.
    pub computer_name: String,
    /// The private address.
    pub ip: String,
    /// The name given at activation; `mi-` nodes only.
    pub name: Option<String>,
    /// Tags of a `mi-` node; an instance's are EC2's.
    pub tags: BTreeMap<String, String>,
    /// When the SSM agent registered; `None` = not yet.
    pub registered: Option<Timestamp>,
    /// The SSM agent's last heartbeat.
    pub last_ping: Timestamp,
    /// Whether the machine runs.
    pub running: bool,
    /// Whether its role lets the SSM agent talk to SSM. Looked at with every heartbeat.
    pub permitted: bool,
    /// What goes wrong on this node.
    pub disposition: Disposition,
    /// The CloudWatch agent.
    pub agent: CloudWatchAgent,
    /// The command that holds the package's lock.
    pub package_lock: Option<u64>,
    /// What State Manager last said, such as `Success`.
    pub association_status: Option<String>,
    /// Heartbeats of an older life are not ours.
    beat: u64,
}

/// What goes wrong on a node, and how often.
#[derive(Clone, Debug, PartialEq)]
pub struct Disposition {
    /// The chance, 0 to 1, that installing the package fails.
    pub fails_install: f64,
    /// A configuration that this node cannot take.
    pub breaks_on: Option<Breaks>,
    /// How many times longer than usual a step takes.
    pub slow: f64,
    /// Whether the SSM agent has gone silent.
    pub silent: bool,
}

/// A configuration that a node cannot take.
#[derive(Clone, Debug, PartialEq)]
pub struct Breaks {
    /// SHA-256 of the configuration, lower hex; empty = any.
    pub sha256: String,
    /// What happens.
    pub how: Breakage,
}

/// What a bad configuration does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Breakage {
    /// The agent's own validation refuses it.
    Refused,
    /// It passes validation, but the agent does not stay up.
    Dies,
}

/// Something that will happen on a node.
#[derive(Clone, Debug)]
pub enum Due {
    /// The SSM agent reports, or tries to register.
    Heartbeat {
        /// The node.
        node: String,
        /// Which life of the machine this belongs to.
        beat: u64,
    },
}

impl Default for Disposition {
    fn default() -> Self {
        Self { fails_install: 0.0, breaks_on: None, slow: 1.0, silent: false }
    }
}

impl Platform {
    /// SSM's word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Linux => "Linux",
            Self::Windows => "Windows",
            Self::MacOs => "MacOS",
        }
    }

    /// What SSM shows as `PlatformName` and `PlatformVersion`.
    pub const fn product(self) -> (&'static str, &'static str) {
        match self {
            Self::Linux => ("Amazon Linux", "2023"),
            Self::Windows => ("Microsoft Windows Server 2022 Datacenter", "10.0.20348"),
            Self::MacOs => ("macOS", "14.5"),
        }
    }
}

impl Node {
    fn new(id: &str, platform: Platform, ip: String, computer_name: String, now: Timestamp) -> Self {
        Self {
            id: id.to_owned(),
            platform,
            computer_name,
            ip,
            name: None,
            tags: BTreeMap::new(),
            registered: None,
            last_ping: now,
            running: false,
            permitted: false,
            disposition: Disposition::default(),
            agent: CloudWatchAgent::default(),
            package_lock: None,
            association_status: None,
            beat: 0,
        }
    }

    /// Whether this is an on-premises machine.
    pub fn is_on_premises(&self) -> bool {
        self.id.starts_with("mi-")
    }

    /// The version of the SSM agent.
    pub fn ssm_agent(&self) -> &'static str {
        SSM_AGENT
    }

    /// Whether a command reaches it now.
    pub fn is_reachable(&self) -> bool {
        self.running && self.permitted && !self.disposition.silent && self.registered.is_some()
    }

    /// Whether SSM lists it: it registered, and its machine is not stopped.
    pub fn is_listed(&self) -> bool {
        self.registered.is_some() && (self.running || self.is_on_premises())
    }

    /// `Online` or `ConnectionLost`, as stale as SSM's own word for it.
    pub fn ping_status(&self, now: Timestamp) -> &'static str {
        if now.duration_since(self.last_ping) > CONNECTION_LOST { "ConnectionLost" } else { "Online" }
    }
}

/// Adds an on-premises machine that is already activated, and gives back its `mi-…` id.
/// Its service role is the account's business and allows all that an agent needs.
pub fn add_on_premises(
    world: &mut World,
    place: &Place,
    name: &str,
    platform: Platform,
    tags: BTreeMap<String, String>,
) -> String {
    let id = world.id("mi");
    let now = world.now();
    let number = world.region(place).nodes.nodes.len();
    let ip = format!("192.168.{}.{}", (number / 250) % 250, number % 250 + 2);
    let mut node = Node::new(&id, platform, ip, name.to_owned(), now);
    node.name = Some(name.to_owned());
    node.tags = tags;
    node.running = true;
    node.permitted = true;
    node.registered = Some(now);
    world.region(place).nodes.nodes.insert(id.clone(), node);
    start_heartbeats(world, place, &id, HEARTBEAT);
    id
}

/// Makes a node's SSM agent go silent, or speak again.
pub fn set_silent(world: &mut World, place: &Place, id: &str, silent: bool) {
    let Some(node) = world.region(place).nodes.nodes.get_mut(id) else { return };
    node.disposition.silent = silent;
    if !silent {
        start_heartbeats(world, place, id, SignedDuration::ZERO);
    }
}

/// Brings a node in line with its instance: called when one starts, stops, terminates or changes its profile.
pub fn instance_changed(world: &mut World, place: &Place, instance_id: &str) {
    let now = world.now();
    let region = world.region(place);
    let seen = region.instances.instances.get(instance_id).map(|instance| {
        let platform = match instance.platform.as_deref() {
            Some("windows") => Platform::Windows,
            Some("macos") => Platform::MacOs,
            _ => Platform::Linux,
        };
        (instance.state, platform, instance.private_ip.clone())
    });
    match seen {
        Some((State::Running, platform, ip)) => {
            let computer = format!("ip-{}.ec2.internal", ip.replace('.', "-"));
            let nodes = &mut region.nodes.nodes;
            let fresh = || Node::new(instance_id, platform, ip, computer, now);
            let node = nodes.entry(instance_id.to_owned()).or_insert_with(fresh);
            let booted = !std::mem::replace(&mut node.running, true);
            if booted && node.agent.starts_at_boot {
                agent::start(world, place, instance_id);
            }
            start_heartbeats(world, place, instance_id, REGISTER);
        }
        Some((State::Pending, ..)) => {}
        Some((State::Stopping | State::Stopped, ..)) => shut_down(world, place, instance_id),
        _ => {
            shut_down(world, place, instance_id);
            world.region(place).nodes.nodes.remove(instance_id);
        }
    }
}

fn shut_down(world: &mut World, place: &Place, id: &str) {
    let Some(node) = world.region(place).nodes.nodes.get_mut(id) else { return };
    node.running = false;
    node.package_lock = None;
    let was_up = node.agent.started.is_some();
    if was_up {
        agent::stop(world, place, id);
        if let Some(node) = world.region(place).nodes.nodes.get_mut(id) {
            node.agent.starts_at_boot = true;
        }
    }
}

fn start_heartbeats(world: &mut World, place: &Place, id: &str, wait: SignedDuration) {
    let beat = world.number();
    let Some(node) = world.region(place).nodes.nodes.get_mut(id) else { return };
    node.beat = beat;
    world.later(place, wait, super::Due::Node(Due::Heartbeat { node: id.to_owned(), beat }));
}

pub(super) fn happen(world: &mut World, place: &Place, due: Due) {
    let Due::Heartbeat { node: id, beat } = due;
    let now = world.now();
    let permitted = allows(world, place, &id, "ssm:UpdateInstanceInformation", "*");
    let Some(node) = world.region(place).nodes.nodes.get_mut(&id) else { return };
    if node.beat != beat || !node.running || node.disposition.silent {
        return;
    }
    node.permitted = permitted;
    if permitted {
        node.registered.get_or_insert(now);
        node.last_ping = now;
    }
    let wait = if node.registered.is_some() { HEARTBEAT } else { REGISTER_AGAIN };
    delivery::refresh(world, place, &id);
    world.later(place, wait, super::Due::Node(Due::Heartbeat { node: id, beat }));
}

/// Whether a node's role allows `action` on `resource`. An on-premises machine's always does.
pub(super) fn allows(world: &World, place: &Place, id: &str, action: &str, resource: &str) -> bool {
    if id.starts_with("mi-") {
        return true;
    }
    let Some(account) = world.accounts.get(&place.account) else { return false };
    let Some(region) = account.regions.get(&place.region) else { return false };
    let role = region.instances.profile_of(id).and_then(|profile| account.iam.profile_role(profile));
    role.is_some_and(|role| role.allows(action, resource))
}
