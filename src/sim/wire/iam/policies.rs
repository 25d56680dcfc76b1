//! What roles may do: their own documents, and AWS's managed policies.

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::{AwsError, Outcome, input};
use super::listing::Wanted;
use super::roles::Named;
use super::{check_name, constraint, encoded, read};
use crate::sim::world::roles::managed::{self, ManagedPolicy};
use crate::sim::world::roles::{no_policy, no_such, partition};
use crate::sim::world::{Place, World};

/// When AWS's policies count as made; the simulator does not follow their history.
const MANAGED_SINCE: &str = "2018-03-07T01:06:44Z";
/// Their one version here.
const VERSION: &str = "v1";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Put {
    role_name: String,
    policy_name: String,
    policy_document: String,
}

pub(super) fn put(world: &mut World, place: &Place, value: Value) -> Outcome {
    let input: Put = read(value)?;
    check_name("policyName", &input.policy_name, 128)?;
    let iam = &mut world.account(place).iam;
    iam.put_inline(&input.role_name, &input.policy_name, &input.policy_document)?;
    Ok(json!({}))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Inline {
    role_name: String,
    policy_name: String,
}

pub(super) fn get(world: &mut World, place: &Place, value: Value) -> Outcome {
    let input: Inline = read(value)?;
    let role = world.account(place).iam.role(&input.role_name)?;
    let policy = role.inline.get(&input.policy_name).ok_or_else(|| no_inline(&input.policy_name))?;
    Ok(json!({
        "RoleName": input.role_name,
        "PolicyName": input.policy_name,
        "PolicyDocument": encoded(&policy.text),
    }))
}

pub(super) fn list(world: &mut World, place: &Place, mut value: Value) -> Outcome {
    let wanted = Wanted::take(&mut value)?;
    let input: Named = read(value)?;
    let role = world.account(place).iam.role(&input.role_name)?;
    let rows: Vec<Value> = role.inline.keys().map(|name| json!(name)).collect();
    wanted.page(world, "PolicyNames", &rows)
}

pub(super) fn delete(world: &mut World, place: &Place, value: Value) -> Outcome {
    let input: Inline = read(value)?;
    let role = world.account(place).iam.role_mut(&input.role_name)?;
    role.inline.remove(&input.policy_name).ok_or_else(|| no_inline(&input.policy_name))?;
    Ok(json!({}))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Attach {
    role_name: String,
    policy_arn: String,
}

pub(super) fn attach(world: &mut World, place: &Place, value: Value) -> Outcome {
    let input: Attach = read(value)?;
    if !input.policy_arn.starts_with("arn:") {
        let message = format!("ARN {} is not valid.", input.policy_arn);
        return Err(AwsError::new("InvalidInput", message));
    }
    world.account(place).iam.attach(&input.role_name, &input.policy_arn)?;
    Ok(json!({}))
}

pub(super) fn detach(world: &mut World, place: &Place, value: Value) -> Outcome {
    let input: Attach = read(value)?;
    world.account(place).iam.detach(&input.role_name, &input.policy_arn)?;
    Ok(json!({}))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct ListAttached {
    role_name: String,
    #[serde(default)]
    path_prefix: Option<String>,
}

pub(super) fn list_attached(world: &mut World, place: &Place, mut value: Value) -> Outcome {
    let wanted = Wanted::take(&mut value)?;
    let input: ListAttached = read(value)?;
    let role = world.account(place).iam.role(&input.role_name)?;
    // Every policy here has the path `/`.
    let shown = input.path_prefix.is_none_or(|prefix| prefix == "/");
    let attached = role.attached.iter().filter(|_| shown);
    let rows: Vec<Value> =
        attached.map(|arn| json!({ "PolicyName": arn.rsplit('/').next(), "PolicyArn": arn })).collect();
    wanted.page(world, "AttachedPolicies", &rows)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct GetManaged {
    policy_arn: String,
}

pub(super) fn get_managed(world: &mut World, place: &Place, value: Value) -> Outcome {
    let input: GetManaged = read(value)?;
    let policy = managed::by_arn(&input.policy_arn).ok_or_else(|| no_policy(&input.policy_arn))?;
    Ok(json!({ "Policy": shown(world, place, policy) }))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct GetVersion {
    policy_arn: String,
    version_id: String,
}

pub(super) fn get_version(_: &mut World, _: &Place, value: Value) -> Outcome {
    let input: GetVersion = read(value)?;
    let policy = managed::by_arn(&input.policy_arn).ok_or_else(|| no_policy(&input.policy_arn))?;
    if input.version_id != VERSION {
        let (arn, version) = (&input.policy_arn, &input.version_id);
        return Err(no_such(format!("Policy {arn} version {version} does not exist or is not attachable.")));
    }
    Ok(json!({ "PolicyVersion": {
        "Document": encoded(policy.text),
        "VersionId": VERSION,
        "IsDefaultVersion": true,
        "CreateDate": MANAGED_SINCE,
    } }))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct ListManaged {
    #[serde(default)]
    scope: Option<String>,
    #[serde(default, deserialize_with = "input::truth")]
    only_attached: bool,
    #[serde(default)]
    path_prefix: Option<String>,
}

pub(super) fn list_managed(world: &mut World, place: &Place, mut value: Value) -> Outcome {
    let wanted = Wanted::take(&mut value)?;
    let input: ListManaged = read(value)?;
    // No account has policies of its own here, so `Local` is a true empty listing.
    let local = match input.scope.as_deref() {
        None | Some("All" | "AWS") => false,
        Some("Local") => true,
        Some(other) => {
            return Err(constraint("scope", other, "Member must satisfy enum value set: [All, AWS, Local]"));
        }
    };
    let shown_path = input.path_prefix.is_none_or(|prefix| prefix == "/");
    let policies = managed::all().iter().filter(|_| !local && shown_path);
    let rows: Vec<Value> = policies
        .map(|policy| shown(world, place, policy))
        .filter(|row| !input.only_attached || row["AttachmentCount"] != 0)
        .collect();
    wanted.page(world, "Policies", &rows)
}

fn shown(world: &mut World, place: &Place, policy: &ManagedPolicy) -> Value {
    let arn = format!("arn:{}:iam::aws:policy/{}", partition(&place.region), policy.name);
    let roles = &world.account(place).iam.roles;
    let bounded = roles.values().filter(|role| role.boundary.as_ref() == Some(&arn)).count();
    let attached = roles.values().filter(|role| role.attached.contains(&arn)).count();
    json!({
        "PolicyName": policy.name,
        "PolicyId": policy.id,
        "Arn": arn,
        "Path": "/",
        "DefaultVersionId": VERSION,
        "AttachmentCount": attached,
        "PermissionsBoundaryUsageCount": bounded,
        "IsAttachable": true,
        "Description": policy.description,
        "CreateDate": MANAGED_SINCE,
        "UpdateDate": MANAGED_SINCE,
    })
}

fn no_inline(name: &str) -> AwsError {
    no_such(format!("The role policy with name {name} cannot be found."))
}
