//! AWS itself: the only place that names `aws_sdk_*`.
//!
//! - [`connect`] builds the clients of one scope: credentials, timeouts, retries, all on our [`Clock`](crate::clock::Clock).
//! - [`apis`] lists every call that Watchkeeper makes, and how often it may.
//! - [`budget`] holds calls to that, and slows down where AWS says so; [`meter`] counts what was sent.
//! - [`error`] turns AWS's codes into [`Class`](crate::model::failure::Class)es; nothing else knows a code.
//! - [`observe`] answers questions. [`act`] carries out actions.
//! - [`log_events`] reads log events for a person; [`log_stream`] writes those that tell of Watchkeeper itself.
//!
//! Nothing is decided here: no safety rule, no policy, no second thoughts. No trait of ours stands in front of
//! AWS either: the clients are the SDK's, and a test swaps only the HTTP client and the clock. This module must
//! never import `sim`.

mod act;
pub mod apis;
pub mod budget;
pub mod connect;
pub mod error;
pub mod log_events;
pub mod log_stream;
pub mod meter;
mod observe;
mod paging;
mod policy_text;
pub mod probe_document;
mod spread;
mod values;

pub use act::act;
pub use connect::Clients;
pub use observe::{observe, observe_nodes};
