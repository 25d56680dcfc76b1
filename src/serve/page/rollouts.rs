//! Rollouts that are under way: which stage, how many nodes, how healthy, until when.

use maud::{Markup, html};

use super::{Frame, bars, links, text};
use crate::model::desired::ObjectRef;
use crate::model::rollout::{Phase, Progress};
use crate::model::status::Status;

/// Those that are not over.
pub(super) fn rollouts(frame: &Frame, status: &Status) -> Markup {
    let under_way: Vec<_> =
        status.rollouts.iter().filter(|(_, progress)| progress.phase != Phase::Stable).collect();
    html! {
        section #rollouts data-live aria-labelledby="rollouts-heading" {
            h2 #rollouts-heading { "Rollouts " span.muted { (under_way.len()) } }
            @if under_way.is_empty() { p.muted { "None is under way." } }
            @for (object, progress) in under_way { (rollout(frame, object, progress)) }
        }
    }
}

/// One rollout.
pub(super) fn rollout(frame: &Frame, object: &ObjectRef, progress: &Progress) -> Markup {
    html! {
        div.rollout {
            p {
                (links::object(object)) " " strong { (phase(progress.phase)) } " "
                @if progress.phase == Phase::Rolling { (eta(frame, progress)) }
            }
            p.release { (text::line(&progress.release, 240)) }
            @if progress.phase != Phase::Stable { (stages(progress)) (counts(progress)) }
            @if let Some(why) = &progress.why { p.why { (text::prose(why)) } }
            @if let Some(stable) = &progress.stable { p.muted { "A halt goes back to " (text::line(stable, 240)) } }
        }
    }
}

/// How many nodes have it, and how they are.
fn counts(progress: &Progress) -> Markup {
    let Progress { touched, healthy, baking, failed, total, .. } = *progress;
    let rest = touched.saturating_sub(healthy + baking + failed);
    let shares = [("good", healthy), ("busy", baking), ("sent", rest), ("bad", failed)];
    let shares = shares.map(|(class, share)| (class, share as usize));
    html! {
        (bars::bar(total as usize, &shares))
        p.counts {
            b { (touched) } " of " (total) " nodes have it: " (healthy) " healthy, " (baking) " baking, "
            (rest) " not seen yet, " span.failed[failed > 0] { (failed) " failed" } " (" (progress.tolerated) " tolerated in this stage)"
        }
    }
}

const fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::Rolling => "rolling out",
        Phase::Paused => "paused by a person",
        Phase::OutsideWindow => "waits for its window",
        Phase::Halted => "halted",
        Phase::Stable => "stable",
    }
}

fn eta(frame: &Frame, progress: &Progress) -> Markup {
    html! {
        @match progress.eta {
            Some(eta) => span.eta { "through " (text::relative(eta, frame.now)) ", at about " (text::time(eta, frame.now)) },
            None => span.muted { "no end in sight yet" },
        }
    }
}

/// Each stage as a step: over, under way, to come.
fn stages(progress: &Progress) -> Markup {
    let (at, of) = progress.stage;
    html! {
        ol.stages aria-label=(format!("Stage {at} of {of}")) {
            @for stage in 1..=of.min(24) {
                @if stage < at { li.over { "✓ stage " (stage) } }
                @else if stage == at {
                    li.now aria-current="step" { "▸ stage " (stage) ", up to " (text::counted(progress.limit as usize, "node")) }
                }
                @else { li { "stage " (stage) } }
            }
        }
    }
}
