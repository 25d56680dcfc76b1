//! Spoils calls on purpose, by seeded chance: throttle, deny, time out, lose the reply, cut a page.
//!
//! Lag (a listing that does not show a write yet) is not here but in the world's settings, since AWS lags
//! even when nothing is wrong.

use super::wire::{AwsError, Target};

/// How often each fault happens, each as a chance between 0 and 1 per call.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rates {
    /// "Rate exceeded", in the service's own words.
    pub throttle: f64,
    /// Access denied.
    pub deny: f64,
    /// An internal error (HTTP 500) before anything was done.
    pub server_error: f64,
    /// No reply ever; half of these calls were carried out all the same.
    pub time_out: f64,
    /// The call was carried out, then the connection broke.
    pub lose_reply: f64,
    /// A listing returns fewer rows than it could (even none), with a token.
    pub cut_page: f64,
}

/// A source of faults for one world.
#[derive(Clone, Debug)]
pub struct Faults {
    rates: Rates,
    rng: fastrand::Rng,
    only: Option<String>,
}

/// What happens to one call.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// Answer with this error, having done nothing.
    Refuse(AwsError),
    /// Never answer.
    TimeOut {
        /// Whether the call was carried out all the same.
        applied: bool,
    },
    /// Carry it out, then break the connection.
    LoseReply,
    /// Answer, but with a short page.
    CutPage,
}

impl Faults {
    /// Nothing goes wrong.
    pub fn none() -> Self {
        Self::seeded(0, Rates::default())
    }

    /// Faults at these `rates`, drawn from `seed`.
    pub fn seeded(seed: u64, rates: Rates) -> Self {
        Self { rates, rng: fastrand::Rng::with_seed(seed), only: None }
    }

    /// Restricts the faults to one operation, such as `SendCommand`.
    #[must_use]
    pub fn only(mut self, operation: &str) -> Self {
        self.only = Some(operation.to_owned());
        self
    }

    /// Draws what happens to the next call.
    pub fn next(&mut self, target: Option<&Target>) -> Option<Fault> {
        let target = target?;
        if self.only.as_ref().is_some_and(|only| *only != target.operation) {
            return None;
        }
        // One draw per call, so that a changed rate does not shift every later draw.
        let mut left = self.rng.f64();
        let mut hit = |chance: f64| {
            left -= chance;
            left < 0.0
        };
        let rates = &self.rates;
        if hit(rates.throttle) {
            return Some(Fault::Refuse(AwsError::throttled(target.service)));
        }
        if hit(rates.deny) {
            return Some(Fault::Refuse(AwsError::denied(target)));
        }
        if hit(rates.server_error) {
            return Some(Fault::Refuse(AwsError::internal(target.service)));
        }
        if hit(rates.time_out) {
            return Some(Fault::TimeOut { applied: self.rng.bool() });
        }
        if hit(rates.lose_reply) {
            return Some(Fault::LoseReply);
        }
        hit(rates.cut_page).then_some(Fault::CutPage)
    }
}
