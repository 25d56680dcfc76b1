//! The check of the agent's configuration: a table of good and bad ones with what each is told, layers, and the
//! promise that no bytes stop the reader.
//!
//! `tests/agent_config/{bad,good}.txt` hold the table: a name, the configuration, and one line for each finding. In
//! `bad` each has an error; in `good` none has. `UPDATE_GOLDEN=1` writes what is said now.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use proptest::prelude::*;
use watchkeeper::model::agent_config::{Checked, Layer, check_layers, check_text};
use watchkeeper::model::desired::{Revision, Severity, Snapshot, Spec, parse};

/// One row of the table.
struct Case {
    name: String,
    text: String,
    says: String,
}

fn table(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/agent_config").join(file)
}

fn cases(file: &str) -> Vec<Case> {
    let text = fs::read_to_string(table(file)).expect("the table");
    let rows = text.strip_prefix("== ").expect("a first row").split("\n== ");
    rows.map(|row| {
        let (name, rest) = row.split_once('\n').expect("a name");
        let (text, says) = rest.split_once("\n-- says\n").expect("a configuration, then what it is told");
        Case { name: name.to_owned(), text: text.to_owned(), says: says.trim_end().to_owned() }
    })
    .collect()
}

/// One line for each finding: how bad, where, what, and what to do.
fn said(checked: &Checked) -> String {
    let mut text = String::new();
    for finding in &checked.findings {
        let word = if finding.severity == Severity::Error { "error" } else { "warning" };
        let place = finding.at.map_or_else(String::new, |at| match checked.locate(at) {
            (Some(file), at) => format!("{file}:{}:{} ", at.line, at.column),
            (None, at) => format!("{}:{} ", at.line, at.column),
        });
        let help = finding.help.as_deref().unwrap_or("-");
        let _ = writeln!(text, "{word} {place}{}\n    help: {help}", finding.message);
    }
    text.trim_end().to_owned()
}

fn has_error(checked: &Checked) -> bool {
    checked.findings.iter().any(|finding| finding.severity == Severity::Error)
}

/// Holds every row of a table against what is said now.
fn judge(file: &str, is_bad: bool) {
    #[expect(clippy::disallowed_methods, reason = "only a person who updates the expectations sets it")]
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let mut wrong = String::new();
    let mut written = String::new();
    for case in cases(file) {
        let checked = check_text(&case.text);
        let says = said(&checked);
        let _ = write!(written, "== {}\n{}\n-- says\n{says}\n\n", case.name, case.text);
        if !update && says != case.says {
            let _ = writeln!(wrong, "== {}\n-- expected\n{}\n-- said\n{says}", case.name, case.says);
        }
        if has_error(&checked) != is_bad {
            let _ = writeln!(wrong, "== {}: an error is expected: {is_bad}", case.name);
        }
        if checked.findings.iter().any(|finding| finding.help.is_none() || finding.at.is_none()) {
            let _ = writeln!(wrong, "== {}: a finding without place or help", case.name);
        }
    }
    if update {
        fs::write(table(file), written).expect("write the table");
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn bad_configurations_are_told_what_is_wrong() {
    assert!(cases("bad.txt").len() >= 60);
    judge("bad.txt", true);
}

#[test]
fn good_configurations_are_not_refused() {
    judge("good.txt", false);
}

fn layers(texts: &[(&str, &str)]) -> (Option<String>, Checked) {
    let layers: Vec<Layer<'_>> =
        texts.iter().map(|(file, text)| Layer { file: Arc::from(*file), text }).collect();
    check_layers(&layers)
}

const BASE: &str = r#"{
  "agent": { "region": "eu-central-1", "metrics_collection_interval": 60 },
  "metrics": { "metrics_collected": {
    "mem": { "measurement": ["mem_used_percent"] },
    "procstat": [ { "exe": "sshd", "measurement": ["cpu_usage"] } ],
    "jmx": { "endpoint": "localhost:1", "jvm": { "measurement": ["a"] } }
  } },
  "logs": { "logs_collected": { "files": { "collect_list": [ { "file_path": "/var/log/messages" } ] } } }
}"#;

#[test]
fn layers_are_merged_by_the_agents_rules() {
    let web = r#"{
      "agent": { "region": "eu-central-1" },
      "metrics": { "metrics_collected": {
        "mem": { "measurement": ["mem_used_percent"] },
        "procstat": [ { "exe": "nginx", "measurement": ["cpu_usage"] }, { "measurement": ["cpu_usage"], "exe": "sshd" } ],
        "jmx": [ { "endpoint": "localhost:2", "jvm": { "measurement": ["a"] } } ]
      } },
      "logs": { "logs_collected": { "files": { "collect_list": [
        { "file_path": "/var/log/nginx.log" }, { "file_path": "/var/log/messages" } ] } } },
      "traces": { "traces_collected": { "xray": {} } }
    }"#;
    let (text, checked) = layers(&[("base.json", BASE), ("web.json", web)]);
    assert_eq!(said(&checked), "");
    let merged: serde_json::Value = serde_json::from_str(&text.expect("a configuration")).expect("JSON");
    let at = |pointer: &str| merged.pointer(pointer).cloned().unwrap_or_default();
    assert_eq!(at("/agent/metrics_collection_interval"), 60);
    assert_eq!(at("/metrics/metrics_collected/procstat/1/exe"), "nginx");
    assert_eq!(at("/metrics/metrics_collected/procstat").as_array().map(Vec::len), Some(2));
    assert_eq!(at("/metrics/metrics_collected/jmx").as_array().map(Vec::len), Some(2));
    let files = at("/logs/logs_collected/files/collect_list");
    assert_eq!(
        files,
        serde_json::json!([{ "file_path": "/var/log/messages" }, { "file_path": "/var/log/nginx.log" }])
    );
    assert_eq!(at("/traces/traces_collected/xray"), serde_json::json!({}));
    assert_eq!(log_groups(&checked), ["/var/log/messages", "/var/log/nginx"]);
}

fn log_groups(checked: &Checked) -> Vec<&str> {
    checked.log_groups.iter().map(String::as_str).collect()
}

#[test]
fn layers_that_contradict_each_other_are_named_with_both_places() {
    let web = "{\n  \"agent\": {\n    \"region\": \"us-east-1\" },\n  \"metrics\": { \"namespace\": \"Web\", \
               \"metrics_collected\": { \"mem\": { \"measurement\": [\"mem_used\"] } } }\n}";
    let (text, checked) = layers(&[("base.json", BASE), ("web.json", web)]);
    assert_eq!(text, None);
    assert_eq!(
        said(&checked),
        "error web.json:3:5 `agent.region`: this is `\"us-east-1\"` here and `\"eu-central-1\"` at base.json:2:14\n    \
         help: the agent refuses to merge different values: say it in one layer\n\
         error web.json:4:59 `metrics.metrics_collected.mem`: this is not the same as at base.json:4:5\n    \
         help: the agent refuses to merge different values: say it in one layer"
    );
}

#[test]
fn a_mistake_in_a_layer_is_named_in_its_own_file() {
    let (text, checked) = layers(&[("base.json", BASE), ("web.json", "{\n  \"agent\": { \"debug\": 1 }\n}")]);
    assert!(text.is_some(), "the layers fit together");
    assert!(
        said(&checked).starts_with("error web.json:2:23 `agent.debug`: true or false is expected"),
        "{checked:#?}"
    );
    let (text, checked) = layers(&[("base.json", BASE), ("web.json", "{\n  \"agent\": {,\n}")]);
    assert_eq!(text, None);
    assert!(said(&checked).starts_with("error web.json:2:13 this is not JSON"), "{}", said(&checked));
    // A retention in one layer and another in the next.
    let log = |days: u32, file: &str| {
        format!(
            r#"{{"logs":{{"logs_collected":{{"files":{{"collect_list":[
                {{"file_path":"{file}","log_group_name":"app","retention_in_days":{days}}}]}}}}}}}}"#
        )
    };
    let (_, checked) = layers(&[("a.json", &log(7, "/a.log")), ("b.json", &log(14, "/b.log"))]);
    assert!(
        said(&checked).contains("`app` is given 14 days here and 7 days at a.json:2:"),
        "{}",
        said(&checked)
    );
}

#[test]
fn moving_lines_of_layers_changes_nothing() {
    let one = layers(&[
        ("a.json", r#"{"agent":{"debug":true,"region":"r"}}"#),
        ("b.json", r#"{"traces":{"traces_collected":{"xray":{}}}}"#),
    ]);
    let two = layers(&[
        ("b.json", "{\"traces\" : {\"traces_collected\":\n{\"xray\":{}}}}"),
        ("a.json", r#"{"agent":{"region":"r","debug":true}}"#),
    ]);
    assert!(one.0.is_some());
    assert_eq!(one.0, two.0);
}

#[test]
fn one_file_keeps_its_bytes_and_several_become_sorted_json() {
    let base = "{\"traces\" :\t{\"traces_collected\":{\"xray\":{}}} }\r\n\n";
    let debug = "{ \"agent\": { \"debug\": true } }";
    let content = |files: &str| {
        let document = format!(
            "apiVersion: watchkeeper/v1\nkind: AgentConfig\nmetadata: {{ name: a }}\n\
             spec: {{ parameter: AmazonCloudWatch-a, configFiles: {files} }}\n"
        );
        let files = [("a.yaml", document.as_str()), ("base.json", base), ("debug.json", debug)];
        let files = files.map(|(path, text)| (path.to_owned(), Arc::from(text.as_bytes()))).into();
        let parsed = parse(&Snapshot { revision: Revision::default(), files, problems: Vec::new() });
        let object = parsed.desired.objects.into_values().next().expect("an object");
        match &object.spec {
            Spec::AgentConfig(config) => config.content.to_string(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(content("[base.json]"), base);
    assert_eq!(
        content("[base.json, debug.json]"),
        "{\n  \"agent\": {\n    \"debug\": true\n  },\n  \"traces\": {\n    \"traces_collected\": {\n      \
         \"xray\": {}\n    }\n  }\n}"
    );
}

#[test]
fn what_is_built_to_cost_time_costs_little() {
    let many_keys: Vec<String> = (0..60_000).map(|n| format!("\"k{n}\":{n}")).collect();
    let many_items: Vec<String> = (0..60_000).map(|n| format!("{{\"file_path\":\"/{n}\"}}")).collect();
    for text in [
        "[".repeat(1_000_000),
        "{\"a\":".repeat(200_000),
        format!("{{\"metrics\":{{{}}}}}", many_keys.join(",")),
        format!(
            "{{\"logs\":{{\"logs_collected\":{{\"files\":{{\"collect_list\":[{}]}}}}}}}}",
            many_items.join(",")
        ),
    ] {
        let checked = check_text(&text);
        assert!(has_error(&checked), "{}", &text[..40]);
        assert!(checked.findings.len() <= 101);
        let _ = layers(&[("a.json", &text), ("b.json", &text)]);
    }
}

#[test]
fn many_warnings_do_not_hide_an_error() {
    let repeated = vec!["\"debug\": true"; 300].join(", ");
    let checked = check_text(&format!("{{ \"agent\": {{ {repeated} }}, \"metrics\": {{}} }}"));
    assert!(has_error(&checked));
    assert!(checked.findings.len() <= 101);
}

/// Text that looks much like a configuration.
fn nearly() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("{".to_owned()),
        Just("}".to_owned()),
        Just("[".to_owned()),
        Just("]".to_owned()),
        Just(",".to_owned()),
        prop::sample::select(vec![
            "logs",
            "logs_collected",
            "files",
            "collect_list",
            "file_path",
            "metrics",
            "filters",
            "expression",
            "timestamp_format"
        ])
        .prop_map(|key| format!("\"{key}\":")),
        "\"[ -~]{0,12}\"",
        "-?[0-9]{1,25}(\\.[0-9]{1,3})?",
        Just("{\"expression\":\"(\"}".to_owned()),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_stops_the_reader(text in prop_oneof![any::<String>(), nearly()], expression in "[\\[\\](){}\\\\?*+|^a-c0-9:<>P,-]{0,20}") {
        let checked = check_text(&text);
        prop_assert!(checked.findings.iter().all(|finding| !finding.message.is_empty()));
        let _ = layers(&[("a.json", &text), ("b.json", &text)]);
        let filter = serde_json::json!({ "logs": { "logs_collected": { "files": { "collect_list": [
            { "file_path": "/a", "timestamp_format": expression, "filters": [{ "type": "include", "expression": expression }] }
        ] } } } });
        check_text(&filter.to_string());
    }

    /// What we read as JSON is what every other reader of JSON reads.
    #[test]
    fn json_is_what_everybody_takes_for_it(text in nearly()) {
        let ours = check_text(&text).findings.iter().any(|finding| finding.message.starts_with("this is not JSON"));
        prop_assert_eq!(ours, serde_json::from_str::<serde_json::Value>(&text).is_err(), "{}", text);
    }
}
