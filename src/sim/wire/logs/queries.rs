//! Queries of Logs Insights: started, read page by page, stopped.

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::paging::page;
use super::{
    AwsError, Outcome, bad_token, check_group_name, check_limit, constraint, group_of_identifier, invalid,
    parse,
};
use crate::sim::world::log_groups::query::{Pipeline, Query};
use crate::sim::world::{Place, World};

/// The most rows of a query.
const MOST_ROWS: usize = 100_000;
/// The most rows in a page of results.
const PAGE: usize = 10_000;
/// The most groups in a query.
const MOST_GROUPS: usize = 50;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Start {
    log_group_name: Option<String>,
    log_group_names: Option<Vec<String>>,
    log_group_identifiers: Option<Vec<String>>,
    start_time: i64,
    end_time: i64,
    query_string: String,
    limit: Option<i64>,
    query_language: Option<String>,
}

impl Start {
    /// The groups, named in exactly one of three ways.
    fn groups(&self, place: &Place) -> Result<Vec<String>, AwsError> {
        let named = match (&self.log_group_name, &self.log_group_names, &self.log_group_identifiers) {
            (Some(name), None, None) => vec![name.clone()],
            (None, Some(names), None) => names.clone(),
            (None, None, Some(identifiers)) => {
                identifiers.iter().map(|each| group_of_identifier(place, each)).collect::<Result<_, _>>()?
            }
            _ => return Err(invalid("Exactly one of the ways to name log groups must be used.")),
        };
        if named.is_empty() || named.len() > MOST_GROUPS {
            return Err(constraint(
                &named.len().to_string(),
                "logGroupNames",
                "Member must have length between 1 and 50",
            ));
        }
        named.iter().try_for_each(|name| check_group_name(name, "logGroupName"))?;
        Ok(named)
    }
}

pub(super) fn start(world: &mut World, place: &Place, input: Value) -> Outcome {
    let asked: Start = parse(input)?;
    let groups = asked.groups(place)?;
    if asked.query_language.as_deref().is_some_and(|language| language != "CWLI") {
        return Err(invalid("The simulator knows the query language CWLI only."));
    }
    if asked.start_time < 0 || asked.end_time < asked.start_time {
        return Err(invalid("End time should not be less than start time."));
    }
    let limit = asked.limit.map(|limit| check_limit(Some(limit), MOST_ROWS)).transpose()?;
    let pipeline = Pipeline::parse(&asked.query_string, limit)
        .map_err(|reason| AwsError::new("MalformedQueryException", reason))?;
    let query = Query {
        groups,
        pipeline,
        from: asked.start_time.saturating_mul(1000),
        to: asked.end_time.saturating_mul(1000),
        started: world.now(),
        runs: world.settings.query,
        stopped: None,
    };
    let id = world.uuid();
    world.region(place).log_groups.start_query(&id, query)?;
    Ok(json!({ "queryId": id }))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Results {
    query_id: String,
    next_token: Option<String>,
    max_items: Option<i64>,
}

pub(super) fn results(world: &mut World, place: &Place, input: Value) -> Outcome {
    let asked: Results = parse(input)?;
    let size = world.page_size(check_limit(asked.max_items, PAGE)?);
    let now = world.now();
    let groups = &mut world.region(place).log_groups;
    let query = groups.query(&asked.query_id)?.clone();
    let status = query.status(now);
    let found = if status == "Complete" { groups.results(&query) } else { Default::default() };
    let (rows, next) = page(&found.rows, asked.next_token.as_deref(), size).ok_or_else(bad_token)?;
    let rows: Vec<Value> = rows
        .iter()
        .map(|row| row.iter().map(|(name, value)| json!({ "field": name, "value": value })).collect())
        .collect();
    #[expect(clippy::cast_precision_loss, reason = "nobody counts that many rows")]
    let matched = found.matched as f64;
    Ok(json!({
        "queryLanguage": "CWLI",
        "status": status,
        "results": rows,
        "statistics": { "recordsMatched": matched, "recordsScanned": matched, "bytesScanned": matched * 100.0 },
        "nextToken": next,
    }))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Stop {
    query_id: String,
}

pub(super) fn stop(world: &mut World, place: &Place, input: Value) -> Outcome {
    let asked: Stop = parse(input)?;
    let now = world.now();
    let query = world.region(place).log_groups.query(&asked.query_id)?;
    if query.status(now) != "Running" {
        return Err(invalid("The specified query has ended already."));
    }
    query.stopped = Some(now);
    Ok(json!({ "success": true }))
}
