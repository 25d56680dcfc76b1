//! What can be done: one idempotent change each, with nothing left to decide.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use super::failure::Failure;

/// How long a command may wait to be delivered, in seconds. A silent node otherwise holds an invocation for two hours.
pub const COMMAND_TIMEOUT: i32 = 600;
/// The most nodes that one `SendCommand` may name (API reference of `SendCommand`).
pub const NODES_PER_COMMAND: usize = 50;

/// What a command does on a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Step {
    /// Read what the node has.
    Probe,
    /// Install the agent's package at a version.
    Install,
    /// Fetch the configuration, load it, restart.
    Configure,
    /// Start the agent, which has a configuration.
    Start,
    /// Remove the agent's package.
    Uninstall,
}

impl Step {
    /// The word for it in comments and events.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Probe => "probe",
            Self::Install => "install",
            Self::Configure => "configure",
            Self::Start => "start",
            Self::Uninstall => "uninstall",
        }
    }

    /// The step of that word.
    pub fn of_word(word: &str) -> Option<Self> {
        [Self::Probe, Self::Install, Self::Configure, Self::Start, Self::Uninstall]
            .into_iter()
            .find(|step| step.word() == word)
    }

    /// Whether it changes the node.
    pub const fn writes(self) -> bool {
        !matches!(self, Self::Probe)
    }
}

/// Names one command of ours: it stands in the command's comment, so that whoever lists commands, we after a
/// restart included, knows which action it was.
///
/// Written `watchkeeper/<installation>/<step>/<object>/<digest>`, at most 100 characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct ActionKey {
    /// The installation that sent it.
    pub installation: Arc<str>,
    /// What it does.
    pub step: Step,
    /// The name of the `CloudWatchAgent` that it is for; `-` for a probe, which serves all.
    pub object: Arc<str>,
    /// A digest of its parameters and nodes.
    pub digest: Arc<str>,
}

impl ActionKey {
    /// Reads a comment. `None` when it is not one of ours.
    pub fn parse(comment: &str) -> Option<Self> {
        let mut parts = comment.strip_prefix("watchkeeper/")?.split('/');
        let (installation, step, object, digest) =
            (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let key = Self {
            installation: installation.into(),
            step: Step::of_word(step)?,
            object: object.into(),
            digest: digest.into(),
        };
        parts.next().is_none().then_some(key)
    }
}

impl fmt::Display for ActionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { installation, step, object, digest } = self;
        write!(f, "watchkeeper/{installation}/{}/{object}/{digest}", step.word())
    }
}

/// Tags to write, by key.
pub type TagMap = BTreeMap<Arc<str>, Arc<str>>;

/// One change of the world, or one probe.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum Action {
    /// `ssm:SendCommand`. Never retried on doubt: AWS takes no client token for it.
    SendCommand(SendCommand),
    /// `ssm:CancelCommand`, by the command's id. What has begun on a node may go on there.
    CancelCommand(Arc<str>),
    /// `ssm:LabelParameterVersion`: parameter, version, label. The label leaves the version that had it.
    LabelParameter(Arc<str>, i64, Arc<str>),
    /// `ssm:UnlabelParameterVersion`: parameter, version, label.
    UnlabelParameter(Arc<str>, i64, Arc<str>),
    /// `ssm:PutParameter` of a parameter that does not exist, with tags.
    CreateParameter(PutParameter),
    /// `ssm:PutParameter` with `Overwrite`, which cannot carry tags.
    OverwriteParameter(PutParameter),
    /// `ssm:AddTagsToResource` on a parameter.
    TagParameter(Arc<str>, TagMap),
    /// `ssm:DeleteParameter`.
    DeleteParameter(Arc<str>),
    /// `logs:CreateLogGroup`.
    CreateLogGroup(CreateLogGroup),
    /// `logs:PutRetentionPolicy`, in days; `None` is `logs:DeleteRetentionPolicy`: never expire.
    SetRetention(Arc<str>, Option<i32>),
    /// `logs:AssociateKmsKey`.
    SetLogGroupKey(Arc<str>, Arc<str>),
    /// `logs:TagResource`, by the group's ARN.
    TagLogGroup {
        /// The group's name.
        name: Arc<str>,
        /// Its ARN, without `:*`.
        arn: Arc<str>,
        /// What to write.
        tags: TagMap,
    },
    /// `logs:DeleteLogGroup`.
    DeleteLogGroup(Arc<str>),
    /// `ec2:CreateFlowLogs`.
    CreateFlowLogs(CreateFlowLogs),
    /// `ec2:DeleteFlowLogs`.
    DeleteFlowLogs(Vec<Arc<str>>),
    /// `ec2:CreateTags` on flow logs.
    TagFlowLogs(Vec<Arc<str>>, TagMap),
    /// `iam:CreateRole`.
    CreateRole(CreateRole),
    /// `iam:UpdateAssumeRolePolicy`.
    SetTrust(Arc<str>, Value),
    /// `iam:UpdateRole`: description and longest session in seconds.
    UpdateRole(Arc<str>, Option<Arc<str>>, Option<i32>),
    /// `iam:PutRolePermissionsBoundary`: role, then the policy's ARN.
    SetBoundary(Arc<str>, Arc<str>),
    /// `iam:AttachRolePolicy`: role, then the policy's ARN.
    AttachPolicy(Arc<str>, Arc<str>),
    /// `iam:DetachRolePolicy`: role, then the policy's ARN.
    DetachPolicy(Arc<str>, Arc<str>),
    /// `iam:PutRolePolicy`: role, then the policy's name and document.
    PutInlinePolicy(Arc<str>, Arc<str>, Value),
    /// `iam:DeleteRolePolicy`: role, then the policy's name.
    DeleteInlinePolicy(Arc<str>, Arc<str>),
    /// `iam:TagRole`.
    TagRole(Arc<str>, TagMap),
    /// `iam:DeleteRole`, with everything that hangs on it, ours by tag.
    DeleteRole(Arc<str>),
    /// `iam:CreateInstanceProfile`.
    CreateProfile(Arc<str>, TagMap),
    /// `iam:AddRoleToInstanceProfile`: profile, then role.
    AddRoleToProfile(Arc<str>, Arc<str>),
    /// `ec2:AssociateIamInstanceProfile`: instance, then profile.
    AssociateProfile(Arc<str>, Arc<str>),
}

/// See [`Action::SendCommand`].
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SendCommand {
    /// Goes into the comment.
    pub key: ActionKey,
    /// The document to run.
    pub document: Arc<str>,
    /// Its parameters.
    pub parameters: BTreeMap<Arc<str>, Vec<Arc<str>>>,
    /// At most [`NODES_PER_COMMAND`].
    pub nodes: Vec<Arc<str>>,
}

/// See [`Action::CreateParameter`].
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PutParameter {
    /// The parameter's name.
    pub name: Arc<str>,
    /// Its content, byte for byte.
    #[serde(serialize_with = "digest_of")]
    pub value: Arc<str>,
    /// `Standard` or `Advanced`.
    pub tier: Arc<str>,
    /// What it is for.
    pub description: Arc<str>,
    /// Only for one that does not exist.
    pub tags: TagMap,
    /// Only for one that exists: nothing is written unless this is its newest version, since a person may have
    /// written meanwhile.
    pub based_on: Option<i64>,
}

/// See [`Action::CreateLogGroup`].
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CreateLogGroup {
    /// The group's name.
    pub name: Arc<str>,
    /// `STANDARD` or `INFREQUENT_ACCESS`.
    pub class: Arc<str>,
    /// The key to encrypt with.
    pub kms_key: Option<Arc<str>>,
    /// Its tags.
    pub tags: TagMap,
}

/// See [`Action::CreateFlowLogs`].
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CreateFlowLogs {
    /// AWS carries out equal tokens once; see DESIGN: it hashes the spec, the resources and when their absence was read.
    pub client_token: Arc<str>,
    /// `VPC`, `Subnet` or `NetworkInterface`.
    pub resource_type: Arc<str>,
    /// At most 300.
    pub resources: Vec<Arc<str>>,
    /// `ACCEPT`, `REJECT` or `ALL`.
    pub traffic: Arc<str>,
    /// Where records go.
    pub log_group: Arc<str>,
    /// The ARN of the role that delivers.
    pub role_arn: Arc<str>,
    /// `None`: AWS's default format.
    pub format: Option<Arc<str>>,
    /// Seconds: 60 or 600.
    pub interval: i32,
    /// Their tags.
    pub tags: TagMap,
}

/// See [`Action::CreateRole`].
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CreateRole {
    /// The role's name.
    pub name: Arc<str>,
    /// Its path, such as `/`.
    pub path: Arc<str>,
    /// Who may assume it.
    pub trust: Value,
    /// What it is for.
    pub description: Option<Arc<str>>,
    /// Seconds.
    pub max_session: Option<i32>,
    /// The ARN of its permissions boundary.
    pub boundary: Option<Arc<str>>,
    /// Its tags.
    pub tags: TagMap,
}

/// What became of one action.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// Done, or why not.
    pub result: Result<Done, Failure>,
}

/// What a successful call gave back, as far as anybody wants to know.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Done {
    /// The id of the command that was sent.
    pub command: Option<Arc<str>>,
    /// The ids of what was made: flow logs; or the version of a parameter.
    pub made: Vec<Arc<str>>,
    /// The parts that AWS refused although the call succeeded: the resource, and why.
    pub refused: Vec<(Arc<str>, Failure)>,
    /// AWS's request id.
    pub request_id: Option<String>,
}

/// A configuration may be long; its digest says enough in a plan.
fn digest_of<S: serde::Serializer>(value: &Arc<str>, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&format!("sha256:{}", super::digest::sha256(value.as_bytes())))
}
