//! The way from the journal to one sink: a queue on disk, and a task of its own that delivers from it.
//!
//! A sink that fails stops neither the loop nor the others. Its events wait in order, are tried again ever more slowly,
//! and are dropped only when the buffer is full or the sink refuses one of them for itself; then they are counted, and
//! that is said. Everything is delivered at least once: after a lost reply, or a kill, some come twice.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::buffer::{Buffer, Record};
use crate::backoff::Delay;
use crate::clock::Clock;
use crate::model::event::Event;

/// The first wait after a failure; it doubles.
const FIRST_DELAY: Duration = Duration::from_secs(1);
/// How long the waits may become.
const LONGEST_DELAY: Duration = Duration::from_secs(120);
/// The longest wait that a sink may ask for.
const LONGEST_WISH: Duration = Duration::from_secs(3600);
/// From so many refusals in a row on it is likely not the events' fault: each further one is waited for.
const REFUSALS: u32 = 3;

/// Where one sink stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SinkState {
    /// The sink's name, such as `group` or `slack`.
    pub name: String,
    /// How many events wait.
    pub queued: u64,
    /// How many bytes they take.
    pub queued_bytes: u64,
    /// How many were delivered since the start.
    pub delivered: u64,
    /// How many were given up since the start: no room, damaged on disk, or refused.
    pub dropped: u64,
    /// Since when nothing could be delivered; none: the last try went well.
    pub failing_since: Option<Timestamp>,
    /// Why the last try that failed did.
    pub last_error: Option<String>,
}

/// How much a sink takes in one go.
#[derive(Clone, Copy, Debug)]
pub(super) struct Most {
    pub records: usize,
    pub bytes: usize,
}

/// What became of a batch.
#[derive(Debug, Default)]
pub(super) struct Delivery {
    /// The last record that need not be delivered any more.
    pub through: Option<u64>,
    /// How many of those were delivered.
    pub delivered: u64,
    /// How many of those were given up, and why.
    pub refused: Option<(u64, String)>,
    /// Why the rest could not be delivered.
    pub trouble: Option<Trouble>,
}

/// Why nothing more could be delivered.
#[derive(Debug)]
pub(super) struct Trouble {
    /// For a person. It must hold no secret.
    pub why: String,
    /// How long the sink wants to be left alone.
    pub wait: Option<Duration>,
}

impl Trouble {
    pub(super) fn new(why: impl Into<String>) -> Self {
        Self { why: why.into(), wait: None }
    }
}

impl Delivery {
    /// Everything up to `record` went well.
    pub(super) fn whole(batch: &[Record]) -> Self {
        let through = batch.iter().map(|record| record.number).max();
        let delivered = batch.iter().filter(|record| record.number > 0).count() as u64;
        Self { through, delivered, ..Self::default() }
    }

    /// Nothing went.
    pub(super) fn failed(trouble: Trouble) -> Self {
        Self { trouble: Some(trouble), ..Self::default() }
    }
}

/// Delivers to one place outside.
pub(super) trait Sink: Send + 'static {
    /// How much it takes in one go.
    fn most(&self) -> Most;

    /// Whether a line may stand among the events that says how many are missing.
    fn tells_gaps(&self) -> bool;

    /// Delivers a batch, in order, as far as it goes. Must end by itself in bounded time.
    fn deliver(&mut self, batch: &[Record]) -> impl Future<Output = Delivery> + Send;
}

/// Which events a sink is given.
pub(super) type Wants = Box<dyn FnMut(&Event) -> bool + Send>;

/// The undelivered events of one sink, shared by the journal and the sink's task.
pub(super) struct Queue {
    name: String,
    inside: Mutex<Inside>,
    news: Notify,
}

struct Inside {
    buffer: Buffer,
    wants: Wants,
    delivered: u64,
    refused: u64,
    /// How many were dropped when that was last said.
    said: u64,
    failing_since: Option<Timestamp>,
    last_error: Option<String>,
}

impl std::fmt::Debug for Queue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Queue").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Queue {
    pub(super) fn new(name: &str, buffer: Buffer, wants: Wants) -> Self {
        let inside = Inside {
            buffer,
            wants,
            delivered: 0,
            refused: 0,
            said: 0,
            failing_since: None,
            last_error: None,
        };
        Self { name: name.to_owned(), inside: Mutex::new(inside), news: Notify::new() }
    }

    /// Queues an event, whose JSON is `text`, if the sink wants it.
    pub(super) fn push(&self, event: &Event, text: &Arc<str>) {
        let mut inside = self.inside();
        if (inside.wants)(event) {
            inside.buffer.push(text);
            drop(inside);
            self.news.notify_one();
        }
    }

    pub(super) fn state(&self) -> SinkState {
        let inside = self.inside();
        SinkState {
            name: self.name.clone(),
            queued: inside.buffer.queued(),
            queued_bytes: inside.buffer.queued_bytes(),
            delivered: inside.delivered,
            dropped: inside.dropped(),
            failing_since: inside.failing_since,
            last_error: inside.last_error.clone(),
        }
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next records; first, where the sink takes that, how many are missing before them.
    fn next(&self, most: Most, tells_gaps: bool, now: Timestamp) -> Vec<Record> {
        let mut inside = self.inside();
        let mut batch = inside.buffer.peek(most.records, most.bytes);
        let missing = inside.dropped() - inside.said;
        if missing > 0 && tells_gaps && !batch.is_empty() {
            let gap = Gap { dropped: Dropped { time: now, sink: self.name.clone(), events: missing } };
            // It has only numbers and our own words.
            let text = serde_json::to_string(&gap).unwrap_or_default();
            batch.insert(0, Record { number: 0, text: text.into() });
        }
        batch
    }

    /// Takes note of what became of a batch. Why it failed, if it did.
    fn take(&self, delivery: Delivery, now: Timestamp) -> Option<Trouble> {
        let mut inside = self.inside();
        let Delivery { through, delivered, refused, trouble } = delivery;
        if let Some(through) = through {
            inside.buffer.done(through);
        }
        inside.delivered += delivered;
        if delivered > 0 && inside.dropped() > inside.said {
            let (sink, dropped) = (&self.name, inside.dropped() - inside.said);
            tracing::warn!(%sink, dropped, "events were dropped before these could be delivered");
            inside.said = inside.dropped();
        }
        if let Some((events, why)) = refused {
            inside.refused += events;
            tracing::warn!(sink = %self.name, events, why, "the sink refuses events for themselves: dropped");
            inside.last_error = Some(why);
        }
        match &trouble {
            Some(trouble) => {
                if inside.failing_since.is_none() {
                    tracing::warn!(sink = %self.name, why = %trouble.why, "events cannot be delivered: they wait, and are tried again");
                    inside.failing_since = Some(now);
                }
                inside.last_error = Some(trouble.why.clone());
            }
            None if delivered > 0 && inside.failing_since.take().is_some() => {
                tracing::info!(sink = %self.name, "events are delivered again");
            }
            None => {}
        }
        trouble
    }
}

impl Inside {
    fn dropped(&self) -> u64 {
        self.buffer.dropped() + self.refused
    }
}

/// A line among the events, where some are missing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, serde::Deserialize)]
pub struct Gap {
    /// What is missing.
    pub dropped: Dropped,
}

/// Events that a sink never got.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, serde::Deserialize)]
pub struct Dropped {
    /// When that was said.
    pub time: Timestamp,
    /// The sink.
    pub sink: String,
    /// How many.
    pub events: u64,
}

/// Delivers until `closing`, and then once more as far as it goes without a failure.
pub(super) async fn work<S: Sink>(queue: Arc<Queue>, mut sink: S, clock: Clock, closing: CancellationToken) {
    let mut delay = Delay::new(FIRST_DELAY, LONGEST_DELAY);
    let mut refusals = 0;
    loop {
        let batch = queue.next(sink.most(), sink.tells_gaps(), clock.now());
        if batch.is_empty() {
            if closing.is_cancelled() {
                return;
            }
            tokio::select! {
                () = closing.cancelled() => {}
                () = queue.news.notified() => {}
            }
            continue;
        }
        let last_try = closing.is_cancelled();
        let delivery = sink.deliver(&batch).await;
        // No sink should say that nothing happened; one that does is not asked again at once.
        let is_idle = delivery.delivered == 0 && delivery.refused.is_none();
        if delivery.delivered > 0 {
            delay.succeeded();
            refusals = 0;
        } else if delivery.refused.is_some() {
            refusals += 1;
        }
        let wait = match queue.take(delivery, clock.now()) {
            Some(trouble) => trouble.wait.unwrap_or_default().min(LONGEST_WISH).max(delay.failed()),
            None if refusals > REFUSALS || is_idle => delay.failed(),
            None => continue,
        };
        if last_try {
            return;
        }
        // The world outside keeps its own time, also beside a simulator that runs faster.
        tokio::select! {
            () = closing.cancelled() => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
}
