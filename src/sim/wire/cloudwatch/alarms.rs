//! Alarms of one metric. They keep what was put, and the state that `SetAlarmState` gave them.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::super::paging::page;
use super::{AwsError, Dimension, Outcome, bad_token, check_length, dimensions, invalid, parse, seconds};
use crate::sim::world::metrics::Alarm;
use crate::sim::world::{Place, World};

/// The most rows in a page, and names in a call.
const PAGE: usize = 100;
/// What a page holds where nobody says.
const USUAL_PAGE: usize = 50;
/// The states of an alarm.
const STATES: [&str; 3] = ["OK", "ALARM", "INSUFFICIENT_DATA"];
/// How a metric can be held against a threshold.
const COMPARISONS: [&str; 4] = [
    "GreaterThanOrEqualToThreshold",
    "GreaterThanThreshold",
    "LessThanThreshold",
    "LessThanOrEqualToThreshold",
];

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Put {
    alarm_name: String,
    alarm_description: Option<String>,
    actions_enabled: Option<bool>,
    #[serde(rename = "OKActions")]
    ok_actions: Option<Vec<String>>,
    alarm_actions: Option<Vec<String>>,
    insufficient_data_actions: Option<Vec<String>>,
    metric_name: String,
    namespace: String,
    statistic: String,
    dimensions: Option<Vec<Dimension>>,
    period: i64,
    evaluation_periods: i64,
    datapoints_to_alarm: Option<i64>,
    threshold: f64,
    comparison_operator: String,
    treat_missing_data: Option<String>,
    // Tags cannot be read back here.
    #[serde(rename = "Tags")]
    _tags: Option<Value>,
}

pub(super) fn put(world: &mut World, place: &Place, input: Value) -> Outcome {
    let asked: Put = parse(input)?;
    check_length(&asked.alarm_name, "alarmName", 1, 255)?;
    if !COMPARISONS.contains(&asked.comparison_operator.as_str()) {
        return Err(invalid(format!("'{}' at 'comparisonOperator' is not known", asked.comparison_operator)));
    }
    if asked.period < 1 || asked.evaluation_periods < 1 {
        return Err(invalid("Period and EvaluationPeriods must be greater than or equal to 1"));
    }
    let found = dimensions(asked.dimensions)?;
    let config = json!({
        "AlarmDescription": asked.alarm_description,
        "ActionsEnabled": asked.actions_enabled.unwrap_or(true),
        "OKActions": asked.ok_actions.unwrap_or_default(),
        "AlarmActions": asked.alarm_actions.unwrap_or_default(),
        "InsufficientDataActions": asked.insufficient_data_actions.unwrap_or_default(),
        "MetricName": asked.metric_name,
        "Namespace": asked.namespace,
        "Statistic": asked.statistic,
        "Dimensions": super::dimension_list(&found),
        "Period": asked.period,
        "EvaluationPeriods": asked.evaluation_periods,
        "DatapointsToAlarm": asked.datapoints_to_alarm,
        "Threshold": asked.threshold,
        "ComparisonOperator": asked.comparison_operator,
        "TreatMissingData": asked.treat_missing_data,
    });
    let Value::Object(config) = config else { return Ok(json!({})) };
    let now = world.now();
    let alarms = &mut world.region(place).metrics.alarms;
    let before = alarms.remove(&asked.alarm_name);
    // A changed alarm keeps its state (docs: PutMetricAlarm).
    let alarm = match before {
        Some(before) => Alarm { config, configured: now, ..before },
        None => Alarm {
            config,
            state: "INSUFFICIENT_DATA".to_owned(),
            reason: "Unchecked: Initial alarm creation".to_owned(),
            configured: now,
            changed: now,
        },
    };
    alarms.insert(asked.alarm_name, alarm);
    Ok(json!({}))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Describe {
    alarm_names: Option<Vec<String>>,
    alarm_name_prefix: Option<String>,
    alarm_types: Option<Vec<String>>,
    state_value: Option<String>,
    max_records: Option<i64>,
    next_token: Option<String>,
}

pub(super) fn describe(world: &mut World, place: &Place, input: Value) -> Outcome {
    let asked: Describe = parse(input)?;
    if asked.alarm_names.is_some() && asked.alarm_name_prefix.is_some() {
        let message = "AlarmNames and AlarmNamePrefix cannot both be specified.";
        return Err(AwsError::new("InvalidParameterCombination", message));
    }
    check_count(asked.alarm_names.as_deref())?;
    asked.state_value.as_deref().map_or(Ok(()), check_state)?;
    let most = match asked.max_records.map(usize::try_from) {
        None => USUAL_PAGE,
        Some(Ok(most)) if (1..=PAGE).contains(&most) => most,
        Some(_) => return Err(invalid("'maxRecords' must be between 1 and 100")),
    };
    let size = world.page_size(most);
    let with_plain =
        asked.alarm_types.as_ref().is_none_or(|types| types.iter().any(|each| each == "MetricAlarm"));
    let arn = |name: &str| format!("arn:aws:cloudwatch:{}:{}:alarm:{name}", place.region, place.account);
    let is_meant = |name: &String, alarm: &Alarm| {
        with_plain
            && asked.alarm_names.as_ref().is_none_or(|names| names.contains(name))
            && asked.alarm_name_prefix.as_ref().is_none_or(|prefix| name.starts_with(prefix.as_str()))
            && asked.state_value.as_ref().is_none_or(|state| *state == alarm.state)
    };
    let alarms = &world.region(place).metrics.alarms;
    let found: Vec<(&String, &Alarm)> = alarms.iter().filter(|(name, alarm)| is_meant(name, alarm)).collect();
    let (rows, next) = page(&found, asked.next_token.as_deref(), size).ok_or_else(bad_token)?;
    let rows: Vec<Value> = rows.iter().map(|(name, alarm)| row(name, &arn(name), alarm)).collect();
    Ok(json!({ "MetricAlarms": rows, "CompositeAlarms": [], "NextToken": next }))
}

fn row(name: &str, arn: &str, alarm: &Alarm) -> Value {
    let mut row: Map<String, Value> = alarm.config.clone();
    row.extend([
        ("AlarmName".to_owned(), json!(name)),
        ("AlarmArn".to_owned(), json!(arn)),
        ("StateValue".to_owned(), json!(alarm.state)),
        ("StateReason".to_owned(), json!(alarm.reason)),
        ("StateUpdatedTimestamp".to_owned(), seconds(alarm.changed.as_millisecond())),
        ("StateTransitionedTimestamp".to_owned(), seconds(alarm.changed.as_millisecond())),
        ("AlarmConfigurationUpdatedTimestamp".to_owned(), seconds(alarm.configured.as_millisecond())),
    ]);
    Value::Object(row)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct SetState {
    alarm_name: String,
    state_value: String,
    state_reason: String,
    #[serde(rename = "StateReasonData")]
    _data: Option<String>,
}

pub(super) fn set_state(world: &mut World, place: &Place, input: Value) -> Outcome {
    let asked: SetState = parse(input)?;
    check_state(&asked.state_value)?;
    let now = world.now();
    let alarm = world.region(place).metrics.alarms.get_mut(&asked.alarm_name).ok_or_else(no_such_alarm)?;
    alarm.state = asked.state_value;
    alarm.reason = asked.state_reason;
    alarm.changed = now;
    Ok(json!({}))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Delete {
    alarm_names: Vec<String>,
}

pub(super) fn delete(world: &mut World, place: &Place, input: Value) -> Outcome {
    let asked: Delete = parse(input)?;
    check_count(Some(&asked.alarm_names))?;
    let alarms = &mut world.region(place).metrics.alarms;
    // One that is missing keeps all of them (docs: DeleteAlarms).
    if asked.alarm_names.iter().any(|name| !alarms.contains_key(name)) {
        return Err(no_such_alarm());
    }
    alarms.retain(|name, _| !asked.alarm_names.contains(name));
    Ok(json!({}))
}

fn check_count(names: Option<&[String]>) -> Result<(), AwsError> {
    match names {
        Some(names) if names.len() > PAGE => Err(invalid("'alarmNames' must have at most 100 members")),
        _ => Ok(()),
    }
}

fn check_state(state: &str) -> Result<(), AwsError> {
    if STATES.contains(&state) {
        return Ok(());
    }
    Err(invalid(format!("'{state}' at 'stateValue' must be one of OK, ALARM, INSUFFICIENT_DATA")))
}

fn no_such_alarm() -> AwsError {
    AwsError::new("ResourceNotFound", "An alarm with that name does not exist.").with_status(404)
}
