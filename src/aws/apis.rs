//! Every AWS call that Watchkeeper makes, and how often it may make it, per account and Region.
//!
//! The rates stay a little under what AWS documents, since people and other tools live in the same account.
//! Where AWS publishes nothing, they are modest; [`budget`](super::budget) lowers them further when AWS objects.

/// One AWS call and its allowance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Api {
    /// The call as IAM names it, such as `ssm:SendCommand`.
    pub call: &'static str,
    /// Calls per second that may be kept up.
    pub per_second: f64,
    /// Calls that may be made at once after a quiet time.
    pub burst: f64,
}

impl Api {
    const fn new(call: &'static str, per_second: f64, burst: f64) -> Self {
        Self { call, per_second, burst }
    }
}

// STS. 600 a second are documented, charged to the caller's account.

/// Once per scope and pass at most.
pub const GET_CALLER_IDENTITY: Api = Api::new("sts:GetCallerIdentity", 5.0, 5.0);

// SSM, commands. Nothing is published. A command serves fifty nodes, so five a second is 250 nodes a second.

/// Modest: every command makes the fleet work.
pub const SEND_COMMAND: Api = Api::new("ssm:SendCommand", 5.0, 10.0);
/// No rate is published: as careful as with what it cancels.
pub const CANCEL_COMMAND: Api = Api::new("ssm:CancelCommand", 5.0, 10.0);
/// Fifty commands a page.
pub const LIST_COMMANDS: Api = Api::new("ssm:ListCommands", 10.0, 20.0);
/// Fifty invocations a page.
pub const LIST_COMMAND_INVOCATIONS: Api = Api::new("ssm:ListCommandInvocations", 10.0, 20.0);

// SSM, the rest. Published: "AWS Systems Manager endpoints and quotas", for Parameter Store only.

/// Unpublished. Fifty nodes a page.
pub const DESCRIBE_INSTANCE_INFORMATION: Api = Api::new("ssm:DescribeInstanceInformation", 10.0, 20.0);
/// 40 a second, shared by the three ways to get parameters *and by every agent that fetches its
/// configuration*: half is theirs.
pub const GET_PARAMETERS: Api = Api::new("ssm:GetParameters", 20.0, 20.0);
/// 3 a second.
pub const DESCRIBE_PARAMETERS: Api = Api::new("ssm:DescribeParameters", 2.5, 3.0);
/// 3 a second.
pub const LABEL_PARAMETER: Api = Api::new("ssm:LabelParameterVersion", 2.5, 3.0);
/// 3 a second, as labelling.
pub const UNLABEL_PARAMETER: Api = Api::new("ssm:UnlabelParameterVersion", 2.5, 3.0);
/// 3 a second.
pub const PUT_PARAMETER: Api = Api::new("ssm:PutParameter", 2.5, 3.0);
/// 3 a second.
pub const DELETE_PARAMETER: Api = Api::new("ssm:DeleteParameter", 2.5, 3.0);
/// Unpublished. One call a parameter, or an on-premises node.
pub const SSM_LIST_TAGS: Api = Api::new("ssm:ListTagsForResource", 5.0, 10.0);
/// Unpublished.
pub const ADD_TAGS: Api = Api::new("ssm:AddTagsToResource", 2.5, 5.0);
/// Unpublished. A handful of documents.
pub const DESCRIBE_DOCUMENT: Api = Api::new("ssm:DescribeDocument", 5.0, 5.0);
/// Once per account and Region, by a person.
pub const CREATE_DOCUMENT: Api = Api::new("ssm:CreateDocument", 1.0, 1.0);
/// Once per version of the probe, by a person.
pub const UPDATE_DOCUMENT: Api = Api::new("ssm:UpdateDocument", 1.0, 1.0);
/// Once per version of the probe, by a person.
pub const UPDATE_DOCUMENT_DEFAULT_VERSION: Api = Api::new("ssm:UpdateDocumentDefaultVersion", 1.0, 1.0);
/// Unpublished. A handful of documents.
pub const LIST_ASSOCIATIONS: Api = Api::new("ssm:ListAssociations", 5.0, 5.0);

// EC2. Buckets of 100 refilled at 20 a second for reads that are filtered or paginated, 50 at 5 for writes
// ("Request throttling for the Amazon EC2 API"). Other tools in the account draw from the same bucket.

/// Half of the documented bucket.
pub const DESCRIBE_INSTANCES: Api = Api::new("ec2:DescribeInstances", 10.0, 50.0);
/// Half of the documented bucket.
pub const DESCRIBE_VPCS: Api = Api::new("ec2:DescribeVpcs", 10.0, 50.0);
/// Half of the documented bucket.
pub const DESCRIBE_SUBNETS: Api = Api::new("ec2:DescribeSubnets", 10.0, 50.0);
/// Half of the documented bucket.
pub const DESCRIBE_NETWORK_INTERFACES: Api = Api::new("ec2:DescribeNetworkInterfaces", 10.0, 50.0);
/// Half of the documented bucket.
pub const DESCRIBE_FLOW_LOGS: Api = Api::new("ec2:DescribeFlowLogs", 10.0, 50.0);
/// A little under the documented 5, and half of the burst.
pub const CREATE_FLOW_LOGS: Api = Api::new("ec2:CreateFlowLogs", 4.0, 25.0);
/// A little under the documented 5, and half of the burst.
pub const DELETE_FLOW_LOGS: Api = Api::new("ec2:DeleteFlowLogs", 4.0, 25.0);
/// Half of the documented 100 at 10.
pub const CREATE_TAGS: Api = Api::new("ec2:CreateTags", 5.0, 50.0);
/// Under the documented 100 at 5.
pub const ASSOCIATE_PROFILE: Api = Api::new("ec2:AssociateIamInstanceProfile", 4.0, 50.0);

// CloudWatch Logs. Published: "CloudWatch Logs quotas".

/// 10 a second.
pub const DESCRIBE_LOG_GROUPS: Api = Api::new("logs:DescribeLogGroups", 8.0, 8.0);
/// 30 a second.
pub const LOGS_LIST_TAGS: Api = Api::new("logs:ListTagsForResource", 25.0, 25.0);
/// 5 a second in the smallest Regions; [`filter_log_events`] knows the others.
pub const FILTER_LOG_EVENTS: Api = Api::new("logs:FilterLogEvents", 4.0, 4.0);
/// 10 a second, and each is charged by what it searches. One a group and reading.
pub const START_QUERY: Api = Api::new("logs:StartQuery", 4.0, 8.0);
/// 10 a second.
pub const GET_QUERY_RESULTS: Api = Api::new("logs:GetQueryResults", 8.0, 8.0);
/// 10 a second. Only for a query that takes too long.
pub const STOP_QUERY: Api = Api::new("logs:StopQuery", 4.0, 4.0);
/// 10 a second.
pub const CREATE_LOG_GROUP: Api = Api::new("logs:CreateLogGroup", 8.0, 8.0);
/// 10 a second.
pub const DELETE_LOG_GROUP: Api = Api::new("logs:DeleteLogGroup", 8.0, 8.0);
/// 5 a second.
pub const PUT_RETENTION: Api = Api::new("logs:PutRetentionPolicy", 4.0, 4.0);
/// 5 a second.
pub const DELETE_RETENTION: Api = Api::new("logs:DeleteRetentionPolicy", 4.0, 4.0);
/// 5 a second.
pub const LOGS_TAG: Api = Api::new("logs:TagResource", 4.0, 4.0);
/// 50 a second. One in the life of a process, or two.
pub const CREATE_LOG_STREAM: Api = Api::new("logs:CreateLogStream", 5.0, 5.0);
/// 5,000 a second. One for all events of a pass.
pub const PUT_LOG_EVENTS: Api = Api::new("logs:PutLogEvents", 20.0, 20.0);
/// 5 a second.
pub const ASSOCIATE_KMS_KEY: Api = Api::new("logs:AssociateKmsKey", 4.0, 4.0);

// CloudWatch. Published: "CloudWatch service quotas".

/// 25 a second. 500 metrics a page.
pub const LIST_METRICS: Api = Api::new("cloudwatch:ListMetrics", 20.0, 20.0);
/// 9 a second. A hundred alarms a call.
pub const DESCRIBE_ALARMS: Api = Api::new("cloudwatch:DescribeAlarms", 6.0, 6.0);

// IAM. Nothing is published and the bucket belongs to the whole account: low.

/// Roles are few.
pub const GET_ROLE: Api = Api::new("iam:GetRole", 5.0, 10.0);
/// One call a role.
pub const LIST_ATTACHED: Api = Api::new("iam:ListAttachedRolePolicies", 5.0, 10.0);
/// One call a role.
pub const LIST_INLINE: Api = Api::new("iam:ListRolePolicies", 5.0, 10.0);
/// One call an inline policy.
pub const GET_INLINE: Api = Api::new("iam:GetRolePolicy", 5.0, 10.0);
/// Profiles are few.
pub const GET_PROFILE: Api = Api::new("iam:GetInstanceProfile", 5.0, 10.0);
/// Only before a role is deleted.
pub const LIST_PROFILES_OF_ROLE: Api = Api::new("iam:ListInstanceProfilesForRole", 2.0, 5.0);
/// IAM's writes are rare.
pub const CREATE_ROLE: Api = Api::new("iam:CreateRole", 2.0, 5.0);
/// IAM's writes are rare.
pub const SET_TRUST: Api = Api::new("iam:UpdateAssumeRolePolicy", 2.0, 5.0);
/// IAM's writes are rare.
pub const UPDATE_ROLE: Api = Api::new("iam:UpdateRole", 2.0, 5.0);
/// IAM's writes are rare.
pub const PUT_BOUNDARY: Api = Api::new("iam:PutRolePermissionsBoundary", 2.0, 5.0);
/// IAM's writes are rare.
pub const ATTACH_POLICY: Api = Api::new("iam:AttachRolePolicy", 2.0, 5.0);
/// IAM's writes are rare.
pub const DETACH_POLICY: Api = Api::new("iam:DetachRolePolicy", 2.0, 5.0);
/// IAM's writes are rare.
pub const PUT_INLINE: Api = Api::new("iam:PutRolePolicy", 2.0, 5.0);
/// IAM's writes are rare.
pub const DELETE_INLINE: Api = Api::new("iam:DeleteRolePolicy", 2.0, 5.0);
/// IAM's writes are rare.
pub const TAG_ROLE: Api = Api::new("iam:TagRole", 2.0, 5.0);
/// IAM's writes are rare.
pub const DELETE_ROLE: Api = Api::new("iam:DeleteRole", 2.0, 5.0);
/// IAM's writes are rare.
pub const CREATE_PROFILE: Api = Api::new("iam:CreateInstanceProfile", 2.0, 5.0);
/// IAM's writes are rare.
pub const ADD_ROLE_TO_PROFILE: Api = Api::new("iam:AddRoleToInstanceProfile", 2.0, 5.0);
/// Only before a role is deleted.
pub const REMOVE_ROLE_FROM_PROFILE: Api = Api::new("iam:RemoveRoleFromInstanceProfile", 2.0, 5.0);

/// [`FILTER_LOG_EVENTS`] as `region` allows it: 25 a second in us-east-1, 5 in five small Regions, 10 elsewhere
/// (its page of quotas). We stay at four fifths.
pub fn filter_log_events(region: &str) -> Api {
    const SMALL: [&str; 5] =
        ["ap-northeast-3", "ap-southeast-3", "ca-west-1", "eu-central-1", "il-central-1"];
    let per_second = match region {
        "us-east-1" => 20.0,
        region if SMALL.contains(&region) => 4.0,
        _ => 8.0,
    };
    Api { per_second, burst: per_second, ..FILTER_LOG_EVENTS }
}
