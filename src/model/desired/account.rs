//! `Account`: an AWS account, the Regions to look after, and how to get in.

use std::collections::BTreeMap;

use super::decode::{Fields, filled_text, shown, text, texts, whole};
use super::problem::Mistakes;
use super::values::{is_account_id, is_iam_arn};
use super::yaml::{Node, Value};

/// The role to assume in an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AssumeRole {
    /// A role of that name (with its path) in the account itself.
    Name(String),
    /// A whole ARN, taken as it is.
    Arn(String),
}

/// An account to look after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Twelve digits.
    pub id: String,
    /// Its Regions; the first one looks after IAM.
    pub regions: Vec<String>,
    /// How to get in; none: with the credentials as they are.
    pub assume_role: Option<AssumeRole>,
    /// What the role's trust policy asks for.
    pub external_id: Option<String>,
    /// New content reaches ring 0 first, and ring n + 1 only when it is stable in ring n.
    pub ring: u32,
    /// `metadata.labels`, for `accounts: { matchLabels: … }`.
    pub labels: BTreeMap<String, String>,
}

/// Reads the fields of an `Account`; its labels come from `metadata`.
pub(super) fn read(
    fields: &mut Fields<'_>,
    labels: BTreeMap<String, String>,
    mistakes: &mut Mistakes,
) -> Option<Account> {
    let id = fields.required("id", mistakes, account_id);
    let regions = fields.required("regions", mistakes, regions);
    let assume_role = fields.optional("assumeRole", mistakes, assume_role);
    let external_id = fields.optional("externalId", mistakes, external_id);
    let ring = fields.optional("ring", mistakes, |node, mistakes| whole(node, 0, 99, mistakes));
    let ring = ring.and_then(|ring| u32::try_from(ring).ok()).unwrap_or_default();
    Some(Account { id: id?, regions: regions?, assume_role, external_id, ring, labels })
}

fn account_id(node: &Node, mistakes: &mut Mistakes) -> Option<String> {
    if let Value::Int(_) | Value::Float(_) = node.value {
        mistakes.error_help(
            node.span,
            "an account's id is text, not a number",
            "put it in quotes, or leading zeros are lost",
        );
        return None;
    }
    let id = text(node, mistakes)?;
    if !is_account_id(&id) {
        mistakes.error(node.span, format!("`{}` is not an account's id: it has twelve digits", shown(&id)));
        return None;
    }
    Some(id)
}

fn regions(node: &Node, mistakes: &mut Mistakes) -> Option<Vec<String>> {
    let regions = texts(node, mistakes)?;
    if regions.is_empty() {
        mistakes.error(node.span, "an account needs at least one Region");
        return None;
    }
    let mut fine = true;
    for (index, (item, region)) in node.items().iter().zip(&regions).enumerate() {
        if !looks_like_region(region) {
            mistakes.error_help(
                item.span,
                format!("`{}` does not look like a Region", shown(region)),
                "Regions look like us-east-1 or ap-southeast-2",
            );
            fine = false;
        } else if regions[..index].contains(region) {
            mistakes.error(item.span, format!("`{region}` is written twice"));
            fine = false;
        }
    }
    fine.then_some(regions)
}

/// `us-east-1`, `us-gov-west-1`, `ap-southeast-2`: new Regions open, so only the form is checked.
fn looks_like_region(region: &str) -> bool {
    let parts: Vec<&str> = region.split('-').collect();
    let lower = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase());
    match parts.split_last() {
        Some((number, words)) => {
            (2..=3).contains(&words.len())
                && words.iter().all(|word| lower(word))
                && (1..=2).contains(&number.len())
                && number.bytes().all(|byte| byte.is_ascii_digit())
        }
        None => false,
    }
}

fn assume_role(node: &Node, mistakes: &mut Mistakes) -> Option<AssumeRole> {
    let role = filled_text(node, mistakes)?;
    if is_iam_arn(&role, "role/") {
        return Some(AssumeRole::Arn(role));
    }
    if role.chars().all(|c| c.is_ascii_alphanumeric() || "+=,.@_-/".contains(c)) {
        return Some(AssumeRole::Name(role));
    }
    mistakes.error(node.span, format!("`{}` is neither a role's name nor its ARN", shown(&role)));
    None
}

/// STS takes 2 to 1,224 of these characters (`AssumeRole`).
fn external_id(node: &Node, mistakes: &mut Mistakes) -> Option<String> {
    let id = filled_text(node, mistakes)?;
    if (2..=1224).contains(&id.len())
        && id.chars().all(|c| c.is_ascii_alphanumeric() || "+=,.@:/_-".contains(c))
    {
        return Some(id);
    }
    mistakes.error(node.span, "an external id has 2 to 1224 letters, digits and + = , . @ : / _ -");
    None
}
