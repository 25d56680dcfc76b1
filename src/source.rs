//! The folder over time: read before every pass, parsed when it changed, kept when it breaks.
//!
//! Reading is `load`'s, meaning is `model::desired`'s; this only remembers the last good state of both.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::sync::mpsc;

use crate::clock;
use crate::load::{self, LoadError};
use crate::model::desired::{Desired, ObjectRef, Problem, Snapshot, parse};
use crate::model::finding::Finding;
use crate::model::reason::Reason;

/// A file that is touched whenever the folder's sync has looked and succeeded, and how old it may be.
///
/// git-sync's own `--touch-file` is no such file: it is touched only when the commit changes. `deploy/` touches
/// one from the sync's metrics.
#[derive(Clone, Debug)]
pub struct Heartbeat {
    /// The file.
    pub file: PathBuf,
    /// Older than this, the sync has stopped.
    pub max_age: Duration,
}

/// The folder over time.
#[derive(Debug)]
pub struct Source {
    folder: PathBuf,
    heartbeat: Option<Heartbeat>,
    snapshot: Option<Snapshot>,
    desired: Desired,
    problems: Vec<Problem>,
}

impl Source {
    /// A folder that has not been read yet.
    pub fn new(folder: PathBuf, heartbeat: Option<Heartbeat>) -> Self {
        Self { folder, heartbeat, snapshot: None, desired: Desired::default(), problems: Vec::new() }
    }

    /// What people want, as last read.
    pub fn desired(&self) -> &Desired {
        &self.desired
    }

    /// The mistakes in what was last read.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// Reads the folder. What is wrong with the folder itself comes back as findings; the last good state stays.
    ///
    /// # Errors
    /// When it cannot be read and never could.
    pub async fn refresh(&mut self) -> Result<Vec<Finding>, LoadError> {
        let mut findings = Vec::new();
        let folder = self.folder.clone();
        let read = tokio::task::spawn_blocking(move || load::snapshot(&folder)).await;
        match read {
            Ok(Ok(snapshot)) => self.take(snapshot),
            Ok(Err(error)) if self.snapshot.is_none() => return Err(error),
            Ok(Err(error)) => findings.push(Finding::general(Reason::SourceStale, error.to_string())),
            Err(error) => {
                let message = format!("reading {} broke off: {error}", self.folder.display());
                findings.push(Finding::general(Reason::SourceStale, message));
            }
        }
        findings.extend(self.stale());
        findings.extend(self.mistakes());
        Ok(findings)
    }

    /// The mistakes in the folder: one finding for each object, or file, that has any.
    fn mistakes(&self) -> Vec<Finding> {
        let mut by_place: BTreeMap<(Option<&ObjectRef>, &str), Vec<&Problem>> = BTreeMap::new();
        for problem in self.problems.iter().filter(|problem| problem.is_error()) {
            let file = if problem.object.is_some() { "" } else { &*problem.file };
            by_place.entry((problem.object.as_ref(), file)).or_default().push(problem);
        }
        by_place.into_iter().map(|((object, file), problems)| self.mistake(object, file, &problems)).collect()
    }

    fn mistake(&self, object: Option<&ObjectRef>, file: &str, problems: &[&Problem]) -> Finding {
        let first = problems.first().map(ToString::to_string).unwrap_or_default();
        let more = match problems.len() {
            0 | 1 => String::new(),
            more => format!(" (and {} more mistakes)", more - 1),
        };
        let message = format!("{first}{more}");
        let Some(object) = object else {
            return Finding::general(Reason::InvalidDocument, message).about(file);
        };
        let kept = if self.desired.get(object).is_some() {
            "its last good version stays in force"
        } else {
            "it never was right, so nothing is done for it"
        };
        Finding::of(object, Reason::InvalidDocument, message).noting(kept)
    }

    fn take(&mut self, snapshot: Snapshot) {
        if self.snapshot.as_ref() == Some(&snapshot) {
            return;
        }
        let parsed = parse(&snapshot);
        let before = std::mem::take(&mut self.desired);
        self.desired = parsed.desired.keeping_last_good(&before);
        self.problems = parsed.problems;
        self.snapshot = Some(snapshot);
    }

    fn stale(&self) -> Option<Finding> {
        let heartbeat = self.heartbeat.as_ref()?;
        let modified = std::fs::metadata(&heartbeat.file).and_then(|data| data.modified());
        let message = match modified.map(clock::machine_age) {
            Ok(age) if age <= heartbeat.max_age => return None,
            Ok(age) => format!("{} was last touched {} s ago", heartbeat.file.display(), age.as_secs()),
            Err(error) => format!("{} cannot be read: {error}", heartbeat.file.display()),
        };
        Some(Finding::general(Reason::SourceStale, message))
    }
}

/// Tells when something in a folder changes, link swaps included.
///
/// A hint, no more: the folder is read before every pass anyway, so a watcher that misses something costs an interval.
#[derive(Debug)]
pub struct Watcher {
    changes: mpsc::Receiver<()>,
    _watcher: Option<notify::RecommendedWatcher>,
}

/// Saving a file makes several changes; this long after the first one the rest has usually come.
const DEBOUNCE: Duration = Duration::from_millis(200);

impl Watcher {
    /// Watches `folder`, and the folder that it, or its link, stands in.
    pub fn new(folder: &Path) -> Self {
        use notify::{RecursiveMode, Watcher as _};
        let (send, changes) = mpsc::channel(1);
        let tell = move |event: notify::Result<notify::Event>| {
            if event.is_ok_and(|event| !event.kind.is_access()) {
                // Full means that a change is waiting to be seen already.
                let _ = send.try_send(());
            }
        };
        let watcher = notify::recommended_watcher(tell).and_then(|mut watcher| {
            watcher.watch(folder, RecursiveMode::Recursive)?;
            for parent in link_parents(folder) {
                watcher.watch(&parent, RecursiveMode::NonRecursive)?;
            }
            Ok(watcher)
        });
        match watcher {
            Ok(watcher) => Self { changes, _watcher: Some(watcher) },
            Err(error) => {
                tracing::warn!(%error, "the folder cannot be watched; changes are seen at the next interval");
                Self { changes, _watcher: None }
            }
        }
    }

    /// Waits for a change. Never returns where nothing can be watched.
    pub async fn changed(&mut self) {
        if self.changes.recv().await.is_none() {
            std::future::pending::<()>().await;
        }
        tokio::time::sleep(DEBOUNCE).await;
        while self.changes.try_recv().is_ok() {}
    }
}

/// The folders in which a link on the way to `folder` stands, and the one that `folder` itself stands in.
///
/// git-sync renames a new link over the old one, and only the folder that holds the link sees that.
fn link_parents(folder: &Path) -> Vec<PathBuf> {
    let absolute = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let is_worth_watching = |path: &&Path| *path == absolute || path.is_symlink();
    absolute.ancestors().filter(is_worth_watching).filter_map(Path::parent).map(Path::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_above_the_folder_is_watched_too() {
        let root = tempfile::tempdir().expect("a folder");
        let root = root.path().canonicalize().expect("a real path");
        std::fs::create_dir_all(root.join("worktree/estate")).expect("folders");
        std::os::unix::fs::symlink("worktree", root.join("current")).expect("a link");
        let parents = link_parents(&root.join("current/estate"));
        assert_eq!(parents, [root.join("current"), root]);
    }
}
