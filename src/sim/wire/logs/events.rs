//! Log events: put, read stream by stream, searched across a group.

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::{Service, Target};
use super::{
    AwsError, Outcome, Rate, bad_token, check_group_name, check_limit, check_stream_name, constraint,
    invalid, one_group, parse,
};
use crate::sim::world::log_groups::pattern::Pattern;
use crate::sim::world::log_groups::read::{Event, Position, Reading, Which};
use crate::sim::world::log_groups::{LogGroup, Rejected};
use crate::sim::world::{Place, World};

/// The most events in a batch or on a page.
const MAX_EVENTS: usize = 10_000;
/// The largest batch, and about the largest page, in bytes.
const MAX_BYTES: usize = 1_048_576;
/// What each event of a batch counts beside its message, in bytes.
const EVENT_OVERHEAD: usize = 26;
/// The longest span of time in a batch, in milliseconds.
const MAX_SPAN: i64 = 24 * 3_600_000;
/// How many events one call of `FilterLogEvents` looks at; then it answers with what it has and a token.
const SEARCHED_PER_CALL: usize = 20_000;
/// How long a token of `FilterLogEvents` is good, in milliseconds.
const TOKEN_LIFE: i64 = 24 * 3_600_000;
/// Newest first reaches back to here only: 2024-01-01.
const BACKWARDS_SINCE: i64 = 1_704_067_200_000;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Put {
    log_group_name: String,
    log_stream_name: String,
    log_events: Vec<InputEvent>,
    // Accepted and ignored, as AWS does since 2023.
    #[serde(rename = "sequenceToken")]
    _sequence_token: Option<String>,
    #[serde(rename = "entity")]
    _entity: Option<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct InputEvent {
    timestamp: i64,
    message: String,
}

pub(super) fn put(world: &mut World, place: &Place, input: Value) -> Outcome {
    let asked: Put = parse(input)?;
    check_group_name(&asked.log_group_name, "logGroupName")?;
    check_stream_name(&asked.log_stream_name, "logStreamName")?;
    check_batch(&asked.log_events)?;
    let now = world.now();
    let sequence = world.number();
    let events = asked.log_events.into_iter().map(|event| (event.timestamp, event.message)).collect();
    let groups = &mut world.region(place).log_groups;
    let rejected = groups.put_events(now, &asked.log_group_name, &asked.log_stream_name, events)?;
    let info = (rejected != Rejected::default()).then(|| {
        json!({
            "tooNewLogEventStartIndex": rejected.too_new_from,
            "tooOldLogEventEndIndex": rejected.too_old_until,
            "expiredLogEventEndIndex": rejected.expired_until,
        })
    });
    Ok(json!({ "nextSequenceToken": format!("{sequence:056}"), "rejectedLogEventsInfo": info }))
}

fn check_batch(events: &[InputEvent]) -> Result<(), AwsError> {
    if events.is_empty() || events.len() > MAX_EVENTS {
        let rule = "Member must have length between 1 and 10000";
        return Err(constraint(&events.len().to_string(), "logEvents", rule));
    }
    if events.iter().any(|event| event.message.is_empty() || event.timestamp < 0) {
        let rule = "Each event must have a message and a time that is not negative";
        return Err(constraint("", "logEvents", rule));
    }
    let bytes: usize = events.iter().map(|event| event.message.len() + EVENT_OVERHEAD).sum();
    if bytes > MAX_BYTES {
        return Err(invalid(format!("Upload too large: {bytes} bytes exceeds limit of {MAX_BYTES}")));
    }
    if !events.is_sorted_by_key(|event| event.timestamp) {
        let message = "Log events in a single PutLogEvents request must be in chronological order.";
        return Err(invalid(message));
    }
    let span = events.last().zip(events.first()).map_or(0, |(last, first)| last.timestamp - first.timestamp);
    if span > MAX_SPAN {
        let message =
            "The batch of log events in a single PutLogEvents request cannot span more than 24 hours.";
        return Err(invalid(message));
    }
    Ok(())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Get {
    log_group_name: Option<String>,
    log_group_identifier: Option<String>,
    log_stream_name: String,
    start_time: Option<i64>,
    end_time: Option<i64>,
    next_token: Option<String>,
    limit: Option<i64>,
    #[serde(default)]
    start_from_head: bool,
    #[serde(rename = "unmask")]
    _unmask: Option<bool>,
}

/// Which way a token of `GetLogEvents` leads, and from where.
struct Cursor {
    backwards: bool,
    at: Position,
}

pub(super) fn get(world: &mut World, place: &Place, input: Value) -> Outcome {
    let asked: Get = parse(input)?;
    let name = one_group(place, asked.log_group_name.as_deref(), asked.log_group_identifier.as_deref())?;
    check_stream_name(&asked.log_stream_name, "logStreamName")?;
    let stream = asked.log_stream_name.as_str();
    let (start, end) = times(asked.start_time, asked.end_time)?;
    let cursor = asked.next_token.as_deref().map(|token| Cursor::read(token, stream)).transpose()?;
    let limit = world.page_size(check_limit(asked.limit, MAX_EVENTS)?);
    let now = world.now();
    let groups = &world.region(place).log_groups;
    let floor = groups.floor(now, &name).as_millisecond();
    let group = searchable(groups.group(&name)?)?;
    group.stream(stream)?;
    let reading = Reading {
        which: Which::Named(vec![stream.to_owned()]),
        from: start.max(floor),
        to: end,
        arrived_by: now.as_millisecond(),
        after: cursor.as_ref().map(|cursor| cursor.at.clone()),
        backwards: cursor.as_ref().map_or(!asked.start_from_head, |cursor| cursor.backwards),
    };
    let mut found = Page::new(limit);
    for event in group.read(&reading) {
        if !found.take(&event, event.message()) {
            break;
        }
    }
    if reading.backwards {
        found.events.reverse();
    }
    let (back, forth) = ends(&found, cursor, start, stream);
    let events: Vec<Value> = found
        .events
        .iter()
        .map(|(event, message)| {
            json!({ "timestamp": event.time, "message": message, "ingestionTime": event.ingested() })
        })
        .collect();
    Ok(json!({
        "events": events,
        "nextForwardToken": token('f', &forth),
        "nextBackwardToken": token('b', &back),
    }))
}

/// From where to go on, backwards and forwards. At an end, the token that led there comes back.
fn ends(found: &Page<'_>, cursor: Option<Cursor>, start: i64, stream: &str) -> (Position, Position) {
    if let (Some((first, _)), Some((last, _))) = (found.events.first(), found.events.last()) {
        return (first.position(), last.position());
    }
    let Some(Cursor { backwards, at }) = cursor else {
        // Indexes begin at 1, so this stands before everything.
        let at = Position { time: start, stream: stream.to_owned(), writer: 0, index: 0 };
        return (at.clone(), at);
    };
    // The way back must include the event that the cursor stands on.
    if backwards {
        let forth = Position { index: at.index.saturating_sub(1), ..at.clone() };
        (at, forth)
    } else {
        let back = Position { index: at.index.saturating_add(1), ..at.clone() };
        (back, at)
    }
}

fn token(direction: char, at: &Position) -> String {
    format!("{direction}/{}/{}/{}", at.time, at.writer, at.index)
}

impl Cursor {
    fn read(token: &str, stream: &str) -> Result<Self, AwsError> {
        let read = || {
            let (direction, at) = token.split_once('/')?;
            let mut parts = at.splitn(3, '/');
            let at = Position {
                time: parts.next()?.parse().ok()?,
                stream: stream.to_owned(),
                writer: parts.next()?.parse().ok()?,
                index: parts.next()?.parse().ok()?,
            };
            matches!(direction, "f" | "b").then_some(Self { backwards: direction == "b", at })
        };
        read().ok_or_else(bad_token)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Filter {
    log_group_name: Option<String>,
    log_group_identifier: Option<String>,
    log_stream_names: Option<Vec<String>>,
    log_stream_name_prefix: Option<String>,
    start_time: Option<i64>,
    end_time: Option<i64>,
    filter_pattern: Option<String>,
    next_token: Option<String>,
    limit: Option<i64>,
    start_from_head: Option<bool>,
    // Results are always interleaved.
    #[serde(rename = "interleaved")]
    _interleaved: Option<bool>,
    #[serde(rename = "unmask")]
    _unmask: Option<bool>,
}

impl Filter {
    fn which(&self) -> Result<Which, AwsError> {
        match (&self.log_stream_names, &self.log_stream_name_prefix) {
            (Some(_), Some(_)) => {
                Err(invalid("logStreamNames and logStreamNamePrefix are mutually exclusive."))
            }
            (Some(names), None) if names.is_empty() || names.len() > 100 => {
                let rule = "Member must have length between 1 and 100";
                Err(constraint(&names.len().to_string(), "logStreamNames", rule))
            }
            (Some(names), None) => Ok(Which::Named(names.clone())),
            (None, Some(prefix)) => {
                check_stream_name(prefix, "logStreamNamePrefix")?;
                Ok(Which::Prefixed(prefix.clone()))
            }
            (None, None) => Ok(Which::All),
        }
    }

    fn pattern(&self) -> Result<Pattern, AwsError> {
        let text = self.filter_pattern.as_deref().unwrap_or_default();
        if text.chars().count() > 1024 {
            let rule = "Member must have length less than or equal to 1024";
            return Err(constraint(text, "filterPattern", rule));
        }
        Pattern::parse(text).map_err(|reason| invalid(format!("Invalid filter pattern: {reason}")))
    }

    fn backwards(&self) -> Result<bool, AwsError> {
        let backwards = self.start_from_head == Some(false);
        if backwards && self.start_time.is_none_or(|start| start < BACKWARDS_SINCE) {
            return Err(invalid("startFromHead can be false only with a startTime of 2024-01-01 or later."));
        }
        Ok(backwards)
    }
}

pub(super) fn filter(world: &mut World, place: &Place, input: Value) -> Outcome {
    admit_filter(world, place)?;
    let asked: Filter = parse(input)?;
    let name = one_group(place, asked.log_group_name.as_deref(), asked.log_group_identifier.as_deref())?;
    let (start, end) = times(asked.start_time, asked.end_time)?;
    let (which, pattern, backwards) = (asked.which()?, asked.pattern()?, asked.backwards()?);
    let limit = world.page_size(check_limit(asked.limit, MAX_EVENTS)?);
    let now = world.now().as_millisecond();
    let after = asked.next_token.as_deref().map(|token| read_search_token(token, now)).transpose()?;
    let at = world.now();
    let groups = &world.region(place).log_groups;
    let floor = groups.floor(at, &name).as_millisecond();
    let group = searchable(groups.group(&name)?)?;
    if let Which::Named(names) = &which {
        names.iter().try_for_each(|name| group.stream(name).map(drop))?;
    }
    // Here, unlike in GetLogEvents, an event at the end time belongs to the result.
    let to = end.saturating_add(1);
    let reading = Reading { which, from: start.max(floor), to, arrived_by: now, after, backwards };
    let (found, next) = search(group, &reading, &pattern, limit);
    let next = next.map(|at| search_token(&at, now));
    let events: Vec<Value> = found.events.iter().map(search_row).collect();
    Ok(json!({ "events": events, "searchedLogStreams": [], "nextToken": next }))
}

/// Searches for one page. The second value is `None` when everything was searched, else up to where.
fn search<'a>(
    group: &'a LogGroup,
    reading: &Reading,
    pattern: &Pattern,
    limit: usize,
) -> (Page<'a>, Option<Position>) {
    let mut found = Page::new(limit);
    let mut searched = reading.after.clone().unwrap_or_else(|| {
        // Before the first event, whichever way.
        let time = if reading.backwards { reading.to } else { reading.from };
        Position { time, stream: String::new(), writer: 0, index: 0 }
    });
    for (count, event) in group.read(reading).enumerate() {
        if count >= SEARCHED_PER_CALL || found.is_full() {
            return (found, Some(searched));
        }
        let message = event.message();
        if pattern.matches(&message) && !found.take(&event, message) {
            return (found, Some(searched));
        }
        searched = event.position();
    }
    (found, None)
}

fn search_row((event, message): &(Event<'_>, String)) -> Value {
    json!({
        "logStreamName": event.stream,
        "timestamp": event.time,
        "message": message,
        "ingestionTime": event.ingested(),
        "eventId": event.id(),
    })
}

/// `FilterLogEvents` has another rate in some Regions (the quota page of CloudWatch Logs).
fn admit_filter(world: &mut World, place: &Place) -> Result<(), AwsError> {
    let per_second = match place.region.as_str() {
        "us-east-1" => 25.0,
        "ap-northeast-3" | "ap-southeast-3" | "ca-west-1" | "eu-central-1" | "il-central-1" => 5.0,
        _ => 10.0,
    };
    let target =
        Target { service: Service::Logs, operation: "FilterLogEvents".to_owned(), place: place.clone() };
    let rate = Rate::per_second(per_second);
    if rate.is_none_or(|rate| world.admit(&target, "FilterLogEvents", rate)) {
        Ok(())
    } else {
        Err(AwsError::throttled(Service::Logs))
    }
}

fn search_token(at: &Position, now: i64) -> String {
    format!("{now}:{}:{}:{}:{}", at.time, at.writer, at.index, at.stream)
}

fn read_search_token(token: &str, now: i64) -> Result<Position, AwsError> {
    let read = || {
        let mut parts = token.splitn(5, ':');
        let issued: i64 = parts.next()?.parse().ok()?;
        let time = parts.next()?.parse().ok()?;
        let writer = parts.next()?.parse().ok()?;
        let index = parts.next()?.parse().ok()?;
        let stream = parts.next()?.to_owned();
        (now.saturating_sub(issued) <= TOKEN_LIFE).then_some(Position { time, stream, writer, index })
    };
    read().ok_or_else(bad_token)
}

/// Reads a pair of times. A start after the end is refused.
fn times(start: Option<i64>, end: Option<i64>) -> Result<(i64, i64), AwsError> {
    let (start, end) = (start.unwrap_or(0), end.unwrap_or(i64::MAX));
    if start < 0 || end < 0 {
        let rule = "Member must have value greater than or equal to 0";
        return Err(constraint(&start.min(end).to_string(), "startTime", rule));
    }
    if start > end {
        return Err(invalid("End time should not be less than start time."));
    }
    Ok((start, end))
}

/// Only Standard groups can be read event by event; the others answer to queries alone.
fn searchable(group: &LogGroup) -> Result<&LogGroup, AwsError> {
    if group.class == "INFREQUENT_ACCESS" {
        let message = "This operation is not supported for log groups in the Infrequent Access log class.";
        return Err(invalid(message));
    }
    Ok(group)
}

/// A page that fills up, by number and by size.
struct Page<'a> {
    events: Vec<(Event<'a>, String)>,
    limit: usize,
    bytes: usize,
}

impl<'a> Page<'a> {
    fn new(limit: usize) -> Self {
        Self { events: Vec::new(), limit, bytes: 0 }
    }

    fn is_full(&self) -> bool {
        self.events.len() >= self.limit
    }

    /// Takes an event if there is room. A page always has room for one, whatever its size.
    fn take(&mut self, event: &Event<'a>, message: String) -> bool {
        let bytes = self.bytes + message.len() + EVENT_OVERHEAD;
        if self.is_full() || (bytes > MAX_BYTES && !self.events.is_empty()) {
            return false;
        }
        self.bytes = bytes;
        self.events.push((*event, message));
        true
    }
}
