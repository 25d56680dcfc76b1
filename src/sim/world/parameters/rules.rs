//! What AWS accepts as a parameter: names, labels, sizes, tiers.

use super::Put;
use crate::sim::wire::{AwsError, Service};

/// Bytes in a standard and in an advanced value.
const STANDARD_BYTES: usize = 4096;
const ADVANCED_BYTES: usize = 8192;
/// Characters in a name, the ARN's prefix included in AWS's count.
const NAME_CHARACTERS: usize = 1011;
/// Levels of a hierarchy.
const LEVELS: usize = 15;

pub(super) fn invalid(message: impl Into<String>) -> AwsError {
    AwsError::validation(Service::Ssm, message)
}

/// The name inside an ARN (`arn:aws:ssm:…:parameter/name`), or what was given.
pub(super) fn without_arn(asked: &str) -> &str {
    let Some((_, path)) = asked.strip_prefix("arn:").and_then(|arn| arn.split_once(":parameter/")) else {
        return asked;
    };
    // A hierarchical name keeps its first slash, which the ARN shows as its separator.
    if path.contains('/') { &asked[asked.len() - path.len() - 1..] } else { path }
}

/// Checks all that does not depend on what exists.
pub(super) fn check(put: &Put) -> Result<(), AwsError> {
    check_name(&put.name)?;
    if put.overwrite && !put.tags.is_empty() {
        return Err(invalid(
            "Invalid request: tags and overwrite can't be used together. To create a parameter with tags, please remove overwrite flag. To update tags for an existing parameter, please use AddTagsToResource or RemoveTagsFromResource.",
        ));
    }
    if put.value.is_empty() {
        return Err(invalid("1 validation error detected: Value at 'value' must not be empty."));
    }
    if put.value.split_once("{{").is_some_and(|(_, rest)| rest.contains("}}")) {
        return Err(invalid(
            "Parameter value can't nest another parameter. Do not use \"{{}}\" in the value.",
        ));
    }
    if put.description.as_ref().is_some_and(|text| text.chars().count() > 1024) {
        return Err(invalid("Member 'description' must have length less than or equal to 1024"));
    }
    match put.kind.as_deref() {
        None | Some("String" | "StringList" | "SecureString") => Ok(()),
        Some(other) => Err(AwsError::new(
            "UnsupportedParameterType",
            format!("The parameter type {other} isn't supported."),
        )),
    }
}

fn check_name(name: &str) -> Result<(), AwsError> {
    let characters = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-/".contains(&byte);
    if name.is_empty() || name.len() > NAME_CHARACTERS || !name.bytes().all(characters) {
        return Err(invalid(format!(
            "Parameter name: {name} can't be used. Only a mix of letters, numbers and the following 4 symbols .-_/ are allowed."
        )));
    }
    let first = name.trim_start_matches('/').to_ascii_lowercase();
    if first.starts_with("aws") || first.starts_with("ssm") {
        return Err(invalid("Parameter name: can't be prefixed with \"aws\" or \"ssm\" (case-insensitive)."));
    }
    if name.contains('/') && !name.starts_with('/') {
        return Err(invalid("Parameter name must be a fully qualified name."));
    }
    if name.matches('/').count() > LEVELS {
        return Err(AwsError::new(
            "HierarchyLevelLimitExceededException",
            "A hierarchy can have a maximum of 15 levels.",
        ));
    }
    Ok(())
}

/// The tier that a write ends in, and whether the value fits it.
pub(super) fn tier(existing: Option<&str>, put: &Put) -> Result<String, AwsError> {
    let tier = match (existing, put.tier.as_deref()) {
        (Some("Advanced"), Some("Standard")) => {
            return Err(invalid(
                "This parameter uses the advanced-parameter tier. You can't downgrade a parameter from the advanced-parameter tier to the standard-parameter tier.",
            ));
        }
        (Some("Advanced"), _) | (_, Some("Advanced")) => "Advanced",
        (_, Some("Intelligent-Tiering")) if put.value.len() > STANDARD_BYTES => "Advanced",
        (_, None | Some("Standard" | "Intelligent-Tiering")) => "Standard",
        (_, Some(other)) => return Err(invalid(format!("Value '{other}' at 'tier' is not a tier."))),
    };
    let most = if tier == "Advanced" { ADVANCED_BYTES } else { STANDARD_BYTES };
    if put.value.len() > most {
        return Err(invalid(format!(
            "{tier} tier parameters support a maximum parameter value of {most} characters."
        )));
    }
    Ok(tier.to_owned())
}

/// Whether AWS accepts this label.
pub(super) fn is_label(label: &str) -> bool {
    let lower = label.to_ascii_lowercase();
    !label.is_empty()
        && label.len() <= 100
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
        && !label.starts_with(|first: char| first.is_ascii_digit())
        && !lower.starts_with("aws")
        && !lower.starts_with("ssm")
}
