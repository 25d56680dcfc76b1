//! Log events, read for a person: `logs:FilterLogEvents`, and the names of the groups that there are.
//!
//! Only what `watchkeeper logs` and `--from logs` need. What the controller asks of logs is in `observe/arrival`.

use std::sync::Arc;

use jiff::Timestamp;

use super::apis::{DESCRIBE_LOG_GROUPS, filter_log_events};
use super::connect::Clients;
use super::paging::Tokens;
use super::values::{millis, text};
use crate::model::failure::Failure;

/// How many names of groups are read at most, to find those that are like a name that is not there.
const NAMES: usize = 500;

/// Which events.
#[derive(Clone, Debug)]
pub struct Search {
    /// The log group.
    pub group: String,
    /// How the names of their streams begin; none: all streams.
    pub stream: Option<String>,
    /// A filter pattern of CloudWatch Logs; none: all events.
    pub pattern: Option<String>,
    /// Not older than this.
    pub since: Timestamp,
}

/// One log event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// When it happened.
    pub at: Timestamp,
    /// The stream that it is in.
    pub stream: Arc<str>,
    /// AWS's id: unique in the group.
    pub id: Arc<str>,
    /// What it says.
    pub message: String,
}

/// The pages of one search, in order. An empty page is not the end.
#[derive(Debug)]
pub struct Pages {
    tokens: Tokens,
    /// The token of the next page; `None` before the first one.
    next: Option<String>,
    is_over: bool,
    newest_first: bool,
}

impl Pages {
    /// The pages of a search that has not begun.
    pub fn new(clients: &Clients) -> Self {
        let tokens = Tokens::new(filter_log_events(clients.region()));
        Self { tokens, next: None, is_over: false, newest_first: false }
    }

    /// The same, newest event first. AWS wants a search that reaches back to 2024 at most.
    pub fn newest_first(clients: &Clients) -> Self {
        Self { newest_first: true, ..Self::new(clients) }
    }

    /// The next page; `None` after the last one.
    ///
    /// # Errors
    /// When AWS refuses, or does not answer.
    pub async fn next(&mut self, clients: &Clients, search: &Search) -> Result<Option<Vec<Line>>, Failure> {
        if self.is_over {
            return Ok(None);
        }
        let request = clients
            .logs
            .filter_log_events()
            .log_group_name(&search.group)
            .set_log_stream_name_prefix(search.stream.clone())
            .set_filter_pattern(search.pattern.clone())
            .start_time(search.since.as_millisecond())
            .set_start_from_head(self.newest_first.then_some(false))
            .set_next_token(self.next.take());
        let reply = clients.call(filter_log_events(clients.region()), request.send()).await?;
        self.next = self.tokens.follow(reply.next_token)?;
        self.is_over = self.next.is_none();
        let lines = reply.events.unwrap_or_default().into_iter().map(|event| Line {
            at: millis(event.timestamp).unwrap_or_default(),
            stream: text(event.log_stream_name.as_deref()),
            id: text(event.event_id.as_deref()),
            message: event.message.unwrap_or_default(),
        });
        Ok(Some(lines.collect()))
    }
}

/// The names of the first groups of the account and Region, in order.
///
/// # Errors
/// When AWS refuses, or does not answer.
pub async fn group_names(clients: &Clients) -> Result<Vec<String>, Failure> {
    let api = DESCRIBE_LOG_GROUPS;
    let mut tokens = Tokens::new(api);
    let mut names = Vec::new();
    let mut token = None;
    loop {
        let request = clients.logs.describe_log_groups().limit(50).set_next_token(token);
        let reply = clients.call(api, request.send()).await?;
        names.extend(reply.log_groups().iter().filter_map(|group| group.log_group_name().map(str::to_owned)));
        token = tokens.follow(reply.next_token)?;
        if token.is_none() || names.len() >= NAMES {
            return Ok(names);
        }
    }
}
