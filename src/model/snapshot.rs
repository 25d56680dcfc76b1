//! A whole scope at one moment, small enough for a log group: what people are shown, what is open, and what can be told
//! of each thing. It is what `--from logs` reads, and what a new process goes on from.
//!
//! JSON, compressed, as text, in parts. It holds nothing that a reader may not see: of commands, only what failed ones
//! printed. It is read from a place that others can write to, so nothing in it is taken for granted.

use std::collections::BTreeMap;
use std::io::{self, Read as _, Write as _};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::alike::alike;
use super::digest;
use super::explain::{Explanation, NotKnown, Subject, explain_all};
use super::picture::{Condition, Part, Picture, Sort};
use super::plan::{Known, Plan};
use super::reason::Reason;
use super::status::Truth;
use super::story::Stories;

/// The form that this version writes, and the newest that it reads.
pub const FORMAT: u32 = 1;
/// How much of a part is data, in bytes: with what is around it, it stays below the 256 KiB of one log event.
const PART: usize = 200 * 1024;
/// How large a snapshot should be, compressed: what is Ready is told as long as there is room.
const ROOM: usize = 1024 * 1024;
/// How large it may be, compressed: of so many things that are not Ready, the least bad ones are not told.
const MOST: usize = 4 * 1024 * 1024;
/// The most parts that are put together: more are none of ours.
const MOST_PARTS: usize = 1_000;
/// The largest snapshot that is read, unpacked. 10,000 nodes take some 20 MB.
const LARGEST: u64 = 512 * 1024 * 1024;
/// How many names are offered in place of one that is not known.
const OFFERED: usize = 4;

/// A scope at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The form: [`FORMAT`].
    pub format: u32,
    /// How often the controller's passes come, in seconds.
    pub interval: i64,
    /// What people are shown.
    pub picture: Picture,
    /// What is open.
    pub stories: Stories,
    /// What can be told of each thing: objects first, then nodes and networks, the worst first. The last ones may be
    /// left out.
    pub explanations: Vec<Explanation>,
}

/// Why there is no snapshot in what was read.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// A later version wrote it.
    #[error("it has format {0}; this version of Watchkeeper reads {FORMAT}")]
    Newer(u32),
    /// It is not what it says.
    #[error("it is damaged")]
    Damaged(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Snapshot {
    /// The snapshot after a pass. `picture` and `stories` are those of that pass.
    pub fn new(known: &Known<'_>, plan: &Plan, picture: &Picture, stories: &Stories) -> Self {
        let mut explanations = explain_all(known, plan, &picture.status, &subjects(known, picture));
        for ran in explanations.iter_mut().flat_map(|told| &mut told.commands) {
            if !ran.has_failed() {
                ran.output.clear();
            }
        }
        Self {
            format: FORMAT,
            interval: known.rules.interval.as_secs(),
            picture: picture.clone(),
            stories: stories.clone(),
            explanations,
        }
    }

    /// The snapshot in few bytes. The last explanations are left out where it would grow too large.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn pack(&self) -> io::Result<Vec<u8>> {
        let Self { format, interval, picture, stories, explanations } = self;
        let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
        write!(gzip, "{{\"format\":{format},\"interval\":{interval},\"picture\":")?;
        serde_json::to_writer(&mut gzip, picture)?;
        gzip.write_all(b",\"stories\":")?;
        serde_json::to_writer(&mut gzip, stories)?;
        gzip.write_all(b",\"explanations\":[")?;
        for (at, explanation) in explanations.iter().enumerate() {
            let room = if self.is_ready(&explanation.subject) { ROOM } else { MOST };
            if gzip.get_ref().len() >= room {
                break;
            }
            if at > 0 {
                gzip.write_all(b",")?;
            }
            serde_json::to_writer(&mut gzip, explanation)?;
        }
        gzip.write_all(b"]}")?;
        gzip.finish()
    }

    fn is_ready(&self, subject: &Subject) -> bool {
        match subject {
            Subject::Object(_) => false,
            Subject::Node(id) | Subject::Network(id) => {
                self.picture.part(id).is_some_and(|part| part.condition == Condition::Ready)
            }
        }
    }

    /// Reads what [`Snapshot::pack`] made.
    ///
    /// # Errors
    /// When it is none, or one of a later version.
    pub fn unpack(packed: &[u8]) -> Result<Self, Unreadable> {
        #[derive(Deserialize)]
        struct Form {
            format: u32,
        }
        let mut json = Vec::new();
        let unpacked = GzDecoder::new(packed).take(LARGEST).read_to_end(&mut json);
        unpacked.map_err(|error| Unreadable::Damaged(error.into()))?;
        let form: Form = serde_json::from_slice(&json).map_err(|error| Unreadable::Damaged(error.into()))?;
        if form.format > FORMAT {
            return Err(Unreadable::Newer(form.format));
        }
        serde_json::from_slice(&json).map_err(|error| Unreadable::Damaged(error.into()))
    }

    /// From this age on it tells of the past: three passes and five minutes without another one.
    pub fn good_for(&self) -> SignedDuration {
        SignedDuration::from_secs(self.interval.clamp(0, 86_400)) * 3 + SignedDuration::from_mins(5)
    }

    /// Makes everything unknown: what it tells was so once.
    pub fn grow_old(&mut self) {
        let at = self.picture.status.at;
        self.picture.grow_old();
        for applies in self.explanations.iter_mut().flat_map(|told| &mut told.applies) {
            if let Some((ready, reason, message)) = &mut applies.standing {
                *message = format!("as of {at:.0}: {reason}");
                (*ready, *reason) = (Truth::Unknown, Reason::PassOverdue);
            }
        }
    }

    /// What is told of the thing that `word` names: an id, `Kind/name`, an object's name, a node's name.
    ///
    /// # Errors
    /// When it names nothing, several things, or one of which this snapshot tells no more than where it stands.
    pub fn explanation(&self, word: &str) -> Result<&Explanation, NotTold> {
        let names = |told: &&Explanation| match &told.subject {
            Subject::Object(id) => id.to_string() == word || *id.name == *word,
            Subject::Node(id) | Subject::Network(id) => **id == *word,
        };
        let by_id: Vec<&Explanation> = self.explanations.iter().filter(names).collect();
        let of_name: Vec<&Part> = self.picture.parts.iter().filter(|part| *part.name == *word).collect();
        match (by_id.as_slice(), of_name.as_slice()) {
            ([one], _) => Ok(one),
            ([], [part]) => self
                .explanations
                .iter()
                .find(|told| told.subject.to_string() == *part.id)
                .ok_or_else(|| NotTold::Cut(Box::new((*part).clone()))),
            ([], []) => match self.picture.part(word) {
                Some(part) => Err(NotTold::Cut(Box::new(part.clone()))),
                None => Err(NotTold::NotKnown(self.not_known(word))),
            },
            (told, parts) => {
                let told = told.iter().map(|told| told.subject.to_string());
                let alike = told.chain(parts.iter().map(|part| part.id.to_string())).take(OFFERED).collect();
                Err(NotTold::NotKnown(NotKnown { word: word.to_owned(), alike, is_ambiguous: true }))
            }
        }
    }

    fn not_known(&self, word: &str) -> NotKnown {
        let objects: Vec<String> =
            self.picture.status.objects.iter().map(|standing| standing.object.to_string()).collect();
        let parts = self.picture.parts.iter().flat_map(|part| [&*part.id, &*part.name]);
        let alike = alike(word, parts.chain(objects.iter().map(String::as_str)), OFFERED);
        NotKnown { word: word.to_owned(), alike, is_ambiguous: false }
    }
}

/// Why nothing is told of something.
#[derive(Debug, thiserror::Error)]
pub enum NotTold {
    /// The word names nothing, or several things.
    #[error(transparent)]
    NotKnown(#[from] NotKnown),
    /// There was no room for it.
    #[error("{} was {} ({}); the snapshot had no room for more of it", .0.id, .0.condition.word(), .0.reason)]
    Cut(Box<Part>),
}

/// Every object, then every node and network, the worst first.
fn subjects(known: &Known<'_>, picture: &Picture) -> Vec<Subject> {
    let (objects, broken) = (known.desired.objects.keys(), known.desired.broken.keys());
    let mut ids: Vec<_> = objects.chain(broken).cloned().collect();
    ids.sort();
    ids.dedup();
    // What is not managed comes after what is Ready: nobody waits for it.
    let rank = |part: &Part| match part.condition {
        Condition::Unmanaged => None,
        condition => Some(condition),
    };
    let mut parts: Vec<&Part> = picture.parts.iter().collect();
    parts.sort_by_key(|part| std::cmp::Reverse(rank(part)));
    let parts = parts.into_iter().map(|part| match part.sort {
        Sort::Node => Subject::Node(part.id.clone()),
        Sort::Vpc | Sort::Subnet | Sort::Interface => Subject::Network(part.id.clone()),
    });
    ids.into_iter().map(Subject::Object).chain(parts).collect()
}

/// What of a picture makes a new snapshot worth its while: who stands how, and what is open. Not how long.
pub fn gist(picture: &Picture) -> String {
    let objects = picture.status.objects.iter().map(|one| (&one.object, one.ready, one.reason, one.right));
    let parts = picture.parts.iter().map(|part| (&part.id, part.condition, part.reason));
    let open = picture.open.iter().map(|event| (&event.fingerprint, event.count));
    let gist = (objects.collect::<Vec<_>>(), parts.collect::<Vec<_>>(), open.collect::<Vec<_>>());
    digest::sha256(&serde_json::to_vec(&gist).unwrap_or_default())
}

/// One line of a snapshot in a log group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Line {
    snapshot: Piece,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Piece {
    /// The same for all parts of one snapshot, and for no other.
    id: Arc<str>,
    /// Which part, from 1.
    part: usize,
    /// How many there are.
    of: usize,
    /// Base64.
    data: String,
}

/// A packed snapshot as lines for a log group.
pub fn parts(id: &str, packed: &[u8]) -> Vec<String> {
    let text = STANDARD.encode(packed);
    let of = text.len().div_ceil(PART);
    let pieces = text.as_bytes().chunks(PART).zip(1..).map(|(data, part)| Line {
        // Base64 is ASCII, so that no piece ends within a character.
        snapshot: Piece { id: id.into(), part, of, data: String::from_utf8_lossy(data).into_owned() },
    });
    pieces.map(|line| serde_json::to_string(&line).unwrap_or_default()).collect()
}

/// Puts parts together again, in whatever order they come.
#[derive(Debug, Default)]
pub struct Puzzle(BTreeMap<Arc<str>, BTreeMap<usize, String>>);

impl Puzzle {
    /// Takes one line; gives the packed snapshot that it completes. What is no part of a snapshot is passed over.
    pub fn take(&mut self, line: &str) -> Option<Vec<u8>> {
        let Line { snapshot: Piece { id, part, of, data } } = serde_json::from_str(line).ok()?;
        if of > MOST_PARTS || !(1..=of).contains(&part) {
            return None;
        }
        let parts = self.0.entry(id.clone()).or_default();
        parts.insert(part, data);
        if parts.len() < of {
            return None;
        }
        let text: String = self.0.remove(&id)?.into_values().collect();
        STANDARD.decode(text).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_come_together_in_any_order_and_only_when_all_are_there() {
        let packed: Vec<u8> =
            (0..500_000_u32).map(|at| u8::try_from(at * 7 % 251).expect("a byte")).collect();
        let lines = parts("a", &packed);
        assert_eq!(lines.len(), 4);
        assert!(lines.iter().all(|line| line.len() <= 256 * 1024 - 26));
        let mut puzzle = Puzzle::default();
        let others = parts("b", b"other");
        assert_eq!(puzzle.take(&lines[3]), None);
        assert_eq!(puzzle.take(&lines[3]), None, "twice is not two");
        assert_eq!(puzzle.take(&lines[0]), None);
        assert_eq!(puzzle.take("hello"), None);
        assert_eq!(puzzle.take(&others[0]), Some(b"other".to_vec()));
        assert_eq!(puzzle.take(&lines[2]), None);
        assert_eq!(puzzle.take(&lines[1]), Some(packed));
    }

    #[test]
    fn nonsense_is_refused() {
        assert!(matches!(Snapshot::unpack(b"hello"), Err(Unreadable::Damaged(_))));
        let pack = |json: &str| {
            let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
            gzip.write_all(json.as_bytes()).expect("in memory");
            gzip.finish().expect("in memory")
        };
        assert!(matches!(Snapshot::unpack(&pack("{\"format\":2,\"x\":1}")), Err(Unreadable::Newer(2))));
        assert!(matches!(Snapshot::unpack(&pack("{\"format\":1}")), Err(Unreadable::Damaged(_))));
        let whole = pack("{\"format\":1}");
        assert!(matches!(Snapshot::unpack(&whole[..whole.len() - 9]), Err(Unreadable::Damaged(_))));
    }
}
