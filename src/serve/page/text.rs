//! Words for people: short, harmless, with times and spans said one way.

use jiff::Timestamp;
use maud::{Markup, html};

use crate::journal::{escaped, harmless};

/// The longest sentence that is shown, in characters.
const SENTENCE: usize = 1_200;
/// The longest value that is shown, in characters.
const VALUE: usize = 240;
/// The longest name that is shown, in characters.
const NAME: usize = 80;
/// The longest output that is shown, in characters and in lines.
const OUTPUT: (usize, usize) = (4_000, 80);

/// `text` on one line of at most `limit` characters, without anything that could steer a terminal or turn a line.
pub(super) fn line(text: &str, limit: usize) -> String {
    match text.char_indices().nth(limit) {
        Some((at, _)) => format!("{}…", harmless(&text[..at])),
        None => harmless(text),
    }
}

/// A name from the world: isolated, so that its writing direction is its own affair.
pub(super) fn name(text: &str) -> Markup {
    html! { bdi { (line(text, NAME)) } }
}

/// A value of a field.
pub(super) fn value(text: &str) -> Markup {
    html! { code { bdi { (line(text, VALUE)) } } }
}

/// A sentence, with what stands between backticks as code.
pub(super) fn prose(text: &str) -> Markup {
    let text = line(text, SENTENCE);
    // An odd last backtick opens nothing.
    let (paired, rest) = match text.matches('`').count() % 2 {
        0 => (text.as_str(), ""),
        _ => text.rfind('`').map_or((text.as_str(), ""), |at| text.split_at(at)),
    };
    html! {
        @for (at, piece) in paired.split('`').enumerate() {
            @if at % 2 == 1 { code { bdi { (piece) } } } @else { (piece) }
        }
        (rest)
    }
}

/// What a machine printed: control characters are written out, lines stay lines.
pub(super) fn output(text: &str) -> String {
    let (characters, lines) = OUTPUT;
    let start = text.char_indices().rev().nth(characters.saturating_sub(1)).map_or(0, |(at, _)| at);
    let kept: Vec<String> = text[start..].lines().map(escaped).collect();
    let skip = kept.len().saturating_sub(lines);
    let cut = if start > 0 || skip > 0 { "…\n" } else { "" };
    format!("{cut}{}", kept[skip..].join("\n"))
}

/// A number with its thousands apart.
pub(super) fn count(number: usize) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 node`, `2 nodes`.
pub(super) fn counted(number: usize, one: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {one}{plural}", count(number))
}

/// A span of seconds as people say it, in one or two units.
pub(super) fn span(seconds: i64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match seconds {
        ..60 => format!("{}s", seconds.max(0)),
        60..3600 => format!("{minutes}m"),
        3600..86_400 => format!("{hours}h {}m", minutes % 60),
        _ => format!("{days}d {}h", hours % 24),
    }
}

/// How long ago `at` was, or how soon it will be.
pub(super) fn relative(at: Timestamp, now: Timestamp) -> String {
    let seconds = now.duration_since(at).as_secs();
    if seconds < 0 { format!("in {}", span(-seconds)) } else { format!("{} ago", span(seconds)) }
}

/// How soon `at` will be; what should have been already is due.
pub(super) fn due(at: Timestamp, now: Timestamp) -> String {
    if at > now { relative(at, now) } else { "now".to_owned() }
}

/// A time of day, with the date where it is not today's. UTC, as everywhere in AWS.
pub(super) fn time(at: Timestamp, now: Timestamp) -> Markup {
    let is_today = at.strftime("%F").to_string() == now.strftime("%F").to_string();
    let shown = if is_today { at.strftime("%H:%M:%S") } else { at.strftime("%b %-d %H:%M:%S") };
    html! { time datetime=(format!("{at:.0}")) { (shown.to_string()) } }
}

/// A time of day, and how long ago that was.
pub(super) fn time_and_age(at: Timestamp, now: Timestamp) -> Markup {
    html! { (time(at, now)) " " span.muted { "(" (relative(at, now)) ")" } }
}
