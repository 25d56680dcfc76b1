//! Where every object stands, in conditions.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::desired::{Kind, ObjectRef};
use super::finding::{Finding, Tally};
use super::plan::{Known, Plan, applies};
use super::reason::{Nature, Reason};
use super::rollout::Progress;

/// Yes, no, or not known: never guessed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Truth {
    /// Yes.
    True,
    /// No.
    False,
    /// It could not be read.
    Unknown,
}

/// Where one object stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Standing {
    /// The object.
    pub object: ObjectRef,
    /// Is everything that can be managed as the document says?
    pub ready: Truth,
    /// Is Watchkeeper at it?
    pub reconciling: bool,
    /// Does it need a person, or keep failing?
    pub stalled: bool,
    /// The worst reason for not being ready; else `Converged`.
    pub reason: Reason,
    /// In one sentence.
    pub message: String,
    /// Parts that the document selects.
    pub selected: u32,
    /// Parts that are right.
    pub right: u32,
    /// Parts that cannot be managed, by reason.
    pub set_aside: BTreeMap<Reason, u32>,
    /// Since when it stands like this.
    pub since: Timestamp,
    /// When something of it is looked at, or tried, again.
    #[serde(default)]
    pub until: Option<Timestamp>,
}

/// Where a whole scope stands after a pass.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// The account.
    pub account: Arc<str>,
    /// The Region.
    pub region: Arc<str>,
    /// The revision of the folder.
    pub revision: Arc<str>,
    /// When the pass ended.
    pub at: Timestamp,
    /// How many passes there were.
    pub passes: u64,
    /// Every object.
    pub objects: Vec<Standing>,
    /// What concerns the scope as a whole.
    pub general: Vec<(Reason, String)>,
    /// How far each rollout is.
    #[serde(default)]
    pub rollouts: BTreeMap<ObjectRef, Progress>,
}

impl Status {
    /// Whether every object is ready and nothing general is in the way.
    pub fn is_ready(&self) -> bool {
        self.objects.iter().all(|standing| standing.ready == Truth::True)
            && !self.general.iter().any(|(reason, _)| reason.nature() >= Nature::Fault)
    }

    /// How many objects are ready.
    pub fn ready_count(&self) -> usize {
        self.objects.iter().filter(|standing| standing.ready == Truth::True).count()
    }
}

/// Derives the status of a scope. `before` says since when what has not changed is so.
pub fn status(known: &Known<'_>, plan: &Plan, before: Option<&Status>, passes: u64) -> Status {
    let mut findings: BTreeMap<&ObjectRef, Vec<&Finding>> = BTreeMap::new();
    for finding in &plan.findings {
        if let Some(object) = &finding.object {
            findings.entry(object).or_default().push(finding);
        }
    }
    let none = Vec::new();
    let mut objects: Vec<Standing> = known
        .desired
        .objects
        .values()
        .filter(|object| object.id.kind != Kind::Account && applies(known.desired, known.observed, object))
        .map(|object| {
            let mine = findings.get(&object.id).unwrap_or(&none);
            let tally = plan.tallies.get(&object.id).copied().unwrap_or_default();
            standing(known, &object.id, object.common.require_all, tally, mine, before)
        })
        .collect();
    objects.extend(never_right(known, before));
    let identity = known.observed.identity.known();
    let general = plan.findings.iter().filter(|finding| finding.object.is_none());
    Status {
        account: identity.map_or_else(|| "unknown".into(), |identity| identity.account.clone()),
        region: identity.map_or_else(|| "unknown".into(), |identity| identity.region.clone()),
        revision: known.desired.revision.0.clone(),
        at: known.now,
        passes,
        objects,
        general: general.map(|finding| (finding.reason, finding.to_string())).collect(),
        rollouts: plan.rollouts.clone(),
    }
}

/// Documents that have mistakes and no last good version: nothing is done for them, so they are not ready.
fn never_right<'a>(known: &'a Known<'_>, before: Option<&'a Status>) -> impl Iterator<Item = Standing> + 'a {
    let broken = known.desired.broken.iter().filter(|(id, _)| known.desired.get(id).is_none());
    broken.map(move |(id, at)| {
        let finding = Finding::of(id, Reason::InvalidDocument, format!("{at} has mistakes"));
        Standing {
            ready: Truth::False,
            stalled: true,
            ..standing(known, id, true, Tally::default(), &[&finding], before)
        }
    })
}

fn standing(
    known: &Known<'_>,
    object: &ObjectRef,
    require_all: bool,
    tally: Tally,
    findings: &[&Finding],
    before: Option<&Status>,
) -> Standing {
    let mut set_aside: BTreeMap<Reason, u32> = BTreeMap::new();
    for finding in findings.iter().filter(|finding| finding.reason.nature() == Nature::SetAside) {
        *set_aside.entry(finding.reason).or_default() += 1;
    }
    // A document that has mistakes now is judged by its last good version, where it has one.
    let has_good_version = known.desired.get(object).is_some();
    let blocks = |finding: &&&Finding| {
        let nature = finding.reason.nature();
        nature > Nature::Note
            && (require_all || nature != Nature::SetAside)
            && !(has_good_version && finding.reason == Reason::InvalidDocument)
    };
    let worst = findings.iter().filter(blocks).max_by_key(|finding| finding.reason.nature());
    let wanted = if require_all { tally.selected } else { tally.selected.saturating_sub(tally.set_aside) };
    let is_right = tally.right >= wanted && worst.is_none();
    let (reason, message) = match worst {
        Some(finding) => (finding.reason, summary(finding, findings)),
        None if is_right => (Reason::Converged, counted(tally)),
        None => (Reason::NotProbed, counted(tally)),
    };
    // What AWS refused to let us change is known to differ; what it refused to let us read is not known.
    let is_unread = worst.is_some_and(|finding| finding.note.is_none() && finding.drift.is_empty());
    let ready = match reason {
        Reason::Unreadable | Reason::NotRead => Truth::Unknown,
        Reason::AccessDenied | Reason::Throttled if is_unread => Truth::Unknown,
        _ if is_right => Truth::True,
        _ => Truth::False,
    };
    let nature = reason.nature();
    let earlier = before.and_then(|before| before.objects.iter().find(|standing| standing.object == *object));
    let since = earlier
        .filter(|earlier| earlier.ready == ready && earlier.reason == reason)
        .map(|earlier| earlier.since);
    Standing {
        object: object.clone(),
        ready,
        reconciling: nature == Nature::Converging,
        stalled: nature >= Nature::Fault,
        reason,
        message,
        selected: tally.selected,
        right: tally.right,
        set_aside,
        since: since.unwrap_or(known.now),
        until: findings.iter().filter(blocks).filter_map(|finding| finding.until).min(),
    }
}

fn summary(worst: &Finding, findings: &[&Finding]) -> String {
    let same = findings.iter().filter(|finding| finding.reason == worst.reason).count();
    if same > 1 { format!("{worst} (and {} more like it)", same - 1) } else { worst.to_string() }
}

fn counted(tally: Tally) -> String {
    match (tally.selected, tally.set_aside) {
        (1, 0) => String::new(),
        (selected, 0) => format!("{} of {selected} right", tally.right),
        (selected, aside) => format!("{} of {selected} right, {aside} cannot be managed", tally.right),
    }
}
