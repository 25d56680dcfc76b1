//! Problems as text for a terminal: the place, the line, a mark under it, and advice.
//!
//! Pure. What comes from the folder is never printed raw: control characters could move the cursor or repaint
//! what was said before.

use std::fmt::Write;

use super::problem::{Problem, Severity, Span};
use super::snapshot::Snapshot;

/// The most characters of a line that are shown.
const WIDTH: usize = 100;

/// All problems, one after another, each ending with an empty line.
pub fn render(problems: &[Problem], snapshot: &Snapshot, colour: bool) -> String {
    let paint = Paint { colour };
    let mut out = String::new();
    for problem in problems {
        one(&mut out, problem, snapshot, &paint);
    }
    out
}

struct Paint {
    colour: bool,
}

impl Paint {
    fn with(&self, code: &str, text: &str) -> String {
        if self.colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    fn severity(&self, severity: Severity, text: &str) -> String {
        match severity {
            Severity::Error => self.with("1;31", text),
            Severity::Warning => self.with("1;33", text),
        }
    }

    fn dim(&self, text: &str) -> String {
        self.with("2", text)
    }
}

// Writing into a String cannot fail, so the results of `write!` are dropped here.
fn one(out: &mut String, problem: &Problem, snapshot: &Snapshot, paint: &Paint) {
    let word = match problem.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let _ = writeln!(out, "{}: {}", paint.severity(problem.severity, word), neutral(&problem.message));
    let mut place = neutral(&problem.file);
    if let Some(at) = problem.at {
        let _ = write!(place, ":{}:{}", at.line, at.column);
    }
    if let Some(object) = &problem.object {
        let _ = write!(place, " ({object})");
    }
    let _ = writeln!(out, "{} {place}", paint.dim("  -->"));
    if let Some((at, line)) = problem.at.and_then(|at| Some((at, line_of(snapshot, problem, at)?))) {
        excerpt(out, at, &line, problem.severity, paint);
    }
    if let Some(help) = &problem.help {
        let _ = writeln!(out, "{} {}", paint.with("1;36", "  help:"), neutral(help));
    }
    out.push('\n');
}

fn line_of(snapshot: &Snapshot, problem: &Problem, at: Span) -> Option<String> {
    let bytes = snapshot.files.get(&*problem.file)?;
    let index = usize::try_from(at.line).ok()?.checked_sub(1)?;
    let line = bytes.split(|byte| *byte == b'\n').nth(index)?;
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let line = if index == 0 { line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line) } else { line };
    Some(String::from_utf8_lossy(line).into_owned())
}

fn excerpt(out: &mut String, at: Span, line: &str, severity: Severity, paint: &Paint) {
    let column = usize::try_from(at.column).unwrap_or(1).max(1) - 1;
    let length = usize::try_from(at.length).unwrap_or(0);
    let (shown, before, marked) = cut(line, column, length);
    let number = at.line.to_string();
    let gutter = " ".repeat(number.len());
    let mark = paint.severity(severity, &"^".repeat(marked));
    let bar = paint.dim("|");
    let _ = writeln!(out, " {gutter} {bar}");
    let _ = writeln!(out, " {} {bar} {shown}", paint.dim(&number));
    let _ = writeln!(out, " {gutter} {bar} {}{mark}", " ".repeat(before));
}

/// The part of a line around the mark, how many characters stand before the mark, and how long it is.
fn cut(line: &str, column: usize, length: usize) -> (String, usize, usize) {
    let characters: Vec<char> = neutral(line).chars().collect();
    let column = column.min(characters.len());
    // Some of what stands before the mark is worth more than what follows it.
    let start = if column < WIDTH * 3 / 4 { 0 } else { column - WIDTH / 2 };
    let end = characters.len().min(start + WIDTH);
    let ellipsis = |cut: bool| if cut { "…" } else { "" };
    let text: String = characters[start..end].iter().collect();
    let shown = format!("{}{text}{}", ellipsis(start > 0), ellipsis(end < characters.len()));
    let before = column - start + usize::from(start > 0);
    let marked = length.min(end.saturating_sub(column)).max(1);
    (shown, before, marked)
}

/// The text with every character that could act on a terminal, or turn its direction, replaced by one that
/// only looks.
pub(crate) fn neutral(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\t' => ' ',
            '\u{0}'..='\u{1f}' => char::from_u32(0x2400 + u32::from(c)).unwrap_or('\u{fffd}'),
            '\u{7f}'..='\u{9f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{2069}'
            | '\u{feff}' => '\u{fffd}',
            c => c,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_act_on_a_terminal_is_shown_not_done() {
        assert_eq!(neutral("a\u{1b}[2Jb\tc\u{202e}d\u{9b}"), "a␛[2Jb c\u{fffd}d\u{fffd}");
    }

    #[test]
    fn a_long_line_is_cut_around_the_mark() {
        let line = "x".repeat(10_000);
        let (shown, before, marked) = cut(&line, 5_000, 400);
        assert_eq!((shown.chars().count(), before, marked), (WIDTH + 2, WIDTH / 2 + 1, WIDTH / 2));
        assert_eq!(cut("ab", 7, 3), (String::from("ab"), 2, 1));
    }
}
