//! Reads back what the log group keeps: the events of every process of an installation, and its last snapshot.
//!
//! The group may be written to by others, and events come at least once: what is none of ours is passed over, and what
//! came twice is told once.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::group::{Keeps, identity, prefix};
use super::sink::{Dropped, Gap};
use crate::aws::Clients;
use crate::aws::log_events::{Pages, Search};
use crate::model::digest;
use crate::model::event::Event;
use crate::model::failure::Failure;
use crate::model::snapshot::{Puzzle, Snapshot};

/// How far back a snapshot is looked for: older ones tell nothing that is still worth knowing.
const SNAPSHOTS_SINCE: SignedDuration = SignedDuration::from_hours(7 * 24);
/// How late an event may come and still be told by one who follows: a sink that was down delivers what waited.
const LATE: SignedDuration = SignedDuration::from_mins(30);

/// One line of the history.
#[derive(Clone, Debug, PartialEq)]
pub enum Told {
    /// An event.
    Event(Box<Event>),
    /// Events that never came.
    Gap(Dropped),
}

/// The events of one scope, of every process that looked after it, by time.
#[derive(Debug)]
pub struct History {
    search: Search,
    /// What was told and may come again, by its digest.
    seen: BTreeMap<String, Timestamp>,
    newest: Option<Timestamp>,
}

impl History {
    /// The events in `group` since `since`, of the account and Region of the clients.
    ///
    /// # Errors
    /// When AWS does not say which account that is.
    pub async fn new(
        clients: &Clients,
        group: &str,
        installation: &str,
        since: Timestamp,
    ) -> Result<Self, Failure> {
        let who = identity(clients).await?;
        let stream = prefix(installation, &who.account, &who.region, Keeps::Events);
        let search = Search { group: group.to_owned(), stream: Some(stream), pattern: None, since };
        Ok(Self { search, seen: BTreeMap::new(), newest: None })
    }

    /// Hands what is new to `take`, oldest first, until it says false. Whether it still wants more.
    ///
    /// # Errors
    /// When AWS refuses, or does not answer. What was handed over until then is not handed over again.
    pub async fn look(
        &mut self,
        clients: &Clients,
        mut take: impl FnMut(Told) -> bool + Send,
    ) -> Result<bool, Failure> {
        let mut pages = Pages::new(clients);
        while let Some(page) = pages.next(clients, &self.search).await? {
            for line in page {
                let Some(told) = read(&line.message) else { continue };
                self.newest = self.newest.max(Some(line.at));
                let is_new = self.seen.insert(digest::short([&*line.message]), line.at).is_none();
                if is_new && !take(told) {
                    return Ok(false);
                }
            }
        }
        if let Some(newest) = self.newest {
            self.search.since = self.search.since.max(newest - LATE);
            self.seen.retain(|_, at| *at >= self.search.since);
        }
        Ok(true)
    }
}

fn read(line: &str) -> Option<Told> {
    let event = || serde_json::from_str(line).ok().map(|event| Told::Event(Box::new(event)));
    let gap = || serde_json::from_str::<Gap>(line).ok().map(|gap| Told::Gap(gap.dropped));
    event().or_else(gap)
}

/// The last whole snapshot in `group`, of the account and Region of the clients. One that cannot be read is said, and
/// the one before it is taken.
///
/// # Errors
/// When AWS refuses, or does not answer.
pub async fn latest(clients: &Clients, group: &str, installation: &str) -> Result<Option<Snapshot>, Failure> {
    let who = identity(clients).await?;
    let stream = prefix(installation, &who.account, &who.region, Keeps::Snapshots);
    let since = clients.clock().now() - SNAPSHOTS_SINCE;
    let search = Search { group: group.to_owned(), stream: Some(stream), pattern: None, since };
    let (mut pages, mut puzzle) = (Pages::newest_first(clients), Puzzle::default());
    while let Some(page) = pages.next(clients, &search).await? {
        for line in page {
            let Some(packed) = puzzle.take(&line.message) else { continue };
            match Snapshot::unpack(&packed) {
                Ok(snapshot) => return Ok(Some(snapshot)),
                Err(why) => tracing::warn!(%why, at = %line.at, "a snapshot is passed over"),
            }
        }
    }
    Ok(None)
}
