//! `FlowLog`: flow logs of VPCs, subnets or network interfaces into a log group, perhaps only at some times.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::decode::{Fields, choice, did_you_mean, filled_text, shown, whole};
use super::problem::Mistakes;
use super::select::{NetworkSelector, network_interfaces, object_name, subnets, vpcs};
use super::values::{is_iam_arn, log_group_name, tags};
use super::window::{Window, windows};
use super::yaml::Node;

/// What AWS writes when no format is given, and what it answers for it.
pub const DEFAULT_LOG_FORMAT: &str = "${version} ${account-id} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} \
     ${dstport} ${protocol} ${packets} ${bytes} ${start} ${end} ${action} ${log-status}";

/// The fields that a record may have, versions 2 to 11 (VPC user guide, flow-log-records).
const RECORD_FIELDS: [&str; 54] = [
    "version",
    "account-id",
    "interface-id",
    "srcaddr",
    "dstaddr",
    "srcport",
    "dstport",
    "protocol",
    "packets",
    "bytes",
    "start",
    "end",
    "action",
    "log-status",
    "vpc-id",
    "subnet-id",
    "instance-id",
    "tcp-flags",
    "type",
    "pkt-srcaddr",
    "pkt-dstaddr",
    "region",
    "az-id",
    "sublocation-type",
    "sublocation-id",
    "pkt-src-aws-service",
    "pkt-dst-aws-service",
    "flow-direction",
    "traffic-path",
    "ecs-cluster-arn",
    "ecs-cluster-name",
    "ecs-container-instance-arn",
    "ecs-container-instance-id",
    "ecs-container-id",
    "ecs-second-container-id",
    "ecs-service-name",
    "ecs-task-definition-arn",
    "ecs-task-arn",
    "ecs-task-id",
    "reject-reason",
    "resource-id",
    "encryption-status",
    "instance-tag",
    "instance-tag-2",
    "interface-tag",
    "interface-tag-2",
    "asg-tag",
    "asg-tag-2",
    "interface-type",
    "next-hop-interface-id",
    "next-hop-subnet-id",
    "next-hop-az-id",
    "next-hop-vpc-id",
    "next-hop-interface-type",
];

/// Which traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Traffic {
    /// What was let through.
    Accept,
    /// What was not.
    Reject,
    /// Both.
    All,
}

impl Traffic {
    /// AWS's word (`TrafficType`).
    pub fn name(self) -> &'static str {
        match self {
            Self::Accept => "ACCEPT",
            Self::Reject => "REJECT",
            Self::All => "ALL",
        }
    }
}

/// Of which networks; at least one is given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Target {
    /// VPCs.
    pub vpcs: Option<NetworkSelector>,
    /// Subnets.
    pub subnets: Option<NetworkSelector>,
    /// Network interfaces.
    pub network_interfaces: Option<NetworkSelector>,
}

/// The role that writes the records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RoleRef {
    /// The `IamRole` document of that name.
    Object(String),
    /// A role that somebody else looks after.
    Arn(String),
}

/// Flow logs.
#[derive(Clone, Debug, PartialEq)]
pub struct FlowLog {
    /// Of which networks.
    pub target: Target,
    /// Which traffic.
    pub traffic: Traffic,
    /// The log group's name. If a `LogGroup` document has that group, this is a reference to it.
    pub log_group: String,
    /// The role that writes the records.
    pub role: RoleRef,
    /// 60 or 600, in seconds.
    pub max_aggregation_interval: i32,
    /// The record's format; none: [`DEFAULT_LOG_FORMAT`].
    pub log_format: Option<String>,
    /// Capture until then, and no longer.
    pub enabled_until: Option<Timestamp>,
    /// Capture only while one of these is open; empty: always.
    pub enabled_during: Vec<Window>,
    /// Their tags, beside ours.
    pub tags: BTreeMap<String, String>,
}

impl FlowLog {
    /// Whether the flow logs should exist at that time.
    pub fn enabled_at(&self, now: Timestamp) -> bool {
        self.enabled_until.is_none_or(|until| now < until)
            && (self.enabled_during.is_empty()
                || self.enabled_during.iter().any(|window| window.contains(now)))
    }

    /// The next moment at which [`Self::enabled_at`] gives another answer; none if it never will, or not
    /// within the next nine days.
    pub fn next_change_after(&self, now: Timestamp) -> Option<Timestamp> {
        let mut edges: Vec<Timestamp> = self
            .enabled_during
            .iter()
            .flat_map(|window| window.edges_after(now))
            .chain(self.enabled_until.filter(|until| *until > now))
            .collect();
        edges.sort();
        let before = self.enabled_at(now);
        edges.into_iter().find(|edge| self.enabled_at(*edge) != before)
    }
}

const TRAFFIC: [(&str, Traffic); 3] =
    [("ACCEPT", Traffic::Accept), ("REJECT", Traffic::Reject), ("ALL", Traffic::All)];

/// Reads the fields of a `FlowLog`.
pub(super) fn read(fields: &mut Fields<'_>, mistakes: &mut Mistakes) -> Option<FlowLog> {
    let target = target(fields, mistakes);
    let traffic = fields.required("traffic", mistakes, |node, mistakes| choice(node, mistakes, &TRAFFIC));
    let log_group = fields.required("logGroup", mistakes, log_group_name);
    let role = fields.required("role", mistakes, role);
    let interval = fields.optional("maxAggregationInterval", mistakes, interval);
    let log_format = fields.optional("logFormat", mistakes, log_format);
    let enabled_until = fields.optional("enabledUntil", mistakes, moment);
    let enabled_during = fields.optional("enabledDuring", mistakes, windows).unwrap_or_default();
    let tags = fields.optional("tags", mistakes, tags).unwrap_or_default();
    Some(FlowLog {
        target,
        traffic: traffic?,
        log_group: log_group?,
        role: role?,
        max_aggregation_interval: interval.unwrap_or(600),
        log_format,
        enabled_until,
        enabled_during,
        tags,
    })
}

fn target(fields: &mut Fields<'_>, mistakes: &mut Mistakes) -> Target {
    let given = ["vpcs", "subnets", "networkInterfaces"].into_iter().any(|name| fields.has(name));
    let target = Target {
        vpcs: fields.optional("vpcs", mistakes, vpcs),
        subnets: fields.optional("subnets", mistakes, subnets),
        network_interfaces: fields.optional("networkInterfaces", mistakes, network_interfaces),
    };
    if !given {
        mistakes.error(fields.at(), "`spec` needs `vpcs`, `subnets` or `networkInterfaces`");
    }
    target
}

fn role(node: &Node, mistakes: &mut Mistakes) -> Option<RoleRef> {
    let written = filled_text(node, mistakes)?;
    if !written.starts_with("arn:") {
        return object_name(node, mistakes).map(RoleRef::Object);
    }
    if is_iam_arn(&written, "role/") {
        return Some(RoleRef::Arn(written));
    }
    mistakes.error_help(
        node.span,
        format!("`{}` is not the ARN of a role", shown(&written)),
        "write arn:aws:iam::<account>:role/<name>, or the name of an IamRole document",
    );
    None
}

fn interval(node: &Node, mistakes: &mut Mistakes) -> Option<i32> {
    let seconds = whole(node, 0, i64::from(i32::MAX), mistakes)?;
    if let 60 | 600 = seconds {
        return i32::try_from(seconds).ok();
    }
    let message = format!("AWS aggregates over 60 or 600 seconds, not {seconds}");
    mistakes.error_help(
        node.span,
        message,
        "600 costs less; network interfaces of Nitro instances use 60 anyway",
    );
    None
}

fn log_format(node: &Node, mistakes: &mut Mistakes) -> Option<String> {
    let format = filled_text(node, mistakes)?;
    let mut fine = true;
    for token in format.split_ascii_whitespace() {
        let field = token.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
        let help = match field {
            Some(field) if RECORD_FIELDS.contains(&field) => continue,
            Some(field) => did_you_mean(field, RECORD_FIELDS),
            None => Some(String::from("write fields as ${srcaddr} ${dstaddr}, with a space between them")),
        };
        mistakes.error_maybe(
            node.span,
            format!("`{}` is not a field of a flow log record", shown(token)),
            help,
        );
        fine = false;
    }
    // One space between fields, as AWS answers it.
    fine.then(|| format.split_ascii_whitespace().collect::<Vec<_>>().join(" "))
}

fn moment(node: &Node, mistakes: &mut Mistakes) -> Option<Timestamp> {
    let text = filled_text(node, mistakes)?;
    if let Ok(moment) = text.parse() {
        return Some(moment);
    }
    mistakes.error_help(
        node.span,
        format!("`{}` is not a point in time", shown(&text)),
        "write 2026-11-22T18:00:00Z, or with an offset: 2026-11-22T18:00:00+01:00",
    );
    None
}
