//! What is observed: which node and which network sends which sort of insight, and why the others do not.
//!
//! "Observed" means seen to arrive, not configured: a signal that a document promises and nobody saw counts as
//! missing, and one that cannot be read as unknown. A log may be quiet because nothing is written: its silence is missing
//! only where something else is wrong with the node.

mod csv;
mod networks;
mod nodes;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Part, Sort};
use crate::model::plan::Known;
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

/// Whether one signal arrives. In this order the worst is the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Signal {
    /// No document asks for it.
    NotWanted,
    /// It does.
    Arriving,
    /// A document asks for it, and whether it arrives could not be read, or cannot be.
    Unknown,
    /// A document asks for it, and it does not.
    Missing,
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

/// What is observed of `parts`.
pub(super) fn of(known: &Known<'_>, parts: &[Part]) -> Coverage {
    let promises = nodes::promises(known);
    let running = known.observed.running_interfaces();
    // Parts come in the order of their ids, and stay so within each category.
    let mut lines: [Vec<Line>; 4] = Default::default();
    let [metrics, logs, traces, flow_logs] = &mut lines;
    for part in parts {
        match part.sort {
            Sort::Node => nodes::lines(known, &promises, part, [&mut *metrics, &mut *logs, &mut *traces]),
            Sort::Vpc | Sort::Subnet | Sort::Interface => networks::lines(known, &running, part, flow_logs),
        }
    }
    let mut coverage = Coverage { lines: lines.into_iter().flatten().collect(), ..Coverage::default() };
    coverage.count();
    coverage
}

impl Coverage {
    /// Each node or network counts once in a category, by the worst of its signals there.
    pub(super) fn count(&mut self) {
        self.shares.clear();
        for of_one in
            self.lines.chunk_by(|left, right| (left.category, &left.id) == (right.category, &right.id))
        {
            let Some(first) = of_one.first() else { continue };
            // Subnets and interfaces are parts of the VPCs that are counted.
            if matches!(first.sort, Sort::Subnet | Sort::Interface) {
                continue;
            }
            let share = self.shares.entry(first.category).or_default();
            share.all += 1;
            let worst = of_one.iter().map(|line| line.signal).max().unwrap_or(Signal::NotWanted);
            *match worst {
                Signal::NotWanted => &mut share.not_wanted,
                Signal::Arriving => &mut share.observed,
                Signal::Unknown => &mut share.unknown,
                Signal::Missing => &mut share.missing,
            } += 1;
        }
    }
}

impl Share {
    /// The observed part of all in whole percent, rounded down: only all of them are 100.
    pub fn percent(&self) -> u32 {
        self.observed.saturating_mul(100).checked_div(self.all).unwrap_or(100)
    }

    /// The observed part of all, from 0 to 1; 1 where there is nothing.
    pub fn ratio(&self) -> f64 {
        if self.all == 0 { 1.0 } else { f64::from(self.observed) / f64::from(self.all) }
    }
}

impl Category {
    /// Every category.
    pub const ALL: [Self; 4] = [Self::Metrics, Self::Logs, Self::Traces, Self::FlowLogs];

    /// The word itself.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Metrics => "metrics",
            Self::Logs => "logs",
            Self::Traces => "traces",
            Self::FlowLogs => "flow-logs",
        }
    }
}

impl Signal {
    /// The word itself.
    pub const fn word(self) -> &'static str {
        match self {
            Self::NotWanted => "not wanted",
            Self::Arriving => "arriving",
            Self::Unknown => "unknown",
            Self::Missing => "missing",
        }
    }
}
