//! What on-call reads: few events, with the right causes, each with its end; and nothing told twice.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use watchkeeper::journal::render;
use watchkeeper::model::event::{Event, Phase};
use watchkeeper::model::reason::Reason;
use watchkeeper::model::story::{FLAPPING_WITHIN, FLAPS, Stories};
use watchkeeper::sim::scenario::{Breakage, Scenario};
use watchkeeper::sim::world::nodes::{agent, set_silent};

use crate::estate::{Estate, desired, minutes};

/// What is told of the outage.
const OUTAGE: &str = include_str!("outage.txt");

/// Twelve nodes in two VPCs, in steady state.
async fn at_rest(seed: u64) -> Estate {
    let wanted = desired(include_str!("fleet.yaml"));
    let mut estate = Estate::new(Scenario::Fleet { nodes: 12, vpcs: 2 }, seed, wanted);
    estate.converge(minutes(60)).await;
    estate.live(minutes(40)).await;
    estate.events.clear();
    estate
}

fn nodes(estate: &Estate) -> Vec<String> {
    estate.sim.world(|world| world.region(&estate.place).nodes.nodes.keys().cloned().collect())
}

fn told(events: &[Event]) -> String {
    let mut text = String::new();
    for event in events {
        let _ = writeln!(text, "{}", render(event, false));
    }
    text
}

/// The same with names in place of ids, which change with every edit of the simulator.
fn spoken(estate: &Estate, events: &[Event]) -> String {
    let mut text = told(events);
    let vpcs: Vec<String> = estate.scope.observed.vpcs.iter().map(|(id, _)| id.to_string()).collect();
    let commands: BTreeSet<_> = events.iter().flat_map(|event| &event.commands).collect();
    let mut sent: Vec<String> = commands.into_iter().map(ToString::to_string).collect();
    sent.sort_by_key(|command| text.find(command));
    for (word, ids) in [("node", nodes(estate)), ("vpc", vpcs), ("command", sent)] {
        for (at, id) in ids.iter().enumerate() {
            text = text.replace(id.as_str(), &format!("{word}-{}", at + 1));
        }
    }
    text
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_told_as_three_stories_that_read_well_aloud() {
    let mut estate = at_rest(7).await;
    let place = estate.place.clone();
    let ids = nodes(&estate);
    estate.sim.world(|world| {
        Breakage::FlowLogDeleted.strike(world, &place).expect("there is a flow log");
        for id in &ids[..10] {
            let file = world.region(&place).nodes.nodes[id].agent.files.keys().next().cloned();
            agent::write_config(world, &place, id, &file.expect("it has a file"), b"{\"metrics\":{}}");
        }
        set_silent(world, &place, &ids[11], true);
    });
    estate.live(minutes(30)).await;
    estate.sim.world(|world| set_silent(world, &place, &ids[11], false));
    estate.live(minutes(40)).await;
    let opened = estate.events.iter().filter(|event| event.phase == Phase::Opened);
    let resolved = estate.events.iter().filter(|event| event.phase == Phase::Resolved);
    assert_eq!((opened.count(), resolved.count()), (3, 3));
    let spoken = spoken(&estate, &estate.events);
    assert!(spoken == OUTAGE, "tests/it/outage.txt should read:\n{spoken}");
}

#[tokio::test(start_paused = true)]
async fn what_comes_and_goes_is_told_a_few_times_then_counted_and_at_last_resolved() {
    let mut estate = at_rest(3).await;
    let place = estate.place.clone();
    let id = nodes(&estate)[0].clone();
    for _ in 0..12 {
        estate.sim.world(|world| set_silent(world, &place, &id, true));
        estate.live(minutes(8)).await;
        estate.sim.world(|world| set_silent(world, &place, &id, false));
        estate.live(minutes(3)).await;
    }
    let lost = |event: &&Event| event.reason == Reason::ConnectionLost;
    let events: Vec<&Event> = estate.events.iter().filter(lost).collect();
    let opened: Vec<u32> =
        events.iter().filter(|event| event.phase == Phase::Opened).map(|e| e.returned).collect();
    let updated: Vec<u32> =
        events.iter().filter(|event| event.phase == Phase::Updated).map(|e| e.returned).collect();
    println!("{}", told(&estate.events));
    assert_eq!((opened, updated), ((0..=FLAPS).collect::<Vec<_>>(), vec![4, 8]));
    assert_ne!(events.last().map(|event| event.phase), Some(Phase::Resolved), "it is taken to come back");
    estate.live(FLAPPING_WITHIN + minutes(5)).await;
    let last = estate.events.iter().rfind(lost).expect("an event");
    assert_eq!((last.phase, last.returned), (Phase::Resolved, 11));
    assert!(last.message.contains("came back 11 times"), "{}", last.message);
    assert!(last.lasted.is_some_and(|lasted| lasted > 60 * 60), "{:?}", last.lasted);
}

#[tokio::test(start_paused = true)]
async fn a_restart_neither_repeats_nor_forgets_what_is_open() {
    let mut estate = at_rest(5).await;
    let place = estate.place.clone();
    let ids = nodes(&estate);
    estate.sim.world(|world| {
        set_silent(world, &place, &ids[0], true);
        set_silent(world, &place, &ids[1], true);
    });
    estate.live(minutes(15)).await;
    let first = estate.events.len();
    assert!(estate.events.iter().any(|event| event.reason == Reason::ConnectionLost));
    let kept = serde_json::to_string(&estate.scope.stories).expect("stories are data");

    // One of the two comes back while nobody looks.
    estate.sim.world(|world| set_silent(world, &place, &ids[1], false));
    estate.wait(minutes(10)).await;
    estate.restart();
    let stories: Stories = serde_json::from_str(&kept).expect("what was written");
    estate.scope.stories = stories.restored();
    estate.live(minutes(10)).await;
    let since = told(estate.events_since(first));
    assert_eq!(since, "", "nothing new was to be told");

    estate.sim.world(|world| set_silent(world, &place, &ids[0], false));
    estate.live(minutes(10)).await;
    let since = estate.events_since(first);
    let phases: Vec<(Reason, Phase)> = since.iter().map(|event| (event.reason, event.phase)).collect();
    assert_eq!(phases, [(Reason::ConnectionLost, Phase::Resolved)], "{}", told(since));
    assert!(
        since[0].lasted.is_some_and(|lasted| lasted > 20 * 60),
        "from before the restart: {:?}",
        since[0].lasted
    );
}
