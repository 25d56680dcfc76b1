//! What is being done about a subject, or waited for; and the commands that it was sent.

use std::sync::Arc;

use super::index::Index;
use super::{Doing, Ran, Subject};
use crate::model::desired::ObjectRef;
use crate::model::finding::Finding;
use crate::model::memory::{Attempts, Change};
use crate::model::observed::{Command, CommandStatus, InvocationStatus, StepResult};
use crate::model::plan::Known;
use crate::model::reason::{Nature, Reason};

/// How many findings, and how many commands, are told.
const MOST: usize = 12;
/// How many fields of one finding are told.
const FIELDS: usize = 8;
/// What became of a command that went wrong on its node.
pub(super) const FAILED: &str = "failed";
/// How much of an output is told, from its end, in characters.
const OUTPUT: usize = 600;

/// What is being done about `subject`, or waited for: the worst first.
pub(super) fn of(index: &Index<'_>, subject: &Subject) -> Vec<Doing> {
    let mut findings: Vec<&Finding> = match subject {
        Subject::Object(id) => index.of(id).to_vec(),
        Subject::Node(id) | Subject::Network(id) => index.about(id).to_vec(),
    };
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.reason.nature()));
    let mut doing: Vec<Doing> = findings.iter().take(MOST).map(|finding| doing(finding)).collect();
    if let Some(next) = findings.get(MOST) {
        let message = format!("and {} more", findings.len() - MOST);
        doing.push(Doing { object: next.object.clone(), message, ..plain(next.reason) });
    }
    doing.extend(tries(index, subject));
    let general = index.general.iter().filter(|finding| finding.reason.nature() > Nature::Note);
    doing.extend(general.map(|finding| self::doing(finding)));
    doing
}

const fn plain(reason: Reason) -> Doing {
    Doing {
        object: None,
        part: None,
        reason,
        message: String::new(),
        drift: Vec::new(),
        until: None,
        next: None,
    }
}

fn doing(finding: &Finding) -> Doing {
    Doing {
        object: finding.object.clone(),
        part: finding.subject.clone(),
        message: finding.to_string(),
        drift: finding.drift.iter().take(FIELDS).map(ToString::to_string).collect(),
        until: finding.until,
        next: finding.reason.next().map(str::to_owned),
        ..plain(finding.reason)
    }
}

/// What was tried on it, and does not show yet or failed.
fn tries(index: &Index<'_>, subject: &Subject) -> Vec<Doing> {
    let (Subject::Node(id) | Subject::Network(id)) = subject else { return Vec::new() };
    let tried = index.tried(id).iter().take(MOST);
    tried.map(|(change, attempts)| tried_on(&index.known, change, attempts)).collect()
}

fn tried_on(known: &Known<'_>, change: &Change, attempts: &Attempts) -> Doing {
    let Attempts { count, last, expected_until, failure } = attempts;
    let times = if *count == 1 { "once".to_owned() } else { format!("{count} times") };
    let tried = format!("`{}` was tried {times}, last at {last:.0}", change.write);
    let (reason, message, until) = match failure {
        Some(why) => {
            (Reason::CallFailed, format!("{tried}: {} failed with {why}", why.call), attempts.next())
        }
        None if *expected_until > known.now => (
            Reason::Settling,
            format!("{tried}; it need not show before {expected_until:.0}"),
            *expected_until,
        ),
        None => (Reason::Retrying, tried, attempts.next()),
    };
    Doing { part: Some(change.subject.clone()), message, until: Some(until), ..plain(reason) }
}

/// The last commands that concerned it, the newest first.
pub(super) fn commands(index: &Index<'_>, subject: &Subject) -> Vec<Ran> {
    let mut ran = match subject {
        Subject::Node(id) => on_node(index, id),
        Subject::Object(id) => of_object(&index.known, id),
        Subject::Network(_) => Vec::new(),
    };
    ran.sort_by_key(|ran| std::cmp::Reverse((ran.requested, ran.finished)));
    ran.truncate(MOST);
    ran
}

fn on_node(index: &Index<'_>, id: &Arc<str>) -> Vec<Ran> {
    let results = index.known.observed.on_nodes.get(id).map(|on_node| &on_node.results);
    let is_told = |command: &Command| {
        results
            .and_then(|results| results.get(&command.step()))
            .is_some_and(|told| told.command == command.id)
    };
    let under_way = index
        .under_way(id)
        .iter()
        .filter(|command| !is_told(command))
        .map(|command| pending(command, Some(id.clone())));
    let over = results.into_iter().flat_map(|results| results.values()).map(|told| result(id, told));
    under_way.chain(over).collect()
}

/// Its commands as a whole, and every node on which the last one did not succeed.
fn of_object(known: &Known<'_>, id: &ObjectRef) -> Vec<Ran> {
    let observed = known.observed;
    let of = |object: &Arc<str>| *object == id.name;
    let whole = observed.commands.values().filter(|command| of(&command.key.object));
    let failed = observed.on_nodes.iter().flat_map(|(node, on_node)| {
        let results = on_node.results.values().filter(|told| told.status != InvocationStatus::Success);
        results.filter(|told| of(&told.key.object)).map(|told| result(node, told))
    });
    whole.map(|command| pending(command, None)).chain(failed).collect()
}

fn pending(command: &Command, node: Option<Arc<str>>) -> Ran {
    let Command { id, requested, status, completed, nodes, .. } = command;
    let outcome = match (status, &node) {
        (CommandStatus::UnderWay, Some(_)) => "under way".to_owned(),
        (CommandStatus::UnderWay, None) => {
            format!("under way: {completed} of {} nodes are through", nodes.len())
        }
        (CommandStatus::Ended, _) if nodes.len() == 1 => "ended on 1 node".to_owned(),
        (CommandStatus::Ended, _) => format!("ended on {} nodes", nodes.len()),
    };
    Ran {
        command: id.clone(),
        node,
        what: what(command.step().word(), &command.wanted()),
        outcome,
        requested: *requested,
        finished: None,
        output: String::new(),
    }
}

fn result(node: &Arc<str>, told: &StepResult) -> Ran {
    let outcome = match told.status {
        InvocationStatus::UnderWay => "under way",
        InvocationStatus::Success => "succeeded",
        InvocationStatus::Failed => FAILED,
        InvocationStatus::NeverRan => "never ran",
        InvocationStatus::TimedOut => "was not heard of in time",
    };
    let details = if told.details.is_empty() || *told.details == *"Success" {
        String::new()
    } else {
        format!(" ({})", told.details)
    };
    let skip = told.output.chars().count().saturating_sub(OUTPUT);
    Ran {
        command: told.command.clone(),
        node: Some(node.clone()),
        what: what(told.key.step.word(), &told.wanted),
        outcome: format!("{outcome}{details}"),
        requested: told.requested,
        finished: Some(told.finished),
        output: told.output.chars().skip(skip).collect(),
    }
}

fn what(step: &str, wanted: &str) -> String {
    if wanted.is_empty() { step.to_owned() } else { format!("{step} {wanted}") }
}
