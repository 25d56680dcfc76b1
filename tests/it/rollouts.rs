//! Rollouts: in stages, halted and taken back by themselves when they harm nodes, and never by what they cannot help.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use watchkeeper::model::desired::Desired;
use watchkeeper::model::event::{Phase, Urgency};
use watchkeeper::model::reason::Reason;
use watchkeeper::sim::scenario::Scenario;
use watchkeeper::sim::world::nodes::{Breakage, Breaks, agent};

use crate::estate::{Estate, desired, minutes};

/// Two contents of one configuration.
const GOOD: &str = "mem_used_percent";
const NEW: &str = "mem_available_percent";

/// A fleet whose releases come in stages.
fn fleet(measurement: &str, rollout: &str) -> Desired {
    let text = include_str!("fleet.yaml")
        .replace(GOOD, measurement)
        .replace("rollout: { maxConcurrency: 100% }", &format!("rollout: {rollout}"));
    desired(&text)
}

const STAGES: &str = "{ canary: 2, waves: [25%, 100%], bake: 5m, maxFailures: 0, maxConcurrency: 100% }";

/// A fleet on which the good release is stable.
async fn stable(nodes: usize, seed: u64, rollout: &str) -> Estate {
    let mut estate =
        Estate::new(Scenario::Fleet { nodes, vpcs: 1 }, seed, fleet(GOOD, rollout));
    estate.converge(minutes(120)).await;
    estate
}

/// The SHA-256 of the Linux configuration that the desired state of `estate` names.
fn linux_sha256(desired: &Desired) -> String {
    use watchkeeper::model::desired::{Kind, Spec};
    let configs = desired.of_kind(Kind::AgentConfig).filter_map(|object| match &object.spec {
        Spec::AgentConfig(config) if &*object.id.name == "linux" => Some(config.sha256.clone()),
        _ => None,
    });
    configs.last().expect("a configuration for Linux")
}

/// Every `every`-th node cannot take the configuration of that digest.
fn break_nodes(estate: &Estate, sha256: &str, how: Breakage, every: usize) -> BTreeSet<String> {
    let place = estate.place.clone();
    estate.sim.world(|world| {
        let nodes = &mut world.region(&place).nodes.nodes;
        let mut broken = BTreeSet::new();
        for (id, node) in nodes.iter_mut().skip(every / 2).step_by(every) {
            node.disposition.breaks_on = Some(Breaks { sha256: sha256.to_owned(), how });
            broken.insert(id.clone());
        }
        broken
    })
}

/// How many nodes run each configuration, by digest; `stopped` where the agent does not run.
fn running(estate: &Estate) -> BTreeMap<String, usize> {
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

#[tokio::test(start_paused = true)]
async fn a_good_release_reaches_every_node_stage_by_stage() {
    let mut estate = stable(40, 1, STAGES).await;
    let old = linux_sha256(&estate.desired);
    estate.desired = fleet(NEW, STAGES);
    let new = linux_sha256(&estate.desired);
    let mut seen = BTreeSet::new();
    let began = estate.clock.now();
    for _ in 0..2_000 {
        let passed = estate.pass().await;
        seen.insert(running(&estate).get(&new).copied().unwrap_or(0));
        if passed.status.is_ready() && seen.len() > 1 {
            break;
        }
        let now = estate.clock.now();
        let next = estate.scope.next_due(&passed, now).max(now + SignedDuration::from_millis(500));
        estate.clock.sleep(next.duration_since(now).unsigned_abs()).await;
    }
    assert_eq!(running(&estate).get(&old), None, "{:?}", running(&estate));
    let took = estate.clock.now().duration_since(began);
    assert!(took >= minutes(15) && took < minutes(25), "three bakes of five minutes, and some: {took:#}");
    let most = seen.iter().filter(|count| **count > 2).min().copied().unwrap_or_default();
    assert!(most <= 10, "after the canary of 2 comes a wave up to a quarter: {seen:?}");
}

#[tokio::test(start_paused = true)]
async fn a_release_that_harms_nodes_is_halted_and_taken_back() {
    for how in [Breakage::Refused, Breakage::Dies] {
        let mut estate = stable(40, 2, STAGES).await;
        let old = running(&estate);
        estate.desired = fleet(NEW, STAGES);
        let new = linux_sha256(&estate.desired);
        break_nodes(&estate, &new, how, 5);
        let from = estate.events.len();
        let passed = estate.live(minutes(60)).await;
        assert_eq!(running(&estate), old, "{how:?}: everything is back");
        let critical: Vec<_> = estate
            .events_since(from)
            .iter()
            .filter(|event| event.urgency == Urgency::Critical && event.phase == Phase::Opened)
            .collect();
        assert_eq!(critical.len(), 1, "{how:?}: {critical:#?}");
        assert_eq!(critical[0].reason, Reason::RolloutHalted);
        assert!(critical[0].changes.iter().any(|change| change.field.contains("measurement")), "{critical:#?}");
        assert!(!passed.status.is_ready());
        // The file changes: the rollout begins again, and ends well.
        estate.desired = fleet("mem_total", STAGES);
        estate.converge(minutes(120)).await;
    }
}

#[allow(dead_code)]
fn unused() {
    let _ = agent::sha256(b"");
}
