//! Metrics: listed, put, read.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::super::paging::page;
use super::{
    AwsError, Dimension, Outcome, bad_token, check_length, dimension_list, dimensions, invalid, millis,
    parse, seconds, wrong_value,
};
use crate::sim::world::metrics::{Series, Wanted};
use crate::sim::world::{Place, World};

/// Rows in a page of `ListMetrics`; there is no choice.
const PAGE: usize = 500;
/// The most metrics in one `PutMetricData`.
const MOST_PUT: usize = 1_000;
/// The most data points that `GetMetricStatistics` gives.
const MOST_POINTS: usize = 1_440;
/// The most queries in one `GetMetricData`.
const MOST_QUERIES: usize = 500;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct List {
    namespace: Option<String>,
    metric_name: Option<String>,
    dimensions: Option<Vec<Filter>>,
    next_token: Option<String>,
    recently_active: Option<String>,
    // There are no linked accounts here.
    #[serde(rename = "IncludeLinkedAccounts")]
    _linked: Option<bool>,
    #[serde(rename = "OwningAccount")]
    _owner: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Filter {
    name: String,
    value: Option<String>,
}

pub(super) fn list(world: &mut World, place: &Place, input: Value) -> Outcome {
    let asked: List = parse(input)?;
    for (text, member) in [(&asked.namespace, "namespace"), (&asked.metric_name, "metricName")] {
        text.as_ref().map_or(Ok(()), |text| check_length(text, member, 1, 255))?;
    }
    let filters = asked.dimensions.unwrap_or_default();
    if filters.len() > 10 {
        return Err(invalid("1 validation error detected: 'dimensions' must have at most 10 members"));
    }
    let recent = match asked.recently_active.as_deref() {
        None => false,
        Some("PT3H") => true,
        Some(other) => {
            return Err(invalid(format!(
                "1 validation error detected: Value '{other}' at 'recentlyActive' failed to satisfy constraint: \
                 Member must satisfy enum value set: [PT3H]"
            )));
        }
    };
    let wanted = Wanted {
        namespace: asked.namespace,
        name: asked.metric_name,
        dimensions: filters.into_iter().map(|filter| (filter.name, filter.value)).collect(),
        recent,
    };
    let size = world.page_size(PAGE);
    let (now, lag) = (world.now(), world.settings.metric_lag);
    let found = world.region(place).metrics.list(now, lag, &wanted);
    let (rows, next) = page(&found, asked.next_token.as_deref(), size).ok_or_else(bad_token)?;
    let rows: Vec<Value> = rows.iter().map(row).collect();
    Ok(json!({ "Metrics": rows, "NextToken": next }))
}

fn row(series: &Series) -> Value {
    json!({
        "Namespace": series.namespace,
        "MetricName": series.name,
        "Dimensions": dimension_list(&series.dimensions),
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Put {
    namespace: String,
    metric_data: Vec<Datum>,
    #[serde(rename = "StrictEntityValidation")]
    _strict: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Datum {
    metric_name: String,
    dimensions: Option<Vec<Dimension>>,
    timestamp: Option<f64>,
    value: Option<f64>,
    #[serde(rename = "Unit")]
    _unit: Option<String>,
    #[serde(rename = "StorageResolution")]
    _resolution: Option<i64>,
}

pub(super) fn put(world: &mut World, place: &Place, input: Value) -> Outcome {
    let asked: Put = parse(input)?;
    check_length(&asked.namespace, "namespace", 1, 255)?;
    if asked.metric_data.is_empty() || asked.metric_data.len() > MOST_PUT {
        return Err(wrong_value("The collection MetricData must have 1 to 1000 members."));
    }
    let now = world.now();
    let mut points = Vec::new();
    for datum in asked.metric_data {
        check_length(&datum.metric_name, "metricData.member.metricName", 1, 255)?;
        let at = datum.timestamp.map_or(Some(now), |at| Timestamp::from_millisecond(millis(at)).ok());
        let at = at.ok_or_else(|| wrong_value("The parameter Timestamp is no moment."))?;
        let value = datum
            .value
            .ok_or_else(|| AwsError::new("MissingParameter", "The parameter Value is required."))?;
        let dimensions = dimensions(datum.dimensions)?;
        let series = Series { namespace: asked.namespace.clone(), name: datum.metric_name, dimensions };
        points.push((series, at, value));
    }
    let metrics = &mut world.region(place).metrics;
    for (series, at, value) in points {
        metrics.put(series, at, value);
    }
    Ok(json!({}))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Statistics {
    namespace: String,
    metric_name: String,
    dimensions: Option<Vec<Dimension>>,
    start_time: f64,
    end_time: f64,
    period: i64,
    statistics: Option<Vec<String>>,
    #[serde(rename = "Unit")]
    _unit: Option<String>,
}

pub(super) fn get_statistics(world: &mut World, place: &Place, input: Value) -> Outcome {
    let asked: Statistics = parse(input)?;
    let names = asked.statistics.unwrap_or_default();
    if names.is_empty() {
        let message = "At least one of the parameters Statistics and ExtendedStatistics must be specified.";
        return Err(AwsError::new("InvalidParameterCombination", message));
    }
    let series = Series {
        namespace: asked.namespace,
        name: asked.metric_name,
        dimensions: dimensions(asked.dimensions)?,
    };
    let periods = periods(world, place, &series, (asked.start_time, asked.end_time), asked.period)?;
    if periods.len() > MOST_POINTS {
        let message = format!(
            "You have requested up to {} datapoints, which exceeds the limit of {MOST_POINTS}.",
            periods.len()
        );
        return Err(AwsError::new("InvalidParameterCombination", message));
    }
    let mut rows = Vec::new();
    for (start, values) in periods {
        let mut datapoint =
            Map::from_iter([("Timestamp".to_owned(), seconds(start)), ("Unit".to_owned(), json!("None"))]);
        for name in &names {
            datapoint.insert(name.clone(), json!(statistic(name, &values)?));
        }
        rows.push(Value::Object(datapoint));
    }
    Ok(json!({ "Label": series.name, "Datapoints": rows }))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Data {
    metric_data_queries: Vec<Query>,
    start_time: f64,
    end_time: f64,
    scan_by: Option<String>,
    // Answers here have one page.
    #[serde(rename = "NextToken")]
    _token: Option<String>,
    #[serde(rename = "MaxDatapoints")]
    _most: Option<i64>,
    #[serde(rename = "LabelOptions")]
    _labels: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Query {
    id: String,
    metric_stat: Option<MetricStat>,
    label: Option<String>,
    return_data: Option<bool>,
    #[serde(rename = "AccountId")]
    _account: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct MetricStat {
    metric: Metric,
    period: i64,
    stat: String,
    #[serde(rename = "Unit")]
    _unit: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Metric {
    namespace: String,
    metric_name: String,
    dimensions: Option<Vec<Dimension>>,
}

pub(super) fn get_data(world: &mut World, place: &Place, input: Value) -> Outcome {
    let asked: Data = parse(input)?;
    if asked.metric_data_queries.is_empty() || asked.metric_data_queries.len() > MOST_QUERIES {
        return Err(invalid("The collection MetricDataQueries must have 1 to 500 members."));
    }
    let is_ascending = asked.scan_by.as_deref() == Some("TimestampAscending");
    let mut results = Vec::new();
    for query in asked.metric_data_queries.into_iter().filter(|query| query.return_data != Some(false)) {
        let MetricStat { metric, period, stat, _unit } = query
            .metric_stat
            .ok_or_else(|| invalid("The simulator has no metric math: a query needs MetricStat."))?;
        let series = Series {
            namespace: metric.namespace,
            name: metric.metric_name,
            dimensions: dimensions(metric.dimensions)?,
        };
        let periods = periods(world, place, &series, (asked.start_time, asked.end_time), period)?;
        let mut points: Vec<(i64, f64)> = Vec::new();
        for (start, values) in periods {
            points.push((start, statistic(&stat, &values)?));
        }
        if !is_ascending {
            points.reverse();
        }
        results.push(json!({
            "Id": query.id,
            "Label": query.label.unwrap_or(series.name),
            "Timestamps": points.iter().map(|(at, _)| seconds(*at)).collect::<Vec<_>>(),
            "Values": points.iter().map(|(_, value)| *value).collect::<Vec<_>>(),
            "StatusCode": "Complete",
        }));
    }
    Ok(json!({ "MetricDataResults": results, "Messages": [] }))
}

/// The values of one series by period, each with its beginning in milliseconds. Periods without values are left out.
fn periods(
    world: &mut World,
    place: &Place,
    series: &Series,
    (start, end): (f64, f64),
    period: i64,
) -> Result<BTreeMap<i64, Vec<f64>>, AwsError> {
    if start >= end {
        let message = "The parameter StartTime must be less than the parameter EndTime.";
        return Err(AwsError::new("InvalidParameterCombination", message));
    }
    if !matches!(period, 1 | 5 | 10 | 20 | 30) && (period < 60 || period % 60 != 0) {
        return Err(wrong_value("The parameter Period must be 1, 5, 10, 20, 30 or a multiple of 60."));
    }
    let now = world.now();
    let points = world.region(place).metrics.points(series, millis(start), millis(end), now);
    let mut found: BTreeMap<i64, Vec<f64>> = BTreeMap::new();
    let length = period.saturating_mul(1000);
    for (at, value) in points {
        found.entry(at - at.rem_euclid(length)).or_default().push(value);
    }
    Ok(found)
}

#[expect(clippy::cast_precision_loss, reason = "nobody counts that many values")]
fn statistic(name: &str, values: &[f64]) -> Result<f64, AwsError> {
    let sum: f64 = values.iter().sum();
    let count = values.len() as f64;
    Ok(match name {
        "SampleCount" => count,
        "Sum" => sum,
        "Average" => sum / count.max(1.0),
        "Minimum" => values.iter().copied().fold(f64::INFINITY, f64::min),
        "Maximum" => values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        other => return Err(wrong_value(format!("The simulator does not know the statistic {other}."))),
    })
}
