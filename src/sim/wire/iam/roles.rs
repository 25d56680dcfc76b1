//! Roles: made, read, changed, tagged, bounded.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::super::{AwsError, Outcome, input};
use super::listing::Wanted;
use super::{Tag, check_length, check_name, check_path, constraint, encoded, read, tags_in, tags_out, time};
use crate::sim::world::roles::{self, NewRole, Role};
use crate::sim::world::{Place, World};

/// The input of every operation that takes a role's name and nothing else.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Named {
    pub(super) role_name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Create {
    #[serde(default)]
    path: Option<String>,
    role_name: String,
    assume_role_policy_document: String,
    #[serde(default)]
    description: Option<String>,
    #[serde(default, deserialize_with = "input::number")]
    max_session_duration: Option<i64>,
    #[serde(default)]
    permissions_boundary: Option<String>,
    #[serde(default)]
    tags: Vec<Tag>,
}

pub(super) fn create(world: &mut World, place: &Place, value: Value) -> Outcome {
    let input: Create = read(value)?;
    check_name("roleName", &input.role_name, 64)?;
    check_path(input.path.as_deref())?;
    check_description(input.description.as_deref())?;
    check_session(input.max_session_duration)?;
    let new = NewRole {
        name: input.role_name,
        path: input.path,
        trust: input.assume_role_policy_document,
        description: input.description,
        max_session: input.max_session_duration,
        boundary: input.permissions_boundary,
        tags: tags_in(input.tags)?,
    };
    let role = roles::create_role(world, place, new)?;
    Ok(json!({ "Role": full(&role) }))
}

pub(super) fn get(world: &mut World, place: &Place, value: Value) -> Outcome {
    let input: Named = read(value)?;
    let role = world.account(place).iam.role(&input.role_name)?;
    Ok(json!({ "Role": full(role) }))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct List {
    #[serde(default)]
    path_prefix: Option<String>,
}

pub(super) fn list(world: &mut World, place: &Place, mut value: Value) -> Outcome {
    let wanted = Wanted::take(&mut value)?;
    let input: List = read(value)?;
    let prefix = input.path_prefix.unwrap_or_default();
    let roles = world.account(place).iam.roles.values();
    let rows: Vec<Value> = roles.filter(|role| role.path.starts_with(&prefix)).map(brief).collect();
    wanted.page(world, "Roles", &rows)
}

pub(super) fn delete(world: &mut World, place: &Place, value: Value) -> Outcome {
    let input: Named = read(value)?;
    world.account(place).iam.delete_role(&input.role_name)?;
    Ok(json!({}))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Update {
    role_name: String,
    #[serde(default)]
    description: Option<String>,
    #[serde(default, deserialize_with = "input::number")]
    max_session_duration: Option<i64>,
}

pub(super) fn update(world: &mut World, place: &Place, value: Value) -> Outcome {
    let input: Update = read(value)?;
    check_description(input.description.as_deref())?;
    check_session(input.max_session_duration)?;
    let role = world.account(place).iam.role_mut(&input.role_name)?;
    if input.description.is_some() {
        role.description = input.description;
    }
    role.max_session = input.max_session_duration.unwrap_or(role.max_session);
    Ok(json!({}))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct UpdateTrust {
    role_name: String,
    policy_document: String,
}

pub(super) fn update_trust(world: &mut World, place: &Place, value: Value) -> Outcome {
    let input: UpdateTrust = read(value)?;
    roles::set_trust(world, place, &input.role_name, &input.policy_document)?;
    Ok(json!({}))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct TagInput {
    role_name: String,
    tags: Vec<Tag>,
}

pub(super) fn tag(world: &mut World, place: &Place, value: Value) -> Outcome {
    let input: TagInput = read(value)?;
    let new = tags_in(input.tags)?;
    let role = world.account(place).iam.role_mut(&input.role_name)?;
    roles::add_tags(&mut role.tags, new, "TagsPerRole")?;
    Ok(json!({}))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct UntagInput {
    role_name: String,
    tag_keys: Vec<String>,
}

pub(super) fn untag(world: &mut World, place: &Place, value: Value) -> Outcome {
    let input: UntagInput = read(value)?;
    let role = world.account(place).iam.role_mut(&input.role_name)?;
    role.tags.retain(|key, _| !input.tag_keys.contains(key));
    Ok(json!({}))
}

pub(super) fn list_tags(world: &mut World, place: &Place, mut value: Value) -> Outcome {
    let wanted = Wanted::take(&mut value)?;
    let input: Named = read(value)?;
    let rows = tags_out(&world.account(place).iam.role(&input.role_name)?.tags);
    wanted.page(world, "Tags", rows.as_array().map_or(&[], Vec::as_slice))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Boundary {
    role_name: String,
    permissions_boundary: String,
}

pub(super) fn put_boundary(world: &mut World, place: &Place, value: Value) -> Outcome {
    let input: Boundary = read(value)?;
    world.account(place).iam.set_boundary(&input.role_name, &input.permissions_boundary)?;
    Ok(json!({}))
}

pub(super) fn delete_boundary(world: &mut World, place: &Place, value: Value) -> Outcome {
    let input: Named = read(value)?;
    world.account(place).iam.role_mut(&input.role_name)?.boundary = None;
    Ok(json!({}))
}

fn check_description(text: Option<&str>) -> Result<(), AwsError> {
    match text {
        Some(text) if !text.is_empty() => check_length("description", text, 1000),
        _ => Ok(()),
    }
}

fn check_session(seconds: Option<i64>) -> Result<(), AwsError> {
    match seconds.filter(|seconds| !(3600..=43_200).contains(seconds)) {
        Some(wrong) => {
            let rule = "Member must have value between 3600 and 43200";
            Err(constraint("maxSessionDuration", &wrong.to_string(), rule))
        }
        None => Ok(()),
    }
}

/// A role as listings and profiles show it: without tags and boundary.
pub(super) fn brief(role: &Role) -> Value {
    json!({
        "Path": role.path,
        "RoleName": role.name,
        "RoleId": role.id,
        "Arn": role.arn,
        "CreateDate": time(role.created),
        "AssumeRolePolicyDocument": encoded(&role.trust.text),
        "Description": role.description,
        "MaxSessionDuration": role.max_session,
    })
}

/// A role as `GetRole` shows it.
fn full(role: &Role) -> Value {
    let mut shown = brief(role);
    let extra: Map<String, Value> = [
        ("Tags", (!role.tags.is_empty()).then(|| tags_out(&role.tags))),
        (
            "PermissionsBoundary",
            role.boundary
                .as_ref()
                .map(|arn| json!({ "PermissionsBoundaryType": "PermissionsBoundaryPolicy", "PermissionsBoundaryArn": arn })),
        ),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name.to_owned(), value?)))
    .collect();
    if let Some(members) = shown.as_object_mut() {
        members.extend(extra);
    }
    shown
}
