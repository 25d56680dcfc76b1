//! Events as lines for people.

use std::fmt::Write as _;

use crate::model::event::{Before, Event, Phase, Severity};
use crate::model::status::{Status, Truth};

/// How many characters of a value a line shows.
const SHOWN: usize = 120;

/// How many characters the progress bar has.
const BAR: usize = 12;

/// An event as one line, followed by what changed and what to do, indented.
pub fn render(event: &Event, colour: bool) -> String {
    let paint =
        |text: &str, code: &str| if colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() };
    let (mark, code) = match (event.phase, event.severity) {
        (Phase::Resolved, _) => ("✓", "32"),
        (Phase::Updated, _) => ("…", "36"),
        (Phase::Opened, Severity::Info) => ("+", "34"),
        (Phase::Opened, Severity::Warning) => ("!", "33"),
        (Phase::Opened, Severity::Error | Severity::Critical) => ("✗", "31"),
    };
    let time = event.time.strftime("%H:%M:%S");
    let object = event.object.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string);
    let phase = match event.phase {
        Phase::Opened => "opened",
        Phase::Updated => "updated",
        Phase::Resolved => "resolved",
    };
    let mut line = format!(
        "{time} {} {:<8} {:<20} {object}  {}",
        paint(mark, code),
        phase,
        paint(event.reason.word(), code),
        message(event)
    );
    if event.phase == Phase::Opened {
        for change in &event.changes {
            let _ = write!(line, "\n           {}", paint(&shown_change(change), "2"));
        }
        if let Some(next) = &event.next {
            let _ = write!(line, "\n           {}", paint(&format!("→ {next}"), "33"));
        }
    }
    line
}

/// How far convergence is, in one line.
pub fn progress(status: &Status, commands: usize, colour: bool) -> String {
    let (ready, all) = (status.ready_count(), status.objects.len());
    let filled = (ready * BAR).checked_div(all).unwrap_or(0);
    let bar: String = (0..BAR).map(|at| if at < filled { '█' } else { '░' }).collect();
    let waiting: Vec<String> = status
        .objects
        .iter()
        .filter(|standing| standing.ready != Truth::True)
        .take(2)
        .map(|standing| {
            format!("{}: {} {}/{}", standing.object, standing.reason, standing.right, standing.selected)
        })
        .collect();
    let waiting = if waiting.is_empty() { String::new() } else { format!("  ({})", waiting.join("; ")) };
    let commands = match commands {
        0 => String::new(),
        1 => " · 1 command under way".to_owned(),
        more => format!(" · {more} commands under way"),
    };
    let line = format!("{bar} {ready}/{all} ready{commands}{waiting}");
    if colour { format!("\x1b[2m{line}\x1b[0m") } else { line }
}

fn message(event: &Event) -> String {
    let text = harmless(&event.message);
    match (event.phase, event.lasted) {
        (Phase::Resolved, Some(lasted)) => format!("over after {} (was: {text})", duration(lasted)),
        _ => text,
    }
}

fn shown_change(change: &Before) -> String {
    let cut = |text: &str| {
        let text = harmless(text);
        if text.chars().count() > SHOWN {
            format!("{}…", text.chars().take(SHOWN).collect::<String>())
        } else {
            text
        }
    };
    format!(
        "{} {}: {} → {}",
        harmless(&change.subject),
        change.field,
        cut(&change.before),
        cut(&change.after)
    )
}

/// Names and outputs come from machines that may be hostile: no control character of theirs reaches the terminal.
pub(crate) fn harmless(text: &str) -> String {
    text.chars().map(|c| if c.is_control() || is_direction(c) { ' ' } else { c }).collect()
}

/// The same for text that is looked at for what it is: such characters are written out, tabs stay.
pub(crate) fn escaped(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut out, c| {
        if c != '\t' && (c.is_control() || is_direction(c)) {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
        out
    })
}

/// The characters that turn a line's direction, which can make text lie.
fn is_direction(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Seconds as people say them.
pub(crate) fn duration(seconds: i64) -> String {
    match seconds {
        ..60 => format!("{seconds}s"),
        60..3600 => format!("{}m {}s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{}h {}m", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{}d {}h", seconds / 86_400, seconds % 86_400 / 3600),
    }
}
