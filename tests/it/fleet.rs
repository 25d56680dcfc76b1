//! Large estates: from bare to converged with as few commands as fifty nodes a command allow, and within AWS's rates.

use std::collections::BTreeMap;

use watchkeeper::model::desired::Desired;
use watchkeeper::sim::scenario::Scenario;

use crate::estate::{Estate, desired, minutes};
use crate::witness::{commands, overlaps};

/// How many machines the test command brings up: ten thousand take minutes in a development build.
const NODES: usize = 2_000;
/// The networks that they stand in.
const VPCS: usize = 40;
/// AWS's limit for one command.
const NODES_PER_COMMAND: usize = 50;
/// What takes a bare node to the end: probe, install, configure, probe.
const STEPS: usize = 4;

/// What a fleet shall have: agents by platform, and flow logs on every network.
pub fn fleet_desired() -> Desired {
    desired(include_str!("fleet.yaml"))
}

#[tokio::test(start_paused = true)]
async fn a_fleet_converges_with_full_commands_and_within_the_documented_rates() {
    let mut estate = Estate::new(Scenario::Fleet { nodes: NODES, vpcs: VPCS }, 1, fleet_desired());
    estate.converge(minutes(60)).await;

    let sent = commands(&estate);
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
