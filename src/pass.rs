//! One pass over one scope: ask and observe, plan, act, report.
//!
//! Everything that is decided is decided in `model`; this only carries facts in and actions out.

use std::sync::Arc;

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use crate::aws::{Clients, act, observe};
use crate::clock::Clock;
use crate::model::action::{Action, Outcome};
use crate::model::ask::{ages, ask};
use crate::model::desired::Desired;
use crate::model::event::Event;
use crate::model::finding::Finding;
use crate::model::memory::Memory;
use crate::model::observed::Observed;
use crate::model::picture::{Picture, picture};
use crate::model::plan::{Known, Plan, plan};
use crate::model::report::remember;
use crate::model::rules::Rules;
use crate::model::status::{Status, status};
use crate::model::story::{Setting, Stories};

/// How often a pass may ask: what is listed first may raise questions of its own.
const ROUNDS: usize = 3;

/// Whether a pass may change anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Carry the plan out.
    Enforce,
    /// Only say what would be done: nothing is sent, not even a probe.
    DryRun,
}

/// One account in one Region, with everything that is known of it.
#[derive(Debug)]
pub struct Scope {
    /// How to reach it.
    pub clients: Clients,
    /// What the operator decided.
    pub rules: Rules,
    /// What it was last seen to be.
    pub observed: Observed,
    /// What the last pass remembers.
    pub memory: Memory,
    /// The stories that are open.
    pub stories: Stories,
    /// What was shown of it after the last pass.
    pub picture: Option<Arc<Picture>>,
    passes: u64,
}

/// What one pass did.
#[derive(Clone, Debug)]
pub struct Passed {
    /// What was decided.
    pub plan: Plan,
    /// What became of each action; `None` where it was not begun.
    pub outcomes: Vec<Option<Outcome>>,
    /// The events that it made.
    pub events: Vec<Event>,
    /// Where the scope stands now.
    pub status: Status,
    /// The scope as people are shown it.
    pub picture: Arc<Picture>,
}

impl Scope {
    /// A scope of which nothing is known yet.
    pub fn new(clients: Clients, rules: Rules, now: Timestamp) -> Self {
        Self {
            clients,
            rules,
            observed: Observed::default(),
            memory: Memory::new(now),
            stories: Stories::default(),
            picture: None,
            passes: 0,
        }
    }

    /// Runs one pass. `said` are findings from outside the scope, such as a folder that has gone stale.
    pub async fn pass(
        &mut self,
        desired: &Desired,
        said: Vec<Finding>,
        mode: Mode,
        clock: &Clock,
        stop: &CancellationToken,
    ) -> Passed {
        let begun = clock.now();
        self.observe(desired, begun, clock, stop).await;
        let mut plan = plan(self.known(desired, begun, clock.now()));
        plan.findings.extend(said);
        let actions: Vec<Action> = plan.actions.iter().map(|planned| planned.action.clone()).collect();
        let outcomes = match mode {
            Mode::Enforce => Box::pin(act(&self.clients, &actions, stop)).await,
            Mode::DryRun => actions.iter().map(|_| None).collect(),
        };
        self.report(desired, plan, outcomes, clock.now())
    }

    async fn observe(
        &mut self,
        desired: &Desired,
        begun: Timestamp,
        clock: &Clock,
        stop: &CancellationToken,
    ) {
        for _ in 0..ROUNDS {
            let questions = ask(&self.known(desired, begun, clock.now()));
            if questions.is_empty() || stop.is_cancelled() {
                break;
            }
            let answers = Box::pin(observe(&self.clients, &self.rules.installation, questions, stop)).await;
            for answer in answers {
                self.observed.take(answer);
            }
        }
        self.observed.forget(clock.now() - ages::HISTORY);
    }

    fn report(
        &mut self,
        desired: &Desired,
        plan: Plan,
        outcomes: Vec<Option<Outcome>>,
        now: Timestamp,
    ) -> Passed {
        self.passes += 1;
        let before = self.picture.as_deref();
        let status =
            status(&self.known(desired, now, now), &plan, before.map(|before| &before.status), self.passes);
        let setting = Setting {
            installation: self.rules.installation.clone(),
            account: status.account.clone(),
            region: status.region.clone(),
            revision: status.revision.clone(),
            runbook: self.rules.runbook.clone(),
            desired,
            now,
        };
        let events = self.stories.take(&setting, &plan, &outcomes);
        remember(&mut self.memory, &mut self.observed, &self.rules, &plan, &outcomes, now);
        let open = self.stories.open(&setting);
        let before = self.picture.take();
        let known = self.known(desired, now, now);
        let picture = Arc::new(picture(&known, &plan, status.clone(), open, before.as_deref()));
        self.picture = Some(picture.clone());
        Passed { plan, outcomes, events, status, picture }
    }

    /// Everything that is known between two passes.
    pub fn known_now<'a>(&'a self, desired: &'a Desired, now: Timestamp) -> Known<'a> {
        self.known(desired, now, now)
    }

    /// Everything that a decision may rest on, now.
    fn known<'a>(&'a self, desired: &'a Desired, begun: Timestamp, now: Timestamp) -> Known<'a> {
        Known { desired, observed: &self.observed, memory: &self.memory, rules: &self.rules, begun, now }
    }

    /// When the next pass is worth running: something that waits is due, or a command is under way.
    pub fn next_due(&self, passed: &Passed, now: Timestamp) -> Timestamp {
        let mut next = now + self.rules.interval;
        let mut sooner = |at: Timestamp| next = next.min(at);
        if self.observed.has_commands_under_way() {
            sooner(now + ages::COMMANDS);
        }
        if let Some(at) = passed.plan.look_again {
            sooner(at);
        }
        if passed.did_something() {
            // What was just changed may let the next step begin.
            sooner(now + self.rules.settle.soonest());
        }
        next
    }
}

impl Passed {
    /// Whether any action was begun.
    pub fn did_something(&self) -> bool {
        self.outcomes.iter().any(Option::is_some)
    }

    /// How many changes, other than probes, were made or tried.
    pub fn changes(&self) -> usize {
        let is_change =
            |action: &Action| !matches!(action, Action::SendCommand(command) if !command.key.step.writes());
        let done = self.plan.actions.iter().zip(&self.outcomes);
        done.filter(|(planned, outcome)| outcome.is_some() && is_change(&planned.action)).count()
    }
}
