//! Where one node stands in a rollout, read from the node and from the commands that it was sent.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::super::candidates::Candidate;
use super::super::node::{self, Verdict};
use super::super::telemetry::{self, Telemetry};
use super::super::wish::Wish;
use super::super::{Busy, version};
use crate::model::action::Step;
use crate::model::desired::Object;
use crate::model::observed::{InvocationStatus, OnNode, StepResult};
use crate::model::plan::Known;
use crate::model::probe::{AgentStatus, Probe};
use crate::model::reason::Nature;

/// What the agent's control script prints when it refuses a configuration (the agent's `config-translator` and
/// `-schematest`). Any other failure of `configure`, such as a fetch that was throttled, is not the configuration's.
const REFUSALS: [&str; 4] = [
    "validation first phase failed",
    "validation second phase failed",
    "Failed to merge multiple json config files",
    "Cannot translate JSON",
];
/// How much longer than the bake after a configuration a stopped agent is still its doing: the probe that ends the
/// bake comes some time after it.
const AFTER_BAKE: SignedDuration = SignedDuration::from_mins(2);

/// Where one node stands.
#[derive(Debug)]
pub(super) enum Place {
    /// The release brings nothing new to it.
    Unaffected,
    /// It cannot be managed as it is: the stages count without it.
    Aside,
    /// It was sent the release, and its SSM agent has not been heard of since: nobody knows why.
    Silent,
    /// It was never read by this process: it may have the release or not.
    Unread,
    /// It has nothing of the release yet.
    Waiting,
    /// It was sent something of the release, and is not through.
    Underway,
    /// It has the release and is healthy so far.
    Baking {
        /// When it has been so for long enough.
        until: Timestamp,
        /// Whether it was read after that. If not, it has to be.
        is_read: bool,
    },
    /// It has stayed healthy for the whole bake.
    Healthy,
    /// It failed in a way that the release can cause.
    Failed(Failing),
}

/// A node that failed in a way that the release can cause.
#[derive(Clone, Debug)]
pub(super) struct Failing {
    /// When.
    pub at: Timestamp,
    /// What happened, for a person.
    pub why: String,
    /// The command that brought the release.
    pub command: Option<Arc<str>>,
    /// What it printed.
    pub output: Arc<str>,
}

/// The two releases between which a node moves, as far as it is concerned.
#[derive(Clone, Copy)]
pub(super) struct Move<'a> {
    /// What it shall have.
    pub to: &'a Wish,
    /// What was stable for it, if anything was.
    pub from: Option<&'a Wish>,
}

impl Move<'_> {
    fn is_new_config(&self) -> bool {
        let from = self.from.and_then(|wish| wish.config.as_ref());
        let to = self.to.config.as_ref();
        from.map(|config| &config.sha256) != to.map(|config| &config.sha256)
    }

    fn is_new_version(&self) -> bool {
        self.from.is_some_and(|from| from.version != self.to.version)
    }

    /// Whether there is anything to move.
    pub fn is_any(&self) -> bool {
        self.is_new_config() || self.is_new_version()
    }
}

/// Whether the node has, or was sent, anything of what it moves to.
pub(super) fn is_touched(
    moving: Move<'_>,
    candidate: &Candidate<'_>,
    known: &Known<'_>,
    busy: &Busy<'_>,
) -> bool {
    let on_node = known.observed.on_nodes.get(&candidate.id);
    let probe = on_node.and_then(|on_node| on_node.probe.as_ref()).map(|(_, probe)| &**probe);
    let result = |step| on_node.and_then(|on_node| on_node.results.get(&step));
    let was_sent = |step: Step, wanted: &str| {
        let is_busy = busy
            .get(&*candidate.id)
            .is_some_and(|command| command.step() == step && *command.wanted() == *wanted);
        let ran = result(step)
            .is_some_and(|result| *result.wanted == *wanted && result.status != InvocationStatus::NeverRan);
        is_busy || ran
    };
    if let Some(config) = moving.to.config.as_ref().filter(|_| moving.is_new_config()) {
        let has =
            |probe: &Probe| probe.files.iter().any(|file| file.sha256.as_deref() == Some(&*config.sha256));
        if was_sent(Step::Configure, &config.location) || probe.is_some_and(has) {
            return true;
        }
    }
    let installs = moving.is_new_version() || moving.from.is_none();
    let Some(wanted) = moving.to.version.as_deref().filter(|_| installs) else { return false };
    let has = |probe: &Probe| probe.version.as_deref().is_some_and(|have| version::same(have, wanted));
    was_sent(Step::Install, wanted) || (moving.is_new_version() && probe.is_some_and(has))
}

/// Where the node stands. `bake`: how long it has to stay healthy. `retried`: when a person said to try again.
pub(super) fn of(
    moving: Move<'_>,
    candidate: &Candidate<'_>,
    object: &Object,
    known: &Known<'_>,
    busy: &Busy<'_>,
    bake: SignedDuration,
    retried: Option<Timestamp>,
) -> Place {
    if !moving.is_any() {
        return Place::Unaffected;
    }
    if node::out_of_reach(known, object, candidate).is_some() {
        let is_silent = node::is_silent(known, candidate) && was_brought(moving, candidate, known);
        return if is_silent { Place::Silent } else { Place::Aside };
    }
    if !is_touched(moving, candidate, known, busy) {
        let was_read =
            known.observed.on_nodes.get(&candidate.id).is_some_and(|on_node| on_node.probe.is_some());
        return match node::judge(known, object, candidate, moving.to, busy) {
            Verdict::Not(finding) if finding.reason.nature() == Nature::SetAside => Place::Aside,
            // It cannot even be read.
            Verdict::Not(finding) if !was_read && finding.reason.nature() == Nature::Fault => Place::Aside,
            _ if !was_read => Place::Unread,
            // It has the right content already, under another name.
            Verdict::Right => Place::Healthy,
            _ => Place::Waiting,
        };
    }
    let nothing = OnNode::default();
    let on_node = known.observed.on_nodes.get(&candidate.id).unwrap_or(&nothing);
    let failing = failing(moving, candidate, on_node, bake);
    // What failed before a person said to try again does not count any more.
    if let Some(failing) = failing.filter(|failing| retried.is_none_or(|retried| failing.at > retried)) {
        return Place::Failed(failing);
    }
    match node::judge(known, object, candidate, moving.to, busy) {
        Verdict::Right => baking(moving, candidate, known, on_node, bake),
        Verdict::Not(finding) if finding.reason.nature() == Nature::SetAside => Place::Aside,
        _ => Place::Underway,
    }
}

fn baking(
    moving: Move<'_>,
    candidate: &Candidate<'_>,
    known: &Known<'_>,
    on_node: &OnNode,
    bake: SignedDuration,
) -> Place {
    let (Some((read, _)), Some(since)) = (&on_node.probe, node::since(moving.to, on_node)) else {
        return Place::Underway;
    };
    let until = since + bake;
    if *read < until {
        return Place::Baking { until, is_read: false };
    }
    match telemetry::of(known.observed, candidate, moving.to, since, known.now) {
        Telemetry::Awaited { until, .. } => Place::Baking { until, is_read: true },
        // The next stage waits for the answer as long as for the events themselves.
        Telemetry::Untold { until, .. } if known.now < until => Place::Baking { until, is_read: true },
        Telemetry::Stopped(what) => {
            let brought = configured(moving, on_node).or_else(|| installed(moving, on_node));
            Place::Failed(Failing {
                at: known.now,
                why: format!("since {} has the release, nothing arrives in {what}", candidate.id),
                command: brought.map(|brought| brought.command.clone()),
                output: brought.map_or_else(|| "".into(), |brought| brought.output.clone()),
            })
        }
        // A metric that was not there before either is not the release's doing.
        Telemetry::Untold { .. } | Telemetry::Missing(_) | Telemetry::Arriving => Place::Healthy,
    }
}

/// Whether a command of ours brought the node anything of what it moves to.
fn was_brought(moving: Move<'_>, candidate: &Candidate<'_>, known: &Known<'_>) -> bool {
    let is_new = |on_node: &OnNode| {
        (moving.is_new_config() && configured(moving, on_node).is_some())
            || (moving.is_new_version() && installed(moving, on_node).is_some())
    };
    known.observed.on_nodes.get(&candidate.id).is_some_and(is_new)
}

/// The command that brought the configuration, if the node ran it.
fn configured<'a>(moving: Move<'_>, on_node: &'a OnNode) -> Option<&'a StepResult> {
    let config = moving.to.config.as_ref()?;
    let result = on_node.results.get(&Step::Configure)?;
    (*result.wanted == *config.location && result.status != InvocationStatus::NeverRan).then_some(result)
}

fn installed<'a>(moving: Move<'_>, on_node: &'a OnNode) -> Option<&'a StepResult> {
    let wanted = moving.to.version.as_deref()?;
    let result = on_node.results.get(&Step::Install)?;
    (*result.wanted == *wanted && result.status == InvocationStatus::Success).then_some(result)
}

fn failing(
    moving: Move<'_>,
    candidate: &Candidate<'_>,
    on_node: &OnNode,
    bake: SignedDuration,
) -> Option<Failing> {
    let configured = configured(moving, on_node);
    let start = on_node.results.get(&Step::Start).filter(|start| start.status == InvocationStatus::Success);
    // Where what brought it is not known any more, it was started with it at least.
    let brought = configured.or_else(|| installed(moving, on_node)).or(start)?;
    let failing = |at: Timestamp, why: String| Failing {
        at,
        why,
        command: Some(brought.command.clone()),
        output: brought.output.clone(),
    };
    if brought.status == InvocationStatus::Failed {
        let is_refused = REFUSALS.iter().any(|refusal| brought.output.contains(refusal));
        return is_refused
            .then(|| failing(brought.finished, format!("{} refused the configuration", candidate.id)));
    }
    let (read, probe) = on_node.probe.as_ref()?;
    let config = moving.to.config.as_ref()?;
    let file = probe.files.iter().find(|file| file.sha256.as_deref() == Some(&*config.sha256))?;
    // An agent that was found stopped late, and started by us, had its chance when that was done.
    let last = start.map_or(brought.finished, |start| start.finished.max(brought.finished));
    if *read < last {
        return None;
    }
    if probe.status == AgentStatus::Stopped && *read <= last + bake + AFTER_BAKE {
        return Some(failing(
            *read,
            format!("the agent of {} did not stay up with the release", candidate.id),
        ));
    }
    // One restart brings a release. An agent that starts again well into the bake keeps falling over. Both moments
    // are the node's own: its clock may be minutes off.
    let settled = (bake / 2).max(AFTER_BAKE).as_secs();
    let is_again = |started: Timestamp| started.as_second() > file.modified.saturating_add(settled);
    let is_unrest = configured.is_some() && !bake.is_zero() && probe.started.is_some_and(is_again);
    let was_ours = on_node.results.get(&Step::Start).is_some_and(|start| start.finished >= brought.finished);
    (is_unrest && !was_ours && *read <= brought.finished + bake * 2 + AFTER_BAKE)
        .then(|| failing(*read, format!("the agent of {} keeps restarting with the release", candidate.id)))
}
