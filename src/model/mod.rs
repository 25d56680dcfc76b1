//! What Watchkeeper knows and how it decides. Pure: no tokio, no AWS, no files, no clock, no logging, no chance.
//!
//! Everything here is a value or a function of values, so that every decision can be tested as plain data.

pub mod action;
pub mod agent_config;
pub mod alike;
pub mod ask;
pub mod desired;
pub mod digest;
pub mod event;
pub mod explain;
pub mod failure;
pub mod finding;
pub mod memory;
pub mod observed;
pub mod permission;
pub mod picture;
pub mod plan;
pub mod policy;
pub mod probe;
pub mod question;
pub mod reason;
pub mod report;
pub mod rollout;
pub mod rules;
pub mod runbook;
pub mod snapshot;
pub mod status;
pub mod story;
pub mod tags;
pub mod verify;
