//! `watchkeeper rollout …`: what a person says is kept, obeyed, and told; what makes no sense is refused.

use jiff::SignedDuration;
use watchkeeper::cli::rollout::{Desk, Shown, text};
use watchkeeper::model::desired::{Desired, Kind, Spec};
use watchkeeper::model::event::{Event, Phase, Severity};
use watchkeeper::model::reason::Reason;
use watchkeeper::model::rollout::{Order, Origin, State};
use watchkeeper::model::status::Status;
use watchkeeper::pass::Passed;
use watchkeeper::sim::fault::{Faults, Rates};
use watchkeeper::sim::scenario::Scenario;

use crate::estate::{Estate, desired, minutes};

const KEPT: &str = "/watchkeeper/test/fleet";
/// A canary of one, then all; five minutes each.
const STAGES: &str = "{ canary: 1, waves: [100%], bake: 5m, maxFailures: 0, maxConcurrency: 100% }";

fn wanted(rollout: &str, measurement: &str) -> Desired {
    let text = include_str!("rollouts.yaml")
        .replace("ROLLOUT", rollout)
        .replace("LINUX_MEASUREMENT", measurement)
        .replace("LINUX_FILE", "/opt/example-corp/application.log")
        .replace("WINDOWS_MEASUREMENT", "% Committed Bytes In Use");
    desired(&text)
}

fn old() -> Desired {
    wanted(STAGES, "mem_used_percent")
}

fn new() -> Desired {
    wanted(STAGES, "mem_available_percent")
}

/// A fleet of eight, one of them Windows, on which the old release is stable.
async fn fleet(seed: u64) -> Estate {
    let mut estate = Estate::new(Scenario::Fleet { nodes: 8, vpcs: 1 }, seed, old());
    estate.converge(minutes(60)).await;
    estate.live(minutes(2)).await;
    estate
}

fn desk(estate: &Estate) -> Desk {
    let (clients, rules) = (estate.scope.clients.clone(), estate.scope.rules.clone());
    Desk::new(clients, rules, Ok(estate.desired.clone()), "fleet").expect("a document with stages")
}

fn kept(estate: &Estate) -> State {
    let place = estate.place.clone();
    let text = estate
        .sim
        .world(|world| world.region(&place).parameters.get(KEPT).expect("a state").version.value.to_string());
    State::parse(&text).expect("a state that can be read")
}

/// How many nodes have the Linux configuration of `desired`.
fn having(estate: &Estate, desired: &Desired) -> usize {
    let configs = desired.of_kind(Kind::AgentConfig).find_map(|object| match &object.spec {
        Spec::AgentConfig(config) if &*object.id.name == "linux" => Some(config.sha256.clone()),
        _ => None,
    });
    let sha256 = configs.expect("a configuration for Linux");
    let place = estate.place.clone();
    estate.sim.world(|world| {
        let nodes = world.region(&place).nodes.nodes.values();
        nodes.filter(|node| node.agent.configurations().any(|(_, file)| file.sha256() == sha256)).count()
    })
}

async fn until(estate: &mut Estate, limit: SignedDuration, mut done: impl FnMut(&Estate) -> bool) -> Passed {
    let end = estate.clock.now() + limit;
    loop {
        let passed = estate.pass().await;
        if done(estate) {
            return passed;
        }
        let now = estate.clock.now();
        assert!(now < end, "not within {limit:#}: {:#?}", passed.status);
        let next = estate.scope.next_due(&passed, now).max(now + SignedDuration::from_millis(500));
        estate.wait(next.duration_since(now)).await;
    }
}

async fn refused(estate: &Estate, order: Order) -> String {
    desk(estate).give(order).await.expect_err("it makes no sense").to_string()
}

async fn shown(estate: &Estate, status: Option<Status>) -> String {
    let desk = desk(estate);
    let controller = status.ok_or_else(|| anyhow::anyhow!("nobody answers"));
    text(&Shown::of(&desk, controller, desk.read().await).expect("something is known"))
}

#[tokio::test(start_paused = true)]
async fn a_rollout_is_paused_resumed_and_promoted() {
    let mut estate = fleet(1).await;
    let linux = having(&estate, &old());
    assert!(linux > 2);
    estate.desired = new();
    until(&mut estate, minutes(10), |estate| having(estate, &new()) == 1).await;

    let done = desk(&estate).give(Order::Pause).await.expect("it rolls");
    assert_eq!(done.did, "paused");
    assert!(kept(&estate).paused);
    assert_eq!(refused(&estate, Order::Pause).await, "it is paused already");
    let passed = estate.live(minutes(30)).await;
    assert_eq!(having(&estate, &new()), 1, "no further node begins");
    let told = shown(&estate, Some(passed.status)).await;
    assert!(told.starts_with("CloudWatchAgent/fleet · Paused\n"), "{told}");
    let stage = "  stage      2 of 2: 1 of 7 nodes have it (of 7 in all), 1 healthy, 0 baking, 0 failed (0 are borne)\n";
    assert!(told.contains(stage), "{told}");

    desk(&estate).give(Order::Resume).await.expect("it is paused");
    assert_eq!(refused(&estate, Order::Resume).await, "there is nothing to resume: it is not paused");
    let began = estate.clock.now();
    desk(&estate).give(Order::Promote).await.expect("it rolls");
    assert!(refused(&estate, Order::Promote).await.ends_with("is promoted already"));
    until(&mut estate, minutes(30), |estate| kept(estate).previous.is_some()).await;
    assert_eq!(having(&estate, &new()), linux, "it went to every node, and is stable");
    assert!(estate.clock.now().duration_since(began) < minutes(20));
    assert_eq!(kept(&estate).promoted, None, "the promotion has done its work");
    let refused = refused(&estate, Order::Promote).await;
    assert!(refused.starts_with("there is nothing to promote:"), "{refused}");
}

#[tokio::test(start_paused = true)]
async fn what_is_stable_is_taken_back_and_tried_again() {
    let mut estate = fleet(2).await;
    let linux = having(&estate, &old());
    assert!(refused(&estate, Order::Undo).await.contains("no release before it is known"));
    estate.desired = new();
    until(&mut estate, minutes(60), |estate| kept(estate).previous.is_some()).await;

    desk(&estate).give(Order::Undo).await.expect("there is one before");
    let from = estate.events.len();
    until(&mut estate, minutes(30), |estate| having(estate, &old()) == linux).await;
    estate.live(minutes(2)).await;
    // A person's own word wakes nobody, and its end is told.
    let told: Vec<&Event> =
        estate.events_since(from).iter().filter(|event| event.reason == Reason::RolloutUndone).collect();
    let phases: Vec<Phase> = told.iter().map(|event| event.phase).collect();
    assert_eq!(phases, [Phase::Opened, Phase::Updated], "{told:#?}");
    assert_eq!(told[0].severity, Severity::Warning);
    assert!(told[1].message.contains("every node is back on"), "{}", told[1].message);
    let state = kept(&estate);
    assert_eq!(state.rejected.first().map(|rejected| rejected.by), Some(Origin::Person));
    assert!(refused(&estate, Order::Undo).await.contains("was rejected already"));
    assert!(refused(&estate, Order::Promote).await.contains("`rollout retry` first"));
    estate.live(minutes(30)).await;
    assert_eq!(having(&estate, &old()), linux, "it is not tried again by itself");
    let told = shown(&estate, None).await;
    assert!(told.contains("by a person: a person said `rollout undo`"), "{told}");
    assert!(
        told.contains("  unknown    how far it is: no running controller could be asked (nobody answers)"),
        "{told}"
    );

    desk(&estate).give(Order::Retry).await.expect("it was rejected");
    until(&mut estate, minutes(60), |estate| having(estate, &new()) == linux).await;
    assert!(kept(&estate).rejected.is_empty());
    assert!(refused(&estate, Order::Retry).await.contains("there is nothing to retry"));
}

#[tokio::test(start_paused = true)]
async fn an_order_is_kept_though_its_reply_is_lost_or_its_parameter_is_new() {
    let estate = Estate::new(Scenario::Fleet { nodes: 2, vpcs: 1 }, 3, old());
    let told = shown(&estate, None).await;
    assert!(told.starts_with("CloudWatchAgent/fleet · nothing is kept of it yet\n"), "{told}");
    estate
        .sim
        .set_faults(Faults::seeded(3, Rates { lose_reply: 0.5, ..Rates::default() }).only("PutParameter"));
    desk(&estate).give(Order::Pause).await.expect("it is kept all the same");
    assert!(kept(&estate).paused);
    desk(&estate).give(Order::Resume).await.expect("it is kept all the same");
    assert!(!kept(&estate).paused);
    let place = estate.place.clone();
    let owner = estate.sim.world(|world| {
        world
            .region(&place)
            .parameters
            .get(KEPT)
            .expect("a state")
            .parameter
            .tags
            .get("watchkeeper:owner")
            .cloned()
    });
    assert_eq!(owner.as_deref(), Some("test/CloudWatchAgent/fleet"));
}

#[tokio::test(start_paused = true)]
async fn what_has_no_rollout_is_refused() {
    let estate = Estate::new(Scenario::Empty, 4, old());
    let new = |desired: Result<Desired, String>, name: &str| {
        let (clients, rules) = (estate.scope.clients.clone(), estate.scope.rules.clone());
        Desk::new(clients, rules, desired, name)
    };
    let why = |desired: Desired, name: &str| new(Ok(desired), name).expect_err("refused").to_string();
    assert_eq!(why(old(), "fleeet"), "the folder has no CloudWatchAgent/fleeet: did you mean `fleet`?");
    assert_eq!(why(old(), "zzz"), "the folder has no CloudWatchAgent/zzz: there is `fleet`");
    assert_eq!(why(old(), "../x"), "`../x` is no object's name");
    assert!(why(wanted("{ maxConcurrency: 5 }", "mem_used_percent"), "fleet").contains("has no rollouts"));
    // What has begun can be stopped without its folder; of what is not there nothing is made up.
    let blind = new(Err("the folder cannot be read".to_owned()), "fleet").expect("its name is right");
    let refused = blind.give(Order::Pause).await.expect_err("nothing is known").to_string();
    assert!(refused.starts_with("nothing is known of CloudWatchAgent/fleet"), "{refused}");
}
