//! What must be added up over passes, since no picture holds it: counters and histograms.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::catalogue::{Def, Kind, RECONCILE_TIME, TIME_TO_CONVERGE};
use super::family::Counted;
use crate::model::desired::ObjectRef;
use crate::model::event::{Event, Phase, Severity};
use crate::model::reason::{Category, Reason};
use crate::model::status::{Status, Truth};
use crate::pass::Passed;

/// What passes add up to. It begins empty with the process, as Prometheus expects of counters.
#[derive(Clone, Debug, Default)]
pub struct Recorder {
    /// Passes in which every action that was begun worked, and those in which one failed.
    pub passes: (u64, u64),
    /// How long passes took, in seconds.
    pub pass_time: Counted,
    /// Events told.
    pub events: BTreeMap<(Severity, Category, &'static str), u64>,
    /// How long drift lasted, in seconds.
    pub drift_lasted: Counted,
    /// How long documents were not Ready, in seconds.
    pub not_ready_lasted: Counted,
    /// Commands under way after the last pass; none before the first.
    pub commands: Option<usize>,
    /// Since when documents have not been Ready.
    not_ready: BTreeMap<ObjectRef, Timestamp>,
}

impl Recorder {
    /// Takes a pass in that began at `begun`, and after which `commands` were under way.
    pub fn passed(&mut self, begun: Timestamp, passed: &Passed, commands: usize) {
        let has_failed = |outcome: &Option<_>| -> bool {
            outcome.as_ref().is_some_and(|outcome: &crate::model::action::Outcome| outcome.result.is_err())
        };
        if passed.outcomes.iter().any(has_failed) {
            self.passes.1 += 1;
        } else {
            self.passes.0 += 1;
        }
        let took = passed.status.at.duration_since(begun).as_secs_f64();
        observe(&RECONCILE_TIME, &mut self.pass_time, took);
        self.commands = Some(commands);
        for event in &passed.events {
            self.told(event);
        }
        self.stands(&passed.status);
    }

    fn told(&mut self, event: &Event) {
        *self.events.entry((event.severity, event.category, event.phase.word())).or_default() += 1;
        let is_drift = matches!(event.reason, Reason::Drift | Reason::Missing);
        if event.phase == Phase::Resolved
            && is_drift
            && let Some(seconds) = event.lasted
        {
            let seconds = u32::try_from(seconds.max(0)).unwrap_or(u32::MAX);
            observe(&TIME_TO_CONVERGE, &mut self.drift_lasted, f64::from(seconds));
        }
    }

    /// What is not known does not begin such a time, nor does it end one.
    fn stands(&mut self, status: &Status) {
        for standing in &status.objects {
            match standing.ready {
                Truth::False => {
                    self.not_ready.entry(standing.object.clone()).or_insert(status.at);
                }
                Truth::Unknown => {}
                Truth::True => {
                    if let Some(since) = self.not_ready.remove(&standing.object) {
                        let lasted = status.at.duration_since(since).as_secs_f64();
                        observe(&TIME_TO_CONVERGE, &mut self.not_ready_lasted, lasted);
                    }
                }
            }
        }
        // A document that is gone will never be Ready.
        let here: BTreeSet<&ObjectRef> = status.objects.iter().map(|standing| &standing.object).collect();
        self.not_ready.retain(|object, _| here.contains(object));
    }
}

fn observe(def: &Def, counted: &mut Counted, value: f64) {
    if let Kind::Histogram(bounds) = def.kind {
        counted.observe(bounds, value);
    }
}
