//! Everything that people and machines break is seen, told, and mended, and nothing else is touched.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use watchkeeper::model::event::{Event, Phase};
use watchkeeper::model::reason::{Nature, Reason};
use watchkeeper::sim::scenario::Breakage;

use crate::estate::{Estate, minutes};
use crate::facts::{Facts, changed, facts};

/// How one breakage is told.
struct Told {
    breakage: Breakage,
    /// The kind of the object that is held back.
    kind: &'static str,
    reason: Reason,
    /// What is shown of it: field, before, after; an empty text is not compared.
    change: Option<(&'static str, &'static str, &'static str)>,
    /// Within this it is mended: the age of the listing that shows it, and the time that mending takes.
    within: SignedDuration,
}

/// What a listing of each pass shows.
const LISTED: SignedDuration = minutes(3);
/// What is listed every five minutes.
const LISTED_SELDOM: SignedDuration = minutes(8);
/// What only the node knows, and its probe tells.
const PROBED: SignedDuration = minutes(35);
/// A flow log proves itself for twenty minutes before the old one goes.
const PROVEN: SignedDuration = minutes(30);

const fn told(
    breakage: Breakage,
    kind: &'static str,
    reason: Reason,
    change: Option<(&'static str, &'static str, &'static str)>,
    within: SignedDuration,
) -> Told {
    Told { breakage, kind, reason, change, within }
}

const AGENT: &str = "CloudWatchAgent";

const TOLD: [Told; 12] = [
    told(Breakage::AgentStopped, AGENT, Reason::Drift, Some(("status", "stopped", "running")), PROBED),
    told(Breakage::AgentUninstalled, AGENT, Reason::Drift, Some(("agent", "not installed", "")), PROBED),
    told(Breakage::OtherConfiguration, AGENT, Reason::Drift, Some(("config", "", "")), PROBED),
    told(Breakage::FileEdited, AGENT, Reason::Drift, Some(("config", "", "")), PROBED),
    told(Breakage::ParameterEdited, "AgentConfig", Reason::Drift, Some(("content", "", "")), LISTED),
    told(Breakage::FlowLogDeleted, "FlowLog", Reason::Missing, None, PROVEN),
    told(
        Breakage::FlowLogInterval,
        "FlowLog",
        Reason::Drift,
        Some(("maxAggregationInterval", "60", "600")),
        PROVEN,
    ),
    // Whoever writes into it makes it anew before anybody looks: it comes back bare.
    told(
        Breakage::LogGroupDeleted,
        "LogGroup",
        Reason::Drift,
        Some(("retentionDays", "never expire", "30 days")),
        LISTED_SELDOM,
    ),
    told(
        Breakage::RetentionChanged,
        "LogGroup",
        Reason::Drift,
        Some(("retentionDays", "7 days", "30 days")),
        LISTED_SELDOM,
    ),
    told(
        Breakage::PolicyDetached,
        "IamRole",
        Reason::Drift,
        Some(("managedPolicies", "(not attached)", "")),
        LISTED_SELDOM,
    ),
    // While the flow logs' role may not be assumed, deliveries fail, and the next one is an interval away.
    told(Breakage::TrustEdited, "IamRole", Reason::Drift, Some(("trust", "", "")), PROVEN),
    told(
        Breakage::ProfileDetached,
        "IamRole",
        Reason::Drift,
        Some(("instanceProfile", "(none)", "")),
        LISTED,
    ),
];

#[tokio::test(start_paused = true)]
async fn every_breakage_is_seen_told_and_mended_and_nothing_else_is_touched() {
    let covered: Vec<Breakage> = TOLD.iter().map(|told| told.breakage).collect();
    assert_eq!(covered, Breakage::ALL);
    let mut failures = Vec::new();
    for (seed, told) in (10..).zip(&TOLD) {
        if let Err(why) = break_and_mend(seed, told).await {
            failures.push(format!("{:?}: {why}", told.breakage));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

async fn break_and_mend(seed: u64, told: &Told) -> Result<(), String> {
    let mut estate = Estate::example_corp(seed);
    estate.converge(minutes(40)).await;
    estate.live(minutes(2)).await;
    let sound = facts(&estate);
    let place = estate.place.clone();
    let struck = estate.sim.world(|world| told.breakage.strike(world, &place)).ok_or("nothing was struck")?;
    let broken = changed(&sound, &facts(&estate));
    if broken.is_empty() {
        return Err(format!("{struck}, and no fact changed"));
    }
    let from = estate.events.len();
    estate.live(told.within).await;
    let mended = facts(&estate);
    untouched(&broken, &changed(&sound, &mended)).map_err(|why| format!("{struck}: {why}"))?;
    let passed = estate.pass().await;
    if !passed.status.is_ready() {
        return Err(format!("{struck}: not ready again: {:#?}", passed.status.objects));
    }
    let events = estate.events_since(from);
    as_told(told, &broken, events).map_err(|why| format!("{struck}: {why}\n{}", lines(events)))?;
    is_whole(told.breakage, &sound, &mended, &broken).map_err(|why| format!("{struck}: {why}"))
}

/// Only what was broken may differ from what was before.
fn untouched(broken: &BTreeSet<String>, differing: &BTreeSet<String>) -> Result<(), String> {
    // What is kept of the rollouts names the parameter's version, which is a new one when it was mended.
    let others: Vec<&String> =
        differing.difference(broken).filter(|name| !name.starts_with("parameter//watchkeeper/")).collect();
    if others.is_empty() { Ok(()) } else { Err(format!("touched {others:?} too; broken was {broken:?}")) }
}

/// Exactly one story, opened with the right words and resolved.
fn as_told(told: &Told, broken: &BTreeSet<String>, events: &[Event]) -> Result<(), String> {
    let is_told =
        |event: &&Event| event.object.as_ref().is_some_and(|object| object.kind.name() == told.kind);
    let in_phase = |phase: Phase| events.iter().filter(is_told).filter(move |event| event.phase == phase);
    let is_it =
        |event: &&Event| event.reason == told.reason && told.change.is_none_or(|change| shows(event, change));
    let opened = in_phase(Phase::Opened).find(is_it).ok_or("no such event was opened")?;
    let subject = opened.subjects.first().ok_or("the event has no subject")?;
    if !broken.iter().any(|name| name.contains(&**subject)) {
        return Err(format!("the event is about {subject}, and {broken:?} was broken"));
    }
    let is_consequence =
        |event: &Event| told.breakage == Breakage::TrustEdited && event.reason == Reason::DeliveryFailed;
    if events.iter().any(|event| event.reason.nature() > Nature::SetAside && !is_consequence(event)) {
        return Err("a fault was told where nothing failed".to_owned());
    }
    let resolved = in_phase(Phase::Resolved).any(|event| event.fingerprint == opened.fingerprint);
    if resolved { Ok(()) } else { Err("the event was not resolved".to_owned()) }
}

fn shows(event: &Event, (field, before, after): (&str, &str, &str)) -> bool {
    let fits = |have: &str, want: &str| want.is_empty() || have == want;
    event
        .changes
        .iter()
        .any(|change| *change.field == *field && fits(&change.before, before) && fits(&change.after, after))
}

/// What was broken is as it was, but for what cannot be the same: ids, versions, and the moment of a start.
fn is_whole(
    breakage: Breakage,
    sound: &Facts,
    mended: &Facts,
    broken: &BTreeSet<String>,
) -> Result<(), String> {
    let is_exact = matches!(breakage, Breakage::RetentionChanged | Breakage::PolicyDetached);
    let differing = changed(sound, mended);
    if is_exact && !differing.is_empty() {
        return Err(format!("{differing:?} are not what they were"));
    }
    let lost: Vec<&String> =
        broken.iter().filter(|name| sound.contains_key(*name) && !mended.contains_key(*name)).collect();
    if lost.is_empty() { Ok(()) } else { Err(format!("{lost:?} are gone")) }
}

fn lines(events: &[Event]) -> String {
    let line = |event: &Event| {
        format!(
            "  {} {:?} {} {:?} {:?} {} {:?}",
            event.time, event.phase, event.reason, event.object, event.subjects, event.message, event.changes
        )
    };
    events.iter().map(line).collect::<Vec<_>>().join("\n")
}
