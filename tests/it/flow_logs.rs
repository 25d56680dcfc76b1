//! Flow logs cannot be changed, so they are replaced; and nobody loses a record over it.

use watchkeeper::model::event::Phase;
use watchkeeper::model::reason::Reason;
use watchkeeper::sim::scenario::Scenario;
use watchkeeper::sim::world::log_groups::read::{Reading, Which};

use crate::estate::{Estate, desired, example_corp_edited, minutes};

const GROUP: &str = "ExampleCorpVPC";

/// The intervals of the flow logs that write into our group.
fn intervals(estate: &Estate) -> Vec<i64> {
    estate.sim.world(|world| {
        let living = world.region(&estate.place).flow_logs.living();
        living
            .filter(|log| log.config.destination.group() == Some(GROUP))
            .map(|log| log.config.interval)
            .collect()
    })
}

/// How many records of between `from` and `to`, in minutes before now, are there.
fn records(estate: &Estate, from: i64, to: i64) -> usize {
    estate.sim.world(|world| {
        let now = world.now().as_millisecond();
        let reading = Reading {
            which: Which::All,
            from: now - from * 60_000,
            to: now - to * 60_000,
            arrived_by: now,
            after: None,
            backwards: false,
        };
        world.region(&estate.place).log_groups.group(GROUP).map_or(0, |group| group.read(&reading).count())
    })
}

#[tokio::test(start_paused = true)]
async fn another_interval_is_made_seen_to_deliver_and_only_then_the_old_one_goes() {
    let mut estate = Estate::example_corp(1);
    estate.converge(minutes(40)).await;
    estate.live(minutes(30)).await;
    assert_eq!(intervals(&estate), [600]);
    estate.desired = example_corp_edited(&[("maxAggregationInterval: 600", "maxAggregationInterval: 60")]);
    estate.live(minutes(10)).await;
    let mut both = intervals(&estate);
    both.sort_unstable();
    assert_eq!(both, [60, 600], "old and new run side by side until the new one has proven itself");
    estate.live(minutes(30)).await;
    assert_eq!(intervals(&estate), [60]);
    for from in (20..60).step_by(10) {
        assert!(
            records(&estate, from, from - 10) > 0,
            "no record between {from} and {} minutes ago",
            from - 10
        );
    }
    assert!(!estate.events.iter().any(|event| event.reason == Reason::ReplacedWithGap));
}

#[tokio::test(start_paused = true)]
async fn outside_its_times_there_is_no_flow_log_of_ours() {
    let until = "maxAggregationInterval: 600\n  enabledUntil: 2026-03-02T10:00:00Z";
    let mut estate = Estate::example_corp(1);
    estate.desired = example_corp_edited(&[("maxAggregationInterval: 600", until)]);
    estate.converge(minutes(40)).await;
    assert_eq!(intervals(&estate), [600]);
    estate.live(minutes(65)).await;
    assert!(intervals(&estate).is_empty(), "capture goes on after its end");
    let passed = estate.pass().await;
    assert!(passed.status.is_ready(), "{:#?}", passed.status.objects);
    let others = estate.sim.world(|world| world.region(&estate.place).flow_logs.living().count());
    assert_eq!(others, 1, "the network team's own stays");
}

#[tokio::test(start_paused = true)]
async fn one_that_delivers_nothing_is_told_though_it_is_active() {
    const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
    let observed = "spec: { management: observe, roleName: ExampleCorp-FlowLogsRole";
    let mut estate = Estate::example_corp(1);
    estate.converge(minutes(40)).await;
    // The role is only watched, so nobody mends it.
    estate.desired = example_corp_edited(&[("spec: { roleName: ExampleCorp-FlowLogsRole", observed)]);
    let place = estate.place.clone();
    let role = "ExampleCorp-FlowLogsRole";
    estate
        .sim
        .world(|world| watchkeeper::sim::world::roles::set_trust(world, &place, role, TRUST))
        .expect("the trust is edited");
    let from = estate.events.len();
    estate.live(minutes(30)).await;
    let is_told = |reason: Reason| {
        estate.events_since(from).iter().any(|event| event.phase == Phase::Opened && event.reason == reason)
    };
    assert!(is_told(Reason::DeliveryFailed) && is_told(Reason::Observing));
    assert_eq!(intervals(&estate), [600], "replacing it would not help");
}

/// Where the flow log's document stands, and what was told of it.
fn reasons(estate: &Estate, from: usize) -> Vec<Reason> {
    let opened = estate.events_since(from).iter().filter(|event| event.phase == Phase::Opened);
    opened.map(|event| event.reason).collect()
}

#[tokio::test(start_paused = true)]
async fn it_is_ready_once_its_records_come_and_not_before() {
    let mut estate = Estate::example_corp(1);
    estate.live(minutes(8)).await;
    assert_eq!((intervals(&estate), records(&estate, 60, 0)), (vec![600], 0));
    let passed = estate.pass().await;
    assert!(passed.plan.findings.iter().any(|finding| finding.reason == Reason::AwaitingRecords));
    estate.converge(minutes(40)).await;
    assert!(records(&estate, 60, 0) > 0);
    assert!(!reasons(&estate, 0).contains(&Reason::NoRecords));
}

#[tokio::test(start_paused = true)]
async fn interfaces_in_use_without_records_are_a_fault() {
    let mut estate = Estate::example_corp(1);
    estate.sim.world(|world| world.settings.flow_log_delay = minutes(300));
    estate.live(minutes(40)).await;
    assert!(reasons(&estate, 0).contains(&Reason::NoRecords), "{:?}", reasons(&estate, 0));
    assert!(!estate.pass().await.status.is_ready());
}

#[tokio::test(start_paused = true)]
async fn a_network_in_which_nothing_runs_has_nothing_to_deliver() {
    let empty = "apiVersion: watchkeeper/v1\nkind: FlowLog\nmetadata: { name: v }\nspec:\n  vpcs: { all: true }\n  \
                 traffic: ALL\n  logGroup: V\n  role: flow-logs\n---\napiVersion: watchkeeper/v1\nkind: IamRole\n\
                 metadata: { name: flow-logs }\nspec: { roleName: ExampleCorp-FlowLogsRole, preset: FlowLogs }\n";
    let mut estate = Estate::new(Scenario::Fleet { nodes: 0, vpcs: 2 }, 1, desired(empty));
    let passed = estate.converge(minutes(10)).await;
    let told: Vec<Reason> = passed.plan.findings.iter().map(|finding| finding.reason).collect();
    assert_eq!(told, [Reason::NoTraffic, Reason::NoTraffic]);
}

#[tokio::test(start_paused = true)]
async fn another_group_gets_records_before_the_old_flow_log_goes() {
    let groups = |estate: &Estate| {
        estate.sim.world(|world| {
            let living = world.region(&estate.place).flow_logs.living();
            let groups = living.filter_map(|log| log.config.destination.group().map(str::to_owned));
            let mut groups: Vec<String> = groups.filter(|group| group.starts_with(GROUP)).collect();
            groups.sort();
            groups
        })
    };
    let mut estate = Estate::example_corp(1);
    estate.converge(minutes(40)).await;
    estate.desired = example_corp_edited(&[(GROUP, "ExampleCorpVPC-moved")]);
    estate.live(minutes(8)).await;
    assert_eq!(groups(&estate), [GROUP, "ExampleCorpVPC-moved"], "nothing has come into the new group yet");
    estate.live(minutes(30)).await;
    assert_eq!(groups(&estate), ["ExampleCorpVPC-moved"]);
}
