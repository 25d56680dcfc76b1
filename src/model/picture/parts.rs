//! Every node and every network in one condition, with the reason for it.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Picture;
use crate::model::desired::{Kind, ObjectRef};
use crate::model::explain::Selectors;
use crate::model::finding::Finding;
use crate::model::observed::{InstanceState, Observed};
use crate::model::plan::{Known, Plan};
use crate::model::reason::{Nature, Reason};
use crate::model::status::Truth;
use crate::model::tags::Tags;

/// How much of a message is kept, in characters: ten thousand nodes have one each.
const MESSAGE: usize = 200;

/// What a part is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Sort {
    /// An instance, or a machine that SSM manages.
    Node,
    /// A VPC.
    Vpc,
    /// A subnet.
    Subnet,
    /// A network interface.
    Interface,
}

/// Where a node or a network stands. In this order the worst is the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Condition {
    /// No document selects it.
    Unmanaged,
    /// As its documents say.
    Ready,
    /// Watchkeeper is at it.
    Reconciling,
    /// It cannot be managed as it is, or a person's word is waited for.
    Held,
    /// It could not be read, or what was read is too old.
    Unknown,
    /// It keeps failing.
    Stalled,
}

/// One node or network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// Its id.
    pub id: Arc<str>,
    /// What it is.
    pub sort: Sort,
    /// What people call it: its Name tag, else its host name. May be empty, and may hold anything.
    pub name: Arc<str>,
    /// Where it stands.
    pub condition: Condition,
    /// The worst reason; `Converged` where all is right or nothing is wanted.
    pub reason: Reason,
    /// In a sentence.
    pub message: String,
    /// The objects that select it.
    pub objects: Vec<ObjectRef>,
    /// Since when it has stood like this.
    pub since: Timestamp,
    /// When it is looked at, or tried, again.
    pub until: Option<Timestamp>,
}

impl Condition {
    /// Every condition, the worst last.
    pub const ALL: [Self; 6] =
        [Self::Unmanaged, Self::Ready, Self::Reconciling, Self::Held, Self::Unknown, Self::Stalled];

    /// The word itself.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Unmanaged => "Unmanaged",
            Self::Ready => "Ready",
            Self::Reconciling => "Reconciling",
            Self::Held => "Held",
            Self::Unknown => "Unknown",
            Self::Stalled => "Stalled",
        }
    }

    /// Where an object stands, in the words of its parts: whether it is ready, and the worst reason why not.
    pub const fn of_object(ready: Truth, reason: Reason) -> Self {
        match (ready, reason.nature()) {
            (Truth::True, _) => Self::Ready,
            (Truth::Unknown, _) => Self::Unknown,
            (Truth::False, Nature::Converging) => Self::Reconciling,
            (Truth::False, Nature::Fault) => Self::Stalled,
            (Truth::False, Nature::Fine | Nature::Note | Nature::SetAside | Nature::Held) => Self::Held,
        }
    }

    /// The condition that a reason puts a part in.
    pub const fn of(reason: Reason) -> Self {
        match (reason, reason.nature()) {
            (
                Reason::Unreadable
                | Reason::AccessDenied
                | Reason::NotRead
                | Reason::NotProbed
                | Reason::PassOverdue,
                _,
            ) => Self::Unknown,
            (_, Nature::Fine | Nature::Note) => Self::Ready,
            (_, Nature::Converging) => Self::Reconciling,
            (_, Nature::SetAside | Nature::Held) => Self::Held,
            (_, Nature::Fault) => Self::Stalled,
        }
    }
}

impl Sort {
    /// What a person calls it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Node => "node",
            Self::Vpc => "VPC",
            Self::Subnet => "subnet",
            Self::Interface => "interface",
        }
    }
}

impl Part {
    /// A node that has not said yet how it is.
    fn not_probed(self) -> Self {
        let message = "it has not been read since its last change, or not at all yet".to_owned();
        Self { condition: Condition::Unknown, reason: Reason::NotProbed, message, ..self }
    }
}

/// Every node and VPC, and every other network that a document selects; by id.
pub(super) fn of(known: &Known<'_>, plan: &Plan, before: Option<&Picture>) -> Vec<Part> {
    let mut worst: BTreeMap<&str, &Finding> = BTreeMap::new();
    for finding in &plan.findings {
        let Some(subject) = finding.subject.as_deref() else { continue };
        let held = worst.entry(subject).or_insert(finding);
        if rank(finding) > rank(held) {
            *held = finding;
        }
    }
    let unread = unread(plan);
    let selectors = Selectors::of(known);
    let mut parts: Vec<Part> = subjects(known.observed)
        .filter_map(|(id, sort, name)| {
            let objects = match sort {
                Sort::Node => selectors.of_node(&id),
                Sort::Vpc | Sort::Subnet | Sort::Interface => selectors.of_network(&id),
            };
            let is_shown = !objects.is_empty() || matches!(sort, Sort::Node | Sort::Vpc);
            let finding = worst.get(&*id).copied();
            let finding = finding.or_else(|| objects.iter().find_map(|object| unread.get(object).copied()));
            let is_unread = finding.is_none() && plan.unread.contains(&id);
            is_shown.then(|| {
                let part = Part { sort, name, ..part(known, id, objects, finding) };
                if is_unread { part.not_probed() } else { part }
            })
        })
        .collect();
    parts.sort_by(|left, right| left.id.cmp(&right.id));
    if let Some(before) = before {
        keep_since(&mut parts, &before.parts);
    }
    parts
}

/// The worst first, by what it means for the part.
fn rank(finding: &Finding) -> (Condition, Nature) {
    (Condition::of(finding.reason), finding.reason.nature())
}

/// Objects of which nothing is known as a whole: then nothing is known of their parts either.
fn unread(plan: &Plan) -> BTreeMap<&ObjectRef, &Finding> {
    let findings = plan.findings.iter().filter(|finding| finding.subject.is_none());
    let findings = findings.filter(|finding| {
        let reason = finding.reason;
        Condition::of(reason) == Condition::Unknown || reason == Reason::Throttled
    });
    findings.filter_map(|finding| Some((finding.object.as_ref()?, finding))).collect()
}

fn part(known: &Known<'_>, id: Arc<str>, objects: Vec<ObjectRef>, worst: Option<&Finding>) -> Part {
    let is_managed =
        objects.iter().any(|object| matches!(object.kind, Kind::CloudWatchAgent | Kind::FlowLog));
    let condition = match worst {
        // Of the object as a whole: it could not be read.
        Some(finding) if finding.subject.is_none() => Condition::Unknown,
        Some(finding) => Condition::of(finding.reason),
        None if is_managed => Condition::Ready,
        None => Condition::Unmanaged,
    };
    Part {
        id,
        sort: Sort::Node,
        name: Arc::default(),
        condition,
        reason: worst.map_or(Reason::Converged, |finding| finding.reason),
        message: worst.map(|finding| cut(&finding.to_string())).unwrap_or_default(),
        objects,
        since: known.now,
        until: worst.and_then(|finding| finding.until),
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(MESSAGE) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

/// What there is, with the name that people know it by.
fn subjects(observed: &Observed) -> impl Iterator<Item = (Arc<str>, Sort, Arc<str>)> {
    let alive = observed.instances.iter().filter(|(_, row)| row.state != InstanceState::Terminated);
    let instances = alive.map(|(id, row)| {
        let host = || observed.nodes.get(id).map(|node| node.computer_name.clone());
        (id.clone(), Sort::Node, name_tag(&row.tags).or_else(host).unwrap_or_default())
    });
    let elsewhere = observed.nodes.iter().filter(|(id, _)| observed.instances.get(id).is_none());
    let machines = elsewhere
        .filter(|(id, _)| id.starts_with("mi-") || !observed.instances.is_known())
        .map(|(id, row)| (id.clone(), Sort::Node, row.computer_name.clone()));
    let named =
        |sort| move |(id, tags): (&Arc<str>, &Tags)| (id.clone(), sort, name_tag(tags).unwrap_or_default());
    let vpcs = observed.vpcs.iter().map(|(id, row)| (id, &row.tags)).map(named(Sort::Vpc));
    let subnets = observed.subnets.iter().map(|(id, row)| (id, &row.tags)).map(named(Sort::Subnet));
    let interfaces = observed.interfaces.iter().map(|(id, row)| (id, &row.tags)).map(named(Sort::Interface));
    instances.chain(machines).chain(vpcs).chain(subnets).chain(interfaces)
}

fn name_tag(tags: &Tags) -> Option<Arc<str>> {
    tags.get("Name").filter(|name| !name.is_empty()).map(Into::into)
}

/// Both are in the order of their ids.
fn keep_since(parts: &mut [Part], before: &[Part]) {
    let mut earlier = before.iter().peekable();
    for part in parts {
        while earlier.next_if(|row| row.id < part.id).is_some() {}
        if let Some(row) = earlier.peek().filter(|row| row.id == part.id)
            && (row.condition, row.reason) == (part.condition, part.reason)
        {
            part.since = row.since;
        }
    }
}
