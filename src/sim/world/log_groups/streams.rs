//! One log stream: the stays of its writers, whose lines follow from the time, and the events that clients put.
//!
//! All times here are milliseconds since 1970, as everywhere in CloudWatch Logs.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::lines;
use super::sources::Source;

/// How far ahead of now an event may be (`PutLogEvents`).
const MAX_AHEAD: SignedDuration = SignedDuration::from_hours(2);
/// How old an event may be (`PutLogEvents`).
const MAX_AGE: SignedDuration = SignedDuration::from_hours(14 * 24);

/// A log stream.
#[derive(Clone, Debug)]
pub struct LogStream {
    /// When it was made.
    pub created: Timestamp,
    writers: Vec<Writer>,
    stored: BTreeMap<(i64, u64), Stored>,
    puts: u64,
}

/// One stay of a source in a stream.
#[derive(Clone, Debug)]
pub(super) struct Writer {
    number: u64,
    source: Arc<Source>,
    since: i64,
    first: u64,
    until: Option<i64>,
}

#[derive(Clone, Debug)]
struct Stored {
    message: String,
    ingested: i64,
}

/// Which events of a batch were refused, by index, as `rejectedLogEventsInfo` has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rejected {
    /// The first event that is more than two hours ahead.
    pub too_new_from: Option<usize>,
    /// One past the last event that is older than fourteen days.
    pub too_old_until: Option<usize>,
    /// One past the last event that is older than the group's retention.
    pub expired_until: Option<usize>,
}

/// From when to when a stream has events, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Time of the first event.
    pub first: i64,
    /// Time of the last event.
    pub last: i64,
    /// When the last event arrived.
    pub last_ingested: i64,
}

/// What part of a stream a reader sees, in milliseconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    /// Events at or after this time,
    pub from: i64,
    /// before this time,
    pub to: i64,
    /// that arrived by this time.
    pub arrived_by: i64,
}

/// Events of a stream that come in order: one writer's stay, or all that clients put.
#[derive(Clone, Copy, Debug)]
pub(super) enum Lane<'a> {
    Written(&'a Writer),
    Stored(&'a LogStream),
}

impl LogStream {
    /// An empty stream.
    pub(super) fn new(created: Timestamp) -> Self {
        Self { created, writers: Vec::new(), stored: BTreeMap::new(), puts: 0 }
    }

    /// From when to when this stream has events that arrived by `arrived_by` and are not older than `floor`.
    pub fn span(&self, floor: Timestamp, arrived_by: Timestamp) -> Option<Span> {
        let window =
            Window { from: floor.as_millisecond(), to: i64::MAX, arrived_by: arrived_by.as_millisecond() };
        let mut span: Option<Span> = None;
        for lane in self.lanes() {
            let (Some((first, _)), Some((last, index))) =
                (lane.next(window, None), lane.next_back(window, None))
            else {
                continue;
            };
            let last_ingested = lane.ingested((last, index));
            let seen = span.get_or_insert(Span { first, last, last_ingested });
            seen.first = seen.first.min(first);
            seen.last = seen.last.max(last);
            seen.last_ingested = seen.last_ingested.max(last_ingested);
        }
        span
    }

    pub(super) fn lanes(&self) -> impl Iterator<Item = Lane<'_>> {
        let stored = (!self.stored.is_empty()).then_some(Lane::Stored(self));
        stored.into_iter().chain(self.writers.iter().map(Lane::Written))
    }

    pub(super) fn open_writers(&self) -> impl Iterator<Item = &str> {
        self.writers.iter().filter(|writer| writer.until.is_none()).map(|writer| writer.source.key.as_str())
    }

    pub(super) fn open(&mut self, writer: Writer) {
        self.writers.push(writer);
    }

    /// Ends the stay of `key`. A stay in which nothing was written is forgotten.
    pub(super) fn close(&mut self, now: Timestamp, key: &str) {
        let until = now.as_millisecond();
        let open = |writer: &&mut Writer| writer.until.is_none() && writer.source.key == key;
        if let Some(writer) = self.writers.iter_mut().find(open) {
            writer.until = Some(until);
        }
        self.writers.retain(|writer| writer.until.is_none_or(|until| writer.time(writer.first) <= until));
    }

    pub(super) fn put(&mut self, now: Timestamp, floor: Timestamp, events: Vec<(i64, String)>) -> Rejected {
        let mut rejected = Rejected::default();
        let (floor, ingested) = (floor.as_millisecond(), now.as_millisecond());
        let (oldest, newest) = ((now - MAX_AGE).as_millisecond(), (now + MAX_AHEAD).as_millisecond());
        for (index, (time, message)) in events.into_iter().enumerate() {
            if time > newest {
                rejected.too_new_from.get_or_insert(index);
            } else if time < oldest {
                rejected.too_old_until = Some(index + 1);
            } else if time < floor {
                rejected.expired_until = Some(index + 1);
            } else {
                self.puts += 1;
                self.stored.insert((time, self.puts), Stored { message, ingested });
            }
        }
        // What retention has expired will never be read again.
        self.stored = self.stored.split_off(&(floor, 0));
        rejected
    }
}

impl Writer {
    /// A stay that begins with the first line after `since`.
    pub(super) fn new(number: u64, source: Arc<Source>, since: Timestamp) -> Self {
        Self { number, source, since: since.as_millisecond(), first: 1, until: None }
    }

    /// Begins with line `first` instead.
    pub(super) fn skip_to(&mut self, first: u64) {
        self.first = first;
    }

    /// The first line that arrives later than `time`.
    pub(super) fn first_arrival_after(&self, time: i64) -> u64 {
        self.lines_until(time.saturating_sub(self.delay())) + 1
    }

    /// When line `index` arrives.
    pub(super) fn arrives(&self, index: u64) -> i64 {
        self.time(index).saturating_add(self.delay())
    }

    fn time(&self, index: u64) -> i64 {
        let index = i64::try_from(index).unwrap_or(i64::MAX);
        self.since.saturating_add(index.saturating_mul(self.every()))
    }

    /// How many lines there would be at or before `time`, had nothing come between.
    fn lines_until(&self, time: i64) -> u64 {
        u64::try_from(time.saturating_sub(self.since).div_euclid(self.every())).unwrap_or(0)
    }

    fn every(&self) -> i64 {
        // A source that writes all the time would never end.
        millis(self.source.every).max(1)
    }

    fn delay(&self) -> i64 {
        millis(self.source.delay).max(0)
    }

    /// The lines in a window, by index.
    fn lines(&self, window: Window) -> Range<u64> {
        let last_time = (window.to.saturating_sub(1))
            .min(window.arrived_by.saturating_sub(self.delay()))
            .min(self.until.unwrap_or(i64::MAX));
        let start = (self.lines_until(window.from.saturating_sub(1)) + 1).max(self.first);
        start..(self.lines_until(last_time) + 1).max(start)
    }
}

impl<'a> Lane<'a> {
    /// Tells the lanes of one stream apart, for good.
    pub(super) fn number(self) -> u64 {
        match self {
            Self::Stored(_) => 0,
            Self::Written(writer) => writer.number,
        }
    }

    /// The first event in `window` after `after`, as time and index.
    pub(super) fn next(self, window: Window, after: Option<(i64, u64)>) -> Option<(i64, u64)> {
        match self {
            Self::Stored(stream) => {
                let from = after.map_or((window.from, 0), |(time, index)| (time, index + 1));
                let mut rest = stream.stored.range(from..).take_while(|(key, _)| key.0 < window.to);
                rest.find(|(_, event)| event.ingested <= window.arrived_by).map(|(key, _)| *key)
            }
            Self::Written(writer) => {
                let lines = writer.lines(window);
                let index = after.map_or(lines.start, |(_, index)| index + 1);
                lines.contains(&index).then(|| (writer.time(index), index))
            }
        }
    }

    /// The last event in `window` before `before`, as time and index.
    pub(super) fn next_back(self, window: Window, before: Option<(i64, u64)>) -> Option<(i64, u64)> {
        match self {
            Self::Stored(stream) => {
                let to = before.unwrap_or((window.to, 0));
                let mut rest = stream.stored.range(..to).rev().take_while(|(key, _)| key.0 >= window.from);
                rest.find(|(_, event)| event.ingested <= window.arrived_by).map(|(key, _)| *key)
            }
            Self::Written(writer) => {
                let lines = writer.lines(window);
                let index = before.map_or(lines.end, |(_, index)| index).checked_sub(1)?;
                lines.contains(&index).then(|| (writer.time(index), index))
            }
        }
    }

    /// When an event arrived.
    pub(super) fn ingested(self, (time, index): (i64, u64)) -> i64 {
        match self {
            Self::Stored(stream) => stream.stored.get(&(time, index)).map_or(time, |event| event.ingested),
            Self::Written(writer) => writer.arrives(index),
        }
    }

    /// What an event says.
    pub(super) fn message(self, (time, index): (i64, u64)) -> String {
        match self {
            Self::Stored(stream) => {
                stream.stored.get(&(time, index)).map_or_else(String::new, |event| event.message.clone())
            }
            Self::Written(writer) => lines::text(&writer.source, time, index),
        }
    }
}

fn millis(duration: SignedDuration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
