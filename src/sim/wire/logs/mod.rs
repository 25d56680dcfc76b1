//! CloudWatch Logs, JSON 1.1: the wire's side of `world::log_groups`.
//!
//! Input limits, member names and paging tokens are here, from AWS's service model of 2014-03-28; what groups
//! and streams do is in the world.

mod events;
mod groups;
mod queries;
mod streams;
mod tags;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{AwsError, Operation, Outcome, Rate, Service, input};
use crate::sim::world::{Place, World};

/// The operations that this simulator implements, with the documented rates per account and Region.
pub const OPERATIONS: &[Operation] = &[
    write("CreateLogGroup", Rate::per_second(10.0), groups::create),
    write("DeleteLogGroup", Rate::per_second(10.0), groups::delete),
    read("DescribeLogGroups", Rate::per_second(10.0), groups::describe),
    write("PutRetentionPolicy", Rate::per_second(5.0), groups::put_retention),
    write("DeleteRetentionPolicy", Rate::per_second(5.0), groups::delete_retention),
    write("AssociateKmsKey", Rate::per_second(5.0), groups::associate_key),
    write("DisassociateKmsKey", Rate::per_second(5.0), groups::disassociate_key),
    write("PutLogGroupDeletionProtection", None, groups::protect),
    write("TagResource", Rate::per_second(5.0), tags::tag),
    write("UntagResource", Rate::per_second(5.0), tags::untag),
    read("ListTagsForResource", Rate::per_second(30.0), tags::list),
    write("CreateLogStream", Rate::per_second(50.0), streams::create),
    write("DeleteLogStream", None, streams::delete),
    read("DescribeLogStreams", Rate::per_second(25.0), streams::describe),
    write("PutLogEvents", Rate::per_second(5000.0), events::put),
    read("GetLogEvents", None, events::get),
    // Its rate depends on the Region: it asks for admission itself.
    read("FilterLogEvents", None, events::filter),
    // It changes nothing that anybody would call the estate, and neither does its end.
    read("StartQuery", Rate::per_second(10.0), queries::start),
    read("GetQueryResults", Rate::per_second(10.0), queries::results),
    read("StopQuery", Rate::per_second(10.0), queries::stop),
];

type Run = fn(&mut World, &Place, Value) -> Outcome;

const fn write(name: &'static str, rate: Option<Rate>, run: Run) -> Operation {
    Operation { name, rate, writes: true, run }
}

const fn read(name: &'static str, rate: Option<Rate>, run: Run) -> Operation {
    Operation { name, rate, writes: false, run }
}

fn parse<T: DeserializeOwned>(value: Value) -> Result<T, AwsError> {
    input::read(Service::Logs, value)
}

fn invalid(message: impl Into<String>) -> AwsError {
    AwsError::validation(Service::Logs, message)
}

/// AWS's own sentence for a member that breaks the service model.
fn constraint(value: &str, member: &str, rule: &str) -> AwsError {
    invalid(format!(
        "1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: {rule}"
    ))
}

/// Checks a name's length, 1 to 512, and its characters.
fn check_name(name: &str, member: &str, allowed: fn(char) -> bool, pattern: &str) -> Result<(), AwsError> {
    if name.is_empty() {
        let rule = "Member must have length greater than or equal to 1";
        return Err(constraint(name, member, rule));
    }
    if name.chars().count() > 512 {
        return Err(constraint(name, member, "Member must have length less than or equal to 512"));
    }
    if !name.chars().all(allowed) {
        let rule = format!("Member must satisfy regular expression pattern: {pattern}");
        return Err(constraint(name, member, &rule));
    }
    Ok(())
}

fn check_group_name(name: &str, member: &str) -> Result<(), AwsError> {
    let allowed = |each: char| each.is_ascii_alphanumeric() || ".-_/#".contains(each);
    check_name(name, member, allowed, r"[\.\-_/#A-Za-z0-9]+")
}

fn check_stream_name(name: &str, member: &str) -> Result<(), AwsError> {
    check_name(name, member, |each| each != ':' && each != '*', "[^:*]*")
}

/// Reads `limit`, which must be between 1 and `max`; without one it is `max`.
fn check_limit(limit: Option<i64>, max: usize) -> Result<usize, AwsError> {
    let Some(limit) = limit else { return Ok(max) };
    match usize::try_from(limit) {
        Ok(size) if (1..=max).contains(&size) => Ok(size),
        Ok(size) if size > max => {
            let rule = format!("Member must have value less than or equal to {max}");
            Err(constraint(&limit.to_string(), "limit", &rule))
        }
        _ => {
            let rule = "Member must have value greater than or equal to 1";
            Err(constraint(&limit.to_string(), "limit", rule))
        }
    }
}

fn bad_token() -> AwsError {
    invalid("The specified nextToken is invalid.")
}

/// A group's ARN, in the form without `:*` that tagging and flow logs want.
fn group_arn(place: &Place, group: &str) -> String {
    format!("arn:aws:logs:{}:{}:log-group:{group}", place.region, place.account)
}

/// The group that a name or an ARN (without `:*`) of this account and Region stands for.
fn group_of_identifier(place: &Place, identifier: &str) -> Result<String, AwsError> {
    let name = if identifier.starts_with("arn:") {
        let prefix = group_arn(place, "");
        identifier.strip_prefix(&prefix).ok_or_else(|| invalid("The specified ARN is not valid here."))?
    } else {
        identifier
    };
    check_group_name(name, "logGroupIdentifier")?;
    Ok(name.to_owned())
}

/// The group that exactly one of `logGroupName` and an identifier must name.
fn one_group(place: &Place, name: Option<&str>, identifier: Option<&str>) -> Result<String, AwsError> {
    match (name, identifier) {
        (Some(name), None) => check_group_name(name, "logGroupName").map(|()| name.to_owned()),
        (None, Some(identifier)) => group_of_identifier(place, identifier),
        _ => Err(invalid("Exactly one of logGroupName and logGroupIdentifier must be specified.")),
    }
}
