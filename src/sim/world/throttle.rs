//! Token buckets at AWS's documented rates, one per account, Region and API.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::sim::wire::{Rate, Target};

/// All buckets that have been drawn from.
#[derive(Clone, Debug, Default)]
pub struct Buckets(BTreeMap<(String, String, &'static str), Bucket>);

#[derive(Clone, Debug)]
struct Bucket {
    tokens: f64,
    at: Timestamp,
}

impl Buckets {
    /// Takes a token for one call. False when none is left.
    pub(super) fn take(
        &mut self,
        now: Timestamp,
        target: &Target,
        operation: &'static str,
        rate: Rate,
    ) -> bool {
        let name = if rate.shared.is_empty() { operation } else { rate.shared };
        let key = (
            target.place.account.clone(),
            format!("{}/{}", target.service.name(), target.place.region),
            name,
        );
        let bucket = self.0.entry(key).or_insert(Bucket { tokens: rate.burst, at: now });
        let passed = now.duration_since(bucket.at).as_secs_f64().max(0.0);
        bucket.tokens = (bucket.tokens + passed * rate.per_second).min(rate.burst);
        bucket.at = now;
        if bucket.tokens < 1.0 {
            return false;
        }
        bucket.tokens -= 1.0;
        true
    }
}
