//! Log streams: made, deleted, listed.

use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::paging::page;
use super::{
    AwsError, Outcome, bad_token, check_group_name, check_limit, check_stream_name, constraint, group_arn,
    invalid, one_group, parse,
};
use crate::sim::world::log_groups::{LogStream, Span};
use crate::sim::world::{Place, World};

/// How far a listing's event times lag behind. AWS says "typically under an hour".
const EVENT_TIME_LAG: SignedDuration = SignedDuration::from_mins(15);
/// The most streams on a page.
const PAGE: usize = 50;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Named {
    log_group_name: String,
    log_stream_name: String,
}

impl Named {
    fn read(input: Value) -> Result<Self, AwsError> {
        let named: Self = parse(input)?;
        check_group_name(&named.log_group_name, "logGroupName")?;
        check_stream_name(&named.log_stream_name, "logStreamName")?;
        Ok(named)
    }
}

pub(super) fn create(world: &mut World, place: &Place, input: Value) -> Outcome {
    let named = Named::read(input)?;
    let now = world.now();
    let groups = &mut world.region(place).log_groups;
    groups.create_stream(now, &named.log_group_name, &named.log_stream_name)?;
    Ok(json!({}))
}

pub(super) fn delete(world: &mut World, place: &Place, input: Value) -> Outcome {
    let named = Named::read(input)?;
    let now = world.now();
    let groups = &mut world.region(place).log_groups;
    groups.delete_stream(now, &named.log_group_name, &named.log_stream_name)?;
    Ok(json!({}))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Describe {
    log_group_name: Option<String>,
    log_group_identifier: Option<String>,
    log_stream_name_prefix: Option<String>,
    order_by: Option<String>,
    #[serde(default)]
    descending: bool,
    limit: Option<i64>,
    next_token: Option<String>,
}

impl Describe {
    /// Whether to order by the time of the last event.
    fn by_time(&self) -> Result<bool, AwsError> {
        let by_time = match self.order_by.as_deref() {
            None | Some("LogStreamName") => false,
            Some("LastEventTime") => true,
            Some(other) => {
                let rule = "Member must satisfy enum value set: [LogStreamName, LastEventTime]";
                return Err(constraint(other, "orderBy", rule));
            }
        };
        if by_time && self.log_stream_name_prefix.is_some() {
            return Err(invalid("Cannot order by LastEventTime with a logStreamNamePrefix."));
        }
        Ok(by_time)
    }
}

pub(super) fn describe(world: &mut World, place: &Place, input: Value) -> Outcome {
    let asked: Describe = parse(input)?;
    let name = one_group(place, asked.log_group_name.as_deref(), asked.log_group_identifier.as_deref())?;
    let by_time = asked.by_time()?;
    let prefix = asked.log_stream_name_prefix.clone().unwrap_or_default();
    if !prefix.is_empty() {
        check_stream_name(&prefix, "logStreamNamePrefix")?;
    }
    let size = world.page_size(check_limit(asked.limit, PAGE)?);
    let now = world.now();
    let groups = &world.region(place).log_groups;
    let floor = groups.floor(now, &name);
    let span = |stream: &LogStream| stream.span(floor, now - EVENT_TIME_LAG);
    let mut streams: Vec<(&String, &LogStream)> = groups
        .group(&name)?
        .streams
        .range(prefix.clone()..)
        .take_while(|(name, _)| name.starts_with(&prefix))
        .collect();
    if by_time {
        streams.sort_by_cached_key(|(_, stream)| span(stream).map(|span| span.last));
    }
    if asked.descending {
        streams.reverse();
    }
    let (rows, next) = page(&streams, asked.next_token.as_deref(), size).ok_or_else(bad_token)?;
    let arn = group_arn(place, &name);
    let rows: Vec<Value> = rows.iter().map(|(name, stream)| row(&arn, name, stream, span(stream))).collect();
    Ok(json!({ "logStreams": rows, "nextToken": next }))
}

fn row(group_arn: &str, name: &str, stream: &LogStream, span: Option<Span>) -> Value {
    json!({
        "logStreamName": name,
        "creationTime": stream.created.as_millisecond(),
        "firstEventTimestamp": span.map(|span| span.first),
        "lastEventTimestamp": span.map(|span| span.last),
        "lastIngestionTime": span.map(|span| span.last_ingested),
        "arn": format!("{group_arn}:log-stream:{name}"),
        // AWS has reported 0 for streams since 2019.
        "storedBytes": 0,
    })
}
