//! Managed nodes.

use aws_sdk_ssm::types::{
    InstanceInformation, InstanceInformationStringFilter, PingStatus, PlatformType, ResourceTypeForTagging,
};

use super::absent_if_not_found;
use crate::aws::apis::{DESCRIBE_INSTANCE_INFORMATION, SSM_LIST_TAGS};
use crate::aws::connect::Clients;
use crate::aws::error::unsendable;
use crate::aws::paging::all_pages;
use crate::aws::values::{Words, text, time};
use crate::model::failure::Failure;
use crate::model::observed::{ManagedNode, Ping, Platform};
use crate::model::tags::Tags;

/// The most that AWS gives in one page.
const PAGE: i32 = 50;

pub(super) async fn all(clients: &Clients) -> Result<Vec<ManagedNode>, Failure> {
    let api = DESCRIBE_INSTANCE_INFORMATION;
    let rows = all_pages(api, |token| async move {
        let request = clients.ssm.describe_instance_information().max_results(PAGE).set_next_token(token);
        let reply = clients.call(api, request.send()).await?;
        Ok((reply.instance_information_list.unwrap_or_default(), reply.next_token))
    })
    .await?;
    let mut words = Words::default();
    Ok(rows.iter().map(|row| node(row, &mut words)).collect())
}

/// Only the node of this id, if SSM knows it.
pub(super) async fn one(clients: &Clients, id: &str) -> Result<Option<ManagedNode>, Failure> {
    let api = DESCRIBE_INSTANCE_INFORMATION;
    let filter = InstanceInformationStringFilter::builder().key("InstanceIds").values(id).build();
    let filter = filter.map_err(|why| unsendable(api.call, why))?;
    let request = clients.ssm.describe_instance_information().filters(filter);
    // An id that is not registered is an error here, not an empty listing.
    let reply = absent_if_not_found(clients.call(api, request.send()).await)?;
    let mut words = Words::default();
    Ok(reply.and_then(|reply| reply.instance_information_list().first().map(|row| node(row, &mut words))))
}

fn node(row: &InstanceInformation, words: &mut Words) -> ManagedNode {
    ManagedNode {
        id: text(row.instance_id()),
        ping: match row.ping_status() {
            Some(PingStatus::Online) => Ping::Online,
            Some(PingStatus::Inactive) => Ping::Inactive,
            // Nothing said, or a word that we do not know: do not count on it.
            _ => Ping::ConnectionLost,
        },
        last_ping: time(row.last_ping_date_time()),
        ssm_agent: words.word(row.agent_version()),
        platform: match row.platform_type() {
            Some(PlatformType::Linux) => Some(Platform::Linux),
            Some(PlatformType::Windows) => Some(Platform::Windows),
            Some(PlatformType::Macos) => Some(Platform::MacOs),
            _ => None,
        },
        platform_name: words.word(row.platform_name()),
        computer_name: text(row.computer_name()),
    }
}

/// The tags of an on-premises node; those of an EC2 instance come with the instance.
pub(super) async fn tags(clients: &Clients, id: &str) -> Result<Option<Tags>, Failure> {
    resource_tags(clients, ResourceTypeForTagging::ManagedInstance, id).await
}

/// The tags of one SSM resource.
pub(super) async fn resource_tags(
    clients: &Clients,
    kind: ResourceTypeForTagging,
    id: &str,
) -> Result<Option<Tags>, Failure> {
    let request = clients.ssm.list_tags_for_resource().resource_type(kind).resource_id(id);
    let reply = absent_if_not_found(clients.call(SSM_LIST_TAGS, request.send()).await)?;
    Ok(reply.map(|reply| reply.tag_list().iter().map(|tag| (tag.key(), tag.value())).collect()))
}
