//! State Manager's operations.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Outcome, Target, after, page_of_map, page_size, read, seconds, selectors, target_list};
use crate::sim::wire::AwsError;
use crate::sim::world::associations::{self, Association};
use crate::sim::world::commands::Selector;
use crate::sim::world::{Place, World};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct CreateInput {
    name: String,
    document_version: Option<String>,
    instance_id: Option<String>,
    #[serde(default)]
    targets: Vec<Target>,
    #[serde(default)]
    parameters: BTreeMap<String, Vec<String>>,
    schedule_expression: Option<String>,
    association_name: Option<String>,
}

pub(super) fn create(world: &mut World, place: &Place, input: Value) -> Outcome {
    let input: CreateInput = read(input)?;
    let mut targets = selectors(input.targets);
    targets.extend(input.instance_id.map(|id| Selector { key: "InstanceIds".to_owned(), values: vec![id] }));
    if targets.is_empty() {
        return Err(AwsError::new("InvalidTarget", "An association needs targets."));
    }
    let wanted = Association {
        id: String::new(),
        name: input.association_name,
        document: input.name,
        document_version: input.document_version,
        targets,
        parameters: input.parameters,
        schedule: input.schedule_expression,
        created: world.now(),
        last_run: None,
    };
    let made = associations::create(world, place, wanted)?;
    Ok(json!({ "AssociationDescription": show(&made) }))
}

fn show(association: &Association) -> Value {
    json!({
        "Name": association.document,
        "AssociationId": association.id,
        "AssociationName": association.name,
        "AssociationVersion": "1",
        "DocumentVersion": association.document_version.as_deref().unwrap_or("$DEFAULT"),
        "Targets": target_list(&association.targets),
        "Parameters": association.parameters,
        "ScheduleExpression": association.schedule,
        "Date": seconds(association.created),
        "LastUpdateAssociationDate": seconds(association.created),
        "LastExecutionDate": association.last_run.map(seconds),
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct ListInput {
    #[serde(default)]
    association_filter_list: Vec<Filter>,
    max_results: Option<i64>,
    next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Filter {
    key: String,
    value: String,
}

pub(super) fn list(world: &mut World, place: &Place, input: Value) -> Outcome {
    let input: ListInput = read(input)?;
    let size = page_size(world, input.max_results, 1, 50, 50)?;
    let from = after(input.next_token.as_deref())?;
    let known = ["Name", "AssociationId", "AssociationName"];
    if let Some(other) =
        input.association_filter_list.iter().find(|filter| !known.contains(&filter.key.as_str()))
    {
        return Err(super::invalid(format!("The simulator does not know the filter key {}.", other.key)));
    }
    let all = &world.region(place).associations.associations;
    let (rows, next) = page_of_map(all, from.as_deref(), size, |_, association| {
        let passes = |filter: &Filter| match filter.key.as_str() {
            "Name" => filter.value == association.document,
            "AssociationId" => filter.value == association.id,
            _ => Some(&filter.value) == association.name.as_ref(),
        };
        input.association_filter_list.iter().all(passes).then(|| {
            json!({
                "Name": association.document,
                "AssociationId": association.id,
                "AssociationName": association.name,
                "AssociationVersion": "1",
                "DocumentVersion": association.document_version,
                "Targets": target_list(&association.targets),
                "ScheduleExpression": association.schedule,
                "LastExecutionDate": association.last_run.map(seconds),
            })
        })
    });
    Ok(json!({ "Associations": rows, "NextToken": next }))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct OneInput {
    association_id: String,
}

fn missing() -> AwsError {
    AwsError::new("AssociationDoesNotExist", "The specified association does not exist.")
}

pub(super) fn describe(world: &mut World, place: &Place, input: Value) -> Outcome {
    let input: OneInput = read(input)?;
    let all = &world.region(place).associations.associations;
    let association = all.get(&input.association_id).ok_or_else(missing)?;
    Ok(json!({ "AssociationDescription": show(association) }))
}

pub(super) fn delete(world: &mut World, place: &Place, input: Value) -> Outcome {
    let input: OneInput = read(input)?;
    let all = &mut world.region(place).associations.associations;
    all.remove(&input.association_id).ok_or_else(missing)?;
    Ok(json!({}))
}
