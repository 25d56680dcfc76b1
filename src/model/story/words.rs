//! What stories say: of findings, of actions, and of what came of these.

use std::sync::Arc;

use super::SAMPLE;
use super::key::subject_of;
use crate::model::action::{Action, Outcome};
use crate::model::event::Before;
use crate::model::finding::{Drift, Finding};
use crate::model::plan::Planned;
use crate::model::reason::Nature;

/// How many fields an event shows.
const SHOWN_CHANGES: usize = 12;
/// How much of a text an event carries, in characters: what a node or AWS says may be of any length.
const TEXT: usize = 2_000;

/// What is the case: everything that is said of the first subject.
pub(super) fn message_of(findings: &[&Finding]) -> String {
    let Some(first) = findings.first() else { return String::new() };
    // Of a fault, what AWS or the node answered is the point; of drift, what is waited for passes.
    let is_passing = first.reason.nature() == Nature::Converging;
    let said = |finding: &Finding| if is_passing { finding.message.clone() } else { finding.to_string() };
    let of_first = findings.iter().filter(|finding| finding.subject == first.subject);
    cut(of_first.map(|finding| said(finding)).collect::<Vec<_>>().join("; "))
}

pub(super) fn changes_of(findings: &[&Finding]) -> Vec<Before> {
    let change = |finding: &Finding, drift: &Drift| Before {
        subject: subject_of(finding).1,
        field: drift.field.clone(),
        before: bounded(&drift.have),
        after: bounded(&drift.want),
    };
    findings
        .iter()
        .flat_map(|finding| finding.drift.iter().map(move |drift| change(finding, drift)))
        .take(SHOWN_CHANGES)
        .collect()
}

/// What was done, and what came of it.
pub(super) fn told(planned: &Planned, outcome: &Outcome) -> String {
    let what = describe(&planned.action, planned.changes.len());
    match &outcome.result {
        Ok(done) if done.refused.is_empty() => match &done.command {
            Some(command) => format!("{what}: command {command}"),
            None => format!("{what}: done"),
        },
        Ok(done) => {
            let (subject, why) = &done.refused[0];
            format!("{what}: AWS refused {} of them, such as {subject} ({why})", done.refused.len())
        }
        Err(why) => format!("{what}: {} failed ({why})", why.call),
    }
}

/// An action in a few words.
pub fn describe(action: &Action, count: usize) -> String {
    match action {
        Action::SendCommand(command) => {
            let nodes = if count == 1 { "node" } else { "nodes" };
            format!("{} on {count} {nodes}", command.key.step.word())
        }
        Action::CancelCommand(id) => format!("cancel command {id}"),
        Action::LabelParameter(name, version, label) => format!("label {name}:{version} as {label}"),
        Action::UnlabelParameter(name, version, label) => format!("take label {label} off {name}:{version}"),
        Action::CreateParameter(put) => format!("create parameter {}", put.name),
        Action::OverwriteParameter(put) => format!("write a new version of parameter {}", put.name),
        Action::TagParameter(name, _) => format!("tag parameter {name}"),
        Action::DeleteParameter(name) => format!("delete parameter {name}"),
        Action::CreateLogGroup(group) => format!("create log group {}", group.name),
        Action::SetRetention(name, Some(days)) => {
            format!("set the retention of log group {name} to {days} days")
        }
        Action::SetRetention(name, None) => format!("let log group {name} never expire"),
        Action::SetLogGroupKey(name, _) => format!("set the key of log group {name}"),
        Action::TagLogGroup { name, .. } => format!("tag log group {name}"),
        Action::DeleteLogGroup(name) => format!("delete log group {name}"),
        Action::CreateFlowLogs(request) => {
            format!(
                "create {} into {} on {}",
                flow_logs(request.resources.len()),
                request.log_group,
                some(&request.resources)
            )
        }
        Action::DeleteFlowLogs(ids) => format!("delete {} {}", flow_logs(ids.len()), some(ids)),
        Action::TagFlowLogs(ids, _) => format!("tag {} {}", flow_logs(ids.len()), some(ids)),
        Action::CreateRole(role) => format!("create role {}", role.name),
        Action::SetTrust(role, _) => format!("set who may assume role {role}"),
        Action::UpdateRole(role, ..) => format!("update role {role}"),
        Action::SetBoundary(role, _) => format!("set the permissions boundary of role {role}"),
        Action::AttachPolicy(role, policy) => format!("attach {policy} to role {role}"),
        Action::DetachPolicy(role, policy) => format!("detach {policy} from role {role}"),
        Action::PutInlinePolicy(role, policy, _) => format!("put inline policy {policy} into role {role}"),
        Action::DeleteInlinePolicy(role, policy) => format!("delete inline policy {policy} of role {role}"),
        Action::TagRole(role, _) => format!("tag role {role}"),
        Action::DeleteRole(role) => format!("delete role {role}"),
        Action::CreateProfile(profile, _) => format!("create instance profile {profile}"),
        Action::AddRoleToProfile(profile, role) => format!("add role {role} to instance profile {profile}"),
        Action::AssociateProfile(instance, profile) => {
            format!("attach instance profile {profile} to {instance}")
        }
    }
}

/// `text`, cut to what an event carries.
pub(super) fn cut(text: String) -> String {
    match text.char_indices().nth(TEXT) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}

fn bounded(text: &Arc<str>) -> Arc<str> {
    if text.chars().nth(TEXT).is_some() { cut(text.to_string()).into() } else { text.clone() }
}

fn flow_logs(count: usize) -> String {
    if count == 1 { "a flow log".to_owned() } else { format!("{count} flow logs") }
}

fn some(names: &[Arc<str>]) -> String {
    let shown: Vec<&str> = names.iter().take(SAMPLE).map(|name| &**name).collect();
    let more = names.len().saturating_sub(SAMPLE);
    if more > 0 { format!("{} and {more} more", shown.join(", ")) } else { shown.join(", ") }
}
