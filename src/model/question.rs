//! What can be asked of AWS, and the answers. `ask` chooses the questions, `aws/observe` answers them, and
//! [`Observed`](super::observed::Observed) takes the answers in.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::failure::Failure;
use super::observed::{
    AlarmState, Arrivals, Association, Command, Document, FlowLog, Identity, Instance, Interface, Invocation,
    LogGroup, ManagedNode, MetricKey, Network, Parameter, Profile, Role,
};
use super::tags::Tags;

/// One question. Each is one call, or one listing of several pages.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Question {
    /// Whose credentials are these? `sts:GetCallerIdentity`.
    Identity,
    /// Every managed node. `ssm:DescribeInstanceInformation`, 50 a page.
    Nodes,
    /// The tags of one on-premises node. `ssm:ListTagsForResource`.
    NodeTags(Arc<str>),
    /// Every EC2 instance, with its tags and profile. `ec2:DescribeInstances`, 1,000 a page.
    Instances,
    /// Every VPC. `ec2:DescribeVpcs`.
    Vpcs,
    /// Every subnet. `ec2:DescribeSubnets`.
    Subnets,
    /// Every network interface. `ec2:DescribeNetworkInterfaces`.
    Interfaces,
    /// Every flow log. `ec2:DescribeFlowLogs`.
    FlowLogs,
    /// The commands with our marker that ran `document` since `since`. `ssm:ListCommands`, 50 a page.
    Commands {
        /// The document's name.
        document: Arc<str>,
        /// Requested after this time.
        since: Timestamp,
    },
    /// What became of a command on each of its nodes, with output. `ssm:ListCommandInvocations`, 50 a page.
    Invocations(Arc<str>),
    /// At most ten parameters, with their values. `ssm:GetParameters`.
    Parameters(Vec<Arc<str>>),
    /// The tiers of at most fifty parameters. `ssm:DescribeParameters`.
    ParameterTiers(Vec<Arc<str>>),
    /// The tags of one parameter. `ssm:ListTagsForResource`.
    ParameterTags(Arc<str>),
    /// The names of the parameters that carry our installation's tag. `ssm:DescribeParameters`.
    OwnedParameters,
    /// One document. `ssm:DescribeDocument`.
    Document(Arc<str>),
    /// The State Manager associations of one document. `ssm:ListAssociations`.
    Associations(Arc<str>),
    /// One log group, by its exact name. `logs:DescribeLogGroups`.
    LogGroup(Arc<str>),
    /// The tags of one log group, by its name. `logs:ListTagsForResource`.
    LogGroupTags(Arc<str>),
    /// The newest event in each of these streams of a group. `logs:FilterLogEvents`, or one `logs:StartQuery`.
    GroupArrivals {
        /// The log group.
        group: Arc<str>,
        /// The streams, sorted.
        streams: Vec<Arc<str>>,
        /// How far to look back. A span, not a moment, so that the same question is equal to itself later.
        back: SignedDuration,
        /// By one query over the whole group, instead of reading events.
        by_query: bool,
    },
    /// Which values of a dimension sent a metric in the last three hours. `cloudwatch:ListMetrics`, 500 a page.
    ActiveMetrics(MetricKey),
    /// The states of at most a hundred alarms. `cloudwatch:DescribeAlarms`.
    Alarms(Vec<Arc<str>>),
    /// One role with everything that hangs on it. `iam:GetRole` and the listings of its policies.
    Role(Arc<str>),
    /// One instance profile. `iam:GetInstanceProfile`.
    Profile(Arc<str>),
}

/// What AWS said to one [`Question`].
#[derive(Clone, Debug)]
pub struct Answer {
    /// What was asked.
    pub question: Question,
    /// When the first call for it was sent: a write of before then may show, one of after then may not.
    pub begun: Timestamp,
    /// When the last page came.
    pub at: Timestamp,
    /// The facts, or why there are none. A listing that broke off half-way is a failure: half a listing proves no absence.
    pub facts: Result<Facts, Failure>,
}

/// The facts in an answer, one variant for each variant of [`Question`]. `None` means that the thing is not there.
#[derive(Clone, Debug)]
pub enum Facts {
    /// See [`Question::Identity`].
    Identity(Identity),
    /// See [`Question::Nodes`].
    Nodes(Vec<ManagedNode>),
    /// Tags of whatever was asked.
    Tags(Option<Tags>),
    /// See [`Question::Instances`].
    Instances(Vec<Instance>),
    /// VPCs or subnets.
    Networks(Vec<Network>),
    /// See [`Question::Interfaces`].
    Interfaces(Vec<Interface>),
    /// See [`Question::FlowLogs`].
    FlowLogs(Vec<FlowLog>),
    /// See [`Question::Commands`]: those with our marker only.
    Commands(Vec<Command>),
    /// See [`Question::Invocations`].
    Invocations(Vec<Invocation>),
    /// See [`Question::Parameters`]: those that exist, without their tiers.
    Parameters(Vec<Parameter>),
    /// See [`Question::ParameterTiers`]: name and tier.
    ParameterTiers(Vec<(Arc<str>, Arc<str>)>),
    /// See [`Question::OwnedParameters`].
    OwnedParameters(Vec<Arc<str>>),
    /// See [`Question::Document`].
    Document(Option<Document>),
    /// See [`Question::Associations`].
    Associations(Vec<Association>),
    /// See [`Question::LogGroup`].
    LogGroup(Option<LogGroup>),
    /// See [`Question::GroupArrivals`].
    GroupArrivals(Arrivals),
    /// See [`Question::ActiveMetrics`].
    ActiveMetrics(BTreeSet<Arc<str>>),
    /// See [`Question::Alarms`]: those that exist.
    Alarms(BTreeMap<Arc<str>, AlarmState>),
    /// See [`Question::Role`].
    Role(Option<Box<Role>>),
    /// See [`Question::Profile`].
    Profile(Option<Profile>),
}

/// A policy document as AWS keeps it, decoded and parsed; text that is no JSON stays a string.
pub type PolicyDocument = Value;
