//! Large estates: from bare to converged with as few commands as fifty nodes a command allow, and within AWS's rates.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use watchkeeper::model::desired::Desired;
use watchkeeper::sim::scenario::Scenario;

use crate::estate::{Estate, desired, minutes};
use crate::steady::watch;
use crate::witness::{commands, overlaps};

/// How many machines.
const NODES: usize = 10_000;
/// The networks that they stand in.
const VPCS: usize = 200;
/// How often all of them are listed while they are brought up: 210 pages, which are most of this test's work.
const LISTED_EVERY: SignedDuration = minutes(5);
/// What was made last is read once more.
const SETTLING: SignedDuration = minutes(2);
/// How long it is watched then: until every probe has come round once.
const WATCHED: SignedDuration = minutes(30);
/// AWS's limit for one command.
const NODES_PER_COMMAND: usize = 50;
/// What takes a bare node to the end: probe, install, configure, probe.
const STEPS: usize = 4;

/// What a fleet shall have: agents by platform, and flow logs on every network.
pub fn fleet_desired() -> Desired {
    desired(include_str!("fleet.yaml"))
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_machines_converge_with_full_commands_and_then_cost_what_their_pages_cost() {
    let mut estate = Estate::new(Scenario::Fleet { nodes: NODES, vpcs: VPCS }, 1, fleet_desired());
    let usual = std::mem::replace(&mut estate.scope.rules.interval, LISTED_EVERY);
    estate.converge(minutes(60)).await;
    estate.scope.rules.interval = usual;
    assert_brought_up_well(&estate);
    estate.live(SETTLING).await;
    watch(&mut estate, NODES, VPCS, WATCHED).await;
    roll_out(&mut estate).await;
}

/// A canary, a tenth, a half, all; five minutes each.
const STAGES: &str = "{ canary: 10, waves: [10%, 50%, 100%], bake: 5m, maxConcurrency: 100% }";
/// A node is read when it has a new release, and again when it has baked.
const PROBES: usize = 2;

/// A new configuration reaches all of them: in full commands, no faster than AWS allows, and when it said it would.
async fn roll_out(estate: &mut Estate) {
    let staged = include_str!("fleet.yaml").replace("{ maxConcurrency: 100% }", STAGES);
    estate.desired = desired(&staged);
    estate.converge(minutes(30)).await;
    let began = estate.clock.now();
    // Linux and Windows alike.
    estate.desired = desired(
        &staged
            .replace("mem_used_percent", "mem_available_percent")
            .replace("% Committed Bytes In Use", "Available MBytes"),
    );
    let mut shown = Vec::new();
    let ended = loop {
        let passed = estate.pass().await;
        let now = estate.clock.now();
        let fleet = passed.plan.rollouts.values().next().cloned().unwrap_or_default();
        shown.push((now, fleet.eta));
        if passed.status.is_ready()
            && fleet.phase == watchkeeper::model::rollout::Phase::Stable
            && now > began + minutes(20)
        {
            break now;
        }
        assert!(now < began + minutes(240), "{fleet:#?}");
        let next = estate.scope.next_due(&passed, now).max(now + SignedDuration::from_millis(500));
        estate.wait(next.duration_since(now)).await;
    };
    let took = ended.duration_since(began);
    let half = began + took / 2;
    let eta = shown.iter().rfind(|(at, _)| *at <= half).and_then(|(_, eta)| *eta).expect("an ETA half-way");
    let off = eta.duration_since(ended).abs();
    assert!(off * 5 <= took / 2, "half-way through {took:#} the ETA was {off:#} off");
    let sent = commands(estate);
    let since =
        |what: &str| sent.iter().filter(|command| command.at >= began && command.what.contains(what)).count();
    let (configures, probes) = (since("configure"), since("Watchkeeper-Probe"));
    let full = NODES.div_ceil(NODES_PER_COMMAND);
    // Who waits for its stage is read every half hour, as ever.
    let rounds = usize::try_from(took.as_mins() / 30).expect("not negative");
    println!(
        "rollout of {NODES} nodes: {took:.0}, {configures} + {probes} commands, ETA {off:.0} off half-way"
    );
    assert!(configures * 10 <= full * 11, "{configures} commands, and {full} would do");
    let read = full * (PROBES + rounds);
    assert!(probes * 10 <= read * 11, "{probes} probes, and {read} would do");
    assert_eq!(throttled(estate), Vec::<String>::new(), "faster than AWS allows");
}

fn throttled(estate: &Estate) -> Vec<String> {
    estate.sim.world(|world| {
        let refused = world.calls().iter().filter(|call| {
            call.error.as_deref().is_some_and(|code| code.contains("Limit") || code.contains("Thrott"))
        });
        refused.map(|call| call.operation.clone()).collect()
    })
}

/// Full commands, nothing twice, nothing at once, nothing too fast.
fn assert_brought_up_well(estate: &Estate) {
    let sent = commands(estate);
    let least = NODES.div_ceil(NODES_PER_COMMAND) * STEPS;
    assert!(sent.len() * 10 <= least * 11, "{} commands, and {least} would do", sent.len());

    let mut taken: BTreeMap<(String, String), usize> = BTreeMap::new();
    for command in &sent {
        for node in command.nodes.keys() {
            *taken.entry((node.clone(), command.what.clone())).or_default() += 1;
        }
    }
    // Only a probe is taken twice: before, and after.
    let twice: Vec<_> = taken
        .iter()
        .filter(|((_, what), times)| !what.starts_with("Watchkeeper-Probe") && **times > 1)
        .collect();
    assert!(twice.is_empty(), "acted on twice for one cause: {twice:?}");
    assert_eq!(overlaps(&sent), Vec::<String>::new());

    assert_eq!(throttled(estate), Vec::<String>::new(), "faster than AWS allows");
}
