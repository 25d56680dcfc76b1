//! Which instance holds which profile.

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::{AwsError, Outcome};
use super::listing::{Listing, Rows};
use super::{missing, read, time};
use crate::sim::world::instances::{Association, ProfileName, profiles};
use crate::sim::world::networks::Tags;
use crate::sim::world::{Place, World};

/// A profile, by name or ARN.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct ProfileInput {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    arn: Option<String>,
}

impl ProfileInput {
    pub(super) fn name(self) -> Result<ProfileName, AwsError> {
        match (self.name, self.arn) {
            (Some(name), None) => Ok(ProfileName::Name(name)),
            (None, Some(arn)) => Ok(ProfileName::Arn(arn)),
            (None, None) => Err(missing("IamInstanceProfile")),
            (Some(_), Some(_)) => {
                let message = "The parameter 'iamInstanceProfile.name' may not be used in combination with 'iamInstanceProfile.arn'";
                Err(AwsError::new("InvalidParameterCombination", message))
            }
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Associate {
    instance_id: String,
    iam_instance_profile: ProfileInput,
}

pub(super) fn associate(world: &mut World, place: &Place, value: Value) -> Outcome {
    let input: Associate = read(value)?;
    let name = input.iam_instance_profile.name()?;
    let made = profiles::associate(world, place, &input.instance_id, &name)?;
    Ok(json!({ "iamInstanceProfileAssociation": shown(&made) }))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Replace {
    association_id: String,
    iam_instance_profile: ProfileInput,
}

pub(super) fn replace(world: &mut World, place: &Place, value: Value) -> Outcome {
    let input: Replace = read(value)?;
    let name = input.iam_instance_profile.name()?;
    let made = profiles::replace(world, place, &input.association_id, &name)?;
    Ok(json!({ "iamInstanceProfileAssociation": shown(&made) }))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Disassociate {
    association_id: String,
}

pub(super) fn disassociate(world: &mut World, place: &Place, value: Value) -> Outcome {
    let input: Disassociate = read(value)?;
    let held = profiles::disassociate(world, place, &input.association_id)?;
    Ok(json!({ "iamInstanceProfileAssociation": shown(&held) }))
}

/// Associations have no tags.
static NO_TAGS: Tags = Tags::new();
const ROWS: Rows<Association> = Rows { kind: "association", id: |held| &held.id, tags: |_| &NO_TAGS };

pub(super) fn describe(world: &mut World, place: &Place, value: Value) -> Outcome {
    let listing = Listing::read(value, "AssociationId", &["instance-id", "state"])?;
    let size = listing.size(world);
    let all = world.region(place).instances.associations.values();
    let found = listing.select(all, &ROWS, |held, filter| {
        vec![match filter {
            "instance-id" => held.instance.clone(),
            _ => held.state.name().to_owned(),
        }]
    })?;
    let (page, next) = listing.page(&found, size)?;
    let shown: Vec<Value> = page.iter().map(|held| shown(held)).collect();
    Ok(json!({ "iamInstanceProfileAssociationSet": shown, "nextToken": next }))
}

fn shown(held: &Association) -> Value {
    json!({
        "associationId": held.id,
        "instanceId": held.instance,
        "iamInstanceProfile": { "arn": held.profile_arn, "id": held.profile_id },
        "state": held.state.name(),
        "timestamp": time(held.since),
    })
}
