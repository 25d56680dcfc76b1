//! Growing delays between passes that fail as a whole. The only module that names the crate `backoff`, which is
//! unmaintained: one small use, easily replaced.

use std::time::Duration;

use backoff::ExponentialBackoff;
use backoff::backoff::Backoff as _;

/// A delay that grows while something keeps failing.
#[derive(Debug)]
pub struct Delay(ExponentialBackoff);

impl Delay {
    /// Begins at `first`, doubles, and never exceeds `longest`. Without chance of its own: who wants jitter adds it.
    pub fn new(first: Duration, longest: Duration) -> Self {
        Self(ExponentialBackoff {
            current_interval: first,
            initial_interval: first,
            randomization_factor: 0.0,
            multiplier: 2.0,
            max_interval: longest,
            max_elapsed_time: None,
            ..ExponentialBackoff::default()
        })
    }

    /// The next delay after a failure.
    pub fn failed(&mut self) -> Duration {
        self.0.next_backoff().unwrap_or(self.0.max_interval)
    }

    /// It worked: the next failure begins anew.
    pub fn succeeded(&mut self) {
        self.0.reset();
    }
}
