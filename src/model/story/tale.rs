//! One story: a cause, from when it was first seen until it is gone.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::key::{Key, Subject};
use super::words::{changes_of, cut, message_of, told};
use super::{FLAPPING_WITHIN, FLAPS, SAMPLE, Setting, console};
use crate::model::action::Outcome;
use crate::model::desired::ObjectRef;
use crate::model::event::{Before, Event, Phase, Severity};
use crate::model::finding::Finding;
use crate::model::plan::Planned;
use crate::model::reason::{Nature, Reason};

/// How many commands a story remembers, the last ones.
const COMMANDS: usize = 20;

/// One story.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Story {
    pub key: Key,
    pub reason: Reason,
    /// When it was opened.
    pub opened: Timestamp,
    message: String,
    changes: Vec<Before>,
    /// Those that are still found.
    pub present: BTreeSet<Arc<str>>,
    /// All that ever were.
    pub seen: BTreeSet<Arc<str>>,
    /// The most that were found at once: what comes one after the other is not many of a kind.
    together: u32,
    commands: Vec<Arc<str>>,
    /// What was last said of how it goes on, where a person is waited for: that this changes is news.
    note: Option<String>,
    /// How often the cause came back shortly after it was over.
    pub returned: u32,
    /// A flapping cause is not found at the moment; since when.
    quiet_since: Option<Timestamp>,
}

/// Whether there is something to tell of a cause that is found again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// Nothing new.
    Same,
    /// It has subjects that it had not, or goes on otherwise.
    Grew,
    /// It has come back often enough to be told again: each time that the count has doubled.
    Flaps,
}

impl Story {
    /// A story that begins now, and has done so `returned` times before.
    pub fn new(key: Key, findings: &[&Finding], returned: u32, opened: Timestamp) -> Self {
        let first = findings.first().map_or(Reason::Drift, |finding| finding.reason);
        // The step that a subject is at is no reason of its own.
        let is_step = key.is_drift() && first != Reason::Missing;
        Self {
            reason: if is_step { Reason::Drift } else { first },
            key,
            opened,
            message: String::new(),
            changes: Vec::new(),
            present: BTreeSet::new(),
            seen: BTreeSet::new(),
            together: 0,
            commands: Vec::new(),
            note: None,
            returned,
            quiet_since: None,
        }
    }

    /// Takes in what is found of it now.
    pub fn found(
        &mut self,
        findings: &[&Finding],
        subjects: BTreeSet<Arc<str>>,
        going_on: &BTreeSet<Subject>,
    ) -> Told {
        let grew = subjects.iter().any(|subject| !self.seen.contains(subject));
        let is_back = self.quiet_since.take().is_some();
        // Of drift only what is new is found; of anything else, all that there is.
        if self.message.is_empty() || !self.key.is_drift() {
            self.message = message_of(findings);
        }
        if grew {
            self.changes = changes_of(findings);
        }
        for command in findings.iter().filter_map(|finding| finding.command.as_ref()) {
            self.remember(command);
        }
        self.seen.extend(subjects.iter().cloned());
        if self.key.is_drift() {
            self.keep(going_on);
            self.present.extend(subjects);
        } else {
            self.present = subjects;
        }
        self.together = self.together.max(u32::try_from(self.present.len()).unwrap_or(u32::MAX));
        self.returned += u32::from(is_back);
        let is_going_on = self.goes_on(findings);
        match (grew || is_going_on, is_back && self.returned.is_power_of_two()) {
            (true, _) => Told::Grew,
            (false, true) => Told::Flaps,
            (false, false) => Told::Same,
        }
    }

    /// Whether it goes on otherwise than it did: what a halted rollout was doing is done, for example. What is tried
    /// again at some time says so in ever new words, which is no news.
    fn goes_on(&mut self, findings: &[&Finding]) -> bool {
        let held = findings.iter().filter(|finding| finding.reason.nature() == Nature::Held);
        let note = held.filter(|finding| finding.until.is_none()).find_map(|finding| finding.note.as_deref());
        let before = self.note.take();
        self.note = note.map(str::to_owned);
        before.is_some() && before != self.note
    }

    /// Forgets the subjects with which nothing is going on any more.
    pub fn keep(&mut self, going_on: &BTreeSet<Subject>) {
        let object = self.key.object.clone();
        self.present.retain(|subject| going_on.contains(&(object.clone(), subject.clone())));
    }

    /// Whether any of its subjects is among `subjects`.
    pub fn concerns(&self, subjects: &BTreeSet<Subject>) -> bool {
        let object = &self.key.object;
        self.present.iter().any(|subject| subjects.contains(&(object.clone(), subject.clone())))
    }

    /// Whether it is over, now that its cause is not found. One that flaps must be quiet for a while.
    pub fn is_over(&mut self, now: Timestamp) -> bool {
        let quiet_since = *self.quiet_since.get_or_insert(now);
        self.returned < FLAPS || now.duration_since(quiet_since) >= FLAPPING_WITHIN
    }

    /// Whether an action is for one of its subjects.
    pub fn is_mended_by(&self, object: &ObjectRef, planned: &Planned) -> bool {
        self.key.object.as_ref() == Some(object)
            && planned.changes.iter().any(|change| self.present.contains(&change.subject))
    }

    /// What was done about it.
    pub fn acted(
        &mut self,
        setting: &Setting<'_>,
        print: &Arc<str>,
        planned: &Planned,
        outcome: &Outcome,
    ) -> Event {
        let command = outcome.result.as_ref().ok().and_then(|done| done.command.clone());
        if let Some(command) = &command {
            self.remember(command);
        }
        let subjects = planned.changes.iter().map(|change| change.subject.clone());
        Event {
            message: cut(told(planned, outcome)),
            count: u32::try_from(planned.changes.len()).unwrap_or(u32::MAX),
            subjects: subjects.take(SAMPLE).collect(),
            commands: command.into_iter().collect(),
            changes: Vec::new(),
            ..self.event(setting, print, Phase::Updated, setting.now)
        }
    }

    /// That it is over, and how long it lasted.
    pub fn resolved(&self, setting: &Setting<'_>, print: &Arc<str>) -> Event {
        let ended = self.quiet_since.unwrap_or(setting.now);
        Event {
            lasted: Some(ended.duration_since(self.opened).as_secs().max(0)),
            next: None,
            ..self.event(setting, print, Phase::Resolved, setting.now)
        }
    }

    /// It as an event.
    pub fn event(&self, setting: &Setting<'_>, print: &Arc<str>, phase: Phase, time: Timestamp) -> Event {
        // One that flaps may be quiet at the moment, with nothing present.
        let is_past = phase == Phase::Resolved || self.present.is_empty();
        let subjects = if is_past { &self.seen } else { &self.present };
        let count = u32::try_from(subjects.len()).unwrap_or(u32::MAX);
        let mut event = Event {
            time,
            number: 0,
            phase,
            severity: Severity::of(self.reason),
            fingerprint: print.clone(),
            reason: self.reason,
            category: self.reason.category(),
            account: setting.account.clone(),
            region: setting.region.clone(),
            revision: setting.revision.clone(),
            object: self.key.object.clone(),
            count,
            subjects: subjects.iter().take(SAMPLE).cloned().collect(),
            message: self.message(count.min(self.together)),
            changes: self.changes.clone(),
            commands: self.commands.clone(),
            next: self.reason.next().map(str::to_owned),
            by: None,
            console: None,
            runbook: Some(format!("{}#{}", setting.runbook, self.reason.word().to_lowercase())),
            returned: self.returned,
            lasted: None,
        };
        event.console = console::link(setting.desired, &event);
        event
    }

    fn message(&self, count: u32) -> String {
        let mut message = self.message.clone();
        if count > 1 {
            let _ = write!(message, " (and {} more like it)", count - 1);
        }
        match self.returned {
            0 => {}
            1..FLAPS => message.push_str(" (it was over and is back)"),
            times => {
                let minutes = FLAPPING_WITHIN.as_mins();
                let _ = write!(
                    message,
                    " (flapping: it came back {times} times; one story until it stays away for {minutes} minutes)"
                );
            }
        }
        message
    }

    fn remember(&mut self, command: &Arc<str>) {
        if !self.commands.contains(command) {
            self.commands.push(command.clone());
            let old = self.commands.len().saturating_sub(COMMANDS);
            self.commands.drain(..old);
        }
    }
}
