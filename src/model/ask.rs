//! What is worth reading now.
//!
//! [`ask`] is pure: it looks at what is wanted and at how old each fact is, and names the questions that are due.
//! Its ages are what Watchkeeper's calls to AWS cost, so they stand in one table, each with its reason.

mod records;
mod telemetry;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::desired::{
    AgentConfig, CloudWatchAgent, FlowLog, IamRole, Kind, LogGroup, ObjectRef, Spec, Version,
};
use super::observed::{self, CommandStatus, InstanceState, Listing, Reading};
use super::plan::{CONFIGURE_DOCUMENT, Known, PACKAGE, PACKAGE_DOCUMENT, applies};
use super::probe;
use super::question::Question;
use super::rollout::{self, State};

/// How long each kind of fact is good. What an action of ours has touched is asked again at once, whatever its age.
pub mod ages {
    use jiff::SignedDuration;

    /// Commands under way: a node finishes within seconds, and the next step waits for it.
    pub const COMMANDS: SignedDuration = SignedDuration::from_secs(3);
    /// Roles and profiles change seldom, and IAM answers slowly and at a low, unpublished rate.
    pub const ROLES: SignedDuration = SignedDuration::from_mins(5);
    /// Log groups change seldom; each costs a call of a rate of 10 a second.
    pub const LOG_GROUPS: SignedDuration = SignedDuration::from_mins(5);
    /// Tags cost a call for every single thing, and nobody edits them for sport.
    pub const TAGS: SignedDuration = SignedDuration::from_mins(30);
    /// Labels move only by our own writes, or by a person's.
    pub const LABELS: SignedDuration = SignedDuration::from_mins(30);
    /// Tiers change only by our own writes, and `DescribeParameters` has a rate of 3 a second.
    pub const TIERS: SignedDuration = SignedDuration::from_mins(30);
    /// Documents: a new agent version, or a replaced probe, may wait for minutes.
    pub const DOCUMENTS: SignedDuration = SignedDuration::from_mins(10);
    /// State Manager associations are made by people.
    pub const ASSOCIATIONS: SignedDuration = SignedDuration::from_mins(30);
    /// Whether telemetry arrives, in a group or a namespace, in steady state; and which interfaces could send it. Readings cost calls, and queries cost
    /// money by the volume searched; a machine that falls silent may be told of ten minutes later.
    pub const ARRIVALS: SignedDuration = SignedDuration::from_mins(10);
    /// The same while a node that was just configured has not been seen to send yet: a wave waits for it. Agents
    /// flush every few seconds, and a new metric takes minutes to be listed.
    pub const AWAITED_ARRIVALS: SignedDuration = SignedDuration::from_mins(1);
    /// The class of a group that no document describes never changes; it decides how to ask.
    pub const GROUP_CLASS: SignedDuration = SignedDuration::from_mins(30);
    /// Alarms that stop a rollout: they look at minutes themselves.
    pub const ALARMS: SignedDuration = SignedDuration::from_mins(1);
    /// What we own without a document for it: nothing is urgent about an orphan.
    pub const ORPHANS: SignedDuration = SignedDuration::from_mins(30);
    /// Whose credentials these are does not change while they work.
    pub const IDENTITY: SignedDuration = SignedDuration::from_hours(24);
    /// How far back commands are read when nothing is known: a probe older than its interval is of no use, and
    /// no command of ours lives longer than its delivery timeout and the hour that a step may take.
    pub const HISTORY: SignedDuration = SignedDuration::from_hours(2);
    /// A clock that differs from AWS's by less than this misses no command.
    pub const CLOCK_SKEW: SignedDuration = SignedDuration::from_mins(1);
}

/// The most parameters that one `GetParameters` may name (API reference).
const PARAMETERS_PER_CALL: usize = 10;
/// The most alarms that one `DescribeAlarms` may name (API reference).
const ALARMS_PER_CALL: usize = 100;
/// The most values of one filter of `DescribeParameters` (API reference).
const TIERS_PER_CALL: usize = 50;

/// What is worth reading now. Empty when everything is young enough.
pub fn ask(known: &Known<'_>) -> Vec<Question> {
    let mut asked = Asked::new(*known);
    asked.due(&known.observed.identity, ages::IDENTITY, Question::Identity);
    let objects =
        known.desired.objects.values().filter(|object| applies(known.desired, known.observed, object));
    for object in objects {
        match &object.spec {
            Spec::Account(_) => {}
            Spec::IamRole(role) => asked.role(role),
            Spec::LogGroup(group) => asked.log_group(group),
            Spec::AgentConfig(config) => asked.parameter(config),
            Spec::CloudWatchAgent(agent) => {
                asked.agent(agent);
                asked.rollout(&object.id, agent);
            }
            Spec::FlowLog(flow_log) => asked.flow_log(flow_log),
        }
    }
    asked.telemetry();
    asked.orphans();
    asked.finish()
}

/// The questions so far: a set, since several documents may want the same fact.
struct Asked<'a> {
    known: Known<'a>,
    questions: BTreeSet<Question>,
    parameters: BTreeSet<Arc<str>>,
    tiers: BTreeSet<Arc<str>>,
}

impl<'a> Asked<'a> {
    fn new(known: Known<'a>) -> Self {
        Self { known, questions: BTreeSet::new(), parameters: BTreeSet::new(), tiers: BTreeSet::new() }
    }

    fn due<T>(&mut self, reading: &Reading<T>, age: SignedDuration, question: Question) {
        if reading.is_due(self.known.now, age) {
            self.questions.insert(question);
        }
    }

    fn due_in<T>(
        &mut self,
        readings: &BTreeMap<Arc<str>, Reading<T>>,
        name: &str,
        age: SignedDuration,
        question: impl FnOnce(Arc<str>) -> Question,
    ) {
        if readings
            .get(name)
            .is_none_or(|reading| reading.is_due(self.known.now, age) || self.is_expected(name, reading))
        {
            self.questions.insert(question(name.into()));
        }
    }

    /// Whether a write to `name` may not show yet in `reading`: it is read again until it must.
    fn is_expected<T>(&self, name: &str, reading: &Reading<T>) -> bool {
        let expected = self.known.memory.expected_until(&Arc::from(name));
        expected
            .zip(reading.tried())
            .is_some_and(|(expected, tried)| tried < expected && tried < self.known.begun)
    }

    /// The same for a listing, in which the things whose ids begin with `prefix` stand.
    fn is_expected_in<T>(&self, prefixes: &[&str], listing: &Listing<T>) -> bool {
        let is_here = |subject: &str| prefixes.iter().any(|prefix| subject.starts_with(prefix));
        let expected = self.known.memory.expected_of(is_here);
        expected
            .zip(listing.begun())
            .is_some_and(|(expected, begun)| begun < expected && begun < self.known.begun)
    }

    fn role(&mut self, role: &IamRole) {
        let observed = self.known.observed;
        self.due_in(&observed.roles, &role.role_name, ages::ROLES, Question::Role);
        if let Some(profile) = role.profile() {
            self.due_in(&observed.profiles, profile, ages::ROLES, Question::Profile);
        }
        if role.attach_to.is_some() {
            self.instances();
        }
    }

    fn log_group(&mut self, group: &LogGroup) {
        let observed = self.known.observed;
        let name = group.log_group.as_str();
        self.due_in(&observed.log_groups, name, ages::LOG_GROUPS, Question::LogGroup);
        let Some(found) = observed.log_groups.get(name).and_then(Reading::known) else { return };
        // A group that was made anew since has other tags.
        let is_new = read_before(observed.log_group_tags.get(name), found.created);
        let age = if is_new { SignedDuration::ZERO } else { ages::TAGS };
        self.due_in(&observed.log_group_tags, name, age, Question::LogGroupTags);
    }

    fn parameter(&mut self, config: &AgentConfig) {
        let observed = self.known.observed;
        let name = config.parameter.as_str();
        let reading = observed.parameters.get(name);
        let is_due = |reading: &Reading<_>| {
            reading.is_due(self.known.now, self.known.rules.interval) || self.is_expected(name, reading)
        };
        if reading.is_none_or(is_due) {
            self.parameters.insert(name.into());
        }
        let Some(found) = reading.and_then(Reading::known) else { return };
        let is_new = found.version == 1 && read_before(observed.parameter_tags.get(name), found.modified);
        let age = if is_new { SignedDuration::ZERO } else { ages::TAGS };
        self.due_in(&observed.parameter_tags, name, age, Question::ParameterTags);
        if observed.parameter_tiers.get(name).is_none_or(|tier| tier.is_due(self.known.now, ages::TIERS)) {
            self.tiers.insert(name.into());
        }
    }

    fn agent(&mut self, agent: &CloudWatchAgent) {
        let observed = self.known.observed;
        if observed.nodes.is_due(self.known.now, self.known.rules.interval) {
            self.questions.insert(Question::Nodes);
        }
        self.instances();
        self.due_in(&observed.documents, probe::NAME, ages::DOCUMENTS, Question::Document);
        if agent.version == Version::Latest {
            self.due_in(&observed.documents, PACKAGE, ages::DOCUMENTS, Question::Document);
        }
        for document in [PACKAGE_DOCUMENT, CONFIGURE_DOCUMENT] {
            self.due_in(&observed.associations, document, ages::ASSOCIATIONS, Question::Associations);
        }
        if agent.nodes.needs_tags() {
            for (id, _) in observed.nodes.iter().filter(|(_, node)| node.is_on_premises()) {
                self.due_in(&observed.node_tags, id, ages::TAGS, Question::NodeTags);
            }
        }
        self.strangers();
        self.commands();
    }

    /// What is kept of the object's rollouts, and the labels that protect what is stable.
    fn rollout(&mut self, id: &ObjectRef, agent: &CloudWatchAgent) {
        let Known { observed, rules, now, .. } = self.known;
        let name = rollout::parameter(&rules.installation, &id.name);
        // A document that has no stages any more may have had some, and what they rejected still counts.
        let owned = observed.owned_parameters.known();
        if !agent.has_stages() && !owned.is_some_and(|names| names.iter().any(|owned| **owned == *name)) {
            return;
        }
        let reading = observed.parameters.get(name.as_str());
        let is_due =
            |reading: &Reading<_>| reading.is_due(now, rules.interval) || self.is_expected(&name, reading);
        if reading.is_none_or(is_due) {
            self.parameters.insert(name.as_str().into());
        }
        for names in agent.rollout.abort_on.chunks(ALARMS_PER_CALL) {
            let is_due = |name: &String| {
                observed.alarms.get(name.as_str()).is_none_or(|alarm| alarm.is_due(now, rules.interval))
            };
            if names.iter().any(is_due) {
                let names = names.iter().map(|name| name.as_str().into()).collect();
                self.questions.insert(Question::Alarms(names));
            }
        }
        let state = reading.and_then(Reading::known).and_then(|kept| State::parse(&kept.value).ok());
        let stable = state.and_then(|state| state.stable).unwrap_or_default();
        for pinned in stable.configs.values() {
            let labelled = format!("{}:{}", pinned.parameter, rollout::label(&id.name));
            let reading = observed.parameters.get(labelled.as_str());
            let is_due = |reading: &Reading<observed::Parameter>| {
                let is_elsewhere = reading.known().is_some_and(|kept| kept.version != pinned.version);
                let age = if is_elsewhere { rules.interval } else { ages::LABELS };
                reading.is_due(now, age)
            };
            if reading.is_none_or(is_due) {
                self.parameters.insert(labelled.into());
            }
            // Without its label, only its number finds it: near the limit of versions it must be.
            let numbered = format!("{}:{}", pinned.parameter, pinned.version);
            let is_due = |reading: &Reading<observed::Parameter>| reading.is_due(now, ages::LABELS);
            if reading.is_some_and(Reading::is_absent)
                && observed.parameters.get(numbered.as_str()).is_none_or(is_due)
            {
                self.parameters.insert(numbered.into());
            }
        }
    }

    fn instances(&mut self) {
        let instances = &self.known.observed.instances;
        if instances.is_due(self.known.now, self.known.rules.interval)
            || self.is_expected_in(&["i-"], instances)
        {
            self.questions.insert(Question::Instances);
        }
    }

    /// Instances that run and that SSM does not know: their profile's role may say why.
    fn strangers(&mut self) {
        let observed = self.known.observed;
        let profiles: BTreeSet<&Arc<str>> = observed
            .instances
            .iter()
            .filter(|(id, row)| row.state == InstanceState::Running && observed.nodes.get(id).is_none())
            .filter_map(|(_, row)| row.profile.as_ref())
            .collect();
        for profile in profiles {
            self.due_in(&observed.profiles, profile, ages::ROLES, Question::Profile);
            let known = observed.profiles.get(profile).and_then(Reading::known);
            if let Some(role) = known.and_then(|profile| profile.roles.first()) {
                self.due_in(&observed.roles, role, ages::ROLES, Question::Role);
            }
        }
    }

    fn commands(&mut self) {
        for document in [probe::NAME, PACKAGE_DOCUMENT, CONFIGURE_DOCUMENT] {
            if let Some(since) = self.commands_since(document) {
                let document = document.into();
                // The API takes whole seconds; a stable value makes equal questions equal.
                let since = Timestamp::from_second(since.as_second()).unwrap_or(since);
                self.questions.insert(Question::Commands { document, since });
            }
        }
        let unread = self.known.observed.commands.values().filter(|command| match command.status {
            CommandStatus::UnderWay => command.completed > command.read_at.unwrap_or(0),
            CommandStatus::Ended => command
                .read_at
                .is_none_or(|read| usize::try_from(read).is_ok_and(|read| read < command.nodes.len())),
        });
        self.questions.extend(unread.map(|command| Question::Invocations(command.id.clone())));
    }

    /// From when on the commands of `document` are worth listing again, if they are.
    fn commands_since(&self, document: &str) -> Option<Timestamp> {
        let Known { observed, memory, rules, now, .. } = self.known;
        let Some(read) = observed.commands_read.get(document).copied() else {
            return Some(now - ages::HISTORY.max(rules.probe_interval));
        };
        if now.duration_since(read) < ages::COMMANDS {
            return None;
        }
        // A listing from before then may lack what an earlier process sent.
        let settled = memory.started + rules.settle.commands;
        let start = (read < settled).then_some(memory.started - ages::HISTORY.max(rules.probe_interval));
        let under_way = observed
            .commands
            .values()
            .filter(|command| *command.document == *document && command.status == CommandStatus::UnderWay)
            .map(|command| command.requested)
            .min();
        let in_doubt = memory.oldest_doubt(read);
        let since = [start, under_way, in_doubt].into_iter().flatten().min()?;
        Some(since - ages::CLOCK_SKEW)
    }

    fn flow_log(&mut self, flow_log: &FlowLog) {
        let observed = self.known.observed;
        let (now, interval) = (self.known.now, self.known.rules.interval);
        let networks = ["vpc-", "subnet-", "eni-"];
        if observed.flow_logs.is_due(now, interval) || self.is_expected_in(&networks, &observed.flow_logs) {
            self.questions.insert(Question::FlowLogs);
        }
        if flow_log.target.vpcs.is_some() && observed.vpcs.is_due(now, interval) {
            self.questions.insert(Question::Vpcs);
        }
        if flow_log.target.subnets.is_some() && observed.subnets.is_due(now, interval) {
            self.questions.insert(Question::Subnets);
        }
        // Proof of delivery needs to know whether there is anything to deliver.
        let is_proven = self.flow_records().values().all(|records| !records.is_awaited);
        let age = if is_proven { ages::ARRIVALS } else { interval };
        let age = if flow_log.target.network_interfaces.is_some() { interval } else { age };
        if observed.interfaces.is_due(now, age) {
            self.questions.insert(Question::Interfaces);
        }
        if !is_proven {
            self.instances();
        }
    }

    /// What we own without a document for it.
    fn orphans(&mut self) {
        let observed = self.known.observed;
        if observed.flow_logs.is_due(self.known.now, ages::ORPHANS) {
            self.questions.insert(Question::FlowLogs);
        }
        self.due(&observed.owned_parameters, ages::ORPHANS, Question::OwnedParameters);
        let states = rollout::parameter(&self.known.rules.installation, "");
        for name in observed.owned_parameters.known().into_iter().flatten() {
            // The state of an object that is still there is read by its name.
            let is_in_use = name.strip_prefix(&*states).is_some_and(|object| {
                self.known.desired.objects.contains_key(&ObjectRef::new(Kind::CloudWatchAgent, object))
            });
            if is_in_use {
                continue;
            }
            self.due_in(&observed.parameter_tags, name, ages::TAGS, Question::ParameterTags);
        }
    }

    fn finish(mut self) -> Vec<Question> {
        let batches = |names: BTreeSet<Arc<str>>, size: usize| {
            let names: Vec<Arc<str>> = names.into_iter().collect();
            names.chunks(size).map(<[Arc<str>]>::to_vec).collect::<Vec<_>>()
        };
        self.questions
            .extend(batches(self.parameters, PARAMETERS_PER_CALL).into_iter().map(Question::Parameters));
        self.questions.extend(batches(self.tiers, TIERS_PER_CALL).into_iter().map(Question::ParameterTiers));
        self.questions.into_iter().collect()
    }
}

/// Whether a fact was read before something happened that may have changed it.
fn read_before<T>(reading: Option<&Reading<T>>, happened: Option<Timestamp>) -> bool {
    let read = reading.and_then(Reading::tried);
    read.zip(happened).is_some_and(|(read, happened)| read < happened)
}
