//! How many nodes may have a release, stage by stage.

use crate::model::desired::Rollout;

/// How many of `total` nodes may have the release when each stage is over: growing, and all of them in the end.
pub fn limits(rollout: &Rollout, total: u32) -> Vec<u32> {
    let mut limits: Vec<u32> = Vec::new();
    let stages = rollout.canary.iter().chain(&rollout.waves).map(|amount| amount.of(total));
    for limit in stages.chain([total]) {
        if limit > limits.last().copied().unwrap_or(0) {
            limits.push(limit);
        }
    }
    limits
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::desired::Amount;

    #[test]
    fn stages_grow_and_end_with_everything() {
        let rollout = |canary, waves: &[u16]| Rollout {
            canary,
            waves: waves.iter().map(|percent| Amount::Percent(percent * 100)).collect(),
            ..Rollout::default()
        };
        let canary = Some(Amount::Count(1));
        for (rollout, total, expected) in [
            (rollout(canary, &[10, 50, 100]), 2_000, vec![1, 200, 1_000, 2_000]),
            (rollout(canary, &[10, 50, 100]), 12, vec![1, 2, 6, 12]),
            (rollout(canary, &[10, 50]), 3, vec![1, 2, 3]),
            (rollout(canary, &[]), 1, vec![1]),
            (rollout(Some(Amount::Count(50)), &[1]), 100, vec![50, 100]),
            (rollout(None, &[]), 7, vec![7]),
            (rollout(canary, &[]), 0, vec![]),
        ] {
            assert_eq!(limits(&rollout, total), expected, "{rollout:?} of {total}");
        }
    }
}
