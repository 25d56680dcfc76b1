//! IAM's operations. The rules are in `world::roles`; here are names, members and XML shapes.

mod listing;
mod policies;
mod profiles;
mod roles;

use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{AwsError, Operation, Outcome, Service, input};
use crate::sim::world::roles::Tags;
use crate::sim::world::{Place, World};

/// What RFC 3986 leaves as it is.
const RESERVED: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

type Run = fn(&mut World, &Place, Value) -> Outcome;

/// AWS publishes no rates for IAM.
const fn reads(name: &'static str, run: Run) -> Operation {
    Operation { name, rate: None, writes: false, run }
}

const fn writes(name: &'static str, run: Run) -> Operation {
    Operation { name, rate: None, writes: true, run }
}

/// The operations that this simulator implements.
pub const OPERATIONS: &[Operation] = &[
    writes("CreateRole", roles::create),
    reads("GetRole", roles::get),
    reads("ListRoles", roles::list),
    writes("DeleteRole", roles::delete),
    writes("UpdateRole", roles::update),
    writes("UpdateAssumeRolePolicy", roles::update_trust),
    writes("TagRole", roles::tag),
    writes("UntagRole", roles::untag),
    reads("ListRoleTags", roles::list_tags),
    writes("PutRolePermissionsBoundary", roles::put_boundary),
    writes("DeleteRolePermissionsBoundary", roles::delete_boundary),
    writes("PutRolePolicy", policies::put),
    reads("GetRolePolicy", policies::get),
    reads("ListRolePolicies", policies::list),
    writes("DeleteRolePolicy", policies::delete),
    writes("AttachRolePolicy", policies::attach),
    writes("DetachRolePolicy", policies::detach),
    reads("ListAttachedRolePolicies", policies::list_attached),
    reads("GetPolicy", policies::get_managed),
    reads("GetPolicyVersion", policies::get_version),
    reads("ListPolicies", policies::list_managed),
    writes("CreateInstanceProfile", profiles::create),
    reads("GetInstanceProfile", profiles::get),
    reads("ListInstanceProfiles", profiles::list),
    reads("ListInstanceProfilesForRole", profiles::list_for_role),
    writes("DeleteInstanceProfile", profiles::delete),
    writes("AddRoleToInstanceProfile", profiles::add_role),
    writes("RemoveRoleFromInstanceProfile", profiles::remove_role),
    writes("TagInstanceProfile", profiles::tag),
    writes("UntagInstanceProfile", profiles::untag),
    reads("ListInstanceProfileTags", profiles::list_tags),
];

/// A tag as IAM writes it.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Tag {
    key: String,
    #[serde(default)]
    value: String,
}

fn read<T: DeserializeOwned>(value: Value) -> Result<T, AwsError> {
    input::read(Service::Iam, value)
}

fn tags_in(tags: Vec<Tag>) -> Result<Tags, AwsError> {
    for tag in &tags {
        check_length("tags.member.key", &tag.key, 128)?;
        if tag.value.chars().count() > 256 {
            return Err(constraint(
                "tags.member.value",
                &tag.value,
                "Member must have length less than or equal to 256",
            ));
        }
    }
    Ok(tags.into_iter().map(|tag| (tag.key, tag.value)).collect())
}

fn tags_out(tags: &Tags) -> Value {
    tags.iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect()
}

/// Checks a name of `[\w+=,.@-]` with at most `max` characters.
fn check_name(member: &str, name: &str, max: usize) -> Result<(), AwsError> {
    check_length(member, name, max)?;
    let fits = |symbol: char| symbol.is_ascii_alphanumeric() || "_+=,.@-".contains(symbol);
    if name.chars().all(fits) {
        return Ok(());
    }
    Err(AwsError::validation(
        Service::Iam,
        format!(
            "The specified value for {member} is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-"
        ),
    ))
}

fn check_length(member: &str, value: &str, max: usize) -> Result<(), AwsError> {
    if value.is_empty() {
        return Err(constraint(member, value, "Member must have length greater than or equal to 1"));
    }
    if value.chars().count() > max {
        return Err(constraint(
            member,
            value,
            &format!("Member must have length less than or equal to {max}"),
        ));
    }
    Ok(())
}

fn check_path(path: Option<&str>) -> Result<(), AwsError> {
    let fits = path.is_none_or(|path| {
        path == "/"
            || (path.len() <= 512
                && path.len() > 2
                && path.starts_with('/')
                && path.ends_with('/')
                && path.bytes().all(|byte| byte.is_ascii_graphic()))
    });
    if fits {
        return Ok(());
    }
    Err(AwsError::validation(
        Service::Iam,
        "The specified value for path is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters.",
    ))
}

fn constraint(member: &str, value: &str, rule: &str) -> AwsError {
    let message = format!(
        "1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: {rule}"
    );
    AwsError::validation(Service::Iam, message)
}

/// Documents leave IAM percent-encoded.
fn encoded(document: &str) -> String {
    utf8_percent_encode(document, &RESERVED).to_string()
}

/// IAM's times have whole seconds.
pub(super) fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
