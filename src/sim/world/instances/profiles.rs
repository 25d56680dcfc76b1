//! Which instance holds which profile.
//!
//! An association remembers the profile's id: a profile that was deleted and made again under the same name
//! is another one, and gives the instance nothing.

use jiff::{SignedDuration, Timestamp};

use super::super::roles::{Iam, InstanceProfile, Role};
use super::{Due, Instances, Place, World, nodes};
use crate::sim::wire::AwsError;

/// How long EC2 takes to associate and to disassociate.
const TAKES: SignedDuration = SignedDuration::from_secs(3);

/// A profile as a caller names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProfileName {
    /// By name.
    Name(String),
    /// By ARN.
    Arn(String),
}

/// One profile held by one instance.
#[derive(Clone, Debug)]
pub struct Association {
    /// Such as `iip-assoc-0…`.
    pub id: String,
    /// The instance.
    pub instance: String,
    /// The profile's name.
    pub profile: String,
    /// The profile's ARN.
    pub profile_arn: String,
    /// The profile's own id, `AIPA…`.
    pub profile_id: String,
    /// How far it is.
    pub state: AssociationState,
    /// When that state began.
    pub since: Timestamp,
}

/// How far an association is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AssociationState {
    /// Under way.
    Associating,
    /// Done.
    Associated,
    /// On the way out.
    Disassociating,
}

impl AssociationState {
    /// EC2's word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Associating => "associating",
            Self::Associated => "associated",
            Self::Disassociating => "disassociating",
        }
    }
}

impl Instances {
    /// The name of the profile whose association with the instance is complete.
    pub fn profile_of(&self, instance_id: &str) -> Option<&str> {
        let held = self.association_of(instance_id)?;
        (held.state == AssociationState::Associated).then_some(held.profile.as_str())
    }

    /// The association that the instance has, in whatever state.
    pub fn association_of(&self, instance_id: &str) -> Option<&Association> {
        self.associations.get(instance_id)
    }

    /// The role whose credentials the instance gets.
    pub fn role_of<'a>(&self, iam: &'a Iam, instance_id: &str) -> Option<&'a Role> {
        let name = self.profile_of(instance_id)?;
        let held = self.association_of(instance_id)?;
        iam.profiles.get(name).filter(|profile| profile.id == held.profile_id)?;
        iam.profile_role(name)
    }
}

/// The profile that `name` means, if EC2 can use it by now.
///
/// # Errors
/// `InvalidParameterValue` when there is none, or IAM's lag since it was made is not over.
pub fn usable(world: &mut World, place: &Place, name: &ProfileName) -> Result<InstanceProfile, AwsError> {
    let (now, lag) = (world.now(), world.settings.iam_lag);
    let profiles = &world.account(place).iam.profiles;
    let (found, said, word) = match name {
        ProfileName::Name(name) => (profiles.get(name), name, "name"),
        ProfileName::Arn(arn) => (profiles.values().find(|profile| profile.arn == *arn), arn, "ARN"),
    };
    found.filter(|profile| profile.created + lag <= now).cloned().ok_or_else(|| {
        let message = format!("Value ({said}) for parameter iamInstanceProfile.{} is invalid. Invalid IAM Instance Profile {word}", word.to_lowercase());
        AwsError::new("InvalidParameterValue", message)
    })
}

/// Gives an instance a profile.
///
/// # Errors
/// `InvalidInstanceID.NotFound`, `IncorrectState` when it has one, and what [`usable`] has.
pub fn associate(
    world: &mut World,
    place: &Place,
    instance: &str,
    name: &ProfileName,
) -> Result<Association, AwsError> {
    let instances = &world.region(place).instances;
    let state = instances.get(instance)?.state;
    if matches!(state, super::State::ShuttingDown | super::State::Terminated) {
        let message = format!("The instance '{instance}' is not in the 'running' or 'stopped' states.");
        return Err(AwsError::new("IncorrectInstanceState", message));
    }
    if instances.association_of(instance).is_some() {
        let message = format!("There is an existing association for instance {instance}");
        return Err(AwsError::new("IncorrectState", message));
    }
    let profile = usable(world, place, name)?;
    Ok(start(world, place, instance, &profile, AssociationState::Associating))
}

/// Gives the instance of an association another profile, under a new association id.
///
/// # Errors
/// `NoSuchAssociation`, and what [`usable`] has.
pub fn replace(
    world: &mut World,
    place: &Place,
    association: &str,
    name: &ProfileName,
) -> Result<Association, AwsError> {
    let instance = get(world, place, association)?.instance.clone();
    let profile = usable(world, place, name)?;
    let new = start(world, place, &instance, &profile, AssociationState::Associating);
    nodes::instance_changed(world, place, &instance);
    Ok(new)
}

/// Takes the profile from an instance.
///
/// # Errors
/// `NoSuchAssociation`.
pub fn disassociate(world: &mut World, place: &Place, association: &str) -> Result<Association, AwsError> {
    let now = world.now();
    let held = get(world, place, association)?;
    held.state = AssociationState::Disassociating;
    held.since = now;
    let held = held.clone();
    world.later(place, TAKES, super::super::Due::Instance(Due::Association(held.instance.clone())));
    nodes::instance_changed(world, place, &held.instance);
    Ok(held)
}

fn get<'a>(world: &'a mut World, place: &Place, id: &str) -> Result<&'a mut Association, AwsError> {
    let mut all = world.region(place).instances.associations.values_mut();
    all.find(|held| held.id == id).ok_or_else(|| {
        AwsError::new("NoSuchAssociation", format!("An invalid association-id of '{id}' was given"))
    })
}

/// An instance launched with a profile has it from the start.
pub(super) fn associate_at_launch(
    world: &mut World,
    place: &Place,
    instance: &str,
    profile: &InstanceProfile,
) {
    start(world, place, instance, profile, AssociationState::Associated);
}

fn start(
    world: &mut World,
    place: &Place,
    instance: &str,
    profile: &InstanceProfile,
    state: AssociationState,
) -> Association {
    let made = Association {
        id: world.id("iip-assoc"),
        instance: instance.to_owned(),
        profile: profile.name.clone(),
        profile_arn: profile.arn.clone(),
        profile_id: profile.id.clone(),
        state,
        since: world.now(),
    };
    world.region(place).instances.associations.insert(made.instance.clone(), made.clone());
    if state == AssociationState::Associating {
        world.later(place, TAKES, super::super::Due::Instance(Due::Association(made.instance.clone())));
    }
    made
}

/// The association of `instance` reaches the end of what it was on the way to, if it was long enough.
pub(super) fn settle(world: &mut World, place: &Place, instance: &str) {
    let now = world.now();
    let associations = &mut world.region(place).instances.associations;
    // Something newer may have begun since this was put on the agenda; it settles in its own time.
    let Some(held) = associations.get_mut(instance).filter(|held| held.since + TAKES <= now) else { return };
    match held.state {
        AssociationState::Associated => return,
        AssociationState::Associating => {
            held.state = AssociationState::Associated;
            held.since = now;
        }
        AssociationState::Disassociating => {
            associations.remove(instance);
        }
    }
    nodes::instance_changed(world, place, instance);
}

/// A terminated instance holds nothing.
pub(super) fn forget(world: &mut World, place: &Place, instance: &str) {
    world.region(place).instances.associations.remove(instance);
}
