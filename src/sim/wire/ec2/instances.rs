//! Instances.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::{AwsError, Outcome, input, with};
use super::listing::{Listing, Rows};
use super::profiles::ProfileInput;
use super::tags::{self, Specification};
use super::{end_dry_run, invalid, missing, read, time};
use crate::sim::world::instances::{self, Instance, Instances, Launch, State, Wish};
use crate::sim::world::{Place, World};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Run {
    #[serde(default)]
    image_id: Option<String>,
    #[serde(default)]
    instance_type: Option<String>,
    #[serde(default, deserialize_with = "input::number")]
    min_count: Option<i64>,
    #[serde(default, deserialize_with = "input::number")]
    max_count: Option<i64>,
    #[serde(default)]
    subnet_id: Option<String>,
    #[serde(default)]
    iam_instance_profile: Option<ProfileInput>,
    #[serde(default)]
    tag_specification: Vec<Specification>,
    #[serde(default)]
    client_token: Option<String>,
    #[serde(default, deserialize_with = "input::truth")]
    dry_run: bool,
}

pub(super) fn run(world: &mut World, place: &Place, value: Value) -> Outcome {
    let input: Run = read(value)?;
    let (min, max) = (input.min_count.unwrap_or(1), input.max_count.unwrap_or(1));
    if min < 1 || max < min {
        return Err(invalid(format!("Value ({max}) for parameter maxCount is invalid.")));
    }
    let launch = Launch {
        image: input.image_id.ok_or_else(|| {
            AwsError::new("MissingParameter", "The request must contain the parameter ImageId")
        })?,
        instance_type: input.instance_type.unwrap_or_else(|| "m1.small".to_owned()),
        count: usize::try_from(max).map_err(|error| invalid(error.to_string()))?,
        subnet: input.subnet_id,
        profile: input.iam_instance_profile.map(ProfileInput::name).transpose()?,
        tags: tags::specified(input.tag_specification, "instance")?,
        client_token: input.client_token,
    };
    if input.dry_run {
        instances::check_launch(world, place, &launch)?;
        end_dry_run(true)?;
    }
    let ids = instances::run(world, place, &launch)?;
    let all = &world.region(place).instances;
    let made: Vec<&Instance> = ids.iter().filter_map(|id| all.instances.get(id)).collect();
    let shown: Vec<Value> = made.iter().map(|instance| instance_shown(place, all, instance)).collect();
    Ok(json!({
        "reservationId": made.first().map(|instance| &instance.reservation),
        "ownerId": place.account,
        "instancesSet": shown,
    }))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Change {
    #[serde(default)]
    instance_id: Vec<String>,
    /// Accepted, since everything here goes down in the same way.
    #[serde(default, rename = "Force", deserialize_with = "input::truth")]
    _force: bool,
    #[serde(default, deserialize_with = "input::truth")]
    dry_run: bool,
}

pub(super) fn start(world: &mut World, place: &Place, value: Value) -> Outcome {
    change(world, place, value, Wish::Start)
}

pub(super) fn stop(world: &mut World, place: &Place, value: Value) -> Outcome {
    change(world, place, value, Wish::Stop)
}

pub(super) fn terminate(world: &mut World, place: &Place, value: Value) -> Outcome {
    change(world, place, value, Wish::Terminate)
}

fn change(world: &mut World, place: &Place, value: Value, wish: Wish) -> Outcome {
    let input: Change = read(value)?;
    if input.instance_id.is_empty() {
        return Err(missing("InstanceId"));
    }
    instances::check_wish(world, place, wish, &input.instance_id)?;
    end_dry_run(input.dry_run)?;
    let changes = instances::grant(world, place, wish, &input.instance_id)?;
    let shown: Vec<Value> = changes
        .into_iter()
        .map(|(id, before, after)| {
            json!({
                "instanceId": id,
                "currentState": state_shown(after),
                "previousState": state_shown(before),
            })
        })
        .collect();
    Ok(json!({ "instancesSet": shown }))
}

const ROWS: Rows<Instance> =
    Rows { kind: "instance", id: |instance| &instance.id, tags: |instance| &instance.tags };
const FILTERS: &[&str] = &[
    "instance-id",
    "instance-state-name",
    "vpc-id",
    "subnet-id",
    "availability-zone",
    "image-id",
    "instance-type",
    "platform",
    "private-ip-address",
    "iam-instance-profile.arn",
];

pub(super) fn describe(world: &mut World, place: &Place, value: Value) -> Outcome {
    let listing = Listing::read(value, "InstanceId", FILTERS)?;
    let size = listing.size(world);
    let all = &world.region(place).instances;
    let found = listing.select(all.instances.values(), &ROWS, |instance, filter| match filter {
        "instance-id" => vec![instance.id.clone()],
        "instance-state-name" => vec![instance.state.name().to_owned()],
        "vpc-id" => vec![instance.vpc.clone()],
        "subnet-id" => vec![instance.subnet.clone()],
        "availability-zone" => vec![instance.availability_zone.clone()],
        "image-id" => vec![instance.image.clone()],
        "instance-type" => vec![instance.instance_type.clone()],
        "platform" => instance.platform.iter().cloned().collect(),
        "private-ip-address" => vec![instance.private_ip.clone()],
        _ => all.association_of(&instance.id).iter().map(|held| held.profile_arn.clone()).collect(),
    })?;
    let (page, next) = listing.page(&found, size)?;
    let mut reservations: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    for instance in page {
        let shown = instance_shown(place, all, instance);
        reservations.entry(&instance.reservation).or_default().push(shown);
    }
    let shown: Vec<Value> = reservations
        .into_iter()
        .map(|(id, instances)| {
            let reservation = json!({ "reservationId": id, "ownerId": place.account });
            with(reservation, [("instancesSet", Value::Array(instances))])
        })
        .collect();
    Ok(with(json!({ "nextToken": next }), [("reservationSet", Value::Array(shown))]))
}

fn state_shown(state: State) -> Value {
    json!({ "code": state.code(), "name": state.name() })
}

/// A terminated instance has no network any more.
fn instance_shown(place: &Place, all: &Instances, instance: &Instance) -> Value {
    let there = (instance.state != State::Terminated).then_some(instance);
    let profile = all
        .association_of(&instance.id)
        .map(|held| json!({ "arn": held.profile_arn, "id": held.profile_id }));
    let windows = instance.platform.is_some();
    let interfaces = there.map(|it| {
        let interface = json!({
            "networkInterfaceId": it.interface,
            "subnetId": it.subnet,
            "vpcId": it.vpc,
            "ownerId": place.account,
            "status": "in-use",
            "privateIpAddress": it.private_ip,
        });
        Value::Array(vec![interface])
    });
    let shown = json!({
        "instanceId": instance.id,
        "imageId": instance.image,
        "instanceState": state_shown(instance.state),
        "amiLaunchIndex": instance.launch_index,
        "instanceType": instance.instance_type,
        "launchTime": time(instance.launched),
        "placement": { "availabilityZone": instance.availability_zone, "tenancy": "default" },
        "platform": instance.platform,
        "platformDetails": if windows { "Windows" } else { "Linux/UNIX" },
        "architecture": "x86_64",
        "clientToken": instance.client_token,
        "subnetId": there.map(|it| &it.subnet),
        "vpcId": there.map(|it| &it.vpc),
        "privateIpAddress": there.map(|it| &it.private_ip),
        "iamInstanceProfile": profile,
    });
    let interfaces = interfaces.unwrap_or_default();
    with(shown, [("networkInterfaceSet", interfaces), ("tagSet", tags::shown(&instance.tags))])
}
