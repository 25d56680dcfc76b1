//! Parameters.

use std::sync::Arc;

use aws_sdk_ssm::types::{
    Parameter as Row, ParameterMetadata, ParameterStringFilter, ParameterTier, ResourceTypeForTagging,
};

use super::nodes::resource_tags;
use crate::aws::apis::{DESCRIBE_PARAMETERS, GET_PARAMETERS};
use crate::aws::connect::Clients;
use crate::aws::error::unsendable;
use crate::aws::paging::all_pages;
use crate::aws::values::{text, time};
use crate::model::failure::Failure;
use crate::model::observed::Parameter;
use crate::model::tags::{INSTALLATION, Tags};

/// The most that AWS gives in one page.
const PAGE: i32 = 50;

/// Those of `names` that exist, at their newest versions, or where a name ends with `:version` or `:label`, at that
/// one. AWS takes at most ten names.
pub(super) async fn values(clients: &Clients, names: &[Arc<str>]) -> Result<Vec<Parameter>, Failure> {
    let names = names.iter().map(ToString::to_string).collect();
    let request = clients.ssm.get_parameters().set_names(Some(names)).with_decryption(true);
    let reply = clients.call(GET_PARAMETERS, request.send()).await?;
    Ok(reply.parameters().iter().map(parameter).collect())
}

fn parameter(row: &Row) -> Parameter {
    Parameter {
        // AWS gives the selector beside the name, with its colon.
        name: match row.selector() {
            Some(selector) => format!("{}{selector}", row.name().unwrap_or_default()).into(),
            None => text(row.name()),
        },
        value: text(row.value()),
        kind: text(row.r#type().map(aws_sdk_ssm::types::ParameterType::as_str)),
        version: row.version(),
        modified: time(row.last_modified_date()),
    }
}

/// The tiers of those of `names` that exist. AWS takes at most fifty names.
pub(super) async fn tiers(
    clients: &Clients,
    names: &[Arc<str>],
) -> Result<Vec<(Arc<str>, Arc<str>)>, Failure> {
    let rows = matching(clients, "Name", names).await?;
    let tier = |row: &ParameterMetadata| text(row.tier().map(ParameterTier::as_str));
    Ok(rows.iter().map(|row| (text(row.name()), tier(row))).collect())
}

/// The names of all parameters that carry the tag of `installation`.
pub(super) async fn owned(clients: &Clients, installation: &str) -> Result<Vec<Arc<str>>, Failure> {
    let rows = matching(clients, &format!("tag:{INSTALLATION}"), &[installation.into()]).await?;
    Ok(rows.iter().map(|row| text(row.name())).collect())
}

pub(super) async fn tags(clients: &Clients, name: &str) -> Result<Option<Tags>, Failure> {
    resource_tags(clients, ResourceTypeForTagging::Parameter, name).await
}

async fn matching(
    clients: &Clients,
    key: &str,
    values: &[Arc<str>],
) -> Result<Vec<ParameterMetadata>, Failure> {
    let api = DESCRIBE_PARAMETERS;
    let values = values.iter().map(ToString::to_string).collect();
    let filter = ParameterStringFilter::builder()
        .key(key)
        .option("Equals")
        .set_values(Some(values))
        .build()
        .map_err(|why| unsendable(api.call, why))?;
    let filter = &filter;
    all_pages(api, |token| async move {
        let request = clients.ssm.describe_parameters().parameter_filters(filter.clone());
        let reply = clients.call(api, request.max_results(PAGE).set_next_token(token).send()).await?;
        Ok((reply.parameters.unwrap_or_default(), reply.next_token))
    })
    .await
}
