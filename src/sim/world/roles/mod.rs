//! IAM: roles with their documents, managed policies, instance profiles. One per account, in no Region.
//!
//! IAM's own readings are consistent here; what lags is its effect: a role or profile that was made, or whose
//! trust was changed, less than `settings.iam_lag` ago cannot be used by other services yet.

pub mod document;
pub mod managed;
mod profiles;

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::{Place, World};
use crate::sim::wire::AwsError;
pub use document::Document;
use document::malformed;
pub use profiles::{InstanceProfile, create as create_profile};

/// The role that the simulator says its callers have; it exists in no account.
pub const CALLER_ROLE: &str = "Watchkeeper";

// Documented quotas (IAM User Guide, "IAM and AWS STS quotas").
const ROLES: usize = 1000;
const TAGS: usize = 50;
const TRUST_CHARS: usize = 2048;
const INLINE_CHARS: usize = 10_240;
const ATTACHED: usize = 20;

/// Key and value.
pub type Tags = BTreeMap<String, String>;

/// What an account has in IAM.
#[derive(Clone, Debug, Default)]
pub struct Iam {
    /// By name.
    pub roles: BTreeMap<String, Role>,
    /// By name.
    pub profiles: BTreeMap<String, InstanceProfile>,
}

/// A document as it was given and as it is understood.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// JSON, as it was given.
    pub text: String,
    /// The same, parsed.
    pub document: Document,
}

/// One role.
#[derive(Clone, Debug)]
pub struct Role {
    /// Unique in its account, whatever its case.
    pub name: String,
    /// Begins and ends with `/`.
    pub path: String,
    /// Such as `AROA…`; a role made again under the same name has another.
    pub id: String,
    /// Names account, path and name.
    pub arn: String,
    /// For people.
    pub description: Option<String>,
    /// In seconds.
    pub max_session: i64,
    /// Who may assume it.
    pub trust: Policy,
    /// What it may do: its own documents, by name.
    pub inline: BTreeMap<String, Policy>,
    /// What it may do: ARNs of managed policies.
    pub attached: BTreeSet<String>,
    /// The ARN of the managed policy beyond which it may do nothing.
    pub boundary: Option<String>,
    /// Tags.
    pub tags: Tags,
    /// When it was made.
    pub created: Timestamp,
    /// When it was made or its trust last changed: from here IAM's lag counts.
    pub trust_changed: Timestamp,
}

/// What a new role is made of.
#[derive(Clone, Debug, Default)]
pub struct NewRole {
    /// The name.
    pub name: String,
    /// `/` if nothing else.
    pub path: Option<String>,
    /// Who may assume it, as JSON.
    pub trust: String,
    /// For people.
    pub description: Option<String>,
    /// 3,600 to 43,200 seconds.
    pub max_session: Option<i64>,
    /// The ARN of a managed policy.
    pub boundary: Option<String>,
    /// Tags.
    pub tags: Tags,
}

impl Role {
    /// Whether the role may do `action` on `resource`: its managed and its own documents allow it, none denies
    /// it, and its boundary allows it too. For conditions see [`document`].
    pub fn allows(&self, action: &str, resource: &str) -> bool {
        let inline = self.inline.values().map(|policy| &policy.document);
        let attached =
            self.attached.iter().filter_map(|arn| managed::by_arn(arn)).map(|policy| &policy.document);
        let verdict = inline.chain(attached).filter_map(|document| document.verdict(action, resource)).min();
        verdict == Some(true) && self.boundary_allows(action, resource)
    }

    fn boundary_allows(&self, action: &str, resource: &str) -> bool {
        let Some(arn) = &self.boundary else { return true };
        managed::by_arn(arn).is_some_and(|policy| policy.document.verdict(action, resource) == Some(true))
    }

    /// Whether `service`, such as `vpc-flow-logs.amazonaws.com`, may assume the role.
    pub fn trusts(&self, service: &str) -> bool {
        self.trust.document.trusts_service(service)
    }

    /// Whether IAM's lag since the role or its trust changed is over.
    pub fn settled(&self, now: Timestamp, lag: SignedDuration) -> bool {
        self.trust_changed + lag <= now
    }
}

impl Policy {
    /// Reads a document that says what a role may do.
    ///
    /// # Errors
    /// `MalformedPolicyDocument`.
    pub fn permissions(text: &str) -> Result<Self, AwsError> {
        Ok(Self { text: text.to_owned(), document: Document::permissions(text)? })
    }
}

impl Iam {
    /// The role `name`.
    ///
    /// # Errors
    /// `NoSuchEntity`.
    pub fn role(&self, name: &str) -> Result<&Role, AwsError> {
        self.roles.get(name).ok_or_else(|| no_role(name))
    }

    /// The role `name`, to change it.
    ///
    /// # Errors
    /// `NoSuchEntity`.
    pub fn role_mut(&mut self, name: &str) -> Result<&mut Role, AwsError> {
        self.roles.get_mut(name).ok_or_else(|| no_role(name))
    }

    /// The role with this ARN.
    pub fn role_by_arn(&self, arn: &str) -> Option<&Role> {
        let name = arn.rsplit('/').next()?;
        self.roles.get(name).filter(|role| role.arn == arn)
    }

    /// Deletes a role that holds nothing and is held by nothing.
    ///
    /// # Errors
    /// `NoSuchEntity`, `DeleteConflict`.
    pub fn delete_role(&mut self, name: &str) -> Result<(), AwsError> {
        let role = self.role(name)?;
        let held = self.profiles.values().any(|profile| profile.role.as_deref() == Some(name));
        let obstacle = match role {
            _ if held => "must remove roles from instance profile first.",
            role if !role.attached.is_empty() => "must detach all policies first.",
            role if !role.inline.is_empty() => "must delete policies first.",
            _ => {
                self.roles.remove(name);
                return Ok(());
            }
        };
        Err(delete_conflict(obstacle))
    }

    /// Puts one of the role's own documents, over an older one of the same name.
    ///
    /// # Errors
    /// `NoSuchEntity`, `MalformedPolicyDocument`, `LimitExceeded` for all documents together.
    pub fn put_inline(&mut self, name: &str, policy: &str, text: &str) -> Result<(), AwsError> {
        let role = self.role_mut(name)?;
        let new = Policy::permissions(text)?;
        let others = role.inline.iter().filter(|(other, _)| *other != policy);
        let chars: usize = others.map(|(_, other)| without_blanks(&other.text)).sum();
        if chars + without_blanks(text) > INLINE_CHARS {
            return Err(limit(format!(
                "Maximum policy size of {INLINE_CHARS} bytes exceeded for role {name}"
            )));
        }
        role.inline.insert(policy.to_owned(), new);
        Ok(())
    }

    /// Attaches a managed policy. Attaching it again changes nothing.
    ///
    /// # Errors
    /// `NoSuchEntity` for role or policy, `LimitExceeded`.
    pub fn attach(&mut self, name: &str, arn: &str) -> Result<(), AwsError> {
        let role = self.role_mut(name)?;
        if managed::by_arn(arn).is_none() {
            return Err(no_policy(arn));
        }
        if role.attached.len() >= ATTACHED && !role.attached.contains(arn) {
            return Err(limit(format!("Cannot exceed quota for PoliciesPerRole: {ATTACHED}")));
        }
        role.attached.insert(arn.to_owned());
        Ok(())
    }

    /// Detaches a managed policy.
    ///
    /// # Errors
    /// `NoSuchEntity` for the role, or when the policy is not attached.
    pub fn detach(&mut self, name: &str, arn: &str) -> Result<(), AwsError> {
        if self.role_mut(name)?.attached.remove(arn) { Ok(()) } else { Err(no_policy(arn)) }
    }

    /// Bounds what the role may do.
    ///
    /// # Errors
    /// `NoSuchEntity` for role or policy.
    pub fn set_boundary(&mut self, name: &str, arn: &str) -> Result<(), AwsError> {
        check_boundary(arn)?;
        self.role_mut(name)?.boundary = Some(arn.to_owned());
        Ok(())
    }
}

/// Makes a role.
///
/// # Errors
/// `EntityAlreadyExists`, `MalformedPolicyDocument`, `LimitExceeded`, `NoSuchEntity` for the boundary.
pub fn create_role(world: &mut World, place: &Place, new: NewRole) -> Result<Role, AwsError> {
    let trust = checked_trust(world, &new.trust)?;
    if let Some(arn) = &new.boundary {
        check_boundary(arn)?;
    }
    check_tags(&new.tags, "TagsPerRole")?;
    let roles = &world.account(place).iam.roles;
    if roles.keys().any(|name| name.eq_ignore_ascii_case(&new.name)) {
        return Err(exists(&format!("Role with name {}", new.name)));
    }
    if roles.len() >= ROLES {
        return Err(limit(format!("Cannot exceed quota for RolesPerAccount: {ROLES}")));
    }
    let (id, now) = (unique_id(world, "AROA"), world.now());
    let path = new.path.unwrap_or_else(|| "/".to_owned());
    let role = Role {
        arn: arn(place, "role", &path, &new.name),
        name: new.name,
        path,
        id,
        description: new.description,
        max_session: new.max_session.unwrap_or(3600),
        trust,
        inline: BTreeMap::new(),
        attached: BTreeSet::new(),
        boundary: new.boundary,
        tags: new.tags,
        created: now,
        trust_changed: now,
    };
    world.account(place).iam.roles.insert(role.name.clone(), role.clone());
    Ok(role)
}

/// Replaces who may assume a role.
///
/// # Errors
/// `NoSuchEntity`, `MalformedPolicyDocument`, `LimitExceeded`.
pub fn set_trust(world: &mut World, place: &Place, name: &str, text: &str) -> Result<(), AwsError> {
    world.account(place).iam.role(name)?;
    let trust = checked_trust(world, text)?;
    let now = world.now();
    let role = world.account(place).iam.role_mut(name)?;
    role.trust = trust;
    role.trust_changed = now;
    Ok(())
}

fn checked_trust(world: &World, text: &str) -> Result<Policy, AwsError> {
    let document = Document::trust(text)?;
    if text.chars().count() > TRUST_CHARS {
        return Err(limit(format!("Cannot exceed quota for ACLSizePerRole: {TRUST_CHARS}")));
    }
    for principal in document.trusted_roles() {
        let account = principal.split(':').nth(4).unwrap_or_default();
        let known =
            world.accounts.get(account).is_some_and(|found| found.iam.role_by_arn(principal).is_some());
        if !known && !principal.ends_with(&format!(":role/{CALLER_ROLE}")) {
            return Err(malformed(format!("Invalid principal in policy: \"AWS\":\"{principal}\"")));
        }
    }
    Ok(Policy { text: text.to_owned(), document })
}

/// Adds tags over older ones of the same key.
///
/// # Errors
/// `LimitExceeded` beyond fifty; `quota` is its name in the message.
pub fn add_tags(tags: &mut Tags, new: Tags, quota: &str) -> Result<(), AwsError> {
    let mut all = tags.clone();
    all.extend(new);
    check_tags(&all, quota)?;
    *tags = all;
    Ok(())
}

fn check_tags(tags: &Tags, quota: &str) -> Result<(), AwsError> {
    if tags.len() > TAGS { Err(limit(format!("Cannot exceed quota for {quota}: {TAGS}"))) } else { Ok(()) }
}

fn check_boundary(arn: &str) -> Result<(), AwsError> {
    match managed::by_arn(arn) {
        Some(_) => Ok(()),
        None => Err(no_such(format!("Scope ARN: {arn} does not exist or is not attachable."))),
    }
}

/// The partition that a Region belongs to: it begins every ARN.
pub fn partition(region: &str) -> &'static str {
    match region {
        _ if region.starts_with("us-gov-") => "aws-us-gov",
        _ if region.starts_with("cn-") => "aws-cn",
        _ => "aws",
    }
}

fn arn(place: &Place, kind: &str, path: &str, name: &str) -> String {
    format!("arn:{}:iam::{}:{kind}{path}{name}", partition(&place.region), place.account)
}

/// An id such as `AROA` and seventeen more characters, never given twice.
fn unique_id(world: &mut World, prefix: &str) -> String {
    let rest =
        std::iter::repeat_with(|| if world.rng.bool() { world.rng.uppercase() } else { world.rng.digit(10) });
    prefix.chars().chain(rest.take(17)).collect()
}

fn without_blanks(text: &str) -> usize {
    text.chars().filter(|symbol| !symbol.is_whitespace()).count()
}

/// `NoSuchEntity`.
pub fn no_such(message: impl Into<String>) -> AwsError {
    AwsError::new("NoSuchEntity", message).with_status(404)
}

fn no_role(name: &str) -> AwsError {
    no_such(format!("The role with name {name} cannot be found."))
}

/// `NoSuchEntity` for a managed policy.
pub fn no_policy(arn: &str) -> AwsError {
    no_such(format!("Policy {arn} was not found."))
}

fn exists(what: &str) -> AwsError {
    AwsError::new("EntityAlreadyExists", format!("{what} already exists.")).with_status(409)
}

fn limit(message: String) -> AwsError {
    AwsError::new("LimitExceeded", message).with_status(409)
}

fn delete_conflict(obstacle: &str) -> AwsError {
    AwsError::new("DeleteConflict", format!("Cannot delete entity, {obstacle}")).with_status(409)
}
