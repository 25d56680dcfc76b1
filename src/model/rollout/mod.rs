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

use super::desired::Platform;
use super::digest;

/// The field of a document that names one configuration for every node.
const FOR_ALL: &str = "config";
/// Every kind of node that a document can tell apart: its platform, and whether it stands outside EC2.
const KINDS: [(Platform, bool); 6] = [
    (Platform::Linux, false),
    (Platform::Linux, true),
    (Platform::Windows, false),
    (Platform::Windows, true),
    (Platform::MacOs, false),
    (Platform::MacOs, true),
];

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
    /// The configurations, by the field of the document that names them: `config` for every node, or `linux`,
    /// `windows`, `macos` and `onPremises`. Not by the name of their `AgentConfig`: a node goes back to what it
    /// had, whatever that was called.
    pub configs: BTreeMap<Arc<str>, Pinned>,
}

impl Release {
    /// Whether nodes on `stable` already have all that this release has. What content it is counts, not which
    /// version of the parameter holds it.
    pub fn is_within(&self, stable: &Self) -> bool {
        let is_the_same = |(platform, is_on_premises)| {
            let Some(wanted) = self.for_node(platform, is_on_premises) else { return true };
            stable.for_node(platform, is_on_premises).is_some_and(|have| have.sha256 == wanted.sha256)
        };
        self.version == stable.version && KINDS.into_iter().all(is_the_same)
    }

    /// The configuration of a node.
    pub fn for_node(&self, platform: Platform, is_on_premises: bool) -> Option<&Pinned> {
        for_node(&self.configs, platform, is_on_premises)
    }

    /// The configuration that the document names, or would name, in `field`.
    pub fn at(&self, field: &str) -> Option<&Pinned> {
        self.configs.get(field).or_else(|| self.configs.get(FOR_ALL))
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

/// What a node gets of what stands `by_field`: as [`ConfigChoice`](super::desired::ConfigChoice) chooses.
pub fn for_node<T>(by_field: &BTreeMap<Arc<str>, T>, platform: Platform, is_on_premises: bool) -> Option<&T> {
    let of_platform = match platform {
        Platform::Linux => "linux",
        Platform::Windows => "windows",
        Platform::MacOs => "macos",
    };
    let own = is_on_premises.then(|| by_field.get("onPremises")).flatten();
    own.or_else(|| by_field.get(of_platform)).or_else(|| by_field.get(FOR_ALL))
}

/// The parameter in which the state of the `CloudWatchAgent` called `object` is kept.
pub fn parameter(installation: &str, object: &str) -> String {
    format!("/watchkeeper/{installation}/{object}")
}

/// The label that keeps the stable version of a configuration from being pruned. Two objects may share one.
pub fn label(object: &str) -> String {
    format!("stable.{object}")
}
