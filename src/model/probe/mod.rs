//! The probe: a parameterless SSM document that reads what a node has, and its output parsed.

/// The document's name.
pub const NAME: &str = "Watchkeeper-Probe";

/// Whether the agent runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AgentStatus {
    /// It runs.
    Running,
    /// It does not run.
    Stopped,
    /// The control script gave no answer.
    Unknown,
}

/// A configuration file on a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigFile {
    /// File name.
    pub name: String,
    /// SHA-256 in hex, where it could be read.
    pub sha256: Option<String>,
    /// Unix seconds.
    pub modified: i64,
}

/// What a node has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// Whether the agent is installed.
    pub installed: bool,
    /// Whether it runs.
    pub status: AgentStatus,
    /// The agent's own version.
    pub version: Option<String>,
    /// The version that SSM Distributor installed.
    pub package: Option<String>,
    /// When it was started.
    pub started: Option<jiff::Timestamp>,
    /// When the translated configuration was written, in Unix seconds.
    pub toml: Option<i64>,
    /// SHA-256 of `etc/amazon-cloudwatch-agent.json`.
    pub etc_json: Option<String>,
    /// The configuration files.
    pub files: Vec<ConfigFile>,
    /// How many more there are.
    pub more: u32,
    /// Left-over `.tmp` files.
    pub tmp: u32,
}

/// Why an output is no probe.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unreadable")]
pub struct ProbeUnreadable;

/// Reads a probe's output.
pub fn parse(_: &str) -> Result<Probe, ProbeUnreadable> {
    Err(ProbeUnreadable)
}

/// The SHA-256 of the document's content.
pub fn sha256() -> &'static str {
    ""
}
