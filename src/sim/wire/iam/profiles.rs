//! Instance profiles.

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::Outcome;
use super::listing::Wanted;
use super::roles::{Named as NamedRole, brief};
use super::{Tag, check_name, check_path, read, tags_in, tags_out, time};
use crate::sim::world::roles::{self, Iam, InstanceProfile};
use crate::sim::world::{Place, World};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Create {
    instance_profile_name: String,
    #[serde(default)]
    path: Option<String>,
    #[serde(default)]
    tags: Vec<Tag>,
}

pub(super) fn create(world: &mut World, place: &Place, value: Value) -> Outcome {
    let input: Create = read(value)?;
    check_name("instanceProfileName", &input.instance_profile_name, 128)?;
    check_path(input.path.as_deref())?;
    let path = input.path.unwrap_or_else(|| "/".to_owned());
    let tags = tags_in(input.tags)?;
    let made = roles::create_profile(world, place, &input.instance_profile_name, &path, tags)?;
    Ok(json!({ "InstanceProfile": shown(&world.account(place).iam, &made, true) }))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Named {
    instance_profile_name: String,
}

pub(super) fn get(world: &mut World, place: &Place, value: Value) -> Outcome {
    let input: Named = read(value)?;
    let iam = &world.account(place).iam;
    let profile = iam.profile(&input.instance_profile_name)?;
    Ok(json!({ "InstanceProfile": shown(iam, profile, true) }))
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
    let rows = rows(&world.account(place).iam, |profile| profile.path.starts_with(&prefix));
    wanted.page(world, "InstanceProfiles", &rows)
}

pub(super) fn list_for_role(world: &mut World, place: &Place, mut value: Value) -> Outcome {
    let wanted = Wanted::take(&mut value)?;
    let input: NamedRole = read(value)?;
    let iam = &world.account(place).iam;
    iam.role(&input.role_name)?;
    let rows = rows(iam, |profile| profile.role.as_ref() == Some(&input.role_name));
    wanted.page(world, "InstanceProfiles", &rows)
}

pub(super) fn delete(world: &mut World, place: &Place, value: Value) -> Outcome {
    let input: Named = read(value)?;
    world.account(place).iam.delete_profile(&input.instance_profile_name)?;
    Ok(json!({}))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct WithRole {
    instance_profile_name: String,
    role_name: String,
}

pub(super) fn add_role(world: &mut World, place: &Place, value: Value) -> Outcome {
    let input: WithRole = read(value)?;
    world.account(place).iam.add_role(&input.instance_profile_name, &input.role_name)?;
    Ok(json!({}))
}

pub(super) fn remove_role(world: &mut World, place: &Place, value: Value) -> Outcome {
    let input: WithRole = read(value)?;
    world.account(place).iam.remove_role(&input.instance_profile_name, &input.role_name)?;
    Ok(json!({}))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct TagInput {
    instance_profile_name: String,
    tags: Vec<Tag>,
}

pub(super) fn tag(world: &mut World, place: &Place, value: Value) -> Outcome {
    let input: TagInput = read(value)?;
    let new = tags_in(input.tags)?;
    let profile = world.account(place).iam.profile_mut(&input.instance_profile_name)?;
    roles::add_tags(&mut profile.tags, new, "TagsPerInstanceProfile")?;
    Ok(json!({}))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct UntagInput {
    instance_profile_name: String,
    tag_keys: Vec<String>,
}

pub(super) fn untag(world: &mut World, place: &Place, value: Value) -> Outcome {
    let input: UntagInput = read(value)?;
    let profile = world.account(place).iam.profile_mut(&input.instance_profile_name)?;
    profile.tags.retain(|key, _| !input.tag_keys.contains(key));
    Ok(json!({}))
}

pub(super) fn list_tags(world: &mut World, place: &Place, mut value: Value) -> Outcome {
    let wanted = Wanted::take(&mut value)?;
    let input: Named = read(value)?;
    let rows = tags_out(&world.account(place).iam.profile(&input.instance_profile_name)?.tags);
    wanted.page(world, "Tags", rows.as_array().map_or(&[], Vec::as_slice))
}

fn rows(iam: &Iam, wanted: impl Fn(&InstanceProfile) -> bool) -> Vec<Value> {
    let profiles = iam.profiles.values().filter(|profile| wanted(profile));
    profiles.map(|profile| shown(iam, profile, false)).collect()
}

/// Listings leave the tags out.
fn shown(iam: &Iam, profile: &InstanceProfile, with_tags: bool) -> Value {
    let role = iam.profile_role(&profile.name);
    json!({
        "Path": profile.path,
        "InstanceProfileName": profile.name,
        "InstanceProfileId": profile.id,
        "Arn": profile.arn,
        "CreateDate": time(profile.created),
        "Roles": role.map(brief).into_iter().collect::<Vec<_>>(),
        "Tags": (with_tags && !profile.tags.is_empty()).then(|| tags_out(&profile.tags)),
    })
}
