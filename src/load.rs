//! The folder → a snapshot of bytes. All I/O of the desired state lives here, and nothing else does.
//!
//! A git-sync publishes a commit by swapping a symlink and may remove the old tree at any time: so the link is
//! resolved once, and everything is read through the resolved path. What is read is bounded in size, number
//! and depth; what is no plain file is never opened; links may not lead out of the folder.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::model::desired::{Problem, Revision, Snapshot};

/// The largest file that is read, in bytes. A real document has a few hundred lines.
const MAX_FILE: u64 = 1024 * 1024;
/// The most bytes of all files together.
const MAX_TOTAL: u64 = 64 * 1024 * 1024;
/// The most entries (files and folders) that are looked at.
const MAX_ENTRIES: usize = 10_000;
/// How deep folders may nest.
const MAX_DEPTH: usize = 16;

/// The folder as a whole cannot be read. What concerns one file is a [`Problem`] of the snapshot instead.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// It is not there, or its link leads nowhere.
    #[error("the folder {folder} does not exist (or its link leads nowhere)")]
    Missing {
        /// The folder as given.
        folder: PathBuf,
    },
    /// It is a file, or something else.
    #[error("{folder} is not a folder")]
    NotAFolder {
        /// The folder as given.
        folder: PathBuf,
    },
    /// It cannot be listed.
    #[error("the folder {folder} cannot be read")]
    Unreadable {
        /// The folder as given.
        folder: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It vanished while it was read: the sync has moved on. Reading again finds the new tree.
    #[error("the folder {folder} vanished while it was read")]
    Vanished {
        /// The folder as resolved.
        folder: PathBuf,
    },
    /// It holds more than any desired state would.
    #[error("the folder {folder} holds more than {MAX_ENTRIES} files, or more than {} MiB", MAX_TOTAL >> 20)]
    TooLarge {
        /// The folder as given.
        folder: PathBuf,
    },
}

/// Reads every document (`.yaml`, `.yml`) and every file that one may name (`.json`), in all sub-folders.
/// Hidden files and folders are left out.
pub fn snapshot(folder: &Path) -> Result<Snapshot, LoadError> {
    let root = fs::canonicalize(folder).map_err(|error| cannot_open(folder, error))?;
    if !root.is_dir() {
        return Err(LoadError::NotAFolder { folder: folder.to_owned() });
    }
    let mut walk =
        Walk { folder, root: &root, files: BTreeMap::new(), problems: Vec::new(), entries: 0, bytes: 0 };
    walk.folder(&root, "", 0)?;
    // A tree that went away half-way reads like files that were removed. It must not.
    if !root.is_dir() {
        return Err(LoadError::Vanished { folder: root });
    }
    let revision = commit(&root).unwrap_or_else(|| Revision::of_content(&walk.files));
    Ok(Snapshot { revision, files: walk.files, problems: walk.problems })
}

fn cannot_open(folder: &Path, error: io::Error) -> LoadError {
    let folder = folder.to_owned();
    match error.kind() {
        io::ErrorKind::NotFound => LoadError::Missing { folder },
        _ => LoadError::Unreadable { folder, source: error },
    }
}

struct Walk<'a> {
    /// As given, for messages.
    folder: &'a Path,
    /// As resolved: everything read lies in it.
    root: &'a Path,
    files: BTreeMap<String, Arc<[u8]>>,
    problems: Vec<Problem>,
    entries: usize,
    bytes: u64,
}

impl Walk<'_> {
    /// Reads one folder; `inside` is its path inside the root, empty or ending with `/`.
    fn folder(&mut self, path: &Path, inside: &str, depth: usize) -> Result<(), LoadError> {
        let names = match self.names(path) {
            Ok(names) => names,
            Err(error) if inside.is_empty() => return Err(self.root_error(error)),
            Err(error) => {
                self.problem(inside.trim_end_matches('/'), format!("the folder cannot be read: {error}"));
                return Ok(());
            }
        };
        for name in names {
            self.entries += 1;
            if self.entries > MAX_ENTRIES {
                return Err(self.too_large());
            }
            let Ok(name) = name.into_string() else {
                self.problem(
                    inside.trim_end_matches('/'),
                    "the folder has a file whose name is not UTF-8".to_owned(),
                );
                continue;
            };
            if !name.starts_with('.') {
                self.entry(&path.join(&name), &format!("{inside}{name}"), depth)?;
            }
        }
        Ok(())
    }

    fn names(&self, path: &Path) -> io::Result<Vec<std::ffi::OsString>> {
        // One more than allowed is enough to know that there are too many.
        let left = (MAX_ENTRIES + 1).saturating_sub(self.entries);
        let mut names = fs::read_dir(path)?
            .take(left)
            .map(|entry| Ok(entry?.file_name()))
            .collect::<io::Result<Vec<_>>>()?;
        names.sort();
        Ok(names)
    }

    fn entry(&mut self, path: &Path, inside: &str, depth: usize) -> Result<(), LoadError> {
        let resolved = match self.resolve(path) {
            Ok(Some(resolved)) => resolved,
            Ok(None) => {
                self.problem(inside, "this link leads out of the folder".to_owned());
                return Ok(());
            }
            Err(error) => {
                if is_wanted(inside) {
                    self.problem(inside, unreadable(&error));
                }
                return Ok(());
            }
        };
        // Of what the path leads to, without opening it.
        let Ok(kind) = fs::symlink_metadata(&resolved) else {
            self.problem(inside, "the file vanished while it was read".to_owned());
            return Ok(());
        };
        if kind.is_dir() {
            if path != resolved && path.starts_with(&resolved) {
                self.problem(inside, "this link leads to a folder that it lies in".to_owned());
                return Ok(());
            }
            if depth + 1 > MAX_DEPTH {
                self.problem(inside, format!("folders nest deeper than {MAX_DEPTH}"));
                return Ok(());
            }
            return self.folder(&resolved, &format!("{inside}/"), depth + 1);
        }
        if !is_wanted(inside) {
            return Ok(());
        }
        if !kind.is_file() {
            self.problem(inside, "this is not a plain file, and was not opened".to_owned());
            return Ok(());
        }
        self.file(&resolved, inside)
    }

    /// Where the path really leads; none if that is outside the folder.
    fn resolve(&self, path: &Path) -> io::Result<Option<PathBuf>> {
        if !fs::symlink_metadata(path)?.is_symlink() {
            return Ok(Some(path.to_owned()));
        }
        let resolved = fs::canonicalize(path)?;
        Ok(resolved.starts_with(self.root).then_some(resolved))
    }

    fn file(&mut self, path: &Path, inside: &str) -> Result<(), LoadError> {
        match read_bounded(path) {
            Ok(bytes) if bytes.len() as u64 > MAX_FILE => {
                self.problem(inside, format!("the file has more than {} KiB", MAX_FILE / 1024));
            }
            Ok(bytes) => {
                self.bytes += bytes.len() as u64;
                if self.bytes > MAX_TOTAL {
                    return Err(self.too_large());
                }
                self.files.insert(inside.to_owned(), bytes.into());
            }
            Err(error) => self.problem(inside, unreadable(&error)),
        }
        Ok(())
    }

    fn problem(&mut self, inside: &str, message: String) {
        let file = if inside.is_empty() { "." } else { inside };
        self.problems.push(Problem::file_error(file, message));
    }

    fn root_error(&self, error: io::Error) -> LoadError {
        match error.kind() {
            io::ErrorKind::NotFound => LoadError::Vanished { folder: self.root.to_owned() },
            _ => LoadError::Unreadable { folder: self.folder.to_owned(), source: error },
        }
    }

    fn too_large(&self) -> LoadError {
        LoadError::TooLarge { folder: self.folder.to_owned() }
    }
}

fn is_wanted(inside: &str) -> bool {
    [".yaml", ".yml", ".json"].iter().any(|ending| inside.ends_with(ending))
}

fn unreadable(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => String::from("the file vanished, or its link leads nowhere"),
        _ => format!("the file cannot be read: {error}"),
    }
}

/// At most one byte more than allowed, however large the file has become since it was looked at.
fn read_bounded(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_FILE + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The commit: git-sync names each tree by it; a plain checkout says it in `.git`.
fn commit(root: &Path) -> Option<Revision> {
    // The folder may be one inside the published tree.
    let mut names = root.ancestors().filter_map(|folder| folder.file_name()?.to_str());
    if let Some(name) = names.find(|name| is_commit(name)) {
        return Some(Revision(name.into()));
    }
    checked_out(&root.join(".git")).map(|commit| Revision(commit.into()))
}

/// What a clean checkout's `HEAD` points to. Only loose references: reading more would be git's business.
fn checked_out(git: &Path) -> Option<String> {
    let head = read_small(&git.join("HEAD"))?;
    if is_commit(&head) {
        return Some(head);
    }
    let reference = head.strip_prefix("ref: refs/")?;
    let plain = reference.split('/').all(|part| !part.is_empty() && !part.starts_with('.'));
    let commit = plain.then(|| read_small(&git.join("refs").join(reference)))??;
    is_commit(&commit).then_some(commit)
}

fn read_small(path: &Path) -> Option<String> {
    fs::symlink_metadata(path).ok().filter(fs::Metadata::is_file)?;
    let mut text = String::new();
    File::open(path).ok()?.take(1024).read_to_string(&mut text).ok()?;
    Some(text.trim().to_owned())
}

fn is_commit(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}
