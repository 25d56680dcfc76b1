//! Whether a node, a network or an object is right, check by check: ok, not ok, or not known and why.
//!
//! Pure: it reads what a pass of its own has just observed and planned, and never takes what is not known for right.

use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;

use super::desired::{Kind, ObjectRef};
use super::explain::{Subject, needed, referred, selecting};
use super::finding::Finding;
use super::observed::{Listing, Ping};
use super::plan::{Known, Plan};
use super::reason::{Nature, Reason};
use super::status::{Standing, Status, Truth};

/// How many findings of one object are told.
const MOST: usize = 20;

/// What came of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It is as it should be.
    Ok,
    /// It is not.
    Not,
    /// That could not be found out.
    Unknown,
}

/// One check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What came of it.
    pub verdict: Verdict,
    /// What was checked.
    pub what: String,
    /// What is so, or why it is not.
    pub why: String,
}

/// What the checks rest on: a pass over what concerns the subject, begun at `known.begun`.
#[derive(Clone, Copy, Debug)]
pub struct Fresh<'a> {
    /// What was read.
    pub known: Known<'a>,
    /// What would be done.
    pub plan: &'a Plan,
    /// Where the objects stand.
    pub status: &'a Status,
}

/// All checks of `subject`.
pub fn checks(fresh: &Fresh<'_>, subject: &Subject) -> Vec<Check> {
    match subject {
        Subject::Node(id) => node(fresh, subject, id),
        Subject::Network(id) => network(fresh, subject, id),
        Subject::Object(id) => object(fresh, id),
    }
}

fn check(verdict: Verdict, what: impl ToString, why: impl Into<String>) -> Check {
    Check { verdict, what: what.to_string(), why: why.into() }
}

fn node(fresh: &Fresh<'_>, subject: &Subject, id: &Arc<str>) -> Vec<Check> {
    let mut checks = vec![reachable(fresh, id), probed(fresh, id)];
    let mut objects = selecting(&fresh.known, subject);
    objects.sort_by_key(|(id, _)| id.kind != Kind::CloudWatchAgent);
    checks.extend(parts(fresh, subject, id, &objects, "no document selects this node"));
    checks
}

fn network(fresh: &Fresh<'_>, subject: &Subject, id: &Arc<str>) -> Vec<Check> {
    let observed = fresh.known.observed;
    let is_listed = observed.vpcs.is_known() && (observed.subnets.is_known() || !id.starts_with("subnet-"));
    let is_there = observed.vpcs.get(id).is_some()
        || observed.subnets.get(id).is_some()
        || observed.interfaces.get(id).is_some();
    match (is_there, is_listed) {
        (true, _) => {
            parts(fresh, subject, id, &selecting(&fresh.known, subject), "no document selects this network")
        }
        (false, true) => vec![check(Verdict::Not, id, "there is no such network in this account and Region")],
        (false, false) => vec![check(Verdict::Unknown, id, unlisted(&observed.vpcs))],
    }
}

fn unlisted<T>(listing: &Listing<T>) -> String {
    listing
        .failure()
        .map_or_else(|| "it was not read in time".to_owned(), |why| format!("{} failed with {why}", why.call))
}

/// Whether SSM reaches the node.
fn reachable(fresh: &Fresh<'_>, id: &str) -> Check {
    let nodes = &fresh.known.observed.nodes;
    match nodes.get(id) {
        Some(node) if node.ping == Ping::Online => check(Verdict::Ok, "SSM", "the node is online"),
        Some(node) => {
            let heard = node.last_ping.map(|at| format!(", last heard of at {at:.0}")).unwrap_or_default();
            check(Verdict::Not, "SSM", format!("the node has stopped reporting{heard}"))
        }
        None if nodes.is_known() => check(Verdict::Not, "SSM", "the node is not registered"),
        None => check(Verdict::Unknown, "SSM", unlisted(nodes)),
    }
}

/// How old what the node said of itself is.
fn probed(fresh: &Fresh<'_>, id: &str) -> Check {
    let on_node = fresh.known.observed.on_nodes.get(id);
    match on_node.and_then(|on_node| on_node.probe.as_ref()) {
        Some((at, _)) if *at >= fresh.known.begun => check(Verdict::Ok, "probe", "read just now"),
        Some((at, _)) => {
            let why = format!(
                "no new one came in time: what follows rests on one of {at:.0}, {} ago",
                ago(fresh, *at)
            );
            check(Verdict::Unknown, "probe", why)
        }
        None => check(Verdict::Unknown, "probe", "none came in time, and there is no earlier one"),
    }
}

fn ago(fresh: &Fresh<'_>, at: Timestamp) -> String {
    let seconds = fresh.known.now.duration_since(at).as_secs();
    if seconds < 120 { format!("{seconds} s") } else { format!("{} min", seconds / 60) }
}

/// One part, a node or a network, against every document that selects it, and what these refer to.
fn parts(
    fresh: &Fresh<'_>,
    subject: &Subject,
    part: &Arc<str>,
    objects: &[(ObjectRef, String)],
    none: &str,
) -> Vec<Check> {
    if objects.is_empty() {
        return vec![check(Verdict::Not, part, none)];
    }
    let mut checks: Vec<Check> = objects.iter().flat_map(|(id, _)| part_of(fresh, id, part)).collect();
    let mut told: Vec<ObjectRef> = objects.iter().map(|(id, _)| id.clone()).collect();
    for (id, _) in objects {
        for needed in needed(&fresh.known, subject, id) {
            if !told.contains(&needed) {
                checks.push(standing(fresh, &needed));
                told.push(needed);
            }
        }
    }
    checks
}

fn part_of(fresh: &Fresh<'_>, id: &ObjectRef, part: &Arc<str>) -> Vec<Check> {
    let is_meant = |finding: &&Finding| {
        finding.object.as_ref() == Some(id)
            && finding.subject.as_ref().is_none_or(|subject| subject == part)
            && finding.reason.nature() > Nature::Note
            // How far the others are does not make this one wrong.
            && finding.reason != Reason::RolloutInProgress
    };
    let found: Vec<Check> =
        fresh.plan.findings.iter().filter(is_meant).take(MOST).map(|finding| told(id, finding)).collect();
    if !found.is_empty() {
        return found;
    }
    let is_unread = fresh.plan.actions.iter().any(|planned| {
        planned.reason == Reason::NotProbed && planned.changes.iter().any(|change| change.subject == *part)
    });
    if is_unread {
        return vec![check(Verdict::Unknown, id, "the node has to be probed first")];
    }
    let tally = fresh.plan.tallies.get(id).copied().unwrap_or_default();
    if tally.selected == 0 || tally.right + tally.set_aside < tally.selected {
        return vec![check(
            Verdict::Unknown,
            id,
            "nothing is wrong with it, and it is not told to be right either",
        )];
    }
    vec![check(Verdict::Ok, id, "as the document says")]
}

fn told(id: &ObjectRef, finding: &Finding) -> Check {
    let verdict = match finding.reason {
        Reason::Unreadable
        | Reason::AccessDenied
        | Reason::NotRead
        | Reason::NotProbed
        | Reason::Throttled => Verdict::Unknown,
        _ => Verdict::Not,
    };
    let drift: Vec<String> = finding.drift.iter().map(ToString::to_string).collect();
    let drift = if drift.is_empty() { String::new() } else { format!(" ({})", drift.join("; ")) };
    check(verdict, id, format!("{}: {finding}{drift}", finding.reason))
}

fn object(fresh: &Fresh<'_>, id: &ObjectRef) -> Vec<Check> {
    let mut checks = vec![standing(fresh, id)];
    let found = fresh
        .plan
        .findings
        .iter()
        .filter(|finding| finding.object.as_ref() == Some(id) && finding.reason.nature() > Nature::Note);
    // The standing tells the worst one already, where that is all.
    let found: Vec<Check> = found.take(MOST).map(|finding| told(id, finding)).collect();
    if found.len() > 1 {
        checks.extend(found);
    }
    checks.extend(referred(fresh.known.desired, id).iter().map(|needed| standing(fresh, needed)));
    checks
}

/// Where an object stands as a whole.
fn standing(fresh: &Fresh<'_>, id: &ObjectRef) -> Check {
    let Some(standing) = fresh.status.objects.iter().find(|standing| standing.object == *id) else {
        return check(Verdict::Unknown, id, "it does not apply to this account, or has no right document");
    };
    let Standing { ready, reason, message, right, selected, .. } = standing;
    let parts = if *selected > 1 {
        format!("{right} of {selected} right")
    } else {
        "as the document says".to_owned()
    };
    match ready {
        Truth::True => check(Verdict::Ok, id, parts),
        Truth::False => check(Verdict::Not, id, format!("{reason}: {message}")),
        Truth::Unknown => check(Verdict::Unknown, id, format!("{reason}: {message}")),
    }
}
