//! Flow logs.

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::{AwsError, Outcome, input};
use super::listing::{Listing, Rows};
use super::tags::{self, Specification};
use super::{end_dry_run, invalid, missing, read, time};
use crate::sim::world::flow_logs::{self, Config, DEFAULT_FORMAT, Destination, FlowLog, Kind, Request};
use crate::sim::world::{Place, World};

/// Every field that a format may name (Amazon VPC User Guide, "Flow log records").
const FIELDS: &str = "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes \
    start end action log-status vpc-id subnet-id instance-id tcp-flags type pkt-srcaddr pkt-dstaddr region \
    az-id sublocation-type sublocation-id pkt-src-aws-service pkt-dst-aws-service flow-direction \
    traffic-path ecs-cluster-arn ecs-cluster-name ecs-container-instance-arn ecs-container-instance-id \
    ecs-container-id ecs-second-container-id ecs-service-name ecs-task-definition-arn ecs-task-arn \
    ecs-task-id reject-reason resource-id encryption-status instance-tag instance-tag-2 interface-tag \
    interface-tag-2 asg-tag asg-tag-2 interface-type next-hop-interface-id next-hop-subnet-id \
    next-hop-az-id next-hop-vpc-id next-hop-interface-type";

/// Documented: at most so many ids in `DescribeFlowLogs` and `DeleteFlowLogs`.
const IDS: usize = 1000;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Create {
    #[serde(default)]
    resource_id: Vec<String>,
    resource_type: String,
    #[serde(default)]
    traffic_type: Option<String>,
    #[serde(default)]
    log_destination_type: Option<String>,
    #[serde(default)]
    log_destination: Option<String>,
    #[serde(default)]
    log_group_name: Option<String>,
    #[serde(default)]
    deliver_logs_permission_arn: Option<String>,
    #[serde(default)]
    log_format: Option<String>,
    #[serde(default, deserialize_with = "input::number")]
    max_aggregation_interval: Option<i64>,
    #[serde(default)]
    client_token: Option<String>,
    #[serde(default)]
    tag_specification: Vec<Specification>,
    #[serde(default, deserialize_with = "input::truth")]
    dry_run: bool,
}

pub(super) fn create(world: &mut World, place: &Place, value: Value) -> Outcome {
    let mut parameters = value.clone();
    if let Some(members) = parameters.as_object_mut() {
        members.retain(|name, _| name != "ClientToken" && name != "DryRun");
    }
    let input: Create = read(value)?;
    let (token, dry_run) = (input.client_token.clone(), input.dry_run);
    if token.as_ref().is_some_and(|token| token.len() > 64 || !token.is_ascii()) {
        return Err(invalid("Client token must be at most 64 ASCII characters."));
    }
    let mut request = request(input)?;
    request.token = token.clone().map(|token| (token, parameters));
    if dry_run {
        flow_logs::check(world, place, &request)?;
        end_dry_run(true)?;
    }
    let created = flow_logs::create(world, place, &request)?;
    let failed: Vec<Value> = created.unsuccessful.iter().map(|(id, error)| failure(id, error)).collect();
    Ok(json!({ "clientToken": token, "flowLogIdSet": created.ids, "unsuccessful": failed }))
}

fn failure(id: &str, error: &AwsError) -> Value {
    json!({ "resourceId": id, "error": { "code": error.code, "message": error.message } })
}

fn request(input: Create) -> Result<Request, AwsError> {
    let kind = Kind::parse(&input.resource_type).ok_or_else(|| {
        invalid(format!("Value ({}) for parameter resourceType is invalid.", input.resource_type))
    })?;
    let traffic = input.traffic_type.clone().ok_or_else(|| missing("trafficType"))?;
    if !matches!(traffic.as_str(), "ACCEPT" | "REJECT" | "ALL") {
        return Err(invalid(format!("Value ({traffic}) for parameter trafficType is invalid.")));
    }
    let interval = input.max_aggregation_interval.unwrap_or(600);
    if interval != 60 && interval != 600 {
        return Err(invalid(format!(
            "Invalid Max Aggregation Interval {interval}. Valid values are 60 and 600."
        )));
    }
    let destination = destination(&input)?;
    if destination.group().is_some() && input.deliver_logs_permission_arn.is_none() {
        return Err(invalid(
            "DeliverLogsPermissionArn can't be empty if LogDestinationType is cloud-watch-logs.",
        ));
    }
    let config = Config {
        kind,
        traffic,
        destination,
        role: input.deliver_logs_permission_arn,
        format: format(input.log_format)?,
        interval,
    };
    let tags = tags::specified(input.tag_specification, "vpc-flow-log")?;
    Ok(Request { resources: input.resource_id, config, tags, token: None })
}

fn destination(input: &Create) -> Result<Destination, AwsError> {
    let (group, arn) = (input.log_group_name.clone(), input.log_destination.clone());
    match (input.log_destination_type.as_deref(), group, arn) {
        (None | Some("cloud-watch-logs"), Some(group), None) => {
            check_group(&group)?;
            Ok(Destination::Logs { group, arn: None })
        }
        (None | Some("cloud-watch-logs"), None, Some(arn)) => {
            let group = arn.splitn(7, ':').nth(6).filter(|_| arn.contains(":log-group:")).unwrap_or_default();
            check_group(group)?;
            Ok(Destination::Logs { group: group.to_owned(), arn: Some(arn) })
        }
        (None | Some("cloud-watch-logs"), Some(_), Some(_)) => {
            Err(invalid("Please only provide LogGroupName or only provide LogDestination."))
        }
        (None | Some("cloud-watch-logs"), None, None) => {
            Err(invalid("LogDestination can't be empty if LogGroupName is not provided."))
        }
        (Some("s3"), None, Some(arn)) if arn.contains(":s3:::") => Ok(Destination::S3(arn)),
        (Some("s3"), ..) => {
            Err(invalid("LogDestination must be the ARN of a bucket if LogDestinationType is s3."))
        }
        (Some(other), ..) => {
            Err(invalid(format!("Value ({other}) for parameter logDestinationType is invalid.")))
        }
    }
}

/// Log group names have `[.\-_/#A-Za-z0-9]`, 1 to 512; an ARN that ends in `:*` fails here, as it does on AWS.
fn check_group(name: &str) -> Result<(), AwsError> {
    let fits = |symbol: char| symbol.is_ascii_alphanumeric() || ".-_/#".contains(symbol);
    if name.is_empty() || name.len() > 512 || !name.chars().all(fits) {
        return Err(invalid(format!("Log group name '{name}' is invalid.")));
    }
    Ok(())
}

fn format(given: Option<String>) -> Result<String, AwsError> {
    let Some(format) = given else { return Ok(DEFAULT_FORMAT.to_owned()) };
    let unknown = |token: &&str| {
        let field = token.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
        field.is_none_or(|field| !FIELDS.split_whitespace().any(|known| known == field))
    };
    if let Some(token) = format.split_whitespace().find(unknown) {
        return Err(invalid(format!("Unknown fields provided in the log format: {token}")));
    }
    if format.trim().is_empty() {
        return Err(invalid("LogFormat can't be empty."));
    }
    Ok(format)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Delete {
    #[serde(default)]
    flow_log_id: Vec<String>,
    #[serde(default, deserialize_with = "input::truth")]
    dry_run: bool,
}

pub(super) fn delete(world: &mut World, place: &Place, value: Value) -> Outcome {
    let input: Delete = read(value)?;
    if input.flow_log_id.is_empty() {
        return Err(missing("flowLogIdSet"));
    }
    check_count(&input.flow_log_id)?;
    end_dry_run(input.dry_run)?;
    let mut failed = Vec::new();
    for id in &input.flow_log_id {
        if let Err(error) = flow_logs::delete(world, place, id) {
            failed.push(failure(id, &error));
        }
    }
    Ok(json!({ "unsuccessful": failed }))
}

fn check_count(ids: &[String]) -> Result<(), AwsError> {
    if ids.len() > IDS {
        return Err(invalid(format!("You can specify at most {IDS} flow log IDs in a single request.")));
    }
    Ok(())
}

const ROWS: Rows<FlowLog> = Rows { kind: "flow log", id: |log| &log.id, tags: |log| &log.tags };
const FILTERS: &[&str] = &[
    "deliver-log-status",
    "log-destination-type",
    "flow-log-id",
    "log-group-name",
    "resource-id",
    "traffic-type",
];

pub(super) fn describe(world: &mut World, place: &Place, value: Value) -> Outcome {
    let listing = Listing::read(value, "FlowLogId", FILTERS)?;
    check_count(&listing.ids)?;
    let size = listing.size(world);
    let (now, lag) = (world.now(), world.settings.listing_lag);
    let all = world.region(place).flow_logs.listed(now, lag);
    let found = listing.select(all.into_iter(), &ROWS, |log, filter| match filter {
        "deliver-log-status" => delivery(log).0.map(str::to_owned).into_iter().collect(),
        "log-destination-type" => vec![destination_type(log).to_owned()],
        "flow-log-id" => vec![log.id.clone()],
        "log-group-name" => log.config.destination.group().map(str::to_owned).into_iter().collect(),
        "resource-id" => vec![log.resource.clone()],
        _ => vec![log.config.traffic.clone()],
    })?;
    let (page, next) = listing.page(&found, size)?;
    let shown: Vec<Value> = page.iter().map(|log| shown(log)).collect();
    Ok(json!({ "flowLogSet": shown, "nextToken": next }))
}

/// Status and error message; neither before the first records.
fn delivery(log: &FlowLog) -> (Option<&'static str>, Option<&'static str>) {
    match log.delivery.works {
        None => (None, None),
        Some(true) => (Some("SUCCESS"), None),
        Some(false) => (Some("FAILED"), Some("Access error")),
    }
}

const fn destination_type(log: &FlowLog) -> &'static str {
    match log.config.destination {
        Destination::Logs { .. } => "cloud-watch-logs",
        Destination::S3(_) => "s3",
    }
}

fn shown(log: &FlowLog) -> Value {
    let (status, message) = delivery(log);
    let arn = match &log.config.destination {
        Destination::Logs { arn, .. } => arn.as_ref(),
        Destination::S3(arn) => Some(arn),
    };
    json!({
        "flowLogId": log.id,
        "flowLogStatus": "ACTIVE",
        "creationTime": time(log.created),
        "resourceId": log.resource,
        "trafficType": log.config.traffic,
        "logDestinationType": destination_type(log),
        "logDestination": arn,
        "logGroupName": log.config.destination.group(),
        "deliverLogsPermissionArn": log.config.role,
        "deliverLogsStatus": status,
        "deliverLogsErrorMessage": message,
        "logFormat": log.config.format,
        "maxAggregationInterval": log.config.interval,
        "tagSet": tags::shown(&log.tags),
    })
}
