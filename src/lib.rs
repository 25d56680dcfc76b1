//! Watchkeeper keeps the telemetry of an AWS estate converged.

pub mod aws;
pub mod backoff;
pub mod cli;
pub mod clock;
pub mod controller;
pub mod journal;
pub mod load;
pub mod model;
pub mod pass;
pub mod serve;
pub mod sim;
pub mod source;
