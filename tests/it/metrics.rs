//! Metrics of a simulated estate; and the papers about them (documentation, dashboards, alerts), held against the code.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use jiff::SignedDuration;
use serde_json::Value as Json;
use tokio::sync::watch;
use watchkeeper::journal::SinkState;
use watchkeeper::metrics::Metrics;
use watchkeeper::metrics::catalogue::{self, ALL, Cloud, Def, Kind};
use watchkeeper::metrics::emf::{NAMESPACE, Place, Writer, metric_name};
use watchkeeper::metrics::family::{Family, Value};
use watchkeeper::metrics::text::Format;
use watchkeeper::model::desired::Kind as DocumentKind;
use watchkeeper::model::picture::Picture;
use watchkeeper::model::reason::Reason;
use watchkeeper::sim::world::flow_logs;

use crate::estate::Estate;

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect(path)
}

/// An estate, with metrics that are told of every pass.
struct Measured {
    estate: Estate,
    pictures: watch::Sender<Option<Arc<Picture>>>,
    metrics: Metrics,
}

impl Measured {
    fn new(seed: u64) -> Self {
        let estate = Estate::example_corp(seed);
        let pictures = watch::Sender::new(None);
        let (clients, clock) = (estate.scope.clients.clone(), estate.clock.clone());
        let metrics = Metrics::new(clients, clock, estate.scope.rules.interval, pictures.subscribe());
        Self { estate, pictures, metrics }
    }

    async fn live(&mut self, time: SignedDuration) {
        let until = self.estate.clock.now() + time;
        while self.estate.clock.now() < until {
            let begun = self.estate.clock.now();
            let passed = self.estate.pass().await;
            self.metrics.passed(begun, &passed, self.estate.scope.observed.commands_under_way());
            self.pictures.send_replace(Some(passed.picture.clone()));
            let now = self.estate.clock.now();
            let next = self.estate.scope.next_due(&passed, now).max(now + SignedDuration::from_millis(500));
            self.estate.clock.sleep(next.duration_since(now).unsigned_abs()).await;
        }
    }

    fn value(&self, def: &Def, labels: &[&str]) -> Option<f64> {
        let families = self.metrics.families(&[]);
        let family = families.iter().find(|family| *family.def == *def)?;
        let sample = family.samples.iter().find(|sample| sample.labels == labels)?;
        Some(match &sample.value {
            Value::Number(value) => *value,
            #[expect(clippy::cast_precision_loss, reason = "a small count")]
            Value::Counted(counted) => counted.count() as f64,
        })
    }
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_seen_in_the_numbers_and_so_is_its_end() {
    let mut measured = Measured::new(7);
    assert_eq!(measured.value(&catalogue::LAST_PASS, &[]), None, "what is not known is left out");
    measured.live(SignedDuration::from_mins(40)).await;
    assert_eq!(measured.value(&catalogue::OBJECTS, &["FlowLog", "Ready"]), Some(1.0));
    let mended = measured.value(&catalogue::TIME_TO_CONVERGE, &["drift"]).expect("a histogram");
    let ready = measured.value(&catalogue::TIME_TO_CONVERGE, &["object"]).expect("a histogram");
    assert!(mended >= 5.0 && ready >= 5.0, "{mended}, {ready}");

    let place = measured.estate.place.clone();
    measured.estate.sim.world(|world| {
        let living = world.region(&place).flow_logs.living();
        let ids: Vec<String> = living.map(|row| row.id.to_string()).collect();
        assert!(!ids.is_empty());
        for id in ids {
            flow_logs::delete(world, &place, &id).expect("it was there");
        }
    });
    measured.live(SignedDuration::from_mins(15)).await;
    assert_eq!(measured.value(&catalogue::OBJECTS, &["FlowLog", "Ready"]), Some(1.0), "made again");
    let after = measured.value(&catalogue::TIME_TO_CONVERGE, &["drift"]).expect("a histogram");
    assert!(after > mended, "{after} after {mended}");
    let passes = measured.value(&catalogue::RECONCILE, &["success"]).expect("a counter");
    assert!(passes > 10.0, "{passes}");
    assert_eq!(measured.value(&catalogue::PASS_OVERDUE, &[]), Some(0.0));
    measured.estate.wait(SignedDuration::from_mins(10)).await;
    assert_eq!(measured.value(&catalogue::PASS_OVERDUE, &[]), Some(1.0), "nobody ran a pass");
}

#[tokio::test(start_paused = true)]
async fn the_number_of_series_does_not_grow_with_the_estate() {
    let mut measured = Measured::new(8);
    measured.live(SignedDuration::from_mins(5)).await;
    let ids: Vec<String> = {
        let picture = measured.pictures.borrow();
        let picture = picture.as_ref().expect("a picture");
        let names = picture.parts.iter().map(|part| part.name.to_string()).filter(|name| !name.is_empty());
        picture.parts.iter().map(|part| part.id.to_string()).chain(names).collect()
    };
    let text = Format::Prometheus.write(&measured.metrics.families(&[]));
    for id in ids {
        assert!(!text.contains(&format!("\"{id}\"")), "{id} is a label");
    }
    for family in measured.metrics.families(&[]) {
        let series: BTreeSet<&Vec<String>> = family.samples.iter().map(|sample| &sample.labels).collect();
        assert_eq!(series.len(), family.samples.len(), "{} tells a series twice", family.def.name);
        assert!(family.samples.iter().all(|sample| sample.labels.len() == family.def.labels.len()));
    }
}

#[tokio::test(start_paused = true)]
async fn every_family_can_be_told_and_the_order_is_the_catalogues() {
    let mut measured = Measured::new(9);
    measured.live(SignedDuration::from_mins(5)).await;
    let sink = SinkState {
        name: "logs".to_owned(),
        queued: 3,
        queued_bytes: 900,
        delivered: 9,
        dropped: 1,
        failing_since: Some(measured.estate.clock.now()),
        last_error: None,
    };
    let families = measured.metrics.families(&[sink]);
    let told: Vec<&str> = families.iter().map(|family| family.def.name).collect();
    let all: Vec<&str> = ALL.iter().map(|def| def.name).collect();
    assert_eq!(told, all);
    let text = Format::OpenMetrics.write(&families);
    assert!(text.contains("watchkeeper_sink_failing{sink=\"logs\"} 1\n"), "{text}");
    let kinds = DocumentKind::ALL.iter().filter(|kind| **kind != DocumentKind::Account);
    for kind in kinds {
        assert!(
            text.contains(&format!("watchkeeper_objects{{kind=\"{kind}\",condition=\"Held\"}}")),
            "{kind}"
        );
    }
}

/// The rules of the format, from AWS's "Specification: Embedded metric format".
fn assert_is_emf(document: &Json) {
    let root = document.as_object().expect("an object");
    let meta = root["_aws"].as_object().expect("metadata");
    assert!(meta["Timestamp"].is_u64(), "milliseconds since 1970");
    for directive in meta["CloudWatchMetrics"].as_array().expect("directives") {
        let namespace = directive["Namespace"].as_str().expect("a namespace");
        assert!((1..=1024).contains(&namespace.len()));
        let sets = directive["Dimensions"].as_array().expect("dimension sets");
        assert!(!sets.is_empty());
        for set in sets {
            let names = set.as_array().expect("a set");
            assert!(names.len() <= 30);
            for name in names {
                let name = name.as_str().expect("a dimension");
                assert!((1..=250).contains(&name.len()) && name.is_ascii() && !name.starts_with(':'));
                let value = root[name].as_str().expect("its value is text");
                assert!((1..=1024).contains(&value.len()), "{name}");
            }
        }
        let metrics = directive["Metrics"].as_array().expect("metrics");
        assert!((1..=100).contains(&metrics.len()));
        let names: BTreeSet<&str> =
            metrics.iter().map(|metric| metric["Name"].as_str().expect("a name")).collect();
        assert_eq!(names.len(), metrics.len(), "a metric twice");
        for metric in metrics {
            let unit = metric["Unit"].as_str().expect("a unit");
            assert!(["Seconds", "Bytes", "Count", "None"].contains(&unit), "{unit}");
            let value = &root[metric["Name"].as_str().expect("a name")];
            assert!(value.as_f64().is_some_and(f64::is_finite), "{metric}: {value}");
        }
    }
    assert!(document.to_string().len() < 256 * 1024 && !document.to_string().contains('\n'));
}

#[tokio::test(start_paused = true)]
async fn cloudwatch_gets_documents_that_it_takes_and_counters_as_what_came_since() {
    let mut measured = Measured::new(10);
    assert_eq!(measured.metrics.place(), None);
    measured.live(SignedDuration::from_mins(5)).await;
    let mut writer = Writer::default();
    let place = measured.metrics.place().expect("a pass has ended");
    let first = writer.documents(&measured.metrics.families(&[]), &place);
    let again = writer.documents(&measured.metrics.families(&[]), &place);
    assert!((5..60).contains(&first.len()), "{}", first.len());
    first.iter().chain(&again).for_each(assert_is_emf);

    let total = |documents: &[Json], name: &str| -> f64 {
        documents.iter().filter_map(|document| document.get(name)?.as_f64()).sum()
    };
    assert!(total(&first, "reconcile_time_seconds_count") > 1.0);
    assert!(total(&again, "reconcile_time_seconds_count").abs() < 0.5, "no pass came since");
    assert!(total(&first, "events") > 5.0 && total(&again, "events").abs() < 0.5);
    let nodes = (total(&first, "nodes"), total(&again, "nodes"));
    assert!(nodes.0 > 5.0 && (nodes.0 - nodes.1).abs() < 0.5, "a gauge stays: {nodes:?}");
    let ready = first.iter().find(|document| document["Condition"] == "Ready").expect("a dimension");
    assert!(ready["nodes"].is_number() && ready["objects"].is_number(), "{ready}");
}

#[test]
fn a_document_for_cloudwatch_has_at_most_a_hundred_metrics_whatever_comes() {
    let family = || Family::single(&catalogue::COMMANDS, 1.0);
    let families: Vec<Family> = (0..250).map(|_| family()).collect();
    let place = Place {
        installation: "default".to_owned(),
        account: "111122223333".to_owned(),
        region: "us-east-1".to_owned(),
        at: "2026-01-01T00:00:00Z".parse().expect("a timestamp"),
    };
    let documents = Writer::default().documents(&families, &place);
    assert_eq!(documents.len(), 3);
    assert_eq!(documents[0]["_aws"]["Timestamp"], 1_767_225_600_000_u64);
}

#[test]
fn the_documentation_has_every_metric_and_no_other() {
    let text = read("docs/metrics.md");
    let told: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with("| `watchkeeper_") || line.starts_with("| `process_"))
        .collect();
    let rows: Vec<String> = ALL.iter().map(|def| row(def)).collect();
    assert_eq!(told, rows, "docs/metrics.md");
}

/// A metric's row in the documentation.
fn row(def: &Def) -> String {
    let labels: Vec<String> = def.labels.iter().map(|label| format!("`{label}`")).collect();
    let labels = if labels.is_empty() { "–".to_owned() } else { labels.join(", ") };
    let kind = match def.kind {
        Kind::Counter => "counter",
        Kind::Gauge => "gauge",
        Kind::Histogram(_) => "histogram",
        Kind::Info => "info",
    };
    let cloud = match def.cloud {
        Cloud::No => "–".to_owned(),
        Cloud::Total => "yes".to_owned(),
        Cloud::By(label) => format!("by `{}`", capital(label)),
    };
    format!("| `{}` | {kind} | {labels} | {cloud} | {} |", def.full_name(), def.help)
}

fn capital(word: &str) -> String {
    let (first, rest) = word.split_at(1);
    format!("{}{rest}", first.to_ascii_uppercase())
}

/// The metrics that a text names.
fn named(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    words
        .filter(|word| word.starts_with("watchkeeper_") || word.starts_with("process_"))
        .map(str::to_owned)
        .collect()
}

/// Every name under which a query finds something.
fn series() -> BTreeSet<String> {
    let names = ALL.iter().flat_map(|def| match def.kind {
        Kind::Histogram(_) => ["_bucket", "_sum", "_count"].map(|end| format!("{}{end}", def.name)).to_vec(),
        _ => vec![def.full_name()],
    });
    names.collect()
}

#[test]
fn dashboards_and_alerts_name_only_metrics_that_there_are() {
    let series = series();
    for path in ["deploy/alerts.rules.yml", "deploy/alerts.tests.yml", "deploy/grafana/watchkeeper.json"] {
        let unknown: Vec<String> = named(&read(path)).difference(&series).cloned().collect();
        assert!(unknown.is_empty(), "{path}: {unknown:?}");
    }
}

#[test]
fn the_grafana_dashboard_shows_every_metric() {
    let text = read("deploy/grafana/watchkeeper.json");
    let shown = named(&text);
    for def in ALL {
        let is_shown =
            shown.iter().any(|name| *name == def.full_name() || *name == format!("{}_bucket", def.name));
        assert!(is_shown, "{} is on no panel", def.full_name());
    }
    let dashboard: Json = serde_json::from_str(&text).expect("JSON");
    let panels = dashboard["panels"].as_array().expect("panels");
    let ids: BTreeSet<u64> = panels.iter().map(|panel| panel["id"].as_u64().expect("an id")).collect();
    assert_eq!(ids.len(), panels.len(), "ids are unique");
    let mut taken = BTreeSet::new();
    for panel in panels {
        let at = |key: &str| panel["gridPos"][key].as_u64().expect("a position");
        assert!(at("x") + at("w") <= 24, "{}", panel["title"]);
        for x in at("x")..at("x") + at("w") {
            for y in at("y")..at("y") + at("h") {
                assert!(taken.insert((x, y)), "{} lies over another", panel["title"]);
            }
        }
        let targets = panel["targets"].as_array().into_iter().flatten();
        for target in targets {
            assert_eq!(target["datasource"]["uid"], "${datasource}", "{}", panel["title"]);
        }
    }
}

#[test]
fn every_alert_leads_to_a_section_that_there_is_and_has_a_test() {
    let rules = read("deploy/alerts.rules.yml");
    let tests = read("deploy/alerts.tests.yml");
    let of = |key: &str| -> Vec<String> {
        let lines = rules.lines().filter_map(|line| line.trim().trim_start_matches("- ").strip_prefix(key));
        lines.map(|value| value.trim().to_owned()).collect()
    };
    let alerts = of("alert:");
    assert!(alerts.len() > 15);
    for key in ["severity:", "summary:", "description:", "runbook_url:"] {
        assert_eq!(of(key).len(), alerts.len(), "{key}");
    }
    for alert in &alerts {
        assert!(tests.contains(&format!("  - name: {alert}\n")), "{alert} has no test");
    }
    let sections: BTreeSet<String> = read("docs/metrics.md")
        .lines()
        .filter_map(|line| line.strip_prefix("### "))
        .map(str::to_ascii_lowercase)
        .collect();
    let reasons: BTreeSet<String> =
        Reason::ALL.iter().map(|reason| reason.word().to_ascii_lowercase()).collect();
    let cloud = read("deploy/cloudwatch-dashboard.yaml");
    let links = rules.lines().chain(cloud.lines()).filter_map(|line| line.split_once("/blob/main/docs/"));
    for (_, link) in links {
        let (page, anchor) = link.trim_end_matches('"').split_once('#').expect("a section");
        let known = if page == "runbook.md" { &reasons } else { &sections };
        assert!(known.contains(anchor), "{link}");
    }
}

#[test]
fn the_cloudwatch_dashboard_names_only_what_cloudwatch_gets() {
    let text = read("deploy/cloudwatch-dashboard.yaml");
    let mut gets = BTreeSet::new();
    for def in ALL.iter().filter(|def| def.cloud != Cloud::No) {
        let dimension = match def.cloud {
            Cloud::By(label) => capital(label),
            _ => String::new(),
        };
        let name = metric_name(def);
        match def.kind {
            Kind::Histogram(_) => {
                gets.extend(["_sum", "_count"].map(|end| (format!("{name}{end}"), dimension.clone())));
            }
            _ => drop(gets.insert((name.to_owned(), dimension))),
        }
    }
    let mut names = BTreeSet::new();
    for line in text.lines() {
        if let Some((_, rest)) = line.split_once(&format!("[\"{NAMESPACE}\", \"")) {
            let words: Vec<&str> = rest.split('"').collect();
            let extra = words.iter().position(|word| *word == "Region").and_then(|at| words.get(at + 4));
            let extra = extra.filter(|word| word.starts_with(|c: char| c.is_ascii_uppercase()));
            names.insert((words[0].to_owned(), (*extra.unwrap_or(&"")).to_owned()));
        }
        if let Some((_, rest)) = line.split_once("Account,Region,") {
            let dimension = rest.split('}').next().expect("a dimension");
            let name = rest.split("MetricName=\\\"").nth(1).and_then(|rest| rest.split('\\').next());
            names.insert((name.expect("a metric").to_owned(), dimension.to_owned()));
        }
        if let Some(name) = line.trim().strip_prefix("MetricName: ") {
            assert!(gets.iter().any(|(known, _)| known == name), "{name}");
        }
    }
    assert!(names.len() > 15, "{names:?}");
    let unknown: Vec<&(String, String)> = names.difference(&gets).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}
