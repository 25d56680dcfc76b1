//! VPCs, subnets, network interfaces.

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::{Outcome, input, with};
use super::listing::{Listing, Rows};
use super::tags::{self, Specification};
use super::{end_dry_run, missing, read, time};
use crate::sim::world::networks::{self, Interface, Subnet, Vpc};
use crate::sim::world::roles::partition;
use crate::sim::world::{Place, World};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct CreateVpc {
    #[serde(default)]
    cidr_block: Option<String>,
    #[serde(default)]
    tag_specification: Vec<Specification>,
    #[serde(default, deserialize_with = "input::truth")]
    dry_run: bool,
}

pub(super) fn create_vpc(world: &mut World, place: &Place, value: Value) -> Outcome {
    let input: CreateVpc = read(value)?;
    let cidr = input.cidr_block.ok_or_else(|| missing("cidrBlock"))?;
    let tags = tags::specified(input.tag_specification, "vpc")?;
    end_dry_run(input.dry_run)?;
    let vpc = networks::create_vpc(world, place, &cidr, tags)?;
    Ok(json!({ "vpc": vpc_shown(place, &vpc) }))
}

const VPCS: Rows<Vpc> = Rows { kind: "VPC", id: |vpc| &vpc.id, tags: |vpc| &vpc.tags };

pub(super) fn describe_vpcs(world: &mut World, place: &Place, value: Value) -> Outcome {
    let listing =
        Listing::read(value, "VpcId", &["vpc-id", "cidr", "cidr-block", "state", "is-default", "owner-id"])?;
    let size = listing.size(world);
    let all = world.region(place).networks.vpcs.values();
    let found = listing.select(all, &VPCS, |vpc, filter| {
        vec![match filter {
            "vpc-id" => vpc.id.clone(),
            "state" => "available".to_owned(),
            "is-default" => "false".to_owned(),
            "owner-id" => place.account.clone(),
            _ => vpc.cidr.to_string(),
        }]
    })?;
    let (page, next) = listing.page(&found, size)?;
    let shown: Vec<Value> = page.iter().map(|vpc| vpc_shown(place, vpc)).collect();
    Ok(json!({ "vpcSet": shown, "nextToken": next }))
}

fn vpc_shown(place: &Place, vpc: &Vpc) -> Value {
    json!({
        "vpcId": vpc.id,
        "ownerId": place.account,
        "state": "available",
        "cidrBlock": vpc.cidr.to_string(),
        "instanceTenancy": "default",
        "isDefault": false,
        "tagSet": tags::shown(&vpc.tags),
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct CreateSubnet {
    vpc_id: String,
    #[serde(default)]
    cidr_block: Option<String>,
    #[serde(default)]
    availability_zone: Option<String>,
    #[serde(default)]
    tag_specification: Vec<Specification>,
    #[serde(default, deserialize_with = "input::truth")]
    dry_run: bool,
}

pub(super) fn create_subnet(world: &mut World, place: &Place, value: Value) -> Outcome {
    let input: CreateSubnet = read(value)?;
    let cidr = input.cidr_block.ok_or_else(|| missing("cidrBlock"))?;
    let tags = tags::specified(input.tag_specification, "subnet")?;
    end_dry_run(input.dry_run)?;
    let zone = input.availability_zone.as_deref();
    let subnet = networks::create_subnet(world, place, &input.vpc_id, &cidr, zone, tags)?;
    Ok(json!({ "subnet": subnet_shown(place, &subnet) }))
}

const SUBNETS: Rows<Subnet> = Rows { kind: "subnet", id: |subnet| &subnet.id, tags: |subnet| &subnet.tags };

pub(super) fn describe_subnets(world: &mut World, place: &Place, value: Value) -> Outcome {
    let filters = ["subnet-id", "vpc-id", "cidr-block", "availability-zone", "state", "owner-id"];
    let listing = Listing::read(value, "SubnetId", &filters)?;
    let size = listing.size(world);
    let all = world.region(place).networks.subnets.values();
    let found = listing.select(all, &SUBNETS, |subnet, filter| {
        vec![match filter {
            "subnet-id" => subnet.id.clone(),
            "vpc-id" => subnet.vpc.clone(),
            "availability-zone" => subnet.availability_zone.clone(),
            "state" => "available".to_owned(),
            "owner-id" => place.account.clone(),
            _ => subnet.cidr.to_string(),
        }]
    })?;
    let (page, next) = listing.page(&found, size)?;
    let shown: Vec<Value> = page.iter().map(|subnet| subnet_shown(place, subnet)).collect();
    Ok(json!({ "subnetSet": shown, "nextToken": next }))
}

fn subnet_shown(place: &Place, subnet: &Subnet) -> Value {
    let (partition, Place { account, region }) = (partition(&place.region), place);
    json!({
        "subnetId": subnet.id,
        "subnetArn": format!("arn:{partition}:ec2:{region}:{account}:subnet/{}", subnet.id),
        "ownerId": account,
        "vpcId": subnet.vpc,
        "state": "available",
        "cidrBlock": subnet.cidr.to_string(),
        "availableIpAddressCount": subnet.addresses_left(),
        "availabilityZone": subnet.availability_zone,
        "defaultForAz": false,
        "mapPublicIpOnLaunch": false,
        "tagSet": tags::shown(&subnet.tags),
    })
}

const INTERFACES: Rows<Interface> =
    Rows { kind: "networkInterface", id: |interface| &interface.id, tags: |interface| &interface.tags };

pub(super) fn describe_interfaces(world: &mut World, place: &Place, value: Value) -> Outcome {
    let filters = [
        "network-interface-id",
        "vpc-id",
        "subnet-id",
        "availability-zone",
        "status",
        "owner-id",
        "private-ip-address",
        "attachment.instance-id",
    ];
    let listing = Listing::read(value, "NetworkInterfaceId", &filters)?;
    let size = listing.size(world);
    let all = world.region(place).networks.interfaces.values();
    let found = listing.select(all, &INTERFACES, |interface, filter| match filter {
        "network-interface-id" => vec![interface.id.clone()],
        "vpc-id" => vec![interface.vpc.clone()],
        "subnet-id" => vec![interface.subnet.clone()],
        "availability-zone" => vec![interface.availability_zone.clone()],
        "status" => vec![status(interface).to_owned()],
        "owner-id" => vec![place.account.clone()],
        "private-ip-address" => vec![interface.private_ip.clone()],
        _ => interface.instance.iter().cloned().collect(),
    })?;
    let (page, next) = listing.page(&found, size)?;
    let shown: Vec<Value> = page.iter().map(|interface| interface_shown(place, interface)).collect();
    Ok(with(json!({ "nextToken": next }), [("networkInterfaceSet", Value::Array(shown))]))
}

const fn status(interface: &Interface) -> &'static str {
    if interface.instance.is_some() { "in-use" } else { "available" }
}

fn interface_shown(place: &Place, interface: &Interface) -> Value {
    let attachment = interface.instance.as_ref().map(|instance| {
        json!({
            "attachmentId": interface.id.replacen("eni-", "eni-attach-", 1),
            "attachTime": time(interface.created),
            "deleteOnTermination": true,
            "deviceIndex": 0,
            "instanceId": instance,
            "instanceOwnerId": place.account,
            "status": "attached",
        })
    });
    json!({
        "networkInterfaceId": interface.id,
        "subnetId": interface.subnet,
        "vpcId": interface.vpc,
        "availabilityZone": interface.availability_zone,
        "ownerId": place.account,
        "requesterManaged": false,
        "status": status(interface),
        "interfaceType": "interface",
        "privateIpAddress": interface.private_ip,
        "attachment": attachment,
        "tagSet": tags::shown(&interface.tags),
    })
}
