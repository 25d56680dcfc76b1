//! CloudWatch Logs: groups with their retention, streams, and who writes into them.
//!
//! Nobody stores ten thousand nodes' log lines: a stream remembers its [`Source`]s with the times between
//! which they wrote, and lines are made when somebody reads. Events that a client put are kept as they are.
//!
//! - [`sources`] attaches and detaches writers, and brings back what they write into after it was deleted.
//! - [`streams`] holds one stream: its writers and its stored events.
//! - [`read`] merges streams into events in order of time.
//! - [`lines`] and [`flow_record`] are what the lines say.
//! - [`pattern`] is the filter language, [`query`] that of Logs Insights.
//!
//! Nothing here knows the wire: paging tokens, member names and input limits are in `wire::logs`.

mod flow_record;
mod lines;
pub mod pattern;
pub mod query;
pub mod read;
mod sources;
mod streams;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::sim::wire::AwsError;
pub use sources::{Line, Source};
pub use streams::{LogStream, Rejected, Span};

/// The class that groups have unless their maker says otherwise.
pub const STANDARD: &str = "STANDARD";

/// How many days a group of class `DELIVERY` keeps events, whatever its retention.
const DELIVERY_DAYS: i32 = 1;

/// All log groups of a Region.
#[derive(Clone, Debug, Default)]
pub struct LogGroups {
    /// By name.
    pub groups: BTreeMap<String, LogGroup>,
    /// An account-level retention policy: its name and days (`None` = never expire). It hides each group's own value.
    pub account_policy: Option<(String, Option<i32>)>,
    sources: sources::Sources,
    /// Queries, by id.
    queries: BTreeMap<String, query::Query>,
}

/// One log group.
#[derive(Clone, Debug)]
pub struct LogGroup {
    /// When it was made.
    pub created: Timestamp,
    /// The group's own retention, in days; `None` = never expire.
    pub retention_days: Option<i32>,
    /// `STANDARD`, `INFREQUENT_ACCESS` or `DELIVERY`.
    pub class: String,
    /// The key it is encrypted with.
    pub kms_key: Option<String>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// Whether `DeleteLogGroup` is refused.
    pub protected: bool,
    /// Log streams, by name.
    pub streams: BTreeMap<String, LogStream>,
    /// Everything older than this was destroyed by a retention that has since changed.
    lost_before: Timestamp,
}

impl LogGroup {
    /// A group of class [`STANDARD`] that never expires, with no tags and no key.
    pub fn new(created: Timestamp) -> Self {
        Self {
            created,
            retention_days: None,
            class: STANDARD.to_owned(),
            kms_key: None,
            tags: BTreeMap::new(),
            protected: false,
            streams: BTreeMap::new(),
            lost_before: Timestamp::MIN,
        }
    }

    /// A stream of this group.
    ///
    /// # Errors
    /// `ResourceNotFoundException`.
    pub fn stream(&self, name: &str) -> Result<&LogStream, AwsError> {
        self.streams.get(name).ok_or_else(no_such_stream)
    }
}

impl LogGroups {
    /// Whether a group exists.
    pub fn exists(&self, group: &str) -> bool {
        self.groups.contains_key(group)
    }

    /// A group.
    ///
    /// # Errors
    /// `ResourceNotFoundException`.
    pub fn group(&self, name: &str) -> Result<&LogGroup, AwsError> {
        self.groups.get(name).ok_or_else(no_such_group)
    }

    /// A group, to change it.
    ///
    /// # Errors
    /// `ResourceNotFoundException`.
    pub fn group_mut(&mut self, name: &str) -> Result<&mut LogGroup, AwsError> {
        self.groups.get_mut(name).ok_or_else(no_such_group)
    }

    /// Makes a plain group where there is none, as agents and delivery roles do.
    pub fn create(&mut self, now: Timestamp, group: &str) {
        if !self.exists(group) {
            self.put_group(now, group, LogGroup::new(now));
        }
    }

    /// Makes `group` under `name`.
    ///
    /// # Errors
    /// `ResourceAlreadyExistsException`; what `group` says is not applied then.
    pub fn create_group(&mut self, now: Timestamp, name: &str, group: LogGroup) -> Result<(), AwsError> {
        if self.exists(name) {
            let message = "The specified log group already exists";
            return Err(AwsError::new("ResourceAlreadyExistsException", message));
        }
        self.put_group(now, name, group);
        Ok(())
    }

    /// Deletes a group with all its streams and events. Writers that may make groups bring it back, empty.
    ///
    /// # Errors
    /// `ResourceNotFoundException`; `ValidationException` when it is protected from deletion.
    pub fn delete(&mut self, now: Timestamp, name: &str) -> Result<(), AwsError> {
        if self.group(name)?.protected {
            let message = format!("Log group {name} has deletion protection enabled. Disable it first.");
            return Err(AwsError::new("ValidationException", message));
        }
        if let Some(group) = self.groups.remove(name) {
            for stream in group.streams.values() {
                self.orphan(now, stream);
            }
        }
        Ok(())
    }

    /// Makes an empty stream.
    ///
    /// # Errors
    /// `ResourceNotFoundException` for the group, `ResourceAlreadyExistsException` for the stream.
    pub fn create_stream(&mut self, now: Timestamp, group: &str, stream: &str) -> Result<(), AwsError> {
        let streams = &mut self.group_mut(group)?.streams;
        if streams.contains_key(stream) {
            let message = "The specified log stream already exists";
            return Err(AwsError::new("ResourceAlreadyExistsException", message));
        }
        streams.insert(stream.to_owned(), LogStream::new(now));
        Ok(())
    }

    /// Deletes a stream with its events. Its writers make it again, empty.
    ///
    /// # Errors
    /// `ResourceNotFoundException` for the group or the stream.
    pub fn delete_stream(&mut self, now: Timestamp, group: &str, stream: &str) -> Result<(), AwsError> {
        let gone = self.group_mut(group)?.streams.remove(stream).ok_or_else(no_such_stream)?;
        self.orphan(now, &gone);
        Ok(())
    }

    /// Sets a group's own retention (`None` = never expire). A missing group stays missing.
    ///
    /// What the old retention had expired stays gone; what the new one expires goes at once (AWS takes up to
    /// 72 hours, so a client must not count on either).
    pub fn put_retention(&mut self, now: Timestamp, group: &str, days: Option<i32>) {
        let floor = self.floor(now, group);
        if let Some(group) = self.groups.get_mut(group) {
            group.lost_before = floor;
            group.retention_days = days;
        }
    }

    /// The time before which a group holds nothing any more.
    pub fn floor(&self, now: Timestamp, group: &str) -> Timestamp {
        let Some(group) = self.groups.get(group) else { return now };
        let kept = match (&self.account_policy, group.class.as_str()) {
            (_, "DELIVERY") => Some(DELIVERY_DAYS),
            (Some((_, days)), _) => *days,
            (None, _) => group.retention_days,
        };
        let expired =
            kept.map_or(Timestamp::MIN, |days| now - SignedDuration::from_hours(24 * i64::from(days)));
        expired.max(group.lost_before)
    }

    /// Keeps a batch of events, each a time in milliseconds and a message, and says which ones were refused.
    ///
    /// # Errors
    /// `ResourceNotFoundException` for the group or the stream.
    pub fn put_events(
        &mut self,
        now: Timestamp,
        group: &str,
        stream: &str,
        events: Vec<(i64, String)>,
    ) -> Result<Rejected, AwsError> {
        let floor = self.floor(now, group);
        let stream = self.group_mut(group)?.streams.get_mut(stream).ok_or_else(no_such_stream)?;
        Ok(stream.put(now, floor, events))
    }

    fn put_group(&mut self, now: Timestamp, name: &str, group: LogGroup) {
        self.groups.insert(name.to_owned(), group);
        self.wake_stranded(now, name);
    }
}

fn no_such_group() -> AwsError {
    AwsError::new("ResourceNotFoundException", "The specified log group does not exist.")
}

fn no_such_stream() -> AwsError {
    AwsError::new("ResourceNotFoundException", "The specified log stream does not exist.")
}
