//! VPC flow-log records, field by field as the flow log's format says.
//!
//! Field names and their order are from the AWS page on flow log records. A field that a source does not
//! know (which VPC, which instance) or that does not apply to plain instance traffic is `-`, as on AWS.

use std::net::Ipv4Addr;

use jiff::Timestamp;

/// What happened on one interface in one aggregation interval: one conversation.
#[derive(Clone, Debug)]
pub(super) struct Record<'a> {
    interface: &'a str,
    account: &'a str,
    start: Timestamp,
    end: Timestamp,
    source: (Ipv4Addr, u16),
    destination: (Ipv4Addr, u16),
    protocol: u8,
    packets: u64,
    bytes: u64,
    accepted: bool,
    inbound: bool,
}

/// TCP's number in the protocol field.
const TCP: u8 = 6;
/// UDP's number in the protocol field.
const UDP: u8 = 17;

impl<'a> Record<'a> {
    /// A believable record of this interface for the interval from `start` to `end`.
    pub(super) fn made(
        interface: &'a str,
        account: &'a str,
        start: Timestamp,
        end: Timestamp,
        chance: &mut fastrand::Rng,
    ) -> Self {
        let own = own_address(interface);
        let other = Ipv4Addr::new(198, 51, 100, chance.u8(1..255));
        let (inbound, accepted) = (chance.bool(), chance.u8(..100) < 88);
        let (protocol, service) = match chance.u8(..10) {
            0 => (UDP, 123),
            1..3 => (TCP, 22),
            _ => (TCP, 443),
        };
        let (client, server) = if inbound { (other, own) } else { (own, other) };
        let packets = if accepted { chance.u64(4..400) } else { chance.u64(1..4) };
        Self {
            interface,
            account,
            start,
            end,
            source: (client, chance.u16(32_768..61_000)),
            destination: (server, service),
            protocol,
            packets,
            bytes: packets * chance.u64(40..1400),
            accepted,
            inbound,
        }
    }

    /// The record in `format`, such as `${version} ${account-id}`. Text between fields stays as it is.
    pub(super) fn text(&self, format: &str) -> String {
        let mut text = String::new();
        let mut rest = format;
        while let Some((before, after)) = rest.split_once("${")
            && let Some((name, after)) = after.split_once('}')
        {
            text.push_str(before);
            if name == "version" {
                text.push_str(&version(format).to_string());
            } else {
                text.push_str(&self.field(name));
            }
            rest = after;
        }
        text.push_str(rest);
        text
    }

    fn field(&self, name: &str) -> String {
        match name {
            "account-id" => self.account.to_owned(),
            "interface-id" | "resource-id" => self.interface.to_owned(),
            "srcaddr" | "pkt-srcaddr" => self.source.0.to_string(),
            "dstaddr" | "pkt-dstaddr" => self.destination.0.to_string(),
            "srcport" => self.source.1.to_string(),
            "dstport" => self.destination.1.to_string(),
            "protocol" => self.protocol.to_string(),
            "packets" => self.packets.to_string(),
            "bytes" => self.bytes.to_string(),
            "start" => self.start.as_second().to_string(),
            "end" => self.end.as_second().to_string(),
            "action" => if self.accepted { "ACCEPT" } else { "REJECT" }.to_owned(),
            "log-status" => "OK".to_owned(),
            "type" => "IPv4".to_owned(),
            "tcp-flags" => self.tcp_flags().to_string(),
            "flow-direction" => if self.inbound { "ingress" } else { "egress" }.to_owned(),
            // 8 is "through an internet gateway"; only egress traffic has a path.
            "traffic-path" if !self.inbound => "8".to_owned(),
            _ => "-".to_owned(),
        }
    }

    /// The flags seen in the interval: SYN alone for a refused conversation, SYN and FIN for a whole one.
    fn tcp_flags(&self) -> u8 {
        match (self.protocol, self.accepted) {
            (TCP, true) => 3,
            (TCP, false) => 2,
            _ => 0,
        }
    }
}

/// The version of a record is that of the newest field in its format.
fn version(format: &str) -> u8 {
    let has = |fields: &[&str]| fields.iter().any(|field| format.contains(&format!("${{{field}}}")));
    FIELDS_SINCE.iter().find(|(_, fields)| has(fields)).map_or(2, |(version, _)| *version)
}

/// Which version brought which fields, newest first. Everything else is version 2.
const FIELDS_SINCE: &[(u8, &[&str])] = &[
    (
        11,
        &[
            "instance-tag",
            "instance-tag-2",
            "interface-tag",
            "interface-tag-2",
            "asg-tag",
            "asg-tag-2",
            "interface-type",
            "next-hop-interface-id",
            "next-hop-subnet-id",
            "next-hop-az-id",
            "next-hop-vpc-id",
            "next-hop-interface-type",
        ],
    ),
    (10, &["encryption-status"]),
    (9, &["resource-id"]),
    (8, &["reject-reason"]),
    (
        7,
        &[
            "ecs-cluster-arn",
            "ecs-cluster-name",
            "ecs-container-instance-arn",
            "ecs-container-instance-id",
            "ecs-container-id",
            "ecs-second-container-id",
            "ecs-service-name",
            "ecs-task-definition-arn",
            "ecs-task-arn",
            "ecs-task-id",
        ],
    ),
    (5, &["pkt-src-aws-service", "pkt-dst-aws-service", "flow-direction", "traffic-path"]),
    (4, &["region", "az-id", "sublocation-type", "sublocation-id"]),
    (3, &["vpc-id", "subnet-id", "instance-id", "tcp-flags", "type", "pkt-srcaddr", "pkt-dstaddr"]),
];

/// An interface keeps one private address; without asking the network we take it from the id.
fn own_address(interface: &str) -> Ipv4Addr {
    let digits =
        interface.bytes().fold(0_u16, |sum, byte| sum.wrapping_mul(31).wrapping_add(u16::from(byte)));
    let [high, low] = digits.to_be_bytes();
    Ipv4Addr::new(10, 0, high % 16, low.clamp(4, 254))
}
