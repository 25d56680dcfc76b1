//! The folder that all buffers of one controller are in, and small files in it.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use super::SET_ASIDE;

/// A folder that only one controller uses at a time.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    /// Held for as long as the process lives; the system lets go of it however that ends.
    _lock: File,
}

/// Why a folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// Another process holds it.
    #[error(
        "another controller uses the buffer {}: end it, or give this one a folder of its own with --buffer",
        .0.display()
    )]
    InUse(PathBuf),
    /// The system says no.
    #[error("the buffer {} cannot be used", .0.display())]
    Unusable(PathBuf, #[source] io::Error),
}

impl Folder {
    /// Makes the folder if need be, and locks it.
    ///
    /// # Errors
    /// When another process holds it, or the system refuses.
    pub fn open(path: &Path) -> Result<Self, FolderError> {
        let unusable = |error| FolderError::Unusable(path.to_owned(), error);
        make(path).map_err(unusable)?;
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(path.join("lock"));
        let lock = lock.map_err(unusable)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(FolderError::InUse(path.to_owned())),
            Err(TryLockError::Error(error)) => Err(unusable(error)),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// The system's temporary folder is everybody's; what we put there is not.
fn make(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Writes a whole file in one step: whoever reads it sees the old content or the new.
///
/// # Errors
/// When the system refuses.
pub fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let new = path.with_extension("new");
    fs::write(&new, content)?;
    fs::rename(&new, path)
}

/// The number in a file; 0 when there is none.
pub(super) fn number(path: &Path) -> u64 {
    match fs::read_to_string(path) {
        Ok(text) => text.trim().parse().unwrap_or_else(|_| {
            tracing::warn!(file = %path.display(), "how far events are delivered cannot be read: some are delivered again");
            0
        }),
        Err(_) => 0,
    }
}

/// Puts a file where it is in nobody's way. The one that was there before goes.
pub(super) fn set_aside(path: &Path) -> io::Result<()> {
    fs::rename(path, path.with_file_name(SET_ASIDE))
}
