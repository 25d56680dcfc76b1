//! Desired state: golden reports for folders with mistakes, and the rules that no example shows.
//!
//! Each entry of `tests/desired/bad` and `tests/desired/good` is a folder, or one document file; the report of
//! `validate` on it stands beside it in `<name>.expected`. `UPDATE_GOLDEN=1` writes what is reported now.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use proptest::prelude::*;
use watchkeeper::cli::validate::{Verdict, judge, run};
use watchkeeper::load::{self, LoadError};
use watchkeeper::model::desired::{
    ConfigChoice, Desired, Kind, NodeSelector, Object, ObjectRef, Parsed, Platform, Problem, Revision, Snapshot,
    Spec, parse, render,
};

fn data(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/desired").join(folder)
}

/// A snapshot written by hand.
fn snapshot(files: &[(&str, &str)]) -> Snapshot {
    let files: BTreeMap<String, Arc<[u8]>> =
        files.iter().map(|(path, text)| ((*path).to_owned(), Arc::from(text.as_bytes()))).collect();
    Snapshot { revision: Revision::of_content(&files), files, problems: Vec::new() }
}

/// A golden case: a folder, or one document that stands for a folder with only it.
fn case(path: &Path) -> Snapshot {
    if path.is_dir() {
        return load::snapshot(path).expect("a folder of test data");
    }
    let text = fs::read_to_string(path).expect("a document of test data");
    let name = path.file_name().and_then(|name| name.to_str()).expect("a name");
    snapshot(&[(name, &text)])
}

/// Every folder and document of `folder` is reported as its `.expected` file says.
fn golden(folder: &str, exit_code: u8) {
    #[expect(clippy::disallowed_methods, reason = "only a person who updates the expectations sets it")]
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let mut wrong = Vec::new();
    let mut entries: Vec<PathBuf> =
        fs::read_dir(data(folder)).expect("test data").map(|entry| entry.expect("an entry").path()).collect();
    entries.sort();
    for path in entries.iter().filter(|path| path.extension().is_none_or(|ending| ending != "expected")) {
        let mut case = case(path);
        // A revision of this repository would change with every commit.
        case.revision = Revision("test".into());
        let parsed = parse(&case);
        let Verdict { text, exit_code: code } = judge(&case, &parsed, false);
        let expected_at = path.with_extension("expected");
        if update {
            fs::write(&expected_at, &text).expect("write the expectation");
        }
        let expected = fs::read_to_string(&expected_at).unwrap_or_default();
        if text != expected || code != exit_code {
            wrong.push(format!("== {} (exit {code})\n-- expected\n{expected}\n-- reported\n{text}", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn mistakes_are_reported_as_expected() {
    golden("bad", 1);
}

#[test]
fn right_folders_are_accepted() {
    golden("good", 0);
}

#[test]
fn the_example_corp_estate_is_right() {
    let Verdict { text, exit_code } = run(&Path::new(env!("CARGO_MANIFEST_DIR")).join("desired-state"), false);
    assert_eq!(exit_code, 0, "{text}");
    assert!(!text.contains("warning"), "{text}");
}
