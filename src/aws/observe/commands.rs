//! Run Commands of ours, and what became of them on each node.
//!
//! A command's own status says nothing of any one node, and a step that does not apply to a node's platform
//! reads `Success`. So a node is judged by the steps that really ran there.

use std::sync::Arc;

use aws_sdk_ssm::types::{
    Command as Row, CommandFilter, CommandFilterKey, CommandInvocation, CommandInvocationStatus,
    CommandPlugin, CommandPluginStatus, CommandStatus as RowStatus,
};
use jiff::{Timestamp, Unit};

use crate::aws::apis::{LIST_COMMAND_INVOCATIONS, LIST_COMMANDS};
use crate::aws::connect::Clients;
use crate::aws::error::unsendable;
use crate::aws::paging::all_pages;
use crate::aws::values::{text, time};
use crate::model::action::ActionKey;
use crate::model::failure::Failure;
use crate::model::observed::{Command, CommandStatus, Invocation, InvocationStatus};

/// The most that AWS gives in one page.
const PAGE: i32 = 50;
/// How the SSM agent's output begins for a step whose precondition, the platform above all, does not hold.
const SKIPPED: &str = "Step execution skipped due to unsatisfied preconditions";
/// Our own word for a command in which no step applied to the node's platform.
const NO_STEP: &str = "NoStepForPlatform";
/// AWS's words for a node on which nothing was run.
const NEVER_RAN: [&str; 6] =
    ["Undeliverable", "DeliveryTimedOut", "InvalidPlatform", "AccessDenied", "Terminated", "Cancelled"];

/// The commands of `installation` that ran `document` and were requested since `since`. AWS cannot filter by
/// comment, so that is done here.
pub(super) async fn ours(
    clients: &Clients,
    installation: &str,
    document: &str,
    since: Timestamp,
) -> Result<Vec<Command>, Failure> {
    let api = LIST_COMMANDS;
    let filters = [
        filter(CommandFilterKey::DocumentName, document.to_owned())?,
        filter(CommandFilterKey::InvokedAfter, whole_seconds(since))?,
    ];
    let filters = &filters;
    all_pages(api, |token| async move {
        let request = clients.ssm.list_commands().max_results(PAGE).set_next_token(token);
        let reply = clients.call(api, request.set_filters(Some(filters.to_vec())).send()).await?;
        let rows = reply.commands.unwrap_or_default();
        Ok((rows.iter().filter_map(|row| command(row, installation)).collect(), reply.next_token))
    })
    .await
}

fn filter(key: CommandFilterKey, value: String) -> Result<CommandFilter, Failure> {
    CommandFilter::builder().key(key).value(value).build().map_err(|why| unsendable(LIST_COMMANDS.call, why))
}

/// AWS takes whole seconds. Rounded down: a command of the same second is still listed.
fn whole_seconds(at: Timestamp) -> String {
    let round = jiff::TimestampRound::new().smallest(Unit::Second).mode(jiff::RoundMode::Floor);
    at.round(round).unwrap_or(at).to_string()
}

fn command(row: &Row, installation: &str) -> Option<Command> {
    let key = ActionKey::parse(row.comment()?).filter(|key| &*key.installation == installation)?;
    let parameters = row.parameters().into_iter().flatten();
    Some(Command {
        id: text(row.command_id()),
        key,
        document: text(row.document_name()),
        parameters: parameters.map(|(name, values)| (name.as_str().into(), all(values))).collect(),
        nodes: all(row.instance_ids()),
        requested: time(row.requested_date_time())?,
        expires: time(row.expires_after()),
        status: match row.status() {
            Some(RowStatus::Pending | RowStatus::InProgress | RowStatus::Cancelling) => {
                CommandStatus::UnderWay
            }
            _ => CommandStatus::Ended,
        },
        completed: row.completed_count(),
        read_at: None,
    })
}

fn all(values: &[String]) -> Vec<Arc<str>> {
    values.iter().map(|value| value.as_str().into()).collect()
}

/// What became of `command` on each node that AWS already lists for it.
pub(super) async fn invocations(clients: &Clients, command: &str) -> Result<Vec<Invocation>, Failure> {
    let api = LIST_COMMAND_INVOCATIONS;
    all_pages(api, |token| async move {
        let request = clients.ssm.list_command_invocations().command_id(command).details(true);
        let request = request.max_results(PAGE).set_next_token(token);
        let reply = clients.call(api, request.send()).await?;
        Ok((reply.command_invocations().iter().map(invocation).collect(), reply.next_token))
    })
    .await
}

fn invocation(row: &CommandInvocation) -> Invocation {
    let ran: Vec<&CommandPlugin> = row.command_plugins().iter().filter(|step| !is_skipped(step)).collect();
    let (status, details) = judge(row, &ran);
    let finished =
        row.command_plugins().iter().filter_map(|step| time(step.response_finish_date_time())).max();
    Invocation {
        command: text(row.command_id()),
        node: text(row.instance_id()),
        status,
        details,
        output: ran.iter().filter_map(|step| step.output()).collect::<String>().into(),
        finished: finished.filter(|_| status != InvocationStatus::UnderWay),
    }
}

fn is_skipped(step: &CommandPlugin) -> bool {
    step.output().is_some_and(|output| output.trim_start().starts_with(SKIPPED))
}

fn judge(row: &CommandInvocation, ran: &[&CommandPlugin]) -> (InvocationStatus, Arc<str>) {
    let details = row.status_details().unwrap_or_default();
    let said = |status| (status, details.into());
    match row.status() {
        None
        | Some(
            CommandInvocationStatus::Pending
            | CommandInvocationStatus::InProgress
            | CommandInvocationStatus::Delayed
            | CommandInvocationStatus::Cancelling,
        ) => said(InvocationStatus::UnderWay),
        _ if NEVER_RAN.contains(&details) => said(InvocationStatus::NeverRan),
        Some(CommandInvocationStatus::Cancelled) => said(InvocationStatus::NeverRan),
        Some(CommandInvocationStatus::TimedOut) => said(InvocationStatus::TimedOut),
        Some(CommandInvocationStatus::Success) if !row.command_plugins().is_empty() && ran.is_empty() => {
            (InvocationStatus::NeverRan, NO_STEP.into())
        }
        Some(CommandInvocationStatus::Success) if !ran.iter().any(|step| failed(step)) => {
            said(InvocationStatus::Success)
        }
        _ => said(InvocationStatus::Failed),
    }
}

fn failed(step: &CommandPlugin) -> bool {
    matches!(
        step.status(),
        Some(CommandPluginStatus::Failed | CommandPluginStatus::TimedOut | CommandPluginStatus::Cancelled)
    )
}
