//! Parameter Store's operations.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Outcome, Tag, after, invalid, page_of_map, page_size, read, seconds, tag_map};
use crate::sim::wire::AwsError;
use crate::sim::world::nodes::agent::sha256;
use crate::sim::world::parameters::{Found, Parameter, Put, Version};
use crate::sim::world::{Place, World};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct PutInput {
    name: String,
    value: String,
    r#type: Option<String>,
    description: Option<String>,
    overwrite: Option<bool>,
    tier: Option<String>,
    data_type: Option<String>,
    key_id: Option<String>,
    #[serde(default)]
    tags: Vec<Tag>,
}

pub(super) fn put(world: &mut World, place: &Place, input: Value) -> Outcome {
    let input: PutInput = read(input)?;
    let now = world.now();
    let put = Put {
        name: input.name,
        value: input.value,
        kind: input.r#type,
        description: input.description,
        overwrite: input.overwrite.unwrap_or_default(),
        tier: input.tier,
        data_type: input.data_type,
        key_id: input.key_id,
        tags: tag_map(input.tags),
    };
    let (version, tier) = world.region(place).parameters.put(now, put)?;
    Ok(json!({ "Version": version, "Tier": tier }))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct GetInput {
    name: String,
    with_decryption: Option<bool>,
}

pub(super) fn get(world: &mut World, place: &Place, input: Value) -> Outcome {
    let input: GetInput = read(input)?;
    let found = world.region(place).parameters.get(&input.name)?;
    Ok(json!({ "Parameter": show(place, &found, input.with_decryption) }))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct SeveralInput {
    names: Vec<String>,
    with_decryption: Option<bool>,
}

pub(super) fn get_several(world: &mut World, place: &Place, input: Value) -> Outcome {
    let SeveralInput { names, with_decryption } = several(input)?;
    let parameters = &world.region(place).parameters;
    let (found, missing): (Vec<_>, Vec<_>) =
        names.iter().map(|name| (name, parameters.get(name))).partition(|(_, found)| found.is_ok());
    let found: Vec<Value> =
        found.iter().flat_map(|(_, found)| found).map(|found| show(place, found, with_decryption)).collect();
    let missing: Vec<&String> = missing.into_iter().map(|(name, _)| name).collect();
    Ok(json!({ "Parameters": found, "InvalidParameters": missing }))
}

fn several(input: Value) -> Result<SeveralInput, AwsError> {
    let input: SeveralInput = read(input)?;
    if (1..=10).contains(&input.names.len()) {
        return Ok(input);
    }
    Err(invalid("Member 'names' must have between 1 and 10 members"))
}

fn arn(place: &Place, name: &str) -> String {
    let name = name.trim_start_matches('/');
    format!("arn:aws:ssm:{}:{}:parameter/{name}", place.region, place.account)
}

/// A value as a client may see it: without decryption a `SecureString` is only its ciphertext.
fn value(parameter: &Parameter, version: &Version, decrypt: Option<bool>) -> String {
    if parameter.kind == "SecureString" && !decrypt.unwrap_or_default() {
        return format!("AQICAH{}", sha256(version.value.as_bytes()));
    }
    version.value.to_string()
}

fn show(place: &Place, found: &Found<'_>, decrypt: Option<bool>) -> Value {
    json!({
        "Name": found.name,
        "Type": found.parameter.kind,
        "Value": value(found.parameter, found.version, decrypt),
        "Version": found.version.number,
        "Selector": found.selector.map(|selector| format!(":{selector}")),
        "LastModifiedDate": seconds(found.version.modified),
        "ARN": arn(place, found.name),
        "DataType": found.parameter.data_type,
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Filter {
    key: String,
    option: Option<String>,
    #[serde(default)]
    values: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct ByPathInput {
    path: String,
    recursive: Option<bool>,
    with_decryption: Option<bool>,
    max_results: Option<i64>,
    next_token: Option<String>,
}

pub(super) fn get_by_path(world: &mut World, place: &Place, input: Value) -> Outcome {
    let input: ByPathInput = read(input)?;
    if !input.path.starts_with('/') {
        return Err(invalid("The parameter path must begin with a forward slash (/)."));
    }
    let size = page_size(world, input.max_results, 1, 10, 10)?;
    let from = after(input.next_token.as_deref())?;
    let folder = format!("{}/", input.path.trim_end_matches('/'));
    let recursive = input.recursive.unwrap_or_default();
    let parameters = &world.region(place).parameters;
    let (rows, next) = page_of_map(&parameters.parameters, from.as_deref(), size, |name, _| {
        let rest = name.strip_prefix(&folder)?;
        let shown = recursive || !rest.contains('/');
        shown
            .then(|| parameters.get(name).ok())
            .flatten()
            .map(|found| show(place, &found, input.with_decryption))
    });
    Ok(json!({ "Parameters": rows, "NextToken": next }))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct HistoryInput {
    name: String,
    with_decryption: Option<bool>,
    max_results: Option<i64>,
    next_token: Option<String>,
}

pub(super) fn history(world: &mut World, place: &Place, input: Value) -> Outcome {
    let input: HistoryInput = read(input)?;
    let size = page_size(world, input.max_results, 1, 50, 50)?;
    let from = after(input.next_token.as_deref())?;
    let found = world.region(place).parameters.get(&input.name)?;
    let parameter = found.parameter;
    // Numbers are keys of fixed width here, so that they sort as numbers.
    let rows = parameter.versions.iter().map(|version| {
        let row = json!({
            "Name": found.name,
            "Type": parameter.kind,
            "KeyId": parameter.key_id,
            "LastModifiedDate": seconds(version.modified),
            "LastModifiedUser": format!("arn:aws:iam::{}:root", place.account),
            "Description": version.description,
            "Value": value(parameter, version, input.with_decryption),
            "Version": version.number,
            "Labels": version.labels,
            "Tier": parameter.tier,
            "Policies": [],
            "DataType": parameter.data_type,
        });
        (format!("{:012}", version.number), row)
    });
    let rows = rows.filter(|(key, _)| from.as_ref().is_none_or(|from| key > from));
    let (rows, next) = super::page(rows, size, from.as_deref());
    Ok(json!({ "Parameters": rows, "NextToken": next }))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct DescribeInput {
    #[serde(default)]
    parameter_filters: Vec<Filter>,
    max_results: Option<i64>,
    next_token: Option<String>,
}

pub(super) fn describe(world: &mut World, place: &Place, input: Value) -> Outcome {
    let input: DescribeInput = read(input)?;
    input.parameter_filters.iter().try_for_each(check)?;
    let size = page_size(world, input.max_results, 1, 50, 50)?;
    let from = after(input.next_token.as_deref())?;
    let parameters = &world.region(place).parameters.parameters;
    let (rows, next) = page_of_map(parameters, from.as_deref(), size, |name, parameter| {
        let shown = input.parameter_filters.iter().all(|filter| passes(filter, name, parameter));
        let version = parameter.latest()?;
        shown.then(|| {
            json!({
                "Name": name,
                "ARN": arn(place, name),
                "Type": parameter.kind,
                "KeyId": parameter.key_id,
                "LastModifiedDate": seconds(version.modified),
                "LastModifiedUser": format!("arn:aws:iam::{}:root", place.account),
                "Description": version.description,
                "Version": version.number,
                "Tier": parameter.tier,
                "Policies": [],
                "DataType": parameter.data_type,
            })
        })
    });
    Ok(json!({ "Parameters": rows, "NextToken": next }))
}

fn check(filter: &Filter) -> Result<(), AwsError> {
    let option = filter.option.as_deref().unwrap_or("Equals");
    let good = match filter.key.as_str() {
        "Name" => ["Equals", "BeginsWith", "Contains"].contains(&option),
        "Type" | "Tier" | "DataType" => option == "Equals",
        "Path" => ["OneLevel", "Recursive"].contains(&option),
        key if key.starts_with("tag:") => option == "Equals",
        other => {
            let message = format!("The following filter key is not valid: {other}.");
            return Err(AwsError::new("InvalidFilterKey", message));
        }
    };
    let message = format!("The following filter option is not valid: {option}.");
    if good { Ok(()) } else { Err(AwsError::new("InvalidFilterOption", message)) }
}

fn passes(filter: &Filter, name: &str, parameter: &Parameter) -> bool {
    let equals = |text: &str| filter.values.iter().any(|value| value == text);
    match (filter.key.as_str(), filter.option.as_deref().unwrap_or("Equals")) {
        ("Name", "BeginsWith") => filter.values.iter().any(|value| name.starts_with(value.as_str())),
        ("Name", "Contains") => filter.values.iter().any(|value| name.contains(value.as_str())),
        ("Name", _) => equals(name),
        ("Type", _) => equals(&parameter.kind),
        ("Tier", _) => equals(&parameter.tier),
        ("DataType", _) => equals(&parameter.data_type),
        ("Path", depth) => filter.values.iter().any(|path| {
            let rest = name.strip_prefix(path.trim_end_matches('/')).and_then(|rest| rest.strip_prefix('/'));
            rest.is_some_and(|rest| depth == "Recursive" || !rest.contains('/'))
        }),
        (key, _) => {
            let tag = key.strip_prefix("tag:").and_then(|key| parameter.tags.get(key));
            tag.is_some_and(|value| filter.values.is_empty() || equals(value))
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct LabelInput {
    name: String,
    parameter_version: Option<i64>,
    labels: Vec<String>,
}

pub(super) fn label(world: &mut World, place: &Place, input: Value) -> Outcome {
    let input = labels(input)?;
    let parameters = &mut world.region(place).parameters;
    let (version, invalid) = parameters.label(&input.name, input.parameter_version, &input.labels)?;
    Ok(json!({ "InvalidLabels": invalid, "ParameterVersion": version }))
}

pub(super) fn unlabel(world: &mut World, place: &Place, input: Value) -> Outcome {
    let input = labels(input)?;
    let version =
        input.parameter_version.ok_or_else(|| invalid("Member 'parameterVersion' must not be null"))?;
    let parameters = &mut world.region(place).parameters;
    let (removed, invalid) = parameters.unlabel(&input.name, version, &input.labels)?;
    Ok(json!({ "RemovedLabels": removed, "InvalidLabels": invalid }))
}

fn labels(input: Value) -> Result<LabelInput, AwsError> {
    let input: LabelInput = read(input)?;
    if (1..=10).contains(&input.labels.len()) {
        return Ok(input);
    }
    Err(invalid("Member 'labels' must have between 1 and 10 members"))
}

pub(super) fn delete(world: &mut World, place: &Place, input: Value) -> Outcome {
    let input: GetInput = read(input)?;
    world.region(place).parameters.delete(&input.name)?;
    Ok(json!({}))
}

pub(super) fn delete_several(world: &mut World, place: &Place, input: Value) -> Outcome {
    let names = several(input)?.names;
    let parameters = &mut world.region(place).parameters;
    let (deleted, missing): (Vec<String>, Vec<String>) =
        names.into_iter().partition(|name| parameters.delete(name).is_ok());
    Ok(json!({ "DeletedParameters": deleted, "InvalidParameters": missing }))
}
