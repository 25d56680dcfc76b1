//! What Watchkeeper knows and how it decides. Pure: no tokio, no AWS, no files, no clock, no logging, no chance.
//!
//! Everything here is a value or a function of values, so that every decision can be tested as plain data.

pub mod action;
pub mod digest;
pub mod failure;
pub mod observed;
pub mod probe;
pub mod question;
pub mod tags;
