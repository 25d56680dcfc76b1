//! Whether telemetry is seen to arrive: what is asked, at what cost, and what is made of the answers.

use std::sync::Arc;

use jiff::SignedDuration;
use tokio_util::sync::CancellationToken;
use watchkeeper::aws::connect::with_http;
use watchkeeper::aws::{Clients, observe};
use watchkeeper::model::observed::{AlarmState, Arrival, Arrivals, LOOK_BACK, MetricKey};
use watchkeeper::model::question::{Facts, Question};
use watchkeeper::sim::Sim;
use watchkeeper::sim::connector::Connector;
use watchkeeper::sim::world::log_groups::{Line, LogGroup, Source};
use watchkeeper::sim::world::metrics::{Alarm, Series};
use watchkeeper::sim::world::{DEFAULT_ACCOUNT, DEFAULT_REGION, Place, World};

use crate::estate::{Estate, minutes};
use crate::sdk::{pass, sim};

fn clients(sim: &Sim) -> Clients {
    let key = Place::access_key(DEFAULT_ACCOUNT);
    with_http(Connector::new(sim.clone()), sim.clock(), &key, DEFAULT_REGION, "arrival")
}

async fn ask(clients: &Clients, question: Question) -> Facts {
    let mut answers = observe(clients, "main", vec![question], &CancellationToken::new()).await;
    answers.pop().expect("one answer").facts.expect("facts")
}

fn attach(world: &mut World, group: &str, stream: &str, every: SignedDuration) {
    let now = world.now();
    world.region(&Place::default_place()).log_groups.attach(
        now,
        Source {
            key: format!("{group}/{stream}"),
            group: group.to_owned(),
            stream: stream.to_owned(),
            every,
            delay: SignedDuration::from_secs(5),
            line: Line::System,
            recreates: true,
        },
    );
}

async fn arrivals(clients: &Clients, group: &str, streams: &[&str], by_query: bool) -> Arrivals {
    let streams: Vec<Arc<str>> = streams.iter().map(|stream| (*stream).into()).collect();
    let question = Question::GroupArrivals { group: group.into(), streams, back: LOOK_BACK, by_query };
    match ask(clients, question).await {
        Facts::GroupArrivals(arrivals) => arrivals,
        other => panic!("{other:?}"),
    }
}

/// How many calls of an operation there were.
fn calls(sim: &Sim, operation: &str) -> usize {
    sim.world(|world| world.calls().iter().filter(|call| call.operation == operation).count())
}

#[tokio::test(start_paused = true)]
async fn events_and_a_query_tell_the_same() {
    let sim = sim();
    let clients = clients(&sim);
    sim.world(|world| {
        for node in 0..40 {
            attach(world, "app", &format!("i-{node:03}"), SignedDuration::from_secs(10));
        }
        // A stranger that drowns the others, and a stream that is there and says nothing for a day.
        attach(world, "app", "stranger", SignedDuration::from_millis(100));
        attach(world, "app", "quiet", SignedDuration::from_hours(24));
    });
    pass(27 * 3600).await;
    let mut names: Vec<String> = (0..40).map(|node| format!("i-{node:03}")).collect();
    names.extend(["missing".to_owned(), "quiet".to_owned()]);
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let by_events = arrivals(&clients, "app", &names, false).await;
    let read = calls(&sim, "FilterLogEvents");
    let by_query = arrivals(&clients, "app", &names, true).await;
    assert!(read <= 6, "{read} calls for forty streams");
    assert_eq!(by_events.newest.len(), names.len());
    for name in &names {
        let (one, other) = (by_events.newest[*name], by_query.newest[*name]);
        assert_eq!(one.is_some(), other.is_some(), "{name}");
        assert_eq!(one.is_some(), name.starts_with("i-"), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_group_that_is_not_there_has_no_events() {
    let sim = sim();
    let clients = clients(&sim);
    for by_query in [false, true] {
        let found = arrivals(&clients, "missing", &["i-1"], by_query).await;
        assert_eq!(found.newest.values().collect::<Vec<_>>(), [&None]);
    }
}

#[tokio::test(start_paused = true)]
async fn only_a_query_reads_a_group_of_infrequent_access() {
    let sim = sim();
    let clients = clients(&sim);
    sim.world(|world| {
        let now = world.now();
        let mut group = LogGroup::new(now);
        group.class = "INFREQUENT_ACCESS".to_owned();
        let groups = &mut world.region(&Place::default_place()).log_groups;
        groups.create_group(now, "cold", group).expect("a group");
        attach(world, "cold", "i-1", SignedDuration::from_secs(10));
    });
    pass(600).await;
    let found = arrivals(&clients, "cold", &["i-1"], true).await;
    assert!(found.newest["i-1"].is_some());
}

#[tokio::test(start_paused = true)]
async fn a_query_that_never_ends_is_given_up() {
    let sim = sim();
    let clients = clients(&sim);
    sim.world(|world| {
        world.settings.query = SignedDuration::from_hours(1);
        attach(world, "app", "i-1", SignedDuration::from_secs(10));
    });
    pass(600).await;
    let question = Question::GroupArrivals {
        group: "app".into(),
        streams: vec!["i-1".into()],
        back: LOOK_BACK,
        by_query: true,
    };
    let mut answers = observe(&clients, "main", vec![question], &CancellationToken::new()).await;
    let failure = answers.pop().expect("one answer").facts.expect_err("no end");
    assert_eq!(failure.code, "Unfinished");
    assert_eq!(calls(&sim, "StopQuery"), 1);
}

#[tokio::test(start_paused = true)]
async fn who_sends_a_metric_is_listed_over_all_pages() {
    let sim = sim();
    let clients = clients(&sim);
    sim.world(|world| {
        let now = world.now();
        let metrics = &mut world.region(&Place::default_place()).metrics;
        for node in 0..1_201 {
            let dimensions = [("InstanceId".to_owned(), format!("i-{node}"))].into();
            let series = Series { namespace: "CWAgent".into(), name: "mem_used_percent".into(), dimensions };
            metrics.put(series, now, 1.0);
        }
    });
    pass(600).await;
    let key = MetricKey {
        namespace: "CWAgent".into(),
        metric: "mem_used_percent".into(),
        dimension: "InstanceId".into(),
    };
    let Facts::ActiveMetrics(values) = ask(&clients, Question::ActiveMetrics(key)).await else {
        panic!("no metrics")
    };
    assert_eq!(values.len(), 1_201);
    assert_eq!(calls(&sim, "ListMetrics"), 3);
}

#[tokio::test(start_paused = true)]
async fn alarms_have_their_states() {
    let sim = sim();
    let clients = clients(&sim);
    sim.world(|world| {
        let now = world.now();
        let alarms = &mut world.region(&Place::default_place()).metrics.alarms;
        for (name, state) in [("a", "OK"), ("b", "ALARM"), ("c", "INSUFFICIENT_DATA")] {
            let alarm = Alarm {
                config: serde_json::Map::new(),
                state: state.to_owned(),
                reason: String::new(),
                configured: now,
                changed: now,
            };
            alarms.insert(name.to_owned(), alarm);
        }
    });
    let names: Vec<Arc<str>> = ["a", "b", "c", "d"].map(Into::into).into();
    let Facts::Alarms(states) = ask(&clients, Question::Alarms(names)).await else { panic!("no alarms") };
    let states: Vec<_> = states.iter().map(|(name, state)| (&**name, *state)).collect();
    let expected = [("a", AlarmState::Ok), ("b", AlarmState::Alarm), ("c", AlarmState::InsufficientData)];
    assert_eq!(states, expected);
}

#[tokio::test(start_paused = true)]
async fn every_signal_of_a_converged_estate_is_seen_to_arrive() {
    const GROUPS: [&str; 4] = [
        "ExampleCorp-application.log",
        "ExampleCorp-web-access.log",
        "ExampleCorp-web-error.log",
        "ExampleCorp-system.log",
    ];
    let mut estate = Estate::example_corp(1);
    estate.converge(minutes(40)).await;
    estate.live(minutes(15)).await;
    let right = estate.sim.world(|world| {
        let region = world.region(&estate.place);
        let is_it = |node: &&watchkeeper::sim::world::nodes::Node| {
            region.tags_of(node).get("Name").is_some_and(|have| have == "web-2-already-right")
        };
        region.nodes.nodes.values().find(is_it).map(|node| node.id.clone()).expect("the node is there")
    });
    let observed = &estate.scope.observed;
    for group in GROUPS {
        let Arrival::At(at) = observed.arrival(group, &right) else {
            panic!("{group}: {:?}", observed.arrival(group, &right))
        };
        let age = estate.clock.now().duration_since(at);
        assert!(age < minutes(12), "{group}: {age:#}");
    }
    let key = MetricKey {
        namespace: "ExampleCorp".into(),
        metric: "mem_used_percent".into(),
        dimension: "InstanceId".into(),
    };
    assert_eq!(observed.sends_metric(&key, &right), Some(true));
    assert_eq!(observed.sends_metric(&key, "i-00000000000000000"), Some(false));
    // In steady state each group is read every ten minutes, not more.
    estate.sim.world(World::forget_calls);
    estate.live(minutes(60)).await;
    let read = calls(&estate.sim, "FilterLogEvents");
    assert!((24..=30).contains(&read), "{read} calls in an hour for four groups");
}
