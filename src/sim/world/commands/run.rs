//! How a command moves on: delivered, run, reported, expired.
//!
//! A node does its work whether or not it can say so: one whose SSM agent goes silent in the middle has
//! changed, and its invocation hangs `InProgress` until the agent is back or the total time is over.

use std::sync::Arc;

use jiff::SignedDuration;

use super::{Command, Due, Plan, State};
use crate::sim::world::documents::Step;
use crate::sim::world::nodes::ctl::{self, Ran};
use crate::sim::world::nodes::{Platform, package, probe};
use crate::sim::world::{self, Place, World};

/// How often SSM tries a silent node again.
const TRY_AGAIN: SignedDuration = SignedDuration::from_secs(30);
/// How long a throttled fetch waits, and how often it tries (aws-sdk-go's default of three retries).
const THROTTLED: SignedDuration = SignedDuration::from_secs(1);
const FETCHES: u32 = 4;
/// What a shell that was killed returns.
const KILLED: i32 = 137;

impl From<Due> for world::Due {
    fn from(due: Due) -> Self {
        Self::Command(due)
    }
}

fn find<'a>(world: &'a mut World, place: &Place, number: u64) -> Option<&'a mut Command> {
    world.region(place).commands.commands.get_mut(&number)
}

/// Lets the next nodes begin, as far as `MaxConcurrency` allows.
pub(super) fn start_more(world: &mut World, place: &Place, number: u64) {
    loop {
        let Some(command) = find(world, place, number) else { return };
        if command.active >= command.concurrency {
            return;
        }
        let Some(node) = command.waiting.pop_front() else { return };
        command.active += 1;
        let wait = vary(world, world.settings.delivery);
        world.later(place, wait, Due::Deliver { command: number, node }.into());
    }
}

/// Somewhere between half and one and a half of `usual`.
fn vary(world: &mut World, usual: SignedDuration) -> SignedDuration {
    usual.mul_f64(0.5 + world.rng.f64())
}

pub(super) fn deliver(world: &mut World, place: &Place, number: u64, id: &str) {
    let now = world.now();
    let open = find(world, place, number)
        .and_then(|command| command.invocations.get(id))
        .is_some_and(|invocation| matches!(invocation.state, State::Pending | State::Delayed));
    if !open {
        // Cancelled on the way: it only held a place.
        return release(world, place, number);
    }
    let Some(node) = world.region(place).nodes.nodes.get(id).filter(|node| node.running) else {
        return end(world, place, number, id, State::Undeliverable);
    };
    if !node.is_reachable() {
        if node.ping_status(now) == "ConnectionLost" {
            return end(world, place, number, id, State::Undeliverable);
        }
        let Some(command) = find(world, place, number) else { return };
        command.set(id, State::Delayed);
        return world.later(place, TRY_AGAIN, Due::Deliver { command: number, node: id.to_owned() }.into());
    }
    begin(world, place, number, id);
}

fn begin(world: &mut World, place: &Place, number: u64, id: &str) {
    let now = world.now();
    let usual = vary(world, world.settings.step);
    let Some(command) = find(world, place, number) else { return };
    command.set(id, State::InProgress);
    let plan = Arc::clone(&command.plan);
    let takes_lock = plan.document == "AWS-ConfigureAWSPackage";
    let mut wait = usual;
    let mut locked_out = false;
    if let Some(node) = world.region(place).nodes.nodes.get_mut(id) {
        wait = usual.mul_f64(node.disposition.slow.clamp(0.0, 1e6));
        if takes_lock {
            locked_out = *node.package_lock.get_or_insert(number) != number;
        }
    }
    let cut_off = wait > plan.execution;
    if let Some(invocation) = find(world, place, number).and_then(|command| command.invocations.get_mut(id)) {
        invocation.started = Some(now);
        invocation.cut_off = cut_off;
        invocation.locked_out = locked_out;
    }
    let due = Due::Finish { command: number, node: id.to_owned() };
    world.later(place, wait.min(plan.execution), due.into());
}

pub(super) fn finish(world: &mut World, place: &Place, number: u64, id: &str) {
    let Some(command) = find(world, place, number) else { return };
    let plan = Arc::clone(&command.plan);
    let Some(invocation) = command.invocations.get(id) else { return };
    if invocation.state.is_final() {
        return;
    }
    let (state, cut_off, fresh) = (invocation.state, invocation.cut_off, invocation.ran.is_empty());
    if fresh && state == State::Cancelling && world.rng.bool() {
        return end(world, place, number, id, State::Cancelled);
    }
    if fresh {
        let Some(node) = world.region(place).nodes.nodes.get(id).filter(|node| node.running) else {
            return again(world, place, number, id, TRY_AGAIN);
        };
        let platform = node.platform;
        if act(world, place, number, id, &plan, platform, cut_off) {
            return again(world, place, number, id, THROTTLED);
        }
    }
    if !world.region(place).nodes.nodes.get(id).is_some_and(super::super::nodes::Node::is_reachable) {
        return again(world, place, number, id, TRY_AGAIN);
    }
    let ran = find(world, place, number).and_then(|command| command.invocations.get(id));
    let failed = ran.is_some_and(|invocation| invocation.ran.values().any(|ran| ran.code != 0));
    let state = match (cut_off, failed) {
        (true, _) => State::ExecutionTimedOut,
        (_, true) => State::Failed,
        _ => State::Success,
    };
    end(world, place, number, id, state);
}

fn again(world: &mut World, place: &Place, number: u64, id: &str, wait: SignedDuration) {
    world.later(place, wait, Due::Finish { command: number, node: id.to_owned() }.into());
}

/// Runs the steps for this platform and keeps what they left. True when the node was throttled and will try again.
fn act(
    world: &mut World,
    place: &Place,
    number: u64,
    id: &str,
    plan: &Plan,
    platform: Platform,
    cut_off: bool,
) -> bool {
    let mut results = Vec::new();
    for (at, step) in plan.content.steps.iter().enumerate() {
        if step.platform.is_some_and(|only| only != platform) {
            continue;
        }
        let ran = if cut_off {
            Ran { code: KILLED, ..Ran::default() }
        } else {
            perform(world, place, number, id, plan, step)
        };
        results.push((at, ran));
    }
    let throttled = results.iter().any(|(_, ran)| ran.throttled);
    let Some(command) = find(world, place, number) else { return false };
    let Some(invocation) = command.invocations.get_mut(id) else { return false };
    invocation.tries += 1;
    if throttled && invocation.tries < FETCHES {
        return true;
    }
    invocation.ran.extend(results);
    false
}

fn perform(world: &mut World, place: &Place, number: u64, id: &str, plan: &Plan, step: &Step) -> Ran {
    match (plan.document.as_str(), step.action.as_str()) {
        ("AmazonCloudWatch-ManageAgent", _) => ctl::manage(world, place, id, &plan.arguments),
        ("AWS-ConfigureAWSPackage", "aws:configurePackage") => {
            let invocation = find(world, place, number).and_then(|command| command.invocations.get(id));
            if invocation.is_some_and(|invocation| invocation.locked_out) {
                package::locked()
            } else {
                package::configure(world, place, id, &plan.arguments)
            }
        }
        ("AWS-ConfigureAWSPackage", _) => Ran::good(""),
        ("AWS-RunShellScript" | "AWS-RunPowerShellScript", _) => {
            let script = plan.arguments.get("commands").map_or("", String::as_str);
            shell(world, place, id, script)
        }
        _ => shell(world, place, id, &step.script.join("\n")),
    }
}

/// There is no shell here. Known are: Watchkeeper's probe, `true`, `false`, and the agent's control script with
/// `-a start`, `-a stop` or `-a status`, by name or full path. Everything else fails as an unknown command would.
fn shell(world: &mut World, place: &Place, id: &str, script: &str) -> Ran {
    if probe::is_probe(script) {
        let node = world.region(place).nodes.nodes.get(id);
        return node.map_or_else(|| Ran::bad(""), |node| Ran::good(probe::print(node)));
    }
    let words: Vec<&str> = script.split_whitespace().filter(|word| *word != "sudo").collect();
    match words.as_slice() {
        ["true"] => Ran::good(""),
        ["false"] => Ran::bad(""),
        [script, "-a", action @ ("start" | "stop" | "status")]
            if script.ends_with("amazon-cloudwatch-agent-ctl") =>
        {
            ctl::control(world, place, id, action)
        }
        _ => no_shell(),
    }
}

fn no_shell() -> Ran {
    Ran {
        code: 127,
        stderr: "The simulator has no shell: it does not run this script.\n".to_owned(),
        ..Ran::default()
    }
}

pub(super) fn expire(world: &mut World, place: &Place, number: u64) {
    let Some(command) = find(world, place, number) else { return };
    let open: Vec<(String, bool)> = command
        .invocations
        .iter()
        .filter(|(_, invocation)| !invocation.state.is_final())
        .map(|(node, invocation)| (node.clone(), invocation.started.is_some()))
        .collect();
    command.waiting.clear();
    for (node, started) in open {
        let state = if started { State::ExecutionTimedOut } else { State::DeliveryTimedOut };
        end(world, place, number, &node, state);
    }
}

/// Ends an invocation, and with it perhaps the command.
fn end(world: &mut World, place: &Place, number: u64, id: &str, state: State) {
    let now = world.now();
    if let Some(node) = world.region(place).nodes.nodes.get_mut(id)
        && node.package_lock == Some(number)
    {
        node.package_lock = None;
    }
    let Some(command) = find(world, place, number) else { return };
    command.set(id, state);
    if let Some(invocation) = command.invocations.get_mut(id) {
        invocation.finished = Some(now);
    }
    if command.count(State::is_error) > command.errors_allowed {
        terminate(command);
    }
    if command.hidden
        && let Some(node) = world.region(place).nodes.nodes.get_mut(id)
    {
        node.association_status = Some(state.status().to_owned());
    }
    release(world, place, number);
}

/// Too many errors: whoever has not begun never will.
fn terminate(command: &mut Command) {
    let left: Vec<String> = command
        .invocations
        .iter()
        .filter(|(_, invocation)| matches!(invocation.state, State::Pending | State::Delayed))
        .map(|(node, _)| node.clone())
        .collect();
    command.waiting.clear();
    for node in left {
        command.set(&node, State::Terminated);
    }
}

fn release(world: &mut World, place: &Place, number: u64) {
    let Some(command) = find(world, place, number) else { return };
    command.active = command.active.saturating_sub(1);
    start_more(world, place, number);
}
