//! The policies that AWS manages, as far as Watchkeeper and its estate use them.
//!
//! What they grant is AWS's documented content, shortened to the actions that something here asks about or a
//! reader would look for.

use std::sync::LazyLock;

use super::document::Document;

/// A policy of AWS's own.
#[derive(Clone, Debug)]
pub struct ManagedPolicy {
    /// Such as `CloudWatchAgentServerPolicy`.
    pub name: &'static str,
    /// The id that IAM gives it: the same in every account.
    pub id: &'static str,
    /// AWS's own sentence.
    pub description: &'static str,
    /// The document, as JSON.
    pub text: &'static str,
    /// The same, parsed.
    pub document: Document,
}

/// Every policy of AWS's own that this world has.
pub fn all() -> &'static [ManagedPolicy] {
    &POLICIES
}

/// The policy that `arn` names, in whatever partition.
pub fn by_arn(arn: &str) -> Option<&'static ManagedPolicy> {
    let (head, name) = arn.split_once(":iam::aws:policy/")?;
    if !head.starts_with("arn:aws") {
        return None;
    }
    all().iter().find(|policy| policy.name == name)
}

static POLICIES: LazyLock<Vec<ManagedPolicy>> = LazyLock::new(|| {
    let parsed = SOURCES.iter().filter_map(|(name, id, description, text)| {
        let document = Document::permissions(text).ok()?;
        Some(ManagedPolicy { name, id, description, text, document })
    });
    parsed.collect()
});

const SOURCES: &[(&str, &str, &str, &str)] = &[
    (
        "AmazonSSMManagedInstanceCore",
        "ANPAXSIMULATEDSSMCORE",
        "The policy for Amazon EC2 Role to enable AWS Systems Manager service core functionality.",
        r#"{"Version":"2012-10-17","Statement":[
            {"Effect":"Allow","Action":["ssm:DescribeAssociation","ssm:GetDeployablePatchSnapshotForInstance",
                "ssm:GetDocument","ssm:DescribeDocument","ssm:GetManifest","ssm:GetParameter","ssm:GetParameters",
                "ssm:ListAssociations","ssm:ListInstanceAssociations","ssm:PutInventory",
                "ssm:PutComplianceItems","ssm:PutConfigurePackageResult","ssm:UpdateAssociationStatus",
                "ssm:UpdateInstanceAssociationStatus","ssm:UpdateInstanceInformation"],"Resource":"*"},
            {"Effect":"Allow","Action":["ssmmessages:CreateControlChannel","ssmmessages:CreateDataChannel",
                "ssmmessages:OpenControlChannel","ssmmessages:OpenDataChannel"],"Resource":"*"},
            {"Effect":"Allow","Action":["ec2messages:AcknowledgeMessage","ec2messages:DeleteMessage",
                "ec2messages:FailMessage","ec2messages:GetEndpoint","ec2messages:GetMessages",
                "ec2messages:SendReply"],"Resource":"*"}]}"#,
    ),
    (
        "CloudWatchAgentAdminPolicy",
        "ANPAXSIMULATEDCWADMIN",
        "Full permissions required to use AmazonCloudWatchAgent.",
        r#"{"Version":"2012-10-17","Statement":[
            {"Effect":"Allow","Action":["cloudwatch:PutMetricData","ec2:DescribeTags","logs:PutLogEvents",
                "logs:PutRetentionPolicy","logs:DescribeLogStreams","logs:DescribeLogGroups",
                "logs:CreateLogStream","logs:CreateLogGroup","xray:PutTraceSegments",
                "xray:PutTelemetryRecords","xray:GetSamplingRules","xray:GetSamplingTargets",
                "xray:GetSamplingStatisticSummaries"],"Resource":"*"},
            {"Effect":"Allow","Action":["ssm:GetParameter","ssm:PutParameter"],
                "Resource":"arn:aws:ssm:*:*:parameter/AmazonCloudWatch-*"}]}"#,
    ),
    (
        "CloudWatchAgentServerPolicy",
        "ANPAXSIMULATEDCWSERVR",
        "Permissions required to use AmazonCloudWatchAgent on servers",
        r#"{"Version":"2012-10-17","Statement":[
            {"Effect":"Allow","Action":["cloudwatch:PutMetricData","ec2:DescribeVolumes","ec2:DescribeTags",
                "logs:PutLogEvents","logs:PutRetentionPolicy","logs:DescribeLogStreams",
                "logs:DescribeLogGroups","logs:CreateLogStream","logs:CreateLogGroup",
                "xray:PutTraceSegments","xray:PutTelemetryRecords","xray:GetSamplingRules",
                "xray:GetSamplingTargets","xray:GetSamplingStatisticSummaries"],"Resource":"*"},
            {"Effect":"Allow","Action":["ssm:GetParameter"],
                "Resource":"arn:aws:ssm:*:*:parameter/AmazonCloudWatch-*"}]}"#,
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_document_parses() {
        assert_eq!(all().len(), SOURCES.len());
    }

    #[test]
    fn arns_are_read_in_every_partition() {
        let found = |arn: &str| by_arn(arn).map(|policy| policy.name);
        let name = "CloudWatchAgentServerPolicy";
        assert_eq!(found("arn:aws:iam::aws:policy/CloudWatchAgentServerPolicy"), Some(name));
        assert_eq!(found("arn:aws-cn:iam::aws:policy/CloudWatchAgentServerPolicy"), Some(name));
        assert_eq!(found("arn:aws:iam::111122223333:policy/CloudWatchAgentServerPolicy"), None);
    }
}
