//! Judges one node: right, not manageable, waiting, or in need of one step.
//!
//! Everything rests on the node's last probe and on what our commands did since. A node is right when the agent
//! is installed at the wanted version, runs, has loaded the wanted configuration, and has no other.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::candidates::Candidate;
use super::evaluate::{Judged, evaluate};
use super::recipe::Recipe;
use super::wish::{CONFIGURE_DOCUMENT, PACKAGE_DOCUMENT, Wish};
use super::{Busy, version};
use crate::model::action::Step;
use crate::model::desired::Object;
use crate::model::finding::{Drift, Finding};
use crate::model::memory::Change;
use crate::model::observed::{Instance, InstanceState, InvocationStatus, OnNode, Ping, Reading, StepResult};
use crate::model::plan::Known;
use crate::model::plan::draft::Needed;
use crate::model::probe::{self, Probe};
use crate::model::reason::Reason;

/// The oldest SSM agent that can install packages (`AWS-ConfigureAWSPackage`).
const OLDEST_SSM_AGENT: &str = "2.2.93.0";
/// How long an SSM agent may take to register after its machine was launched or given a profile.
const REGISTERS_WITHIN: SignedDuration = SignedDuration::from_mins(10);
/// How long after a failed step the node is left alone at least, also by a process that knows nothing of it.
const FIRST_DELAY: SignedDuration = SignedDuration::from_secs(30);
/// How long a node that is due to be read again still counts as it was: as long as a command may take, and some more.
const READ_AGAIN_WITHIN: SignedDuration = SignedDuration::from_mins(12);
/// How much of an output a message shows.
const SHOWN_OUTPUT: usize = 400;

/// What is to be done with one node.
#[derive(Debug)]
pub(super) enum Verdict {
    /// Nothing.
    Right,
    /// Nothing now, and this is why.
    Not(Box<Finding>),
    /// This.
    Needs(Box<Want>),
}

/// A step that a node needs.
#[derive(Debug)]
pub(super) struct Want {
    /// The step, shared by all nodes that need it.
    pub recipe: Arc<Recipe>,
    /// What is wrong.
    pub needed: Needed,
}

impl Want {
    /// `candidate` needs `recipe`, since it is as `what` says.
    pub fn new(candidate: &Candidate<'_>, recipe: &Arc<Recipe>, what: &str, drift: Vec<Drift>) -> Self {
        let change = Change { subject: candidate.id.clone(), write: recipe.write.clone() };
        let reason = if recipe.step == Step::Probe { Reason::NotProbed } else { Reason::Drift };
        let needed = Needed { change, reason, why: format!("{} {what}", candidate.id), drift };
        Self { recipe: recipe.clone(), needed }
    }
}

/// Why nothing can be done with the node now, whatever it needs.
pub(super) fn out_of_reach(known: &Known<'_>, object: &Object, candidate: &Candidate<'_>) -> Option<Finding> {
    let (reason, message) = match candidate.rival {
        Some(rival) => (Reason::Conflict, format!("{} is selected by {} too", candidate.id, rival.id)),
        None => unmanageable(known, candidate)?,
    };
    Some(Finding::of(&object.id, reason, message).about(candidate.id.clone()))
}

/// Whether the machine runs, as far as EC2 knows, and SSM has lost it.
pub(super) fn is_silent(known: &Known<'_>, candidate: &Candidate<'_>) -> bool {
    candidate.rival.is_none()
        && unmanageable(known, candidate).is_some_and(|(reason, _)| reason == Reason::ConnectionLost)
}

/// Since when the agent of a node that is as `wish` says has been so: the end of the command that brought it, or
/// the start of the process, whichever came last. The node's clock may be off, but nothing it read lies ahead of
/// the reading.
pub(super) fn since(wish: &Wish, on_node: &OnNode) -> Option<Timestamp> {
    let (read, probe) = on_node.probe.as_ref()?;
    let ended = |step, wanted: Option<&Arc<str>>| {
        let result = on_node.results.get(&step)?;
        (Some(&result.wanted) == wanted && result.status == InvocationStatus::Success)
            .then_some(result.finished)
    };
    let configured = ended(Step::Configure, wish.config.as_ref().map(|config| &config.location));
    let installed = ended(Step::Install, wish.version.as_ref());
    let brought = configured.max(installed).max(probe.started);
    Some(brought.map_or(*read, |at| at.min(*read)))
}

/// Judges one node.
pub(super) fn judge(
    known: &Known<'_>,
    object: &Object,
    candidate: &Candidate<'_>,
    wish: &Wish,
    busy: &Busy<'_>,
) -> Verdict {
    if let Some(finding) = out_of_reach(known, object, candidate) {
        return Verdict::Not(Box::new(finding));
    }
    if let Some(command) = busy.get(&*candidate.id) {
        let message = format!("{} is under way on {}", command.step().word(), candidate.id);
        let running = Finding::of(&object.id, Reason::InProgress, message).about(candidate.id.clone());
        return Verdict::Not(Box::new(running.told_by(Some(command.id.clone()))));
    }
    if let Some(until) =
        known.memory.in_doubt_until(&candidate.id).filter(|until| !is_listed_since(known, *until))
    {
        let message = format!("a command to {} may be under way: its reply was lost", candidate.id);
        let doubtful = Finding::of(&object.id, Reason::Settling, message).about(candidate.id.clone());
        return Verdict::Not(Box::new(doubtful.until(until)));
    }
    let nothing = OnNode::default();
    let on_node = known.observed.on_nodes.get(&candidate.id).unwrap_or(&nothing);
    decide(known, object, candidate, wish, on_node)
}

fn decide(
    known: &Known<'_>,
    object: &Object,
    candidate: &Candidate<'_>,
    wish: &Wish,
    on_node: &OnNode,
) -> Verdict {
    let last_write = last_write(on_node);
    let probe = match fresh_probe(known, on_node, last_write) {
        Some(probe) => probe,
        None if was_bare_and_is_installed(on_node, last_write) => return after_install(candidate, wish),
        None => return needs_probe(known, object, candidate, wish, on_node),
    };
    match evaluate(candidate, wish, probe) {
        Judged::Right => Verdict::Right,
        Judged::SetAside(reason, message, drift) => {
            let aside = Finding::of(&object.id, reason, message).about(candidate.id.clone());
            Verdict::Not(Box::new(aside.with(drift)))
        }
        Judged::Needs(want) => match delayed(known, object, &want, on_node) {
            Some(finding) => Verdict::Not(Box::new(finding)),
            None => Verdict::Needs(Box::new(want)),
        },
    }
}

/// Whether every command that was sent before `until` must have been seen by now.
fn is_listed_since(known: &Known<'_>, until: Timestamp) -> bool {
    let read =
        |document: &str| known.observed.commands_read.get(document).is_some_and(|begun| *begun >= until);
    [probe::NAME, PACKAGE_DOCUMENT, CONFIGURE_DOCUMENT].into_iter().all(read)
}

/// Why SSM cannot manage the node, if it cannot: one reason.
fn unmanageable(known: &Known<'_>, candidate: &Candidate<'_>) -> Option<(Reason, String)> {
    let id = &candidate.id;
    if let Some(instance) = candidate.instance {
        match instance.state {
            InstanceState::Pending => return Some((Reason::Starting, format!("{id} is starting"))),
            InstanceState::Stopped | InstanceState::Terminated => {
                return Some((Reason::InstanceStopped, format!("{id} is stopped")));
            }
            InstanceState::Running => {}
        }
    }
    let Some(node) = candidate.managed else {
        return Some(unregistered(known, candidate.instance, id));
    };
    if node.ping != Ping::Online {
        let since = node.last_ping.map_or_else(String::new, |at| format!(" since {at:.0}"));
        return Some((Reason::ConnectionLost, format!("the SSM agent of {id} has not reported{since}")));
    }
    if !version::at_least(&node.ssm_agent, OLDEST_SSM_AGENT) {
        return Some((Reason::AgentTooOld, format!("the SSM agent of {id} is version {}", node.ssm_agent)));
    }
    None
}

/// An instance that SSM does not know: three causes, one symptom, told apart as far as IAM tells.
fn unregistered(known: &Known<'_>, instance: Option<&Instance>, id: &Arc<str>) -> (Reason, String) {
    let Some(profile) = instance.and_then(|instance| instance.profile.as_ref()) else {
        return (Reason::NoInstanceProfile, format!("{id} has no instance profile"));
    };
    let role = known
        .observed
        .profiles
        .get(profile)
        .and_then(Reading::known)
        .and_then(|profile| profile.roles.first())
        .and_then(|role| known.observed.roles.get(role))
        .and_then(Reading::known);
    let lets_in = |arn: &Arc<str>| {
        // Either policy of AWS's own does; a policy of the estate's own may too, and is given the benefit of the doubt.
        ["/AmazonSSMManagedInstanceCore", "/AmazonSSMManagedEC2InstanceDefaultPolicy"]
            .iter()
            .any(|end| arn.ends_with(end))
            || !arn.contains("::aws:policy/")
    };
    match role {
        Some(role) if role.inline.is_empty() && !role.attached.iter().any(lets_in) => {
            let message =
                format!("{id} has instance profile {profile}, whose role {} does not let SSM in", role.name);
            (Reason::ProfileLacksPermissions, message)
        }
        _ if is_coming_up(known, instance, id) => (
            Reason::Starting,
            format!("{id} has just been launched or given its profile; SSM will know it soon"),
        ),
        _ => (
            Reason::NotRegistered,
            format!("{id} runs with instance profile {profile}, but SSM does not know it"),
        ),
    }
}

/// Whether the SSM agent of an instance may still be on its way: it registers within minutes.
fn is_coming_up(known: &Known<'_>, instance: Option<&Instance>, id: &Arc<str>) -> bool {
    let is_recent = |at: Timestamp| known.now.duration_since(at) < REGISTERS_WITHIN;
    let launched = instance.and_then(|instance| instance.launched);
    launched.is_some_and(is_recent) || known.memory.last_try_on(id).is_some_and(is_recent)
}

/// The newest step that may have changed the node.
fn last_write(on_node: &OnNode) -> Option<(&StepResult, Step)> {
    on_node
        .results
        .iter()
        .filter(|(step, result)| step.writes() && result.status != InvocationStatus::NeverRan)
        .map(|(step, result)| (result, *step))
        .max_by_key(|(result, _)| result.finished)
}

fn fresh_probe<'a>(
    known: &Known<'_>,
    on_node: &'a OnNode,
    last_write: Option<(&StepResult, Step)>,
) -> Option<&'a Arc<Probe>> {
    let (at, probe) = on_node.probe.as_ref()?;
    let is_young = known.now.duration_since(*at) < known.rules.probe_interval;
    let is_after = last_write.is_none_or(|(result, _)| result.finished <= *at);
    (is_young && is_after).then_some(probe)
}

/// Whether the node was right when it was last read, not so long ago, and was not changed since.
pub(super) fn was_right(known: &Known<'_>, candidate: &Candidate<'_>, wish: &Wish) -> bool {
    let Some(on_node) = known.observed.on_nodes.get(&candidate.id) else { return false };
    let Some((at, probe)) = &on_node.probe else { return false };
    let is_young = known.now.duration_since(*at) < known.rules.probe_interval + READ_AGAIN_WITHIN;
    let is_after = last_write(on_node).is_none_or(|(result, _)| result.finished <= *at);
    is_young && is_after && matches!(evaluate(candidate, wish, probe), Judged::Right)
}

/// A first install tells as much as a probe would: the agent is there, without configuration.
fn was_bare_and_is_installed(on_node: &OnNode, last_write: Option<(&StepResult, Step)>) -> bool {
    let was_bare = on_node.probe.as_ref().is_some_and(|(_, probe)| !probe.installed);
    was_bare
        && last_write
            .is_some_and(|(result, step)| step == Step::Install && result.status == InvocationStatus::Success)
}

fn after_install(candidate: &Candidate<'_>, wish: &Wish) -> Verdict {
    match &wish.config {
        Some(config) => {
            let recipe = config.configure.of_node(&candidate.id);
            let what = "has the agent and no configuration yet";
            Verdict::Needs(Box::new(Want::new(candidate, recipe, what, recipe.drift.clone())))
        }
        None => Verdict::Needs(Box::new(Want::new(
            candidate,
            &wish.steps.probe,
            "was just installed",
            Vec::new(),
        ))),
    }
}

fn needs_probe(
    known: &Known<'_>,
    object: &Object,
    candidate: &Candidate<'_>,
    wish: &Wish,
    on_node: &OnNode,
) -> Verdict {
    let why = match &on_node.probe {
        Some(_) => "was last read before its last change, or too long ago",
        None => "has not been read yet",
    };
    let want = Want::new(candidate, &wish.steps.probe, why, Vec::new());
    match delayed(known, object, &want, on_node) {
        Some(finding) => Verdict::Not(Box::new(finding)),
        None => Verdict::Needs(Box::new(want)),
    }
}

/// Why a step that the node needs has to wait: it was tried lately, in vain.
fn delayed(known: &Known<'_>, object: &Object, want: &Want, on_node: &OnNode) -> Option<Finding> {
    let attempts = known.memory.attempts.get(&want.needed.change);
    let result = on_node
        .results
        .get(&want.recipe.step)
        .filter(|result| result.status != InvocationStatus::Success && result.wanted == want.recipe.wanted)?;
    let by_result = result.finished + FIRST_DELAY;
    let next = attempts.map_or(by_result, |attempts| attempts.next().max(by_result));
    (known.now < next)
        .then(|| failed(object, want, result, attempts.map_or(1, |attempts| attempts.count), next))
}

fn failed(object: &Object, want: &Want, result: &StepResult, count: u32, next: Timestamp) -> Finding {
    let reason = match result.status {
        InvocationStatus::NeverRan => Reason::NotDelivered,
        InvocationStatus::TimedOut => Reason::CommandTimedOut,
        _ => Reason::CommandFailed,
    };
    let times = if count <= 1 { String::new() } else { format!(", {count} times now") };
    let said = tail(&result.output);
    let said = if said.is_empty() { String::new() } else { format!(": {said}") };
    let message = format!(
        "{} on {}: {}{times}{said}",
        want.recipe.step.word(),
        want.needed.change.subject,
        result.details
    );
    Finding::of(&object.id, reason, message)
        .about(want.needed.change.subject.clone())
        .with(want.needed.drift.clone())
        .told_by(Some(result.command.clone()))
        .until(next)
}

/// The end of an output, where programs say what went wrong; on one line, without control characters.
pub(super) fn tail(output: &str) -> String {
    let words: String = output.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
    let skip = words.chars().count().saturating_sub(SHOWN_OUTPUT);
    let shown: String = words.chars().skip(skip).collect();
    if skip > 0 { format!("…{shown}") } else { shown }
}
