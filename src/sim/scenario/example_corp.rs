//! The ExampleCorp estate as the workshop leaves it: some of everything.

use std::collections::BTreeMap;

use super::{BASE_PROFILE, base_profile, built, launch, network, tags};
use crate::sim::world::flow_logs::{self, Config, Destination, Kind, Request};
use crate::sim::world::nodes::{self, Platform, agent};
use crate::sim::world::roles::{self, NewRole};
use crate::sim::world::{Place, World};

/// The configuration that a machine needs to be right already.
const CONFIG: &str = include_str!("../../../desired-state/example-corp.agent.json");
/// Where the agent keeps it.
const CONFIG_FILE: &str = "ssm_AmazonCloudWatch-ExampleCorpConfig";
/// What somebody once tried by hand.
const TRIED_BY_HAND: &str =
    r#"{"metrics":{"metrics_collected":{"mem":{"measurement":["mem_used_percent"]}}}}"#;

/// Builds the estate.
pub(super) fn build(world: &mut World, place: &Place) {
    base_profile(world, place);
    let (vpc, subnet) = network(world, place, "10.0.0.0/16", "10.0.1.0/24", of_the_estate("vpc"));
    let newest = newest_agent(world, place);
    machines(world, place, &subnet, &newest);
    on_premises(world, place);
    foreign_flow_log(world, place, &vpc);
}

fn machines(world: &mut World, place: &Place, subnet: &str, newest: &str) {
    let linux = |world: &mut World, name: &str, profile: Option<&str>| {
        launch(world, place, subnet, false, profile, 1, of_the_estate(name)).remove(0)
    };
    linux(world, "web-1", Some(BASE_PROFILE));
    let right = linux(world, "web-2-already-right", Some(BASE_PROFILE));
    let other = linux(world, "web-3-other-configuration", Some(BASE_PROFILE));
    let stopped = linux(world, "web-4-agent-stopped", Some(BASE_PROFILE));
    let silent = linux(world, "legacy-1-silent-ssm-agent", Some(BASE_PROFILE));
    linux(world, "batch-1-without-profile", None);
    launch(world, place, subnet, true, Some(BASE_PROFILE), 1, of_the_estate("app-1-windows"));
    // Somebody else's machine: nothing in desired-state/ selects it.
    launch(
        world,
        place,
        subnet,
        false,
        Some(BASE_PROFILE),
        1,
        tags(&[("Name", "payroll-1"), ("Application", "Payroll")]),
    );
    settle(world);

    for id in [&right, &other, &stopped] {
        agent::install(world, place, id, newest, false);
    }
    agent::write_config(world, place, &right, CONFIG_FILE, CONFIG.as_bytes());
    agent::write_config(world, place, &stopped, CONFIG_FILE, CONFIG.as_bytes());
    agent::write_config(world, place, &other, "file_tried-by-hand.json", TRIED_BY_HAND.as_bytes());
    for id in [&right, &other, &stopped] {
        translated(world, place, id);
        agent::start(world, place, id);
    }
    agent::stop(world, place, &stopped);
    nodes::set_silent(world, place, &silent, true);
}

/// The agent translated its configuration when it was given it.
fn translated(world: &mut World, place: &Place, id: &str) {
    let now = world.now();
    if let Some(node) = world.region(place).nodes.nodes.get_mut(id) {
        node.agent.toml = Some(now);
    }
}

fn on_premises(world: &mut World, place: &Place) {
    nodes::add_on_premises(world, place, "dc1-web-1", Platform::Linux, of_the_estate("dc1-web-1"));
}

/// The network team's own: it records what was refused, into a group of theirs.
fn foreign_flow_log(world: &mut World, place: &Place, vpc: &str) {
    const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"vpc-flow-logs.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
    const MAY: &str =
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"logs:*","Resource":"*"}]}"#;
    let role = NewRole {
        name: "NetworkTeam-FlowLogs".to_owned(),
        path: None,
        trust: TRUST.to_owned(),
        description: None,
        max_session: None,
        boundary: None,
        tags: BTreeMap::new(),
    };
    let arn = built(roles::create_role(world, place, role)).arn;
    built(world.account(place).iam.put_inline("NetworkTeam-FlowLogs", "logs", MAY));
    settle(world);
    let request = Request {
        resources: vec![vpc.to_owned()],
        config: Config {
            kind: Kind::Vpc,
            traffic: "REJECT".to_owned(),
            destination: Destination::Logs { group: "network-team-rejects".to_owned(), arn: None },
            role: Some(arn),
            format: flow_logs::DEFAULT_FORMAT.to_owned(),
            interval: 600,
        },
        tags: tags(&[("Team", "network")]),
        token: None,
    };
    built(flow_logs::create(world, place, &request));
}

/// Lets machines come up, register, and new roles take effect.
fn settle(world: &mut World) {
    let then = world.now() + jiff::SignedDuration::from_mins(5);
    world.advance(then);
}

fn newest_agent(world: &mut World, place: &Place) -> String {
    world.region(place).documents.package_versions.last().cloned().unwrap_or_default()
}

fn of_the_estate(name: &str) -> BTreeMap<String, String> {
    tags(&[("Name", name), ("Application", "ExampleCorp")])
}
