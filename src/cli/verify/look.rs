//! One look at a few subjects: only what concerns them is asked, and what is not there in time is not known.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;

use super::Verified;
use crate::aws::{Clients, act, observe, observe_nodes};
use crate::model::action::{Action, ActionKey, SendCommand, Step};
use crate::model::ask::ask;
use crate::model::desired::{Desired, Kind, Management, ObjectRef, Spec};
use crate::model::digest;
use crate::model::explain::{Subject, referred, selecting};
use crate::model::memory::Memory;
use crate::model::observed::{Command, CommandStatus, Observed, Ping, Reading};
use crate::model::plan::{Known, plan};
use crate::model::probe;
use crate::model::question::{Answer, Facts, Question};
use crate::model::rules::Rules;
use crate::model::status::status;
use crate::model::verify::{Fresh, checks};

/// An answer comes within ten seconds; this leaves a little for saying it.
const WITHIN: Duration = Duration::from_secs(9);
/// What was listed first may raise questions of its own.
const ROUNDS: usize = 3;
/// How often a probe's result is looked for.
const POLL: Duration = Duration::from_millis(700);

/// Reads everything that concerns `subjects` afresh, and checks it.
pub async fn look(
    clients: &Clients,
    rules: &Rules,
    desired: &Desired,
    subjects: &[Subject],
) -> Vec<Verified> {
    let stop = CancellationToken::new();
    let in_time = stop.clone();
    let timer = tokio::spawn(async move {
        tokio::time::sleep(WITHIN).await;
        in_time.cancel();
    });
    let desired = relevant(desired, subjects);
    let begun = clients.clock().now();
    // Nothing is sent that would have to settle first.
    let memory = Memory::new(begun - rules.settle.commands - SignedDuration::from_secs(1));
    let mut look =
        Look { clients, rules, desired, memory, observed: Observed::default(), begun, only: only(subjects) };
    Box::pin(look.observe(&stop)).await;
    Box::pin(look.probe(subjects, &stop)).await;
    Box::pin(look.observe(&stop)).await;
    timer.abort();
    look.check(subjects)
}

/// The documents that may concern `subjects`, and what these refer to.
fn relevant(desired: &Desired, subjects: &[Subject]) -> Desired {
    let mut ids: BTreeSet<ObjectRef> = BTreeSet::new();
    for subject in subjects {
        let is_meant = |id: &ObjectRef| match subject {
            Subject::Object(object) => id == object,
            Subject::Node(_) => matches!(id.kind, Kind::CloudWatchAgent | Kind::IamRole),
            Subject::Network(_) => id.kind == Kind::FlowLog,
        };
        ids.extend(desired.objects.keys().filter(|id| is_meant(id) || id.kind == Kind::Account).cloned());
    }
    let needed: Vec<ObjectRef> = ids.iter().flat_map(|id| referred(desired, id)).collect();
    ids.extend(needed);
    let objects: BTreeMap<_, _> = desired
        .objects
        .iter()
        .filter(|(id, _)| ids.contains(*id))
        .map(|(id, object)| (id.clone(), object.clone()))
        .collect();
    Desired { objects, ..desired.clone() }
}

/// The only nodes that matter; none: all of them may.
fn only(subjects: &[Subject]) -> Option<Vec<Arc<str>>> {
    let is_whole = |subject: &Subject| {
        matches!(subject, Subject::Object(id) if matches!(id.kind, Kind::CloudWatchAgent | Kind::IamRole | Kind::FlowLog))
            || matches!(subject, Subject::Network(_))
    };
    let ids = subjects.iter().filter_map(|subject| match subject {
        Subject::Node(id) => Some(id.clone()),
        _ => None,
    });
    (!subjects.iter().any(is_whole)).then(|| ids.collect())
}

struct Look<'a> {
    clients: &'a Clients,
    rules: &'a Rules,
    desired: Desired,
    memory: Memory,
    observed: Observed,
    begun: Timestamp,
    only: Option<Vec<Arc<str>>>,
}

impl Look<'_> {
    fn known(&self) -> Known<'_> {
        let Self { desired, observed, memory, rules, begun, .. } = self;
        Known { desired, observed, memory, rules, begun: *begun, now: self.clients.clock().now() }
    }

    async fn observe(&mut self, stop: &CancellationToken) {
        for _ in 0..ROUNDS {
            let questions = ask(&self.known());
            let (nodes, others): (Vec<Question>, Vec<Question>) =
                questions.into_iter().filter(|question| self.is_worth(question)).partition(|question| {
                    self.only.is_some() && matches!(question, Question::Nodes | Question::Instances)
                });
            if stop.is_cancelled() || (nodes.is_empty() && others.is_empty()) {
                return;
            }
            if let Some(only) = self.only.clone().filter(|_| !nodes.is_empty()) {
                let read = stop.run_until_cancelled(observe_nodes(self.clients, &only)).await;
                read.into_iter().flatten().for_each(|answer| self.observed.take(answer));
            }
            let answers = observe(self.clients, &self.rules.installation, others, stop).await;
            for answer in answers {
                self.take(answer);
            }
        }
    }

    /// What we own without a document is not what was asked about.
    fn is_worth(&self, question: &Question) -> bool {
        let has_flow_logs = self.desired.of_kind(Kind::FlowLog).next().is_some();
        match question {
            Question::OwnedParameters => false,
            Question::FlowLogs => has_flow_logs,
            _ => true,
        }
    }

    /// Of commands, only those that went to the nodes that matter.
    fn take(&mut self, mut answer: Answer) {
        if let (Some(only), Ok(Facts::Commands(rows))) = (&self.only, &mut answer.facts) {
            rows.retain(|row| row.nodes.iter().any(|node| only.contains(node)));
        }
        self.observed.take(answer);
    }

    /// Probes the nodes, where that is allowed, and waits for what they say.
    async fn probe(&mut self, subjects: &[Subject], stop: &CancellationToken) {
        for id in self.probes_under_way(subjects) {
            self.await_result(&id, stop).await;
        }
        let nodes: Vec<Arc<str>> = subjects.iter().filter_map(|subject| self.may_probe(subject)).collect();
        if nodes.is_empty() || stop.is_cancelled() {
            return;
        }
        let now = self.clients.clock().now().to_string();
        let key = ActionKey {
            installation: self.rules.installation.clone(),
            step: Step::Probe,
            object: "-".into(),
            digest: digest::short(nodes.iter().map(|node| &**node).chain(["verify", now.as_str()])).into(),
        };
        let send = SendCommand {
            key: key.clone(),
            document: probe::NAME.into(),
            parameters: BTreeMap::new(),
            nodes: nodes.clone(),
        };
        let sent = act(self.clients, &[Action::SendCommand(send)], stop).await;
        // A probe that could not be sent is one that did not come: the check says so.
        let sent = sent.into_iter().flatten().next().and_then(|outcome| outcome.result.ok()?.command);
        let Some(id) = sent else { return };
        let command = Command {
            id: id.clone(),
            key,
            document: probe::NAME.into(),
            parameters: BTreeMap::new(),
            nodes,
            requested: self.clients.clock().now(),
            expires: None,
            status: CommandStatus::UnderWay,
            completed: 0,
            read_at: None,
        };
        self.observed.commands.insert(id.clone(), command);
        self.await_result(&id, stop).await;
    }

    /// The controller's own probes are as good as ours.
    fn probes_under_way(&self, subjects: &[Subject]) -> Vec<Arc<str>> {
        let is_meant = |node: &Arc<str>| subjects.contains(&Subject::Node(node.clone()));
        let commands = self.observed.commands.values();
        let probes = commands.filter(|command| {
            command.step() == Step::Probe
                && command.status == CommandStatus::UnderWay
                && command.nodes.iter().any(is_meant)
        });
        probes.map(|command| command.id.clone()).collect()
    }

    async fn await_result(&mut self, id: &Arc<str>, stop: &CancellationToken) {
        let is_over = |observed: &Observed| {
            observed.commands.get(id).is_none_or(|command| command.status == CommandStatus::Ended)
        };
        while !stop.is_cancelled() && !is_over(&self.observed) {
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.clients.clock().sleep(POLL) => {}
            }
            let questions = vec![Question::Invocations(id.clone())];
            for answer in observe(self.clients, &self.rules.installation, questions, stop).await {
                self.observed.take(answer);
            }
        }
    }

    /// The node, if a document that selects it lets it be probed, it is online, and no command is on it.
    fn may_probe(&self, subject: &Subject) -> Option<Arc<str>> {
        let Subject::Node(id) = subject else { return None };
        let known = self.known();
        let is_allowed = selecting(&known, subject).iter().any(|(object, _)| {
            known.desired.get(object).is_some_and(|object| {
                matches!(object.spec, Spec::CloudWatchAgent(_))
                    && object.common.management != Management::Paused
            })
        });
        let document = known.observed.documents.get(probe::NAME).and_then(Reading::known);
        let is_ours = document.is_some_and(|document| document.sha256.as_deref() == Some(probe::sha256()));
        let is_online = known.observed.nodes.get(id).is_some_and(|node| node.ping == Ping::Online);
        let is_busy = known
            .observed
            .commands
            .values()
            .any(|command| command.status == CommandStatus::UnderWay && command.nodes.contains(id));
        let on_node = known.observed.on_nodes.get(id).and_then(|on_node| on_node.probe.as_ref());
        let is_fresh = on_node.is_some_and(|(at, _)| *at >= self.begun);
        (is_allowed && is_ours && is_online && !is_busy && !is_fresh).then(|| id.clone())
    }

    fn check(&mut self, subjects: &[Subject]) -> Vec<Verified> {
        // A probe that did not come in time must not hide what the one before it said: its age is told.
        let is_late =
            |command: &Command| command.step() == Step::Probe && command.status == CommandStatus::UnderWay;
        self.observed.commands.retain(|_, command| !is_late(command));
        let known = self.known();
        let plan = plan(known);
        let status = status(&known, &plan, None, 1);
        let fresh = Fresh { known, plan: &plan, status: &status };
        let verified =
            |subject: &Subject| Verified { subject: subject.clone(), checks: checks(&fresh, subject) };
        subjects.iter().map(verified).collect()
    }
}
