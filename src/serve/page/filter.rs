//! Which events are wanted: the fields of the address, each narrowing the stream further.

use std::sync::Arc;

use axum::http::Uri;
use jiff::{SignedDuration, Timestamp};

use super::problem::Problem;
use super::query::Query;
use super::text;
use crate::model::desired::ObjectRef;
use crate::model::event::{Event, Phase, Severity};
use crate::model::picture::Picture;
use crate::model::reason::{Category, Reason};

/// The fields, as they stand in the address.
pub(super) const FIELDS: [&str; 9] =
    ["severity", "category", "reason", "phase", "object", "for", "since", "q", "before"];
/// Every phase.
pub(super) const PHASES: [Phase; 3] = [Phase::Opened, Phase::Updated, Phase::Resolved];

/// Which events.
#[derive(Clone, Debug, Default)]
pub(super) struct Filter {
    /// Of this severity, or worse.
    severity: Option<Severity>,
    category: Option<Category>,
    reason: Option<Reason>,
    phase: Option<Phase>,
    object: Option<ObjectRef>,
    /// Any of these.
    concerning: Vec<Arc<str>>,
    since: Option<Timestamp>,
    /// In small letters.
    words: String,
    /// Only those before this number.
    before: Option<u64>,
}

impl Filter {
    /// What the address asks for.
    pub(super) fn of(uri: &Uri, now: Timestamp, picture: Option<&Picture>) -> Result<(Self, Query), Problem> {
        let query = Query::of(uri, &FIELDS)?;
        let filter = Self {
            severity: query.choice("severity", &Severity::ALL, Severity::word)?,
            category: query.choice("category", &Category::ALL, Category::word)?,
            reason: query.choice("reason", Reason::ALL, Reason::word)?,
            phase: query.choice("phase", &PHASES, Phase::word)?,
            object: object(query.text("object"))?,
            concerning: match (query.text("for"), picture) {
                ("", _) => Vec::new(),
                (word, Some(picture)) => picture.meant_by(word),
                (word, None) => vec![word.into()],
            },
            since: since(query.text("since"), now)?,
            words: query.text("q").to_lowercase(),
            before: query.number("before")?,
        };
        Ok((filter, query))
    }

    pub(super) fn takes(&self, event: &Event) -> bool {
        self.before.is_none_or(|before| event.number < before)
            && self.severity.is_none_or(|least| event.severity >= least)
            && self.category.is_none_or(|category| event.category == category)
            && self.reason.is_none_or(|reason| event.reason == reason)
            && self.phase.is_none_or(|phase| event.phase == phase)
            && self.object.as_ref().is_none_or(|object| event.object.as_ref() == Some(object))
            && (self.concerning.is_empty() || self.concerning.iter().any(|what| event.concerns(what)))
            && self.since.is_none_or(|since| event.time >= since)
            && (self.words.is_empty() || has(event, &self.words))
    }
}

/// Whether an event's text has `words` somewhere.
fn has(event: &Event, words: &str) -> bool {
    let is_in = |text: &str| text.to_lowercase().contains(words);
    is_in(&event.message)
        || is_in(event.reason.word())
        || event.object.as_ref().is_some_and(|object| is_in(&object.to_string()))
        || event.subjects.iter().any(|subject| is_in(subject))
        || event.commands.iter().any(|command| is_in(command))
        || event
            .changes
            .iter()
            .any(|change| is_in(&change.field) || is_in(&change.before) || is_in(&change.after))
}

/// `Kind/name` as an object.
pub(super) fn object(given: &str) -> Result<Option<ObjectRef>, Problem> {
    if given.is_empty() {
        return Ok(None);
    }
    super::links::as_object(given).map(Some).ok_or_else(|| {
        let given = text::line(given, 60);
        Problem::bad_request(format!("`{given}` is no object. Write its kind and name, such as FlowLog/vpc."))
    })
}

/// A time, or how long ago.
fn since(given: &str, now: Timestamp) -> Result<Option<Timestamp>, Problem> {
    if given.is_empty() {
        return Ok(None);
    }
    let time = given.parse::<Timestamp>().ok();
    let span = || given.parse::<SignedDuration>().ok().and_then(|span| now.checked_sub(span.abs()).ok());
    time.or_else(span).map(Some).ok_or_else(|| {
        let given = text::line(given, 60);
        Problem::bad_request(format!(
            "`{given}` is no time. Write how long ago, such as 30m or 2h, or a time such as 2026-03-02T09:00:00Z."
        ))
    })
}
