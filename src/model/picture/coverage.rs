//! What is observed: which node and which network sends which sort of insight, and why the others do not.
//!
//! "Observed" means seen to arrive, not configured: a signal that a document promises and nobody saw counts as
//! missing, and one that cannot be read as unknown.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Sort;
use crate::model::plan::{Known, Plan};
use crate::model::reason::Reason;

/// A sort of insight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Category {
    /// Numbers about a machine.
    Metrics,
    /// Log files and event logs.
    Logs,
    /// Requests followed through services.
    Traces,
    /// Records of network traffic.
    FlowLogs,
}

/// Whether one signal arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Signal {
    /// It does.
    Arriving,
    /// It is asked for and cannot be asked after, or could not be read.
    Unknown,
    /// It is asked for and does not.
    Missing,
    /// No document asks for it.
    NotWanted,
}

/// One signal of one node or network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// The node or network.
    pub id: Arc<str>,
    /// What it is.
    pub sort: Sort,
    /// The sort of insight.
    pub category: Category,
    /// Which one: a file, a namespace with a metric, a log group. Empty: none is wanted.
    pub what: Arc<str>,
    /// Whether it arrives.
    pub signal: Signal,
    /// Why it does not.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<Reason>,
    /// That, for a person.
    #[serde(skip_serializing_if = "str::is_empty", default)]
    pub why: Arc<str>,
}

/// How many nodes, or networks, have a sort of insight.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// All of them that there are.
    pub all: u32,
    /// Of which everything that is wanted arrives, and something is.
    pub observed: u32,
    /// Of which something wanted does not.
    pub missing: u32,
    /// Of which something wanted is not known, and nothing is missing.
    pub unknown: u32,
    /// Of which nothing is wanted.
    pub not_wanted: u32,
}

/// What is observed in one scope.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    /// The figure for each sort of insight.
    pub shares: BTreeMap<Category, Share>,
    /// Every signal, by category, then by id.
    pub lines: Vec<Line>,
}

/// What is observed.
pub(super) fn of(_known: &Known<'_>, _plan: &Plan) -> Coverage {
    Coverage::default()
}
