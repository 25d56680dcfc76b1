//! One line of the story that on-call reads.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::desired::ObjectRef;
use super::reason::{Category, Nature, Reason};

/// Where a cause stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// First seen.
    Opened,
    /// Something about it changed, or was done.
    Updated,
    /// Gone.
    Resolved,
}

/// How soon a person should look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Whenever; Watchkeeper is at it, or nothing is wrong.
    Info,
    /// In working hours.
    Warning,
    /// Now: something is not observed, and Watchkeeper cannot mend it alone.
    Error,
    /// Now, before anything else: Watchkeeper itself changed something for the worse, and stopped.
    Critical,
}

impl Severity {
    /// The severity of a reason.
    pub const fn of(reason: Reason) -> Self {
        if matches!(reason, Reason::RolloutHalted | Reason::NoStableVersion) {
            return Self::Critical;
        }
        match reason.nature() {
            Nature::Fine | Nature::Note | Nature::Converging => Self::Info,
            Nature::SetAside | Nature::Held => Self::Warning,
            Nature::Fault => Self::Error,
        }
    }
}

/// One field, before and after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Before {
    /// What it is of: a node, a group.
    pub subject: Arc<str>,
    /// The field.
    pub field: Arc<str>,
    /// What the world has.
    pub before: Arc<str>,
    /// What the document says.
    pub after: Arc<str>,
}

/// Who did it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct By {
    /// The user, role or service, as AWS names it.
    pub principal: Arc<str>,
    /// The call that did it, such as `ec2:DeleteFlowLogs`.
    pub call: Arc<str>,
    /// When.
    pub at: Timestamp,
}

/// One line of the story.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// When.
    pub time: Timestamp,
    /// Its number in this process, so that a reader can go on where it stopped.
    #[serde(default)]
    pub number: u64,
    /// Where the cause stands.
    pub phase: Phase,
    /// How soon a person should look.
    pub severity: Severity,
    /// The same for the same cause, also after a restart.
    pub fingerprint: Arc<str>,
    /// Why.
    pub reason: Reason,
    /// Which sort of concern it is.
    pub category: Category,
    /// The account.
    pub account: Arc<str>,
    /// The Region.
    pub region: Arc<str>,
    /// The revision of the folder.
    pub revision: Arc<str>,
    /// The object that it is about.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub object: Option<ObjectRef>,
    /// How many nodes, networks or things it is about.
    pub count: u32,
    /// Some of them, by name.
    pub subjects: Vec<Arc<str>>,
    /// What happened, for a person.
    pub message: String,
    /// Field by field, for some of the subjects.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub changes: Vec<Before>,
    /// The commands that were sent for it.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub commands: Vec<Arc<str>>,
    /// What a person should do.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub next: Option<String>,
    /// Who did it, where a record of AWS's says so.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub by: Option<By>,
    /// Where to look in the AWS console.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub console: Option<String>,
    /// The section of the runbook.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub runbook: Option<String>,
    /// How often the cause came back shortly after it was over. From [`FLAPS`](super::story::FLAPS) times on its comings
    /// and goings are counted, not told one by one.
    #[serde(skip_serializing_if = "is_zero", default)]
    pub returned: u32,
    /// How long it lasted, in seconds, once it is resolved.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub lasted: Option<i64>,
}

const fn is_zero(count: &u32) -> bool {
    *count == 0
}

impl Event {
    /// Whether the event concerns `what`: an object (`Kind/name`), a node, a network, a name.
    pub fn concerns(&self, what: &str) -> bool {
        self.object.as_ref().is_some_and(|object| object.to_string() == what || *object.name == *what)
            || self.subjects.iter().any(|subject| **subject == *what)
    }
}

impl Severity {
    /// Every severity, the least first.
    pub const ALL: [Self; 4] = [Self::Info, Self::Warning, Self::Error, Self::Critical];

    /// The word itself.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Critical => "critical",
        }
    }
}

impl Phase {
    /// The word itself.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Updated => "updated",
            Self::Resolved => "resolved",
        }
    }
}
