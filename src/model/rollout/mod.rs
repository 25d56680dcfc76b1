//! Rollouts as values: what a release is, how it is divided into stages, and what of it must be remembered.
//!
//! Progress is read from the nodes. What nodes cannot tell stands in one small parameter for each
//! `CloudWatchAgent`: [`State`]. Nothing here decides whether a stage is over; `plan/cloudwatch_agent/rollout` does.

mod difference;
mod kept;
mod order;
mod progress;
mod stages;
mod state;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use difference::difference;
pub use kept::keep;
pub use order::{Given, Order, Refused};
pub use progress::{Phase, Progress};
pub use stages::limits;
pub use state::{Origin, Rejected, State, StateUnreadable};

use super::digest;

/// One configuration at one version of its parameter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pinned {
    /// The parameter's name.
    pub parameter: Arc<str>,
    /// Its version.
    pub version: i64,
    /// SHA-256 of its content, in hex.
    pub sha256: Arc<str>,
}

/// What the nodes of one `CloudWatchAgent` run, or shall run: a version of the agent, and configurations.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// The version of the agent; none: any.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub version: Option<Arc<str>>,
    /// The configurations, by the name of their `AgentConfig`.
    pub configs: BTreeMap<Arc<str>, Pinned>,
}

impl Release {
    /// Whether nodes on `stable` already have all that this release has. What content it is counts, not which
    /// version of the parameter holds it.
    pub fn is_within(&self, stable: &Self) -> bool {
        self.version == stable.version
            && self.configs.iter().all(|(name, pinned)| stable.sha256(name) == Some(&*pinned.sha256))
    }

    /// The SHA-256 of the configuration called `name`.
    pub fn sha256(&self, name: &str) -> Option<&str> {
        self.configs.get(name).map(|pinned| &*pinned.sha256)
    }

    /// Names the content in 16 characters.
    pub fn digest(&self) -> String {
        let configs = self.configs.iter().flat_map(|(name, pinned)| [&**name, &*pinned.sha256].into_iter());
        digest::short(self.version.as_deref().into_iter().chain(configs))
    }

    /// In a few words.
    pub fn shown(&self) -> String {
        let configs = self.configs.values().map(|pinned| format!("{}:{}", pinned.parameter, pinned.version));
        let version = self.version.iter().map(|version| format!("agent {version}"));
        version.chain(configs).collect::<Vec<_>>().join(", ")
    }
}

/// The parameter in which the state of the `CloudWatchAgent` called `object` is kept.
pub fn parameter(installation: &str, object: &str) -> String {
    format!("/watchkeeper/{installation}/{object}")
}

/// The label that keeps the stable version of a configuration from being pruned. Two objects may share one.
pub fn label(object: &str) -> String {
    format!("stable.{object}")
}
