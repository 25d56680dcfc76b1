//! Log groups: made, deleted, listed, with retention, key and protection.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::paging::page;
use super::{
    AwsError, Outcome, bad_token, check_group_name, check_limit, constraint, group_arn, group_of_identifier,
    invalid, parse, tags,
};
use crate::sim::world::log_groups::{LogGroup, LogGroups, STANDARD};
use crate::sim::world::{Place, World};

/// The retentions that AWS knows, in days.
const RETENTIONS: &[i32] = &[
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
];
/// The classes that AWS knows.
const CLASSES: &[&str] = &[STANDARD, "INFREQUENT_ACCESS", "DELIVERY", "ESSENTIALS"];
/// The most groups on a page.
const PAGE: usize = 50;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Create {
    log_group_name: String,
    kms_key_id: Option<String>,
    #[serde(default)]
    tags: Option<BTreeMap<String, String>>,
    log_group_class: Option<String>,
    #[serde(default)]
    deletion_protection_enabled: bool,
}

pub(super) fn create(world: &mut World, place: &Place, input: Value) -> Outcome {
    let asked: Create = parse(input)?;
    let name = asked.log_group_name;
    check_group_name(&name, "logGroupName")?;
    if name.starts_with("aws/") {
        return Err(invalid("Log group names starting with 'aws/' are reserved for AWS use."));
    }
    let class = asked.log_group_class.unwrap_or_else(|| STANDARD.to_owned());
    check_class(&class)?;
    asked.kms_key_id.as_deref().map_or(Ok(()), check_key)?;
    let tags = asked.tags.unwrap_or_default();
    tags::check(&tags)?;
    let now = world.now();
    let mut group = LogGroup::new(now);
    group.class = class;
    group.kms_key = asked.kms_key_id;
    group.tags = tags;
    group.protected = asked.deletion_protection_enabled;
    world.region(place).log_groups.create_group(now, &name, group)?;
    Ok(json!({}))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Named {
    log_group_name: String,
}

pub(super) fn delete(world: &mut World, place: &Place, input: Value) -> Outcome {
    let Named { log_group_name: name } = parse(input)?;
    check_group_name(&name, "logGroupName")?;
    let now = world.now();
    world.region(place).log_groups.delete(now, &name)?;
    Ok(json!({}))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Describe {
    log_group_name_prefix: Option<String>,
    log_group_name_pattern: Option<String>,
    log_group_identifiers: Option<Vec<String>>,
    log_group_class: Option<String>,
    account_identifiers: Option<Vec<String>>,
    #[serde(default)]
    include_linked_accounts: bool,
    limit: Option<i64>,
    next_token: Option<String>,
}

pub(super) fn describe(world: &mut World, place: &Place, input: Value) -> Outcome {
    let asked: Describe = parse(input)?;
    asked.check()?;
    let named = asked.identified(place)?;
    let size = world.page_size(check_limit(asked.limit, PAGE)?);
    // A listing does not show the newest groups yet.
    let settled = world.now() - world.settings.listing_lag;
    let groups = &world.region(place).log_groups;
    let shown: Vec<(&String, &LogGroup)> = groups
        .groups
        .iter()
        .filter(|(name, group)| group.created <= settled && asked.wants(name, group))
        .filter(|(name, _)| named.as_ref().is_none_or(|named| named.contains(name)))
        .collect();
    let (rows, next) = page(&shown, asked.next_token.as_deref(), size).ok_or_else(bad_token)?;
    let row = |(name, group): &(&String, &LogGroup)| {
        if asked.log_group_name_pattern.is_some() {
            brief(place, name, group)
        } else {
            full(place, groups, name, group)
        }
    };
    Ok(json!({ "logGroups": rows.iter().map(row).collect::<Vec<_>>(), "nextToken": next }))
}

impl Describe {
    fn check(&self) -> Result<(), AwsError> {
        if self.log_group_name_prefix.is_some() && self.log_group_name_pattern.is_some() {
            return Err(invalid("LogGroupNamePrefix and LogGroupNamePattern are mutually exclusive."));
        }
        if let Some(prefix) = &self.log_group_name_prefix {
            check_group_name(prefix, "logGroupNamePrefix")?;
        }
        if let Some(pattern) = self.log_group_name_pattern.as_deref().filter(|pattern| !pattern.is_empty()) {
            check_group_name(pattern, "logGroupNamePattern")?;
        }
        if let Some(class) = &self.log_group_class {
            check_class(class)?;
        }
        if self.include_linked_accounts || self.account_identifiers.is_some() {
            return Err(invalid("This account is not a monitoring account."));
        }
        Ok(())
    }

    /// The names of the groups that are asked for one by one.
    fn identified(&self, place: &Place) -> Result<Option<Vec<String>>, AwsError> {
        let Some(identifiers) = &self.log_group_identifiers else { return Ok(None) };
        if identifiers.is_empty() || identifiers.len() > PAGE {
            let rule = "Member must have length between 1 and 50";
            return Err(constraint(&identifiers.len().to_string(), "logGroupIdentifiers", rule));
        }
        identifiers.iter().map(|each| group_of_identifier(place, each)).collect::<Result<_, _>>().map(Some)
    }

    /// A pattern is a part of the name, whatever its case.
    fn wants(&self, name: &str, group: &LogGroup) -> bool {
        self.log_group_name_prefix.as_ref().is_none_or(|prefix| name.starts_with(prefix.as_str()))
            && self
                .log_group_name_pattern
                .as_ref()
                .is_none_or(|pattern| name.to_lowercase().contains(&pattern.to_lowercase()))
            && self.log_group_class.as_ref().is_none_or(|class| *class == group.class)
    }
}

/// What a listing by pattern says about a group.
fn brief(place: &Place, name: &str, group: &LogGroup) -> Value {
    json!({
        "arn": format!("{}:*", group_arn(place, name)),
        "creationTime": group.created.as_millisecond(),
        "logGroupName": name,
    })
}

fn full(place: &Place, groups: &LogGroups, name: &str, group: &LogGroup) -> Value {
    let arn = group_arn(place, name);
    let (policy, days) = match &groups.account_policy {
        Some((policy, days)) => (Some(policy), *days),
        None => (None, group.retention_days),
    };
    json!({
        "logGroupName": name,
        "creationTime": group.created.as_millisecond(),
        "retentionInDays": days,
        "metricFilterCount": 0,
        "arn": format!("{arn}:*"),
        "storedBytes": 0,
        "kmsKeyId": group.kms_key,
        "logGroupClass": group.class,
        "logGroupArn": arn,
        "deletionProtectionEnabled": group.protected,
        "retentionPolicyName": policy,
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PutRetention {
    log_group_name: String,
    retention_in_days: i32,
}

pub(super) fn put_retention(world: &mut World, place: &Place, input: Value) -> Outcome {
    let asked: PutRetention = parse(input)?;
    let days = asked.retention_in_days;
    if !RETENTIONS.contains(&days) {
        let rule = format!("Member must satisfy enum value set: {RETENTIONS:?}");
        return Err(constraint(&days.to_string(), "retentionInDays", &rule));
    }
    set_retention(world, place, &asked.log_group_name, Some(days))
}

pub(super) fn delete_retention(world: &mut World, place: &Place, input: Value) -> Outcome {
    let Named { log_group_name: name } = parse(input)?;
    set_retention(world, place, &name, None)
}

fn set_retention(world: &mut World, place: &Place, name: &str, days: Option<i32>) -> Outcome {
    check_group_name(name, "logGroupName")?;
    let now = world.now();
    let groups = &mut world.region(place).log_groups;
    groups.group(name)?;
    groups.put_retention(now, name, days);
    Ok(json!({}))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Key {
    log_group_name: Option<String>,
    resource_identifier: Option<String>,
    kms_key_id: Option<String>,
}

pub(super) fn associate_key(world: &mut World, place: &Place, input: Value) -> Outcome {
    let asked: Key = parse(input)?;
    let Some(key) = &asked.kms_key_id else {
        return Err(constraint("null", "kmsKeyId", "Member must not be null"));
    };
    check_key(key)?;
    set_key(world, place, &asked)
}

pub(super) fn disassociate_key(world: &mut World, place: &Place, input: Value) -> Outcome {
    let asked: Key = parse(input)?;
    set_key(world, place, &Key { kms_key_id: None, ..asked })
}

fn set_key(world: &mut World, place: &Place, asked: &Key) -> Outcome {
    let name =
        super::one_group(place, asked.log_group_name.as_deref(), asked.resource_identifier.as_deref())?;
    world.region(place).log_groups.group_mut(&name)?.kms_key.clone_from(&asked.kms_key_id);
    Ok(json!({}))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Protect {
    log_group_identifier: String,
    deletion_protection_enabled: bool,
}

pub(super) fn protect(world: &mut World, place: &Place, input: Value) -> Outcome {
    let asked: Protect = parse(input)?;
    let name = group_of_identifier(place, &asked.log_group_identifier)?;
    world.region(place).log_groups.group_mut(&name)?.protected = asked.deletion_protection_enabled;
    Ok(json!({}))
}

fn check_class(class: &str) -> Result<(), AwsError> {
    if CLASSES.contains(&class) {
        return Ok(());
    }
    let rule = format!("Member must satisfy enum value set: [{}]", CLASSES.join(", "));
    Err(constraint(class, "logGroupClass", &rule))
}

fn check_key(key: &str) -> Result<(), AwsError> {
    if key.starts_with("arn:aws:kms:") && key.chars().count() <= 256 {
        return Ok(());
    }
    Err(invalid("The specified KMS key id could not be found: it must be the ARN of a key."))
}
