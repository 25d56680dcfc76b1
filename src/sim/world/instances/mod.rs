//! EC2 instances: launched, started, stopped, terminated, and the profiles that they hold.
//!
//! An image whose id contains `windows` runs Windows; that is the simulator's own convention, since it has no
//! images. A new id is visible at once: EC2's own listing lag is not simulated here.

pub mod profiles;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::networks::{self, Tags, not_found};
use super::{Place, World, flow_logs, nodes};
use crate::sim::wire::AwsError;
pub use profiles::{Association, ProfileName};

/// How long an instance takes to come up, and to go down.
const BOOT: SignedDuration = SignedDuration::from_secs(15);
/// A terminated instance is listed for up to an hour.
const LINGERS: SignedDuration = SignedDuration::from_mins(50);

/// All instances of a Region.
#[derive(Clone, Debug, Default)]
pub struct Instances {
    /// By id.
    pub instances: BTreeMap<String, Instance>,
    /// By instance id: an instance holds one profile.
    pub associations: BTreeMap<String, Association>,
}

/// One instance.
#[derive(Clone, Debug)]
pub struct Instance {
    /// Such as `i-0…`.
    pub id: String,
    /// The launch that it came from.
    pub reservation: String,
    /// Its place in that launch.
    pub launch_index: usize,
    /// The image.
    pub image: String,
    /// Such as `t3.micro`.
    pub instance_type: String,
    /// Where it is in its life.
    pub state: State,
    /// `windows`, or nothing for everything else, as EC2 has it.
    pub platform: Option<String>,
    /// Its VPC.
    pub vpc: String,
    /// Its subnet.
    pub subnet: String,
    /// Its one network interface.
    pub interface: String,
    /// Such as `10.0.0.4`.
    pub private_ip: String,
    /// Such as `us-east-1a`.
    pub availability_zone: String,
    /// Tags.
    pub tags: Tags,
    /// When it was last started.
    pub launched: Timestamp,
    /// The token of the call that launched it.
    pub client_token: Option<String>,
}

/// Where an instance is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// Coming up.
    Pending,
    /// Up.
    Running,
    /// Going down for good.
    ShuttingDown,
    /// Gone, but still listed.
    Terminated,
    /// Going down.
    Stopping,
    /// Down.
    Stopped,
}

impl State {
    /// EC2's word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::ShuttingDown => "shutting-down",
            Self::Terminated => "terminated",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
        }
    }

    /// EC2's number for it.
    pub const fn code(self) -> u16 {
        match self {
            Self::Pending => 0,
            Self::Running => 16,
            Self::ShuttingDown => 32,
            Self::Terminated => 48,
            Self::Stopping => 64,
            Self::Stopped => 80,
        }
    }
}

/// What to launch.
#[derive(Clone, Debug, Default)]
pub struct Launch {
    /// The image; see this module's own convention.
    pub image: String,
    /// Such as `t3.micro`.
    pub instance_type: String,
    /// How many.
    pub count: usize,
    /// Where; the first subnet if nothing is said.
    pub subnet: Option<String>,
    /// With which instance profile.
    pub profile: Option<ProfileName>,
    /// Tags of the instances.
    pub tags: Tags,
    /// The same token launches nothing twice.
    pub client_token: Option<String>,
}

/// What will happen to an instance or an association.
#[derive(Clone, Debug)]
pub enum Due {
    /// It reaches the state after this one, unless it has left it meanwhile.
    Moves(String, State),
    /// It is listed no longer.
    Vanishes(String),
    /// The profile association of this instance reaches its next state.
    Association(String),
}

pub(super) fn happen(world: &mut World, place: &Place, due: Due) {
    match due {
        Due::Moves(id, from) => moves(world, place, &id, from),
        Due::Vanishes(id) => {
            world.region(place).instances.instances.remove(&id);
        }
        Due::Association(id) => profiles::settle(world, place, &id),
    }
}

fn moves(world: &mut World, place: &Place, id: &str, from: State) {
    let to = match from {
        State::Pending => State::Running,
        State::Stopping => State::Stopped,
        State::ShuttingDown => State::Terminated,
        State::Running | State::Stopped | State::Terminated => return,
    };
    let Some(instance) = world.region(place).instances.instances.get_mut(id) else { return };
    if instance.state != from {
        return;
    }
    instance.state = to;
    if to == State::Terminated {
        let interface = instance.interface.clone();
        world.region(place).networks.interfaces.remove(&interface);
        profiles::forget(world, place, id);
        world.later(place, LINGERS, super::Due::Instance(Due::Vanishes(id.to_owned())));
    }
    changed(world, place, id);
}

/// Tells everybody who depends on an instance.
fn changed(world: &mut World, place: &Place, id: &str) {
    flow_logs::instance_changed(world, place, id);
    nodes::instance_changed(world, place, id);
}

impl Instances {
    /// The instance `id`.
    ///
    /// # Errors
    /// `InvalidInstanceID.NotFound`.
    pub fn get(&self, id: &str) -> Result<&Instance, AwsError> {
        self.instances.get(id).ok_or_else(|| not_found("instance", "instance", id))
    }

    /// Whether the interface's instance runs, so that there is traffic.
    pub fn runs(&self, id: &str) -> bool {
        self.instances.get(id).is_some_and(|instance| instance.state == State::Running)
    }

    fn launched_with(&self, token: Option<&str>) -> Vec<String> {
        let same = |instance: &&Instance| token.is_some() && instance.client_token.as_deref() == token;
        self.instances.values().filter(same).map(|instance| instance.id.clone()).collect()
    }
}

/// Launches instances and answers their ids. The same client token answers with the same instances.
///
/// # Errors
/// `VPCIdNotSpecified`, `InvalidSubnetID.NotFound`, `InsufficientFreeAddressesInSubnet`, and what
/// [`profiles::usable`] has.
pub fn run(world: &mut World, place: &Place, launch: &Launch) -> Result<Vec<String>, AwsError> {
    let earlier = world.region(place).instances.launched_with(launch.client_token.as_deref());
    if !earlier.is_empty() {
        return Ok(earlier);
    }
    let subnet = check_launch(world, place, launch)?;
    let profile = launch.profile.as_ref().map(|name| profiles::usable(world, place, name)).transpose()?;
    let reservation = world.id("r");
    let mut ids = Vec::with_capacity(launch.count);
    for index in 0..launch.count {
        let id = launch_one(world, place, launch, &subnet, &reservation, index)?;
        if let Some(profile) = &profile {
            profiles::associate_at_launch(world, place, &id, profile);
        }
        nodes::instance_changed(world, place, &id);
        ids.push(id);
    }
    Ok(ids)
}

/// Whether a launch would succeed, and in which subnet.
///
/// # Errors
/// As [`run`].
pub fn check_launch(world: &mut World, place: &Place, launch: &Launch) -> Result<String, AwsError> {
    if let Some(name) = &launch.profile {
        profiles::usable(world, place, name)?;
    }
    let subnets = &world.region(place).networks.subnets;
    let subnet = match &launch.subnet {
        Some(id) => subnets.get(id).ok_or_else(|| not_found("subnet", "subnet", id))?,
        None => subnets.values().next().ok_or_else(|| {
            AwsError::new(
                "VPCIdNotSpecified",
                "No default VPC for this user. GroupName is only supported for EC2-Classic and default VPC.",
            )
        })?,
    };
    if (subnet.addresses_left() as usize) < launch.count {
        let message = format!("The specified subnet '{}' has not enough free addresses.", subnet.id);
        return Err(AwsError::new("InsufficientFreeAddressesInSubnet", message));
    }
    Ok(subnet.id.clone())
}

fn launch_one(
    world: &mut World,
    place: &Place,
    launch: &Launch,
    subnet: &str,
    reservation: &str,
    launch_index: usize,
) -> Result<String, AwsError> {
    let (id, launched) = (world.id("i"), world.now());
    let interface = networks::create_interface(world, place, subnet, &id)?;
    let windows = launch.image.to_ascii_lowercase().contains("windows");
    let instance = Instance {
        id: id.clone(),
        reservation: reservation.to_owned(),
        launch_index,
        image: launch.image.clone(),
        instance_type: launch.instance_type.clone(),
        state: State::Pending,
        platform: windows.then(|| "windows".to_owned()),
        vpc: interface.vpc,
        subnet: interface.subnet,
        interface: interface.id,
        private_ip: interface.private_ip,
        availability_zone: interface.availability_zone,
        tags: launch.tags.clone(),
        launched,
        client_token: launch.client_token.clone(),
    };
    world.region(place).instances.instances.insert(id.clone(), instance);
    world.later(place, BOOT, super::Due::Instance(Due::Moves(id.clone(), State::Pending)));
    Ok(id)
}

/// What can be asked of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Come up.
    Start,
    /// Go down.
    Stop,
    /// Go down for good.
    Terminate,
}

impl Wish {
    /// The state that a wish leads to from `state`; the same state where nothing is to do.
    fn from(self, state: State) -> Option<State> {
        match (self, state) {
            (Self::Start, State::Stopped) => Some(State::Pending),
            (Self::Start, State::Pending | State::Running)
            | (Self::Stop, State::Stopping | State::Stopped)
            | (Self::Terminate, State::ShuttingDown | State::Terminated) => Some(state),
            (Self::Stop, State::Running) => Some(State::Stopping),
            (Self::Terminate, _) => Some(State::ShuttingDown),
            _ => None,
        }
    }
}

/// Whether a wish would be granted to all of `ids`: EC2 grants it to all or to none.
///
/// # Errors
/// `InvalidInstanceID.NotFound`, `IncorrectInstanceState`.
pub fn check_wish(world: &mut World, place: &Place, wish: Wish, ids: &[String]) -> Result<(), AwsError> {
    for id in ids {
        let state = world.region(place).instances.get(id)?.state;
        if wish.from(state).is_none() {
            let message = format!(
                "The instance '{id}' is not in a state from which it can be {}.",
                match wish {
                    Wish::Start => "started",
                    Wish::Stop => "stopped",
                    Wish::Terminate => "terminated",
                }
            );
            return Err(AwsError::new("IncorrectInstanceState", message));
        }
    }
    Ok(())
}

/// Grants a wish, and answers each instance's state before and after.
///
/// # Errors
/// As [`check_wish`].
pub fn grant(
    world: &mut World,
    place: &Place,
    wish: Wish,
    ids: &[String],
) -> Result<Vec<(String, State, State)>, AwsError> {
    check_wish(world, place, wish, ids)?;
    let now = world.now();
    let mut changes = Vec::with_capacity(ids.len());
    for id in ids {
        let Some(instance) = world.region(place).instances.instances.get_mut(id) else { continue };
        let before = instance.state;
        let after = wish.from(before).unwrap_or(before);
        changes.push((id.clone(), before, after));
        if before == after {
            continue;
        }
        instance.state = after;
        if after == State::Pending {
            instance.launched = now;
        }
        world.later(place, BOOT, super::Due::Instance(Due::Moves(id.clone(), after)));
        changed(world, place, id);
    }
    Ok(changes)
}
