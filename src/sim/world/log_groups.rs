//! CloudWatch Logs: groups with their retention, streams, and who writes into them.
//!
//! Nobody stores ten thousand nodes' log lines: a stream remembers its [`Source`]s with the times between
//! which they wrote, and lines are made when somebody reads. Events that a client put are kept as they are.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

/// All log groups of a Region.
#[derive(Clone, Debug, Default)]
pub struct LogGroups {
    /// By name.
    pub groups: BTreeMap<String, LogGroup>,
    /// An account-level retention policy: its name and days (`None` = never expire). It hides each group's own value.
    pub account_policy: Option<(String, Option<i32>)>,
    /// By key.
    pub sources: BTreeMap<String, Source>,
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
}

/// Something that writes into one stream at a steady rate.
#[derive(Clone, Debug, PartialEq)]
pub struct Source {
    /// Names the writer, such as `agent/i-0…/application.log` or `flow-log/fl-0…/eni-0…`. Attaching it again replaces it.
    pub key: String,
    /// The log group.
    pub group: String,
    /// The log stream.
    pub stream: String,
    /// How often a line is written.
    pub every: SignedDuration,
    /// How much later it arrives.
    pub delay: SignedDuration,
    /// What it writes.
    pub line: Line,
    /// Whether it makes a deleted group again at its next write.
    pub recreates: bool,
}

/// What a source writes.
#[derive(Clone, Debug, PartialEq)]
pub enum Line {
    /// The ExampleCorp application's own log, as JSON.
    Application,
    /// A web server's access log.
    WebAccess,
    /// A web server's error log.
    WebError,
    /// The operating system's log.
    System,
    /// A Windows event.
    WindowsEvent,
    /// A flow-log record in this format (`${version} ${account-id} …`), for this interface of this account.
    FlowRecord {
        /// The format, field by field.
        format: String,
        /// Such as `eni-0…`.
        interface: String,
        /// Twelve digits.
        account: String,
    },
}

impl LogGroups {
    /// A writer starts.
    pub fn attach(&mut self, now: Timestamp, source: Source) {
        self.create(now, &source.group);
        self.sources.insert(source.key.clone(), source);
    }

    /// A writer stops.
    pub fn detach(&mut self, _now: Timestamp, key: &str) {
        self.sources.remove(key);
    }

    /// Whether a group is there.
    pub fn exists(&self, group: &str) -> bool {
        self.groups.contains_key(group)
    }

    /// Makes a group, if it is missing.
    pub fn create(&mut self, now: Timestamp, group: &str) {
        self.groups.entry(group.to_owned()).or_insert_with(|| LogGroup {
            created: now,
            retention_days: None,
            class: "STANDARD".to_owned(),
            kms_key: None,
            tags: BTreeMap::new(),
        });
    }

    /// Sets a group's retention.
    pub fn put_retention(&mut self, _now: Timestamp, group: &str, days: Option<i32>) {
        if let Some(group) = self.groups.get_mut(group) {
            group.retention_days = days;
        }
    }
}
