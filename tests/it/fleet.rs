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

    let throttled = estate.sim.world(|world| {
        let refused = world.calls().iter().filter(|call| {
            call.error.as_deref().is_some_and(|code| code.contains("Limit") || code.contains("Thrott"))
        });
        refused.map(|call| call.operation.clone()).collect::<Vec<_>>()
    });
    assert!(throttled.is_empty(), "faster than AWS allows: {throttled:?}");
}
