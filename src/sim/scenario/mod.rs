//! Ready-made estates, and ways to break them.
//!
//! A scenario uses the world as its inhabitants would: it launches machines, attaches roles, leaves things
//! half done. It knows the ExampleCorp estate that `desired-state/` describes, and nothing of Watchkeeper.

mod breakage;
mod example_corp;
mod fleet;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::world::instances::{self, Launch, ProfileName};
use super::world::roles::{self, NewRole};
use super::world::{Place, World, networks};

pub use breakage::Breakage;

/// How long the estate has been standing when a scenario begins: silent agents have been noticed, new roles work.
const HISTORY: SignedDuration = SignedDuration::from_hours(1);

/// Which estate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scenario {
    /// A dozen machines of every sort, as the workshop leaves them.
    ExampleCorp,
    /// As many bare machines as wanted, in as many VPCs.
    Fleet {
        /// EC2 instances.
        nodes: usize,
        /// VPCs that they stand in.
        vpcs: usize,
    },
    /// Nothing at all.
    Empty,
}

/// Builds the world of a scenario, as it is at `now`.
pub fn build(scenario: Scenario, seed: u64, now: Timestamp) -> World {
    let mut world = World::new(seed, now - HISTORY);
    let place = Place::default_place();
    match scenario {
        Scenario::ExampleCorp => example_corp::build(&mut world, &place),
        Scenario::Fleet { nodes, vpcs } => fleet::build(&mut world, &place, nodes, vpcs.max(1)),
        Scenario::Empty => {}
    }
    world.advance(now);
    world.forget_calls();
    world
}

/// The role and profile that instances of an estate have before anybody automates anything.
const BASE_PROFILE: &str = "ExampleCorp-Base";

/// Makes the role and profile [`BASE_PROFILE`]: SSM may manage the instance, and its agent may send telemetry.
fn base_profile(world: &mut World, place: &Place) {
    const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
    let role = NewRole {
        name: BASE_PROFILE.to_owned(),
        path: None,
        trust: TRUST.to_owned(),
        description: Some("What every ExampleCorp machine had before".to_owned()),
        max_session: None,
        boundary: None,
        tags: BTreeMap::new(),
    };
    built(roles::create_role(world, place, role));
    for policy in ["AmazonSSMManagedInstanceCore", "CloudWatchAgentServerPolicy"] {
        let arn = format!("arn:aws:iam::aws:policy/{policy}");
        built(world.account(place).iam.attach(BASE_PROFILE, &arn));
    }
    built(roles::create_profile(world, place, BASE_PROFILE, "/", BTreeMap::new()));
    built(world.account(place).iam.add_role(BASE_PROFILE, BASE_PROFILE));
    // A profile that was just made cannot be used yet.
    let used_from = world.now() + world.settings.iam_lag;
    world.advance(used_from);
}

/// Launches machines that carry `tags`.
fn launch(
    world: &mut World,
    place: &Place,
    subnet: &str,
    windows: bool,
    profile: Option<&str>,
    count: usize,
    tags: BTreeMap<String, String>,
) -> Vec<String> {
    let launch = Launch {
        image: if windows { "ami-windows-2022" } else { "ami-al2023" }.to_owned(),
        instance_type: "t3.medium".to_owned(),
        count,
        subnet: Some(subnet.to_owned()),
        profile: profile.map(|name| ProfileName::Name(name.to_owned())),
        tags,
        client_token: None,
    };
    built(instances::run(world, place, &launch))
}

fn network(
    world: &mut World,
    place: &Place,
    cidr: &str,
    subnet: &str,
    tags: BTreeMap<String, String>,
) -> (String, String) {
    let vpc = built(networks::create_vpc(world, place, cidr, tags.clone())).id;
    let subnet = built(networks::create_subnet(world, place, &vpc, subnet, None, tags)).id;
    (vpc, subnet)
}

/// Tags as people write them.
fn tags(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

/// A scenario is a program of ours: where the world refuses one of its steps, it is the scenario that is wrong.
fn built<T, E: std::fmt::Debug>(step: Result<T, E>) -> T {
    match step {
        Ok(value) => value,
        Err(error) => unreachable!("a scenario does what AWS refuses: {error:?}"),
    }
}
