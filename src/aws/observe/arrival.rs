//! Whether telemetry arrives in a log group.
//!
//! A stream's own last-event time may lag by an hour, so the events themselves are asked for, in one of two ways:
//!
//! - **Events** (`FilterLogEvents`, 5 to 25 calls a second by Region, no charge). One page of a group, newest first,
//!   with room for a thousand events of each stream, shows nearly every stream that is alive. Who is not on it is asked for by name. In
//!   steady state a group costs one or two calls, and a quiet or missing stream at most one more. AWS takes at most
//!   100 names, and refuses groups of the Infrequent Access class.
//! - **One query** ([`query`]: `StartQuery`, 10 a second, and `GetQueryResults`, 10 a second) for larger fleets and
//!   for those groups. Its calls do not grow with the streams, but it is charged by the volume searched (about
//!   0.005 USD a GB), which is why the model looks back no further than it must.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::{absent_if_not_found, query};
use crate::aws::apis::filter_log_events;
use crate::aws::connect::Clients;
use crate::aws::paging::Tokens;
use crate::aws::values::millis;
use crate::model::failure::Failure;
use crate::model::observed::Arrivals;

/// 2024-01-01 in Unix milliseconds: AWS gives the newest events first only from there on.
const NEWEST_FIRST_SINCE: i64 = 1_704_067_200_000;
/// The most events that AWS gives in one page.
const PAGE: usize = 10_000;
/// How many events of each stream a page has room for: enough that a busy stream seldom hides a quiet one.
const EVENTS_A_STREAM: usize = 1_000;

/// The most streams that one search may name (`FilterLogEvents`, API reference).
const NAMES: usize = 100;

/// The newest events of some streams of a group.
#[derive(Clone, Copy)]
struct Search<'a> {
    group: &'a str,
    which: Which<'a>,
    since: Timestamp,
    limit: i32,
}

/// Which streams.
#[derive(Clone, Copy)]
enum Which<'a> {
    All,
    Named(&'a [Arc<str>]),
}

/// What one search came back with, newest first.
struct Found {
    events: Vec<(String, Timestamp)>,
    /// Whether there is nothing more to find.
    is_all: bool,
}

/// The newest event in each of `streams` of `group`, looking back so far.
pub(super) async fn of_group(
    clients: &Clients,
    group: &str,
    streams: &[Arc<str>],
    back: SignedDuration,
    by_query: bool,
) -> Result<Arrivals, Failure> {
    let since = clients.clock().now() - back;
    let newest = if by_query {
        query::newest(clients, group, streams, since).await?
    } else {
        by_events(clients, group, streams, since).await?
    };
    Ok(Arrivals { since, newest })
}

type Newest = BTreeMap<Arc<str>, Option<Timestamp>>;

async fn by_events(
    clients: &Clients,
    group: &str,
    streams: &[Arc<str>],
    since: Timestamp,
) -> Result<Newest, Failure> {
    let mut newest: Newest = streams.iter().map(|stream| (stream.clone(), None)).collect();
    let all = Search { group, which: Which::All, since, limit: page(streams.len()) };
    let Some(found) = all.run(clients).await? else { return Ok(newest) };
    note(&mut newest, &found);
    if !found.is_all {
        let silent: Vec<Arc<str>> =
            newest.iter().filter(|(_, at)| at.is_none()).map(|(stream, _)| stream.clone()).collect();
        for names in silent.chunks(NAMES) {
            together(clients, all, names, &mut newest).await?;
        }
    }
    Ok(newest)
}

/// How many events to ask for at once, to see some of each stream.
fn page(streams: usize) -> i32 {
    i32::try_from((streams * EVENTS_A_STREAM).clamp(NAMES, PAGE)).unwrap_or(i32::MAX)
}

/// Asks for these streams by name until each was seen, or there is nothing more of any of them.
async fn together(
    clients: &Clients,
    search: Search<'_>,
    names: &[Arc<str>],
    newest: &mut Newest,
) -> Result<(), Failure> {
    let mut silent = names.to_vec();
    while !silent.is_empty() {
        let Some(found) = (Search { which: Which::Named(&silent), ..search }).run(clients).await? else {
            // AWS refuses all the names for a single one that is no stream yet.
            return one_by_one(clients, search, &silent, newest).await;
        };
        note(newest, &found);
        if found.is_all {
            break;
        }
        silent.retain(|stream| newest.get(stream).copied().flatten().is_none());
    }
    Ok(())
}

async fn one_by_one(
    clients: &Clients,
    search: Search<'_>,
    streams: &[Arc<str>],
    newest: &mut Newest,
) -> Result<(), Failure> {
    for stream in streams {
        let which = Which::Named(std::slice::from_ref(stream));
        if let Some(found) = (Search { which, limit: 1, ..search }).run(clients).await? {
            note(newest, &found);
        }
    }
    Ok(())
}

fn note(newest: &mut Newest, found: &Found) {
    for (stream, at) in &found.events {
        if let Some(newest) = newest.get_mut(stream.as_str()) {
            *newest = (*newest).max(Some(*at));
        }
    }
}

impl Search<'_> {
    /// The first page that has events. `None`: there is no such group, or one of the named streams is missing.
    async fn run(&self, clients: &Clients) -> Result<Option<Found>, Failure> {
        let api = filter_log_events(clients.region());
        let start = self.since.as_millisecond().max(NEWEST_FIRST_SINCE);
        let mut tokens = Tokens::new(api);
        let mut token = None;
        loop {
            let request = clients.logs.filter_log_events().log_group_name(self.group).limit(self.limit);
            let request = match self.which {
                Which::All => request,
                Which::Named(names) => {
                    request.set_log_stream_names(Some(names.iter().map(ToString::to_string).collect()))
                }
            };
            let request = request.start_time(start).start_from_head(false).set_next_token(token);
            let Some(reply) = absent_if_not_found(clients.call(api, request.send()).await)? else {
                return Ok(None);
            };
            let events: Vec<_> = reply
                .events()
                .iter()
                .filter_map(|event| Some((event.log_stream_name()?.to_owned(), millis(event.timestamp())?)))
                .collect();
            // AWS searches a while and may come back with nothing but a token to go on with.
            token = tokens.follow(reply.next_token)?;
            if !events.is_empty() || token.is_none() {
                return Ok(Some(Found { events, is_all: token.is_none() }));
            }
        }
    }
}
