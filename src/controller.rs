//! The loop: when to run a pass, and when to stop.
//!
//! A pass is run at the start, when the folder changes, when something that waits is due, and at a jittered
//! interval. Why a pass runs is logged and never used: every pass looks at everything. Passes of one scope never
//! overlap, since one loop runs them.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;
use tracing::field::Empty;

use crate::backoff::Delay;
use crate::clock::Clock;
use crate::journal::Journal;
use crate::journal::keeper::Keeper;
use crate::load::LoadError;
use crate::metrics::Metrics;
use crate::model::explain::{Explanation, NotKnown, explain, find};
use crate::model::finding::Finding;
use crate::model::picture::Picture;
use crate::model::plan::Plan;
use crate::model::reason::Reason;
use crate::model::status::Status;
use crate::pass::{Mode, Passed, Scope};
use crate::source::{Source, Watcher};

/// How long the call in hand may take once a stop was asked for. ECS kills 30 s after SIGTERM by default.
const GRACE: Duration = Duration::from_secs(8);
/// How much an interval may be shorter or longer, so that many controllers do not ask in step.
const JITTER: f64 = 0.1;
/// Two passes are never closer than this: what triggers them may come in floods.
const LEAST_PAUSE: SignedDuration = SignedDuration::from_millis(500);

/// How long a sink may take nothing before that is told.
const SINK_PATIENCE: SignedDuration = SignedDuration::from_mins(1);

/// How many questions may wait for the pass in hand to end.
const WAITING: usize = 16;

/// Somebody asks what is known of a node, a network or an object.
#[derive(Debug)]
pub struct Asked {
    /// Which, in a person's words.
    pub what: String,
    /// Where the answer goes.
    pub reply: oneshot::Sender<Result<Box<Explanation>, NotKnown>>,
}

/// When to stop by oneself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// Never.
    Stopped,
    /// After one pass.
    OnePass,
    /// When every object is ready, or when this much time has passed.
    Ready(Option<SignedDuration>),
}

/// How the loop ended.
#[derive(Clone, Debug)]
pub enum End {
    /// Somebody asked.
    Stopped,
    /// What was waited for is there; the last pass.
    Done(Box<Passed>),
    /// It did not come in time.
    TimedOut(Box<Status>),
}

/// The settings of the loop.
#[derive(Clone, Debug)]
pub struct Options {
    /// Change things, or only say what would be changed.
    pub mode: Mode,
    /// When to stop by oneself.
    pub until: Until,
    /// Whether to wait for a folder that is not there yet.
    pub waits_for_folder: bool,
    /// For the jitter.
    pub seed: u64,
}

/// The loop over one scope.
#[derive(Debug)]
pub struct Controller {
    folder: PathBuf,
    source: Source,
    scope: Scope,
    clock: Clock,
    journal: Journal,
    published: watch::Sender<Option<Arc<Picture>>>,
    metrics: Metrics,
    /// What the last pass decided, for those who ask.
    decided: Plan,
    has_said_account: bool,
    asking: mpsc::Sender<Asked>,
    asked: mpsc::Receiver<Asked>,
    options: Options,
    keeper: Option<Keeper>,
    rng: fastrand::Rng,
}

impl Controller {
    /// A loop that has not begun.
    pub fn new(
        folder: PathBuf,
        source: Source,
        scope: Scope,
        clock: Clock,
        journal: Journal,
        options: Options,
    ) -> Self {
        let rng = fastrand::Rng::with_seed(options.seed);
        let published = watch::Sender::new(None);
        let (asking, asked) = mpsc::channel(WAITING);
        let decided = Plan::default();
        let (clients, interval) = (scope.clients.clone(), scope.rules.interval);
        let metrics = Metrics::new(clients, clock.clone(), interval, published.subscribe());
        let keeper = None;
        Self {
            folder,
            source,
            scope,
            clock,
            journal,
            published,
            metrics,
            decided,
            has_said_account: false,
            asking,
            asked,
            options,
            keeper,
            rng,
        }
    }

    /// Lets `keeper` keep what a new process goes on with.
    #[must_use]
    pub fn keeping(self, keeper: Keeper) -> Self {
        Self { keeper: Some(keeper), ..self }
    }

    /// Where to ask what is known of a node, a network or an object. Answers come between passes.
    pub fn questions(&self) -> mpsc::Sender<Asked> {
        self.asking.clone()
    }

    /// The picture after every pass, for whoever shows it.
    pub fn pictures(&self) -> watch::Receiver<Option<Arc<Picture>>> {
        self.published.subscribe()
    }

    /// What passes come to, in numbers.
    pub fn metrics(&self) -> Metrics {
        self.metrics.clone()
    }

    /// Runs until it is done or `stop` is cancelled.
    ///
    /// # Errors
    /// When the folder cannot be read and the options do not say to wait for it.
    pub async fn run(self, stop: &CancellationToken) -> Result<End, LoadError> {
        let (installation, region) = (&self.scope.rules.installation, self.scope.clients.region());
        // The account is known once AWS was asked.
        let scope = tracing::info_span!("scope", %installation, %region, account = Empty);
        self.go_on(stop).instrument(scope).await
    }

    async fn go_on(mut self, stop: &CancellationToken) -> Result<End, LoadError> {
        let started = self.clock.now();
        let mut said = self.first_read(stop).await?;
        let mut watcher = Watcher::new(&self.folder);
        loop {
            if stop.is_cancelled() {
                return Ok(End::Stopped);
            }
            let number = self.scope.picture.as_ref().map_or(1, |picture| picture.status.passes + 1);
            let span = tracing::info_span!("pass", pass = number);
            said.extend(self.failing_sinks());
            let Some(passed) = self.pass(std::mem::take(&mut said), stop).instrument(span).await else {
                return Ok(End::Stopped);
            };
            if let Some(end) = self.ended(started, &passed) {
                return Ok(end);
            }
            self.say_account(&passed.status);
            let next = self.next(&passed, started);
            self.decided = passed.plan;
            if !self.wait(next, &mut watcher, stop).await {
                self.finish();
                return Ok(End::Stopped);
            }
            said = self.source.refresh().await?;
        }
    }

    fn finish(&mut self) {
        if let (Some(keeper), Some(picture)) = (&mut self.keeper, &self.scope.picture) {
            let known = self.scope.known_now(self.source.desired(), self.clock.now());
            keeper.finish(&known, &self.decided, picture, &self.scope.stories);
        }
    }

    async fn first_read(&mut self, stop: &CancellationToken) -> Result<Vec<Finding>, LoadError> {
        let mut delay = Delay::new(Duration::from_secs(1), Duration::from_secs(30));
        loop {
            match self.source.refresh().await {
                Ok(said) => return Ok(said),
                Err(error) if !self.options.waits_for_folder || stop.is_cancelled() => return Err(error),
                Err(error) => tracing::warn!(%error, "waiting for the folder"),
            }
            tokio::select! {
                biased;
                () = stop.cancelled() => {}
                () = self.clock.sleep(delay.failed()) => {}
            }
        }
    }

    /// The sinks that have not taken anything for a while, so that those that do tell of it.
    fn failing_sinks(&self) -> Vec<Finding> {
        let now = self.clock.now();
        let sinks = self.journal.sinks().into_iter();
        let failing = sinks.filter_map(|sink| {
            let since = sink.failing_since.filter(|since| now.duration_since(*since) >= SINK_PATIENCE)?;
            let why = sink.last_error.unwrap_or_default();
            let message = format!("{} has taken no events since {since:.0}: {why}", sink.name);
            Some(Finding::general(Reason::SinkFailing, message).about(sink.name))
        });
        failing.collect()
    }

    /// One pass; `None` when it had to be given up because the stop would not wait.
    async fn pass(&mut self, said: Vec<Finding>, stop: &CancellationToken) -> Option<Passed> {
        let begun = self.clock.now();
        let work = self.scope.pass(self.source.desired(), said, self.options.mode, &self.clock, stop);
        let out_of_patience = async {
            stop.cancelled().await;
            tokio::time::sleep(GRACE).await;
        };
        let passed = tokio::select! {
            biased;
            passed = work => passed,
            () = out_of_patience => {
                tracing::warn!("stopped in the middle of a call; what became of it is read at the next start");
                return None;
            }
        };
        self.journal.write(passed.events.clone());
        let commands = self.scope.observed.commands_under_way();
        self.metrics.passed(begun, &passed, commands);
        self.journal.progress(&passed.status, commands);
        self.published.send_replace(Some(passed.picture.clone()));
        if let Some(keeper) = &mut self.keeper {
            let known = self.scope.known_now(self.source.desired(), self.clock.now());
            keeper.pass_ended(&known, &passed.plan, &passed.picture, &self.scope.stories);
        }
        tracing::debug!(
            actions = passed.plan.actions.len(),
            ready = passed.status.ready_count(),
            objects = passed.status.objects.len(),
            "pass ended"
        );
        Some(passed)
    }

    /// Every line from now on says in which account. Said once: a span's field cannot be taken back.
    fn say_account(&mut self, status: &Status) {
        if !self.has_said_account && self.scope.observed.identity.known().is_some() {
            tracing::Span::current().record("account", tracing::field::display(&status.account));
            self.has_said_account = true;
        }
    }

    fn ended(&self, started: Timestamp, passed: &Passed) -> Option<End> {
        match self.options.until {
            Until::Stopped => None,
            Until::OnePass => Some(End::Done(Box::new(passed.clone()))),
            Until::Ready(_) if passed.status.is_ready() => Some(End::Done(Box::new(passed.clone()))),
            Until::Ready(within) => {
                let is_over = within.is_some_and(|within| self.clock.now().duration_since(started) >= within);
                is_over.then(|| End::TimedOut(Box::new(passed.status.clone())))
            }
        }
    }

    fn next(&mut self, passed: &Passed, started: Timestamp) -> Timestamp {
        let now = self.clock.now();
        let due = self.scope.next_due(passed, now);
        let wait = due.duration_since(now).as_secs_f64();
        let is_interval = due >= now + self.scope.rules.interval;
        let factor = if is_interval { 1.0 + JITTER * (2.0 * self.rng.f64() - 1.0) } else { 1.0 };
        let next = now + SignedDuration::from_secs_f64((wait * factor).max(0.0)).max(LEAST_PAUSE);
        match self.options.until {
            Until::Ready(Some(within)) => next.min(started + within).max(now),
            _ => next,
        }
    }

    /// Waits for the next pass, and answers meanwhile. False when it is time to stop.
    async fn wait(&mut self, next: Timestamp, watcher: &mut Watcher, stop: &CancellationToken) -> bool {
        loop {
            let wait = next.duration_since(self.clock.now()).unsigned_abs();
            let wait = if self.clock.now() < next { wait } else { Duration::ZERO };
            tokio::select! {
                biased;
                () = stop.cancelled() => return false,
                Some(asked) = self.asked.recv() => {
                    self.answer(asked);
                    continue;
                }
                () = watcher.changed() => {
                    tracing::debug!(trigger = "folder", "next pass");
                    // A swapped link leads to another tree.
                    *watcher = Watcher::new(&self.folder);
                }
                () = self.clock.sleep(wait) => tracing::trace!(trigger = "time", "next pass"),
            }
            return true;
        }
    }

    fn answer(&self, asked: Asked) {
        let Some(picture) = &self.scope.picture else { return };
        let known = self.scope.known_now(self.source.desired(), self.clock.now());
        let answer = find(&known, &asked.what)
            .map(|subject| Box::new(explain(&known, &self.decided, &picture.status, &subject)));
        // Whoever asked may have gone; that is theirs to know.
        let _ = asked.reply.send(answer);
    }
}
