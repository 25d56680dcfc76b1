//! The facts themselves, one struct per thing that AWS has. Only what a decision needs.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;

use crate::model::action::{ActionKey, Step};
pub use crate::model::desired::Platform;
use crate::model::question::PolicyDocument;
use crate::model::tags::Tags;

/// Whose credentials we use, and where.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Identity {
    /// Twelve digits.
    pub account: Arc<str>,
    /// Such as `us-east-1`.
    pub region: Arc<str>,
    /// `aws`, `aws-us-gov` or `aws-cn`.
    pub partition: Arc<str>,
    /// Who we are, as an ARN.
    pub arn: Arc<str>,
}

/// What the SSM agent of a node last said of its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Ping {
    /// Heard of in the last minutes.
    Online,
    /// Not heard of.
    ConnectionLost,
    /// Deprecated by AWS; treated as not heard of.
    Inactive,
}

/// An SSM managed node.
#[derive(Clone, Debug, PartialEq)]
pub struct ManagedNode {
    /// `i-…` or `mi-…`.
    pub id: Arc<str>,
    /// Is its SSM agent heard of?
    pub ping: Ping,
    /// When it was last heard of.
    pub last_ping: Option<Timestamp>,
    /// The SSM agent's version.
    pub ssm_agent: Arc<str>,
    /// `None`: AWS named a platform that we do not know.
    pub platform: Option<Platform>,
    /// Such as `Amazon Linux 2023`.
    pub platform_name: Arc<str>,
    /// The host's own name.
    pub computer_name: Arc<str>,
}

impl ManagedNode {
    /// Whether it is a machine outside EC2.
    pub fn is_on_premises(&self) -> bool {
        self.id.starts_with("mi-")
    }
}

/// The states of an EC2 instance that make a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum InstanceState {
    /// Starting.
    Pending,
    /// Running.
    Running,
    /// Stopping or stopped.
    Stopped,
    /// Shutting down or terminated: as good as gone.
    Terminated,
}

/// An EC2 instance.
#[derive(Clone, Debug, PartialEq)]
pub struct Instance {
    /// `i-…`.
    pub id: Arc<str>,
    /// What it is doing.
    pub state: InstanceState,
    /// Whether it says it is Windows.
    pub windows: bool,
    /// The name of its instance profile.
    pub profile: Option<Arc<str>>,
    /// The network it is in.
    pub vpc: Option<Arc<str>>,
    /// Where it stands.
    pub zone: Arc<str>,
    /// When it was launched.
    pub launched: Option<Timestamp>,
    /// Its tags.
    pub tags: Tags,
}

/// A VPC or a subnet.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    /// `vpc-…` or `subnet-…`.
    pub id: Arc<str>,
    /// The VPC that a subnet is in; its own id for a VPC.
    pub vpc: Arc<str>,
    /// The account that owns it: a shared one is its owner's business.
    pub owner: Arc<str>,
    /// Its tags.
    pub tags: Tags,
}

/// A network interface.
#[derive(Clone, Debug, PartialEq)]
pub struct Interface {
    /// `eni-…`.
    pub id: Arc<str>,
    /// The VPC it is in.
    pub vpc: Arc<str>,
    /// The subnet it is in.
    pub subnet: Arc<str>,
    /// The account that owns it.
    pub owner: Arc<str>,
    /// Whether it is attached to anything: others have no traffic.
    pub in_use: bool,
    /// The instance that it is attached to, where it is one.
    pub instance: Option<Arc<str>>,
    /// Its tags.
    pub tags: Tags,
}

/// A flow log.
#[derive(Clone, Debug, PartialEq)]
pub struct FlowLog {
    /// `fl-…`.
    pub id: Arc<str>,
    /// The VPC, subnet or interface that it watches.
    pub resource: Arc<str>,
    /// Whether `FlowLogStatus` is `ACTIVE`.
    pub active: bool,
    /// `ACCEPT`, `REJECT` or `ALL`.
    pub traffic: Arc<str>,
    /// `cloud-watch-logs`, `s3` or `kinesis-data-firehose`.
    pub destination_type: Arc<str>,
    /// The log group, where it writes into one.
    pub log_group: Option<Arc<str>>,
    /// The ARN of the role that delivers.
    pub role_arn: Option<Arc<str>>,
    /// The record format, always explicit.
    pub format: Arc<str>,
    /// Seconds.
    pub interval: i32,
    /// `SUCCESS` or `FAILED`; nothing until something was delivered or tried.
    pub deliver_status: Option<Arc<str>>,
    /// AWS's word for what is wrong, such as `Access error`.
    pub deliver_error: Option<Arc<str>>,
    /// When it was made.
    pub created: Option<Timestamp>,
    /// Its tags.
    pub tags: Tags,
}

/// How far a command is, over all its nodes. Says nothing of any one node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum CommandStatus {
    /// Some node may still be at it.
    UnderWay,
    /// Nothing more will happen.
    Ended,
}

/// A Run Command of ours.
#[derive(Clone, Debug, PartialEq)]
pub struct Command {
    /// A UUID.
    pub id: Arc<str>,
    /// Which action of ours it is, from its comment.
    pub key: ActionKey,
    /// The document that it runs.
    pub document: Arc<str>,
    /// Its parameters.
    pub parameters: BTreeMap<Arc<str>, Vec<Arc<str>>>,
    /// The nodes it was sent to.
    pub nodes: Vec<Arc<str>>,
    /// When AWS took it.
    pub requested: Timestamp,
    /// After this, nodes that have not started never will.
    pub expires: Option<Timestamp>,
    /// How far it is.
    pub status: CommandStatus,
    /// How many nodes have finished, in any way: when this moves, it is worth reading the invocations.
    pub completed: i32,
    /// The `completed` for which the invocations were last read.
    pub read_at: Option<i32>,
}

/// What became of a command on one node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum InvocationStatus {
    /// Not finished.
    UnderWay,
    /// Every step that applies to the platform succeeded.
    Success,
    /// A step that applies to the platform failed: the node ran it and said no.
    Failed,
    /// It never ran there: undeliverable, delivery timed out, wrong platform, cancelled or terminated.
    NeverRan,
    /// It started and was not heard of again in time.
    TimedOut,
}

/// One command on one node.
#[derive(Clone, Debug, PartialEq)]
pub struct Invocation {
    /// The command.
    pub command: Arc<str>,
    /// The node.
    pub node: Arc<str>,
    /// Judged by the steps that ran, never by the command.
    pub status: InvocationStatus,
    /// AWS's own word, such as `Undeliverable`.
    pub details: Arc<str>,
    /// What the steps that ran printed, as AWS gives it: 2,500 characters at most.
    pub output: Arc<str>,
    /// When the last step finished; when that is unknown, when it was read.
    pub finished: Option<Timestamp>,
}

/// The last result of one kind of step on one node.
#[derive(Clone, Debug, PartialEq)]
pub struct StepResult {
    /// The command.
    pub command: Arc<str>,
    /// The object that the command was for.
    pub key: ActionKey,
    /// What was asked for: the parameter and version of a configuration, the version of an install.
    pub wanted: Arc<str>,
    /// What became of it.
    pub status: InvocationStatus,
    /// AWS's own word, such as `Undeliverable`.
    pub details: Arc<str>,
    /// What it printed.
    pub output: Arc<str>,
    /// When it was requested.
    pub requested: Timestamp,
    /// When it finished.
    pub finished: Timestamp,
}

/// A parameter in Parameter Store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Its full name.
    pub name: Arc<str>,
    /// Its content, byte for byte.
    pub value: Arc<str>,
    /// `String`, `StringList` or `SecureString`.
    pub kind: Arc<str>,
    /// Its newest version.
    pub version: i64,
    /// When that was written.
    pub modified: Option<Timestamp>,
}

/// An SSM document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Its name.
    pub name: Arc<str>,
    /// The version that `$DEFAULT` means.
    pub default_version: Arc<str>,
    /// The SHA-256 of its content, in hex.
    pub sha256: Option<Arc<str>>,
    /// The name of its version, such as a package's `1.300071.0`.
    pub version_name: Option<Arc<str>>,
    /// Whether it can be used (`Active`).
    pub active: bool,
}

/// A State Manager association.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Association {
    /// Its id.
    pub id: Arc<str>,
    /// Its name, where it has one.
    pub name: Option<Arc<str>>,
    /// The document that it runs.
    pub document: Arc<str>,
    /// What it targets: key, and values.
    pub targets: Vec<(Arc<str>, Vec<Arc<str>>)>,
}

/// A log group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogGroup {
    /// Its name.
    pub name: Arc<str>,
    /// Its ARN, without `:*`.
    pub arn: Arc<str>,
    /// Days; `None` = never expire. Not the group's own value where `account_policy` is set.
    pub retention_days: Option<i32>,
    /// `STANDARD`, `INFREQUENT_ACCESS` or `DELIVERY`.
    pub class: Arc<str>,
    /// The key it is encrypted with.
    pub kms_key: Option<Arc<str>>,
    /// The account-level retention policy that hides the group's own value.
    pub account_policy: Option<Arc<str>>,
    /// When it was made.
    pub created: Option<Timestamp>,
}

/// An IAM role with everything that hangs on it.
#[derive(Clone, Debug, PartialEq)]
pub struct Role {
    /// Its name.
    pub name: Arc<str>,
    /// Its ARN.
    pub arn: Arc<str>,
    /// `AROA…`: a role that was made again has another.
    pub id: Arc<str>,
    /// Who may assume it.
    pub trust: PolicyDocument,
    /// What it is for.
    pub description: Option<Arc<str>>,
    /// Seconds.
    pub max_session: Option<i32>,
    /// The ARN of its permissions boundary.
    pub boundary: Option<Arc<str>>,
    /// The ARNs of the managed policies attached to it.
    pub attached: Vec<Arc<str>>,
    /// Its inline policies.
    pub inline: BTreeMap<Arc<str>, PolicyDocument>,
    /// Its tags.
    pub tags: Tags,
}

/// An instance profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Its name.
    pub name: Arc<str>,
    /// Its ARN.
    pub arn: Arc<str>,
    /// The names of its roles: at most one.
    pub roles: Vec<Arc<str>>,
    /// Its tags.
    pub tags: Tags,
}

impl FlowLog {
    /// The stream into which the records of an interface go (VPC user guide, "Publish flow logs to CloudWatch Logs").
    /// AWS shows the name for all traffic only, so that the records of other flow logs cannot be asked for.
    pub fn stream(&self, interface: &str) -> Option<Arc<str>> {
        (&*self.traffic == "ALL").then(|| format!("{interface}-all").into())
    }
}

impl Command {
    /// The step that this command takes on its nodes.
    pub fn step(&self) -> Step {
        self.key.step
    }
}
