//! Events in a group of CloudWatch Logs: the sink that outlives every task, which `--from logs` reads back.
//!
//! Each process writes into a stream of its own, `<installation>/<account>/<Region>/events/<start>-<word>`; snapshots of
//! the status go beside it, into `…/snapshots/…`. The group and the streams are made when they are missing.

use jiff::Timestamp;
use serde::Deserialize;
use tokio_util::sync::CancellationToken;

use super::buffer::Record;
use super::sink::{Delivery, Gap, Most, Sink, Trouble};
use crate::aws::log_stream::{
    self, BATCH_BYTES, BATCH_EVENTS, BATCH_SPAN, EVENT_BYTES, Entry, OLDEST, OVERHEAD,
};
use crate::aws::{Clients, observe};
use crate::model::event::Event;
use crate::model::failure::{Class, Failure};
use crate::model::observed::Identity;
use crate::model::question::{Facts, Question};

/// The longest text of an event that is too long for CloudWatch Logs, in characters.
const CUT: usize = 10_000;

/// What is kept in a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keeps {
    /// Events, one a line.
    Events,
    /// Snapshots of the status, in parts.
    Snapshots,
}

/// How the names of all streams begin that keep the same of one scope: the Region is that of the clients.
pub fn prefix(installation: &str, account: &str, region: &str, keeps: Keeps) -> String {
    let keeps = match keeps {
        Keeps::Events => "events",
        Keeps::Snapshots => "snapshots",
    };
    format!("{installation}/{account}/{region}/{keeps}/")
}

/// The account and Region of the clients.
///
/// # Errors
/// When AWS does not say.
pub async fn identity(clients: &Clients) -> Result<Identity, Failure> {
    let answers = Box::pin(observe(clients, "", vec![Question::Identity], &CancellationToken::new())).await;
    let mut why = None;
    for answer in answers {
        match answer.facts {
            Ok(Facts::Identity(identity)) => return Ok(identity),
            Ok(_) => {}
            Err(failure) => why = Some(failure),
        }
    }
    Err(why.unwrap_or_else(|| {
        crate::aws::error::nonsense("sts:GetCallerIdentity", "AWS did not say whose credentials these are")
    }))
}

/// One process's place in the group.
#[derive(Clone, Debug)]
pub struct Group {
    clients: Clients,
    /// The group's name.
    pub name: String,
    installation: String,
    /// Tells this process's streams from those of others.
    word: String,
}

impl Group {
    /// A place in the group `name` for a process that starts now. `seed` gives the random part of its streams' names.
    pub fn new(clients: Clients, name: &str, installation: &str, seed: u64) -> Self {
        let now = clients.clock().now();
        let mut rng = fastrand::Rng::with_seed(seed ^ u64::from(std::process::id()) << 32);
        let word: String = (0..6).map(|_| rng.lowercase()).collect();
        let word = format!("{}-{word}", now.strftime("%Y-%m-%dT%H.%M.%SZ"));
        Self { clients, name: name.to_owned(), installation: installation.to_owned(), word }
    }

    /// The name of this process's stream.
    ///
    /// # Errors
    /// When AWS does not say which account it is.
    pub(super) async fn stream(&self, keeps: Keeps) -> Result<String, Failure> {
        let Identity { account, region, .. } = identity(&self.clients).await?;
        Ok(format!("{}{}", prefix(&self.installation, &account, &region, keeps), self.word))
    }

    /// Writes a batch; makes the stream, and the group, if they are not there. How many events AWS refused.
    pub(super) async fn put(&self, stream: &str, batch: &[Entry]) -> Result<usize, Failure> {
        match log_stream::put(&self.clients, &self.name, stream, batch).await {
            Err(why) if why.class == Class::NotFound => {}
            put => return put,
        }
        match log_stream::create_stream(&self.clients, &self.name, stream).await {
            Err(why) if why.class == Class::NotFound => {
                log_stream::create_group(&self.clients, &self.name, &self.installation).await?;
                tracing::warn!(group = %self.name, "the log group was not there and is made; it keeps its events for ever until somebody sets a retention");
                log_stream::create_stream(&self.clients, &self.name, stream).await?;
            }
            made => made?,
        }
        log_stream::put(&self.clients, &self.name, stream, batch).await
    }
}

/// The sink.
#[derive(Debug)]
pub(super) struct EventsGroup {
    group: Group,
    stream: Option<String>,
}

impl EventsGroup {
    pub(super) fn new(group: Group) -> Self {
        Self { group, stream: None }
    }

    async fn try_deliver(&mut self, batch: &[Record]) -> Result<Delivery, Failure> {
        let stream = match &self.stream {
            Some(stream) => stream.clone(),
            None => self.stream.insert(self.group.stream(Keeps::Events).await?).clone(),
        };
        let now = self.group.clients.clock().now();
        let mut entries: Vec<(u64, Entry)> =
            batch.iter().map(|record| (record.number, entry(&record.text, now))).collect();
        // A note about what is missing goes with the event that it stands before.
        let mut least = 1;
        if let [(0, note), (_, first), ..] = entries.as_mut_slice() {
            note.at = first.at;
            least = 2;
        }
        let mut take = fitting(&entries).max(least);
        loop {
            entries.truncate(take);
            let through = entries.iter().map(|(number, _)| *number).max();
            let oldest = now - OLDEST;
            let mut young: Vec<Entry> =
                entries.iter().map(|(_, entry)| entry).filter(|entry| entry.at > oldest).cloned().collect();
            young.sort_by_key(|entry| entry.at);
            let too_old = entries.len() - young.len();
            let refused = if young.is_empty() { Ok(0) } else { self.group.put(&stream, &young).await };
            match refused {
                Ok(refused) => {
                    let events = entries.iter().filter(|(number, _)| *number > 0).count() as u64;
                    let lost = events.min((too_old + refused) as u64);
                    let why =
                        format!("{too_old} are older than 14 days, {refused} CloudWatch Logs did not take");
                    return Ok(Delivery {
                        through,
                        delivered: events - lost,
                        refused: (lost > 0).then_some((lost, why)),
                        trouble: None,
                    });
                }
                // One of them is the cause: the first half alone, until it is found.
                Err(why) if why.class == Class::Invalid && take > least => take = least.max(take / 2),
                Err(why) if why.class == Class::Invalid => {
                    let refused = Some((1, format!("{}: {why}", why.call)));
                    return Ok(Delivery { through, refused, ..Delivery::default() });
                }
                Err(why) => return Err(why),
            }
        }
    }
}

impl Sink for EventsGroup {
    fn most(&self) -> Most {
        Most { records: BATCH_EVENTS, bytes: BATCH_BYTES }
    }

    fn tells_gaps(&self) -> bool {
        true
    }

    async fn deliver(&mut self, batch: &[Record]) -> Delivery {
        match self.try_deliver(batch).await {
            Ok(delivery) => delivery,
            Err(why) => Delivery::failed(Trouble::new(format!("{} failed with {why}", why.call))),
        }
    }
}

/// Texts of one moment as batches.
pub(super) fn entries(texts: &[String], at: Timestamp) -> Vec<Vec<Entry>> {
    let mut rest: Vec<(u64, Entry)> =
        texts.iter().map(|text| (0, Entry { at, text: text.clone() })).collect();
    let mut batches = Vec::new();
    while !rest.is_empty() {
        let more = rest.split_off(fitting(&rest));
        batches.push(rest.into_iter().map(|(_, entry)| entry).collect());
        rest = more;
    }
    batches
}

/// How many of the first entries fit into one batch.
fn fitting(entries: &[(u64, Entry)]) -> usize {
    let (mut bytes, mut first, mut last) = (0, Timestamp::MAX, Timestamp::MIN);
    for (at, (_, entry)) in entries.iter().enumerate() {
        bytes += entry.text.len() + OVERHEAD;
        (first, last) = (first.min(entry.at), last.max(entry.at));
        let fits = at < BATCH_EVENTS && bytes <= BATCH_BYTES && last.duration_since(first) <= BATCH_SPAN;
        if !fits {
            return at.max(1);
        }
    }
    entries.len()
}

/// A record as it goes into the group. What is too long for CloudWatch Logs is cut, and says so.
fn entry(text: &str, now: Timestamp) -> Entry {
    #[derive(Deserialize)]
    struct Timed {
        time: Timestamp,
    }
    let timed: Option<Timed> = serde_json::from_str(text).ok();
    let gap = || serde_json::from_str::<Gap>(text).ok().map(|gap| gap.dropped.time);
    let at = timed.map(|timed| timed.time).or_else(gap).unwrap_or(now);
    let text = if text.len() > EVENT_BYTES { shortened(text) } else { text.to_owned() };
    Entry { at, text }
}

fn shortened(text: &str) -> String {
    let note = format!("… (cut: it had {} bytes)", text.len());
    let Ok(mut event) = serde_json::from_str::<Event>(text) else {
        return format!("{}{note}", cut(text));
    };
    event.message = format!("{}{note}", cut(&event.message));
    event.next = event.next.as_deref().map(cut);
    event.subjects.truncate(20);
    event.changes.clear();
    event.commands.truncate(20);
    match serde_json::to_string(&event) {
        Ok(json) if json.len() <= EVENT_BYTES => json,
        // Its length is in what no sentence explains, such as a subject's name.
        _ => format!("{}{note}", cut(text)),
    }
}

fn cut(text: &str) -> String {
    text.chars().take(CUT).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_ends_where_a_limit_would_be_crossed() {
        let at = |hour: i64| Timestamp::from_second(hour * 3600).expect("a timestamp");
        let entry = |hour, bytes| (1, Entry { at: at(hour), text: "x".repeat(bytes) });
        assert_eq!(fitting(&vec![entry(0, 10); BATCH_EVENTS + 5]), BATCH_EVENTS);
        assert_eq!(fitting(&[entry(0, 10), entry(24, 10), entry(25, 10)]), 2);
        assert_eq!(fitting(&[entry(30, 10), entry(5, 10)]), 1, "also when time stepped back");
        let large = BATCH_BYTES / 4 - OVERHEAD;
        assert_eq!(fitting(&vec![entry(0, large); 5]), 4);
        assert_eq!(fitting(&[entry(0, BATCH_BYTES)]), 1, "one at least");
    }

    #[test]
    fn what_is_too_long_is_cut_and_says_so() {
        let now = at_epoch();
        let entry = entry(&format!("{{\"message\":\"{}\"}}", "ü".repeat(EVENT_BYTES)), now);
        assert!(
            entry.text.len() <= EVENT_BYTES && entry.text.contains("cut: it had"),
            "{}",
            entry.text.len()
        );
        assert_eq!(entry.at, now);
    }

    fn at_epoch() -> Timestamp {
        "2026-01-01T00:00:00Z".parse().expect("a timestamp")
    }
}
