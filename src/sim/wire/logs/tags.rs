//! Tags of log groups, by ARN.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{AwsError, Outcome, constraint, group_arn, invalid, parse};
use crate::sim::world::{Place, World};

/// The most tags on one group.
const MAX_TAGS: usize = 50;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Tag {
    resource_arn: String,
    tags: BTreeMap<String, String>,
}

pub(super) fn tag(world: &mut World, place: &Place, input: Value) -> Outcome {
    let asked: Tag = parse(input)?;
    if asked.tags.is_empty() {
        return Err(constraint("{}", "tags", "Member must have length greater than or equal to 1"));
    }
    check(&asked.tags)?;
    let name = group_of_arn(place, &asked.resource_arn)?;
    let tags = &mut world.region(place).log_groups.group_mut(&name)?.tags;
    let added = asked.tags.keys().filter(|key| !tags.contains_key(*key)).count();
    if tags.len() + added > MAX_TAGS {
        let message = "The resource has too many tags.";
        return Err(AwsError::new("TooManyTagsException", message));
    }
    tags.extend(asked.tags);
    Ok(json!({}))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Untag {
    resource_arn: String,
    tag_keys: Vec<String>,
}

pub(super) fn untag(world: &mut World, place: &Place, input: Value) -> Outcome {
    let asked: Untag = parse(input)?;
    let name = group_of_arn(place, &asked.resource_arn)?;
    world.region(place).log_groups.group_mut(&name)?.tags.retain(|key, _| !asked.tag_keys.contains(key));
    Ok(json!({}))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct List {
    resource_arn: String,
}

pub(super) fn list(world: &mut World, place: &Place, input: Value) -> Outcome {
    let asked: List = parse(input)?;
    let name = group_of_arn(place, &asked.resource_arn)?;
    Ok(json!({ "tags": world.region(place).log_groups.group(&name)?.tags }))
}

/// Tagging takes ARNs only, and only those without the `:*` at the end.
fn group_of_arn(place: &Place, arn: &str) -> Result<String, AwsError> {
    if !arn.chars().all(|each| each.is_alphanumeric() || "_+=/:,.@-".contains(each)) {
        let rule = r"Member must satisfy regular expression pattern: [\w+=/:,.@-]*";
        return Err(constraint(arn, "resourceArn", rule));
    }
    let name = arn.strip_prefix(&group_arn(place, ""));
    name.map(str::to_owned).ok_or_else(|| invalid("The specified resource ARN is not valid."))
}

/// Checks tags that a caller gives.
///
/// # Errors
/// `InvalidParameterException` for too many, a key or value that is too long, or a reserved key.
pub(super) fn check(tags: &BTreeMap<String, String>) -> Result<(), AwsError> {
    if tags.len() > MAX_TAGS {
        let rule = "Member must have length less than or equal to 50";
        return Err(constraint(&tags.len().to_string(), "tags", rule));
    }
    for (key, value) in tags {
        if key.is_empty() || key.chars().count() > 128 || value.chars().count() > 256 {
            let rule = "Keys must have 1 to 128 characters, values at most 256";
            return Err(constraint(key, "tags", rule));
        }
        if key.starts_with("aws:") {
            return Err(invalid("Tag keys that begin with 'aws:' are reserved for AWS use."));
        }
    }
    Ok(())
}
