//! The probe: a parameterless SSM document that says what the CloudWatch agent on a node is, runs and has
//! read, and its output parsed.
//!
//! Pure. The scripts only read; nothing of the folder or the estate is ever put into them.

mod document;
mod parse;

pub use document::{NAME, content, sha256};
pub use parse::{AgentStatus, ConfigFile, Probe, ProbeUnreadable, parse};
