//! Writes events into a stream of a log group: the one stream of ours that outlives every task.
//!
//! It knows what `logs:PutLogEvents` takes and says what became of a batch. What to write, and what to do when that
//! fails, is decided in `journal`.

use aws_sdk_cloudwatchlogs::types::{InputLogEvent, RejectedLogEventsInfo};
use jiff::{SignedDuration, Timestamp};

use super::apis::{CREATE_LOG_GROUP, CREATE_LOG_STREAM, PUT_LOG_EVENTS};
use super::connect::Clients;
use super::error::nonsense;
use crate::model::failure::{Class, Failure};
use crate::model::tags;

/// The largest batch, in bytes, [`OVERHEAD`] counted for each event (API reference of `PutLogEvents`).
pub const BATCH_BYTES: usize = 1_048_576;
/// What each event counts beside its text.
pub const OVERHEAD: usize = 26;
/// The most events in a batch.
pub const BATCH_EVENTS: usize = 10_000;
/// The longest time between the first and the last event of a batch.
pub const BATCH_SPAN: SignedDuration = SignedDuration::from_hours(24);
/// The largest event that every Region takes, in bytes of text.
pub const EVENT_BYTES: usize = 256 * 1024 - OVERHEAD;
/// Older events are refused. AWS says 14 days; an hour less, since the call takes time and clocks differ.
pub const OLDEST: SignedDuration = SignedDuration::from_hours(14 * 24 - 1);

/// One event to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// When it happened.
    pub at: Timestamp,
    /// What it says; never empty.
    pub text: String,
}

/// Writes one batch: sorted by time and within the limits above. How many of its events AWS refused.
///
/// # Errors
/// When AWS refuses the batch, or does not answer: then it may have arrived all the same.
pub async fn put(clients: &Clients, group: &str, stream: &str, batch: &[Entry]) -> Result<usize, Failure> {
    let mut events = Vec::with_capacity(batch.len());
    for Entry { at, text } in batch {
        let event = InputLogEvent::builder().timestamp(at.as_millisecond()).message(text).build();
        events.push(event.map_err(|why| nonsense(PUT_LOG_EVENTS.call, &why.to_string()))?);
    }
    let request = clients
        .logs
        .put_log_events()
        .log_group_name(group)
        .log_stream_name(stream)
        .set_log_events(Some(events));
    match clients.call(PUT_LOG_EVENTS, request.send()).await {
        Ok(reply) => Ok(reply.rejected_log_events_info().map_or(0, |info| refused(info, batch.len()))),
        // An earlier attempt arrived.
        Err(why) if why.class == Class::Exists => Ok(0),
        Err(why) => Err(why),
    }
}

/// How many of `all` events are outside the part that was taken. The ends are exclusive.
fn refused(info: &RejectedLogEventsInfo, all: usize) -> usize {
    let index = |index: Option<i32>| index.and_then(|index| usize::try_from(index).ok());
    let old = index(info.too_old_log_event_end_index()).max(index(info.expired_log_event_end_index()));
    let new = index(info.too_new_log_event_start_index()).map_or(0, |from| all.saturating_sub(from));
    (old.unwrap_or(0) + new).min(all)
}

/// Makes a stream. One that is there already is as good.
///
/// # Errors
/// When AWS refuses, such as for want of the group, or does not answer.
pub async fn create_stream(clients: &Clients, group: &str, stream: &str) -> Result<(), Failure> {
    let request = clients.logs.create_log_stream().log_group_name(group).log_stream_name(stream);
    there(clients.call(CREATE_LOG_STREAM, request.send()).await.map(drop))
}

/// Makes a log group that carries the installation's name as a tag. One that is there already is as good.
///
/// # Errors
/// When AWS refuses, or does not answer.
pub async fn create_group(clients: &Clients, group: &str, installation: &str) -> Result<(), Failure> {
    let request =
        clients.logs.create_log_group().log_group_name(group).tags(tags::INSTALLATION, installation);
    there(clients.call(CREATE_LOG_GROUP, request.send()).await.map(drop))
}

fn there(made: Result<(), Failure>) -> Result<(), Failure> {
    match made {
        Err(why) if why.class == Class::Exists => Ok(()),
        made => made,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refused_events_are_counted_at_both_ends() {
        let info = |old, expired, new| {
            let info = RejectedLogEventsInfo::builder();
            info.set_too_old_log_event_end_index(old)
                .set_expired_log_event_end_index(expired)
                .set_too_new_log_event_start_index(new)
                .build()
        };
        assert_eq!(refused(&info(None, None, None), 10), 0);
        assert_eq!(refused(&info(Some(2), Some(3), Some(9)), 10), 4);
        assert_eq!(refused(&info(None, None, Some(0)), 10), 10);
        assert_eq!(refused(&info(Some(-1), Some(99), Some(99)), 10), 10);
    }
}
