//! Everything that is decided, as plain data and pure functions.
//!
//! Nothing here may do I/O, ask the time, log, or know tokio or AWS: what these modules need is given to them.

pub mod agent_config;
pub mod desired;
