//! Reading: the events of some streams of a group, merged in order of time, oldest or newest first.
//!
//! Lazy all the way: a stream costs one look at its ends, and a line is made only when it is asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash, Hasher};

use super::streams::{Lane, Window};
use super::{LogGroup, LogStream};

/// Which streams of a group to read.
#[derive(Clone, Debug, PartialEq)]
pub enum Which {
    /// All of them.
    All,
    /// Those with these names; unknown ones have no events.
    Named(Vec<String>),
    /// Those whose names begin so.
    Prefixed(String),
}

/// Where an event stands among all events of a group. The order of reading.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The event's time in milliseconds.
    pub time: i64,
    /// Its stream.
    pub stream: String,
    /// Which of the stream's writers made it.
    pub writer: u64,
    /// Which of the writer's events it is.
    pub index: u64,
}

/// What to read.
#[derive(Clone, Debug)]
pub struct Reading {
    /// Which streams.
    pub which: Which,
    /// Events at or after this time in milliseconds,
    pub from: i64,
    /// and before this one,
    pub to: i64,
    /// that arrived by this one.
    pub arrived_by: i64,
    /// Begin after this event, in the order of reading.
    pub after: Option<Position>,
    /// Newest first.
    pub backwards: bool,
}

/// One event. Its text is made by [`Event::message`].
#[derive(Clone, Copy, Debug)]
pub struct Event<'a> {
    /// Its stream.
    pub stream: &'a str,
    /// Its time in milliseconds.
    pub time: i64,
    lane: Lane<'a>,
    index: u64,
}

impl Event<'_> {
    /// What it says.
    pub fn message(&self) -> String {
        self.lane.message((self.time, self.index))
    }

    /// When it arrived, in milliseconds.
    pub fn ingested(&self) -> i64 {
        self.lane.ingested((self.time, self.index))
    }

    /// Where it stands.
    pub fn position(&self) -> Position {
        Position {
            time: self.time,
            stream: self.stream.to_owned(),
            writer: self.lane.number(),
            index: self.index,
        }
    }

    /// Its id: 56 digits, as AWS's are, that begin with its time and never change.
    pub fn id(&self) -> String {
        let mut hasher = Fnv::default();
        (self.stream, self.lane.number(), self.index).hash(&mut hasher);
        format!("{:018}{:038}", self.time, hasher.finish())
    }
}

/// Events in the order of reading.
#[derive(Debug)]
pub struct Merge<'a> {
    window: Window,
    backwards: bool,
    lanes: Vec<(&'a str, Lane<'a>)>,
    // The next event of each lane: time, stream, writer, index, and which lane it is.
    heads: BTreeSet<(i64, &'a str, u64, u64, usize)>,
}

impl LogGroup {
    /// Reads events. Retention is the caller's: see [`super::LogGroups::floor`].
    pub fn read(&self, reading: &Reading) -> Merge<'_> {
        let mut window = Window { from: reading.from, to: reading.to, arrived_by: reading.arrived_by };
        if let Some(after) = &reading.after {
            if reading.backwards {
                window.to = window.to.min(after.time.saturating_add(1));
            } else {
                window.from = window.from.max(after.time);
            }
        }
        let mut merge =
            Merge { window, backwards: reading.backwards, lanes: Vec::new(), heads: BTreeSet::new() };
        for (name, stream) in select(&self.streams, &reading.which) {
            for lane in stream.lanes() {
                merge.lanes.push((name, lane));
                merge.refill(merge.lanes.len() - 1, None);
            }
        }
        if let Some(after) = &reading.after {
            merge.skip_past(after);
        }
        merge
    }
}

fn select<'a>(streams: &'a BTreeMap<String, LogStream>, which: &Which) -> Vec<(&'a str, &'a LogStream)> {
    let borrow = |(name, stream): (&'a String, &'a LogStream)| (name.as_str(), stream);
    match which {
        Which::All => streams.iter().map(borrow).collect(),
        Which::Named(names) => {
            let names: BTreeSet<&String> = names.iter().collect();
            names.into_iter().filter_map(|name| streams.get_key_value(name)).map(borrow).collect()
        }
        Which::Prefixed(prefix) => streams
            .range::<String, _>(prefix..)
            .take_while(|(name, _)| name.starts_with(prefix.as_str()))
            .map(borrow)
            .collect(),
    }
}

impl Merge<'_> {
    fn refill(&mut self, which: usize, last: Option<(i64, u64)>) {
        let Some((stream, lane)) = self.lanes.get(which).copied() else { return };
        let next =
            if self.backwards { lane.next_back(self.window, last) } else { lane.next(self.window, last) };
        if let Some((time, index)) = next {
            self.heads.insert((time, stream, lane.number(), index, which));
        }
    }

    /// Drops events up to and including `position`; the window leaves only those of its own millisecond.
    fn skip_past(&mut self, position: &Position) {
        let mark = (position.time, position.stream.as_str(), position.writer, position.index);
        loop {
            let head = if self.backwards { self.heads.last() } else { self.heads.first() };
            let Some(&(time, stream, writer, index, _)) = head else { return };
            let head = (time, stream, writer, index);
            let passed = if self.backwards { head < mark } else { head > mark };
            if passed {
                return;
            }
            self.next();
        }
    }
}

impl<'a> Iterator for Merge<'a> {
    type Item = Event<'a>;

    fn next(&mut self) -> Option<Event<'a>> {
        let head = if self.backwards { self.heads.pop_last() } else { self.heads.pop_first() };
        let (time, stream, _, index, which) = head?;
        let (_, lane) = *self.lanes.get(which)?;
        self.refill(which, Some((time, index)));
        Some(Event { stream, time, lane, index })
    }
}

/// FNV-1a: a hash that is the same in every build, which the standard library's does not promise.
pub(in crate::sim::world) struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Hasher for Fnv {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
