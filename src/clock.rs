//! The only room with time.
//!
//! Everything that asks what time it is, or waits, is given a [`Clock`]: the loop, the simulator and the
//! AWS SDK alike. Nothing else may read the wall clock (`clippy.toml` holds that). A [`Clock`] is either the
//! machine's own time, or a pretended one that starts where it is told and runs `speed` times as fast as
//! tokio's clock, which a test may pause.

use std::time::{Duration, SystemTime};

use jiff::Timestamp;

/// What time it is, and how to wait. Cheap to clone; all clones agree.
#[derive(Clone, Debug)]
pub struct Clock(Kind);

#[derive(Clone, Debug)]
enum Kind {
    Wall,
    Pretended { epoch: Timestamp, started: tokio::time::Instant, speed: f64 },
}

impl Clock {
    /// The machine's own time. It may step when the machine's clock is set.
    pub fn wall() -> Self {
        Self(Kind::Wall)
    }

    /// A time that begins at `epoch` now and passes `speed` times as fast as tokio's clock.
    ///
    /// Must be called inside a tokio runtime. `speed` must be finite and above zero; anything else counts as 1.
    pub fn pretended(epoch: Timestamp, speed: f64) -> Self {
        let speed = if speed.is_finite() && speed > 0.0 { speed } else { 1.0 };
        Self(Kind::Pretended { epoch, started: tokio::time::Instant::now(), speed })
    }

    /// What time it is.
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Kind::Wall => wall_now(),
            Kind::Pretended { epoch, started, speed } => {
                let passed = started.elapsed();
                // At its own pace a clock is exact; floating point would lose nanoseconds.
                let passed = if (speed - 1.0).abs() < f64::EPSILON { passed } else { passed.mul_f64(*speed) };
                *epoch + passed
            }
        }
    }

    /// How fast this clock runs against tokio's.
    pub fn speed(&self) -> f64 {
        match &self.0 {
            Kind::Wall => 1.0,
            Kind::Pretended { speed, .. } => *speed,
        }
    }

    /// Waits until `wait` has passed on this clock.
    pub async fn sleep(&self, wait: Duration) {
        let real = wait.div_f64(self.speed());
        // Tokio rounds up to its millisecond; a shorter wait must still yield.
        tokio::time::sleep(real).await;
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the room that may read the wall clock")]
fn wall_now() -> Timestamp {
    Timestamp::now()
}

/// How long ago something happened by the machine's own time, such as a file's last change. Zero when it lies ahead.
#[expect(clippy::disallowed_methods, reason = "this is the room that may read the wall clock")]
pub fn machine_age(happened: SystemTime) -> Duration {
    SystemTime::now().duration_since(happened).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_pretended_clock_passes_at_its_own_speed() {
        let epoch: Timestamp = "2026-01-01T00:00:00Z".parse().expect("a timestamp");
        let clock = Clock::pretended(epoch, 60.0);
        tokio::time::sleep(Duration::from_secs(10)).await;
        assert_eq!((clock.now() - epoch).get_seconds(), 600);
        clock.sleep(Duration::from_secs(60)).await;
        assert_eq!((clock.now() - epoch).get_seconds(), 660);
    }
}
