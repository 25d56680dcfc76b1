//! Instance profiles: what gives an EC2 instance a role.

use jiff::Timestamp;

use super::{
    Iam, Place, Role, Tags, World, arn, check_tags, delete_conflict, exists, limit, no_such, unique_id,
};
use crate::sim::wire::AwsError;

/// Documented quota.
const PROFILES: usize = 1000;

/// One instance profile.
#[derive(Clone, Debug)]
pub struct InstanceProfile {
    /// Unique in its account, whatever its case.
    pub name: String,
    /// Begins and ends with `/`.
    pub path: String,
    /// Such as `AIPA…`; a profile made again under the same name has another.
    pub id: String,
    /// Names account, path and name.
    pub arn: String,
    /// The name of the one role that it may hold.
    pub role: Option<String>,
    /// Tags.
    pub tags: Tags,
    /// When it was made: from here IAM's lag counts.
    pub created: Timestamp,
}

impl Iam {
    /// The profile `name`.
    ///
    /// # Errors
    /// `NoSuchEntity`.
    pub fn profile(&self, name: &str) -> Result<&InstanceProfile, AwsError> {
        self.profiles.get(name).ok_or_else(|| no_profile(name))
    }

    /// The profile `name`, to change it.
    ///
    /// # Errors
    /// `NoSuchEntity`.
    pub fn profile_mut(&mut self, name: &str) -> Result<&mut InstanceProfile, AwsError> {
        self.profiles.get_mut(name).ok_or_else(|| no_profile(name))
    }

    /// The role in a profile.
    pub fn profile_role(&self, profile_name: &str) -> Option<&Role> {
        self.roles.get(self.profiles.get(profile_name)?.role.as_ref()?)
    }

    /// Puts a role into a profile.
    ///
    /// # Errors
    /// `NoSuchEntity`, `LimitExceeded` when there is one already.
    pub fn add_role(&mut self, profile: &str, role: &str) -> Result<(), AwsError> {
        self.role(role)?;
        let profile = self.profile_mut(profile)?;
        if profile.role.is_some() {
            return Err(limit("Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1".to_owned()));
        }
        profile.role = Some(role.to_owned());
        Ok(())
    }

    /// Takes a role out of a profile.
    ///
    /// # Errors
    /// `NoSuchEntity`, also when the profile holds another role.
    pub fn remove_role(&mut self, profile: &str, role: &str) -> Result<(), AwsError> {
        let held = &mut self.profile_mut(profile)?.role;
        if held.as_deref() != Some(role) {
            return Err(no_such(format!("The role with name {role} cannot be found.")));
        }
        *held = None;
        Ok(())
    }

    /// Deletes a profile that holds no role.
    ///
    /// # Errors
    /// `NoSuchEntity`, `DeleteConflict`.
    pub fn delete_profile(&mut self, name: &str) -> Result<(), AwsError> {
        if self.profile(name)?.role.is_some() {
            return Err(delete_conflict("must remove roles from instance profile first."));
        }
        self.profiles.remove(name);
        Ok(())
    }
}

/// Makes an instance profile.
///
/// # Errors
/// `EntityAlreadyExists`, `LimitExceeded`.
pub fn create(
    world: &mut World,
    place: &Place,
    name: &str,
    path: &str,
    tags: Tags,
) -> Result<InstanceProfile, AwsError> {
    check_tags(&tags, "TagsPerInstanceProfile")?;
    let profiles = &world.account(place).iam.profiles;
    if profiles.keys().any(|other| other.eq_ignore_ascii_case(name)) {
        return Err(exists(&format!("Instance Profile {name}")));
    }
    if profiles.len() >= PROFILES {
        return Err(limit(format!("Cannot exceed quota for InstanceProfilesPerAccount: {PROFILES}")));
    }
    let profile = InstanceProfile {
        name: name.to_owned(),
        path: path.to_owned(),
        id: unique_id(world, "AIPA"),
        arn: arn(place, "instance-profile", path, name),
        role: None,
        tags,
        created: world.now(),
    };
    world.account(place).iam.profiles.insert(profile.name.clone(), profile.clone());
    Ok(profile)
}

fn no_profile(name: &str) -> AwsError {
    no_such(format!("Instance Profile {name} cannot be found."))
}
