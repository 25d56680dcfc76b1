//! Events as JSON lines at the end of a file.
//!
//! Whoever rotates the file may move or remove it at any time: it is made anew then.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::buffer::Record;
use super::sink::{Delivery, Most, Sink, Trouble};

/// So much is written and brought to the disk at once.
const MOST: Most = Most { records: 1_000, bytes: 1024 * 1024 };

/// The sink.
#[derive(Debug)]
pub(super) struct EventsFile {
    path: PathBuf,
    open: Option<File>,
}

impl EventsFile {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, open: None }
    }

    fn write(&mut self, batch: &[Record]) -> io::Result<()> {
        let mut file = match self.open.take().filter(|file| is_at(file, &self.path)) {
            Some(file) => file,
            None => open(&self.path)?,
        };
        let before = file.metadata()?.len();
        let lines: String = batch.iter().flat_map(|record| [&*record.text, "\n"]).collect();
        // A disk that loses power must not lose what counts as delivered. Pipes have no disk.
        let written = file.write_all(lines.as_bytes()).and_then(|()| match file.sync_data() {
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
            synced => synced,
        });
        match written {
            Ok(()) => self.open = Some(file),
            // What is only half there is cut off again; where that fails, the next line begins on a line of its own.
            Err(_) => drop(file.set_len(before)),
        }
        written
    }
}

/// Whether the file that is open is still the one at `path`.
fn is_at(file: &File, path: &Path) -> bool {
    let same = |open: std::fs::Metadata, there: std::fs::Metadata| {
        (open.dev(), open.ino()) == (there.dev(), there.ino())
    };
    file.metadata().and_then(|open| Ok(same(open, path.metadata()?))).unwrap_or(false)
}

/// Opens the file for more. Half a line, of a process that was killed, is ended first.
fn open(path: &Path) -> io::Result<File> {
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    if file.metadata()?.is_file() && ends_in_half_a_line(path).unwrap_or(false) {
        file.write_all(b"\n")?;
    }
    Ok(file)
}

fn ends_in_half_a_line(path: &Path) -> io::Result<bool> {
    let mut file = File::open(path)?;
    if file.metadata()?.len() == 0 {
        return Ok(false);
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}

impl Sink for EventsFile {
    fn most(&self) -> Most {
        MOST
    }

    fn tells_gaps(&self) -> bool {
        true
    }

    async fn deliver(&mut self, batch: &[Record]) -> Delivery {
        match self.write(batch) {
            Ok(()) => Delivery::whole(batch),
            Err(error) => Delivery::failed(Trouble::new(format!("{}: {error}", self.path.display()))),
        }
    }
}
