//! Tags of parameters, on-premises nodes and documents.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Outcome, Tag, read, tag_list, tag_map};
use crate::sim::wire::AwsError;
use crate::sim::world::{Place, World};

/// How many tags a resource may have.
const MOST_TAGS: usize = 50;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Input {
    resource_type: String,
    resource_id: String,
    #[serde(default)]
    tags: Vec<Tag>,
    #[serde(default)]
    tag_keys: Vec<String>,
}

fn tags_of<'a>(
    world: &'a mut World,
    place: &Place,
    input: &Input,
) -> Result<&'a mut BTreeMap<String, String>, AwsError> {
    let region = world.region(place);
    let id = input.resource_id.as_str();
    let found = match input.resource_type.as_str() {
        "Parameter" => region.parameters.parameters.get_mut(id).map(|parameter| &mut parameter.tags),
        "Document" => region.documents.documents.get_mut(id).map(|document| &mut document.tags),
        // An instance's tags are EC2's business.
        "ManagedInstance" if id.starts_with("mi-") => {
            region.nodes.nodes.get_mut(id).map(|node| &mut node.tags)
        }
        "ManagedInstance" => None,
        other => {
            let message = format!("{other} is not a resource type that the simulator can tag.");
            return Err(AwsError::new("InvalidResourceType", message));
        }
    };
    found.ok_or_else(|| {
        AwsError::new(
            "InvalidResourceId",
            "The resource ID is not valid. Verify that you entered the correct ID and try again.",
        )
    })
}

pub(super) fn add(world: &mut World, place: &Place, input: Value) -> Outcome {
    let mut input: Input = read(input)?;
    let wanted = tag_map(std::mem::take(&mut input.tags));
    let tags = tags_of(world, place, &input)?;
    let mut after = tags.clone();
    after.extend(wanted);
    if after.len() > MOST_TAGS {
        return Err(AwsError::new("TooManyTagsError", "The number of tags exceeds the limit of 50."));
    }
    *tags = after;
    Ok(json!({}))
}

pub(super) fn remove(world: &mut World, place: &Place, input: Value) -> Outcome {
    let input: Input = read(input)?;
    let tags = tags_of(world, place, &input)?;
    tags.retain(|key, _| !input.tag_keys.contains(key));
    Ok(json!({}))
}

pub(super) fn list(world: &mut World, place: &Place, input: Value) -> Outcome {
    let input: Input = read(input)?;
    Ok(json!({ "TagList": tag_list(tags_of(world, place, &input)?) }))
}
