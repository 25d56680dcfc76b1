//! Tags: on everything that this EC2 has.

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::{AwsError, Outcome, input};
use super::listing::{Listing, Rows};
use super::{end_dry_run, invalid, missing, read};
use crate::sim::world::networks::{Tags, not_found};
use crate::sim::world::{Place, Region, World};

/// Documented: fifty tags on a resource.
const MOST: usize = 50;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Tag {
    key: String,
    #[serde(default)]
    value: Option<String>,
}

/// Tags for something that a call is about to make.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Specification {
    resource_type: String,
    #[serde(default)]
    tag: Vec<Tag>,
}

/// The tags that a call asks for on what it makes, which is of type `kind`.
pub(super) fn specified(specifications: Vec<Specification>, kind: &str) -> Result<Tags, AwsError> {
    let mut tags = Tags::new();
    for specification in specifications {
        if specification.resource_type != kind {
            let other = specification.resource_type;
            return Err(invalid(format!(
                "'{other}' is not a valid taggable resource type for this operation."
            )));
        }
        for tag in checked(specification.tag)? {
            if tags.insert(tag.0.clone(), tag.1).is_some() {
                return Err(invalid(format!("Duplicate tag key '{}' specified.", tag.0)));
            }
        }
    }
    limited(&tags)?;
    Ok(tags)
}

fn checked(tags: Vec<Tag>) -> Result<Vec<(String, String)>, AwsError> {
    let check = |tag: Tag| {
        let value = tag.value.unwrap_or_default();
        if tag.key.is_empty() || tag.key.chars().count() > 128 || value.chars().count() > 256 {
            return Err(invalid(format!("Tag key or value of '{}' has an invalid length.", tag.key)));
        }
        if tag.key.chars().chain(value.chars()).any(char::is_control) {
            return Err(invalid(format!(
                "Tag key or value of '{}' has invalid characters.",
                tag.key.escape_debug()
            )));
        }
        if tag.key.to_ascii_lowercase().starts_with("aws:") {
            return Err(invalid("Tag keys starting with 'aws:' are reserved for internal use"));
        }
        Ok((tag.key, value))
    };
    tags.into_iter().map(check).collect()
}

fn limited(tags: &Tags) -> Result<(), AwsError> {
    if tags.len() > MOST {
        return Err(AwsError::new(
            "TagLimitExceeded",
            "The maximum number of Tags for a resource has been reached.",
        ));
    }
    Ok(())
}

/// Tags as EC2 shows them.
pub(super) fn shown(tags: &Tags) -> Value {
    tags.iter().map(|(key, value)| json!({ "key": key, "value": value })).collect()
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Change {
    #[serde(default)]
    resource_id: Vec<String>,
    #[serde(default)]
    tag: Vec<Tag>,
    #[serde(default, deserialize_with = "input::truth")]
    dry_run: bool,
}

pub(super) fn create(world: &mut World, place: &Place, value: Value) -> Outcome {
    let input: Change = read(value)?;
    if input.tag.is_empty() {
        return Err(missing("tagSet"));
    }
    let new = checked(input.tag)?;
    let region = world.region(place);
    check_resources(region, &input.resource_id)?;
    for id in &input.resource_id {
        let mut tags = of(region, id).cloned().unwrap_or_default();
        tags.extend(new.clone());
        limited(&tags)?;
    }
    end_dry_run(input.dry_run)?;
    for id in &input.resource_id {
        if let Some(tags) = of(region, id) {
            tags.extend(new.clone());
        }
    }
    Ok(json!({ "return": true }))
}

/// No tags at all means every tag; a tag with a value is only removed when it has that value.
pub(super) fn delete(world: &mut World, place: &Place, value: Value) -> Outcome {
    let input: Change = read(value)?;
    let region = world.region(place);
    check_resources(region, &input.resource_id)?;
    end_dry_run(input.dry_run)?;
    let doomed = |key: &String, value: &String| {
        input.tag.is_empty()
            || input
                .tag
                .iter()
                .any(|tag| tag.key == *key && tag.value.as_ref().is_none_or(|only| only == value))
    };
    for id in &input.resource_id {
        if let Some(tags) = of(region, id) {
            tags.retain(|key, value| !doomed(key, value));
        }
    }
    Ok(json!({ "return": true }))
}

fn check_resources(region: &mut Region, ids: &[String]) -> Result<(), AwsError> {
    if ids.is_empty() {
        return Err(missing("resourceIdSet"));
    }
    match ids.iter().find(|id| of(region, id).is_none()) {
        Some(id) => Err(not_found(kind(id), kind(id), id)),
        None => Ok(()),
    }
}

fn kind(id: &str) -> &'static str {
    match id.split('-').next() {
        Some("vpc") => "VPC",
        Some("subnet") => "subnet",
        Some("eni") => "networkInterface",
        Some("i") => "instance",
        Some("fl") => "flow log",
        _ => "resource",
    }
}

/// The tags of whatever has this id.
fn of<'a>(region: &'a mut Region, id: &str) -> Option<&'a mut Tags> {
    match id.split('-').next()? {
        "vpc" => Some(&mut region.networks.vpcs.get_mut(id)?.tags),
        "subnet" => Some(&mut region.networks.subnets.get_mut(id)?.tags),
        "eni" => Some(&mut region.networks.interfaces.get_mut(id)?.tags),
        "i" => Some(&mut region.instances.instances.get_mut(id)?.tags),
        "fl" => {
            let log = region.flow_logs.logs.get_mut(id).filter(|log| log.deleted.is_none())?;
            Some(&mut log.tags)
        }
        _ => None,
    }
}

/// One tag of one resource, as `DescribeTags` lists them.
struct Row {
    resource: String,
    kind: &'static str,
    tag: Tags,
}

const ROWS: Rows<Row> = Rows { kind: "resource", id: |row| &row.resource, tags: |row| &row.tag };
const FILTERS: &[&str] = &["resource-id", "resource-type", "key", "value"];

pub(super) fn describe(world: &mut World, place: &Place, value: Value) -> Outcome {
    // It takes no ids; a member of this name is refused by no client, since none can send it.
    let listing = Listing::read(value, "", FILTERS)?;
    let size = listing.size(world);
    let all = rows(world.region(place));
    let found = listing.select(all.iter(), &ROWS, |row, filter| match filter {
        "resource-id" => vec![row.resource.clone()],
        "resource-type" => vec![row.kind.to_owned()],
        "key" => row.tag.keys().cloned().collect(),
        _ => row.tag.values().cloned().collect(),
    })?;
    let (page, next) = listing.page(&found, size)?;
    let shown = |row: &&Row| {
        let (key, value) = row.tag.first_key_value()?;
        Some(json!({ "resourceId": row.resource, "resourceType": row.kind, "key": key, "value": value }))
    };
    Ok(json!({ "tagSet": page.iter().filter_map(shown).collect::<Vec<_>>(), "nextToken": next }))
}

fn rows(region: &Region) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut add = |resource: &str, kind: &'static str, tags: &Tags| {
        rows.extend(tags.iter().map(|(key, value)| Row {
            resource: resource.to_owned(),
            kind,
            tag: Tags::from([(key.clone(), value.clone())]),
        }));
    };
    region.instances.instances.values().for_each(|it| add(&it.id, "instance", &it.tags));
    region.networks.interfaces.values().for_each(|it| add(&it.id, "network-interface", &it.tags));
    region.networks.subnets.values().for_each(|it| add(&it.id, "subnet", &it.tags));
    region.networks.vpcs.values().for_each(|it| add(&it.id, "vpc", &it.tags));
    region.flow_logs.living().for_each(|it| add(&it.id, "vpc-flow-log", &it.tags));
    rows
}
