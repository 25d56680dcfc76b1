//! From all that is known to families of metrics.
//!
//! What can be counted in words of closed lists is told even where it is zero, so that a graph begins at zero and an
//! alert can compare with it. What is not known is left out, never told as zero.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::catalogue as of;
use super::family::{Counted, Family, number};
use super::record::Recorder;
use crate::aws::meter::{Counts, Sent};
use crate::journal::SinkState;
use crate::model::desired::Kind;
use crate::model::event::{Phase, Severity};
use crate::model::picture::{Category as Insight, Condition, Picture, Share, Sort};
use crate::model::reason::Category;
use crate::model::rollout::{Phase as RolloutPhase, Progress};
use crate::model::status::Standing;

/// Everything that families are made of.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// What the last pass left behind; none before the first has ended.
    pub picture: Option<&'a Picture>,
    /// What passes add up to.
    pub recorder: &'a Recorder,
    /// What was sent to AWS.
    pub calls: Calls<'a>,
    /// Where events are delivered to.
    pub sinks: &'a [SinkState],
    /// What time it is.
    pub now: Timestamp,
    /// When the process began.
    pub started: Timestamp,
    /// A last pass that is older than this is overdue.
    pub late: SignedDuration,
    /// Memory that the process holds, in bytes, where that can be told.
    pub memory: Option<u64>,
}

/// What was sent to AWS.
#[derive(Clone, Copy, Debug)]
pub struct Calls<'a> {
    /// Attempts so far.
    pub counts: &'a Counts,
    /// The calls per second that are allowed at present, by call.
    pub rates: &'a BTreeMap<&'static str, f64>,
}

/// Every family, in the catalogue's order.
pub fn families(known: &Known<'_>) -> Vec<Family> {
    let mut families = about_itself(known);
    families.extend(about_passes(known));
    if let Some(picture) = known.picture {
        families.extend(conditions(picture));
        families.extend(stories(picture));
        families.extend(rollouts(picture, known.now));
        families.extend(coverage(picture));
    }
    families.extend(recorded(known.recorder));
    families.extend(calls(known.calls));
    families.extend(sinks(known.sinks));
    families.sort_by_key(|family| of::ALL.iter().position(|def| *def == family.def));
    families
}

fn about_itself(known: &Known<'_>) -> Vec<Family> {
    let mut build = Family::new(&of::BUILD);
    build.add([env!("CARGO_PKG_VERSION")], 1.0);
    let mut scope = Family::new(&of::SCOPE);
    if let Some(picture) = known.picture {
        let status = &picture.status;
        scope.add([&picture.installation, &status.account, &status.region, &status.revision], 1.0);
    }
    let mut families = vec![build, scope, Family::single(&of::START_TIME, seconds(known.started))];
    families.extend(known.memory.map(|bytes| Family::single(&of::MEMORY, number(bytes))));
    families
}

fn about_passes(known: &Known<'_>) -> Vec<Family> {
    let Some(picture) = known.picture else { return vec![Family::single(&of::PASS_OVERDUE, 0.0)] };
    let at = picture.status.at;
    let age = known.now.duration_since(at);
    vec![
        Family::single(&of::LAST_PASS, seconds(at)),
        Family::single(&of::LAST_PASS_AGE, age.as_secs_f64().max(0.0)),
        Family::single(&of::PASS_OVERDUE, flag(age > known.late)),
    ]
}

fn conditions(picture: &Picture) -> Vec<Family> {
    let mut objects = Family::new(&of::OBJECTS);
    for kind in Kind::ALL.into_iter().filter(|kind| *kind != Kind::Account) {
        for condition in Condition::ALL.into_iter().filter(|condition| *condition != Condition::Unmanaged) {
            let is_meant = |row: &&Standing| {
                row.object.kind == kind && Condition::of_object(row.ready, row.reason) == condition
            };
            let count = picture.status.objects.iter().filter(is_meant).count();
            objects.add([kind.name(), condition.word()], size(count));
        }
    }
    let mut nodes = Family::new(&of::NODES);
    let mut networks = Family::new(&of::NETWORKS);
    for condition in Condition::ALL {
        nodes.add([condition.word()], size(picture.count(|sort| sort == Sort::Node, condition)));
        networks.add([condition.word()], size(picture.count(|sort| sort != Sort::Node, condition)));
    }
    let mut drift = Family::new(&of::DRIFT);
    for found in &picture.findings {
        let kind = found.kind.map_or("Scope", Kind::name);
        drift.add([kind, found.reason.word()], f64::from(found.count));
    }
    vec![objects, nodes, networks, drift]
}

fn stories(picture: &Picture) -> Vec<Family> {
    let mut open = Family::new(&of::OPEN_EVENTS);
    for severity in Severity::ALL {
        for category in Category::ALL {
            let events = picture.open.iter();
            let count =
                events.filter(|event| event.severity == severity && event.category == category).count();
            open.add([severity.word(), category.word()], size(count));
        }
    }
    vec![open]
}

fn rollouts(picture: &Picture, now: Timestamp) -> Vec<Family> {
    let mut stage = Family::new(&of::ROLLOUT_STAGE);
    let mut stages = Family::new(&of::ROLLOUT_STAGES);
    let mut nodes = Family::new(&of::ROLLOUT_NODES);
    let mut eta = Family::new(&of::ROLLOUT_ETA);
    let mut halted = Family::new(&of::ROLLOUT_HALTED);
    for (object, progress) in &picture.status.rollouts {
        let object = object.to_string();
        let is_rolling = progress.phase != RolloutPhase::Stable;
        stage.add([&object], if is_rolling { f64::from(progress.stage.0) } else { 0.0 });
        stages.add([&object], f64::from(progress.stage.1));
        for (state, count) in states(progress) {
            nodes.add([&object, state], f64::from(count));
        }
        if let Some(at) = progress.eta.filter(|_| is_rolling) {
            eta.add([&object], at.duration_since(now).as_secs_f64().max(0.0));
        }
        halted.add([&object], flag(progress.phase == RolloutPhase::Halted));
    }
    vec![stage, stages, nodes, eta, halted]
}

/// Every node of a rollout once.
fn states(progress: &Progress) -> [(&'static str, u32); 5] {
    let told = progress.healthy + progress.baking + progress.failed;
    [
        ("waiting", progress.total.saturating_sub(progress.touched)),
        ("changing", progress.touched.saturating_sub(told)),
        ("baking", progress.baking),
        ("healthy", progress.healthy),
        ("failed", progress.failed),
    ]
}

fn coverage(picture: &Picture) -> Vec<Family> {
    let mut ratio = Family::new(&of::COVERAGE_RATIO);
    let mut parts = Family::new(&of::COVERAGE);
    for (category, share) in &picture.coverage.shares {
        let category = insight(*category);
        if share.all > 0 {
            ratio.add([category], f64::from(share.observed) / f64::from(share.all));
        }
        let Share { observed, missing, unknown, not_wanted, all: _ } = *share;
        for (state, count) in
            [("observed", observed), ("missing", missing), ("unknown", unknown), ("not-wanted", not_wanted)]
        {
            parts.add([category, state], f64::from(count));
        }
    }
    vec![ratio, parts]
}

/// The same word as in JSON.
const fn insight(category: Insight) -> &'static str {
    match category {
        Insight::Metrics => "metrics",
        Insight::Logs => "logs",
        Insight::Traces => "traces",
        Insight::FlowLogs => "flow-logs",
    }
}

fn recorded(recorder: &Recorder) -> Vec<Family> {
    let (worked, failed) = recorder.passes;
    let mut passes = Family::new(&of::RECONCILE);
    passes.add(["success"], number(worked));
    passes.add(["error"], number(failed));
    let mut time = Family::new(&of::RECONCILE_TIME);
    time.add_counted([], recorder.pass_time.clone());
    let mut converge = Family::new(&of::TIME_TO_CONVERGE);
    let lasted: [(&str, &Counted); 2] =
        [("drift", &recorder.drift_lasted), ("object", &recorder.not_ready_lasted)];
    for (what, counted) in lasted {
        converge.add_counted([what], counted.clone());
    }
    let mut events = Family::new(&of::EVENTS);
    for severity in Severity::ALL {
        for category in Category::ALL {
            for phase in [Phase::Opened, Phase::Updated, Phase::Resolved] {
                let count = recorder.events.get(&(severity, category, phase.word())).copied().unwrap_or(0);
                events.add([severity.word(), category.word(), phase.word()], number(count));
            }
        }
    }
    let errors = Family::single(&of::RECONCILE_ERRORS, number(failed));
    let mut families = vec![passes, errors, time, converge, events];
    families.extend(recorder.commands.map(|count| Family::single(&of::COMMANDS, size(count))));
    families
}

fn calls(calls: Calls<'_>) -> Vec<Family> {
    let mut attempts = Family::new(&of::API_CALLS);
    let mut throttles: BTreeMap<&str, u64> = BTreeMap::new();
    for ((api, sent), count) in calls.counts {
        let outcome = match sent {
            Sent::Ok => "ok",
            Sent::Throttled => "throttled",
            Sent::Error => "error",
        };
        attempts.add([api, outcome], number(*count));
        let refused = throttles.entry(api).or_default();
        if *sent == Sent::Throttled {
            *refused += count;
        }
    }
    let mut refused = Family::new(&of::API_THROTTLES);
    for (api, count) in throttles {
        refused.add([api], number(count));
    }
    let mut rates = Family::new(&of::API_RATE);
    for (api, rate) in calls.rates {
        rates.add([api], *rate);
    }
    vec![attempts, refused, rates]
}

fn sinks(sinks: &[SinkState]) -> Vec<Family> {
    let family = |def, value: fn(&SinkState) -> f64| {
        let mut family = Family::new(def);
        for sink in sinks {
            family.add([&sink.name], value(sink));
        }
        family
    };
    vec![
        family(&of::SINK_QUEUED, |sink| number(sink.queued)),
        family(&of::SINK_BYTES, |sink| number(sink.queued_bytes)),
        family(&of::SINK_DELIVERED, |sink| number(sink.delivered)),
        family(&of::SINK_DROPPED, |sink| number(sink.dropped)),
        family(&of::SINK_FAILING, |sink| flag(sink.failing_since.is_some())),
    ]
}

/// Memory that the process holds, in bytes; Linux tells it, in kB.
pub fn resident_memory() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

fn seconds(at: Timestamp) -> f64 {
    at.duration_since(Timestamp::UNIX_EPOCH).as_secs_f64()
}

const fn flag(is_so: bool) -> f64 {
    if is_so { 1.0 } else { 0.0 }
}

fn size(count: usize) -> f64 {
    number(u64::try_from(count).unwrap_or(u64::MAX))
}
