//! What people want: the folder's documents, read and checked.
//!
//! [`parse`] turns a [`Snapshot`] into [`Desired`] and a list of [`Problem`]s. It is pure and total: it reports
//! every mistake at once, a broken document never stops another, and a document that is broken is not a
//! document that was removed. One file per kind; none of them knows how AWS is asked or changed.
//!
//! ```text
//! bytes ──yaml──▶ tree with positions ──decode──▶ fields ──<kind>──▶ Object ──check──▶ Desired
//!                                  every step adds its mistakes ──────────────────────▶ Problems
//! ```

mod account;
mod agent_config;
mod check;
mod cloudwatch_agent;
pub(crate) mod decode;
mod flow_log;
mod iam_role;
mod log_group;
mod overlap;
mod parse;
mod passed_over;
mod presets;
pub(crate) mod problem;
mod render;
mod select;
mod snapshot;
mod values;
mod window;
pub(crate) mod yaml;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use account::{Account, AssumeRole};
pub use agent_config::{AgentConfig, Place, PlatformOnly, SetRetention, Tier};
pub use cloudwatch_agent::{CloudWatchAgent, ConfigChoice, Ensure, OnForeignConfig, Rollout, Version};
pub use flow_log::{DEFAULT_LOG_FORMAT, FlowLog, RoleRef, Target, Traffic};
pub use iam_role::{IamRole, Preset};
pub(crate) use log_group::nearest as nearest_retention;
pub use log_group::{LogGroup, LogGroupClass, Retention};
pub use parse::{Parsed, parse};
pub use problem::{Position, Problem, Severity, Span};
pub use render::render;
pub use select::{Excluded, LabelSelector, NetworkSelector, NodeSelector, Platform, TagMatch};
pub use snapshot::{Revision, Snapshot};
pub use values::{Amount, RETENTION_DAYS};
pub use window::Window;

/// The `apiVersion` of every document.
pub const API_VERSION: &str = "watchkeeper/v1";

/// The kinds of documents, in the order in which their objects are created: what is needed comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Kind {
    /// An AWS account and its Regions.
    Account,
    /// A role, its policies and its instance profile.
    IamRole,
    /// A log group and its retention.
    LogGroup,
    /// The content of a parameter that agents fetch.
    AgentConfig,
    /// The CloudWatch agent on a set of nodes.
    CloudWatchAgent,
    /// Flow logs of VPCs, subnets or network interfaces.
    FlowLog,
}

impl Kind {
    /// All of them, in order.
    pub const ALL: [Self; 6] = [
        Self::Account,
        Self::IamRole,
        Self::LogGroup,
        Self::AgentConfig,
        Self::CloudWatchAgent,
        Self::FlowLog,
    ];

    /// The word in documents, events and tags.
    pub fn name(self) -> &'static str {
        match self {
            Self::Account => "Account",
            Self::IamRole => "IamRole",
            Self::LogGroup => "LogGroup",
            Self::AgentConfig => "AgentConfig",
            Self::CloudWatchAgent => "CloudWatchAgent",
            Self::FlowLog => "FlowLog",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Which object: `LogGroup/example-corp-vpc`. Ordered by kind, then name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ObjectRef {
    /// Its kind.
    pub kind: Kind,
    /// Its `metadata.name`.
    pub name: Arc<str>,
}

impl ObjectRef {
    /// The object of that kind and name.
    pub fn new(kind: Kind, name: impl Into<Arc<str>>) -> Self {
        Self { kind, name: name.into() }
    }
}

impl fmt::Display for ObjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind.name(), self.name)
    }
}

/// A text that names no object.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not Kind/name")]
pub struct NotAnObject(String);

impl FromStr for ObjectRef {
    type Err = NotAnObject;

    fn from_str(text: &str) -> Result<Self, NotAnObject> {
        let not = || NotAnObject(text.to_owned());
        let (kind, name) = text.split_once('/').ok_or_else(not)?;
        let kind = Kind::ALL.into_iter().find(|known| known.name() == kind).ok_or_else(not)?;
        if !is_object_name(name) {
            return Err(not());
        }
        Ok(Self::new(kind, name))
    }
}

impl TryFrom<String> for ObjectRef {
    type Error = NotAnObject;

    fn try_from(text: String) -> Result<Self, NotAnObject> {
        text.parse()
    }
}

impl From<ObjectRef> for String {
    fn from(object: ObjectRef) -> Self {
        object.to_string()
    }
}

/// 1 to 40 of `a-z`, `0-9` and `-`, not beginning or ending with `-`. Short, because names go into tags,
/// command comments (100 characters at most) and parameter names.
pub(crate) fn is_object_name(name: &str) -> bool {
    (1..=40).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        && !name.starts_with('-')
        && !name.ends_with('-')
}

/// What may be done for an object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Management {
    /// Drift is corrected.
    #[default]
    Enforce,
    /// Drift is reported and nothing is changed.
    Observe,
    /// Nothing is changed and nothing is probed.
    Paused,
}

/// What happens to the AWS objects of a document that was removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Deletion {
    /// They stay.
    #[default]
    Retain,
    /// Those that are ours are deleted.
    Delete,
}

/// What every spec takes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Common {
    /// What may be done.
    pub management: Management,
    /// Take over what is there and is not ours.
    pub adopt: bool,
    /// What happens when the document is removed.
    pub deletion: Deletion,
    /// Only in accounts with these labels; none: in all.
    pub accounts: Option<LabelSelector>,
    /// Ready only when every selected node is, also those that cannot be managed.
    pub require_all: bool,
}

/// One document that was found right.
#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    /// Which object it is.
    pub id: ObjectRef,
    /// What every kind has.
    pub common: Common,
    /// What its kind has.
    pub spec: Spec,
    /// Where the document begins.
    pub at: Position,
}

/// What is wanted, by kind.
#[derive(Clone, Debug, PartialEq)]
pub enum Spec {
    /// An AWS account and its Regions.
    Account(Account),
    /// A role, its policies and its instance profile.
    IamRole(IamRole),
    /// A log group and its retention.
    LogGroup(LogGroup),
    /// The content of a parameter that agents fetch.
    AgentConfig(AgentConfig),
    /// The CloudWatch agent on a set of nodes.
    CloudWatchAgent(CloudWatchAgent),
    /// Flow logs of networks.
    FlowLog(FlowLog),
}

/// The validated content of the folder, at one revision.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Desired {
    /// Which revision of the folder.
    pub revision: Revision,
    /// The documents that are right.
    pub objects: BTreeMap<ObjectRef, Arc<Object>>,
    /// The objects whose document has an error. They are not removed: their last good version stays.
    pub broken: BTreeMap<ObjectRef, Position>,
    /// The files (or folders) in which something could not be read or even told apart as an object. All
    /// objects that came from them before are kept.
    pub broken_files: BTreeSet<Arc<str>>,
}

impl Desired {
    /// The object, if its document is right (or its last good version is kept).
    pub fn get(&self, id: &ObjectRef) -> Option<&Object> {
        self.objects.get(id).map(Arc::as_ref)
    }

    /// All objects of a kind, by name.
    pub fn of_kind(&self, kind: Kind) -> impl Iterator<Item = &Object> {
        self.objects.values().map(Arc::as_ref).filter(move |object| object.id.kind == kind)
    }

    /// The log group document that owns the group of that name.
    pub fn log_group(&self, log_group: &str) -> Option<(&Object, &LogGroup)> {
        self.of_kind(Kind::LogGroup).find_map(|object| match &object.spec {
            Spec::LogGroup(group) if group.log_group == log_group => Some((object, group)),
            _ => None,
        })
    }

    /// This, with what is broken replaced by its last good version from `previous`.
    ///
    /// An object is kept when its document is broken now, or when it is gone and the file it came from could
    /// not be read: a broken document is never a removed one. Where a kept object and a new one claim the same
    /// resource, the kept one holds it and the new one waits in `broken`, so that the two do not fight.
    #[must_use]
    pub fn keeping_last_good(mut self, previous: &Desired) -> Desired {
        let mut claimed = BTreeSet::new();
        for (id, object) in &previous.objects {
            let lost = self.broken.contains_key(id) || self.is_unread(&object.at.file);
            if lost && !self.objects.contains_key(id) {
                claimed.extend(object.spec.claims());
                self.objects.insert(id.clone(), Arc::clone(object));
                self.broken.entry(id.clone()).or_insert_with(|| object.at.clone());
            }
        }
        self.hold_newcomers(previous, &claimed);
        self
    }

    /// Whether the file, or a folder that it lies in, could not be read.
    fn is_unread(&self, file: &str) -> bool {
        let folders = file.match_indices('/').filter_map(|(end, _)| file.get(..end));
        folders.chain([file]).any(|path| self.broken_files.contains(path))
    }

    fn hold_newcomers(&mut self, previous: &Desired, claimed: &BTreeSet<Claim>) {
        let newcomers: Vec<ObjectRef> = self
            .objects
            .iter()
            .filter(|(id, object)| {
                let kept = previous.objects.get(*id).is_some_and(|before| Arc::ptr_eq(before, object));
                !kept && object.spec.claims().iter().any(|claim| claimed.contains(claim))
            })
            .map(|(id, _)| id.clone())
            .collect();
        for id in newcomers {
            if let Some(object) = self.objects.remove(&id) {
                self.broken.insert(id, object.at.clone());
            }
        }
    }
}

/// An AWS object that a document owns alone: what it is, and its name.
pub(crate) type Claim = (&'static str, String);

impl Spec {
    /// What no second document may own.
    pub(crate) fn claims(&self) -> Vec<Claim> {
        match self {
            Self::Account(account) => vec![("account", account.id.clone())],
            Self::IamRole(role) => {
                // IAM compares names without case.
                let mut claims = vec![("role", role.role_name.to_lowercase())];
                claims.extend(role.profile().map(|profile| ("instance profile", profile.to_lowercase())));
                claims
            }
            Self::LogGroup(group) => vec![("log group", group.log_group.clone())],
            Self::AgentConfig(config) => vec![("parameter", config.parameter.clone())],
            Self::CloudWatchAgent(_) | Self::FlowLog(_) => Vec::new(),
        }
    }
}
