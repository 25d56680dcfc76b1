//! Families for CloudWatch: documents in its Embedded Metric Format, one line each.
//!
//! Whatever carries log lines to CloudWatch Logs (ECS's `awslogs` driver, FireLens, the agent) turns them into metrics:
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>.
//! CloudWatch adds up what it is told, so counters and histograms are told as what came since the last time; a
//! histogram as its sum and its count, whose quotient is the mean.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value as Json, json};

use super::catalogue::{Cloud, Def, Kind};
use super::family::{Family, Sample, Value, number};

/// Where the metrics are filed.
pub const NAMESPACE: &str = "Watchkeeper";
/// How many metrics a document may have.
const MOST_METRICS: usize = 100;
/// How often documents are written, in seconds.
pub const EVERY_SECONDS: u64 = 60;

/// What the metrics are of, and when they were read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The installation.
    pub installation: String,
    /// The account.
    pub account: String,
    /// The Region.
    pub region: String,
    /// When.
    pub at: Timestamp,
}

/// Remembers what counters were the last time.
#[derive(Clone, Debug, Default)]
pub struct Writer {
    before: BTreeMap<(String, Vec<String>), f64>,
}

/// One number that CloudWatch gets.
struct Datum {
    name: String,
    unit: &'static str,
    value: f64,
}

/// A dimension besides those of the place: its name and value.
type Extra = Option<(String, String)>;

impl Writer {
    /// The documents that tell `families`, in a stable order. Each is to be written as one line.
    pub fn documents(&mut self, families: &[Family], place: &Place) -> Vec<Json> {
        let mut groups: BTreeMap<Extra, Vec<Datum>> = BTreeMap::new();
        for family in families {
            for (extra, datum) in self.data(family) {
                groups.entry(extra).or_default().push(datum);
            }
        }
        let mut documents = Vec::new();
        for (extra, data) in &groups {
            documents.extend(data.chunks(MOST_METRICS).map(|data| document(place, extra.as_ref(), data)));
        }
        documents
    }

    fn data(&mut self, family: &Family) -> Vec<(Extra, Datum)> {
        let def = family.def;
        let mut sums: BTreeMap<Extra, Vec<f64>> = BTreeMap::new();
        for sample in &family.samples {
            let Some(extra) = extra_of(def, sample) else { continue };
            let values = self.since(def, sample);
            let held = sums.entry(extra).or_insert_with(|| vec![0.0; values.len()]);
            for (held, value) in held.iter_mut().zip(values) {
                *held += value;
            }
        }
        let parts = parts_of(def);
        let datum =
            |(part, unit): &(String, &'static str), value: f64| Datum { name: part.clone(), unit, value };
        sums.into_iter()
            .flat_map(|(extra, values)| {
                let data: Vec<_> = parts
                    .iter()
                    .zip(values)
                    .map(|(part, value)| (extra.clone(), datum(part, value)))
                    .collect();
                data
            })
            .collect()
    }

    /// What is told of a sample: what it is, or for what only grows, what came since the last time.
    fn since(&mut self, def: &Def, sample: &Sample) -> Vec<f64> {
        let mut grown = |part: &str, now: f64| {
            let key = (format!("{}{part}", def.name), sample.labels.clone());
            now - self.before.insert(key, now).unwrap_or(0.0)
        };
        match &sample.value {
            Value::Counted(counted) => {
                vec![grown("_sum", counted.sum), grown("_count", number(counted.count()))]
            }
            Value::Number(value) if def.kind == Kind::Counter => vec![grown("", *value)],
            Value::Number(value) => vec![*value],
        }
    }
}

/// The dimension of a sample besides the place; none when CloudWatch does not get the family.
fn extra_of(def: &Def, sample: &Sample) -> Option<Extra> {
    match def.cloud {
        Cloud::No => None,
        Cloud::Total => Some(None),
        Cloud::By(label) => {
            let at = def.labels.iter().position(|name| *name == label)?;
            // An empty dimension is none that CloudWatch takes.
            let value = sample.labels.get(at).filter(|value| !value.is_empty())?;
            Some(Some((dimension(label), value.clone())))
        }
    }
}

/// A label as a dimension is called: `Condition` for `condition`.
fn dimension(label: &str) -> String {
    let mut letters = label.chars();
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}

/// The metrics that a family becomes, with their units: its own name without `watchkeeper_`.
fn parts_of(def: &Def) -> Vec<(String, &'static str)> {
    let name = metric_name(def);
    let unit = match def.unit() {
        Some("seconds") => "Seconds",
        Some("bytes") => "Bytes",
        Some("ratio") => "None",
        _ => "Count",
    };
    match def.kind {
        Kind::Histogram(_) => vec![(format!("{name}_sum"), unit), (format!("{name}_count"), "Count")],
        _ => vec![(name.to_owned(), unit)],
    }
}

/// What CloudWatch calls a family.
pub fn metric_name(def: &Def) -> &'static str {
    def.name.strip_prefix("watchkeeper_").unwrap_or(def.name)
}

fn document(place: &Place, extra: Option<&(String, String)>, data: &[Datum]) -> Json {
    let dimensions = [
        ("Installation", place.installation.as_str()),
        ("Account", place.account.as_str()),
        ("Region", place.region.as_str()),
    ];
    let dimensions: Vec<(&str, &str)> =
        dimensions.into_iter().chain(extra.map(|(name, value)| (name.as_str(), value.as_str()))).collect();
    let names: Vec<&str> = dimensions.iter().map(|(name, _)| *name).collect();
    let metrics: Vec<Json> =
        data.iter().map(|datum| json!({ "Name": datum.name, "Unit": datum.unit })).collect();
    let mut root = Map::new();
    root.insert(
        "_aws".to_owned(),
        json!({
            "Timestamp": place.at.as_millisecond(),
            "CloudWatchMetrics": [{ "Namespace": NAMESPACE, "Dimensions": [names], "Metrics": metrics }],
        }),
    );
    root.extend(dimensions.into_iter().map(|(name, value)| (name.to_owned(), json!(value))));
    root.extend(data.iter().map(|datum| (datum.name.clone(), json!(datum.value))));
    Json::Object(root)
}
