//! One node, network or object on one screen: what applies to it and why, what was observed and how old that is,
//! what is being done or waited for, and the last commands.
//!
//! Pure, as everything in the model: it tells what the last pass knew and decided, and decides nothing itself.

mod applies;
mod doing;
mod facts;
mod index;
mod subject;

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::desired::ObjectRef;
use super::event::Event;
use super::plan::{Known, Plan};
use super::reason::Reason;
use super::status::{Status, Truth};

pub use applies::{Selectors, needed, platform, referred, selecting};
use index::Index;
pub use subject::{NotKnown, Subject, find};

/// Everything that is known of one subject.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Explanation {
    /// What it is about.
    pub subject: Subject,
    /// The subject in a few words.
    pub title: String,
    /// When this was told.
    pub at: Timestamp,
    /// The account.
    pub account: Arc<str>,
    /// The Region.
    pub region: Arc<str>,
    /// The revision of the folder.
    pub revision: Arc<str>,
    /// The documents that apply to it, and why they do.
    pub applies: Vec<Applies>,
    /// What was observed of it.
    pub observed: Vec<Fact>,
    /// What is being done about it, or waited for.
    pub doing: Vec<Doing>,
    /// The last commands that concerned it, the newest first.
    pub commands: Vec<Ran>,
    /// The last events that concerned it, the oldest first.
    #[serde(default)]
    pub events: Vec<Event>,
}

/// A document that applies.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Applies {
    /// Which.
    pub object: ObjectRef,
    /// File and line.
    pub at: String,
    /// By what it applies.
    pub how: String,
    /// What may be done for it: `enforce`, `observe` or `paused`.
    pub management: String,
    /// Where it stands: whether it is ready, why not, and that in a sentence.
    pub standing: Option<(Truth, Reason, String)>,
}

/// Something that was observed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fact {
    /// What, in a word or two.
    pub what: String,
    /// What is so; or that it is not known, and why.
    pub value: String,
    /// How old that is, in seconds, where it has an age.
    pub age: Option<i64>,
}

/// Something that is being done, or waited for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Doing {
    /// The object that it is for.
    pub object: Option<ObjectRef>,
    /// The part that it is about.
    pub part: Option<Arc<str>>,
    /// Why.
    pub reason: Reason,
    /// What is the case, for a person.
    pub message: String,
    /// Field by field.
    pub drift: Vec<String>,
    /// When it is looked at, or tried, again.
    pub until: Option<Timestamp>,
    /// What a person should do.
    pub next: Option<String>,
}

/// One command on one node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ran {
    /// The command's id.
    pub command: Arc<str>,
    /// The node; none: all of the command's nodes together.
    pub node: Option<Arc<str>>,
    /// What it does, and with what.
    pub what: String,
    /// What became of it.
    pub outcome: String,
    /// When it was requested.
    pub requested: Timestamp,
    /// When it finished there.
    pub finished: Option<Timestamp>,
    /// The end of what it printed.
    pub output: String,
}

impl Ran {
    /// Whether it went wrong on its node.
    pub fn has_failed(&self) -> bool {
        self.outcome.starts_with(doing::FAILED)
    }
}

/// What is known of `subject`, without its events. `plan` and `status` are those of the last pass.
pub fn explain(known: &Known<'_>, plan: &Plan, status: &Status, subject: &Subject) -> Explanation {
    explained(&Index::new(known, plan), status, subject)
}

/// The same of many subjects, in their order.
pub fn explain_all(
    known: &Known<'_>,
    plan: &Plan,
    status: &Status,
    subjects: &[Subject],
) -> Vec<Explanation> {
    let index = Index::new(known, plan);
    subjects.iter().map(|subject| explained(&index, status, subject)).collect()
}

fn explained(index: &Index<'_>, status: &Status, subject: &Subject) -> Explanation {
    let known = &index.known;
    Explanation {
        subject: subject.clone(),
        title: facts::title(known, subject),
        at: known.now,
        account: status.account.clone(),
        region: status.region.clone(),
        revision: status.revision.clone(),
        applies: applies::of(known, status, subject),
        observed: facts::of(index, status, subject),
        doing: doing::of(index, subject),
        commands: doing::commands(index, subject),
        events: Vec::new(),
    }
}
