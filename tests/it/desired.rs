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
    ConfigChoice, Desired, Kind, NodeSelector, Object, ObjectRef, Parsed, Platform, Problem, Revision,
    Snapshot, Spec, parse, render,
};
use watchkeeper::model::tags::Tags;

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
            wrong.push(format!(
                "== {} (exit {code})\n-- expected\n{expected}\n-- reported\n{text}",
                path.display()
            ));
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
    let Verdict { text, exit_code } =
        run(&Path::new(env!("CARGO_MANIFEST_DIR")).join("desired-state"), false);
    assert_eq!(exit_code, 0, "{text}");
    assert!(!text.contains("warning"), "{text}");
}

fn object<'a>(parsed: &'a Parsed, id: &str) -> &'a Object {
    let id: ObjectRef = id.parse().expect("Kind/name");
    parsed.desired.get(&id).unwrap_or_else(|| panic!("{id} in {:#?}", parsed.problems))
}

fn group(name: &str, log_group: &str, days: u32) -> String {
    format!(
        "apiVersion: watchkeeper/v1\nkind: LogGroup\nmetadata: {{ name: {name} }}\n\
         spec: {{ logGroup: {log_group}, retentionDays: {days} }}\n---\n"
    )
}

fn names(desired: &Desired) -> Vec<String> {
    desired.objects.keys().map(ToString::to_string).collect()
}

#[test]
fn what_is_broken_keeps_its_last_good_version() {
    let good = group("a", "a", 30) + &group("b", "b", 30);
    let before = parse(&snapshot(&[("x.yaml", &good), ("y.yaml", &group("c", "c", 30))])).desired;

    // `a` has an error, `b` was removed, `c` is in a file that is no YAML; `d` is new.
    let files =
        [("x.yaml", group("a", "a", 31)), ("y.yaml", String::from("{")), ("z.yaml", group("d", "d", 7))];
    let files = files.each_ref().map(|(path, text)| (*path, text.as_str()));
    let now = parse(&snapshot(&files)).desired;
    assert_eq!(names(&now), ["LogGroup/d"]);
    let kept = now.keeping_last_good(&before);
    assert_eq!(names(&kept), ["LogGroup/a", "LogGroup/c", "LogGroup/d"]);
    let a = ObjectRef::new(Kind::LogGroup, "a");
    assert_eq!(kept.get(&a), before.get(&a));
}

#[test]
fn a_newcomer_does_not_take_what_a_broken_document_holds() {
    let before = parse(&snapshot(&[("x.yaml", &group("a", "shared", 30))])).desired;
    let now = parse(&snapshot(&[("x.yaml", &group("a", "other", 31)), ("y.yaml", &group("b", "shared", 7))]))
        .desired;
    let kept = now.keeping_last_good(&before);
    assert_eq!(names(&kept), ["LogGroup/a"]);
    assert!(kept.broken.contains_key(&ObjectRef::new(Kind::LogGroup, "b")));
}

#[test]
fn an_inline_configuration_does_not_change_when_its_lines_move() {
    let document = |config: &str| {
        let text = format!(
            "apiVersion: watchkeeper/v1\nkind: AgentConfig\nmetadata: {{ name: a }}\n\
             spec: {{ parameter: AmazonCloudWatch-a, config: {config} }}\n"
        );
        let parsed = parse(&snapshot(&[("a.yaml", &text)]));
        match &object(&parsed, "AgentConfig/a").spec {
            Spec::AgentConfig(config) => (config.content.to_string(), config.sha256.clone()),
            other => panic!("{other:?}"),
        }
    };
    let one =
        document("{ agent: { debug: true, region: r }, metrics: { metrics_collected: { statsd: {} } } }");
    let two =
        document("{ metrics: { metrics_collected: { statsd: {} } }, agent: { region: r, debug: true } }");
    assert_eq!(one, two);
    assert!(one.0.starts_with("{\n  \"agent\": {\n    \"debug\": true"), "{}", one.0);
}

#[test]
fn a_configuration_file_is_taken_byte_for_byte() {
    let text = "{\"metrics\" :\t{\"metrics_collected\":{\"statsd\":{}}} }\r\n\n";
    let document = "apiVersion: watchkeeper/v1\nkind: AgentConfig\nmetadata: { name: a }\n\
                    spec: { parameter: AmazonCloudWatch-a, configFile: a.json }\n";
    let parsed = parse(&snapshot(&[("team/a.yaml", document), ("team/a.json", text)]));
    assert!(
        matches!(&object(&parsed, "AgentConfig/a").spec, Spec::AgentConfig(config) if &*config.content == text)
    );
}

#[test]
fn selectors_mean_what_the_reference_says() {
    let tags = |pairs: &[(&str, &str)]| -> Tags { pairs.iter().copied().collect() };
    let nodes = NodeSelector {
        match_tags: [
            ("App".to_owned(), vec!["a".to_owned(), "b".to_owned()]),
            ("Stage".to_owned(), vec!["*".to_owned()]),
        ]
        .into(),
        platform: Some(Platform::Linux),
        ..NodeSelector::default()
    };
    assert!(nodes.matches("i-1", Platform::Linux, &tags(&[("App", "b"), ("Stage", "x")])));
    assert!(!nodes.matches("i-1", Platform::Linux, &tags(&[("App", "b")])));
    assert!(!nodes.matches("i-1", Platform::Linux, &tags(&[("App", "c"), ("Stage", "x")])));
    assert!(!nodes.matches("i-1", Platform::Windows, &tags(&[("App", "a"), ("Stage", "x")])));
    let config = ConfigChoice::ByPlatform {
        linux: Some("l".to_owned()),
        windows: None,
        macos: None,
        on_premises: Some("p".to_owned()),
    };
    assert_eq!(config.for_node(Platform::Linux, false), Some("l"));
    assert_eq!(config.for_node(Platform::Linux, true), Some("p"));
    assert_eq!(config.for_node(Platform::Windows, false), None);
}

#[test]
fn a_folder_that_cannot_be_read_removes_nothing() {
    let before =
        parse(&snapshot(&[("team/x.yaml", &group("a", "a", 30)), ("teams.yaml", &group("b", "b", 30))]))
            .desired;
    let mut unread = snapshot(&[]);
    unread.problems.push(Problem::file_error("team", "the folder cannot be read"));
    assert_eq!(names(&parse(&unread).desired.keeping_last_good(&before)), ["LogGroup/a"]);
}

/// When a flow log opens and closes, from `from` on.
fn changes(fields: &str, from: &str, count: usize) -> Vec<String> {
    let text = format!(
        "apiVersion: watchkeeper/v1\nkind: FlowLog\nmetadata: {{ name: a }}\nspec: {{ vpcs: {{ all: true }}, \
         traffic: ALL, logGroup: g, role: \"arn:aws:iam::111122223333:role/r\", {fields} }}\n"
    );
    let parsed = parse(&snapshot(&[("a.yaml", &text)]));
    let Spec::FlowLog(flow_log) = &object(&parsed, "FlowLog/a").spec else { panic!("a flow log") };
    let mut now: Timestamp = from.parse().expect("a time");
    let mut seen = vec![format!("{}", flow_log.enabled_at(now))];
    while let Some(next) = flow_log.next_change_after(now).filter(|_| seen.len() <= count) {
        seen.push(next.to_string());
        now = next;
    }
    seen
}

#[test]
fn a_flow_log_opens_and_closes_in_local_time() {
    let nightly = "enabledDuring: [{ days: [Sat], from: \"22:00\", to: \"06:00\", timeZone: Europe/Berlin }]";
    // The night of 25 October 2026 is an hour longer in Berlin.
    assert_eq!(
        changes(nightly, "2026-10-24T12:00:00Z", 3),
        ["false", "2026-10-24T20:00:00Z", "2026-10-25T05:00:00Z", "2026-10-31T21:00:00Z"]
    );
    assert_eq!(
        changes("enabledUntil: 2026-11-30T18:00:00Z", "2026-11-30T17:59:59Z", 3),
        ["true", "2026-11-30T18:00:00Z"]
    );
    // Windows that touch are one; the end cuts the last.
    let touching = "enabledDuring: [{ from: \"08:00\", to: \"12:00\" }, { from: \"12:00\", to: \"24:00\" }], \
                    enabledUntil: 2026-11-02T10:00:00Z";
    assert_eq!(
        changes(touching, "2026-11-01T09:00:00Z", 9),
        ["true", "2026-11-02T00:00:00Z", "2026-11-02T08:00:00Z", "2026-11-02T10:00:00Z"]
    );
}

#[cfg(unix)]
mod folders {
    //! What only a real folder can be.

    use std::os::unix::fs::symlink;

    use super::*;

    fn messages(snapshot: &Snapshot) -> Vec<String> {
        snapshot.problems.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_commit_is_read_through_its_link_and_hidden_files_are_not() {
        let home = tempfile::tempdir().expect("a folder");
        let commit = "0123456789abcdef0123456789abcdef01234567";
        let tree = home.path().join(commit);
        fs::create_dir_all(tree.join("team/.git")).expect("a folder");
        for path in ["a.yaml", "team/b.yml", "team/c.json", "team/.git/d.yaml", "team/e.txt", ".f.yaml"] {
            fs::write(tree.join(path), "x").expect("a file");
        }
        symlink(commit, home.path().join("current")).expect("a link");
        let read = load::snapshot(&home.path().join("current")).expect("a snapshot");
        assert_eq!(&*read.revision.0, commit);
        assert_eq!(read.files.keys().collect::<Vec<_>>(), ["a.yaml", "team/b.yml", "team/c.json"]);
        assert_eq!(read.problems, []);
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let home = tempfile::tempdir().expect("a folder");
        let at = |path: &str| home.path().join("tree").join(path);
        fs::create_dir_all(at("deep")).expect("a folder");
        fs::write(home.path().join("outside.yaml"), "x").expect("a file");
        symlink(home.path().join("outside.yaml"), at("escape.yaml")).expect("a link");
        symlink("nowhere", at("lost.yaml")).expect("a link");
        symlink("..", at("deep/loop")).expect("a link");
        fs::write(at("large.json"), vec![b' '; 1024 * 1024 + 1]).expect("a file");
        let fifo = std::process::Command::new("mkfifo").arg(at("pipe.yaml")).status().expect("mkfifo");
        assert!(fifo.success());
        let read = load::snapshot(&home.path().join("tree")).expect("a snapshot");
        assert_eq!(
            messages(&read),
            [
                "deep/loop: this link leads to a folder that it lies in",
                "escape.yaml: this link leads out of the folder",
                "large.json: the file has more than 1024 KiB",
                "lost.yaml: the file vanished, or its link leads nowhere",
                "pipe.yaml: this is not a plain file, and was not opened",
            ]
        );
        let parsed = parse(&read);
        assert!(parsed.desired.broken_files.contains("escape.yaml"));
    }

    #[test]
    fn a_folder_that_is_none_is_said_so() {
        let home = tempfile::tempdir().expect("a folder");
        fs::write(home.path().join("file"), "x").expect("a file");
        let load = |path: &str| load::snapshot(&home.path().join(path));
        assert!(matches!(load("missing"), Err(LoadError::Missing { .. })));
        assert!(matches!(load("file"), Err(LoadError::NotAFolder { .. })));
        let Verdict { text, exit_code } = run(home.path(), false);
        assert_eq!(exit_code, 1);
        assert!(text.starts_with("error: the folder has no documents"), "{text}");
    }
}

/// Bytes, or something that looks much like a document.
fn any_file() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just("apiVersion: watchkeeper/v1\n".to_owned()),
        prop::sample::select(Kind::ALL.to_vec()).prop_map(|kind| format!("kind: {kind}\n")),
        Just("metadata: { name: a }\n".to_owned()),
        Just("spec:\n".to_owned()),
        Just("---\n".to_owned()),
        "  (logGroup|nodes|config|role|vpcs|rollout|enabledDuring|tags|trust|id|regions): [ -~]{0,30}\n",
        "(  |- |\\[|\\{|&a |\\*a|\"|\t){0,4}[ -~]{0,12}\n",
    ];
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..200),
        prop::collection::vec(piece, 0..14).prop_map(|pieces| pieces.concat().into_bytes()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    /// Nothing that can stand in a file stops the reader, and what it says can always be shown.
    #[test]
    fn reading_and_showing_are_total(yaml in any_file(), json in any_file()) {
        let files = [("a.yaml".to_owned(), Arc::from(yaml)), ("a.json".to_owned(), Arc::from(json))].into();
        let snapshot = Snapshot { revision: Revision::default(), files, problems: Vec::new() };
        let parsed = parse(&snapshot);
        let text = render(&parsed.problems, &snapshot, false);
        let is_plain = |c: char| c == '\n' || !c.is_control();
        prop_assert!(text.chars().all(is_plain), "{text:?}");
        prop_assert!(parsed.problems.iter().all(|problem: &Problem| !problem.message.is_empty()));
    }
}
