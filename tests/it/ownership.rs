//! What is not ours is not touched; what people only want watched is only watched; what they remove is kept unless
//! they said otherwise.

use std::collections::BTreeMap;

use watchkeeper::model::event::{Event, Phase};
use watchkeeper::model::reason::Reason;
use watchkeeper::sim::scenario::{Breakage, Scenario};
use watchkeeper::sim::world::log_groups::LogGroup;
use watchkeeper::sim::world::parameters::Put;
use watchkeeper::sim::world::roles::{self, NewRole};
use watchkeeper::sim::world::{Place, World};

use crate::estate::{Estate, desired, example_corp_edited, minutes};
use crate::facts::{changed, facts};

const GROUP: &str = "spec: { logGroup: Theirs, retentionDays: 30";
const PARAMETER: &str = "spec: { parameter: AmazonCloudWatch-Theirs, \
     config: { metrics: { metrics_collected: { mem: { measurement: [mem_used_percent] } } } }";
const ROLE: &str = "spec: { roleName: Theirs, preset: FlowLogs";
const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;

/// A document without its closing brace, so that a case can add to its spec.
fn document(kind: &str, name: &str, spec: &str, more: &str) -> String {
    format!("apiVersion: watchkeeper/v1\nkind: {kind}\nmetadata: {{ name: {name} }}\n{spec}{more} }}\n---\n")
}

fn opened(events: &[Event], reason: Reason) -> Option<&Event> {
    events.iter().find(|event| event.phase == Phase::Opened && event.reason == reason)
}

fn foreign_group(world: &mut World, place: &Place) {
    let now = world.now();
    let groups = &mut world.region(place).log_groups;
    groups.create_group(now, "Theirs", LogGroup::new(now)).expect("a group");
}

fn foreign_parameter(world: &mut World, place: &Place) {
    let now = world.now();
    let put = Put {
        name: "AmazonCloudWatch-Theirs".to_owned(),
        value: "{}".to_owned(),
        kind: Some("String".to_owned()),
        ..Put::default()
    };
    world.region(place).parameters.put(now, put).expect("a parameter");
}

fn foreign_role(world: &mut World, place: &Place) {
    let role = NewRole {
        name: "Theirs".to_owned(),
        path: None,
        trust: TRUST.to_owned(),
        description: None,
        max_session: None,
        boundary: None,
        tags: BTreeMap::new(),
    };
    roles::create_role(world, place, role).expect("a role");
}

/// Makes something that belongs to somebody else.
type Make = fn(&mut World, &Place);

#[tokio::test(start_paused = true)]
async fn what_is_not_ours_is_reported_field_by_field_and_touched_only_when_adopted() {
    let cases: [(&str, &str, &str, &str, Make); 3] = [
        ("LogGroup", GROUP, "log-group/Theirs", "retentionDays", foreign_group),
        ("AgentConfig", PARAMETER, "parameter/AmazonCloudWatch-Theirs", "content", foreign_parameter),
        ("IamRole", ROLE, "role/Theirs", "trust", foreign_role),
    ];
    for (kind, spec, fact, field, make) in cases {
        let mut estate = Estate::new(Scenario::ExampleCorp, 1, desired(&document(kind, "theirs", spec, "")));
        let place = estate.place.clone();
        estate.sim.world(|world| make(world, &place));
        estate.live(minutes(3)).await;
        let before = facts(&estate);
        estate.live(minutes(12)).await;
        assert!(changed(&before, &facts(&estate)).is_empty(), "{kind}: touched");
        let event = opened(&estate.events, Reason::NotOwned).unwrap_or_else(|| panic!("{kind}: not told"));
        assert!(event.changes.iter().any(|change| *change.field == *field), "{kind}: {:?}", event.changes);

        estate.desired = desired(&document(kind, "theirs", spec, ", adopt: true"));
        estate.converge(minutes(3)).await;
        let after = facts(&estate);
        assert!(changed(&before, &after).iter().all(|name| name.ends_with("Theirs")), "{kind}");
        assert!(after[fact].contains(&format!("test/{kind}/theirs")), "{kind}: {}", after[fact]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_group_of_ours_that_an_agent_made_anew_is_taken_back() {
    let mut estate =
        Estate::new(Scenario::ExampleCorp, 1, desired(&document("LogGroup", "theirs", GROUP, "")));
    estate.converge(minutes(3)).await;
    let place = estate.place.clone();
    estate.sim.world(|world| {
        let now = world.now();
        world.region(&place).log_groups.delete(now, "Theirs").expect("deleted");
        foreign_group(world, &place);
    });
    estate.live(minutes(8)).await;
    let fact = facts(&estate)["log-group/Theirs"].clone();
    assert!(fact.contains("Some(30)") && fact.contains("test/LogGroup/theirs"), "{fact}");
}

#[tokio::test(start_paused = true)]
async fn a_document_that_only_observes_or_is_paused_changes_nothing() {
    for (management, reason, may_probe) in
        [("observe", Reason::Observing, true), ("paused", Reason::Paused, false)]
    {
        let mut estate = Estate::example_corp(1);
        estate.converge(minutes(40)).await;
        let block = format!("spec:\n  management: {management}\n  ");
        let flow = format!("spec: {{ management: {management}, ");
        estate.desired = example_corp_edited(&[("spec:\n  ", &block), ("spec: { ", &flow)]);
        let place = estate.place.clone();
        estate.sim.world(|world| {
            for breakage in [Breakage::AgentStopped, Breakage::RetentionChanged, Breakage::FlowLogDeleted] {
                breakage.strike(world, &place).expect("something to break");
            }
            world.forget_calls();
        });
        let (before, from) = (facts(&estate), estate.events.len());
        estate.live(minutes(40)).await;
        assert!(changed(&before, &facts(&estate)).is_empty(), "{management}: something changed");
        let probes = estate
            .sim
            .world(|world| world.calls().iter().filter(|call| call.operation == "SendCommand").count());
        assert_eq!(probes > 0, may_probe, "{management}: {probes} commands");
        let told: Vec<&str> = estate
            .events_since(from)
            .iter()
            .filter(|event| event.reason == reason)
            .filter_map(|event| event.object.as_ref().map(|object| object.kind.name()))
            .collect();
        for kind in ["CloudWatchAgent", "LogGroup", "FlowLog"] {
            assert!(told.contains(&kind), "{management}: nothing is told of the {kind}: {told:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_removed_is_kept_unless_it_said_delete_and_never_all_at_once() {
    let parameter =
        |name: &str, more: &str| document("AgentConfig", name, &PARAMETER.replace("Theirs", name), more);
    let group = document("LogGroup", "group", GROUP, "");
    let (doomed, first, second) = (
        parameter("doomed", ", deletion: delete"),
        parameter("first", ", deletion: delete"),
        parameter("second", ""),
    );
    let mut estate =
        Estate::new(Scenario::ExampleCorp, 1, desired(&format!("{doomed}{first}{second}{group}")));
    estate.converge(minutes(5)).await;
    let whole = facts(&estate);

    // An empty folder says nothing of what people want.
    estate.desired.objects.clear();
    estate.live(minutes(100)).await;
    assert!(changed(&whole, &facts(&estate)).is_empty(), "an empty folder deleted something");
    assert!(opened(&estate.events, Reason::SuspiciousShrink).is_some());

    estate.desired = desired(&format!("{first}{second}"));
    estate.live(minutes(100)).await;
    let lost: Vec<String> = changed(&whole, &facts(&estate)).into_iter().collect();
    assert_eq!(lost, ["parameter/AmazonCloudWatch-doomed"]);
    let kept = opened(&estate.events, Reason::Retained).expect("the group is said to be kept");
    assert_eq!(&*kept.subjects[0], "Theirs");
}
