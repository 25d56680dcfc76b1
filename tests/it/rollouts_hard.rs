//! Rollouts in bad company: nobody there to prove a release, nodes that fall silent, references that move, facts
//! that cannot be read, a controller that was away, and the limit of a hundred versions.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use watchkeeper::model::desired::{Snapshot, parse};
use watchkeeper::model::event::Event;
use watchkeeper::model::reason::Reason;
use watchkeeper::sim::fault::{Faults, Rates};
use watchkeeper::sim::world::nodes::{self, Breakage};
use watchkeeper::sim::world::parameters::Put;

use crate::estate::{Estate, desired, minutes};
use crate::rollouts::{
    GOOD, NEW, Wanted, break_nodes, critical, having, kept, linux_sha256, run, running, sent_to, stable,
};

/// The ids of the nodes that have the configuration of that digest.
fn holders(estate: &Estate, sha256: &str) -> BTreeSet<String> {
    let place = estate.place.clone();
    estate.sim.world(|world| {
        let nodes = world.region(&place).nodes.nodes.iter();
        let has =
            nodes.filter(|(_, node)| node.agent.configurations().any(|(_, file)| file.sha256() == sha256));
        has.map(|(id, _)| id.clone()).collect()
    })
}

fn silence(estate: &Estate, ids: &BTreeSet<String>, is_silent: bool) {
    let place = estate.place.clone();
    estate.sim.world(|world| ids.iter().for_each(|id| nodes::set_silent(world, &place, id, is_silent)));
}

fn all_nodes(estate: &Estate) -> BTreeSet<String> {
    let place = estate.place.clone();
    estate.sim.world(|world| world.region(&place).nodes.nodes.keys().cloned().collect())
}

#[test]
fn a_release_that_cannot_be_pinned_cannot_come_in_stages() {
    let mut snapshot = Snapshot::default();
    let text = GOOD.text().replace("  version: latest\n", "  version: latest\n  pin: false\n");
    snapshot.files.insert("test.yaml".to_owned(), Arc::from(text.as_bytes()));
    let parsed = parse(&snapshot);
    let errors: Vec<String> =
        parsed.problems.iter().filter(|problem| problem.is_error()).map(ToString::to_string).collect();
    assert!(errors.iter().any(|error| error.contains("pin")), "{errors:?}");
}

#[tokio::test(start_paused = true)]
async fn a_release_that_no_node_could_take_is_not_proven() {
    let mut estate = stable(20, 21, GOOD).await;
    let before = kept(&estate);
    let everybody = all_nodes(&estate);
    silence(&estate, &everybody, true);
    estate.live(minutes(15)).await;
    estate.desired = NEW.desired();
    let new = linux_sha256(&estate.desired);
    estate.live(minutes(15)).await;
    assert_eq!(kept(&estate), before, "nobody has it, so nothing is proven");
    silence(&estate, &everybody, false);
    estate.live(minutes(4)).await;
    assert!(having(&estate, &new) <= 2, "the canary comes first: {:?}", running(&estate));
    estate.converge(minutes(60)).await;
    assert_eq!(having(&estate, &new), 16);
}

#[tokio::test(start_paused = true)]
async fn a_release_that_silences_machines_does_not_walk_through_the_fleet() {
    let mut estate = stable(40, 22, GOOD).await;
    estate.desired = NEW.desired();
    let new = linux_sha256(&estate.desired);
    let until = estate.clock.now() + minutes(180);
    run(&mut estate, minutes(240), |estate, _| {
        silence(estate, &holders(estate, &new), true);
        estate.clock.now() > until
    })
    .await;
    assert!(having(&estate, &new) <= 4, "{:?}", running(&estate));
    // They speak again and are well: it goes on by itself.
    let silent = holders(&estate, &new);
    silence(&estate, &silent, false);
    estate.converge(minutes(120)).await;
    assert_eq!(having(&estate, &new), 32);
}

/// A third configuration, with the content of `NEW`.
const SPARE: &str = "---
apiVersion: watchkeeper/v1
kind: AgentConfig
metadata: { name: NAME }
spec:
  parameter: AmazonCloudWatch-Fleet-NAME
  config:
    metrics:
      append_dimensions: { InstanceId: \"${aws:InstanceId}\" }
      metrics_collected: { mem: { measurement: [mem_available_percent] } }
    logs:
      logs_collected:
        files:
          collect_list:
            - { file_path: /opt/example-corp/application.log, log_group_name: fleet-application, log_stream_name: \"{instance_id}\" }
";

#[tokio::test(start_paused = true)]
async fn a_node_that_gets_what_others_run_already_waits_for_its_stage() {
    let text = format!("{}{}", GOOD.text(), SPARE.replace("NAME", "spare"))
        .replace("windows: windows }", "windows: windows, onPremises: spare }");
    let mut estate = stable(20, 23, GOOD).await;
    estate.desired = desired(&text);
    estate.converge(minutes(60)).await;
    estate.desired = desired(&text.replace("linux: linux,", "linux: spare,"));
    let new = linux_sha256(&NEW.desired());
    estate.live(minutes(4)).await;
    assert!((1..=2).contains(&having(&estate, &new)), "the canary comes first: {:?}", running(&estate));
}

#[tokio::test(start_paused = true)]
async fn a_release_under_another_name_is_taken_back_to_the_stable_one() {
    let mut estate = stable(20, 24, GOOD).await;
    let old = running(&estate);
    // The old document goes in the same commit, and asks that its parameter goes with it.
    let gone = GOOD.text().replace(
        "metadata: { name: linux }\nspec:\n",
        "metadata: { name: linux }\nspec:\n  deletion: delete\n",
    );
    estate.desired = desired(&gone);
    estate.converge(minutes(40)).await;
    estate.live(minutes(35)).await;
    let (_, rest) = gone.split_once("---\n").expect("several documents");
    let renamed =
        format!("{rest}{}", SPARE.replace("NAME", "second")).replace("linux: linux,", "linux: second,");
    let renamed = renamed.replace("  onForeignConfig: replace\n", "");
    estate.desired = desired(&renamed);
    let new = linux_sha256(&NEW.desired());
    break_nodes(&estate, &new, Breakage::Dies, 1);
    let mut most = 0;
    let until = estate.clock.now() + minutes(60);
    run(&mut estate, minutes(90), |estate, _| {
        most = most.max(having(estate, &new).max(holders(estate, &new).len()));
        estate.clock.now() > until
    })
    .await;
    assert!((1..=2).contains(&most), "the canary had it: {most}");
    assert_eq!(running(&estate), old, "everything is back");
}

#[tokio::test(start_paused = true)]
async fn a_version_that_cannot_be_told_proves_nothing() {
    let mut estate = stable(10, 25, GOOD).await;
    let place = estate.place.clone();
    let before = kept(&estate);
    let rates = Rates { deny: 0.5, ..Rates::default() };
    estate.sim.set_faults(Faults::seeded(1, rates).only("DescribeDocument"));
    estate.live(minutes(180)).await;
    assert_eq!(kept(&estate), before);
    estate.sim.set_faults(Faults::none());
    estate.converge(minutes(60)).await;
    assert_eq!(kept(&estate), before);
    let writes = estate
        .sim
        .world(|world| world.region(&place).parameters.parameters["/watchkeeper/test/fleet"].versions.len());
    assert!(writes <= 2, "{writes} versions of the record");
}

#[tokio::test(start_paused = true)]
async fn a_controller_that_was_away_while_the_canary_died_still_halts() {
    let mut estate = stable(20, 26, GOOD).await;
    let old = running(&estate);
    estate.desired = NEW.desired();
    let new = linux_sha256(&estate.desired);
    break_nodes(&estate, &new, Breakage::Dies, 1);
    let began = estate.clock.now();
    run(&mut estate, minutes(10), |estate, _| !sent_to(estate, began, "Fleet-linux:2").is_empty()).await;
    estate.wait(minutes(25)).await;
    estate.restart();
    estate.live(minutes(60)).await;
    assert_eq!(running(&estate), old, "everything is back");
    assert_eq!(kept(&estate).rejected.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_for_a_moment_makes_no_second_critical_event() {
    let mut estate = stable(20, 27, GOOD).await;
    estate.desired = NEW.desired();
    let new = linux_sha256(&estate.desired);
    break_nodes(&estate, &new, Breakage::Refused, 1);
    let from = estate.events.len();
    estate.live(minutes(20)).await;
    for (seed, operation) in
        ["GetParameters", "DescribeLogGroups", "DescribeInstanceInformation"].iter().enumerate()
    {
        let rates = Rates { deny: 0.5, ..Rates::default() };
        estate.sim.set_faults(Faults::seeded(seed as u64, rates).only(operation));
        estate.live(minutes(30)).await;
    }
    estate.sim.set_faults(Faults::none());
    estate.live(minutes(10)).await;
    let opened: Vec<&Event> = critical(estate.events_since(from));
    let halts = opened.iter().filter(|event| event.reason == Reason::RolloutHalted).count();
    assert_eq!(halts, 1, "{opened:#?}");
}

#[tokio::test(start_paused = true)]
async fn a_configuration_goes_back_and_forth_and_twice_in_a_row() {
    let mut estate = stable(20, 28, GOOD).await;
    let (old, before) = (running(&estate), kept(&estate));
    let new = linux_sha256(&NEW.desired());
    // There and back before the canary has baked.
    estate.desired = NEW.desired();
    estate.live(minutes(3)).await;
    assert!((1..=2).contains(&having(&estate, &new)));
    estate.desired = GOOD.desired();
    estate.converge(minutes(30)).await;
    assert_eq!(running(&estate), old);
    assert_eq!((kept(&estate).previous, kept(&estate).rejected), (before.previous, before.rejected));
    // Twice in a row: never more than one canary's worth is away from the stable content.
    estate.desired = NEW.desired();
    estate.live(minutes(3)).await;
    let third = Wanted { linux: "mem_total", ..GOOD };
    estate.desired = third.desired();
    let newest = linux_sha256(&estate.desired);
    let until = estate.clock.now() + minutes(4);
    run(&mut estate, minutes(10), |estate, _| {
        assert!(having(estate, &newest) <= 2 && having(estate, &new) <= 2, "{:?}", running(estate));
        estate.clock.now() > until
    })
    .await;
    estate.converge(minutes(60)).await;
    assert_eq!((having(&estate, &newest), having(&estate, &new)), (16, 0));
}

#[tokio::test(start_paused = true)]
async fn a_stage_waits_for_evidence_that_cannot_be_read_for_a_moment() {
    let mut estate = stable(40, 31, GOOD).await;
    let old = running(&estate);
    estate.desired = Wanted { file: "/opt/example-corp/aplication.log", ..GOOD }.desired();
    let rates = Rates { deny: 1.0, ..Rates::default() };
    estate.sim.set_faults(Faults::seeded(1, rates).only("FilterLogEvents"));
    let began = estate.clock.now();
    estate.live(minutes(8)).await;
    estate.sim.set_faults(Faults::none());
    estate.live(minutes(60)).await;
    assert_eq!(running(&estate), old, "everything is back");
    assert!(sent_to(&estate, began, "Fleet-linux:2").len() <= 2, "no further than the canary");
}

#[tokio::test(start_paused = true)]
async fn taking_the_stages_away_does_not_send_what_was_rejected() {
    let mut estate = stable(20, 32, GOOD).await;
    let old = running(&estate);
    estate.desired = NEW.desired();
    let new = linux_sha256(&estate.desired);
    break_nodes(&estate, &new, Breakage::Dies, 1);
    estate.live(minutes(35)).await;
    assert_eq!(running(&estate), old, "it was taken back");
    estate.desired = desired(&NEW.text().replace(&format!("  rollout: {}\n", crate::rollouts::STAGES), ""));
    let began = estate.clock.now();
    estate.live(minutes(20)).await;
    estate.restart();
    estate.live(minutes(20)).await;
    assert_eq!(sent_to(&estate, began, "Fleet-linux:2"), BTreeSet::new());
    assert_eq!(running(&estate), old);
}

#[tokio::test(start_paused = true)]
async fn a_rejection_that_cannot_be_written_is_not_tried_in_every_pass() {
    let mut estate = stable(20, 33, GOOD).await;
    estate.desired = NEW.desired();
    let new = linux_sha256(&estate.desired);
    break_nodes(&estate, &new, Breakage::Dies, 1);
    let began = estate.clock.now();
    run(&mut estate, minutes(10), |estate, _| !sent_to(estate, began, "Fleet-linux:2").is_empty()).await;
    let rates = Rates { deny: 1.0, ..Rates::default() };
    estate.sim.set_faults(Faults::seeded(1, rates).only("PutParameter"));
    estate.sim.world(watchkeeper::sim::world::World::forget_calls);
    estate.live(minutes(60)).await;
    let tries = estate
        .sim
        .world(|world| world.calls().iter().filter(|call| call.operation == "PutParameter").count());
    assert!((1..=9).contains(&tries), "{tries} tries in an hour");
    estate.sim.set_faults(Faults::none());
    estate.live(minutes(60)).await;
    assert_eq!(having(&estate, &new), 0);
}

/// Writes `parameter` until it has a hundred versions, the oldest of which is the one that is there now.
fn fill(estate: &Estate, parameter: &str) {
    let place = estate.place.clone();
    estate.sim.world(|world| {
        let now = world.now();
        for number in 2..=100 {
            let put = Put {
                name: parameter.to_owned(),
                value: format!("{{\"agent\":{{\"metrics_collection_interval\":{number}}}}}"),
                overwrite: true,
                ..Put::default()
            };
            world.region(&place).parameters.put(now, put).expect("a version");
        }
    });
}

#[tokio::test(start_paused = true)]
async fn the_limit_of_versions_neither_stops_a_rollout_nor_loses_what_is_stable() {
    for kill in [false, true] {
        let mut estate = stable(20, 29, GOOD).await;
        let old = linux_sha256(&estate.desired);
        let parameter = "AmazonCloudWatch-Fleet-linux";
        fill(&estate, parameter);
        estate.desired = NEW.desired();
        let new = linux_sha256(&estate.desired);
        let (began, place) = (estate.clock.now(), estate.place.clone());
        let until = began + minutes(4);
        while estate.clock.now() < until {
            estate.live(SignedDuration::from_secs(3)).await;
            if kill {
                estate.restart();
            }
            assert!(holds(&estate, parameter, &old), "the stable content is always there");
        }
        estate.live(minutes(2)).await;
        let pinned = kept(&estate).stable.expect("stable").configs["linux"].clone();
        assert_eq!(*pinned.sha256, *old, "it is not proven yet");
        let labelled = estate.sim.world(|world| {
            let found = world.region(&place).parameters.get("AmazonCloudWatch-Fleet-linux:stable.fleet");
            found.map(|found| found.version.number)
        });
        assert_eq!(labelled.ok(), Some(pinned.version));
        assert!(pinned.version > 100);
        estate.converge(minutes(90)).await;
        assert_eq!(having(&estate, &new), 16);
        let restarted = sent_to(&estate, began, &format!("Fleet-linux:{}", pinned.version));
        assert_eq!(restarted, BTreeSet::new(), "equal bytes are no reason to restart");
    }
}

/// Whether some version of the parameter has the content of that digest.
fn holds(estate: &Estate, parameter: &str, sha256: &str) -> bool {
    let place = estate.place.clone();
    estate.sim.world(|world| {
        let versions = &world.region(&place).parameters.parameters[parameter].versions;
        versions.iter().any(|version| nodes::agent::sha256(version.value.as_bytes()) == sha256)
    })
}

#[tokio::test(start_paused = true)]
async fn a_hundred_and_fifty_edits_find_their_way() {
    let mut estate = stable(10, 30, GOOD).await;
    let began: Timestamp = estate.clock.now();
    fill(&estate, "AmazonCloudWatch-Fleet-linux");
    // Back to what every node has: nothing is sent to anybody.
    estate.converge(minutes(30)).await;
    assert_eq!(sent_to(&estate, began, "configure"), BTreeSet::new());
}
