//! From findings, which are level, to events, which are edges: one story per cause.
//!
//! A story is opened when its cause is first seen, updated when it grows or when something is done about it, and
//! resolved when none of its subjects is found any more. While Watchkeeper is at it, a subject stays in the
//! story it began in, whatever step it is at: a node that is installed and then configured is one story.

mod console;
mod key;
mod tale;
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::action::Outcome;
use super::desired::{Desired, ObjectRef};
use super::event::{Event, Phase};
use super::finding::Finding;
use super::plan::Plan;
use super::reason::{Nature, Reason};
use key::{Key, Subject, is_told_by_itself, is_unknown, subject_of};
use tale::{Story, Told};

pub use words::describe;

/// How many subjects an event names.
const SAMPLE: usize = 5;
/// A cause that comes back this soon after it was over has returned.
pub const FLAPPING_WITHIN: SignedDuration = SignedDuration::from_mins(30);
/// A cause that has returned this often flaps: its story stays open until it has been quiet for
/// [`FLAPPING_WITHIN`], and its comings and goings are counted instead of told.
pub const FLAPS: u32 = 3;

/// What all events of one pass have in common.
#[derive(Clone, Debug)]
pub struct Setting<'a> {
    /// Names the installation.
    pub installation: Arc<str>,
    /// The account.
    pub account: Arc<str>,
    /// The Region.
    pub region: Arc<str>,
    /// The revision of the folder.
    pub revision: Arc<str>,
    /// Where the runbook is; a reason's section is named by its word.
    pub runbook: Arc<str>,
    /// The objects, which know the names of AWS's things.
    pub desired: &'a Desired,
    /// When the pass ended.
    pub now: Timestamp,
}

/// The stories that are open, and those that were a while ago. They outlive the process: whoever keeps them and gives
/// them to the next one makes a restart silent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Stories {
    open: BTreeMap<Arc<str>, Story>,
    /// Those that are over and may come back.
    over: BTreeMap<Arc<str>, Over>,
    /// Given by an earlier process: the first pass proves nothing by what it does not find, for what the process knew
    /// of its own attempts is gone.
    #[serde(skip)]
    is_restored: bool,
}

/// A story that is over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Over {
    at: Timestamp,
    returned: u32,
    seen: BTreeSet<Arc<str>>,
}

impl Stories {
    /// The same stories in a new process.
    pub fn restored(self) -> Self {
        Self { is_restored: true, ..self }
    }

    /// The stories that are open now, as their events, worst first.
    pub fn open(&self, setting: &Setting<'_>) -> Vec<Event> {
        let mut events: Vec<Event> = self
            .open
            .iter()
            .map(|(print, story)| story.event(setting, print, Phase::Opened, story.opened))
            .collect();
        events.sort_by(|left, right| (right.severity, left.time).cmp(&(left.severity, right.time)));
        events
    }

    /// Takes one pass in, and gives the events that it makes.
    pub fn take(&mut self, setting: &Setting<'_>, plan: &Plan, outcomes: &[Option<Outcome>]) -> Vec<Event> {
        let mut events = Vec::new();
        self.over.retain(|_, over| setting.now.duration_since(over.at) < FLAPPING_WITHIN);
        let (found, going_on) = self.sort(&plan.findings);
        for (key, findings) in found {
            self.found(setting, key, &findings, &going_on, &mut events);
        }
        self.acted(setting, plan, outcomes, &mut events);
        self.resolve(setting, plan, &going_on, &mut events);
        events
    }

    /// Parts findings into causes, and into what only says that something is still going on with a subject.
    fn sort<'a>(&self, findings: &'a [Finding]) -> (BTreeMap<Key, Vec<&'a Finding>>, BTreeSet<Subject>) {
        let mut found: BTreeMap<Key, Vec<&Finding>> = BTreeMap::new();
        let mut going_on = BTreeSet::new();
        for finding in findings {
            let subject = subject_of(finding);
            if finding.reason.nature() == Nature::Fine {
                continue;
            }
            if is_told_by_itself(finding.reason) {
                found.entry(Key::of(finding)).or_default().push(finding);
                if finding.reason.nature() > Nature::SetAside {
                    going_on.insert(subject);
                }
                continue;
            }
            let is_cause =
                matches!(finding.reason, Reason::Missing | Reason::Drift) || !finding.drift.is_empty();
            if is_cause && !self.is_in_a_story(&subject) {
                found.entry(Key::of(finding)).or_default().push(finding);
            }
            going_on.insert(subject);
        }
        (found, going_on)
    }

    fn is_in_a_story(&self, subject: &Subject) -> bool {
        self.open.values().any(|story| {
            story.key.is_drift() && story.key.object == subject.0 && story.present.contains(&subject.1)
        })
    }

    fn found(
        &mut self,
        setting: &Setting<'_>,
        key: Key,
        findings: &[&Finding],
        going_on: &BTreeSet<Subject>,
        events: &mut Vec<Event>,
    ) {
        let print = key.fingerprint(setting);
        let subjects: BTreeSet<Arc<str>> = findings.iter().map(|finding| subject_of(finding).1).collect();
        let is_new = !self.open.contains_key(&print);
        let returned = self.returned(&print, &subjects);
        let story = self
            .open
            .entry(print.clone())
            .or_insert_with(|| Story::new(key, findings, returned, setting.now));
        let told = story.found(findings, subjects, going_on);
        let phase = match told {
            _ if is_new => Phase::Opened,
            Told::Grew | Told::Flaps => Phase::Updated,
            Told::Same => return,
        };
        events.push(story.event(setting, &print, phase, setting.now));
    }

    /// How often the cause has come back, if it is back now: with one of its subjects, shortly after it was over.
    fn returned(&mut self, print: &Arc<str>, subjects: &BTreeSet<Arc<str>>) -> u32 {
        match self.over.get(print) {
            Some(over) if !over.seen.is_disjoint(subjects) => {
                let returned = over.returned + 1;
                self.over.remove(print);
                returned
            }
            _ => 0,
        }
    }

    /// Says what was done about open stories.
    fn acted(
        &mut self,
        setting: &Setting<'_>,
        plan: &Plan,
        outcomes: &[Option<Outcome>],
        events: &mut Vec<Event>,
    ) {
        for (planned, outcome) in plan.actions.iter().zip(outcomes) {
            let Some(outcome) = outcome else { continue };
            let Some(object) = &planned.object else { continue };
            let Some((print, story)) =
                self.open.iter_mut().find(|(_, story)| story.is_mended_by(object, planned))
            else {
                continue;
            };
            events.push(story.acted(setting, print, planned, outcome));
        }
    }

    fn resolve(
        &mut self,
        setting: &Setting<'_>,
        plan: &Plan,
        going_on: &BTreeSet<Subject>,
        events: &mut Vec<Event>,
    ) {
        if std::mem::take(&mut self.is_restored) {
            return;
        }
        let still: BTreeSet<Key> = plan.findings.iter().map(Key::of).collect();
        let unread = plan.findings.iter().filter(|finding| is_unknown(finding));
        let unread: BTreeSet<&ObjectRef> = unread.filter_map(|finding| finding.object.as_ref()).collect();
        let at_work = at_work(plan);
        let mut ended = Vec::new();
        for (print, story) in &mut self.open {
            // What cannot be read at the moment is not over.
            let is_unread = story.key.object.as_ref().is_some_and(|object| unread.contains(object));
            let is_found = if story.key.is_drift() {
                story.keep(going_on);
                !story.present.is_empty()
            } else {
                still.contains(&story.key)
            };
            let is_tried = story.reason.nature() == Nature::Fault && story.concerns(&at_work);
            if !is_found && !is_unread && !is_tried && story.is_over(setting.now) {
                ended.push(print.clone());
            }
        }
        for print in ended {
            if let Some(story) = self.open.remove(&print) {
                events.push(story.resolved(setting, &print));
                let over = Over { at: setting.now, returned: story.returned, seen: story.seen };
                self.over.insert(print, over);
            }
        }
    }
}

/// The subjects with which Watchkeeper is at work. A fault that is being tried again is not over before that has ended
/// well.
fn at_work(plan: &Plan) -> BTreeSet<Subject> {
    let waiting = plan.findings.iter().filter(|finding| finding.reason.nature() == Nature::Converging);
    let begun = plan.actions.iter().flat_map(|planned| {
        planned.changes.iter().map(|change| (planned.object.clone(), change.subject.clone()))
    });
    waiting.map(subject_of).chain(begun).collect()
}
