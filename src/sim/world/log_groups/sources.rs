//! Who writes: attaching and detaching sources, and bringing back streams and groups that were deleted under them.
//!
//! A source that is attached waits for its next write. When that arrives, it opens its stream (and its group,
//! if it may) and from then on costs nothing: its lines follow from the time. Only a deletion makes it wait again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::streams::{LogStream, Writer};
use super::{LogGroup, LogGroups};

/// Something that writes into one stream at a steady rate.
#[derive(Clone, Debug, PartialEq)]
pub struct Source {
    /// Names the writer, such as `agent/i-0…/application.log` or `flow-log/fl-0…/eni-0…`. Attaching it again replaces it.
    pub key: String,
    /// The log group.
    pub group: String,
    /// The log stream.
    pub stream: String,
    /// How often a line is written. The first one is written this long after the source was attached.
    pub every: SignedDuration,
    /// How much later it arrives.
    pub delay: SignedDuration,
    /// What it writes.
    pub line: Line,
    /// Whether it may make its group where there is none. Without, it writes nothing until somebody else does.
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

/// Every source of a Region that is attached now.
#[derive(Clone, Debug, Default)]
pub(super) struct Sources {
    /// By key.
    attached: BTreeMap<String, Attached>,
    /// Those without an open stream, by when their next write arrives, in milliseconds.
    waiting: BTreeSet<(i64, String)>,
    /// Those whose group is missing and who may not make it, by group.
    stranded: BTreeMap<String, BTreeSet<String>>,
    /// How many stays in a stream there have been, so that each has a number of its own.
    stays: u64,
}

#[derive(Clone, Debug)]
struct Attached {
    source: Arc<Source>,
    since: Timestamp,
    /// When it stands in `waiting`, if it does.
    due: Option<i64>,
}

impl LogGroups {
    /// The keys of all sources that are attached.
    pub fn writers(&self) -> impl Iterator<Item = &str> {
        self.sources.attached.keys().map(String::as_str)
    }

    /// Lets `source` write from now on, in place of any earlier source with its key.
    ///
    /// Lines are written at `now + k × every` for k = 1, 2, … and arrive `delay` later. Attaching an equal
    /// source again changes nothing.
    pub fn attach(&mut self, now: Timestamp, source: Source) {
        if self.sources.attached.get(&source.key).is_some_and(|attached| *attached.source == source) {
            return;
        }
        self.detach(now, &source.key);
        let key = source.key.clone();
        self.sources
            .attached
            .insert(key.clone(), Attached { source: Arc::new(source), since: now, due: None });
        self.wait_for_next_write(now, &key);
    }

    /// Ends a source's writing. What it wrote until now still arrives.
    pub fn detach(&mut self, now: Timestamp, key: &str) {
        let Some(Attached { source, due, .. }) = self.sources.attached.remove(key) else { return };
        if let Some(due) = due {
            self.sources.waiting.remove(&(due, key.to_owned()));
        }
        if let Some(stranded) = self.sources.stranded.get_mut(&source.group) {
            stranded.remove(key);
        }
        let stream =
            self.groups.get_mut(&source.group).and_then(|group| group.streams.get_mut(&source.stream));
        if let Some(stream) = stream {
            stream.close(now, key);
        }
    }

    /// Lets every write that has arrived by `now` open its stream. The world does so whenever it is looked at.
    pub fn settle(&mut self, now: Timestamp) {
        while let Some((due, _)) = self.sources.waiting.first()
            && *due <= now.as_millisecond()
            && let Some((due, key)) = self.sources.waiting.pop_first()
        {
            self.open(due, &key);
        }
    }

    /// Makes the open writers of a stream that was just deleted wait for their next write.
    pub(super) fn orphan(&mut self, now: Timestamp, stream: &LogStream) {
        for key in stream.open_writers() {
            self.wait_for_next_write(now, key);
        }
    }

    /// Lets the sources that had no group try again, now that it is there.
    pub(super) fn wake_stranded(&mut self, now: Timestamp, group: &str) {
        for key in self.sources.stranded.remove(group).unwrap_or_default() {
            self.wait_for_next_write(now, &key);
        }
    }

    fn wait_for_next_write(&mut self, now: Timestamp, key: &str) {
        let Some(attached) = self.sources.attached.get_mut(key) else { return };
        let writer = Writer::new(0, attached.source.clone(), attached.since);
        let due = writer.arrives(writer.first_arrival_after(now.as_millisecond()));
        attached.due = Some(due);
        self.sources.waiting.insert((due, key.to_owned()));
    }

    /// The write of `key` that arrives at `due` opens its stream.
    fn open(&mut self, due: i64, key: &str) {
        let Some(attached) = self.sources.attached.get_mut(key) else { return };
        attached.due = None;
        let (source, since) = (attached.source.clone(), attached.since);
        // Both ends come from a timestamp plus a short delay, so this is in range.
        let at = Timestamp::from_millisecond(due).unwrap_or(since);
        if !self.exists(&source.group) {
            if !source.recreates {
                let stranded = self.sources.stranded.entry(source.group.clone()).or_default();
                stranded.insert(key.to_owned());
                return;
            }
            self.groups.insert(source.group.clone(), LogGroup::new(at));
            self.wake_stranded(at, &source.group);
        }
        let Some(group) = self.groups.get_mut(&source.group) else { return };
        self.sources.stays += 1;
        let mut writer = Writer::new(self.sources.stays, source.clone(), since);
        writer.skip_to(writer.first_arrival_after(due - 1));
        let stream = group.streams.entry(source.stream.clone()).or_insert_with(|| LogStream::new(at));
        stream.open(writer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minute(minute: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minute)
    }

    fn source(key: &str, recreates: bool) -> Source {
        Source {
            key: key.to_owned(),
            group: "group".to_owned(),
            stream: key.to_owned(),
            every: SignedDuration::from_mins(7),
            delay: SignedDuration::from_mins(2),
            line: Line::System,
            recreates,
        }
    }

    /// An hour with a deletion and a detachment in it, looked at every `step` minutes.
    fn an_hour(step: usize) -> Vec<(String, i64)> {
        let mut groups = LogGroups::default();
        for now in
            (0..=60).filter(|now| now % i64::try_from(step).unwrap_or(1) == 0 || [0, 20, 40].contains(now))
        {
            groups.settle(minute(now));
            match now {
                0 => {
                    groups.attach(minute(0), source("b", true));
                    groups.attach(minute(0), source("a", false));
                }
                20 => groups.delete(minute(20), "group").expect("the group was there"),
                40 => groups.detach(minute(40), "a"),
                _ => {}
            }
        }
        let group = groups.group("group").expect("the group came back");
        group.streams.iter().map(|(name, stream)| (name.clone(), stream.created.as_second() / 60)).collect()
    }

    #[test]
    fn a_world_left_alone_ends_like_one_that_is_watched() {
        // Gone at 20. Both write next in minute 21, which arrives at 23: `a` tries first and may not make the group,
        // `b` may; so `a` follows at its own next write.
        let expected = vec![("a".to_owned(), 30), ("b".to_owned(), 23)];
        for step in [1, 3, 10, 60] {
            assert_eq!(an_hour(step), expected, "looked at every {step} minutes");
        }
    }
}
