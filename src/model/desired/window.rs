//! Hours of the week in a time zone: `enabledDuring`.
//!
//! A window belongs to the day on which it begins, and may run past midnight. Local times that a clock change
//! skips count as the moment just after it; those that happen twice as the first.

use std::collections::BTreeSet;

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{Timestamp, ToSpan};

use super::decode::{Fields, Read, did_you_mean, filled_text, list_of, shown};
use super::problem::Mistakes;
use super::yaml::{Node, Value};

/// Some hours on some days of the week.
#[derive(Clone, Debug, PartialEq)]
pub struct Window {
    /// The days on which it begins, counted from Monday = 0.
    pub days: BTreeSet<u8>,
    /// When it begins, in local time.
    pub from: Time,
    /// When it ends, in local time; not after `from`: on the next day.
    pub to: Time,
    /// Whose local time.
    pub time_zone: TimeZone,
}

impl Window {
    /// Whether the window is open.
    pub fn contains(&self, now: Timestamp) -> bool {
        self.around(now, 1).into_iter().any(|(from, to)| from <= now && now < to)
    }

    /// When it opens next.
    pub fn opens_after(&self, now: Timestamp) -> Option<Timestamp> {
        self.around(now, 9).into_iter().map(|(from, _)| from).filter(|from| *from > now).min()
    }

    /// The beginnings and ends that lie ahead within nine days: at least one of each, since a window comes
    /// back every week.
    pub(super) fn edges_after(&self, now: Timestamp) -> impl Iterator<Item = Timestamp> + use<> {
        self.around(now, 9).into_iter().flat_map(|(from, to)| [from, to]).filter(move |edge| *edge > now)
    }

    /// The openings that begin between two days before `now` and `days` after it.
    fn around(&self, now: Timestamp, days: i32) -> Vec<(Timestamp, Timestamp)> {
        let today = now.to_zoned(self.time_zone.clone()).date();
        (-2..=days)
            .filter_map(|offset| today.checked_add(offset.days()).ok())
            .filter(|date| self.days.contains(&monday_zero(*date)))
            .filter_map(|date| self.opening(date))
            .collect()
    }

    fn opening(&self, date: Date) -> Option<(Timestamp, Timestamp)> {
        let last = if self.to > self.from { date } else { date.tomorrow().ok()? };
        let moment = |date: Date, time| self.time_zone.to_timestamp(date.to_datetime(time)).ok();
        Some((moment(date, self.from)?, moment(last, self.to)?))
    }
}

fn monday_zero(date: Date) -> u8 {
    u8::try_from(date.weekday().to_monday_zero_offset()).unwrap_or_default()
}

/// Reads a list of windows.
pub(super) fn windows(node: &Node, mistakes: &mut Mistakes) -> Option<Vec<Window>> {
    let windows = list_of(node, mistakes, window)?;
    if windows.is_empty() {
        mistakes.error_help(
            node.span,
            "an empty list of windows is never open",
            "remove the field to be open always",
        );
        return None;
    }
    Some(windows)
}

fn window(node: &Node, mistakes: &mut Mistakes) -> Option<Window> {
    let mut fields = Fields::of(node, "window", mistakes)?;
    let days = if fields.has("days") {
        fields.optional("days", mistakes, days as Read<_>)
    } else {
        Some((0..7).collect())
    };
    let from = fields.required("from", mistakes, time);
    let to = fields.required("to", mistakes, time);
    let zone = if fields.has("timeZone") {
        fields.optional("timeZone", mistakes, time_zone)
    } else {
        Some(TimeZone::UTC)
    };
    fields.finish(mistakes);
    let (from, to) = (from?, to?);
    let ends_the_day = node.get("to").and_then(Node::text) == Some("24:00");
    if from == to && !ends_the_day {
        mistakes.error_help(
            node.span,
            "a window that ends when it begins is never open",
            "a whole day is 00:00 to 24:00",
        );
    }
    Some(Window { days: days?, from, to, time_zone: zone? })
}

const DAYS: [(&str, Weekday); 7] = [
    ("Mon", Weekday::Monday),
    ("Tue", Weekday::Tuesday),
    ("Wed", Weekday::Wednesday),
    ("Thu", Weekday::Thursday),
    ("Fri", Weekday::Friday),
    ("Sat", Weekday::Saturday),
    ("Sun", Weekday::Sunday),
];

fn days(node: &Node, mistakes: &mut Mistakes) -> Option<BTreeSet<u8>> {
    let days = list_of(node, mistakes, |node, mistakes| super::decode::choice(node, mistakes, &DAYS))?;
    if days.is_empty() {
        mistakes.error(node.span, "`days` is empty: the window never opens");
        return None;
    }
    Some(days.into_iter().filter_map(|day| u8::try_from(day.to_monday_zero_offset()).ok()).collect())
}

/// `HH:MM`; `24:00` is the midnight that ends the day.
fn time(node: &Node, mistakes: &mut Mistakes) -> Option<Time> {
    const HELP: &str = "write hours and minutes in quotes: \"08:30\"";
    let time = match &node.value {
        Value::Text(text) => read_time(text),
        _ => None,
    };
    if time.is_none() {
        mistakes.error_help(node.span, "expected a time of day", HELP);
    }
    time
}

fn read_time(text: &str) -> Option<Time> {
    if text == "24:00" {
        return Some(Time::midnight());
    }
    let (hour, minute) = text.split_once(':')?;
    let two_digits = |part: &str| {
        (part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit()))
            .then(|| part.parse::<i8>().ok())
            .flatten()
    };
    Time::new(two_digits(hour)?, two_digits(minute)?, 0, 0).ok()
}

fn time_zone(node: &Node, mistakes: &mut Mistakes) -> Option<TimeZone> {
    let name = filled_text(node, mistakes)?;
    // The database that is compiled in: the machine's own would make one folder mean two things.
    let database = TimeZoneDatabase::bundled();
    if let Ok(zone) = database.get(&name) {
        return Some(zone);
    }
    let names: Vec<String> = database.available().map(|name| name.to_string()).collect();
    let help = did_you_mean(&name, names.iter().map(String::as_str))
        .unwrap_or_else(|| String::from("write a name such as Europe/Berlin, or UTC"));
    mistakes.error_help(node.span, format!("there is no time zone `{}`", shown(&name)), help);
    None
}
