//! The newest events of a whole group by one query of Logs Insights: for large fleets, and for groups of the
//! Infrequent Access class, which nothing else can read.
//!
//! The query is waited for here, for a bounded time: no answer is worth more than the pass that asked for it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_cloudwatchlogs::types::{QueryStatus, ResultField};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::absent_if_not_found;
use crate::aws::apis::{GET_QUERY_RESULTS, START_QUERY, STOP_QUERY};
use crate::aws::connect::Clients;
use crate::aws::error::{nonsense, unfinished};
use crate::aws::paging::Tokens;
use crate::aws::values::millis;
use crate::model::failure::Failure;

/// One row for each stream.
const QUERY: &str = "stats max(@timestamp) as newest by @logStream";
/// The most rows that a query can give (API reference). Of larger groups some streams stay unknown: splitting them
/// over several queries would search, and pay for, the same data several times.
const ROWS: usize = 100_000;
/// The most rows that AWS gives in one page of results.
const PAGE: i32 = 10_000;
/// The first wait for a result; it doubles. Queries over minutes of logs end within seconds.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// How long the waits may become.
const LONGEST_WAIT: Duration = Duration::from_secs(8);
/// After so many looks, half a minute, the query is given up.
const LOOKS: usize = 6;

/// The newest event in each of `streams` of `group`, looking back to `since`. A stream about which the query says
/// nothing, because it has too many rows, is left out.
pub(super) async fn newest(
    clients: &Clients,
    group: &str,
    streams: &[Arc<str>],
    since: Timestamp,
) -> Result<BTreeMap<Arc<str>, Option<Timestamp>>, Failure> {
    let silent = || streams.iter().map(|stream| (stream.clone(), None));
    let Some(id) = start(clients, group, since).await? else { return Ok(silent().collect()) };
    let rows = finish(clients, &id).await?;
    let is_cut = rows.len() >= ROWS;
    let mut newest: BTreeMap<Arc<str>, Option<Timestamp>> = silent().collect();
    for (stream, at) in rows {
        if let Some(newest) = newest.get_mut(stream.as_str()) {
            *newest = Some(at);
        }
    }
    newest.retain(|_, at| at.is_some() || !is_cut);
    Ok(newest)
}

/// The new query's id; `None` when there is no such group.
async fn start(clients: &Clients, group: &str, since: Timestamp) -> Result<Option<String>, Failure> {
    let now = clients.clock().now();
    let request = clients.logs.start_query().log_group_name(group).query_string(QUERY);
    // AWS takes whole seconds.
    let request = request.start_time(since.as_second()).end_time(now.as_second() + 1);
    let request = request.limit(i32::try_from(ROWS).unwrap_or(i32::MAX));
    let Some(reply) = absent_if_not_found(clients.call(START_QUERY, request.send()).await)? else {
        return Ok(None);
    };
    reply
        .query_id
        .map(Some)
        .ok_or_else(|| nonsense(START_QUERY.call, "AWS began a query and did not say which"))
}

/// All rows of a query, once it is complete.
async fn finish(clients: &Clients, id: &str) -> Result<Vec<(String, Timestamp)>, Failure> {
    let api = GET_QUERY_RESULTS;
    let mut wait = FIRST_WAIT;
    for _ in 0..LOOKS {
        clients.clock().sleep(wait).await;
        wait = (wait * 2).min(LONGEST_WAIT);
        let request = clients.logs.get_query_results().query_id(id).max_items(PAGE);
        let reply = clients.call(api, request.send()).await?;
        match reply.status {
            Some(QueryStatus::Complete) => {
                let first = reply.results.unwrap_or_default();
                return rest(clients, id, first, reply.next_token).await;
            }
            Some(QueryStatus::Running | QueryStatus::Scheduled) => {}
            other => {
                let word = other.as_ref().map_or("no status", QueryStatus::as_str);
                return Err(unfinished(api.call, format!("the query ended without a result: {word}")));
            }
        }
    }
    // Best effort: left alone it would go on searching at our expense. Why it was given up matters more.
    let _ = clients.call(STOP_QUERY, clients.logs.stop_query().query_id(id).send()).await;
    Err(unfinished(api.call, "the query was not complete in time"))
}

async fn rest(
    clients: &Clients,
    id: &str,
    first: Vec<Vec<ResultField>>,
    mut token: Option<String>,
) -> Result<Vec<(String, Timestamp)>, Failure> {
    let api = GET_QUERY_RESULTS;
    let mut tokens = Tokens::new(api);
    let mut rows: Vec<(String, Timestamp)> = first.iter().filter_map(|row| read(row)).collect();
    while let Some(next) = tokens.follow(token)? {
        let request = clients.logs.get_query_results().query_id(id).max_items(PAGE).next_token(next);
        let reply = clients.call(api, request.send()).await?;
        rows.extend(reply.results().iter().filter_map(|row| read(row)));
        token = reply.next_token;
    }
    Ok(rows)
}

fn read(row: &[ResultField]) -> Option<(String, Timestamp)> {
    let field =
        |name: &str| row.iter().find(|field| field.field() == Some(name)).and_then(ResultField::value);
    Some((field("@logStream")?.to_owned(), moment(field("newest")?)?))
}

/// AWS documents no form for the greatest of several times: milliseconds, or the form that single ones have.
fn moment(text: &str) -> Option<Timestamp> {
    if let Ok(number) = text.parse() {
        return millis(Some(number));
    }
    let written: DateTime = text.parse().ok()?;
    written.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_read_in_either_form() {
        for text in ["1767225600500", "2026-01-01 00:00:00.500"] {
            assert_eq!(moment(text).map(Timestamp::as_millisecond), Some(1_767_225_600_500), "{text}");
        }
        assert_eq!(moment("soon"), None);
    }
}
