//! `watchkeeper validate [DIR]`: every mistake of the folder at once, or what it says.
//!
//! Asks nobody: no AWS, no network.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use crate::load;
use crate::model::desired::{Kind, Parsed, Problem, Snapshot, parse, render};

/// The options of `validate`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    folder: super::options::FolderArg,
}

/// Runs the command.
pub fn main(args: &Args) -> u8 {
    let verdict = run(&args.folder.folder, super::is_colour());
    super::print(&verdict.text);
    verdict.exit_code
}

/// What the command prints and how it ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The whole report.
    pub text: String,
    /// 0: nothing wrong (warnings aside); 1: errors.
    pub exit_code: u8,
}

/// Reads and checks the folder.
pub fn run(folder: &Path, colour: bool) -> Verdict {
    match load::snapshot(folder) {
        Ok(snapshot) => judge(&snapshot, &parse(&snapshot), colour),
        Err(error) => {
            let mut text = format!("error: {error}");
            let mut source = std::error::Error::source(&error);
            while let Some(cause) = source {
                let _ = write!(text, ": {cause}");
                source = cause.source();
            }
            text.push('\n');
            Verdict { text, exit_code: 1 }
        }
    }
}

/// The report on a snapshot and what was read from it. Pure.
pub fn judge(snapshot: &Snapshot, parsed: &Parsed, colour: bool) -> Verdict {
    let errors = parsed.problems.iter().filter(|problem| problem.is_error()).count();
    let warnings = parsed.problems.len() - errors;
    let mut text = render(&parsed.problems, snapshot, colour);
    if errors == 0 {
        text.push_str(&summary(parsed));
    }
    let _ = writeln!(text, "{}", count(errors, warnings, &parsed.problems, snapshot));
    Verdict { text, exit_code: u8::from(errors > 0) }
}

fn count(errors: usize, warnings: usize, problems: &[Problem], snapshot: &Snapshot) -> String {
    let many = |count: usize, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
    match (errors, warnings) {
        (0, 0) => format!("Nothing is wrong at revision {}.", snapshot.revision),
        (0, _) => format!("Usable at revision {}, with {}.", snapshot.revision, many(warnings, "warning")),
        _ => {
            let files: std::collections::BTreeSet<_> =
                problems.iter().filter(|problem| problem.is_error()).map(|problem| &problem.file).collect();
            let warned =
                if warnings == 0 { String::new() } else { format!(" and {}", many(warnings, "warning")) };
            format!("{}{warned} in {}.", many(errors, "error"), many(files.len(), "file"))
        }
    }
}

/// How many objects of each kind, and their names.
fn summary(parsed: &Parsed) -> String {
    let mut kinds: BTreeMap<Kind, Vec<&str>> = BTreeMap::new();
    for id in parsed.desired.objects.keys() {
        kinds.entry(id.kind).or_default().push(&id.name);
    }
    let mut text = String::new();
    for (kind, names) in kinds {
        let _ = writeln!(text, "{kind:<16} {:>4}  {}", names.len(), some(&names));
    }
    text
}

/// The names, or the first few of them.
fn some(names: &[&str]) -> String {
    const MOST: usize = 6;
    match names.len() {
        count if count <= MOST => names.join(", "),
        count => format!("{}, … {} more", names[..MOST].join(", "), count - MOST),
    }
}
