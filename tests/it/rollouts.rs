//! Rollouts: in stages, halted and taken back by themselves when they harm nodes, and never by what they cannot help.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use watchkeeper::model::desired::{Desired, Kind, Spec};
use watchkeeper::model::event::{Event, Phase, Severity};
use watchkeeper::model::reason::Reason;
use watchkeeper::model::rollout::State;
use watchkeeper::sim::fault::{Faults, Rates};
use watchkeeper::sim::scenario::Scenario;
use watchkeeper::sim::world::nodes::{self, Breakage, Breaks};

use crate::estate::{Estate, desired, minutes};
use crate::witness::{commands, overlaps};

/// A canary, a quarter, all; five minutes each.
pub const STAGES: &str = "{ canary: 2, waves: [25%, 100%], bake: 5m, maxFailures: 0, maxConcurrency: 100% }";
/// What the Linux machines' configuration names: the file that their application writes.
pub const FILE: &str = "/opt/example-corp/application.log";

/// What is wanted of a fleet.
#[derive(Clone, Copy)]
pub struct Wanted<'a> {
    /// The rollout block.
    pub rollout: &'a str,
    /// What the Linux machines measure.
    pub linux: &'a str,
    /// What the Windows machines measure.
    pub windows: &'a str,
    /// The file that the Linux machines read.
    pub file: &'a str,
}

impl Wanted<'_> {
    /// As text.
    pub fn text(self) -> String {
        include_str!("rollouts.yaml")
            .replace("ROLLOUT", self.rollout)
            .replace("LINUX_MEASUREMENT", self.linux)
            .replace("LINUX_FILE", self.file)
            .replace("WINDOWS_MEASUREMENT", self.windows)
    }

    /// As it is read.
    pub fn desired(self) -> Desired {
        desired(&self.text())
    }
}

pub const GOOD: Wanted<'_> =
    Wanted { rollout: STAGES, linux: "mem_used_percent", windows: "% Committed Bytes In Use", file: FILE };
/// Another content, which is good as well, unless a node's disposition says otherwise.
pub const NEW: Wanted<'_> = Wanted { linux: "mem_available_percent", ..GOOD };

/// A fleet on which the good release is stable.
pub async fn stable(nodes: usize, seed: u64, wanted: Wanted<'_>) -> Estate {
    let mut estate = Estate::new(Scenario::Fleet { nodes, vpcs: 1 }, seed, wanted.desired());
    estate.converge(minutes(240)).await;
    // Its logs have been arriving for a while, and were seen to.
    estate.live(minutes(25)).await;
    estate
}

/// The SHA-256 of the Linux configuration that is wanted.
pub fn linux_sha256(desired: &Desired) -> String {
    let configs = desired.of_kind(Kind::AgentConfig).filter_map(|object| match &object.spec {
        Spec::AgentConfig(config) if &*object.id.name == "linux" => Some(config.sha256.clone()),
        _ => None,
    });
    configs.last().expect("a configuration for Linux")
}

/// Every `every`-th Linux node cannot take the configuration of that digest.
pub fn break_nodes(estate: &Estate, sha256: &str, how: Breakage, every: usize) {
    let place = estate.place.clone();
    estate.sim.world(|world| {
        let nodes = world.region(&place).nodes.nodes.values_mut();
        for node in nodes.filter(|node| node.platform == nodes::Platform::Linux).step_by(every) {
            node.disposition.breaks_on = Some(Breaks { sha256: sha256.to_owned(), how });
        }
    });
}

/// How many nodes run each configuration, by digest; `stopped` where the agent does not run.
pub fn running(estate: &Estate) -> BTreeMap<String, usize> {
    let place = estate.place.clone();
    estate.sim.world(|world| {
        let mut counted = BTreeMap::new();
        for node in world.region(&place).nodes.nodes.values() {
            let files: Vec<String> = node.agent.configurations().map(|(_, file)| file.sha256()).collect();
            let what = match (node.agent.started, files.as_slice()) {
                (Some(_), [one]) => one.clone(),
                (Some(_), _) => "several".to_owned(),
                (None, _) => "stopped".to_owned(),
            };
            *counted.entry(what).or_default() += 1;
        }
        counted
    })
}

pub fn having(estate: &Estate, sha256: &str) -> usize {
    running(estate).get(sha256).copied().unwrap_or(0)
}

/// Every node that was ever sent a configuration with these words since `from`.
pub fn sent_to(estate: &Estate, from: Timestamp, words: &str) -> BTreeSet<String> {
    let sent = commands(estate);
    let meant = sent.iter().filter(|command| command.at >= from && command.what.contains(words));
    meant.flat_map(|command| command.nodes.keys().cloned()).collect()
}

/// Passes until `done` says so; panics after `limit`. What `each` is shown is the world after each pass.
pub async fn run(
    estate: &mut Estate,
    limit: SignedDuration,
    mut done: impl FnMut(&Estate, &watchkeeper::pass::Passed) -> bool,
) {
    let until = estate.clock.now() + limit;
    loop {
        let passed = estate.pass().await;
        if done(estate, &passed) {
            return;
        }
        let now = estate.clock.now();
        assert!(now < until, "not done after {limit:#}: {:#?}", passed.status.objects);
        let next = estate.scope.next_due(&passed, now).max(now + SignedDuration::from_millis(500));
        estate.wait(next.duration_since(now)).await;
    }
}

pub fn critical(events: &[Event]) -> Vec<&Event> {
    let opened = events.iter().filter(|event| event.phase == Phase::Opened);
    opened.filter(|event| event.severity == Severity::Critical).collect()
}

/// What is kept of the fleet's rollouts.
pub fn kept(estate: &Estate) -> State {
    let place = estate.place.clone();
    let text = estate.sim.world(|world| {
        let found = world.region(&place).parameters.get("/watchkeeper/test/fleet").expect("a state");
        found.version.value.to_string()
    });
    State::parse(&text).expect("a state that can be read")
}

#[tokio::test(start_paused = true)]
async fn a_good_release_reaches_every_node_stage_by_stage() {
    let mut estate = stable(40, 1, GOOD).await;
    let before = kept(&estate);
    estate.desired = NEW.desired();
    let new = linux_sha256(&estate.desired);
    let (began, mut seen) = (estate.clock.now(), BTreeSet::new());
    run(&mut estate, minutes(60), |estate, passed| {
        seen.insert(having(estate, &new));
        passed.status.is_ready() && having(estate, &new) > 2
    })
    .await;
    assert_eq!(having(&estate, &new), 32, "every Linux node: {:?}", running(&estate));
    let took = estate.clock.now().duration_since(began);
    assert!(took >= minutes(15) && took < minutes(25), "three bakes of five minutes, and some: {took:#}");
    let first_wave = seen.iter().filter(|count| **count > 2).min();
    assert!(first_wave.is_some_and(|most| *most <= 8), "a canary of 2, then a quarter: {seen:?}");
    let after = kept(&estate);
    assert_eq!(after.previous, before.stable, "what was stable is where `undo` goes");
    // The label protects the version that is stable now.
    let place = estate.place.clone();
    let labelled = estate.sim.world(|world| {
        let found = world.region(&place).parameters.get("AmazonCloudWatch-Fleet-linux:stable.fleet");
        found.map(|found| found.version.number)
    });
    let linux = &after.stable.as_ref().expect("stable").configs["linux"];
    assert_eq!(labelled.ok(), Some(linux.version));
}

#[tokio::test(start_paused = true)]
async fn a_release_that_harms_nodes_is_halted_and_taken_back() {
    for how in [Breakage::Refused, Breakage::Dies] {
        let mut estate = stable(40, 2, GOOD).await;
        let old = running(&estate);
        estate.desired = NEW.desired();
        let new = linux_sha256(&estate.desired);
        break_nodes(&estate, &new, how, 5);
        let from = estate.events.len();
        let passed = estate.live(minutes(60)).await;
        assert_eq!(running(&estate), old, "{how:?}: everything is back");
        let opened = critical(estate.events_since(from));
        assert_eq!(opened.len(), 1, "{how:?}: {opened:#?}");
        assert_eq!(opened[0].reason, Reason::RolloutHalted);
        assert!(opened[0].message.contains("the first: "), "{opened:#?}");
        assert!(opened[0].changes.iter().any(|change| change.field.contains("measurement")), "{opened:#?}");
        assert!(!passed.status.is_ready());
        // A controller that knows nothing does not try it again either.
        estate.restart();
        estate.live(minutes(30)).await;
        assert_eq!(running(&estate), old);
        // The file changes: the rollout begins again, and ends well.
        estate.desired = Wanted { linux: "mem_total", ..GOOD }.desired();
        estate.converge(minutes(120)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn two_thousand_nodes_are_back_after_the_first_wave_at_the_latest() {
    let rollout = "{ canary: 20, waves: [10%, 50%, 100%], bake: 5m, maxFailures: 1%, maxConcurrency: 100% }";
    let wrong_path = Wanted { rollout, file: "/opt/example-corp/aplication.log", ..GOOD };
    let breaking = Wanted { rollout, ..NEW };
    // The agents of three nodes in a hundred break; or all agents are well, and send no logs any more.
    for (wanted, how) in
        [(breaking, Some(Breakage::Refused)), (breaking, Some(Breakage::Dies)), (wrong_path, None)]
    {
        let mut estate = stable(2_000, 3, Wanted { rollout, ..GOOD }).await;
        let old = running(&estate);
        estate.desired = wanted.desired();
        let new = linux_sha256(&estate.desired);
        if let Some(how) = how {
            break_nodes(&estate, &new, how, 33);
        }
        let (began, from) = (estate.clock.now(), estate.events.len());
        run(&mut estate, minutes(120), |estate, _| {
            let is_halted =
                estate.events_since(from).iter().any(|event| event.severity == Severity::Critical);
            is_halted && having(estate, &new) == 0 && running(estate) == old
        })
        .await;
        let touched = sent_to(&estate, began, "Fleet-linux:2").len();
        assert!(
            touched <= 160,
            "{how:?}: {touched} touched: canary and one wave are a tenth of the 1,600 Linux nodes"
        );
        assert_eq!(critical(estate.events_since(from)).len(), 1, "{how:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn telemetry_that_cannot_be_read_is_said_and_holds_nobody_back() {
    let mut estate = stable(10, 12, GOOD).await;
    let rates = Rates { deny: 1.0, ..Rates::default() };
    estate.sim.set_faults(Faults::seeded(1, rates).only("FilterLogEvents"));
    let from = estate.events.len();
    estate.live(minutes(30)).await;
    // Whatever probe is due just then comes in, too.
    estate.converge(minutes(5)).await;
    let told: Vec<_> =
        estate.events_since(from).iter().filter(|event| event.reason == Reason::TelemetryUnknown).collect();
    assert!(told.len() == 1 && told[0].message.contains("logs:FilterLogEvents"), "{told:#?}");
}

#[tokio::test(start_paused = true)]
async fn an_alarm_that_the_document_names_halts_the_release() {
    let watched = "{ canary: 1, waves: [100%], bake: 20m, maxConcurrency: 100%, abortOn: [shop-is-down] }";
    let mut estate = Estate::new(
        Scenario::Fleet { nodes: 10, vpcs: 1 },
        11,
        Wanted { rollout: watched, ..GOOD }.desired(),
    );
    let alarms = aws_sdk_cloudwatch::Client::new(&crate::sdk::config(&estate.sim, &estate.place.account));
    estate.live(minutes(20)).await;
    let waits = estate.pass().await.status;
    let fleet = waits.objects.iter().find(|standing| &*standing.object.name == "fleet").expect("it is there");
    assert_eq!(fleet.reason, Reason::AlarmRinging, "nobody begins while an alarm is missing: {fleet:#?}");
    let alarm = alarms.put_metric_alarm().alarm_name("shop-is-down").namespace("Shop").metric_name("Orders");
    let alarm = alarm
        .comparison_operator(aws_sdk_cloudwatch::types::ComparisonOperator::LessThanThreshold)
        .evaluation_periods(1)
        .threshold(1.0)
        .period(60)
        .statistic(aws_sdk_cloudwatch::types::Statistic::Sum);
    alarm.send().await.expect("an alarm");
    estate.converge(minutes(240)).await;
    let old = running(&estate);
    estate.desired = Wanted { rollout: watched, ..NEW }.desired();
    let new = linux_sha256(&estate.desired);
    run(&mut estate, minutes(15), |estate, _| having(estate, &new) == 1).await;
    let rings = alarms.set_alarm_state().alarm_name("shop-is-down").state_reason("a test");
    rings.state_value(aws_sdk_cloudwatch::types::StateValue::Alarm).send().await.expect("set");
    let from = estate.events.len();
    estate.live(minutes(10)).await;
    assert_eq!(running(&estate), old, "the canary is back");
    let opened = critical(estate.events_since(from));
    assert!(opened.len() == 1 && opened[0].message.contains("shop-is-down"), "{opened:#?}");
}

#[tokio::test(start_paused = true)]
async fn a_release_that_stops_the_logs_is_halted_and_taken_back() {
    let mut estate = stable(40, 4, GOOD).await;
    let old = running(&estate);
    estate.desired = Wanted { file: "/opt/example-corp/aplication.log", ..GOOD }.desired();
    let (began, from) = (estate.clock.now(), estate.events.len());
    estate.live(minutes(90)).await;
    assert_eq!(running(&estate), old, "everything is back");
    let opened = critical(estate.events_since(from));
    assert_eq!(opened.len(), 1, "{opened:#?}");
    assert!(opened[0].message.contains("fleet-application"), "{opened:#?}");
    assert!(sent_to(&estate, began, "Fleet-linux:2").len() <= 2, "no further than the canary");
}

#[tokio::test(start_paused = true)]
async fn faults_make_a_good_release_slower_and_never_rejected() {
    for seed in 0..6 {
        let mut estate = stable(24, seed, GOOD).await;
        estate.desired = NEW.desired();
        let new = linux_sha256(&estate.desired);
        let rates =
            Rates { throttle: 0.1, server_error: 0.1, time_out: 0.03, lose_reply: 0.1, ..Rates::default() };
        estate.sim.set_faults(Faults::seeded(seed, rates));
        let place = estate.place.clone();
        let silent: Vec<String> =
            estate.sim.world(|world| world.region(&place).nodes.nodes.keys().step_by(7).cloned().collect());
        let from = estate.events.len();
        for quiet in [true, false] {
            estate.sim.world(|world| {
                silent.iter().for_each(|id| nodes::set_silent(world, &place, id, quiet));
            });
            estate.live(minutes(60)).await;
        }
        estate.sim.set_faults(Faults::none());
        estate.converge(minutes(240)).await;
        assert!(having(&estate, &new) > 15, "seed {seed}: {:?}", running(&estate));
        assert_eq!(critical(estate.events_since(from)), Vec::<&Event>::new(), "seed {seed}");
        assert_eq!(kept(&estate).rejected, [], "seed {seed}");
    }
}

/// How many histories of killed controllers the test command tries; `WATCHKEEPER_SEEDS` says otherwise.
const SEEDS: u64 = 200;

#[tokio::test(start_paused = true)]
async fn killed_at_any_moment_a_bad_rollout_ends_the_same() {
    let stages = "{ canary: 1, waves: [50%, 100%], bake: 2m, maxFailures: 0, maxConcurrency: 100% }";
    let seeds = crate::swarm::asked("WATCHKEEPER_SEEDS").unwrap_or(SEEDS);
    for seed in 0..seeds {
        let mut chance = fastrand::Rng::with_seed(seed);
        let mut estate = Estate::new(
            Scenario::Fleet { nodes: 10, vpcs: 1 },
            seed,
            Wanted { rollout: stages, ..GOOD }.desired(),
        );
        estate.converge(minutes(120)).await;
        let old = running(&estate);
        estate.desired = Wanted { rollout: stages, ..NEW }.desired();
        let new = linux_sha256(&estate.desired);
        let how = if chance.bool() { Breakage::Refused } else { Breakage::Dies };
        break_nodes(&estate, &new, how, 3);
        let (began, from) = (estate.clock.now(), estate.events.len());
        let until = began + minutes(12);
        while estate.clock.now() < until {
            estate.live(SignedDuration::from_secs(chance.i64(1..=120))).await;
            estate.restart();
        }
        run(&mut estate, minutes(60), |estate, passed| {
            let fleet = passed.status.objects.iter().find(|standing| &*standing.object.name == "fleet");
            let is_halted = fleet.is_some_and(|standing| standing.reason == Reason::RolloutHalted);
            is_halted && running(estate) == old
        })
        .await;
        assert_eq!(kept(&estate).rejected.len(), 1, "seed {seed}");
        assert_eq!(having(&estate, &new), 0, "seed {seed}");
        let sent = commands(&estate);
        assert_eq!(overlaps(&sent), Vec::<String>::new(), "seed {seed}");
        assert_eq!(repeats(&sent, began), Vec::<String>::new(), "seed {seed}");
        assert!(!estate.events_since(from).is_empty());
    }
}

/// Nodes that were sent one and the same change twice. Going back is sent once, whoever sends it.
fn repeats(sent: &[crate::witness::Sent], from: Timestamp) -> Vec<String> {
    let mut times: BTreeMap<(&str, &str), u32> = BTreeMap::new();
    for command in sent.iter().filter(|command| command.at >= from && command.what.contains("configure")) {
        for node in command.nodes.keys() {
            *times.entry((node, &command.what)).or_default() += 1;
        }
    }
    let twice = times.into_iter().filter(|(_, times)| *times > 1);
    twice.map(|((node, what), times)| format!("{node}: {times} times {what}")).collect()
}

#[tokio::test(start_paused = true)]
async fn new_nodes_get_what_is_stable_while_a_release_is_under_way() {
    let slow = "{ canary: 1, waves: [100%], bake: 30m, maxConcurrency: 100% }";
    let mut estate = stable(10, 5, Wanted { rollout: slow, ..GOOD }).await;
    let old = linux_sha256(&estate.desired);
    estate.desired = Wanted { rollout: slow, ..NEW }.desired();
    let new = linux_sha256(&estate.desired);
    estate.live(minutes(5)).await;
    assert_eq!((having(&estate, &old), having(&estate, &new)), (7, 1));
    let place = estate.place.clone();
    let added = replace_one(&estate).await;
    estate.live(minutes(15)).await;
    let config = estate.sim.world(|world| {
        let node = &world.region(&place).nodes.nodes[&added];
        node.agent.configurations().next().map(|(_, file)| file.sha256())
    });
    assert_eq!(config, Some(old), "the new node waits for its stage with what is stable");
    estate.converge(minutes(120)).await;
    assert_eq!(having(&estate, &new), 8);
}

/// Autoscaling: one Linux machine that still has the old release goes, and another comes.
async fn replace_one(estate: &Estate) -> String {
    let place = estate.place.clone();
    let ec2 = aws_sdk_ec2::Client::new(&crate::sdk::config(&estate.sim, &place.account));
    let (old, subnet) = estate.sim.world(|world| {
        let instances = world.region(&place).instances.clone();
        let found = instances.instances.values().rfind(|instance| instance.platform.is_none());
        let instance = found.expect("a Linux machine");
        (instance.id.clone(), instance.subnet.clone())
    });
    ec2.terminate_instances().instance_ids(old).send().await.expect("terminated");
    let tag = aws_sdk_ec2::types::Tag::builder().key("Application").value("ExampleCorp").build();
    let tags = aws_sdk_ec2::types::TagSpecification::builder()
        .resource_type(aws_sdk_ec2::types::ResourceType::Instance)
        .tags(tag);
    let profile = aws_sdk_ec2::types::IamInstanceProfileSpecification::builder().name("ExampleCorp-Base");
    let launched = ec2
        .run_instances()
        .image_id("ami-al2023")
        .instance_type(aws_sdk_ec2::types::InstanceType::T3Medium)
        .min_count(1)
        .max_count(1)
        .subnet_id(subnet)
        .iam_instance_profile(profile.build())
        .tag_specifications(tags.build())
        .send()
        .await
        .expect("launched");
    launched.instances()[0].instance_id().expect("an id").to_owned()
}

#[tokio::test(start_paused = true)]
async fn a_node_that_goes_silent_in_its_stage_does_not_hold_the_others() {
    let mut estate = stable(20, 6, GOOD).await;
    estate.desired = NEW.desired();
    let new = linux_sha256(&estate.desired);
    run(&mut estate, minutes(10), |estate, _| having(estate, &new) > 0).await;
    let place = estate.place.clone();
    let silent = estate.sim.world(|world| {
        let nodes = world.region(&place).nodes.nodes.iter();
        let mut has =
            nodes.filter(|(_, node)| node.agent.configurations().any(|(_, file)| file.sha256() == new));
        let id = has.next().map(|(id, _)| id.clone()).expect("a canary");
        nodes::set_silent(world, &place, &id, true);
        id
    });
    estate.live(minutes(60)).await;
    assert_eq!(having(&estate, &new), 16, "all the others, and the silent one had it already");
    assert_eq!(critical(&estate.events), Vec::<&Event>::new());
    estate.sim.world(|world| nodes::set_silent(world, &place, &silent, false));
    estate.converge(minutes(60)).await;
}

#[tokio::test(start_paused = true)]
async fn a_window_that_closes_lets_no_further_node_begin() {
    // Ten o'clock in Berlin, on the day before the clocks go forward and on the day itself.
    const OPENINGS: [&str; 2] = ["2026-03-28T09:00:00Z", "2026-03-29T08:00:00Z"];
    let windowed = "{ canary: 1, waves: [50%, 100%], bake: 20m, maxConcurrency: 100%, windows: [{ from: \"10:00\", to: \"10:30\", timeZone: Europe/Berlin }] }";
    let scenario = Scenario::Fleet { nodes: 10, vpcs: 1 };
    let mut estate = Estate::beginning("2026-03-28T04:00:00Z", scenario, 7, GOOD.desired());
    estate.converge(minutes(240)).await;
    // Hours go by: listings that come seldom make them short.
    estate.scope.rules.interval = minutes(10);
    estate.desired = Wanted { rollout: windowed, ..NEW }.desired();
    let new = linux_sha256(&estate.desired);
    let mut have = 0;
    for opens in OPENINGS.map(|text| text.parse::<Timestamp>().expect("a timestamp")) {
        let wait = (opens - minutes(15)).duration_since(estate.clock.now());
        let passed = estate.live(wait).await;
        assert_eq!(having(&estate, &new), have, "{opens}: nobody begins outside the window");
        let fleet = passed.status.objects.iter().find(|standing| &*standing.object.name == "fleet");
        assert_eq!(fleet.map(|standing| standing.reason), Some(Reason::OutsideWindow), "{opens}");
        let wait = (opens + minutes(35)).duration_since(estate.clock.now());
        estate.live(wait).await;
        let now_have = having(&estate, &new);
        assert!(now_have > have && (have > 0 || now_have <= 4), "{opens}: {have}, then {now_have}");
        have = now_have;
    }
    estate.converge(minutes(3 * 24 * 60)).await;
    assert_eq!(having(&estate, &new), 8);
}

#[tokio::test(start_paused = true)]
async fn two_rollouts_go_side_by_side() {
    let mut estate = stable(20, 8, GOOD).await;
    let text = include_str!("rollouts.yaml")
        .replace("ROLLOUT", STAGES)
        .replace("LINUX_MEASUREMENT", NEW.linux)
        .replace("LINUX_FILE", FILE)
        .replace("WINDOWS_MEASUREMENT", "Available MBytes");
    let linux = text.replace(
        "matchTags: { Application: ExampleCorp } }",
        "matchTags: { Application: ExampleCorp }, platform: linux }",
    );
    let windows = linux
        .rsplit_once("---\n")
        .map(|(_, document)| {
            document.replace("platform: linux", "platform: windows").replace("name: fleet", "name: panes")
        })
        .expect("the last document");
    estate.desired = desired(&format!("{linux}---\n{windows}"));
    let new = linux_sha256(&estate.desired);
    break_nodes(&estate, &new, Breakage::Dies, 2);
    estate.live(minutes(90)).await;
    assert_eq!(having(&estate, &new), 0, "the one for Linux was taken back");
    let panes = estate.pass().await.status;
    let standing = |name: &str| {
        let found = panes.objects.iter().find(|standing| &*standing.object.name == name);
        found.map(|standing| standing.reason)
    };
    assert_eq!(standing("fleet"), Some(Reason::RolloutHalted));
    assert_eq!(standing("panes"), Some(Reason::Converged), "{:#?}", panes.objects);
}

#[tokio::test(start_paused = true)]
async fn a_new_version_of_the_agent_comes_in_stages_too() {
    let mut estate = stable(20, 9, GOOD).await;
    let place = estate.place.clone();
    let newest = "1.300072.0b1300";
    estate.sim.world(|world| world.region(&place).documents.publish(newest));
    let versions = |estate: &Estate| {
        estate.sim.world(|world| {
            let nodes = world.region(&place).nodes.nodes.values();
            nodes.filter(|node| node.agent.version.as_deref() == Some(newest)).count()
        })
    };
    let mut seen = BTreeSet::new();
    run(&mut estate, minutes(120), |estate, passed| {
        seen.insert(versions(estate));
        passed.status.is_ready() && versions(estate) == 20
    })
    .await;
    assert!(seen.iter().filter(|count| **count > 2).min().is_some_and(|most| *most <= 5), "{seen:?}");
}
