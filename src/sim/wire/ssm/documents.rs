//! Documents' operations.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Outcome, Tag, after, invalid, page, page_of_map, page_size, read, seconds, tag_list, tag_map};
use crate::sim::wire::AwsError;
use crate::sim::world::documents::{Document, Version};
use crate::sim::world::{Place, World};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct WriteInput {
    name: String,
    content: String,
    document_type: Option<String>,
    document_format: Option<String>,
    document_version: Option<String>,
    version_name: Option<String>,
    target_type: Option<String>,
    #[serde(default)]
    tags: Vec<Tag>,
}

fn written(input: Value) -> Result<WriteInput, AwsError> {
    let input: WriteInput = read(input)?;
    if input.document_type.as_ref().is_some_and(|kind| kind != "Command") {
        return Err(invalid("The simulator makes only documents of DocumentType Command."));
    }
    if input.document_format.as_ref().is_some_and(|format| format != "JSON") {
        return Err(invalid("The simulator reads only documents of DocumentFormat JSON."));
    }
    if input.target_type.as_ref().is_some_and(|target| target != "/" && target != "/AWS::EC2::Instance") {
        return Err(invalid("The simulator knows only managed nodes as targets."));
    }
    Ok(input)
}

pub(super) fn create(world: &mut World, place: &Place, input: Value) -> Outcome {
    let input = written(input)?;
    let now = world.now();
    let documents = &mut world.region(place).documents;
    let tags = tag_map(input.tags);
    let document =
        documents.create(now, &place.account, &input.name, &input.content, input.version_name, tags)?;
    let version = document.version(None)?;
    Ok(json!({ "DocumentDescription": show(document, version, "Creating") }))
}

pub(super) fn update(world: &mut World, place: &Place, input: Value) -> Outcome {
    let input = written(input)?;
    let now = world.now();
    let documents = &mut world.region(place).documents;
    let from = input.document_version.as_deref();
    let document = documents.update(now, &input.name, &input.content, from, input.version_name)?;
    let version = document.version(Some("$LATEST"))?;
    Ok(json!({ "DocumentDescription": show(document, version, "Updating") }))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct NameInput {
    name: String,
    document_version: Option<String>,
    version_name: Option<String>,
    document_format: Option<String>,
}

fn find<'a>(
    world: &'a mut World,
    place: &Place,
    input: &NameInput,
) -> Result<(&'a Document, &'a Version), AwsError> {
    let document = world.region(place).documents.get(&input.name)?;
    let named = |name: &String| {
        let found = document.versions.iter().find(|version| version.name.as_ref() == Some(name));
        found.ok_or_else(|| {
            AwsError::new("InvalidDocumentVersion", format!("Version name {name} does not exist."))
        })
    };
    let version = match &input.version_name {
        Some(name) => named(name)?,
        None => document.version(input.document_version.as_deref())?,
    };
    Ok((document, version))
}

pub(super) fn set_default(world: &mut World, place: &Place, input: Value) -> Outcome {
    let input: NameInput = read(input)?;
    let number =
        input.document_version.ok_or_else(|| invalid("Member 'documentVersion' must not be null"))?;
    let document = world.region(place).documents.set_default(&input.name, &number)?;
    Ok(json!({ "Description": { "Name": document.name, "DefaultVersion": document.default.to_string() } }))
}

pub(super) fn delete(world: &mut World, place: &Place, input: Value) -> Outcome {
    let input: NameInput = read(input)?;
    world.region(place).documents.delete(&input.name)?;
    Ok(json!({}))
}

pub(super) fn describe(world: &mut World, place: &Place, input: Value) -> Outcome {
    let input: NameInput = read(input)?;
    let (document, version) = find(world, place, &input)?;
    Ok(json!({ "Document": show(document, version, "Active") }))
}

pub(super) fn get(world: &mut World, place: &Place, input: Value) -> Outcome {
    let input: NameInput = read(input)?;
    if input.document_format.as_ref().is_some_and(|format| format != "JSON") {
        return Err(invalid("The simulator gives documents as JSON only."));
    }
    let (document, version) = find(world, place, &input)?;
    Ok(json!({
        "Name": document.name,
        "CreatedDate": seconds(version.created),
        "VersionName": version.name,
        "DocumentVersion": version.number.to_string(),
        "Status": "Active",
        "Content": &*version.text,
        "DocumentType": document.kind,
        "DocumentFormat": "JSON",
    }))
}

fn show(document: &Document, version: &Version, status: &str) -> Value {
    let parameters: Vec<Value> = version
        .content
        .parameters
        .iter()
        .map(|spec| {
            // DescribeDocument knows two types; maps and the like show as String.
            let kind = if spec.kind == "StringList" { "StringList" } else { "String" };
            json!({
                "Name": spec.name,
                "Type": kind,
                "Description": spec.description,
                "DefaultValue": spec.default.as_ref().map(|values| values.join(",")),
            })
        })
        .collect();
    let latest = document.versions.last().map_or(0, |version| version.number);
    json!({
        "Hash": version.hash(),
        "HashType": "Sha256",
        "Name": document.name,
        "VersionName": version.name,
        "Owner": document.owner,
        "CreatedDate": seconds(version.created),
        "Status": status,
        "DocumentVersion": version.number.to_string(),
        "Description": version.content.description,
        "Parameters": parameters,
        "PlatformTypes": version.content.platforms(),
        "DocumentType": document.kind,
        "SchemaVersion": version.content.schema,
        "LatestVersion": latest.to_string(),
        "DefaultVersion": document.default.to_string(),
        "DocumentFormat": "JSON",
        "Tags": tag_list(&document.tags),
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct ListInput {
    name: Option<String>,
    #[serde(default)]
    filters: Vec<Filter>,
    max_results: Option<i64>,
    next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Filter {
    key: String,
    #[serde(default)]
    values: Vec<String>,
}

pub(super) fn list(world: &mut World, place: &Place, input: Value) -> Outcome {
    let input: ListInput = read(input)?;
    let known = |key: &str| {
        ["Name", "Owner", "DocumentType", "PlatformTypes"].contains(&key) || key.starts_with("tag:")
    };
    if let Some(other) = input.filters.iter().find(|filter| !known(&filter.key)) {
        return Err(AwsError::new("InvalidFilterKey", format!("The filter key {} is not valid.", other.key)));
    }
    let size = page_size(world, input.max_results, 1, 50, 50)?;
    let from = after(input.next_token.as_deref())?;
    let documents = &world.region(place).documents.documents;
    let (rows, next) = page_of_map(documents, from.as_deref(), size, |_, document| {
        let version = document.version(None).ok()?;
        let shown = input.filters.iter().all(|filter| passes(filter, document, version));
        shown.then(|| {
            json!({
                "Name": document.name,
                "CreatedDate": seconds(document.created),
                "Owner": document.owner,
                "VersionName": version.name,
                "PlatformTypes": version.content.platforms(),
                "DocumentVersion": version.number.to_string(),
                "DocumentType": document.kind,
                "SchemaVersion": version.content.schema,
                "DocumentFormat": "JSON",
                "Tags": tag_list(&document.tags),
            })
        })
    });
    Ok(json!({ "DocumentIdentifiers": rows, "NextToken": next }))
}

fn passes(filter: &Filter, document: &Document, version: &Version) -> bool {
    let any = |text: &str| filter.values.iter().any(|value| value == text);
    match filter.key.as_str() {
        // AWS matches names by prefix.
        "Name" => filter.values.iter().any(|value| document.name.starts_with(value.as_str())),
        "Owner" => {
            let amazon = document.owner == "Amazon";
            any("All") || (amazon && any("Amazon")) || (!amazon && (any("Self") || any("Private")))
        }
        "DocumentType" => any(&document.kind),
        "PlatformTypes" => version.content.platforms().into_iter().any(any),
        key => {
            let tag = key.strip_prefix("tag:").and_then(|key| document.tags.get(key));
            tag.is_some_and(|value| any(value))
        }
    }
}

pub(super) fn versions(world: &mut World, place: &Place, input: Value) -> Outcome {
    let input: ListInput = read(input)?;
    let size = page_size(world, input.max_results, 1, 50, 50)?;
    let from = after(input.next_token.as_deref())?;
    let name = input.name.ok_or_else(|| invalid("Member 'name' must not be null"))?;
    let document = world.region(place).documents.get(&name)?;
    // Newest first; a key of fixed width sorts as its number does.
    let rows = document.versions.iter().rev().map(|version| {
        let row = json!({
            "Name": document.name,
            "DocumentVersion": version.number.to_string(),
            "VersionName": version.name,
            "CreatedDate": seconds(version.created),
            "IsDefaultVersion": version.number == document.default,
            "DocumentFormat": "JSON",
            "Status": "Active",
        });
        (format!("{:012}", version.number), row)
    });
    let rows = rows.filter(|(key, _)| from.as_ref().is_none_or(|from| key < from));
    let (rows, next) = page(rows, size, from.as_deref());
    Ok(json!({ "DocumentVersions": rows, "NextToken": next }))
}
