//! The runbook: one section for every reason, whole and in order, and no command that does not exist.

use std::collections::BTreeSet;

use clap::CommandFactory as _;
use watchkeeper::cli::Cli;
use watchkeeper::model::event::Severity;
use watchkeeper::model::reason::Reason;

const RUNBOOK: &str = include_str!("../../docs/runbook.md");
/// How the paragraphs of a section begin.
const PARAGRAPHS: [&str; 4] = [
    "**What it means.**",
    "**What Watchkeeper does.**",
    "**What you do.**",
    "**How to tell that it worked.**",
];

/// What stands below one `##` heading.
struct Section {
    word: &'static str,
    body: &'static str,
}

/// Every section. Headings of other levels are the introduction's.
fn sections() -> Vec<Section> {
    let below = RUNBOOK.split("\n## ").skip(1);
    below
        .map(|section| {
            let (word, body) = section.split_once('\n').unwrap_or((section, ""));
            Section { word, body }
        })
        .collect()
}

#[test]
fn every_reason_has_its_section_and_nothing_else_has() {
    let written: Vec<&str> = sections().iter().map(|section| section.word).collect();
    let reasons: Vec<&str> = Reason::ALL.iter().copied().map(Reason::word).collect();
    let (have, want): (BTreeSet<&str>, BTreeSet<&str>) =
        (written.iter().copied().collect(), reasons.iter().copied().collect());
    let missing: Vec<&&str> = want.difference(&have).collect();
    assert!(missing.is_empty(), "docs/runbook.md has no section `## Word` for {missing:?}");
    let unknown: Vec<&&str> = have.difference(&want).collect();
    assert!(unknown.is_empty(), "docs/runbook.md has sections of no reason: {unknown:?}");
    assert_eq!(
        written, reasons,
        "docs/runbook.md has each section once, in the order of the table in src/model/reason.rs"
    );
}

#[test]
fn every_section_says_four_things() {
    for Section { word, body } in sections() {
        let paragraphs: Vec<&str> =
            body.split("\n\n").map(str::trim).filter(|paragraph| !paragraph.is_empty()).collect();
        assert_eq!(
            paragraphs.len(),
            PARAGRAPHS.len(),
            "docs/runbook.md: the section {word} has these paragraphs: {paragraphs:#?}"
        );
        for (paragraph, beginning) in paragraphs.into_iter().zip(PARAGRAPHS) {
            let said = paragraph.strip_prefix(beginning).map(str::trim);
            assert!(
                said.is_some_and(|said| !said.is_empty()),
                "docs/runbook.md: in the section {word} this should begin with {beginning} and say something: {paragraph:?}"
            );
        }
    }
}

/// A row of the index: `| [Word](#word) | severity | who acts |`.
fn row(line: &str) -> Option<(String, String)> {
    let (link, rest) = line.strip_prefix("| [")?.split_once(") | ")?;
    let (severity, who) = rest.split_once(" | ")?;
    assert!(who.len() > " |".len(), "docs/runbook.md: nobody acts in the row {line}");
    Some((link.to_owned(), severity.to_owned()))
}

#[test]
fn the_index_has_every_reason_with_its_severity() {
    let written: Vec<(String, String)> = RUNBOOK.lines().filter_map(row).collect();
    let wanted = |reason: Reason| {
        let word = reason.word();
        let severity = format!("{:?}", Severity::of(reason)).to_lowercase();
        (format!("{word}](#{}", word.to_lowercase()), severity)
    };
    let wanted: Vec<(String, String)> = Reason::ALL.iter().copied().map(wanted).collect();
    for (written, wanted) in written.iter().zip(&wanted) {
        assert_eq!(written, wanted, "docs/runbook.md: a row of the index, and what it should be");
    }
    assert_eq!(written.len(), wanted.len(), "docs/runbook.md: the index has one row for each reason");
}

#[test]
fn every_link_within_the_page_leads_to_a_section() {
    let anchors: BTreeSet<String> = sections().iter().map(|section| section.word.to_lowercase()).collect();
    let links = RUNBOOK.split("](#").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link);
    let dead: Vec<&str> = links.filter(|link| !anchors.contains(*link)).collect();
    assert!(dead.is_empty(), "docs/runbook.md links to sections that it does not have: {dead:?}");
}

/// The commands of ours that `text` names between backticks.
fn commands(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2).filter(|code| code.starts_with("watchkeeper "))
}

/// Holds a command against what the program takes. Values are not looked at: in a text they are placeholders.
fn check(line: &str) {
    let root = Cli::command();
    let mut command = &root;
    for word in line.split_whitespace().skip(1) {
        if let Some(inner) = command.find_subcommand(word) {
            command = inner;
            continue;
        }
        let name = command.get_name();
        assert!(!command.has_subcommands(), "`{line}` is no command: `{name}` has no subcommand `{word}`");
        let is_known = if let Some(long) = word.strip_prefix("--") {
            let long = long.split('=').next();
            command.get_arguments().any(|argument| argument.get_long() == long)
        } else if let Some(short) = word.strip_prefix('-') {
            command.get_arguments().any(|argument| argument.get_short() == short.chars().next())
        } else {
            true
        };
        assert!(is_known, "`{line}` is no command: `{name}` has no option `{word}`");
    }
    let name = command.get_name();
    assert!(!command.has_subcommands(), "`{line}` is no command: `{name}` needs a subcommand");
}

#[test]
fn every_command_that_is_named_exists() {
    assert!(
        RUNBOOK.matches('`').count().is_multiple_of(2),
        "docs/runbook.md has a backtick without its fellow"
    );
    let advice = Reason::ALL.iter().copied().filter_map(Reason::next);
    let named: BTreeSet<&str> = std::iter::once(RUNBOOK).chain(advice).flat_map(commands).collect();
    assert!(named.len() > 10, "only these commands were found: {named:?}");
    named.into_iter().for_each(check);
}
