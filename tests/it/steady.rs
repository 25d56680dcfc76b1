//! An estate that is as it should be costs nothing but looking: no writes, no commands, and as few calls as pages allow.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use watchkeeper::model::ask::ages;
use watchkeeper::model::rules::Rules;
use watchkeeper::sim::scenario::Scenario;
use watchkeeper::sim::world::World;

use crate::estate::{Estate, minutes};
use crate::fleet::fleet_desired;

/// How long it is watched: long enough for every age, the probes' too, to come round.
const WATCHED: SignedDuration = minutes(60);
/// What was made is read once more, and flow logs are seen to deliver: no more than that, and quiet begins.
const SETTLING: SignedDuration = minutes(30);
/// Rows in a page of SSM and of Logs.
const PAGE: usize = 50;
/// Rows in a page of EC2.
const LARGE_PAGE: usize = 1_000;
/// Rows in a page of metrics.
const METRICS_PAGE: usize = 500;

/// The fewest calls that the `watched` time can do with, by operation: how often each fact comes due, times its pages.
fn least(nodes: usize, vpcs: usize, rules: &Rules, watched: SignedDuration) -> BTreeMap<&'static str, usize> {
    let often =
        |age: SignedDuration| usize::try_from(watched.as_secs() / age.as_secs()).expect("a small number");
    let pass = often(rules.interval);
    let probes = often(rules.probe_interval) * nodes.div_ceil(PAGE);
    BTreeMap::from([
        ("DescribeInstanceInformation", pass * nodes.div_ceil(PAGE)),
        ("DescribeInstances", pass * nodes.div_ceil(LARGE_PAGE)),
        ("DescribeVpcs", pass * vpcs.div_ceil(LARGE_PAGE)),
        ("DescribeFlowLogs", pass * vpcs.div_ceil(LARGE_PAGE)),
        // Two parameters in one call, and one role with its policies.
        ("GetParameters", pass),
        ("GetRole", often(ages::ROLES)),
        ("ListAttachedRolePolicies", often(ages::ROLES)),
        ("ListRolePolicies", often(ages::ROLES)),
        ("GetRolePolicy", often(ages::ROLES)),
        ("DescribeLogGroups", often(ages::LOG_GROUPS)),
        // The tags of one group and of two parameters.
        ("ListTagsForResource", often(ages::TAGS) * 3),
        // Tiers, and what is ours.
        ("DescribeParameters", often(ages::TIERS) + often(ages::ORPHANS)),
        // The probe and the package; the associations of two documents.
        ("DescribeDocument", often(ages::DOCUMENTS) * 2),
        ("ListAssociations", often(ages::ASSOCIATIONS) * 2),
        // One metric of Linux and one of Windows, which a fifth of the machines run.
        (
            "ListMetrics",
            often(ages::ARRIVALS)
                * ((nodes - nodes / 5).div_ceil(METRICS_PAGE) + (nodes / 5).div_ceil(METRICS_PAGE)),
        ),
        // Three interfaces of each network show whether records come: all of them on one page of the group.
        ("DescribeNetworkInterfaces", often(ages::ARRIVALS) * nodes.div_ceil(LARGE_PAGE)),
        ("FilterLogEvents", often(ages::ARRIVALS)),
        // A due probe is sent once, and its invocations are read when they are there.
        ("SendCommand", probes),
        ("ListCommandInvocations", probes),
    ])
}

async fn converge_and_watch(nodes: usize, vpcs: usize) {
    let mut estate = Estate::new(Scenario::Fleet { nodes, vpcs }, 1, fleet_desired());
    estate.converge(minutes(120)).await;
    estate.live(SETTLING).await;
    watch(&mut estate, nodes, vpcs, WATCHED).await;
}

/// Watches an estate that is as it should be.
pub async fn watch(estate: &mut Estate, nodes: usize, vpcs: usize, watched: SignedDuration) {
    estate.sim.world(World::forget_calls);
    let mut wavered = Vec::new();
    estate
        .run(watched, |passed| {
            wavered.extend((!passed.status.is_ready()).then(|| passed.status.clone()));
            false
        })
        .await;
    assert!(wavered.is_empty(), "being read again is no reason not to be Ready: {:#?}", wavered.first());

    let mut calls: BTreeMap<String, usize> = BTreeMap::new();
    let mut writes = Vec::new();
    estate.sim.world(|world| {
        for call in world.calls() {
            *calls.entry(call.operation.clone()).or_default() += 1;
            if call.writes && call.operation != "SendCommand" {
                writes.push(call.operation.clone());
            }
        }
    });
    assert!(writes.is_empty(), "{writes:?}");
    let least = least(nodes, vpcs, &estate.scope.rules, watched);
    let (made, bound): (usize, usize) = (calls.values().sum(), least.values().sum());
    assert!(made * 100 <= bound * 105, "{made} calls, and {bound} would do: {calls:#?} against {least:#?}");
    let changes = estate.sim.world(|world| {
        let since = world.now() - watched;
        let commands = world.region(&estate.place).commands.newest_first(None);
        commands
            .filter(|command| command.requested >= since && command.document != "Watchkeeper-Probe")
            .count()
    });
    assert_eq!(changes, 0, "commands that are no probes");
}

#[tokio::test(start_paused = true)]
async fn ten_nodes_cost_what_their_pages_cost() {
    converge_and_watch(10, 1).await;
}

#[tokio::test(start_paused = true)]
async fn hundreds_of_nodes_cost_what_their_pages_cost() {
    converge_and_watch(300, 10).await;
}
