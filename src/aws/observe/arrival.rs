//! Whether telemetry arrives in a log group.
//!
//! A stream's own last-event time may lag by an hour, so the events themselves are asked for.

use jiff::Timestamp;

use super::absent_if_not_found;
use crate::aws::apis::filter_log_events;
use crate::aws::connect::Clients;
use crate::aws::paging::Tokens;
use crate::aws::values::millis;
use crate::model::failure::Failure;

/// 2024-01-01 in Unix milliseconds: AWS gives the newest events first only from there on.
const NEWEST_FIRST_SINCE: i64 = 1_704_067_200_000;

/// When the newest event happened in those streams of `group` whose names begin with `stream`, looking back to
/// `since`. `None`: there is none, or no such group.
pub(super) async fn newest(
    clients: &Clients,
    group: &str,
    stream: &str,
    since: Timestamp,
) -> Result<Option<Timestamp>, Failure> {
    let api = filter_log_events(clients.region());
    let start = since.as_millisecond().max(NEWEST_FIRST_SINCE);
    let mut tokens = Tokens::new(api);
    let mut token = None;
    loop {
        let request = clients.logs.filter_log_events().log_group_name(group).log_stream_name_prefix(stream);
        let request = request.start_time(start).start_from_head(false).limit(1).set_next_token(token);
        let Some(reply) = absent_if_not_found(clients.call(api, request.send()).await)? else {
            return Ok(None);
        };
        if let Some(newest) = reply.events().iter().filter_map(|event| millis(event.timestamp())).max() {
            return Ok(Some(newest));
        }
        // AWS searches a while and may come back with nothing but a token to go on with.
        token = tokens.follow(reply.next_token)?;
        if token.is_none() {
            return Ok(None);
        }
    }
}
