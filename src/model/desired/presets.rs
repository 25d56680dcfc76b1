//! Policy documents that every estate needs, so that nobody has to write them: the presets of `IamRole`.
//!
//! Facts: VPC user guide (flow-logs-iam-role), and the AWS-managed policies that the CloudWatch and SSM agents
//! are documented with. Managed policies are named without partition; whoever attaches them makes the ARN.

use serde_json::{Value, json};

use super::iam_role::Preset;

impl Preset {
    /// Who may assume the role.
    pub fn trust(self) -> Value {
        let service = match self {
            Self::FlowLogs => "vpc-flow-logs.amazonaws.com",
            Self::CloudWatchAgentServer => "ec2.amazonaws.com",
        };
        json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Effect": "Allow",
                "Principal": { "Service": service },
                "Action": "sts:AssumeRole",
            }],
        })
    }

    /// The AWS-managed policies, by name.
    pub fn managed_policies(self) -> &'static [&'static str] {
        match self {
            Self::FlowLogs => &[],
            // The second lets the SSM agent register the node, without which nothing can be installed on it.
            Self::CloudWatchAgentServer => &["CloudWatchAgentServerPolicy", "AmazonSSMManagedInstanceCore"],
        }
    }

    /// The policies inside the role: name and document.
    pub fn inline_policies(self) -> Vec<(&'static str, Value)> {
        match self {
            Self::CloudWatchAgentServer => Vec::new(),
            Self::FlowLogs => vec![(
                "FlowLogs",
                json!({
                    "Version": "2012-10-17",
                    "Statement": [{
                        "Effect": "Allow",
                        "Action": [
                            "logs:CreateLogGroup",
                            "logs:CreateLogStream",
                            "logs:PutLogEvents",
                            "logs:DescribeLogGroups",
                            "logs:DescribeLogStreams",
                        ],
                        "Resource": "*",
                    }],
                }),
            )],
        }
    }

    /// Whether instances take the role, so that it needs an instance profile.
    pub fn is_for_instances(self) -> bool {
        self == Self::CloudWatchAgentServer
    }
}
