//! Every family of metrics: one row each, with its name, kind, labels and help.
//!
//! A family that is not in this table cannot be made. `docs/metrics.md`, the dashboards and the alert rules are held
//! against it by tests. Labels are words of closed lists, names of documents, of APIs and of sinks: never a node's id
//! or name, since each new value of a label is a series that the reader keeps and pays for.

use Cloud::{By, No, Total};
use Kind::{Counter, Gauge, Histogram, Info};

/// What sort of numbers a family has.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// A number that only grows while the process lives.
    Counter,
    /// A number as it is now.
    Gauge,
    /// How many observations were at most so large; the upper bounds, growing.
    Histogram(&'static [f64]),
    /// Text in labels; the value is always 1.
    Info,
}

/// What CloudWatch gets of a family. It bills each metric with each set of dimensions, so most labels are summed up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cloud {
    /// Nothing.
    No,
    /// The sum over all labels.
    Total,
    /// The sum for each value of this label, which becomes a dimension.
    By(&'static str),
}

/// One family.
#[derive(Debug, PartialEq)]
pub struct Def {
    /// Its name, without what a format appends (`_total`, `_info`, `_bucket`).
    pub name: &'static str,
    /// What sort of numbers it has.
    pub kind: Kind,
    /// The names of its labels, in the order in which they are written.
    pub labels: &'static [&'static str],
    /// What CloudWatch gets of it.
    pub cloud: Cloud,
    /// What it says, in a sentence: no line break, no backslash, no quotation mark.
    pub help: &'static str,
}

impl Def {
    /// The name by which queries call it.
    pub fn full_name(&self) -> String {
        match self.kind {
            Counter => format!("{}_total", self.name),
            Info => format!("{}_info", self.name),
            Gauge | Histogram(_) => self.name.to_owned(),
        }
    }

    /// The unit that OpenMetrics wants said when the name ends with it.
    pub fn unit(&self) -> Option<&'static str> {
        ["seconds", "bytes", "ratio"]
            .into_iter()
            .find(|unit| self.name.strip_suffix(unit).is_some_and(|rest| rest.ends_with('_')))
    }
}

/// How long passes take: from a small estate that is converged to a large one that AWS throttles.
const PASS: &[f64] = &[0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0];
/// How long convergence takes: from one API call to a rollout that waits for its window.
const CONVERGE: &[f64] =
    &[5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1_800.0, 3_600.0, 14_400.0, 43_200.0, 86_400.0];

macro_rules! families {
    ($($id:ident, $name:literal, $kind:expr, [$($label:literal),*], $cloud:expr, $help:literal;)*) => {
        $(#[doc = $help] pub static $id: Def = Def {
            name: $name, kind: $kind, labels: &[$($label),*], cloud: $cloud, help: $help,
        };)*
        /// Every family, in the order in which they are told.
        pub static ALL: &[&Def] = &[$(&$id),*];
    };
}

families! {
    BUILD, "watchkeeper_build", Info, ["version"], No, "The version of the program.";
    SCOPE, "watchkeeper", Info, ["installation", "account", "region", "revision"], No, "What this controller looks after, and the revision of the folder that it goes by.";

    LAST_PASS, "watchkeeper_last_pass_timestamp_seconds", Gauge, [], No, "When the last pass ended, in seconds since 1970.";
    LAST_PASS_AGE, "watchkeeper_last_pass_age_seconds", Gauge, [], Total, "How long ago the last pass ended.";
    PASS_OVERDUE, "watchkeeper_pass_overdue", Gauge, [], Total, "1 when the last pass is so long ago that the loop must be taken to hang, as /healthz says it.";
    RECONCILE, "watchkeeper_reconcile", Counter, ["result"], No, "Passes, by whether every action in them worked (success, error).";
    RECONCILE_ERRORS, "watchkeeper_reconcile_errors", Counter, [], Total, "Passes in which an action failed.";
    RECONCILE_TIME, "watchkeeper_reconcile_time_seconds", Histogram(PASS), [], Total, "How long passes took.";

    OBJECTS, "watchkeeper_objects", Gauge, ["kind", "condition"], By("condition"), "Documents that apply here, by kind and condition.";
    NODES, "watchkeeper_nodes", Gauge, ["condition"], By("condition"), "Nodes by condition.";
    NETWORKS, "watchkeeper_networks", Gauge, ["condition"], By("condition"), "VPCs, and subnets and interfaces that documents select, by condition.";
    DRIFT, "watchkeeper_drift", Gauge, ["kind", "reason"], By("reason"), "What is not simply right, by kind of document and reason; kind is Scope where it concerns no document.";
    OPEN_EVENTS, "watchkeeper_open_events", Gauge, ["severity", "category"], By("severity"), "Causes that are open now.";
    EVENTS, "watchkeeper_events", Counter, ["severity", "category", "phase"], By("phase"), "Events told, by severity, category and phase (opened, updated, resolved).";
    TIME_TO_CONVERGE, "watchkeeper_time_to_converge_seconds", Histogram(CONVERGE), ["of"], By("of"), "How long drift lasted (of=drift, from its opened to its resolved event), and documents were not Ready (of=object).";

    COMMANDS, "watchkeeper_commands_in_flight", Gauge, [], Total, "Run Commands of ours that have not ended.";
    ROLLOUT_STAGE, "watchkeeper_rollout_stage", Gauge, ["object"], No, "The stage of the rollout that is under way, from 1; 0 when there is none.";
    ROLLOUT_STAGES, "watchkeeper_rollout_stages", Gauge, ["object"], No, "How many stages the rollout has.";
    ROLLOUT_NODES, "watchkeeper_rollout_nodes", Gauge, ["object", "state"], No, "Nodes that the release brings something new to, by state (waiting, changing, baking, healthy, failed).";
    ROLLOUT_ETA, "watchkeeper_rollout_eta_seconds", Gauge, ["object"], No, "How long the rollout will still take, where that can be told.";
    ROLLOUT_HALTED, "watchkeeper_rollout_halted", Gauge, ["object"], Total, "1 when the release was rejected and its nodes go back to the stable one.";

    COVERAGE_RATIO, "watchkeeper_coverage_ratio", Gauge, ["category"], By("category"), "The share of all nodes, or networks, of which this sort of insight is wanted and all of it arrives.";
    COVERAGE, "watchkeeper_coverage", Gauge, ["category", "state"], No, "Nodes, or networks, by sort of insight and state (observed, missing, unknown, not-wanted).";

    API_CALLS, "watchkeeper_aws_api_calls", Counter, ["api", "outcome"], No, "Attempts to call AWS, retries included, by outcome (ok, throttled, error).";
    API_THROTTLES, "watchkeeper_aws_api_throttles", Counter, ["api"], Total, "Attempts that AWS refused because there were too many.";
    API_RATE, "watchkeeper_aws_api_rate_limit", Gauge, ["api"], No, "Calls per second that Watchkeeper allows itself at present; it falls when AWS throttles.";

    SINK_QUEUED, "watchkeeper_sink_queued", Gauge, ["sink"], No, "Events that wait to be delivered.";
    SINK_BYTES, "watchkeeper_sink_queued_bytes", Gauge, ["sink"], No, "How large the events are that wait.";
    SINK_DELIVERED, "watchkeeper_sink_delivered", Counter, ["sink"], No, "Events delivered.";
    SINK_DROPPED, "watchkeeper_sink_dropped", Counter, ["sink"], Total, "Events that were given up: no room in the buffer, damaged on disk, or refused.";
    SINK_FAILING, "watchkeeper_sink_failing", Gauge, ["sink"], Total, "1 while nothing can be delivered.";

    START_TIME, "process_start_time_seconds", Gauge, [], No, "When the process began, in seconds since 1970.";
    MEMORY, "process_resident_memory_bytes", Gauge, [], Total, "Memory that the process holds.";
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn rows_are_well_formed() {
        let mut names = BTreeSet::new();
        for def in ALL {
            assert!(names.insert(def.full_name()), "{} twice", def.name);
            assert!(def.name.bytes().all(|c| c.is_ascii_lowercase() || c == b'_'), "{}", def.name);
            assert!(!def.name.ends_with("_total") && !def.name.ends_with("_info"), "{}", def.name);
            assert!(def.help.ends_with('.') && !def.help.contains(['\n', '\\', '"']), "{}", def.name);
            let forbidden = ["le", "node", "name", "id", "instance"];
            assert!(!def.labels.iter().any(|label| forbidden.contains(label)), "{}", def.name);
            if let By(label) = def.cloud {
                assert!(def.labels.contains(&label), "{}", def.name);
            }
            if let Histogram(bounds) = def.kind {
                assert!(bounds.windows(2).all(|pair| pair[0] < pair[1]), "{}", def.name);
            }
        }
    }
}
