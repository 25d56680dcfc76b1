//! What a pass did becomes what the next one remembers.

use jiff::{SignedDuration, Timestamp};

use super::action::{Action, Done, Outcome, SendCommand, Step};
use super::failure::{Class, Failure};
use super::memory::{Attempts, CONTEST_WINDOW, Change, Memory};
use super::observed::{Command, CommandStatus, Observed};
use super::plan::{Plan, Planned};
use super::reason::Reason;
use super::rules::{Rules, Settle};

/// Takes in what became of `plan`'s actions, one outcome each; `None` where an action was not begun.
pub fn remember(
    memory: &mut Memory,
    observed: &mut Observed,
    rules: &Rules,
    plan: &Plan,
    outcomes: &[Option<Outcome>],
    now: Timestamp,
) {
    memory.batches.clone_from(&plan.batches);
    memory.ours.extend(plan.ours.iter().map(|(name, object)| (name.clone(), object.clone())));
    memory.attempts.retain(|change, _| !plan.right.contains(&change.subject));
    for (planned, outcome) in plan.actions.iter().zip(outcomes) {
        let Some(outcome) = outcome else { continue };
        forgive_answered_probes(memory, observed, planned);
        for change in &planned.changes {
            record(memory, rules, planned, change, outcome, now);
        }
        match (&planned.action, &outcome.result) {
            (Action::SendCommand(command), Ok(done)) => under_way(observed, command, done, now),
            _ => observed.touch(&planned.action),
        }
    }
    forget_old(memory, now);
}

/// A probe that was answered was no failure, however many have been sent before.
fn forgive_answered_probes(memory: &mut Memory, observed: &Observed, planned: &Planned) {
    if !matches!(&planned.action, Action::SendCommand(command) if command.key.step == Step::Probe) {
        return;
    }
    for change in &planned.changes {
        let read =
            observed.on_nodes.get(&change.subject).and_then(|node| node.probe.as_ref()).map(|(at, _)| *at);
        let sent = memory.attempts.get(change).map(|attempts| attempts.last);
        if read.zip(sent).is_some_and(|(read, sent)| read >= sent) {
            memory.attempts.remove(change);
        }
    }
}

fn record(
    memory: &mut Memory,
    rules: &Rules,
    planned: &Planned,
    change: &Change,
    outcome: &Outcome,
    now: Timestamp,
) {
    let failure = failure_of(change, outcome);
    let expected_until = now + expected(rules, &planned.action, failure);
    let count = memory.attempts.get(change).map_or(0, |attempts| attempts.count).saturating_add(1);
    let attempts = Attempts { count, last: now, expected_until, failure: failure.cloned() };
    memory.attempts.insert(change.clone(), attempts);
    if failure.is_none() && planned.reason == Reason::Drift {
        memory.corrections.entry(change.clone()).or_default().push(now);
    }
}

/// What went wrong for this one change: the whole call, or AWS refused this part of it.
fn failure_of<'a>(change: &Change, outcome: &'a Outcome) -> Option<&'a Failure> {
    match &outcome.result {
        Err(why) => Some(why),
        Ok(done) => done.refused.iter().find(|(id, _)| change.concerns(id)).map(|(_, why)| why),
    }
}

/// How long the change may take to show.
fn expected(rules: &Rules, action: &Action, failure: Option<&Failure>) -> SignedDuration {
    let settle = settle(&rules.settle, action);
    match (action, failure.map(|why| why.class)) {
        // A command that AWS took is followed by its id; nothing has to show first.
        (Action::SendCommand(_), None) => SignedDuration::ZERO,
        (_, None | Some(Class::Ambiguous | Class::Exists)) => settle,
        (_, Some(_)) => SignedDuration::ZERO,
    }
}

fn settle(settle: &Settle, action: &Action) -> SignedDuration {
    match action {
        Action::SendCommand(_) => settle.commands,
        Action::CreateFlowLogs(_)
        | Action::DeleteFlowLogs(_)
        | Action::TagFlowLogs(..)
        | Action::AssociateProfile(..) => settle.ec2,
        Action::CancelCommand(_)
        | Action::LabelParameter(..)
        | Action::UnlabelParameter(..)
        | Action::CreateParameter(_)
        | Action::OverwriteParameter(_)
        | Action::TagParameter(..)
        | Action::DeleteParameter(_)
        | Action::CreateLogGroup(_)
        | Action::SetRetention(..)
        | Action::SetLogGroupKey(..)
        | Action::TagLogGroup { .. }
        | Action::DeleteLogGroup(_) => settle.regional,
        _ => settle.iam,
    }
}

/// A command that AWS took is under way, whether a listing shows it yet or not.
fn under_way(observed: &mut Observed, command: &SendCommand, done: &Done, now: Timestamp) {
    let Some(id) = &done.command else { return };
    let row = Command {
        id: id.clone(),
        key: command.key.clone(),
        document: command.document.clone(),
        parameters: command.parameters.clone(),
        nodes: command.nodes.clone(),
        requested: now,
        expires: None,
        status: CommandStatus::UnderWay,
        completed: 0,
        read_at: None,
    };
    observed.commands.insert(id.clone(), row);
}

fn forget_old(memory: &mut Memory, now: Timestamp) {
    memory.corrections.retain(|_, times| {
        times.retain(|at| now.duration_since(*at) < CONTEST_WINDOW);
        !times.is_empty()
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_aws_refuses_of_a_call_is_no_success_whatever_name_it_has_there() {
        let why = Failure {
            class: Class::Denied,
            code: "UnauthorizedOperation".to_owned(),
            message: "no".to_owned(),
            call: "ec2:DeleteFlowLogs".to_owned(),
            request_id: None,
        };
        let outcome = |id: &str| Outcome {
            result: Ok(Done { refused: vec![(id.into(), why.clone())], ..Done::default() }),
        };
        let cases = [
            ("flow log 0123", "vpc-1", true),
            ("flow log 0123", "vpc-2", false),
            ("delete fl-1", "fl-1", true),
            ("delete fl-1", "fl-2", false),
        ];
        for (write, refused, is_failure) in cases {
            let change = Change::new("vpc-1", write);
            assert_eq!(failure_of(&change, &outcome(refused)).is_some(), is_failure, "{write}, {refused}");
        }
    }
}
