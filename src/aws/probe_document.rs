//! Making the document Watchkeeper-Probe, once per account and Region. Asked for by a person, never by the loop.

use aws_sdk_ssm::types::{DocumentFormat, DocumentHashType, DocumentType};

use super::Clients;
use super::apis;
use super::error::failure;
use crate::model::failure::{Class, Failure};
use crate::model::probe;

/// What had to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Installed {
    /// It did not exist.
    Created,
    /// It was another one: a new version was made the default.
    Updated,
    /// It was right already.
    Unchanged,
}

impl std::fmt::Display for Installed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Created => "created",
            Self::Updated => "updated: the new version is the default",
            Self::Unchanged => "already right",
        })
    }
}

/// Makes the document, or brings it up to date. Running it again changes nothing.
///
/// # Errors
/// When AWS refuses one of the calls.
pub async fn install(clients: &Clients) -> Result<Installed, Failure> {
    let created = clients
        .call(
            apis::CREATE_DOCUMENT,
            clients
                .ssm
                .create_document()
                .name(probe::NAME)
                .document_type(DocumentType::Command)
                .document_format(DocumentFormat::Json)
                .content(probe::content())
                .send(),
        )
        .await;
    match created {
        Ok(_) => Ok(Installed::Created),
        Err(why) if why.class == Class::Exists => update(clients).await,
        Err(why) => Err(why),
    }
}

async fn update(clients: &Clients) -> Result<Installed, Failure> {
    let describe = clients.ssm.describe_document().name(probe::NAME).send();
    let have = clients.call(apis::DESCRIBE_DOCUMENT, describe).await?.document;
    let is_right = have.is_some_and(|have| {
        have.hash_type == Some(DocumentHashType::Sha256) && have.hash.as_deref() == Some(probe::sha256())
    });
    if is_right {
        return Ok(Installed::Unchanged);
    }
    let update = clients
        .ssm
        .update_document()
        .name(probe::NAME)
        .document_version("$LATEST")
        .document_format(DocumentFormat::Json)
        .content(probe::content())
        .send();
    let newest = match update.await {
        Ok(updated) => updated.document_description.and_then(|document| document.document_version),
        // The right content is there, only not as the default.
        Err(error)
            if error.as_service_error().is_some_and(
                aws_sdk_ssm::operation::update_document::UpdateDocumentError::is_duplicate_document_content,
            ) =>
        {
            Some("$LATEST".to_owned())
        }
        Err(error) => return Err(failure(apis::UPDATE_DOCUMENT.call, &error)),
    };
    let newest = match newest {
        Some(version) if version != "$LATEST" => version,
        _ => latest(clients).await?,
    };
    let default =
        clients.ssm.update_document_default_version().name(probe::NAME).document_version(newest).send();
    clients.call(apis::UPDATE_DOCUMENT_DEFAULT_VERSION, default).await?;
    Ok(Installed::Updated)
}

async fn latest(clients: &Clients) -> Result<String, Failure> {
    let describe = clients.ssm.describe_document().name(probe::NAME).document_version("$LATEST").send();
    let have = clients.call(apis::DESCRIBE_DOCUMENT, describe).await?.document;
    Ok(have.and_then(|have| have.document_version).unwrap_or_else(|| "1".to_owned()))
}
