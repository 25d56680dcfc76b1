//! Run Command's operations.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Outcome, Target, after, invalid, page, page_size, read, seconds, selectors, target_list};
use crate::sim::wire::{AwsError, with};
use crate::sim::world::commands::{self, Command, Invocation, Plugin, Send, State};
use crate::sim::world::{Place, World};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct SendInput {
    document_name: String,
    document_version: Option<String>,
    document_hash: Option<String>,
    document_hash_type: Option<String>,
    #[serde(default)]
    instance_ids: Vec<String>,
    #[serde(default)]
    targets: Vec<Target>,
    #[serde(default)]
    parameters: BTreeMap<String, Vec<String>>,
    comment: Option<String>,
    timeout_seconds: Option<i64>,
    max_concurrency: Option<String>,
    max_errors: Option<String>,
}

pub(super) fn send(world: &mut World, place: &Place, input: Value) -> Outcome {
    let input: SendInput = read(input)?;
    if input.document_hash_type.is_some_and(|kind| kind != "Sha256") {
        return Err(invalid("The simulator knows only DocumentHashType Sha256."));
    }
    let send = Send {
        document: input.document_name,
        version: input.document_version,
        hash: input.document_hash,
        instance_ids: input.instance_ids,
        targets: selectors(input.targets),
        parameters: input.parameters,
        comment: input.comment.unwrap_or_default(),
        timeout: input.timeout_seconds,
        max_concurrency: input.max_concurrency,
        max_errors: input.max_errors,
        hidden: false,
    };
    let id = commands::send(world, place, send)?;
    let command = world.region(place).commands.get(&id).map(show);
    Ok(json!({ "Command": command }))
}

fn show(command: &Command) -> Value {
    let (status, details) = command.status();
    json!({
        "CommandId": command.id,
        "DocumentName": command.document,
        "DocumentVersion": command.document_version,
        "Comment": command.comment,
        "ExpiresAfter": seconds(command.expires),
        "Parameters": command.parameters,
        "InstanceIds": command.instance_ids,
        "Targets": target_list(&command.targets),
        "RequestedDateTime": seconds(command.requested),
        "Status": status,
        "StatusDetails": details,
        "OutputS3BucketName": "",
        "OutputS3KeyPrefix": "",
        "MaxConcurrency": command.max_concurrency,
        "MaxErrors": command.max_errors,
        "TargetCount": command.invocations.len(),
        "CompletedCount": command.count(State::is_final),
        "ErrorCount": command.count(State::is_error),
        "DeliveryTimedOutCount": command.count(|state| state == State::DeliveryTimedOut),
        "ServiceRole": "",
        "NotificationConfig": { "NotificationArn": "", "NotificationEvents": [] },
        "CloudWatchOutputConfig": { "CloudWatchLogGroupName": "", "CloudWatchOutputEnabled": false },
        "TimeoutSeconds": command.timeout,
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct ListInput {
    command_id: Option<String>,
    instance_id: Option<String>,
    max_results: Option<i64>,
    next_token: Option<String>,
    #[serde(default)]
    filters: Vec<RawFilter>,
    details: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFilter {
    key: String,
    value: String,
}

/// Filters, read.
#[derive(Default)]
struct Filters {
    after: Option<Timestamp>,
    before: Option<Timestamp>,
    status: Option<String>,
    complete: Option<bool>,
    document: Option<String>,
}

fn filters(raw: &[RawFilter]) -> Result<Filters, AwsError> {
    let time = |text: &str| {
        text.parse::<Timestamp>().map(Some).map_err(|_| invalid(format!("{text} is not an ISO 8601 time.")))
    };
    let mut filters = Filters::default();
    for RawFilter { key, value } in raw {
        match key.as_str() {
            "InvokedAfter" => filters.after = time(value)?,
            "InvokedBefore" => filters.before = time(value)?,
            "Status" => filters.status = Some(value.clone()),
            "ExecutionStage" => filters.complete = Some(value == "Complete"),
            "DocumentName" => filters.document = Some(value.clone()),
            other => {
                return Err(AwsError::new(
                    "InvalidFilterKey",
                    format!("The filter key {other} is not valid."),
                ));
            }
        }
    }
    Ok(filters)
}

impl Filters {
    /// All but the status, which differs between commands and invocations.
    fn pass(&self, command: &Command) -> bool {
        self.before.is_none_or(|before| command.requested < before)
            && self.document.as_ref().is_none_or(|document| *document == command.document)
            && self
                .complete
                .is_none_or(|complete| complete == (command.count(|state| !state.is_final()) == 0))
    }
}

/// The commands that a listing shows: newest first, only those it may see already, no older than asked.
fn listed<'a>(
    world: &'a World,
    place: &Place,
    input: &'a ListInput,
    filters: &'a Filters,
    from: Option<u64>,
) -> impl Iterator<Item = &'a Command> {
    let seen_by = world.now() - world.settings.listing_lag;
    let region = world.accounts.get(&place.account).and_then(|account| account.regions.get(&place.region));
    let commands = region.map(|region| &region.commands);
    // One command by its id needs no walk through the history.
    let one = input.command_id.as_deref().map(|id| commands.and_then(|commands| commands.get(id)));
    let is_one = one.is_some();
    let all = commands.filter(|_| !is_one).into_iter().flat_map(move |commands| commands.newest_first(from));
    one.flatten()
        .into_iter()
        .filter(move |command| from.is_none_or(|from| command.number < from))
        .chain(all)
        .take_while(|command| filters.after.is_none_or(|after| command.requested >= after))
        .filter(move |command| !command.hidden && command.requested <= seen_by && filters.pass(command))
        .filter(|command| {
            input.instance_id.as_ref().is_none_or(|node| command.invocations.contains_key(node))
        })
}

fn number(key: Option<&str>) -> Result<Option<u64>, AwsError> {
    let bad = |_| AwsError::new("InvalidNextToken", "The specified token is not valid.");
    key.map(|key| key.parse().map_err(bad)).transpose()
}

/// A command id must at least look like one.
fn check_id(id: Option<&str>) -> Result<(), AwsError> {
    if id.is_none_or(|id| id.len() == 36) {
        return Ok(());
    }
    Err(AwsError::new("InvalidCommandId", "The specified command ID is not valid."))
}

pub(super) fn list(world: &mut World, place: &Place, input: Value) -> Outcome {
    let input: ListInput = read(input)?;
    check_id(input.command_id.as_deref())?;
    let size = page_size(world, input.max_results, 1, 50, 50)?;
    let filters = filters(&input.filters)?;
    let from = after(input.next_token.as_deref())?;
    let rows = listed(world, place, &input, &filters, number(from.as_deref())?)
        .filter(|command| filters.status.as_ref().is_none_or(|status| status == command.status().0))
        .map(|command| (command.number.to_string(), show(command)));
    let (rows, next) = page(rows, size, from.as_deref());
    Ok(with(json!({ "NextToken": next }), [("Commands", Value::Array(rows))]))
}

pub(super) fn list_invocations(world: &mut World, place: &Place, input: Value) -> Outcome {
    let input: ListInput = read(input)?;
    check_id(input.command_id.as_deref())?;
    let size = page_size(world, input.max_results, 1, 50, 50)?;
    let filters = filters(&input.filters)?;
    let from = after(input.next_token.as_deref())?;
    // A key is the command's number and the node, so that a page may end within a command.
    let (command, node) = match from.as_deref().map(|key| key.split_once('/').unwrap_or((key, ""))) {
        Some((command, node)) => (number(Some(command))?, node.to_owned()),
        None => (None, String::new()),
    };
    let details = input.details.unwrap_or_default();
    let rows = listed(world, place, &input, &filters, command.map(|number| number.saturating_add(1)))
        .flat_map(|other| {
            let from = if command == Some(other.number) { node.as_str() } else { "" };
            let rest = other
                .invocations
                .range::<str, _>((std::ops::Bound::Excluded(from), std::ops::Bound::Unbounded));
            rest.map(move |(id, invocation)| (other, id, invocation))
        })
        .filter(|(_, id, _)| input.instance_id.as_ref().is_none_or(|node| node == *id))
        .filter(|(.., invocation)| {
            filters.status.as_ref().is_none_or(|status| status == invocation.state.status())
        })
        .map(|(command, id, invocation)| {
            (format!("{}/{id}", command.number), show_invocation(command, id, invocation, details))
        });
    let (rows, next) = page(rows, size, from.as_deref());
    Ok(with(json!({ "NextToken": next }), [("CommandInvocations", Value::Array(rows))]))
}

fn show_invocation(command: &Command, id: &str, invocation: &Invocation, details: bool) -> Value {
    let plugins = if details { command.plugins(id) } else { Vec::new() };
    let shown = json!({
        "CommandId": command.id,
        "InstanceId": id,
        "InstanceName": "",
        "Comment": command.comment,
        "DocumentName": command.document,
        "DocumentVersion": command.document_version,
        "RequestedDateTime": seconds(command.requested),
        "Status": invocation.state.status(),
        "StatusDetails": invocation.state.details(),
        "StandardOutputUrl": "",
        "StandardErrorUrl": "",
        "ServiceRole": "",
        "NotificationConfig": { "NotificationArn": "", "NotificationEvents": [] },
        "CloudWatchOutputConfig": { "CloudWatchLogGroupName": "", "CloudWatchOutputEnabled": false },
    });
    with(shown, [("CommandPlugins", plugins.iter().map(show_plugin).collect())])
}

fn show_plugin(plugin: &Plugin<'_>) -> Value {
    json!({
        "Name": plugin.name,
        "Status": plugin.state.plugin_status(),
        "StatusDetails": plugin.state.details(),
        "ResponseCode": plugin.code,
        "ResponseStartDateTime": plugin.started.map(seconds),
        "ResponseFinishDateTime": plugin.finished.map(seconds),
        "Output": commands::plugin_output(&plugin.stdout, &plugin.stderr),
        "StandardOutputUrl": "",
        "StandardErrorUrl": "",
        "OutputS3BucketName": "",
        "OutputS3KeyPrefix": "",
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct GetInput {
    command_id: String,
    instance_id: String,
    plugin_name: Option<String>,
}

pub(super) fn get_invocation(world: &mut World, place: &Place, input: Value) -> Outcome {
    let input: GetInput = read(input)?;
    check_id(Some(&input.command_id))?;
    let seen_by = world.now() - world.settings.listing_lag;
    let unknown = || AwsError::new("InvocationDoesNotExist", "");
    let command = world.region(place).commands.get(&input.command_id);
    let command =
        command.filter(|command| command.requested <= seen_by && !command.hidden).ok_or_else(unknown)?;
    let invocation = command.invocations.get(&input.instance_id).ok_or_else(unknown)?;
    let plugins = command.plugins(&input.instance_id);
    // Without a name only a document of one step has an output to show.
    let plugin = match &input.plugin_name {
        Some(name) => Some(plugins.iter().find(|plugin| plugin.name == name).ok_or_else(|| {
            AwsError::new("InvalidPluginName", format!("The plugin name {name} is not valid."))
        })?),
        None => plugins.first().filter(|_| plugins.len() == 1),
    };
    let state = plugin.map_or(invocation.state, |plugin| plugin.state);
    let iso = |at: Option<Timestamp>| {
        at.map(|at| at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()).unwrap_or_default()
    };
    let elapsed = invocation.started.zip(invocation.finished).map(|(from, to)| {
        let passed = to.duration_since(from);
        format!("PT{}.{:03}S", passed.as_secs(), passed.subsec_millis())
    });
    Ok(json!({
        "CommandId": command.id,
        "InstanceId": input.instance_id,
        "Comment": command.comment,
        "DocumentName": command.document,
        "DocumentVersion": command.document_version,
        "PluginName": plugin.map_or("", |plugin| plugin.name),
        "ResponseCode": plugin.map_or(-1, |plugin| plugin.code),
        "ExecutionStartDateTime": iso(invocation.started),
        "ExecutionElapsedTime": elapsed.unwrap_or_default(),
        "ExecutionEndDateTime": iso(invocation.finished.filter(|_| invocation.started.is_some())),
        "Status": state.status(),
        "StatusDetails": state.details(),
        "StandardOutputContent": plugin.map_or("", |plugin| cut(&plugin.stdout, 24_000)),
        "StandardOutputUrl": "",
        "StandardErrorContent": plugin.map_or("", |plugin| cut(&plugin.stderr, 8_000)),
        "StandardErrorUrl": "",
        "CloudWatchOutputConfig": { "CloudWatchLogGroupName": "", "CloudWatchOutputEnabled": false },
    }))
}

fn cut(text: &str, most: usize) -> &str {
    let mut end = text.len().min(most);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct CancelInput {
    command_id: String,
    #[serde(default)]
    instance_ids: Vec<String>,
}

pub(super) fn cancel(world: &mut World, place: &Place, input: Value) -> Outcome {
    let input: CancelInput = read(input)?;
    check_id(Some(&input.command_id))?;
    let command = world.region(place).commands.get(&input.command_id);
    let command =
        command.ok_or_else(|| AwsError::new("InvalidCommandId", "The specified command ID is not valid."))?;
    if input.instance_ids.iter().any(|id| !command.invocations.contains_key(id)) {
        return Err(AwsError::new("InvalidInstanceId", "A managed node ID is not part of the command."));
    }
    commands::cancel(world, place, &input.command_id, &input.instance_ids);
    Ok(json!({}))
}
