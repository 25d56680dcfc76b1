//! How far the stages of a rollout are, and which nodes come next.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::super::candidates::Candidate;
use super::place::{Failing, Place};
use crate::model::desired::{Amount, Platform, Rollout};
use crate::model::digest;
use crate::model::rollout::limits;

/// A node with its place.
pub(super) struct Member<'a> {
    /// The node.
    pub candidate: Candidate<'a>,
    /// Where it stands.
    pub place: Place,
}

/// The nodes of a rollout, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Survey {
    /// Those that the release brings something new to, and that can be managed.
    pub total: u32,
    /// Those of them that have it or were sent it.
    pub touched: u32,
    /// Those that stayed healthy for the whole bake.
    pub healthy: u32,
    /// Those that bake.
    pub baking: u32,
    /// Those that failed.
    pub failed: u32,
    /// Those that have it or were sent it, and have fallen silent since. They count to nothing else.
    pub silent: u32,
    /// Those that cannot be managed as they are, and that it would bring something new to.
    pub aside: u32,
    /// Those that it brings nothing new to.
    pub unaffected: u32,
    /// Those that were never read: nothing can be begun before they are.
    pub unread: u32,
    /// When the last one that bakes has baked.
    pub baked: Option<Timestamp>,
}

impl Survey {
    /// Counts.
    pub fn of(members: &[Member<'_>]) -> Self {
        let mut survey = Self::default();
        for member in members {
            let touched = match &member.place {
                Place::Unaffected => {
                    survey.unaffected += 1;
                    continue;
                }
                Place::Aside => {
                    survey.aside += 1;
                    continue;
                }
                Place::Silent => {
                    survey.silent += 1;
                    continue;
                }
                Place::Unread => {
                    survey.unread += 1;
                    false
                }
                Place::Waiting => false,
                Place::Underway => true,
                Place::Baking { until, .. } => {
                    survey.baking += 1;
                    survey.baked = survey.baked.max(Some(*until));
                    true
                }
                Place::Healthy => {
                    survey.healthy += 1;
                    true
                }
                Place::Failed(_) => {
                    survey.failed += 1;
                    true
                }
            };
            survey.total += 1;
            survey.touched += u32::from(touched);
        }
        survey
    }

    /// Whether so many nodes fell silent with the release that it may be its doing: more than a single one, and more
    /// than a quarter of those that are well with it. A machine that is lost by chance holds nobody up.
    pub fn is_silencing(&self) -> bool {
        self.silent > (self.healthy / 4).max(1)
    }

    /// Whether somebody has shown that the release is good. Where no node can be reached, or none is there, nobody
    /// has: those that come later have to.
    pub fn is_proof(&self) -> bool {
        match self.total {
            0 => self.unaffected > 0 && self.aside == 0 && self.silent == 0,
            _ => self.healthy > 0,
        }
    }
}

/// Where the rollout stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stage {
    /// From 1; the last one even when that is over.
    pub number: u32,
    /// The one to which nodes have come.
    pub reached: u32,
    /// How many there are.
    pub of: u32,
    /// How many nodes may have the release.
    pub limit: u32,
    /// How many failures are borne, as far as nodes have come.
    pub tolerated: u32,
    /// Whether every stage is over.
    pub is_over: bool,
}

impl Stage {
    /// The first stage that is not over. `is_promoted`: a person let the release through to all nodes.
    pub fn of(rollout: &Rollout, survey: Survey, is_promoted: bool) -> Self {
        let mut limits = limits(rollout, survey.total);
        if is_promoted {
            limits.drain(..limits.len().saturating_sub(1));
        }
        let settled = survey.healthy + survey.failed;
        let current = limits.iter().position(|limit| settled < *limit);
        let at = current.unwrap_or(limits.len().saturating_sub(1));
        let limit = limits.get(at).copied().unwrap_or(0);
        // A canary that failed is not outnumbered by a wave that has not begun.
        let reached = limits.iter().position(|limit| survey.touched <= *limit).unwrap_or(at);
        let tolerated = tolerated(rollout, limits.get(reached).copied().unwrap_or(0));
        let count = |rows: usize| u32::try_from(rows).unwrap_or(u32::MAX);
        Self {
            number: count((at + 1).min(limits.len())),
            reached: count((reached + 1).min(limits.len())),
            of: count(limits.len()),
            limit,
            tolerated,
            is_over: current.is_none() && survey.unread == 0,
        }
    }
}

/// How many of `limit` nodes may fail. A share is rounded down: 5% of a canary of one is none.
fn tolerated(rollout: &Rollout, limit: u32) -> u32 {
    match rollout.max_failures {
        None => 0,
        Some(Amount::Count(count)) => count,
        Some(Amount::Percent(hundredths)) => {
            let part = u64::from(limit) * u64::from(hundredths) / 10_000;
            u32::try_from(part).unwrap_or(u32::MAX)
        }
    }
}

/// The node that failed first.
pub(super) fn first_failure<'a>(members: &'a [Member<'_>]) -> Option<(&'a Member<'a>, &'a Failing)> {
    let failing = members.iter().filter_map(|member| match &member.place {
        Place::Failed(failing) => Some((member, failing)),
        _ => None,
    });
    failing.min_by_key(|(member, failing)| (failing.at, member.candidate.id.clone()))
}

/// What nodes have in common over which a release is spread: the platform and the availability zone.
type Kinship<'a> = (Option<Platform>, &'a str);

/// Which `count` of the waiting nodes come next, by their place in `members`: always the same ones for the same
/// release, spread over platforms and availability zones.
pub(super) fn next(members: &[Member<'_>], count: u32, release: &str) -> BTreeSet<usize> {
    let waiting = || members.iter().enumerate().filter(|(_, member)| matches!(member.place, Place::Waiting));
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    if count == 0 {
        return BTreeSet::new();
    }
    if waiting().nth(count).is_none() {
        return waiting().map(|(at, _)| at).collect();
    }
    let mut groups: BTreeMap<Kinship<'_>, Vec<(String, usize)>> = BTreeMap::new();
    for (at, member) in waiting() {
        let zone = member.candidate.instance.map_or("", |instance| &*instance.zone);
        let rank = digest::short([release, &*member.candidate.id]);
        groups.entry((member.candidate.platform, zone)).or_default().push((rank, at));
    }
    // The first of each group, then the second of each, and so on.
    let mut order = Vec::new();
    for rows in groups.values_mut() {
        rows.sort();
        order.extend(rows.iter().enumerate().map(|(position, (rank, at))| (position, rank.as_str(), *at)));
    }
    order.sort_unstable();
    order.into_iter().take(count).map(|(_, _, at)| at).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_measured_against_the_stage_that_nodes_have_come_to() {
        let rollout = Rollout {
            canary: Some(Amount::Count(20)),
            waves: vec![Amount::Percent(1_000)],
            max_failures: Some(Amount::Percent(100)),
            ..Rollout::default()
        };
        for (touched, healthy, failed, reached, number, tolerated) in [
            (0, 0, 0, 1, 1, 0),
            (20, 10, 0, 1, 1, 0),
            // The canary is over, and one of it failed: no wave makes that bearable.
            (20, 19, 1, 1, 2, 0),
            (21, 20, 0, 2, 2, 2),
            (200, 198, 2, 2, 3, 2),
            (2_000, 1_980, 20, 3, 3, 20),
        ] {
            let survey = Survey { total: 2_000, touched, healthy, failed, ..Survey::default() };
            let stage = Stage::of(&rollout, survey, false);
            assert_eq!(
                (stage.reached, stage.number, stage.tolerated),
                (reached, number, tolerated),
                "{survey:?}"
            );
        }
    }
}
