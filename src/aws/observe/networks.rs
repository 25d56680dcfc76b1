//! VPCs, subnets and network interfaces.

use aws_sdk_ec2::types::{NetworkInterface, NetworkInterfaceStatus};

use crate::aws::apis::{DESCRIBE_NETWORK_INTERFACES, DESCRIBE_SUBNETS, DESCRIBE_VPCS};
use crate::aws::connect::Clients;
use crate::aws::paging::all_pages;
use crate::aws::values::{Words, text};
use crate::model::failure::Failure;
use crate::model::observed::{Interface, Network};

/// The most that AWS gives in one page.
const PAGE: i32 = 1000;

pub(super) async fn vpcs(clients: &Clients) -> Result<Vec<Network>, Failure> {
    let api = DESCRIBE_VPCS;
    let rows = all_pages(api, |token| async move {
        let request = clients.ec2.describe_vpcs().max_results(PAGE).set_next_token(token);
        let reply = clients.call(api, request.send()).await?;
        Ok((reply.vpcs.unwrap_or_default(), reply.next_token))
    })
    .await?;
    let mut words = Words::default();
    let network = |row: &aws_sdk_ec2::types::Vpc| Network {
        id: words.word(row.vpc_id()),
        vpc: words.word(row.vpc_id()),
        owner: words.word(row.owner_id()),
        tags: words.tags(row.tags().iter().map(|tag| (tag.key(), tag.value()))),
    };
    Ok(rows.iter().map(network).collect())
}

pub(super) async fn subnets(clients: &Clients) -> Result<Vec<Network>, Failure> {
    let api = DESCRIBE_SUBNETS;
    let rows = all_pages(api, |token| async move {
        let request = clients.ec2.describe_subnets().max_results(PAGE).set_next_token(token);
        let reply = clients.call(api, request.send()).await?;
        Ok((reply.subnets.unwrap_or_default(), reply.next_token))
    })
    .await?;
    let mut words = Words::default();
    let network = |row: &aws_sdk_ec2::types::Subnet| Network {
        id: text(row.subnet_id()),
        vpc: words.word(row.vpc_id()),
        owner: words.word(row.owner_id()),
        tags: words.tags(row.tags().iter().map(|tag| (tag.key(), tag.value()))),
    };
    Ok(rows.iter().map(network).collect())
}

pub(super) async fn interfaces(clients: &Clients) -> Result<Vec<Interface>, Failure> {
    let api = DESCRIBE_NETWORK_INTERFACES;
    let rows = all_pages(api, |token| async move {
        let request = clients.ec2.describe_network_interfaces().max_results(PAGE).set_next_token(token);
        let reply = clients.call(api, request.send()).await?;
        Ok((reply.network_interfaces.unwrap_or_default(), reply.next_token))
    })
    .await?;
    let mut words = Words::default();
    let interface = |row: &NetworkInterface| Interface {
        id: text(row.network_interface_id()),
        vpc: words.word(row.vpc_id()),
        subnet: words.word(row.subnet_id()),
        owner: words.word(row.owner_id()),
        instance: words.some_word(row.attachment().and_then(|attachment| attachment.instance_id())),
        in_use: row.status() == Some(&NetworkInterfaceStatus::InUse),
        tags: words.tags(row.tag_set().iter().map(|tag| (tag.key(), tag.value()))),
    };
    Ok(rows.iter().map(interface).collect())
}
