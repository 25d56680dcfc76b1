//! Changes parameters.

use aws_sdk_ssm::error::BuildError;
use aws_sdk_ssm::types::{ParameterTier, ParameterType, ResourceTypeForTagging, Tag};

use super::done;
use super::once::{no_retries, until_admitted};
use crate::aws::apis::{
    ADD_TAGS, DELETE_PARAMETER, GET_PARAMETERS, LABEL_PARAMETER, PUT_PARAMETER, UNLABEL_PARAMETER,
};
use crate::aws::connect::Clients;
use crate::aws::error::unsendable;
use crate::model::action::{Done, PutParameter, TagMap};
use crate::model::failure::{Class, Failure};

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
    if let Some(expected) = put.based_on {
        is_still(clients, &put.name, expected).await?;
    }
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

/// Refuses to go on when the parameter's newest version is another than `expected`. Parameter Store has no
/// compare-and-swap: this makes the moment in which two writers can miss each other short, not empty.
async fn is_still(clients: &Clients, name: &str, expected: i64) -> Result<(), Failure> {
    let request = clients.ssm.get_parameters().names(name);
    let reply = clients.call(GET_PARAMETERS, request.send()).await?;
    match reply.parameters().first().map(aws_sdk_ssm::types::Parameter::version) {
        Some(version) if version == expected => Ok(()),
        found => {
            let found = found.map_or_else(|| "none".to_owned(), |version| version.to_string());
            let message =
                format!("{name} was at version {expected} and is at {found}: somebody wrote meanwhile");
            Err(Failure { class: Class::Conflict, ..unsendable(PUT_PARAMETER.call, message) })
        }
    }
}

/// `ssm:LabelParameterVersion`. AWS answers a label that it does not take with success, and names it.
pub(super) async fn label(clients: &Clients, name: &str, version: i64, label: &str) -> Result<Done, Failure> {
    let request = clients.ssm.label_parameter_version().name(name).parameter_version(version).labels(label);
    let reply = clients.call(LABEL_PARAMETER, request.send()).await?;
    if let Some(refused) = reply.invalid_labels().first() {
        return Err(unsendable(LABEL_PARAMETER.call, format!("AWS does not take the label {refused}")));
    }
    Ok(done(&reply))
}

/// `ssm:UnlabelParameterVersion`. A label that the version does not have is off already.
pub(super) async fn unlabel(
    clients: &Clients,
    name: &str,
    version: i64,
    label: &str,
) -> Result<Done, Failure> {
    let request = clients.ssm.unlabel_parameter_version().name(name).parameter_version(version).labels(label);
    clients.call(UNLABEL_PARAMETER, request.send()).await.map(|reply| done(&reply))
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
