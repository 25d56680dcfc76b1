//! The house rules that a compiler does not hold, read from the sources: who may name whom, and how long things may be.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The longest function, in lines, signature and braces included.
const LONGEST_FUNCTION: usize = 70;
/// The longest file, in lines.
const LONGEST_FILE: usize = 700;

/// A source file: its path from the root of the repository, and its text.
struct Source {
    path: String,
    text: String,
}

impl Source {
    fn is_under(&self, folder: &str) -> bool {
        self.path.starts_with(folder)
    }

    /// The lines that are code, with their numbers. A comment may speak of what code may not name.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.text.lines().enumerate().map(|(at, line)| (at + 1, line));
        lines.filter(|(_, line)| !line.trim_start().starts_with("//"))
    }

    /// Where code contains one of `words`.
    fn naming(&self, words: &[&str]) -> Vec<String> {
        let hits = self.code().filter(|(_, line)| words.iter().any(|word| line.contains(word)));
        hits.map(|(at, line)| format!("{}:{at}: {}", self.path, line.trim())).collect()
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn sources(folders: &[&str]) -> Vec<Source> {
    let mut sources = Vec::new();
    for folder in folders {
        collect(&root().join(folder), &mut sources);
    }
    assert!(!sources.is_empty());
    sources
}

fn collect(folder: &Path, sources: &mut Vec<Source>) {
    let entries = fs::read_dir(folder).expect("the folder is there");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("a readable entry").path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            collect(&path, sources);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).expect("UTF-8");
            let path = path.strip_prefix(root()).expect("below the root").display().to_string();
            sources.push(Source { path, text });
        }
    }
}

fn none(what: &str, found: Vec<String>) {
    assert!(found.is_empty(), "{what}:\n{}", found.join("\n"));
}

#[test]
fn each_part_names_only_what_it_may() {
    let sdk = ["aws_sdk_", "aws_smithy_", "aws_config", "aws_credential_types"];
    let model_may_not = [
        "crate::aws",
        "crate::sim",
        "crate::cli",
        "crate::clock",
        "tokio",
        "tracing",
        "std::fs",
        "std::net",
        "std::env",
    ];
    let mut found = Vec::new();
    for source in sources(&["src"]) {
        let mut forbid = |words: &[&str]| found.extend(source.naming(words));
        if !source.is_under("src/aws/") && source.path != "src/sim/connector.rs" {
            forbid(&sdk);
        }
        if source.is_under("src/model") {
            forbid(&model_may_not);
        }
        if source.is_under("src/aws/") {
            forbid(&["crate::sim"]);
        }
        if source.is_under("src/sim/") {
            forbid(&["crate::aws", "crate::model"]);
        }
        if !source.is_under("src/cli/") {
            forbid(&["crate::cli"]);
        }
        if source.path != "src/backoff.rs" {
            // Our own module has the crate's name: from outside it is `crate::backoff`.
            found.extend(
                source.naming(&["backoff::"]).into_iter().filter(|hit| !hit.contains("crate::backoff::")),
            );
        }
    }
    none("named where it may not be", found);
}

#[test]
fn every_file_says_what_it_is_for() {
    let silent =
        sources(&["src", "tests", "benches"]).into_iter().filter(|source| !source.text.starts_with("//!"));
    none("without a `//!` first", silent.map(|source| source.path).collect());
}

#[test]
fn nothing_is_left_for_later() {
    // Written so that this file does not contain them.
    let words =
        [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("to", "do!("), concat!("unimple", "mented!(")];
    let found = sources(&["src", "tests", "benches"]).into_iter().flat_map(|source| {
        let lines: Vec<String> = source
            .text
            .lines()
            .enumerate()
            .filter(|(_, line)| words.iter().any(|word| line.contains(word)))
            .map(|(at, line)| format!("{}:{}: {}", source.path, at + 1, line.trim()))
            .collect();
        lines
    });
    none("left for later", found.collect());
}

#[test]
fn files_and_functions_are_short() {
    let mut long = Vec::new();
    for source in sources(&["src", "tests", "benches"]) {
        let lines = source.text.lines().count();
        if lines > LONGEST_FILE {
            long.push(format!("{}: {lines} lines", source.path));
        }
        let functions = functions(&source).into_iter().filter(|(_, lines)| *lines > LONGEST_FUNCTION);
        long.extend(
            functions.map(|(at, lines)| format!("{}:{at}: a function of {lines} lines", source.path)),
        );
    }
    none("too long", long);
}

/// Where each function begins, and how many lines it has. Sources are formatted, so a function ends at the brace
/// that stands as far in as the function began.
fn functions(source: &Source) -> Vec<(usize, usize)> {
    let mut open: BTreeMap<usize, usize> = BTreeMap::new();
    let mut done = Vec::new();
    for (at, line) in source.code() {
        let indent = line.len() - line.trim_start().len();
        let first = line.trim_start();
        if is_function(first) && !first.ends_with(';') && !first.ends_with('}') {
            open.insert(indent, at);
        } else if first.starts_with('}')
            && let Some(began) = open.remove(&indent)
        {
            done.push((began, at - began + 1));
        }
    }
    done
}

fn is_function(line: &str) -> bool {
    const BEFORE: [&str; 7] =
        ["pub ", "pub(super) ", "pub(crate) ", "pub(in ", "const ", "async ", "extern "];
    let mut rest = line;
    while let Some(shorter) = BEFORE.iter().find_map(|word| rest.strip_prefix(word)) {
        rest = shorter;
    }
    rest.starts_with("fn ")
}

#[test]
fn every_dependency_has_its_reason() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).expect("Cargo.toml");
    let mut in_dependencies = false;
    let mut bare = Vec::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            in_dependencies = line.contains("dependencies]");
        }
        if in_dependencies && line.contains(" = ") && !line.starts_with('#') && !line.contains(" # ") {
            bare.push(line.to_owned());
        }
    }
    none("dependencies without a reason", bare);
}
