//! One file of the buffer: a heading, then one record a line, each with its number and a checksum.
//!
//! A process may be killed in the middle of a write, so the end of a file may be half a line; and a disk may give back
//! something else than was written. Neither is ever taken for a record.

use std::fmt::Write as _;
use std::sync::Arc;

use flate2::Crc;

/// The first line of each file: what it is, and of which form.
pub(super) const HEADING: &str = "watchkeeper-buffer 1\n";

/// Something to deliver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Rises by one from record to record, also over restarts. 0: none of the buffer's, but a note about it.
    pub number: u64,
    /// One line of JSON.
    pub text: Arc<str>,
}

/// What a file holds.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Content {
    /// The good records, in order.
    pub records: Vec<Record>,
    /// How many whole lines are none of ours.
    pub damaged: usize,
    /// Whether the last line is only half there.
    pub is_torn: bool,
}

/// A record as a line.
pub(super) fn line(record: &Record) -> String {
    let Record { number, text } = record;
    // A line break inside would end the record; JSON has none.
    let text = text.replace('\n', " ");
    let mut line = String::with_capacity(text.len() + 32);
    let _ = writeln!(line, "{number} {:08x} {text}", checksum(*number, &text));
    line
}

/// Reads a file; `None` when it is none of ours.
pub(super) fn read(bytes: &[u8]) -> Option<Content> {
    let mut content = Content::default();
    let Some(body) = bytes.strip_prefix(HEADING.as_bytes()) else {
        content.is_torn = true;
        // Killed while it wrote the heading: nothing was in it yet.
        return HEADING.as_bytes().starts_with(bytes).then_some(content);
    };
    for line in body.split_inclusive(|byte| *byte == b'\n') {
        let Some(line) = line.strip_suffix(b"\n") else {
            content.is_torn = true;
            break;
        };
        match record(line) {
            Some(record) => content.records.push(record),
            None => content.damaged += 1,
        }
    }
    Some(content)
}

fn record(line: &[u8]) -> Option<Record> {
    let line = std::str::from_utf8(line).ok()?;
    let mut words = line.splitn(3, ' ');
    let number = words.next()?.parse().ok()?;
    let sum = u32::from_str_radix(words.next()?, 16).ok()?;
    let text = words.next()?;
    (number > 0 && sum == checksum(number, text)).then(|| Record { number, text: text.into() })
}

fn checksum(number: u64, text: &str) -> u32 {
    let mut crc = Crc::new();
    crc.update(&number.to_be_bytes());
    crc.update(text.as_bytes());
    crc.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records() -> Vec<Record> {
        let texts = ["{\"a\":1}", "{\"name\":\"ü \\u001b\"}", "{}"];
        (1..).zip(texts).map(|(number, text)| Record { number, text: text.into() }).collect()
    }

    fn file() -> Vec<u8> {
        let lines: String = records().iter().map(line).collect();
        format!("{HEADING}{lines}").into_bytes()
    }

    #[test]
    fn a_file_cut_anywhere_gives_the_whole_lines_before_the_cut() {
        let file = file();
        for length in 0..=file.len() {
            let content = read(&file[..length]).expect("one of ours");
            let whole = file[..length].iter().filter(|byte| **byte == b'\n').count().saturating_sub(1);
            assert_eq!(content.records, records()[..whole], "cut at {length}");
            let is_whole = file[..length].ends_with(b"\n");
            assert_eq!((content.damaged, content.is_torn), (0, !is_whole), "cut at {length}");
        }
    }

    #[test]
    fn a_byte_changed_anywhere_never_gives_a_record_that_was_not_written() {
        let file = file();
        for at in 0..file.len() {
            for change in [1, 0x20, 0x80] {
                let mut spoilt = file.clone();
                spoilt[at] ^= change;
                let Some(content) = read(&spoilt) else { continue };
                assert!(content.records.iter().all(|record| records().contains(record)), "byte {at}");
            }
        }
    }

    #[test]
    fn a_file_of_somebody_else_is_none_of_ours() {
        assert_eq!(read(b"hello\nworld\n"), None);
        assert_eq!(read(b"watchkeeper-buffer 2\n1 00000000 {}\n"), None);
    }
}
