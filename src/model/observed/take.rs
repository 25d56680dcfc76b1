//! Taking answers in.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::{Command, CommandStatus, Invocation, InvocationStatus, Observed, Reading, StepResult};
use crate::model::action::Step;
use crate::model::failure::Failure;
use crate::model::probe;
use crate::model::question::{Answer, Facts, Question};

impl Observed {
    /// Takes one answer in. Total: an answer that does not fit its question changes nothing.
    pub fn take(&mut self, answer: Answer) {
        let Answer { question, begun, at, facts } = answer;
        match facts {
            Ok(facts) => {
                self.failures.remove(&question);
                self.take_facts(question, begun, at, facts);
            }
            Err(why) => {
                self.failures.insert(question.clone(), (at, why.clone()));
                self.take_failure(question, at, why);
            }
        }
    }

    fn take_facts(&mut self, question: Question, begun: Timestamp, at: Timestamp, facts: Facts) {
        match (question, facts) {
            (Question::Identity, Facts::Identity(value)) => self.identity = Reading::Known { value, at },
            (Question::Nodes, Facts::Nodes(rows)) => {
                self.nodes.take(rows.into_iter().map(|row| (row.id.clone(), row)), begun, at);
            }
            (Question::Instances, Facts::Instances(rows)) => {
                self.instances.take(rows.into_iter().map(|row| (row.id.clone(), row)), begun, at);
            }
            (Question::Vpcs, Facts::Networks(rows)) => {
                self.vpcs.take(rows.into_iter().map(|row| (row.id.clone(), row)), begun, at);
            }
            (Question::Subnets, Facts::Networks(rows)) => {
                self.subnets.take(rows.into_iter().map(|row| (row.id.clone(), row)), begun, at);
            }
            (Question::Interfaces, Facts::Interfaces(rows)) => {
                self.interfaces.take(rows.into_iter().map(|row| (row.id.clone(), row)), begun, at);
            }
            (Question::FlowLogs, Facts::FlowLogs(rows)) => {
                self.flow_logs.take(rows.into_iter().map(|row| (row.id.clone(), row)), begun, at);
            }
            (Question::Commands { document, .. }, Facts::Commands(rows)) => {
                self.commands_read.insert(document, begun);
                self.take_commands(rows);
            }
            (Question::Invocations(command), Facts::Invocations(rows)) => {
                self.take_invocations(&command, rows, at);
            }
            (question, facts) => self.take_single(question, at, facts),
        }
    }

    fn take_single(&mut self, question: Question, at: Timestamp, facts: Facts) {
        match (question, facts) {
            (Question::NodeTags(id), Facts::Tags(tags)) => {
                self.node_tags.insert(id, Reading::answered(tags, at));
            }
            (Question::ParameterTags(name), Facts::Tags(tags)) => {
                self.parameter_tags.insert(name, Reading::answered(tags, at));
            }
            (Question::LogGroupTags(name), Facts::Tags(tags)) => {
                self.log_group_tags.insert(name, Reading::answered(tags, at));
            }
            (Question::Parameters(asked), Facts::Parameters(found)) => {
                take_named(
                    &mut self.parameters,
                    asked,
                    found.into_iter().map(|row| (row.name.clone(), row)),
                    at,
                );
            }
            (Question::ParameterTiers(asked), Facts::ParameterTiers(found)) => {
                take_named(&mut self.parameter_tiers, asked, found, at);
            }
            (Question::OwnedParameters, Facts::OwnedParameters(value)) => {
                self.owned_parameters = Reading::Known { value, at };
            }
            (Question::Document(name), Facts::Document(found)) => {
                self.documents.insert(name, Reading::answered(found, at));
            }
            (Question::Associations(document), Facts::Associations(value)) => {
                self.associations.insert(document, Reading::Known { value, at });
            }
            (Question::LogGroup(name), Facts::LogGroup(found)) => {
                self.log_groups.insert(name, Reading::answered(found, at));
            }
            (Question::GroupArrivals { group, .. }, Facts::GroupArrivals(arrivals)) => {
                self.group_arrivals.entry(group).or_default().take_arrivals(arrivals, at);
            }
            (Question::ActiveMetrics(key), Facts::ActiveMetrics(value)) => {
                // A hundred thousand ids are kept once.
                let known = |id: Arc<str>| self.nodes.get(&id).map_or(id, |node| node.id.clone());
                let value = value.into_iter().map(known).collect();
                self.active_metrics.insert(key, Reading::Known { value, at });
            }
            (Question::Alarms(asked), Facts::Alarms(found)) => {
                take_named(&mut self.alarms, asked, found, at);
            }
            (Question::Role(name), Facts::Role(found)) => {
                self.roles.insert(name, Reading::answered(found.map(|role| *role), at));
            }
            (Question::Profile(name), Facts::Profile(found)) => {
                self.profiles.insert(name, Reading::answered(found, at));
            }
            // An answer to another question: `aws/observe` never gives one, and nothing is learnt from it.
            _ => {}
        }
    }

    fn take_failure(&mut self, question: Question, at: Timestamp, why: Failure) {
        match question {
            Question::Identity => self.identity = Reading::Unknown { why, at },
            Question::Nodes => self.nodes.fail(why, at),
            Question::Instances => self.instances.fail(why, at),
            Question::Vpcs => self.vpcs.fail(why, at),
            Question::Subnets => self.subnets.fail(why, at),
            Question::Interfaces => self.interfaces.fail(why, at),
            Question::FlowLogs => self.flow_logs.fail(why, at),
            // Commands are followed by id: what was known of them stays good until they are heard of again.
            Question::Commands { .. } | Question::Invocations(_) => {}
            Question::NodeTags(id) => unknown(&mut self.node_tags, [id], &why, at),
            Question::Parameters(names) => unknown(&mut self.parameters, names, &why, at),
            Question::ParameterTiers(names) => unknown(&mut self.parameter_tiers, names, &why, at),
            Question::ParameterTags(name) => unknown(&mut self.parameter_tags, [name], &why, at),
            Question::OwnedParameters => self.owned_parameters = Reading::Unknown { why, at },
            Question::Document(name) => unknown(&mut self.documents, [name], &why, at),
            Question::Associations(name) => unknown(&mut self.associations, [name], &why, at),
            Question::LogGroup(name) => unknown(&mut self.log_groups, [name], &why, at),
            Question::LogGroupTags(name) => unknown(&mut self.log_group_tags, [name], &why, at),
            Question::GroupArrivals { group, .. } => unknown(&mut self.group_arrivals, [group], &why, at),
            Question::ActiveMetrics(key) => unknown(&mut self.active_metrics, [key], &why, at),
            Question::Alarms(names) => unknown(&mut self.alarms, names, &why, at),
            Question::Role(name) => unknown(&mut self.roles, [name], &why, at),
            Question::Profile(name) => unknown(&mut self.profiles, [name], &why, at),
        }
    }

    fn take_commands(&mut self, rows: Vec<Command>) {
        for mut row in rows {
            row.read_at = self.commands.get(&row.id).and_then(|known| known.read_at);
            // Over, but with what result on each node is not known: a node that did it must not get it again.
            if row.completed > row.read_at.unwrap_or(0) {
                row.status = CommandStatus::UnderWay;
            }
            self.commands.insert(row.id.clone(), row);
        }
    }

    fn take_invocations(&mut self, command: &str, rows: Vec<Invocation>, at: Timestamp) {
        let Some(known) = self.commands.get_mut(command) else { return };
        let finished = rows.iter().filter(|row| row.status != InvocationStatus::UnderWay).count();
        // Invocations may lag behind their command's count; then they are read again.
        known.read_at = Some(i32::try_from(finished).unwrap_or(i32::MAX));
        if finished >= known.nodes.len() && !known.nodes.is_empty() {
            known.status = CommandStatus::Ended;
        }
        let command = known.clone();
        for row in rows {
            if row.status != InvocationStatus::UnderWay {
                self.take_result(&command, row, at);
            }
        }
    }

    fn take_result(&mut self, command: &Command, row: Invocation, at: Timestamp) {
        let on_node = self.on_nodes.entry(row.node).or_default();
        let finished = row.finished.unwrap_or(at);
        let step = command.step();
        if on_node.results.get(&step).is_some_and(|known| known.requested > command.requested) {
            return;
        }
        let mut details = row.details;
        let mut status = row.status;
        if step == Step::Probe && status == InvocationStatus::Success {
            match probe::parse(&row.output) {
                Ok(probe) => on_node.probe = Some((finished, Arc::new(probe))),
                Err(why) => {
                    status = InvocationStatus::Failed;
                    details = why.to_string().into();
                }
            }
        }
        let output =
            if step == Step::Probe && status == InvocationStatus::Success { "".into() } else { row.output };
        let result = StepResult {
            command: command.id.clone(),
            key: command.key.clone(),
            wanted: command.wanted(),
            status,
            details,
            output,
            requested: command.requested,
            finished,
        };
        on_node.results.insert(step, result);
    }

    /// Forgets what no longer matters: nodes that are gone, commands so old that AWS has ended them, and arrivals that
    /// were read long ago.
    pub fn forget(&mut self, before: Timestamp) {
        let nodes = &self.nodes;
        if nodes.is_known() {
            self.on_nodes.retain(|id, _| nodes.get(id).is_some());
            self.node_tags.retain(|id, _| nodes.get(id).is_some());
        }
        self.group_arrivals.retain(|_, reading| reading.tried() > Some(before));
        self.active_metrics.retain(|_, reading| reading.tried() > Some(before));
        self.alarms.retain(|_, reading| reading.tried() > Some(before));
        self.commands.retain(|_, command| command.requested > before);
    }
}

impl Command {
    /// What it asked for, in one word: the configuration's parameter and version, or the version to install.
    pub fn wanted(&self) -> Arc<str> {
        let parameter = match self.step() {
            Step::Configure => "optionalConfigurationLocation",
            Step::Install | Step::Uninstall => "version",
            Step::Probe | Step::Start => return "".into(),
        };
        self.parameters.get(parameter).and_then(|values| values.first()).cloned().unwrap_or_else(|| "".into())
    }
}

fn take_named<T>(
    into: &mut BTreeMap<Arc<str>, Reading<T>>,
    asked: Vec<Arc<str>>,
    found: impl IntoIterator<Item = (Arc<str>, T)>,
    at: Timestamp,
) {
    let mut found: BTreeMap<Arc<str>, T> = found.into_iter().collect();
    for name in asked {
        let value = found.remove(&name);
        into.insert(name, Reading::answered(value, at));
    }
}

fn unknown<K: Ord, T>(
    into: &mut BTreeMap<K, Reading<T>>,
    keys: impl IntoIterator<Item = K>,
    why: &Failure,
    at: Timestamp,
) {
    for key in keys {
        into.insert(key, Reading::Unknown { why: why.clone(), at });
    }
}
