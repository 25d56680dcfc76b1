//! Calls per second: one token bucket per API, on our clock.
//!
//! The rate gives way as TCP does: halved when AWS throttles, won back little by little. So a crowded account
//! gets what is left over, and nobody has to be told how crowded it is. It only ever delays; it refuses nothing.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use super::apis::Api;
use crate::clock::Clock;

/// The rate never falls below this share of the allowance: slower than that, and nothing would ever be seen.
const FLOOR: f64 = 1.0 / 8.0;
/// The share of the allowance that is won back in a second: from the floor to the full rate in three quarters of a minute.
const RECOVERY_PER_SECOND: f64 = 0.02;
/// Refusals this close together, in seconds, are one event: calls that were under way when the first one came.
const ONE_EVENT: f64 = 1.0;

/// The call allowance of one scope. Cheap to clone; all clones draw from the same buckets.
#[derive(Clone, Debug)]
pub struct Budget {
    clock: Clock,
    buckets: Arc<Mutex<BTreeMap<&'static str, Bucket>>>,
}

#[derive(Debug)]
struct Bucket {
    allowed: Api,
    /// Calls per second at present.
    rate: f64,
    /// Below zero: that many calls are waiting already.
    tokens: f64,
    /// When `rate` and `tokens` were last brought up to date.
    at: Timestamp,
    /// When the rate was last halved.
    cut: Option<Timestamp>,
}

impl Budget {
    /// Full buckets.
    pub fn new(clock: &Clock) -> Self {
        Self { clock: clock.clone(), buckets: Arc::default() }
    }

    /// Waits until one more call of `api` is allowed. Callers are let through in the order in which they came.
    pub async fn admit(&self, api: Api) {
        let wait = self.reserve(api);
        if !wait.is_zero() {
            self.clock.sleep(wait).await;
        }
    }

    /// AWS refused a call of `api` because there were too many.
    pub fn throttled(&self, call: &str) {
        let now = self.clock.now();
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bucket) = buckets.get_mut(call) {
            bucket.refill(now);
            bucket.cut(now);
        }
    }

    /// The present rate of `api` in calls per second. For metrics.
    pub fn rate(&self, api: Api) -> f64 {
        let now = self.clock.now();
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        buckets.get_mut(api.call).map_or(api.per_second, |bucket| {
            bucket.refill(now);
            bucket.rate
        })
    }

    /// The present rates in calls per second, of every API that was called.
    pub fn rates(&self) -> BTreeMap<&'static str, f64> {
        let now = self.clock.now();
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let rate = |(call, bucket): (&&'static str, &mut Bucket)| {
            bucket.refill(now);
            (*call, bucket.rate)
        };
        buckets.iter_mut().map(rate).collect()
    }

    fn reserve(&self, api: Api) -> Duration {
        let now = self.clock.now();
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let bucket = buckets.entry(api.call).or_insert_with(|| Bucket::full(api, now));
        bucket.refill(now);
        bucket.tokens -= 1.0;
        let wait = (-bucket.tokens / bucket.rate).max(0.0);
        // Not finite only if an allowance were zero; then nothing is gained by waiting for ever.
        Duration::try_from_secs_f64(wait).unwrap_or_default()
    }
}

impl Bucket {
    const fn full(allowed: Api, now: Timestamp) -> Self {
        Self { allowed, rate: allowed.per_second, tokens: allowed.burst, at: now, cut: None }
    }

    fn refill(&mut self, now: Timestamp) {
        // The wall clock may step back; then no time has passed.
        let passed = now.duration_since(self.at).as_secs_f64().max(0.0);
        self.at = now;
        self.tokens = (self.tokens + passed * self.rate).min(self.allowed.burst);
        let full = self.allowed.per_second;
        self.rate = (self.rate + passed * full * RECOVERY_PER_SECOND).min(full);
    }

    fn cut(&mut self, now: Timestamp) {
        if self.cut.is_some_and(|last| now.duration_since(last).as_secs_f64() < ONE_EVENT) {
            return;
        }
        self.cut = Some(now);
        self.rate = (self.rate / 2.0).max(self.allowed.per_second * FLOOR);
        // What was saved up for a burst was not there after all.
        self.tokens = self.tokens.min(0.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::apis::PUT_PARAMETER;

    fn clock() -> Clock {
        Clock::pretended("2026-01-01T00:00:00Z".parse().expect("a timestamp"), 1.0)
    }

    async fn seconds_for(budget: &Budget, calls: u32) -> f64 {
        let begun = budget.clock.now();
        for _ in 0..calls {
            budget.admit(PUT_PARAMETER).await;
        }
        budget.clock.now().duration_since(begun).as_secs_f64()
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_is_free_and_the_rest_comes_at_the_rate() {
        let budget = Budget::new(&clock());
        assert!(seconds_for(&budget, 3).await < 0.01, "the burst");
        let took = seconds_for(&budget, 25).await;
        assert!((9.9..10.2).contains(&took), "25 calls at 2.5 a second took {took} s");
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_halves_the_rate_once_and_time_wins_it_back() {
        let budget = Budget::new(&clock());
        seconds_for(&budget, 1).await;
        budget.throttled(PUT_PARAMETER.call);
        budget.throttled(PUT_PARAMETER.call);
        assert!((budget.rate(PUT_PARAMETER) - 1.25).abs() < 0.01, "two refusals at once are one event");
        for _ in 0..10 {
            budget.clock.sleep(Duration::from_millis(1001)).await;
            budget.throttled(PUT_PARAMETER.call);
        }
        assert!(budget.rate(PUT_PARAMETER) >= 2.5 * FLOOR, "never below the floor");
        budget.clock.sleep(Duration::from_secs(60)).await;
        assert!((budget.rate(PUT_PARAMETER) - 2.5).abs() < 0.01, "a quiet minute brings it all back");
    }

    #[tokio::test(start_paused = true)]
    async fn each_api_has_its_own_bucket() {
        let budget = Budget::new(&clock());
        seconds_for(&budget, 3).await;
        let begun = budget.clock.now();
        budget.admit(crate::aws::apis::GET_ROLE).await;
        assert_eq!(budget.clock.now(), begun);
    }
}
