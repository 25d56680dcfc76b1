//! Changes parameters.

use aws_sdk_ssm::error::BuildError;
use aws_sdk_ssm::types::{ParameterTier, ParameterType, ResourceTypeForTagging, Tag};

use super::done;
use super::once::{no_retries, until_admitted};
use crate::aws::apis::{ADD_TAGS, DELETE_PARAMETER, PUT_PARAMETER};
use crate::aws::connect::Clients;
use crate::aws::error::unsendable;
use crate::model::action::{Done, PutParameter, TagMap};
use crate::model::failure::Failure;

/// `ssm:PutParameter` of one that does not exist. One that does is a failure of class `Exists`.
pub(super) async fn create(clients: &Clients, put: &PutParameter) -> Result<Done, Failure> {
    let tags = tags(&put.tags).map_err(|why| unsendable(PUT_PARAMETER.call, why))?;
    let request = clients
        .ssm
        .put_parameter()
        .name(&*put.name)
        .value(&*put.value)
        .description(&*put.description)
        .r#type(ParameterType::String)
        .tier(ParameterTier::from(&*put.tier))
        .set_tags((!tags.is_empty()).then_some(tags));
    let reply = clients.call(PUT_PARAMETER, request.send()).await?;
    Ok(Done { made: vec![reply.version().to_string().into()], ..done(&reply) })
}

/// `ssm:PutParameter` with `Overwrite`, which makes a version each time that it is sent and cannot carry tags.
pub(super) async fn overwrite(clients: &Clients, put: &PutParameter) -> Result<Done, Failure> {
    until_admitted(clients, || async {
        let request = clients
            .ssm
            .put_parameter()
            .name(&*put.name)
            .value(&*put.value)
            .description(&*put.description)
            .r#type(ParameterType::String)
            .tier(ParameterTier::from(&*put.tier))
            .overwrite(true)
            .customize()
            .config_override(no_retries());
        let reply = clients.call(PUT_PARAMETER, request.send()).await?;
        Ok(Done { made: vec![reply.version().to_string().into()], ..done(&reply) })
    })
    .await
}

/// `ssm:AddTagsToResource`.
pub(super) async fn tag(clients: &Clients, name: &str, to_write: &TagMap) -> Result<Done, Failure> {
    let tags = tags(to_write).map_err(|why| unsendable(ADD_TAGS.call, why))?;
    let request = clients
        .ssm
        .add_tags_to_resource()
        .resource_type(ResourceTypeForTagging::Parameter)
        .resource_id(name)
        .set_tags(Some(tags));
    clients.call(ADD_TAGS, request.send()).await.map(|reply| done(&reply))
}

/// `ssm:DeleteParameter`.
pub(super) async fn delete(clients: &Clients, name: &str) -> Result<Done, Failure> {
    let request = clients.ssm.delete_parameter().name(name);
    clients.call(DELETE_PARAMETER, request.send()).await.map(|reply| done(&reply))
}

fn tags(tags: &TagMap) -> Result<Vec<Tag>, BuildError> {
    tags.iter().map(|(key, value)| Tag::builder().key(&**key).value(&**value).build()).collect()
}
