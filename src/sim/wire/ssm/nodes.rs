//! `DescribeInstanceInformation`.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Outcome, after, invalid, page_of_map, page_size, read, seconds};
use crate::sim::wire::{AwsError, with};
use crate::sim::world::nodes::Node;
use crate::sim::world::{Place, Region, World};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct DescribeInput {
    #[serde(default)]
    filters: Vec<Filter>,
    #[serde(default)]
    instance_information_filter_list: Vec<LegacyFilter>,
    max_results: Option<i64>,
    next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Filter {
    key: String,
    values: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct LegacyFilter {
    key: String,
    value_set: Vec<String>,
}

const KEYS: [&str; 11] = [
    "ActivationIds",
    "AgentVersion",
    "AssociationStatus",
    "IamRole",
    "InstanceIds",
    "PingStatus",
    "PlatformTypes",
    "ResourceType",
    "SourceIds",
    "SourceTypes",
    "tag-key",
];

pub(super) fn describe(world: &mut World, place: &Place, input: Value) -> Outcome {
    let input: DescribeInput = read(input)?;
    let size = page_size(world, input.max_results, 5, 50, 10)?;
    let from = after(input.next_token.as_deref())?;
    let filters = filters(input)?;
    let now = world.now();
    let region = &*world.region(place);
    for id in filters.iter().filter(|filter| filter.key == "InstanceIds").flat_map(|filter| &filter.values) {
        if !region.nodes.nodes.get(id).is_some_and(Node::is_listed) {
            let message = format!("The following managed node ID is not valid: {id}.");
            return Err(AwsError::new("InvalidInstanceId", message));
        }
    }
    let (rows, next) = page_of_map(&region.nodes.nodes, from.as_deref(), size, |_, node| {
        let status = node.ping_status(now);
        let shown = node.is_listed() && filters.iter().all(|filter| passes(region, filter, node, status));
        shown.then(|| show(node, status))
    });
    Ok(with(json!({ "NextToken": next }), [("InstanceInformationList", Value::Array(rows))]))
}

fn filters(input: DescribeInput) -> Result<Vec<Filter>, AwsError> {
    if !input.filters.is_empty() && !input.instance_information_filter_list.is_empty() {
        return Err(invalid("Filters and InstanceInformationFilterList can't be used together."));
    }
    let legacy = input.instance_information_filter_list.into_iter();
    let mut filters = input.filters;
    filters.extend(legacy.map(|filter| Filter { key: filter.key, values: filter.value_set }));
    let is_tag = |filter: &Filter| filter.key == "tag-key" || filter.key.starts_with("tag:");
    if filters.iter().any(is_tag) && !filters.iter().all(is_tag) {
        return Err(AwsError::new(
            "InvalidInstanceInformationFilterValue",
            "Tag filters can't be combined with other filters.",
        ));
    }
    let known = |filter: &&Filter| KEYS.contains(&filter.key.as_str()) || filter.key.starts_with("tag:");
    if let Some(other) = filters.iter().find(|filter| !known(filter)) {
        return Err(AwsError::new("InvalidFilterKey", format!("The filter key {} is not valid.", other.key)));
    }
    if filters.iter().any(|filter| filter.values.is_empty() || filter.values.len() > 100) {
        return Err(invalid("A filter must have between 1 and 100 values."));
    }
    Ok(filters)
}

fn passes(region: &Region, filter: &Filter, node: &Node, status: &str) -> bool {
    let any = |text: &str| filter.values.iter().any(|value| value == text);
    match filter.key.as_str() {
        "InstanceIds" => any(&node.id),
        "PingStatus" => any(status),
        "PlatformTypes" => any(node.platform.name()),
        "ResourceType" => any(resource_type(node)),
        "AgentVersion" => any(node.ssm_agent()),
        "AssociationStatus" => node.association_status.as_deref().is_some_and(any),
        "tag-key" => region.tags_of(node).keys().any(|key| any(key)),
        key => {
            let tag = key.strip_prefix("tag:").and_then(|key| region.tags_of(node).get(key));
            tag.is_some_and(|value| any(value))
        }
    }
}

fn resource_type(node: &Node) -> &'static str {
    if node.is_on_premises() { "ManagedInstance" } else { "EC2Instance" }
}

fn show(node: &Node, status: &str) -> Value {
    let (platform, version) = node.platform.product();
    json!({
        "InstanceId": node.id,
        "PingStatus": status,
        "LastPingDateTime": seconds(node.last_ping),
        "AgentVersion": node.ssm_agent(),
        "IsLatestVersion": true,
        "PlatformType": node.platform.name(),
        "PlatformName": platform,
        "PlatformVersion": version,
        "RegistrationDate": node.registered.filter(|_| node.is_on_premises()).map(seconds),
        "ResourceType": resource_type(node),
        "Name": node.name,
        "IPAddress": node.ip,
        "ComputerName": node.computer_name,
        "AssociationStatus": node.association_status,
    })
}
