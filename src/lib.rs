//! Watchkeeper keeps the telemetry of an AWS estate converged.

pub mod aws;
pub mod clock;
pub mod model;
pub mod sim;
