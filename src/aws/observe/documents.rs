//! SSM documents, and the State Manager associations that run them.

use aws_sdk_ssm::types::{
    Association as Row, AssociationFilter, AssociationFilterKey, DocumentDescription, DocumentHashType,
    DocumentStatus,
};

use super::absent_if_not_found;
use crate::aws::apis::{DESCRIBE_DOCUMENT, LIST_ASSOCIATIONS};
use crate::aws::connect::Clients;
use crate::aws::error::unsendable;
use crate::aws::paging::all_pages;
use crate::aws::values::{some_text, text};
use crate::model::failure::Failure;
use crate::model::observed::{Association, Document};

/// The most that AWS gives in one page.
const PAGE: i32 = 50;

/// The document at its default version.
pub(super) async fn one(clients: &Clients, name: &str) -> Result<Option<Document>, Failure> {
    let request = clients.ssm.describe_document().name(name);
    let reply = absent_if_not_found(clients.call(DESCRIBE_DOCUMENT, request.send()).await)?;
    Ok(reply.and_then(|reply| reply.document).map(|row| document(name, &row)))
}

fn document(name: &str, row: &DocumentDescription) -> Document {
    let is_sha256 = row.hash_type() == Some(&DocumentHashType::Sha256);
    Document {
        // AWS answers with the full ARN for some documents of its own; the name that was asked is the key.
        name: name.into(),
        default_version: text(row.default_version()),
        sha256: some_text(row.hash().filter(|_| is_sha256)),
        version_name: some_text(row.version_name()),
        active: row.status() == Some(&DocumentStatus::Active),
    }
}

/// The associations that run `document`.
pub(super) async fn associations(clients: &Clients, document: &str) -> Result<Vec<Association>, Failure> {
    let api = LIST_ASSOCIATIONS;
    let filter = AssociationFilter::builder()
        .key(AssociationFilterKey::Name)
        .value(document)
        .build()
        .map_err(|why| unsendable(api.call, why))?;
    let filter = &filter;
    all_pages(api, |token| async move {
        let request = clients.ssm.list_associations().association_filter_list(filter.clone());
        let reply = clients.call(api, request.max_results(PAGE).set_next_token(token).send()).await?;
        Ok((reply.associations().iter().map(association).collect(), reply.next_token))
    })
    .await
}

fn association(row: &Row) -> Association {
    let targets = row.targets().iter().map(|target| {
        (text(target.key()), target.values().iter().map(|value| value.as_str().into()).collect())
    });
    // The old form names one instance instead of targets.
    let instance = row.instance_id().map(|id| ("InstanceIds".into(), vec![id.into()]));
    Association {
        id: text(row.association_id()),
        name: some_text(row.association_name()),
        document: text(row.name()),
        targets: targets.chain(instance).collect(),
    }
}
