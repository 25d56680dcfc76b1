//! VPCs, subnets, network interfaces.
//!
//! Addresses are given out in order and never twice. There are no security groups and no routes: nothing
//! that Watchkeeper does depends on them.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use jiff::Timestamp;

use super::{Place, World};
use crate::sim::wire::AwsError;

/// The first four addresses of a subnet belong to AWS, and so does the last.
const RESERVED_AT_START: u32 = 4;

/// Key and value.
pub type Tags = BTreeMap<String, String>;

/// All networks of a Region.
#[derive(Clone, Debug, Default)]
pub struct Networks {
    /// By id.
    pub vpcs: BTreeMap<String, Vpc>,
    /// By id.
    pub subnets: BTreeMap<String, Subnet>,
    /// By id.
    pub interfaces: BTreeMap<String, Interface>,
}

/// One VPC.
#[derive(Clone, Debug)]
pub struct Vpc {
    /// Such as `vpc-0…`.
    pub id: String,
    /// Its addresses.
    pub cidr: Cidr,
    /// Tags.
    pub tags: Tags,
}

/// One subnet.
#[derive(Clone, Debug)]
pub struct Subnet {
    /// Such as `subnet-0…`.
    pub id: String,
    /// The VPC that it is in.
    pub vpc: String,
    /// Its addresses.
    pub cidr: Cidr,
    /// Such as `us-east-1a`.
    pub availability_zone: String,
    /// Tags.
    pub tags: Tags,
    /// How many addresses were given out so far.
    given: u32,
}

/// One network interface.
#[derive(Clone, Debug)]
pub struct Interface {
    /// Such as `eni-0…`.
    pub id: String,
    /// The VPC that it is in.
    pub vpc: String,
    /// The subnet that it is in.
    pub subnet: String,
    /// The instance that it belongs to. It goes away with it.
    pub instance: Option<String>,
    /// Such as `10.0.0.4`.
    pub private_ip: String,
    /// Such as `us-east-1a`.
    pub availability_zone: String,
    /// When it was made.
    pub created: Timestamp,
    /// Tags.
    pub tags: Tags,
}

/// A block of IPv4 addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cidr {
    first: u32,
    bits: u8,
}

impl Cidr {
    /// Reads `10.0.0.0/16`. AWS takes blocks from `/16` to `/28`.
    pub fn parse(text: &str) -> Option<Self> {
        let (address, bits) = text.split_once('/')?;
        let (address, bits): (Ipv4Addr, u8) = (address.parse().ok()?, bits.parse().ok()?);
        if !(16..=28).contains(&bits) {
            return None;
        }
        // AWS clears the host bits, as it documents for CreateVpc.
        Some(Self { first: u32::from(address) & (u32::MAX << (32 - bits)), bits })
    }

    fn last(self) -> u32 {
        self.first | !(u32::MAX << (32 - self.bits))
    }

    fn holds(self, other: Self) -> bool {
        self.first <= other.first && other.last() <= self.last()
    }

    fn overlaps(self, other: Self) -> bool {
        self.first <= other.last() && other.first <= self.last()
    }
}

impl std::fmt::Display for Cidr {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}/{}", Ipv4Addr::from(self.first), self.bits)
    }
}

impl Subnet {
    /// How many addresses are left.
    pub fn addresses_left(&self) -> u32 {
        let all = self.cidr.last() - self.cidr.first + 1;
        all.saturating_sub(RESERVED_AT_START + 1 + self.given)
    }

    fn next_address(&mut self) -> Option<Ipv4Addr> {
        if self.addresses_left() == 0 {
            return None;
        }
        let address = self.cidr.first + RESERVED_AT_START + self.given;
        self.given += 1;
        Some(Ipv4Addr::from(address))
    }
}

impl Networks {
    /// The interfaces that a VPC, a subnet or an interface id stands for.
    pub fn interfaces_of(&self, resource: &str) -> Vec<&Interface> {
        if resource.starts_with("eni-") {
            return self.interfaces.get(resource).into_iter().collect();
        }
        let covers = |interface: &&Interface| interface.vpc == resource || interface.subnet == resource;
        self.interfaces.values().filter(covers).collect()
    }
}

/// Makes a VPC.
///
/// # Errors
/// `InvalidVpc.Range`, `InvalidParameterValue`.
pub fn create_vpc(world: &mut World, place: &Place, cidr: &str, tags: Tags) -> Result<Vpc, AwsError> {
    let Some(cidr) = Cidr::parse(cidr) else {
        return Err(AwsError::new("InvalidVpc.Range", format!("The CIDR '{cidr}' is invalid.")));
    };
    let vpc = Vpc { id: world.id("vpc"), cidr, tags };
    world.region(place).networks.vpcs.insert(vpc.id.clone(), vpc.clone());
    Ok(vpc)
}

/// Makes a subnet in a VPC; without a zone, in the Region's first one.
///
/// # Errors
/// `InvalidVpcID.NotFound`, `InvalidSubnet.Range`, `InvalidSubnet.Conflict`, `InvalidParameterValue` for the zone.
pub fn create_subnet(
    world: &mut World,
    place: &Place,
    vpc: &str,
    cidr: &str,
    zone: Option<&str>,
    tags: Tags,
) -> Result<Subnet, AwsError> {
    let networks = &world.region(place).networks;
    let Some(owner) = networks.vpcs.get(vpc) else {
        return Err(not_found("VPC", "vpc", vpc));
    };
    let Some(block) = Cidr::parse(cidr).filter(|block| owner.cidr.holds(*block)) else {
        return Err(AwsError::new("InvalidSubnet.Range", format!("The CIDR '{cidr}' is invalid.")));
    };
    let mut siblings = networks.subnets.values().filter(|subnet| subnet.vpc == vpc);
    if siblings.any(|subnet| subnet.cidr.overlaps(block)) {
        let message = format!("The CIDR '{cidr}' conflicts with another subnet");
        return Err(AwsError::new("InvalidSubnet.Conflict", message));
    }
    let zone = zone.map_or_else(|| zones(&place.region)[0].clone(), str::to_owned);
    if !zones(&place.region).contains(&zone) {
        let message = format!("Value ({zone}) for parameter availabilityZone is invalid.");
        return Err(AwsError::new("InvalidParameterValue", message));
    }
    let subnet = Subnet {
        id: world.id("subnet"),
        vpc: vpc.to_owned(),
        cidr: block,
        availability_zone: zone,
        tags,
        given: 0,
    };
    world.region(place).networks.subnets.insert(subnet.id.clone(), subnet.clone());
    Ok(subnet)
}

/// Makes an interface in a subnet for an instance.
///
/// # Errors
/// `InvalidSubnetID.NotFound`, `InsufficientFreeAddressesInSubnet`.
pub(super) fn create_interface(
    world: &mut World,
    place: &Place,
    subnet: &str,
    instance: &str,
) -> Result<Interface, AwsError> {
    let (id, created) = (world.id("eni"), world.now());
    let networks = &mut world.region(place).networks;
    let Some(subnet) = networks.subnets.get_mut(subnet) else {
        return Err(not_found("subnet", "subnet", subnet));
    };
    let Some(address) = subnet.next_address() else {
        let message = format!("The specified subnet '{}' has no free addresses.", subnet.id);
        return Err(AwsError::new("InsufficientFreeAddressesInSubnet", message));
    };
    let interface = Interface {
        id,
        vpc: subnet.vpc.clone(),
        subnet: subnet.id.clone(),
        instance: Some(instance.to_owned()),
        private_ip: address.to_string(),
        availability_zone: subnet.availability_zone.clone(),
        created,
        tags: Tags::new(),
    };
    networks.interfaces.insert(interface.id.clone(), interface.clone());
    Ok(interface)
}

/// The availability zones of a Region. Every Region here has three.
pub fn zones(region: &str) -> [String; 3] {
    ["a", "b", "c"].map(|letter| format!("{region}{letter}"))
}

/// EC2's error for an id that is not there, such as `InvalidVpcID.NotFound`.
pub fn not_found(kind: &str, words: &str, id: &str) -> AwsError {
    let code = match kind {
        "VPC" => "InvalidVpcID.NotFound",
        "subnet" => "InvalidSubnetID.NotFound",
        "networkInterface" => "InvalidNetworkInterfaceID.NotFound",
        "instance" => "InvalidInstanceID.NotFound",
        "flow log" => "InvalidFlowLogId.NotFound",
        _ => "InvalidID",
    };
    AwsError::new(code, format!("The {words} ID '{id}' does not exist"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn world() -> (World, Place) {
        (World::new(1, Timestamp::UNIX_EPOCH), Place::default_place())
    }

    fn code<T>(outcome: Result<T, AwsError>) -> String {
        outcome.err().map(|error| error.code).unwrap_or_default()
    }

    #[test]
    fn blocks_are_checked() {
        let (mut world, place) = world();
        for wrong in ["10.0.0.0", "10.0.0.0/8", "10.0.0.0/29", "x/16"] {
            assert_eq!(code(create_vpc(&mut world, &place, wrong, Tags::new())), "InvalidVpc.Range");
        }
        let vpc = create_vpc(&mut world, &place, "10.0.1.2/16", Tags::new()).expect("a VPC").id;
        let mut subnet = |cidr: &str, zone| create_subnet(&mut world, &place, &vpc, cidr, zone, Tags::new());
        assert_eq!(code(subnet("10.1.0.0/24", None)), "InvalidSubnet.Range");
        assert_eq!(code(subnet("10.0.0.0/24", Some("mars-1a"))), "InvalidParameterValue");
        let made = subnet("10.0.0.0/24", None).expect("a subnet");
        assert_eq!((made.cidr.to_string().as_str(), made.addresses_left()), ("10.0.0.0/24", 251));
        assert_eq!(code(subnet("10.0.0.128/25", None)), "InvalidSubnet.Conflict");
    }

    #[test]
    fn a_full_subnet_has_no_more_interfaces() {
        let (mut world, place) = world();
        let vpc = create_vpc(&mut world, &place, "10.0.0.0/16", Tags::new()).expect("a VPC").id;
        let subnet = create_subnet(&mut world, &place, &vpc, "10.0.0.0/28", None, Tags::new());
        let subnet = subnet.expect("a subnet").id;
        for last in 4..15 {
            let made = create_interface(&mut world, &place, &subnet, "i-1").expect("room");
            assert_eq!(made.private_ip, format!("10.0.0.{last}"));
        }
        let full = create_interface(&mut world, &place, &subnet, "i-1");
        assert_eq!(code(full), "InsufficientFreeAddressesInSubnet");
    }
}
