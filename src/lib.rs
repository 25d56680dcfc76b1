//! Watchkeeper keeps the telemetry of an AWS estate converged.

pub mod cli;
pub mod clock;
pub mod load;
pub mod model;
pub mod sim;
