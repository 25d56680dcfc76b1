//! CloudWatch on the wire: metrics and alarms, from AWS's service model of 2010-08-01.
//!
//! What metrics there are is in `world::metrics`. Metric math, anomaly detection and composite alarms are not here,
//! and alarms are not evaluated.

mod alarms;
mod metrics;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{AwsError, Operation, Outcome, Rate, Service, input};
use crate::sim::world::metrics::Dimensions;
use crate::sim::world::{Place, World};

/// The operations that this simulator implements, with the documented rates per account and Region.
pub const OPERATIONS: &[Operation] = &[
    read("ListMetrics", Rate::per_second(25.0), metrics::list),
    write("PutMetricData", Rate::per_second(500.0), metrics::put),
    read("GetMetricData", Rate::per_second(50.0), metrics::get_data),
    read("GetMetricStatistics", Rate::per_second(400.0), metrics::get_statistics),
    write("PutMetricAlarm", Rate::per_second(3.0), alarms::put),
    read("DescribeAlarms", Rate::per_second(9.0), alarms::describe),
    write("SetAlarmState", Rate::per_second(3.0), alarms::set_state),
    write("DeleteAlarms", Rate::per_second(3.0), alarms::delete),
];

type Run = fn(&mut World, &Place, Value) -> Outcome;

const fn write(name: &'static str, rate: Option<Rate>, run: Run) -> Operation {
    Operation { name, rate, writes: true, run }
}

const fn read(name: &'static str, rate: Option<Rate>, run: Run) -> Operation {
    Operation { name, rate, writes: false, run }
}

fn parse<T: DeserializeOwned>(value: Value) -> Result<T, AwsError> {
    input::read(Service::CloudWatch, value)
}

fn invalid(message: impl Into<String>) -> AwsError {
    AwsError::validation(Service::CloudWatch, message)
}

fn wrong_value(message: impl Into<String>) -> AwsError {
    AwsError::new("InvalidParameterValue", message)
}

fn bad_token() -> AwsError {
    AwsError::new("InvalidNextToken", "The next token specified is invalid.")
}

/// Checks a text's length.
fn check_length(text: &str, member: &str, least: usize, most: usize) -> Result<(), AwsError> {
    if (least..=most).contains(&text.chars().count()) {
        return Ok(());
    }
    Err(invalid(format!(
        "1 validation error detected: Value '{text}' at '{member}' failed to satisfy constraint: \
         Member must have length between {least} and {most}"
    )))
}

/// A dimension, both ways.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Dimension {
    name: String,
    value: String,
}

/// Reads dimensions: at most thirty, each name once.
fn dimensions(list: Option<Vec<Dimension>>) -> Result<Dimensions, AwsError> {
    let list = list.unwrap_or_default();
    let count = list.len();
    let found: Dimensions = list.into_iter().map(|each| (each.name, each.value)).collect();
    if count > 30 || found.len() < count {
        return Err(wrong_value(
            "The collection Dimensions must have at most 30 members with different names.",
        ));
    }
    for (name, value) in &found {
        check_length(name, "dimensions.member.name", 1, 255)?;
        check_length(value, "dimensions.member.value", 1, 1024)?;
    }
    Ok(found)
}

fn dimension_list(dimensions: &Dimensions) -> Value {
    dimensions.iter().map(|(name, value)| json!({ "Name": name, "Value": value })).collect()
}

/// Seconds since 1970 of a moment in milliseconds, as the wire has it.
#[expect(clippy::cast_precision_loss, reason = "milliseconds of any date we meet fit a float exactly")]
fn seconds(millis: i64) -> Value {
    json!(millis as f64 / 1000.0)
}

/// Milliseconds of a moment in seconds, as the wire has it.
#[expect(clippy::cast_possible_truncation, reason = "floats saturate, and no moment is that far away")]
fn millis(seconds: f64) -> i64 {
    (seconds * 1000.0).round() as i64
}
