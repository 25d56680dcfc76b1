//! When a rollout will be over, from how fast it has been.
//!
//! The nodes remember when each finished its command. Pauses between them as long as a bake are bakes; the rest is
//! work, and gives nodes a second.

use jiff::{SignedDuration, Timestamp};

use super::super::wish::Wishes;
use super::stage::{Member, Survey};
use crate::model::action::Step;
use crate::model::desired::Rollout;
use crate::model::plan::Known;
use crate::model::rollout::limits;

/// What a stage takes beside its commands and its bake: the last reading before, and the one after.
const AROUND: SignedDuration = SignedDuration::from_secs(30);
/// A pause of at least this much is none of the work, even where there is no bake.
const PAUSE: SignedDuration = SignedDuration::from_mins(1);

/// When the last stage will be over; none before anything was measured.
pub(super) fn of(
    known: &Known<'_>,
    members: &[Member<'_>],
    target: &Wishes,
    rollout: &Rollout,
    survey: Survey,
) -> Option<Timestamp> {
    let bake = SignedDuration::try_from(rollout.bake).ok()?;
    let for_one = seconds_a_node(known, members, target, bake)?;
    let settled = survey.healthy + survey.failed;
    let mut left = SignedDuration::ZERO;
    let mut before = survey.touched;
    for limit in limits(rollout, survey.total).into_iter().filter(|limit| *limit > settled) {
        let to_begin = limit.saturating_sub(before);
        let work = SignedDuration::try_from_secs_f64(f64::from(to_begin) * for_one).ok()?;
        let baking = match survey.baked {
            // All have begun: what is left is the rest of their bake.
            Some(baked) if to_begin == 0 => baked.duration_since(known.now).max(SignedDuration::ZERO),
            _ => bake,
        };
        left = left.checked_add(work)?.checked_add(baking)?.checked_add(AROUND)?;
        before = before.max(limit);
    }
    known.now.checked_add(left).ok()
}

/// How long one more node has taken, in seconds.
fn seconds_a_node(
    known: &Known<'_>,
    members: &[Member<'_>],
    target: &Wishes,
    bake: SignedDuration,
) -> Option<f64> {
    let is_brought = |wanted: &str| {
        target.release.version.as_deref() == Some(wanted)
            || target.release.configs.values().any(|pinned| {
                wanted
                    .strip_prefix(&*pinned.parameter)
                    .is_some_and(|version| version.is_empty() || version == format!(":{}", pinned.version))
            })
    };
    let mut done: Vec<(Timestamp, Timestamp)> = members
        .iter()
        .filter_map(|member| known.observed.on_nodes.get(&member.candidate.id)?.results.get(&Step::Configure))
        .filter(|result| is_brought(&result.wanted))
        .map(|result| (result.finished, result.requested))
        .collect();
    done.sort_unstable();
    let (first_finished, first_requested) = *done.first()?;
    let pause = if bake.is_zero() { PAUSE } else { bake.min(PAUSE) };
    let gaps = done.windows(2).map(|pair| pair[1].0.duration_since(pair[0].0));
    let work: SignedDuration = gaps
        .filter(|gap| *gap < pause)
        .fold(first_finished.duration_since(first_requested), |sum, gap| sum + gap);
    let count = u32::try_from(done.len()).ok()?;
    Some(work.as_secs_f64().max(1.0) / f64::from(count))
}
