//! SSM documents: AWS's own that this world needs, and a client's.
//!
//! A document is kept as text, version by version, and read into [`Content`], the part that Run Command
//! acts on. `allowedPattern` is evaluated only where it is one character class repeated (`^[…]*$`), which is
//! all that AWS's documents here use; another pattern is refused rather than ignored.

mod builtin;
mod content;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::nodes::agent::sha256;
use crate::sim::wire::AwsError;
pub use content::{Content, ParameterSpec, Step};

/// How much text a document may have (docs:general/latest/gr/ssm.html: 64 KB).
const MOST_BYTES: usize = 64 * 1024;

/// All documents of a Region.
#[derive(Clone, Debug)]
pub struct Documents {
    /// By name.
    pub documents: BTreeMap<String, Document>,
    /// The versions of the `AmazonCloudWatchAgent` package in Distributor, oldest first.
    pub package_versions: Vec<String>,
}

/// One document.
#[derive(Clone, Debug)]
pub struct Document {
    /// The name.
    pub name: String,
    /// `Amazon`, or an account.
    pub owner: String,
    /// `Command` or `Package`.
    pub kind: String,
    /// When it was made.
    pub created: Timestamp,
    /// The number of the default version.
    pub default: u64,
    /// All versions, oldest first; never empty.
    pub versions: Vec<Version>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
}

/// One version of a document.
#[derive(Clone, Debug)]
pub struct Version {
    /// Counts from 1.
    pub number: u64,
    /// The name a client gave it; for a package, the package's version.
    pub name: Option<String>,
    /// The document, as it was given.
    pub text: Arc<str>,
    /// What it does.
    pub content: Arc<Content>,
    /// When it was made.
    pub created: Timestamp,
}

impl Default for Documents {
    fn default() -> Self {
        let mut documents = Self {
            documents: builtin::documents().into_iter().map(|found| (found.name.clone(), found)).collect(),
            package_versions: Vec::new(),
        };
        documents.publish("1.300070.0b1200");
        documents.publish("1.300071.0b1234");
        documents
    }
}

impl Version {
    /// SHA-256 of the text, as SSM shows it.
    pub fn hash(&self) -> String {
        sha256(self.text.as_bytes())
    }
}

impl Document {
    /// The version that a request means: `$DEFAULT` (also when it says nothing), `$LATEST` or a number.
    ///
    /// # Errors
    /// `InvalidDocumentVersion`.
    pub fn version(&self, asked: Option<&str>) -> Result<&Version, AwsError> {
        let found = match asked {
            None | Some("" | "$DEFAULT") => self.numbered(self.default),
            Some("$LATEST") => self.versions.last(),
            Some(number) => number.parse().ok().and_then(|number| self.numbered(number)),
        };
        found.ok_or_else(|| {
            AwsError::new(
                "InvalidDocumentVersion",
                format!("Document version {} of {} does not exist.", asked.unwrap_or("$DEFAULT"), self.name),
            )
        })
    }

    fn numbered(&self, number: u64) -> Option<&Version> {
        self.versions.iter().find(|version| version.number == number)
    }

    fn push(&mut self, now: Timestamp, name: Option<String>, text: &str, content: Content) {
        let number = self.versions.last().map_or(1, |version| version.number + 1);
        self.versions.push(Version {
            number,
            name,
            text: text.into(),
            content: Arc::new(content),
            created: now,
        });
    }
}

impl Documents {
    /// Publishes a version of the agent's package in Distributor; it becomes the newest.
    pub fn publish(&mut self, version: &str) {
        self.package_versions.push(version.to_owned());
        if let Some(package) = self.documents.get_mut(super::nodes::package::PACKAGE) {
            let text = format!(r#"{{"schemaVersion":"2.0","version":"{version}"}}"#);
            package.push(builtin::CREATED, Some(version.to_owned()), &text, Content::default());
            package.default = package.versions.last().map_or(1, |version| version.number);
        }
    }

    /// A document by name or ARN.
    ///
    /// # Errors
    /// `InvalidDocument`.
    pub fn get(&self, asked: &str) -> Result<&Document, AwsError> {
        self.documents.get(plain(asked)).ok_or_else(|| unknown(asked))
    }

    fn own(&mut self, asked: &str) -> Result<&mut Document, AwsError> {
        self.documents
            .get_mut(plain(asked))
            .filter(|document| document.owner != builtin::OWNER)
            .ok_or_else(|| unknown(asked))
    }

    /// Makes a `Command` document.
    ///
    /// # Errors
    /// `DocumentAlreadyExists`, `InvalidDocumentContent`, `MaxDocumentSizeExceeded`, `ValidationException`.
    pub fn create(
        &mut self,
        now: Timestamp,
        owner: &str,
        name: &str,
        text: &str,
        version_name: Option<String>,
        tags: BTreeMap<String, String>,
    ) -> Result<&Document, AwsError> {
        check_name(name)?;
        let content = read(text)?;
        if self.documents.contains_key(name) {
            return Err(AwsError::new(
                "DocumentAlreadyExists",
                format!("Document with name {name} already exists."),
            ));
        }
        let mut document = Document {
            name: name.to_owned(),
            owner: owner.to_owned(),
            kind: "Command".to_owned(),
            created: now,
            default: 1,
            versions: Vec::new(),
            tags,
        };
        document.push(now, version_name, text, content);
        Ok(self.documents.entry(name.to_owned()).or_insert(document))
    }

    /// Adds a version, made from the version that `from` names.
    ///
    /// # Errors
    /// `InvalidDocument`, `InvalidDocumentVersion`, `DuplicateDocumentContent`, `InvalidDocumentContent`, …
    pub fn update(
        &mut self,
        now: Timestamp,
        name: &str,
        text: &str,
        from: Option<&str>,
        version_name: Option<String>,
    ) -> Result<&Document, AwsError> {
        let content = read(text)?;
        let document = self.own(name)?;
        document.version(from)?;
        if document.versions.iter().any(|version| *version.text == *text) {
            return Err(AwsError::new(
                "DuplicateDocumentContent",
                "The content of the association document matches another document. Change the content of the document and try again.",
            ));
        }
        if version_name.is_some() && document.versions.iter().any(|version| version.name == version_name) {
            return Err(AwsError::new(
                "DuplicateDocumentVersionName",
                "The version name has already been used in this document.",
            ));
        }
        document.push(now, version_name, text, content);
        Ok(document)
    }

    /// Makes another version the default.
    ///
    /// # Errors
    /// `InvalidDocument`, `InvalidDocumentVersion`.
    pub fn set_default(&mut self, name: &str, number: &str) -> Result<&Document, AwsError> {
        let document = self.own(name)?;
        document.default = document.version(Some(number))?.number;
        Ok(document)
    }

    /// Deletes a document with all its versions.
    ///
    /// # Errors
    /// `InvalidDocument`.
    pub fn delete(&mut self, name: &str) -> Result<(), AwsError> {
        self.own(name)?;
        self.documents.remove(plain(name));
        Ok(())
    }
}

fn read(text: &str) -> Result<Content, AwsError> {
    if text.len() > MOST_BYTES {
        return Err(AwsError::new("MaxDocumentSizeExceeded", "The size limit of a document is 64 KB."));
    }
    Content::read(text).map_err(|why| AwsError::new("InvalidDocumentContent", why))
}

fn check_name(name: &str) -> Result<(), AwsError> {
    let fits = (3..=128).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte));
    let lower = name.to_ascii_lowercase();
    let reserved = ["aws-", "amazon", "amzn"].iter().any(|prefix| lower.starts_with(prefix));
    if fits && !reserved {
        return Ok(());
    }
    let message = format!("Document name {name} is not valid: 3 to 128 of a-zA-Z0-9_.- and no AWS prefix.");
    Err(AwsError::new("ValidationException", message))
}

/// The name in an ARN (`arn:aws:ssm:…:document/name`), or what was given.
fn plain(asked: &str) -> &str {
    asked.split_once(":document/").map_or(asked, |(_, name)| name)
}

fn unknown(name: &str) -> AwsError {
    AwsError::new("InvalidDocument", format!("Document with name {name} does not exist."))
}
