//! What outlives the process beside the events: the stories that are open, and snapshots of the scope.
//!
//! A new process goes on with the stories, so that it neither opens again what was open nor forgets it. They are kept
//! in a file beside the buffers, which a kill leaves, and in the snapshots in the log group, which outlive the task.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::back::latest;
use super::group::{Group, Keeps, entries, identity};
use super::sink::SinkState;
use super::sinks::{Sinks, replace};
use crate::aws::Clients;
use crate::backoff::Delay;
use crate::clock::Clock;
use crate::model::failure::Class;
use crate::model::picture::Picture;
use crate::model::plan::{Known, Plan};
use crate::model::snapshot::{Snapshot, gist, parts};
use crate::model::story::Stories;

/// The file with the open stories, in the folder of the buffers.
const FILE: &str = "stories.json";
/// The form of that file.
const FORMAT: u32 = 1;
/// A change is worth a new snapshot, but not more often than this.
const AT_MOST: SignedDuration = SignedDuration::from_mins(1);
/// Without a change there is one this often, so that its age tells that the controller lives.
const AT_LEAST: SignedDuration = SignedDuration::from_mins(5);
/// How long a start waits for the snapshots in the log group.
const RESTORED_WITHIN: Duration = Duration::from_secs(30);

/// The open stories of a scope at a moment.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    format: u32,
    installation: String,
    account: Arc<str>,
    region: Arc<str>,
    at: Timestamp,
    stories: Stories,
}

/// Keeps what a new process needs.
#[derive(Debug)]
pub struct Keeper {
    file: Option<PathBuf>,
    kept: Stories,
    is_file_failing: bool,
    snapshots: Option<watch::Sender<Option<Arc<Snapshot>>>>,
    last: Option<(Timestamp, String)>,
}

impl Keeper {
    /// Keeps the stories in the folder of the buffers, if there is one, and snapshots in `group`, if there is one.
    pub fn new(sinks: &Sinks, group: Option<Group>, clock: &Clock) -> Self {
        let file = sinks.folder().map(|folder| folder.path().join(FILE));
        let snapshots = group.map(|group| {
            let (sender, receiver) = watch::channel(None);
            let state = Arc::new(Mutex::new(no_state()));
            sinks.tells(state.clone());
            let writer = Writer { group, stream: None, written: 0, state, clock: clock.clone() };
            sinks.spawn(|closing| writer.run(receiver, closing));
            sender
        });
        Self { file, kept: Stories::default(), is_file_failing: false, snapshots, last: None }
    }

    /// A pass ended: keeps what changed.
    pub fn pass_ended(&mut self, known: &Known<'_>, plan: &Plan, picture: &Picture, stories: &Stories) {
        if known.observed.identity.known().is_none() {
            // Nobody could tell later whose this was; what was kept before is better.
            return;
        }
        self.keep_stories(picture, stories);
        self.snapshot(known, plan, picture, stories, AT_MOST);
    }

    /// The loop ends: a change of the last minute is kept too.
    pub fn finish(&mut self, known: &Known<'_>, plan: &Plan, picture: &Picture, stories: &Stories) {
        self.snapshot(known, plan, picture, stories, SignedDuration::ZERO);
    }

    fn snapshot(
        &mut self,
        known: &Known<'_>,
        plan: &Plan,
        picture: &Picture,
        stories: &Stories,
        at_most: SignedDuration,
    ) {
        let Some(snapshots) = &self.snapshots else { return };
        let gist = gist(picture);
        let is_due = self.last.as_ref().is_none_or(|(at, before)| {
            let age = known.now.duration_since(*at);
            age >= AT_LEAST || (*before != gist && age >= at_most)
        });
        if is_due {
            self.last = Some((known.now, gist));
            snapshots.send_replace(Some(Arc::new(Snapshot::new(known, plan, picture, stories))));
        }
    }

    fn keep_stories(&mut self, picture: &Picture, stories: &Stories) {
        let Some(file) = &self.file else { return };
        if self.kept == *stories && file.exists() {
            return;
        }
        let kept = Kept {
            format: FORMAT,
            installation: picture.installation.to_string(),
            account: picture.status.account.clone(),
            region: picture.status.region.clone(),
            at: picture.status.at,
            stories: stories.clone(),
        };
        let json = serde_json::to_vec(&kept).unwrap_or_default();
        match replace(file, &json) {
            Ok(()) => {
                self.is_file_failing = false;
                self.kept = kept.stories;
            }
            Err(error) if !self.is_file_failing => {
                self.is_file_failing = true;
                tracing::warn!(%error, file = %file.display(), "what is open cannot be kept: a restart may tell it again");
            }
            Err(_) => {}
        }
    }
}

/// The stories that an earlier process of the same installation, account and Region left open, from the newer of the
/// folder and the log group.
pub async fn restore(
    clients: &Clients,
    installation: &str,
    folder: Option<&Path>,
    group: Option<&str>,
) -> Option<Stories> {
    let work = async {
        let local = local(clients, installation, folder).await;
        let remote = match group {
            Some(group) => remote(clients, installation, group).await,
            None => None,
        };
        [local, remote].into_iter().flatten().max_by_key(|(at, _)| *at).map(|(_, stories)| stories)
    };
    tokio::select! {
        biased;
        stories = work => stories,
        () = clients.clock().sleep(RESTORED_WITHIN) => {
            tracing::warn!("what was open cannot be read in time: it may be told again");
            None
        }
    }
}

async fn local(clients: &Clients, installation: &str, folder: Option<&Path>) -> Option<(Timestamp, Stories)> {
    #[derive(Deserialize)]
    struct Form {
        format: u32,
    }
    let file = folder?.join(FILE);
    let json = std::fs::read(&file).ok()?;
    let kept = match serde_json::from_slice::<Form>(&json) {
        Ok(Form { format }) if format > FORMAT => {
            tracing::warn!(file = %file.display(), format, "a later version wrote what is open: passed over");
            return None;
        }
        _ => serde_json::from_slice::<Kept>(&json),
    };
    let kept = kept
        .inspect_err(|error| tracing::warn!(%error, file = %file.display(), "what is open cannot be read: passed over"))
        .ok()?;
    // Where AWS does not say who we are, the folder is ours all the same.
    let account = identity(clients).await.map_or_else(|_| kept.account.clone(), |who| who.account);
    let is_ours =
        kept.installation == installation && kept.account == account && kept.region == *clients.region();
    if !is_ours {
        tracing::warn!(file = %file.display(), "what is open belongs to another scope: passed over");
    }
    is_ours.then_some((kept.at, kept.stories))
}

async fn remote(clients: &Clients, installation: &str, group: &str) -> Option<(Timestamp, Stories)> {
    match latest(clients, group, installation).await {
        Ok(snapshot) => snapshot.map(|snapshot| (snapshot.picture.status.at, snapshot.stories)),
        // Nothing was kept yet.
        Err(why) if why.class == Class::NotFound => None,
        Err(why) => {
            tracing::warn!(%why, call = why.call, group, "the last snapshot cannot be read: passed over");
            None
        }
    }
}

/// Brings snapshots into the log group. Only the newest one matters: none waits behind another.
struct Writer {
    group: Group,
    stream: Option<String>,
    written: u64,
    state: Arc<Mutex<SinkState>>,
    clock: Clock,
}

fn no_state() -> SinkState {
    SinkState {
        name: "snapshots".to_owned(),
        queued: 0,
        queued_bytes: 0,
        delivered: 0,
        dropped: 0,
        failing_since: None,
        last_error: None,
    }
}

impl Writer {
    async fn run(mut self, mut newest: watch::Receiver<Option<Arc<Snapshot>>>, closing: CancellationToken) {
        let mut delay = Delay::new(Duration::from_secs(2), Duration::from_secs(120));
        loop {
            tokio::select! {
                biased;
                changed = newest.changed() => if changed.is_err() {
                    return;
                },
                () = closing.cancelled() => return,
            }
            loop {
                let Some(snapshot) = newest.borrow_and_update().clone() else { break };
                let written = self.write(snapshot).await;
                self.tell(&written);
                if written.is_ok() {
                    delay.succeeded();
                    break;
                }
                if closing.is_cancelled() {
                    return;
                }
                tokio::select! {
                    () = closing.cancelled() => {}
                    () = tokio::time::sleep(delay.failed()) => {}
                }
            }
        }
    }

    async fn write(&mut self, snapshot: Arc<Snapshot>) -> Result<(), String> {
        let at = snapshot.picture.status.at;
        // A large estate's takes a second of work: not where the loop runs.
        let packed = tokio::task::spawn_blocking(move || snapshot.pack()).await;
        let packed = packed.map_err(|error| error.to_string())?.map_err(|error| error.to_string())?;
        let said = |why: crate::model::failure::Failure| format!("{} failed with {why}", why.call);
        let stream = match &self.stream {
            Some(stream) => stream.clone(),
            None => self.stream.insert(self.group.stream(Keeps::Snapshots).await.map_err(said)?).clone(),
        };
        self.written += 1;
        let id = format!("{}-{}", stream.rsplit('/').next().unwrap_or_default(), self.written);
        for batch in entries(&parts(&id, &packed), at) {
            let refused = self.group.put(&stream, &batch).await.map_err(said)?;
            if refused > 0 {
                return Err(format!("CloudWatch Logs did not take {refused} parts of a snapshot"));
            }
        }
        Ok(())
    }

    fn tell(&self, written: &Result<(), String>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match written {
            Ok(()) => {
                state.delivered += 1;
                state.queued = 0;
                if state.failing_since.take().is_some() {
                    tracing::info!("snapshots are written again");
                }
            }
            Err(why) => {
                if state.failing_since.is_none() {
                    tracing::warn!(why, "a snapshot cannot be written: `--from logs` shows an older one");
                    state.failing_since = Some(self.clock.now());
                }
                state.queued = 1;
                state.last_error = Some(why.clone());
            }
        }
    }
}
