//! The sinks of one controller: starts them, and ends them.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Journal;
use super::buffer::Buffer;
use super::file::EventsFile;
use super::group::{EventsGroup, Group};
use super::sink::{Queue, Sink, SinkState, Wants, work};
use super::webhook::Webhook;
use crate::clock::Clock;

pub use super::buffer::{Folder, FolderError, replace};

/// Where events wait for their sinks.
#[derive(Debug)]
pub struct Waiting {
    /// The folder; none: only in memory.
    pub folder: Option<Folder>,
    /// How much each sink may have there, in bytes.
    pub size: u64,
}

/// The running sinks of one journal.
#[derive(Debug)]
pub struct Sinks {
    journal: Journal,
    clock: Clock,
    waiting: Waiting,
    tasks: TaskTracker,
    closing: CancellationToken,
}

impl Sinks {
    /// No sinks yet.
    pub fn new(journal: Journal, clock: Clock, waiting: Waiting) -> Self {
        Self { journal, clock, waiting, tasks: TaskTracker::new(), closing: CancellationToken::new() }
    }

    /// JSON lines at the end of a file.
    pub fn file(&self, path: PathBuf) {
        self.start("file", Box::new(|_| true), EventsFile::new(path));
    }

    /// A group of CloudWatch Logs.
    pub fn group(&self, group: Group) {
        self.start("group", Box::new(|_| true), EventsGroup::new(group));
    }

    /// A webhook.
    pub fn webhook(&self, webhook: Webhook) {
        let name = webhook.name();
        // Two of them may have files of one name; each needs a buffer of its own.
        let same = self.journal.sinks().iter().filter(|sink| sink.name.starts_with(&name)).count();
        let name = if same > 0 { format!("{name}-{}", same + 1) } else { name };
        self.start(&name, webhook.wants(), webhook);
    }

    /// The folder that the buffers are in, for what else outlives the process.
    pub fn folder(&self) -> Option<&Folder> {
        self.waiting.folder.as_ref()
    }

    /// Lets the journal tell of something that has no queue.
    pub(super) fn tells(&self, state: Arc<Mutex<SinkState>>) {
        self.journal.tell_of(state);
    }

    /// Runs `task` beside the sinks. It must end soon after its token is cancelled.
    pub(super) fn spawn<F>(&self, task: impl FnOnce(CancellationToken) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.tasks.spawn(task(self.closing.clone()));
    }

    /// Delivers what can be delivered within `patience`. The rest stays on disk for the next process.
    pub async fn close(self, patience: Duration) {
        self.closing.cancel();
        self.tasks.close();
        if tokio::time::timeout(patience, self.tasks.wait()).await.is_err() {
            let queued: u64 = self.journal.sinks().iter().map(|sink| sink.queued).sum();
            tracing::warn!(queued, "events are left to the next start");
        }
    }

    pub(super) fn start(&self, name: &str, wants: Wants, sink: impl Sink) {
        let buffer = match &self.waiting.folder {
            Some(folder) => Buffer::open(folder.path().join(name), self.waiting.size),
            None => Buffer::in_memory(),
        };
        let queue = Arc::new(Queue::new(name, buffer, wants));
        self.journal.attach(queue.clone());
        self.tasks.spawn(work(queue, sink, self.clock.clone(), self.closing.clone()));
    }
}
