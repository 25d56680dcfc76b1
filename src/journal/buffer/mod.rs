//! What one sink has not delivered yet: a bounded queue of records, on disk, so that it outlives the process.
//!
//! It is a folder of segments, of which the newest is written and the oldest read. When it is full the oldest segment
//! goes, and what went is counted. Records are on the page cache when [`Buffer::push`] returns: they survive the process,
//! however it dies, though not the machine. When the disk cannot be written they wait in memory, within a smaller bound.
//!
//! It delivers nothing and waits for nothing.

mod folder;
mod segment;

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use folder::{Folder, FolderError, replace};
pub use segment::Record;
use segment::{Content, HEADING};

/// How large a segment becomes, at most; also what is held in memory of a full buffer.
const SEGMENT: u64 = 1024 * 1024;
/// A buffer has at least so many segments, so that dropping one drops little.
const SEGMENTS: u64 = 8;
/// How much waits in memory while the disk cannot be written, in bytes.
const IN_MEMORY: u64 = 4 * 1024 * 1024;
/// The number of the last delivered record.
const DELIVERED: &str = "delivered";
/// Where a file goes that cannot be read as ours. There is one such place, so that damage does not fill the disk.
const SET_ASIDE: &str = "set-aside";
/// How the names of segments end.
const ENDING: &str = ".segment";

/// The undelivered records of one sink.
#[derive(Debug)]
pub struct Buffer {
    /// The folder; none: only memory.
    folder: Option<PathBuf>,
    limit: u64,
    /// Oldest first.
    segments: VecDeque<Segment>,
    /// The newest segment, while it is written.
    tail: Option<File>,
    /// What was read of the oldest segment, or taken from memory, and is not delivered.
    head: VecDeque<Record>,
    /// Whether `head` is what the oldest segment holds.
    is_head_on_disk: bool,
    memory: VecDeque<Record>,
    last: u64,
    delivered: u64,
    dropped: u64,
    is_disk_failing: bool,
}

#[derive(Debug)]
struct Segment {
    path: PathBuf,
    bytes: u64,
    records: u64,
    is_damaged: bool,
}

impl Buffer {
    /// A buffer without a disk.
    pub fn in_memory() -> Self {
        Self {
            folder: None,
            limit: IN_MEMORY,
            segments: VecDeque::new(),
            tail: None,
            head: VecDeque::new(),
            is_head_on_disk: false,
            memory: VecDeque::new(),
            last: 0,
            delivered: 0,
            dropped: 0,
            is_disk_failing: false,
        }
    }

    /// The buffer in `folder`, with what an earlier process left there. Holds at most `limit` bytes.
    ///
    /// A folder that cannot be used is said, and the buffer is in memory only until it can.
    pub fn open(folder: PathBuf, limit: u64) -> Self {
        let mut buffer = Self { limit, folder: Some(folder.clone()), ..Self::in_memory() };
        if let Err(error) = fs::create_dir_all(&folder).and_then(|()| buffer.recover(&folder)) {
            buffer.disk_failed(&error);
        }
        buffer
    }

    /// Adds a record. The oldest ones are dropped, and counted, when there is no room.
    pub fn push(&mut self, text: &Arc<str>) {
        self.last += 1;
        let record = Record { number: self.last, text: text.clone() };
        let Some(folder) = self.folder.clone() else { return self.remember(record) };
        while let Some(waiting) = self.memory.pop_front() {
            if let Err(error) = self.append(&folder, &waiting) {
                self.memory.push_front(waiting);
                self.disk_failed(&error);
                return self.remember(record);
            }
        }
        if let Err(error) = self.append(&folder, &record) {
            self.disk_failed(&error);
            return self.remember(record);
        }
        if std::mem::take(&mut self.is_disk_failing) {
            tracing::info!(folder = %folder.display(), "events wait on disk again");
        }
    }

    /// The oldest records, without taking them out: at most `most` of them, and about `bytes`, but one at least.
    pub fn peek(&mut self, most: usize, bytes: usize) -> Vec<Record> {
        self.fill_head();
        let mut room = bytes;
        let fits = |record: &&Record| {
            let fits = record.text.len() <= room || room == bytes;
            room = room.saturating_sub(record.text.len());
            fits
        };
        self.head.iter().take(most).take_while(fits).cloned().collect()
    }

    /// Everything up to the record `through` is delivered, or given up.
    pub fn done(&mut self, through: u64) {
        let before = self.head.len();
        while self.head.front().is_some_and(|record| record.number <= through) {
            self.head.pop_front();
        }
        if self.head.len() == before {
            return;
        }
        self.delivered = self.delivered.max(through);
        if let Some(folder) = &self.folder
            && let Err(error) = replace(&folder.join(DELIVERED), format!("{through}\n").as_bytes())
        {
            // The next process delivers some of them again; that is promised to no one otherwise.
            tracing::debug!(%error, "how far events are delivered could not be written");
        }
        if self.head.is_empty() && std::mem::take(&mut self.is_head_on_disk) {
            self.forget_oldest();
        }
    }

    /// How many records wait.
    pub fn queued(&self) -> u64 {
        let waiting = self.head.len() + self.memory.len();
        waiting as u64 + self.unread().map(|segment| segment.records).sum::<u64>()
    }

    /// How many bytes they take.
    pub fn queued_bytes(&self) -> u64 {
        let of =
            |records: &VecDeque<Record>| records.iter().map(|record| record.text.len() as u64).sum::<u64>();
        of(&self.head) + of(&self.memory) + self.unread().map(|segment| segment.bytes).sum::<u64>()
    }

    /// How many records were dropped for want of room, or were damaged.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    fn unread(&self) -> impl Iterator<Item = &Segment> {
        self.segments.iter().skip(usize::from(self.is_head_on_disk))
    }

    fn remember(&mut self, record: Record) {
        self.memory.push_back(record);
        let bytes = |records: &VecDeque<Record>| records.iter().map(|one| one.text.len() as u64).sum::<u64>();
        while bytes(&self.memory) > IN_MEMORY && self.memory.pop_front().is_some() {
            self.dropped += 1;
        }
    }

    fn append(&mut self, folder: &Path, record: &Record) -> io::Result<()> {
        let line = segment::line(record);
        let bytes = line.len() as u64;
        if bytes + HEADING.len() as u64 > self.limit {
            // It would push out everything else and still not fit.
            self.dropped += 1;
            return Ok(());
        }
        self.make_room(bytes);
        let largest = (self.limit / SEGMENTS).min(SEGMENT);
        if self.segments.back().is_none_or(|newest| newest.bytes + bytes > largest) {
            self.tail = None;
        }
        let mut file = match self.tail.take() {
            Some(file) => file,
            None => self.begin(folder, record.number)?,
        };
        let Some(newest) = self.segments.back_mut() else { return Ok(()) };
        if let Err(error) = file.write_all(line.as_bytes()) {
            // Half a line may be there: cut off if that is possible, skipped by the reader otherwise.
            let _ = file.set_len(newest.bytes);
            return Err(error);
        }
        newest.bytes += bytes;
        newest.records += 1;
        self.tail = Some(file);
        Ok(())
    }

    fn begin(&mut self, folder: &Path, number: u64) -> io::Result<File> {
        fs::create_dir_all(folder)?;
        let path = folder.join(format!("{number:020}{ENDING}"));
        let mut file = OpenOptions::new().create(true).truncate(true).write(true).open(&path)?;
        file.write_all(HEADING.as_bytes())?;
        // A segment of which nothing could be written is begun anew under the same name.
        self.segments.retain(|segment| segment.path != path);
        self.segments.push_back(Segment { path, bytes: HEADING.len() as u64, records: 0, is_damaged: false });
        Ok(file)
    }

    fn make_room(&mut self, bytes: u64) {
        while self.segments.iter().map(|segment| segment.bytes).sum::<u64>() + bytes > self.limit {
            let gone = if std::mem::take(&mut self.is_head_on_disk) {
                let gone = self.head.len() as u64;
                self.head.clear();
                gone
            } else {
                self.segments.front().map_or(0, |oldest| oldest.records)
            };
            self.dropped += gone;
            if self.segments.len() <= 1 {
                self.tail = None;
            }
            if self.segments.is_empty() {
                return;
            }
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        let Some(oldest) = self.segments.pop_front() else { return };
        let gone =
            if oldest.is_damaged { folder::set_aside(&oldest.path) } else { fs::remove_file(&oldest.path) };
        if let Err(error) = gone
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::debug!(%error, file = %oldest.path.display(), "a delivered segment could not be removed");
        }
    }

    /// Reads the oldest segment, or takes what waits in memory, when nothing is at hand.
    fn fill_head(&mut self) {
        while self.head.is_empty() {
            let Some(oldest) = self.segments.front() else {
                self.head = std::mem::take(&mut self.memory);
                return;
            };
            if self.segments.len() == 1 {
                // What comes from now on goes into another one.
                self.tail = None;
            }
            match fs::read(&oldest.path) {
                Ok(bytes) => {
                    let read = segment::read(&bytes).unwrap_or_default();
                    self.head.extend(read.records.into_iter().filter(|one| one.number > self.delivered));
                }
                Err(error) => {
                    self.dropped += oldest.records;
                    tracing::warn!(%error, file = %oldest.path.display(), events = oldest.records, "a segment of the buffer cannot be read: its events are lost");
                }
            }
            if self.head.is_empty() {
                self.forget_oldest();
            } else {
                self.is_head_on_disk = true;
            }
        }
    }

    fn disk_failed(&mut self, error: &io::Error) {
        if !std::mem::replace(&mut self.is_disk_failing, true) {
            let folder = self.folder.as_deref().unwrap_or(Path::new("")).display();
            tracing::warn!(%folder, %error, "events cannot wait on disk: they wait in memory, and a restart loses them");
        }
    }

    /// Takes up what an earlier process left.
    fn recover(&mut self, folder: &Path) -> io::Result<()> {
        self.delivered = folder::number(&folder.join(DELIVERED));
        self.last = self.delivered;
        let mut paths: Vec<PathBuf> = Vec::new();
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.to_string_lossy().ends_with(ENDING) {
                paths.push(path);
            }
        }
        paths.sort();
        for path in paths {
            match fs::read(&path).map(|bytes| (bytes.len(), segment::read(&bytes))) {
                Ok((bytes, Some(content))) => self.found(path, bytes as u64, &content),
                Ok((_, None)) => {
                    tracing::warn!(file = %path.display(), "this is no segment of the buffer: set aside");
                    folder::set_aside(&path)?;
                }
                Err(error) => {
                    tracing::warn!(%error, file = %path.display(), "a segment cannot be read: left alone");
                }
            }
        }
        Ok(())
    }

    fn found(&mut self, path: PathBuf, bytes: u64, content: &Content) {
        if content.is_torn {
            tracing::warn!(file = %path.display(), "the last line was only half written: skipped");
        }
        if content.damaged > 0 {
            self.dropped += content.damaged as u64;
            tracing::warn!(file = %path.display(), lines = content.damaged, "damaged lines: skipped");
        }
        self.last = content.records.last().map_or(self.last, |record| self.last.max(record.number));
        let waiting = content.records.iter().filter(|record| record.number > self.delivered).count() as u64;
        self.segments.push_back(Segment { path, bytes, records: waiting, is_damaged: content.damaged > 0 });
        if waiting == 0 && self.segments.len() == 1 {
            self.forget_oldest();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn push(buffer: &mut Buffer, numbers: std::ops::RangeInclusive<u64>) {
        for number in numbers {
            buffer.push(&Arc::from(format!("{{\"n\":{number}}}")));
        }
    }

    /// Delivers everything, a few at a time.
    fn drain(buffer: &mut Buffer) -> Vec<u64> {
        let mut got = Vec::new();
        loop {
            let batch = buffer.peek(3, usize::MAX);
            let Some(last) = batch.last() else { return got };
            got.extend(batch.iter().map(|record| record.number));
            buffer.done(last.number);
        }
    }

    #[test]
    fn what_is_queued_comes_out_once_in_order_and_survives_a_restart() {
        let place = tempfile::tempdir().expect("a folder");
        let folder = place.path().join("group");
        let mut buffer = Buffer::open(folder.clone(), 1 << 20);
        push(&mut buffer, 1..=10);
        assert_eq!(buffer.peek(4, usize::MAX).len(), 4);
        buffer.done(4);
        push(&mut buffer, 11..=12);
        assert_eq!(buffer.queued(), 8);
        drop(buffer);
        let mut buffer = Buffer::open(folder.clone(), 1 << 20);
        assert_eq!(buffer.queued(), 8);
        push(&mut buffer, 13..=13);
        assert_eq!(drain(&mut buffer), (5..=13).collect::<Vec<u64>>());
        assert_eq!((buffer.queued(), buffer.queued_bytes(), buffer.dropped()), (0, 0, 0));
        let mut buffer = Buffer::open(folder, 1 << 20);
        push(&mut buffer, 14..=14);
        assert_eq!(drain(&mut buffer), [14], "numbers go on");
    }

    #[test]
    fn a_process_killed_at_any_byte_loses_only_the_record_in_hand() {
        let place = tempfile::tempdir().expect("a folder");
        let folder = place.path().join("whole");
        let mut buffer = Buffer::open(folder.clone(), 1 << 20);
        push(&mut buffer, 1..=3);
        let file = fs::read_dir(&folder).expect("there").next().expect("a segment").expect("readable");
        let bytes = fs::read(file.path()).expect("readable");
        for length in 0..=bytes.len() {
            let folder = place.path().join(format!("cut-{length}"));
            fs::create_dir_all(&folder).expect("a folder");
            fs::write(folder.join(file.file_name()), &bytes[..length]).expect("written");
            let mut buffer = Buffer::open(folder, 1 << 20);
            let whole =
                bytes[..length].iter().filter(|byte| **byte == b'\n').count().saturating_sub(1) as u64;
            push(&mut buffer, 7..=7);
            assert_eq!(drain(&mut buffer), (1..=whole + 1).collect::<Vec<u64>>(), "cut at {length}");
        }
    }

    #[test]
    fn when_it_is_full_the_oldest_go_and_are_counted() {
        let place = tempfile::tempdir().expect("a folder");
        let mut buffer = Buffer::open(place.path().join("group"), 2_000);
        push(&mut buffer, 1..=10);
        assert_eq!(buffer.peek(3, usize::MAX).len(), 3);
        push(&mut buffer, 11..=300);
        let (queued, dropped) = (buffer.queued(), buffer.dropped());
        assert_eq!(queued + dropped, 300);
        assert!(queued > 40 && dropped > 0, "{queued} {dropped}");
        // What was in hand when it was dropped is no surprise.
        buffer.done(3);
        assert_eq!(drain(&mut buffer), (dropped + 1..=300).collect::<Vec<u64>>());
        buffer.push(&Arc::from("x".repeat(5_000)));
        assert_eq!((buffer.queued(), buffer.dropped()), (0, dropped + 1), "larger than all room");
    }

    #[test]
    fn damage_is_skipped_counted_and_set_aside() {
        let place = tempfile::tempdir().expect("a folder");
        let folder = place.path().join("group");
        let mut buffer = Buffer::open(folder.clone(), 1 << 20);
        push(&mut buffer, 1..=3);
        drop(buffer);
        let file = fs::read_dir(&folder).expect("there").next().expect("a segment").expect("readable").path();
        let text = fs::read_to_string(&file).expect("text").replace("{\"n\":2}", "{\"n\":9}");
        fs::write(&file, text).expect("written");
        fs::write(folder.join("00000000000000000000.segment"), "somebody else's\n").expect("written");
        let mut buffer = Buffer::open(folder.clone(), 1 << 20);
        assert_eq!(buffer.dropped(), 1);
        assert_eq!(drain(&mut buffer), [1, 3]);
        assert!(!file.exists() && folder.join(SET_ASIDE).exists());
    }

    #[test]
    fn without_a_disk_it_waits_in_memory_within_a_bound() {
        let place = tempfile::tempdir().expect("a folder");
        // A file where the folder should be: nothing can be written, whoever runs the test.
        let folder = place.path().join("group");
        fs::write(&folder, "in the way").expect("written");
        let mut buffer = Buffer::open(folder.clone(), 1 << 20);
        push(&mut buffer, 1..=5);
        assert_eq!((buffer.peek(2, usize::MAX).len(), buffer.queued()), (2, 5));
        buffer.done(2);
        for _ in 0..5 {
            buffer.push(&Arc::from("x".repeat(1 << 20)));
        }
        assert!(buffer.dropped() > 0 && buffer.queued() > 0);
        // The disk is back: what waited goes there, in order.
        fs::remove_file(&folder).expect("removed");
        push(&mut buffer, 11..=11);
        let got = drain(&mut buffer);
        assert!(got.is_sorted() && got.last() == Some(&11), "{got:?}");
    }
}
