//! From findings, which are level, to events, which are edges: one story per cause.
//!
//! A story is opened when its cause is first seen, updated when it grows or when something is done about it, and
//! resolved when none of its subjects is found any more. While Watchkeeper is at it, a subject stays in the
//! story it began in, whatever step it is at: a node that is installed and then configured is one story.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::action::{Action, Outcome};
use super::desired::{Kind, ObjectRef};
use super::digest;
use super::event::{Before, Event, Phase, Severity};
use super::finding::{Drift, Finding};
use super::plan::{Plan, Planned};
use super::reason::{Nature, Reason};

/// How many subjects an event names.
const SAMPLE: usize = 5;
/// How many fields an event shows.
const SHOWN_CHANGES: usize = 12;
/// A cause that comes back within this time after it was over is the same story again.
pub const FLAPPING_WITHIN: SignedDuration = SignedDuration::from_mins(30);

/// What all events of one pass have in common.
#[derive(Clone, Debug)]
pub struct Setting {
    /// Names the installation.
    pub installation: Arc<str>,
    /// The account.
    pub account: Arc<str>,
    /// The Region.
    pub region: Arc<str>,
    /// The revision of the folder.
    pub revision: Arc<str>,
    /// When the pass ended.
    pub now: Timestamp,
}

/// The stories that are open.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Stories {
    open: BTreeMap<Arc<str>, Story>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Story {
    key: Key,
    reason: Reason,
    opened: Timestamp,
    message: String,
    changes: Vec<Before>,
    /// Those that are still found.
    present: BTreeSet<Arc<str>>,
    /// All that ever were.
    seen: BTreeSet<Arc<str>>,
    commands: Vec<Arc<str>>,
}

/// What makes two findings one cause.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Key {
    object: Option<ObjectRef>,
    cause: Cause,
}

/// The cause of a story.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum Cause {
    /// Something differs from its document, and Watchkeeper is at it, whatever step that is at.
    ///
    /// Of many nodes or networks, those that differ in the same fields are one cause: an agent that is missing
    /// and one that is stopped are two. A single thing is one cause, however many of its fields differ.
    Drift(Vec<Arc<str>>),
    /// Anything else.
    Reason(Reason),
}

impl Stories {
    /// The stories that are open now, as their events, worst first.
    pub fn open(&self, setting: &Setting) -> Vec<Event> {
        let mut events: Vec<Event> = self
            .open
            .iter()
            .map(|(print, story)| story.event(setting, print, Phase::Opened, story.opened))
            .collect();
        events.sort_by(|left, right| (right.severity, left.time).cmp(&(left.severity, right.time)));
        events
    }

    /// Takes one pass in, and gives the events that it makes.
    pub fn take(&mut self, setting: &Setting, plan: &Plan, outcomes: &[Option<Outcome>]) -> Vec<Event> {
        let mut events = Vec::new();
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
        setting: &Setting,
        key: Key,
        findings: &[&Finding],
        going_on: &BTreeSet<Subject>,
        events: &mut Vec<Event>,
    ) {
        let print = key.fingerprint(setting);
        let subjects: BTreeSet<Arc<str>> = findings.iter().map(|finding| subject_of(finding).1).collect();
        let is_new = !self.open.contains_key(&print);
        let story = self.open.entry(print.clone()).or_insert_with(|| Story::new(key, findings, setting.now));
        let grew = subjects.iter().any(|subject| !story.seen.contains(subject));
        if grew || is_new {
            story.message = message_of(findings);
            story.changes = changes_of(findings);
        }
        for finding in findings {
            if let Some(command) = &finding.command
                && !story.commands.contains(command)
            {
                story.commands.push(command.clone());
            }
        }
        story.seen.extend(subjects.iter().cloned());
        if story.key.is_drift() {
            let object = story.key.object.clone();
            story.present.retain(|subject| going_on.contains(&(object.clone(), subject.clone())));
            story.present.extend(subjects);
        } else {
            story.present = subjects;
        }
        if is_new || grew {
            let phase = if is_new { Phase::Opened } else { Phase::Updated };
            events.push(story.event(setting, &print, phase, setting.now));
        }
    }

    /// Says what was done about open stories.
    fn acted(
        &mut self,
        setting: &Setting,
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
            if let Ok(done) = &outcome.result {
                story.commands.extend(done.command.clone());
            }
            let mut event = story.event(setting, print, Phase::Updated, setting.now);
            event.message = told(planned, outcome);
            event.count = u32::try_from(planned.changes.len()).unwrap_or(u32::MAX);
            event.subjects =
                planned.changes.iter().take(SAMPLE).map(|change| change.subject.clone()).collect();
            event.commands =
                outcome.result.as_ref().ok().and_then(|done| done.command.clone()).into_iter().collect();
            event.changes = Vec::new();
            events.push(event);
        }
    }

    fn resolve(
        &mut self,
        setting: &Setting,
        plan: &Plan,
        going_on: &BTreeSet<Subject>,
        events: &mut Vec<Event>,
    ) {
        let still: BTreeSet<Key> = plan.findings.iter().map(Key::of).collect();
        let unknown: BTreeSet<&ObjectRef> = plan
            .findings
            .iter()
            .filter(|finding| is_unknown(finding))
            .filter_map(|f| f.object.as_ref())
            .collect();
        let mut ended = Vec::new();
        for (print, story) in &mut self.open {
            let goes_on = if story.key.is_drift() {
                let object = story.key.object.clone();
                story.present.retain(|subject| going_on.contains(&(object.clone(), subject.clone())));
                !story.present.is_empty()
            } else {
                // What cannot be read at the moment is not over.
                let is_unread = story.key.object.as_ref().is_some_and(|object| unknown.contains(object));
                still.contains(&story.key) || (is_unread && story.reason.nature() == Nature::Held)
            };
            if !goes_on {
                ended.push(print.clone());
            }
        }
        for print in ended {
            if let Some(story) = self.open.remove(&print) {
                let mut event = story.event(setting, &print, Phase::Resolved, setting.now);
                event.lasted = Some(setting.now.duration_since(story.opened).as_secs());
                event.next = None;
                events.push(event);
            }
        }
    }
}

/// Whether a reason is a story of its own. What Watchkeeper is at belongs to the drift that it mends; a rollout is what
/// people ask about.
fn is_told_by_itself(reason: Reason) -> bool {
    reason.nature() != Nature::Converging
        || matches!(reason, Reason::RolloutInProgress | Reason::OutsideWindow)
}

/// Whether a finding says that the object as a whole could not be read.
fn is_unknown(finding: &Finding) -> bool {
    let is_unread = matches!(
        finding.reason,
        Reason::Unreadable | Reason::AccessDenied | Reason::Throttled | Reason::NotRead
    );
    is_unread && finding.subject.is_none()
}

/// An object, and what of it.
type Subject = (Option<ObjectRef>, Arc<str>);

fn subject_of(finding: &Finding) -> Subject {
    let object_name = || finding.object.as_ref().map_or_else(|| "-".into(), |object| object.name.clone());
    (finding.object.clone(), finding.subject.clone().unwrap_or_else(object_name))
}

impl Key {
    fn of(finding: &Finding) -> Self {
        let object = finding.object.clone();
        if is_told_by_itself(finding.reason) {
            return Self { object, cause: Cause::Reason(finding.reason) };
        }
        let has_parts = object
            .as_ref()
            .is_some_and(|object| matches!(object.kind, Kind::CloudWatchAgent | Kind::FlowLog));
        let fields: BTreeSet<Arc<str>> = finding.drift.iter().map(|drift| drift.field.clone()).collect();
        let fields = if has_parts { fields.into_iter().collect() } else { Vec::new() };
        Self { object, cause: Cause::Drift(fields) }
    }

    fn fingerprint(&self, setting: &Setting) -> Arc<str> {
        let object = self.object.as_ref().map(ToString::to_string).unwrap_or_default();
        let (word, fields) = match &self.cause {
            Cause::Drift(fields) => ("Drift", fields.as_slice()),
            Cause::Reason(reason) => (reason.word(), &[][..]),
        };
        let parts = [&*setting.installation, &*setting.account, &*setting.region, &object, word];
        digest::short(parts.into_iter().chain(fields.iter().map(|field| &**field))).into()
    }

    fn is_drift(&self) -> bool {
        matches!(self.cause, Cause::Drift(_))
    }
}

impl Story {
    fn new(key: Key, findings: &[&Finding], opened: Timestamp) -> Self {
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
            commands: Vec::new(),
        }
    }

    fn is_mended_by(&self, object: &ObjectRef, planned: &Planned) -> bool {
        self.key.object.as_ref() == Some(object)
            && planned.changes.iter().any(|change| self.present.contains(&change.subject))
    }

    fn event(&self, setting: &Setting, print: &Arc<str>, phase: Phase, time: Timestamp) -> Event {
        let subjects = if phase == Phase::Resolved { &self.seen } else { &self.present };
        Event {
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
            count: u32::try_from(subjects.len()).unwrap_or(u32::MAX),
            subjects: subjects.iter().take(SAMPLE).cloned().collect(),
            message: self.message.clone(),
            changes: self.changes.clone(),
            commands: self.commands.clone(),
            next: self.reason.next().map(str::to_owned),
            by: None,
            console: None,
            runbook: None,
            returned: 0,
            lasted: None,
        }
    }
}

/// One sentence for all: everything that is said of a single subject; of several, the first one's and a count.
fn message_of(findings: &[&Finding]) -> String {
    let Some(first) = findings.first() else { return String::new() };
    // Of a fault, what AWS or the node answered is the point; of drift, what is waited for passes.
    let is_passing = first.reason.nature() == Nature::Converging;
    let said = |finding: &Finding| if is_passing { finding.message.clone() } else { finding.to_string() };
    if findings.iter().all(|finding| finding.subject == first.subject) {
        return findings.iter().map(|finding| said(finding)).collect::<Vec<_>>().join("; ");
    }
    match findings.len() {
        1 => said(first),
        more => format!("{} (and {} more like it)", said(first), more - 1),
    }
}

fn changes_of(findings: &[&Finding]) -> Vec<Before> {
    let change = |finding: &Finding, drift: &Drift| Before {
        subject: subject_of(finding).1,
        field: drift.field.clone(),
        before: drift.have.clone(),
        after: drift.want.clone(),
    };
    findings
        .iter()
        .flat_map(|finding| finding.drift.iter().map(move |drift| change(finding, drift)))
        .take(SHOWN_CHANGES)
        .collect()
}

/// What was done, and what came of it.
fn told(planned: &Planned, outcome: &Outcome) -> String {
    let what = describe(&planned.action, planned.changes.len());
    match &outcome.result {
        Ok(done) if done.refused.is_empty() => match &done.command {
            Some(command) => format!("{what}: command {command}"),
            None => format!("{what}: done"),
        },
        Ok(done) => {
            let (subject, why) = &done.refused[0];
            format!("{what}: AWS refused {} of them, such as {subject} ({why})", done.refused.len())
        }
        Err(why) => format!("{what}: {} failed ({why})", why.call),
    }
}

/// An action in a few words.
pub fn describe(action: &Action, count: usize) -> String {
    match action {
        Action::SendCommand(command) => {
            let nodes = if count == 1 { "node" } else { "nodes" };
            format!("{} on {count} {nodes}", command.key.step.word())
        }
        Action::CancelCommand(id) => format!("cancel command {id}"),
        Action::LabelParameter(name, version, label) => format!("label {name}:{version} as {label}"),
        Action::UnlabelParameter(name, version, label) => format!("take label {label} off {name}:{version}"),
        Action::CreateParameter(put) => format!("create parameter {}", put.name),
        Action::OverwriteParameter(put) => format!("write a new version of parameter {}", put.name),
        Action::TagParameter(name, _) => format!("tag parameter {name}"),
        Action::DeleteParameter(name) => format!("delete parameter {name}"),
        Action::CreateLogGroup(group) => format!("create log group {}", group.name),
        Action::SetRetention(name, Some(days)) => {
            format!("set the retention of log group {name} to {days} days")
        }
        Action::SetRetention(name, None) => format!("let log group {name} never expire"),
        Action::SetLogGroupKey(name, _) => format!("set the key of log group {name}"),
        Action::TagLogGroup { name, .. } => format!("tag log group {name}"),
        Action::DeleteLogGroup(name) => format!("delete log group {name}"),
        Action::CreateFlowLogs(request) => {
            format!(
                "create {} into {} on {}",
                flow_logs(request.resources.len()),
                request.log_group,
                some(&request.resources)
            )
        }
        Action::DeleteFlowLogs(ids) => format!("delete {} {}", flow_logs(ids.len()), some(ids)),
        Action::TagFlowLogs(ids, _) => format!("tag {} {}", flow_logs(ids.len()), some(ids)),
        Action::CreateRole(role) => format!("create role {}", role.name),
        Action::SetTrust(role, _) => format!("set who may assume role {role}"),
        Action::UpdateRole(role, ..) => format!("update role {role}"),
        Action::SetBoundary(role, _) => format!("set the permissions boundary of role {role}"),
        Action::AttachPolicy(role, policy) => format!("attach {policy} to role {role}"),
        Action::DetachPolicy(role, policy) => format!("detach {policy} from role {role}"),
        Action::PutInlinePolicy(role, policy, _) => format!("put inline policy {policy} into role {role}"),
        Action::DeleteInlinePolicy(role, policy) => format!("delete inline policy {policy} of role {role}"),
        Action::TagRole(role, _) => format!("tag role {role}"),
        Action::DeleteRole(role) => format!("delete role {role}"),
        Action::CreateProfile(profile, _) => format!("create instance profile {profile}"),
        Action::AddRoleToProfile(profile, role) => format!("add role {role} to instance profile {profile}"),
        Action::AssociateProfile(instance, profile) => {
            format!("attach instance profile {profile} to {instance}")
        }
    }
}

fn flow_logs(count: usize) -> String {
    if count == 1 { "a flow log".to_owned() } else { format!("{count} flow logs") }
}

fn some(names: &[Arc<str>]) -> String {
    let shown: Vec<&str> = names.iter().take(SAMPLE).map(|name| &**name).collect();
    let more = names.len().saturating_sub(SAMPLE);
    if more > 0 { format!("{} and {more} more", shown.join(", ")) } else { shown.join(", ") }
}
