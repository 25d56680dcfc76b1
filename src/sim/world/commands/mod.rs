//! Run Command: commands, and what becomes of each on each node.
//!
//! [`send`] checks a request and makes the [`Command`]; `run` moves its invocations on as time passes. A
//! command keeps a tally of its invocations' states, so that a listing never has to look at each of them.

mod run;
mod send;
mod status;

use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::documents::Content;
use super::nodes::ctl::Ran;
use super::{Place, World};
pub use send::{Selector, Send, send};
pub use status::{State, plugin_output};

/// How long AWS keeps a command (docs:general/latest/gr/ssm.html).
const HISTORY: SignedDuration = SignedDuration::from_hours(30 * 24);

/// All commands of a Region.
#[derive(Clone, Debug, Default)]
pub struct Commands {
    /// By a number that grows with time.
    commands: BTreeMap<u64, Command>,
    by_id: BTreeMap<String, u64>,
}

/// One command.
#[derive(Clone, Debug)]
pub struct Command {
    /// Grows with time.
    pub number: u64,
    /// A UUID.
    pub id: String,
    /// The document's name, as the sender gave it.
    pub document: String,
    /// The document's version, as the sender gave it.
    pub document_version: String,
    /// What the sender wrote.
    pub comment: String,
    /// When it was sent.
    pub requested: Timestamp,
    /// When whatever has not ended ends.
    pub expires: Timestamp,
    /// As the sender gave them.
    pub parameters: BTreeMap<String, Vec<String>>,
    /// As the sender gave them.
    pub instance_ids: Vec<String>,
    /// As the sender gave them.
    pub targets: Vec<Selector>,
    /// As the sender gave it, in seconds.
    pub timeout: i64,
    /// As the sender gave it.
    pub max_concurrency: String,
    /// As the sender gave it.
    pub max_errors: String,
    /// By node.
    pub invocations: BTreeMap<String, Invocation>,
    /// Whether a client asked to cancel it.
    pub cancelled: bool,
    /// State Manager's own, which no listing of commands shows.
    pub hidden: bool,
    plan: Arc<Plan>,
    waiting: VecDeque<String>,
    active: usize,
    concurrency: usize,
    errors_allowed: usize,
    tally: BTreeMap<State, usize>,
}

/// What a command does on each node.
#[derive(Clone, Debug)]
struct Plan {
    /// The document's own name.
    document: String,
    content: Arc<Content>,
    arguments: BTreeMap<String, String>,
    /// How long a step may run.
    execution: SignedDuration,
}

/// A command on one node.
#[derive(Clone, Debug, Default)]
pub struct Invocation {
    /// Where it stands.
    pub state: State,
    /// When the node took it.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub finished: Option<Timestamp>,
    /// What each step that ran left behind, by the step's place in the document.
    pub ran: BTreeMap<usize, Ran>,
    tries: u32,
    cut_off: bool,
    locked_out: bool,
}

/// A command moves on.
#[derive(Clone, Debug)]
pub enum Due {
    /// A command reaches a node, or tries to.
    Deliver {
        /// The command.
        command: u64,
        /// The node.
        node: String,
    },
    /// A node is done, or tries to say so.
    Finish {
        /// The command.
        command: u64,
        /// The node.
        node: String,
    },
    /// A command's total time is over.
    Expire {
        /// The command.
        command: u64,
    },
    /// An association runs.
    Associate {
        /// Its id.
        association: String,
    },
}

/// One step of a command on one node, as results show it.
#[derive(Clone, Debug)]
pub struct Plugin<'a> {
    /// The step's name.
    pub name: &'a str,
    /// Where it stands.
    pub state: State,
    /// The exit code; -1 = none yet.
    pub code: i32,
    /// When it began.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub finished: Option<Timestamp>,
    /// Standard output.
    pub stdout: Cow<'a, str>,
    /// Standard error.
    pub stderr: Cow<'a, str>,
}

fn plugin_state(invocation: State, ran: &Ran) -> State {
    match (invocation, ran.code) {
        (State::ExecutionTimedOut, _) => State::ExecutionTimedOut,
        (_, 0) => State::Success,
        _ => State::Failed,
    }
}

impl Commands {
    /// A command by its id.
    pub fn get(&self, id: &str) -> Option<&Command> {
        self.by_id.get(id).and_then(|number| self.commands.get(number))
    }

    /// The commands older than number `before` (`None` = all), newest first.
    pub fn newest_first(&self, before: Option<u64>) -> impl Iterator<Item = &Command> {
        self.commands.range(..before.unwrap_or(u64::MAX)).rev().map(|(_, command)| command)
    }

    fn insert(&mut self, command: Command) {
        let horizon = command.requested - HISTORY;
        while let Some(oldest) = self.commands.first_entry() {
            if oldest.get().requested >= horizon {
                break;
            }
            let old = oldest.remove();
            self.by_id.remove(&old.id);
        }
        self.by_id.insert(command.id.clone(), command.number);
        self.commands.insert(command.number, command);
    }
}

impl Command {
    /// What each step of the document came to on a node. Nothing is known of a step before the node is done.
    pub fn plugins(&self, node: &str) -> Vec<Plugin<'_>> {
        let Some(invocation) = self.invocations.get(node) else { return Vec::new() };
        let steps = self.plan.content.steps.iter().enumerate();
        let done = invocation.state.is_final() && !invocation.ran.is_empty();
        steps
            .map(|(at, step)| {
                let blank = Plugin {
                    name: &step.name,
                    state: invocation.state,
                    code: -1,
                    started: invocation.started,
                    finished: invocation.finished.filter(|_| done),
                    stdout: Cow::Borrowed(""),
                    stderr: Cow::Borrowed(""),
                };
                match (done, invocation.ran.get(&at), step.platform) {
                    (false, ..) => blank,
                    (true, Some(ran), _) => Plugin {
                        state: plugin_state(invocation.state, ran),
                        code: ran.code,
                        stdout: Cow::Borrowed(&ran.stdout),
                        stderr: Cow::Borrowed(&ran.stderr),
                        ..blank
                    },
                    (true, None, platform) => Plugin {
                        state: State::Success,
                        code: 0,
                        stdout: Cow::Owned(
                            platform.map_or_else(String::new, |only| status::skipped(only, &step.name)),
                        ),
                        ..blank
                    },
                }
            })
            .collect()
    }

    /// How many invocations are in a state that `is` takes.
    pub fn count(&self, is: impl Fn(State) -> bool) -> usize {
        self.tally.iter().filter(|(state, _)| is(**state)).map(|(_, count)| count).sum()
    }

    /// Moves an invocation to another state.
    fn set(&mut self, node: &str, state: State) {
        let Some(invocation) = self.invocations.get_mut(node) else { return };
        let before = std::mem::replace(&mut invocation.state, state);
        if let Some(count) = self.tally.get_mut(&before) {
            *count -= 1;
        }
        *self.tally.entry(state).or_default() += 1;
    }
}

pub(super) fn happen(world: &mut World, place: &Place, due: Due) {
    match due {
        Due::Deliver { command, node } => run::deliver(world, place, command, &node),
        Due::Finish { command, node } => run::finish(world, place, command, &node),
        Due::Expire { command } => run::expire(world, place, command),
        Due::Associate { association } => super::associations::run(world, place, &association),
    }
}

/// Asks to cancel a command, on these nodes or (empty) on all. Best effort, as on AWS.
pub fn cancel(world: &mut World, place: &Place, id: &str, nodes: &[String]) {
    let now = world.now();
    let commands = &mut world.region(place).commands;
    let Some(number) = commands.by_id.get(id).copied() else { return };
    let Some(command) = commands.commands.get_mut(&number) else { return };
    if nodes.is_empty() {
        command.cancelled = true;
    }
    let wanted = |node: &String| nodes.is_empty() || nodes.contains(node);
    let hit: Vec<(String, State)> = command
        .invocations
        .iter()
        .filter(|(node, _)| wanted(node))
        .map(|(node, invocation)| (node.clone(), invocation.state))
        .collect();
    for (node, state) in hit {
        match state {
            State::Pending | State::Delayed => {
                command.set(&node, State::Cancelled);
                command.waiting.retain(|waiting| *waiting != node);
                if let Some(invocation) = command.invocations.get_mut(&node) {
                    invocation.finished = Some(now);
                }
            }
            State::InProgress => command.set(&node, State::Cancelling),
            _ => {}
        }
    }
}
