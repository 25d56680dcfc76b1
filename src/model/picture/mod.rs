//! One scope as people are shown it after a pass: where every object, node and network stands, what is open, what is
//! observed. The page, the metrics, `status`, `coverage` and the snapshots in the log group all show this one value.
//!
//! It tells what a pass knew and decided, and decides nothing. It must hold nothing that a reader may not see: no
//! parameter's content, no output of a command.

mod age;
mod coverage;
mod parts;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::desired::Kind;
use super::event::Event;
use super::plan::{Known, Plan};
use super::reason::{Nature, Reason};
use super::status::Status;

pub use age::good_for;
pub use coverage::{Category, Coverage, Line, Share, Signal};
pub use parts::{Condition, Part, Sort};

/// One scope after a pass.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Picture {
    /// The installation.
    pub installation: Arc<str>,
    /// Until when it may be taken for true: by then another pass must have ended.
    pub good_until: Timestamp,
    /// Every object, in conditions.
    pub status: Status,
    /// Every node and network, in conditions, by id.
    pub parts: Vec<Part>,
    /// What is not simply right, counted.
    #[serde(default)]
    pub findings: Vec<Found>,
    /// The stories that are open, worst first: each as the event that would open it now.
    pub open: Vec<Event>,
    /// What is observed of which node and network, and what is not.
    pub coverage: Coverage,
}

/// The picture after a pass. `before` says since when what has not changed is so.
pub fn picture(
    known: &Known<'_>,
    plan: &Plan,
    status: Status,
    open: Vec<Event>,
    before: Option<&Picture>,
) -> Picture {
    let parts = parts::of(known, plan, before);
    let coverage = coverage::of(known, &parts);
    let findings = counted(plan);
    let good_until = status.at + good_for(known.rules.interval);
    let installation = known.rules.installation.clone();
    Picture { installation, good_until, status, parts, findings, open, coverage }
}

/// How many things stand for the same reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// The kind of document that wants it otherwise; none when it concerns the whole scope.
    pub kind: Option<Kind>,
    /// Why.
    pub reason: Reason,
    /// How many.
    pub count: u32,
}

/// By kind, then by reason.
fn counted(plan: &Plan) -> Vec<Found> {
    let mut counts: BTreeMap<(Option<Kind>, Reason), u32> = BTreeMap::new();
    for finding in plan.findings.iter().filter(|finding| finding.reason.nature() != Nature::Fine) {
        let kind = finding.object.as_ref().map(|object| object.kind);
        *counts.entry((kind, finding.reason)).or_default() += 1;
    }
    counts.into_iter().map(|((kind, reason), count)| Found { kind, reason, count }).collect()
}

impl Picture {
    /// The part with this id.
    pub fn part(&self, id: &str) -> Option<&Part> {
        self.parts.binary_search_by(|part| (*part.id).cmp(id)).ok().map(|at| &self.parts[at])
    }

    /// What `word` may stand for where events are looked for: itself, and the nodes and networks of that name.
    pub fn meant_by(&self, word: &str) -> Vec<Arc<str>> {
        let named = self.parts.iter().filter(|part| *part.name == *word).map(|part| part.id.clone());
        std::iter::once(word.into()).chain(named).collect()
    }

    /// How many parts of this sort are in each condition.
    pub fn count(&self, is_meant: impl Fn(Sort) -> bool, condition: Condition) -> usize {
        self.parts.iter().filter(|part| is_meant(part.sort) && part.condition == condition).count()
    }
}
