//! Watchkeeper keeps the telemetry of an AWS estate converged.

pub mod clock;
pub mod model;
pub mod sim;
