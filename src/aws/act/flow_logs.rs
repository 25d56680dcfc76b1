//! Makes, deletes and tags flow logs. They cannot be changed.

use std::sync::Arc;

use aws_sdk_ec2::types::{
    FlowLogsResourceType, LogDestinationType, ResourceType, Tag, TagSpecification, TrafficType,
    UnsuccessfulItem,
};

use super::done;
use crate::aws::apis::{CREATE_FLOW_LOGS, CREATE_TAGS, DELETE_FLOW_LOGS};
use crate::aws::connect::Clients;
use crate::aws::error::refusal;
use crate::aws::values::text;
use crate::model::action::{CreateFlowLogs, Done, TagMap};
use crate::model::failure::Failure;

/// `ec2:CreateFlowLogs`. It succeeds even where AWS refuses some of the resources, or all.
///
/// The client token makes it safe for the SDK to send it again. The SDK does not fill one in by itself.
pub(super) async fn create(clients: &Clients, create: &CreateFlowLogs) -> Result<Done, Failure> {
    let tags = TagSpecification::builder()
        .resource_type(ResourceType::VpcFlowLog)
        .set_tags(Some(tags(&create.tags)))
        .build();
    let request = clients
        .ec2
        .create_flow_logs()
        .client_token(&*create.client_token)
        .resource_type(FlowLogsResourceType::from(&*create.resource_type))
        .set_resource_ids(Some(strings(&create.resources)))
        .traffic_type(TrafficType::from(&*create.traffic))
        .log_destination_type(LogDestinationType::CloudWatchLogs)
        .log_group_name(&*create.log_group)
        .deliver_logs_permission_arn(&*create.role_arn)
        .max_aggregation_interval(create.interval)
        .set_log_format(create.format.as_deref().map(str::to_owned))
        .set_tag_specifications((!create.tags.is_empty()).then(|| vec![tags]));
    let reply = clients.call(CREATE_FLOW_LOGS, request.send()).await?;
    let done = done(&reply);
    Ok(Done {
        made: reply.flow_log_ids().iter().map(|id| id.as_str().into()).collect(),
        refused: refused(CREATE_FLOW_LOGS.call, reply.unsuccessful(), &done),
        ..done
    })
}

/// `ec2:DeleteFlowLogs`. It succeeds even where AWS refuses some.
pub(super) async fn delete(clients: &Clients, ids: &[Arc<str>]) -> Result<Done, Failure> {
    let request = clients.ec2.delete_flow_logs().set_flow_log_ids(Some(strings(ids)));
    let reply = clients.call(DELETE_FLOW_LOGS, request.send()).await?;
    let done = done(&reply);
    Ok(Done { refused: refused(DELETE_FLOW_LOGS.call, reply.unsuccessful(), &done), ..done })
}

/// `ec2:CreateTags`.
pub(super) async fn tag(clients: &Clients, ids: &[Arc<str>], to_write: &TagMap) -> Result<Done, Failure> {
    let request = clients.ec2.create_tags().set_resources(Some(strings(ids)));
    let request = request.set_tags(Some(tags(to_write)));
    clients.call(CREATE_TAGS, request.send()).await.map(|reply| done(&reply))
}

fn refused(call: &str, items: &[UnsuccessfulItem], done: &Done) -> Vec<(Arc<str>, Failure)> {
    let refused = |item: &UnsuccessfulItem| {
        let error = item.error();
        let code = error.and_then(|error| error.code()).unwrap_or_default();
        let message = error.and_then(|error| error.message()).unwrap_or_default();
        (text(item.resource_id()), refusal(call, code, message, done.request_id.as_deref()))
    };
    items.iter().map(refused).collect()
}

fn strings(values: &[Arc<str>]) -> Vec<String> {
    values.iter().map(ToString::to_string).collect()
}

fn tags(tags: &TagMap) -> Vec<Tag> {
    tags.iter().map(|(key, value)| Tag::builder().key(&**key).value(&**value).build()).collect()
}
