//! Events, kept: the latest in memory for whoever asks, each of them printed, and delivered to every sink.
//!
//! - [`sinks`] are the places outside: a file, a group of CloudWatch Logs, webhooks. Each has its own [`buffer`] and task.
//! - [`keeper`] keeps what a new process goes on with; [`back`] reads the group back.
//!
//! Makes no events: those come from `model`. A sink that fails must not stop the others, nor the loop.

pub mod back;
mod buffer;
mod file;
pub mod group;
mod human;
pub mod keeper;
mod sink;
pub mod sinks;
pub mod webhook;

use std::collections::VecDeque;
use std::io::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

use crate::model::event::Event;
use crate::model::status::Status;
use sink::Queue;

pub use human::render;
pub(crate) use human::{duration, escaped, harmless};
pub use sink::{Dropped, Gap, SinkState};

/// How many events are kept in memory.
const KEPT: usize = 5_000;

/// How events are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Lines for people, perhaps in colour.
    Human {
        /// Whether the terminal shows colours.
        colour: bool,
    },
    /// One JSON object a line.
    Json,
    /// Not at all.
    Silent,
}

/// The latest events, shared by the loop that writes them and the server that reads them.
#[derive(Clone, Debug)]
pub struct Journal {
    kept: Arc<Mutex<VecDeque<Event>>>,
    last: Arc<watch::Sender<u64>>,
    progress: Arc<Mutex<String>>,
    style: Style,
    queues: Arc<Mutex<Vec<Arc<Queue>>>>,
    others: Arc<Mutex<Vec<Arc<Mutex<SinkState>>>>>,
}

impl Journal {
    /// An empty journal that prints in `style`.
    pub fn new(style: Style) -> Self {
        Self {
            kept: Arc::default(),
            last: Arc::new(watch::Sender::new(0)),
            progress: Arc::default(),
            style,
            queues: Arc::default(),
            others: Arc::default(),
        }
    }

    /// Where every sink stands, apart from standard output.
    pub fn sinks(&self) -> Vec<SinkState> {
        let others = self.others.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let others =
            others.into_iter().map(|state| state.lock().unwrap_or_else(PoisonError::into_inner).clone());
        self.queues().iter().map(|queue| queue.state()).chain(others).collect()
    }

    fn attach(&self, queue: Arc<Queue>) {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner).push(queue);
    }

    fn tell_of(&self, state: Arc<Mutex<SinkState>>) {
        self.others.lock().unwrap_or_else(PoisonError::into_inner).push(state);
    }

    fn queues(&self) -> Vec<Arc<Queue>> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Numbers, keeps and prints events, and queues them for every sink.
    pub fn write(&self, events: Vec<Event>) {
        if events.is_empty() {
            return;
        }
        let mut last = *self.last.borrow();
        let queues = self.queues();
        for mut event in events {
            last += 1;
            event.number = last;
            self.print(&event);
            if !queues.is_empty() {
                // An event has only texts and numbers: all of it can be written.
                let text: Arc<str> = serde_json::to_string(&event).unwrap_or_default().into();
                queues.iter().for_each(|queue| queue.push(&event, &text));
            }
            let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            if kept.len() == KEPT {
                kept.pop_front();
            }
            kept.push_back(event);
        }
        self.last.send_replace(last);
    }

    /// The events after number `after`, oldest first.
    pub fn after(&self, after: u64) -> Vec<Event> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().filter(|event| event.number > after).cloned().collect()
    }

    /// Tells when there are new ones.
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.last.subscribe()
    }

    /// Says how far convergence is, when that has changed: for people only.
    pub fn progress(&self, status: &Status, commands: usize) {
        let Style::Human { colour } = self.style else { return };
        let line = human::progress(status, commands, colour);
        let mut last = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        if *last != line {
            let time = status.at.strftime("%H:%M:%S");
            let _ = writeln!(std::io::stdout().lock(), "{time} {line}");
            *last = line;
        }
    }

    fn print(&self, event: &Event) {
        let line = match self.style {
            Style::Silent => return,
            Style::Human { colour } => render(event, colour),
            Style::Json => match serde_json::to_string(event) {
                Ok(json) => json,
                Err(error) => format!("{{\"error\":\"an event could not be written: {error}\"}}"),
            },
        };
        // A terminal that is gone must not stop the loop; whoever closed it does not read this anyway.
        let _ = writeln!(std::io::stdout().lock(), "{line}");
    }
}
