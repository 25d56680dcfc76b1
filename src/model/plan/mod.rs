//! What to do now, what is waiting and why, and what is already right.
//!
//! [`plan`] is pure, synchronous and total: the same four values always give the same plan. Every safety rule
//! lives in this folder, so every one of them can be tested as plain data. One file per kind decides what an
//! object needs; [`gate`] decides whether a needed change may be made now; nothing outside decides anything.
//!
//! It must not ask AWS, read a clock, draw a number, or log.

mod agent_config;
mod cloudwatch_agent;
mod draft;
mod flow_log;
mod gate;
mod iam_role;
mod log_group;
mod orphans;
mod ownership;
mod scope;
mod stable;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;

use super::action::Action;
use super::desired::{Desired, ObjectRef, Spec};
use super::finding::{Drift, Finding, Tally};
use super::memory::{Change, Memory};
use super::observed::Observed;
use super::reason::Reason;
use super::rollout::Progress;
use super::rules::Rules;
use draft::Draft;

pub(crate) use cloudwatch_agent::{CONFIGURE_DOCUMENT, PACKAGE, PACKAGE_DOCUMENT, wanted};
pub(crate) use flow_log::proof_deadline;
pub use scope::applies;

/// What to do now, what is waiting and why, and what is already right.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Plan {
    /// What to do, in order; each is independent of the others.
    pub actions: Vec<Planned>,
    /// Everything that is not simply right.
    pub findings: Vec<Finding>,
    /// How each object's parts stand.
    pub tallies: BTreeMap<ObjectRef, Tally>,
    /// How far each rollout is.
    pub rollouts: BTreeMap<ObjectRef, Progress>,
    /// The parts that were seen to be right: what was tried on them before is forgiven.
    #[serde(skip)]
    pub right: BTreeSet<Arc<str>>,
    /// The nodes of which nothing can be told before they are read; there is no finding of them.
    #[serde(skip)]
    pub unread: BTreeSet<Arc<str>>,
    /// Since when each kind of command waits for more nodes.
    #[serde(skip)]
    pub batches: BTreeMap<Arc<str>, Timestamp>,
    /// The groups and parameters that carry our tag.
    #[serde(skip)]
    pub ours: BTreeMap<Arc<str>, ObjectRef>,
    /// When something that waits will be due.
    pub look_again: Option<Timestamp>,
}

/// One action with the reason for it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Planned {
    /// What to do.
    pub action: Action,
    /// The object that it is for; none for a probe, which serves all.
    pub object: Option<ObjectRef>,
    /// What it changes: one entry per node, network or thing.
    pub changes: Vec<Change>,
    /// Why.
    pub reason: Reason,
    /// Why, for a person.
    pub why: String,
    /// Field by field, by subject, as far as a person wants to read it.
    pub drift: Vec<(Arc<str>, Vec<Drift>)>,
}

/// Everything that a decision may rest on.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// What people want.
    pub desired: &'a Desired,
    /// What the world was last seen to be.
    pub observed: &'a Observed,
    /// What the last pass remembers.
    pub memory: &'a Memory,
    /// What the operator decided.
    pub rules: &'a Rules,
    /// When the pass began to observe: what it read anew is no older than this.
    pub begun: Timestamp,
    /// What time it is.
    pub now: Timestamp,
}

/// Decides.
pub fn plan(known: Known<'_>) -> Plan {
    let mut draft = Draft::new(known);
    let objects =
        known.desired.objects.values().filter(|object| applies(known.desired, known.observed, object));
    let mut agents = Vec::new();
    for object in objects {
        match &object.spec {
            Spec::Account(_) => {}
            Spec::IamRole(role) => iam_role::plan(&mut draft, object, role),
            Spec::LogGroup(group) => log_group::plan(&mut draft, object, group),
            Spec::AgentConfig(config) => agent_config::plan(&mut draft, object, config),
            Spec::CloudWatchAgent(agent) => agents.push((&**object, agent)),
            Spec::FlowLog(flow_log) => flow_log::plan(&mut draft, object, flow_log),
        }
    }
    // All agents together: two of them may select one node, and probes serve all.
    cloudwatch_agent::plan(&mut draft, &agents);
    orphans::plan(&mut draft);
    draft.finish()
}

/// The ownership tag's value for an object: `<installation>/<kind>/<name>`.
pub fn owner(rules: &Rules, id: &ObjectRef) -> String {
    format!("{}/{id}", rules.installation)
}
