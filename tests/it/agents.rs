//! The rules by which nodes are left alone, and by which agents go away.

use std::collections::BTreeMap;

use watchkeeper::model::event::Phase;
use watchkeeper::model::reason::Reason;
use watchkeeper::sim::fault::{Faults, Rates};
use watchkeeper::sim::scenario::Scenario;

use crate::estate::{Estate, desired, example_corp_edited, minutes};
use crate::facts::facts;
use crate::witness::commands;

/// The nodes' facts and package by the `Name` tag.
fn packages(estate: &Estate) -> BTreeMap<String, Option<String>> {
    estate.sim.world(|world| {
        let region = world.region(&estate.place);
        let name = |node| region.tags_of(node).get("Name").cloned().unwrap_or_default();
        region.nodes.nodes.values().map(|node| (name(node), node.agent.package.clone())).collect()
    })
}

fn id_of(estate: &Estate, name: &str) -> String {
    estate.sim.world(|world| {
        let region = world.region(&estate.place);
        let is_it = |node: &&watchkeeper::sim::world::nodes::Node| {
            region.tags_of(node).get("Name").is_some_and(|have| have == name)
        };
        region.nodes.nodes.values().find(is_it).map(|node| node.id.clone()).expect("the node is there")
    })
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_shall_be_absent_is_uninstalled() {
    let absent = "apiVersion: watchkeeper/v1\nkind: CloudWatchAgent\nmetadata: { name: none }\n\
                  spec: { nodes: { matchTags: { Application: ExampleCorp } }, ensure: absent }\n";
    let mut estate = Estate::new(Scenario::ExampleCorp, 1, desired(absent));
    assert!(packages(&estate)["web-2-already-right"].is_some());
    estate.converge(minutes(20)).await;
    assert!(packages(&estate).values().all(Option::is_none), "{:?}", packages(&estate));
}

#[tokio::test(start_paused = true)]
async fn a_node_that_two_documents_select_is_left_alone() {
    let agent = "---\napiVersion: watchkeeper/v1\nkind: CloudWatchAgent\nmetadata: { name: other }\n\
                 spec: { nodes: { matchTags: { Name: web-1 } }, config: example-corp }\n---\n\
                 # The role that VPC";
    let mut estate = Estate::example_corp(1);
    estate.desired = example_corp_edited(&[("---\n# The role that VPC", agent)]);
    let contested = format!("node/{}", id_of(&estate, "web-1"));
    let before = facts(&estate)[&contested].clone();
    estate.live(minutes(20)).await;
    assert_eq!(facts(&estate)[&contested], before);
    assert!(packages(&estate)["app-1-windows"].is_some(), "the others go on");
    assert!(
        estate.events.iter().any(|event| event.phase == Phase::Opened && event.reason == Reason::Conflict)
    );
}

#[tokio::test(start_paused = true)]
async fn a_configuration_of_somebody_else_is_held_until_a_person_says_replace() {
    let mut estate = Estate::example_corp(1);
    estate.desired = example_corp_edited(&[("onForeignConfig: replace", "onForeignConfig: hold")]);
    let foreign = format!("node/{}", id_of(&estate, "web-3-other-configuration"));
    let before = facts(&estate)[&foreign].clone();
    estate.live(minutes(20)).await;
    assert_eq!(facts(&estate)[&foreign], before);
    let told =
        estate.events.iter().find(|event| event.reason == Reason::ForeignConfiguration).expect("it is told");
    assert!(foreign.ends_with(&*told.subjects[0]));

    estate.desired = example_corp_edited(&[]);
    estate.converge(minutes(40)).await;
    assert!(!facts(&estate)[&foreign].contains("tried-by-hand"));
}

#[tokio::test(start_paused = true)]
async fn another_version_does_not_go_over_a_configuration_of_somebody_else() {
    let mut estate = Estate::example_corp(1);
    // It may take an uninstall, which deletes every file of the agent's.
    let older = ("version: latest", "version: 1.300070.0b1200");
    estate.desired = example_corp_edited(&[("onForeignConfig: replace", "onForeignConfig: hold"), older]);
    let foreign = format!("node/{}", id_of(&estate, "web-3-other-configuration"));
    let before = facts(&estate)[&foreign].clone();
    estate.live(minutes(20)).await;
    assert_eq!(facts(&estate)[&foreign], before);
}

#[tokio::test(start_paused = true)]
async fn a_command_history_that_may_not_be_read_is_said_and_nothing_is_sent() {
    let mut estate = Estate::example_corp(9);
    let denied = Rates { deny: 1.0, ..Rates::default() };
    estate.sim.set_faults(Faults::seeded(9, denied).only("ListCommands"));
    let passed = estate.live(minutes(10)).await;
    let general = &passed.status.general;
    let said = general.iter().find(|(reason, _)| *reason == Reason::AccessDenied);
    assert!(said.is_some_and(|(_, message)| message.contains("ssm:ListCommands")), "{general:?}");
    assert!(!passed.status.is_ready());
    assert!(commands(&estate).is_empty(), "nothing may be sent");
    estate.sim.set_faults(Faults::none());
    estate.converge(minutes(60)).await;
    let last = estate.events.iter().rfind(|event| event.reason == Reason::AccessDenied).expect("an event");
    assert_eq!(last.phase, Phase::Resolved);
}
