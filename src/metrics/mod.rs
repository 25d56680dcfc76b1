//! Numbers for machines: what the last picture, the AWS clients and the loop come to, as families of metrics.
//!
//! - [`catalogue`] is the closed list of families; [`family`] the one model of their samples.
//! - [`record`] keeps what must be added up over passes; [`collect`] makes families of all that is known.
//! - [`text`] writes them for Prometheus, [`emf`] for CloudWatch.
//!
//! It decides nothing and changes nothing; what time it is it is told by the clock.

pub mod catalogue;
pub mod collect;
pub mod emf;
pub mod family;
pub mod record;
pub mod text;

use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

use crate::aws::Clients;
use crate::clock::Clock;
use crate::journal::SinkState;
use crate::model::picture::{Picture, good_for};
use crate::pass::Passed;

use collect::{Calls, Known};
use family::Family;
use record::Recorder;

/// The metrics of one scope. Cheap to clone; all clones are the same ones.
#[derive(Clone, Debug)]
pub struct Metrics {
    clients: Clients,
    clock: Clock,
    interval: SignedDuration,
    started: Timestamp,
    pictures: watch::Receiver<Option<Arc<Picture>>>,
    recorder: Arc<Mutex<Recorder>>,
}

impl Metrics {
    /// Metrics that begin now. A pass should run every `interval`; `pictures` gives what it leaves behind.
    pub fn new(
        clients: Clients,
        clock: Clock,
        interval: SignedDuration,
        pictures: watch::Receiver<Option<Arc<Picture>>>,
    ) -> Self {
        let started = clock.now();
        Self { clients, clock, interval, started, pictures, recorder: Arc::default() }
    }

    /// Takes a pass in that began at `begun`, and after which `commands` were under way.
    pub fn passed(&self, begun: Timestamp, passed: &Passed, commands: usize) {
        let mut recorder = self.recorder.lock().unwrap_or_else(PoisonError::into_inner);
        recorder.passed(begun, passed, commands);
    }

    /// Every family as it is now. `sinks` is how the places stand that events are delivered to.
    pub fn families(&self, sinks: &[SinkState]) -> Vec<Family> {
        let recorder = self.recorder.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let picture = self.pictures.borrow().clone();
        let counts = self.clients.counts().read();
        collect::families(&Known {
            picture: picture.as_deref(),
            recorder: &recorder,
            calls: Calls { counts: &counts, rates: &self.clients.rates() },
            sinks,
            now: self.clock.now(),
            started: self.started,
            late: good_for(self.interval),
            memory: collect::resident_memory(),
        })
    }

    /// Where these metrics belong, and when they are read: what CloudWatch files them under. None before the first pass.
    pub fn place(&self) -> Option<emf::Place> {
        let picture = self.pictures.borrow();
        let picture = picture.as_ref()?;
        Some(emf::Place {
            installation: picture.installation.to_string(),
            account: picture.status.account.to_string(),
            region: picture.status.region.to_string(),
            at: self.clock.now(),
        })
    }
}
