//! The folder as it was at one moment: bytes, and nothing read from them yet.
//!
//! `load` makes snapshots; tests write them by hand. Only plain data here.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Problem;

/// Which version of the folder: a git commit, or else `sha256:` and twelve hex digits of its content.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Revision(pub Arc<str>);

impl Revision {
    /// The revision of files that no version control speaks for.
    pub fn of_content(files: &BTreeMap<String, Arc<[u8]>>) -> Self {
        let mut hash = Sha256::new();
        for (path, bytes) in files {
            // Lengths keep two different trees from hashing the same bytes.
            hash.update((path.len() as u64).to_be_bytes());
            hash.update(path.as_bytes());
            hash.update((bytes.len() as u64).to_be_bytes());
            hash.update(bytes);
        }
        Self(format!("sha256:{}", &hex(&hash.finalize())[..12]).into())
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// All files of the folder that matter, at one revision.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Which version this is.
    pub revision: Revision,
    /// Path inside the folder, with `/`, to bytes.
    pub files: BTreeMap<String, Arc<[u8]>>,
    /// What could not be read, each with its file. Such a file is not in `files`.
    pub problems: Vec<Problem>,
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing into a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
