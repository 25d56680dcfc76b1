//! Where one object's rollout is read and written: the parameter as it is, the order, and proof that it stayed.
//!
//! Parameter Store has no compare-and-swap and the controller writes the same parameter: what was written is read
//! back, and written again where somebody else's write has covered it.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, anyhow, bail};
use jiff::Timestamp;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::aws::{Clients, act, observe};
use crate::journal::harmless;
use crate::model::desired::{CloudWatchAgent, Desired, Kind, Management, ObjectRef, Spec, Version};
use crate::model::failure::Class;
use crate::model::memory::Memory;
use crate::model::observed::{Observed, Reading};
use crate::model::plan::{self, Known};
use crate::model::question::Question;
use crate::model::rollout::{Given, Order, Release, State, keep, parameter};
use crate::model::rules::Rules;
use crate::source::Source;

/// How often an order is written anew because somebody else wrote at the same time.
const TRIES: usize = 4;
/// How often a write is looked for that does not show yet, a settling time apart.
const LOOKS: usize = 3;
/// The most parameters that one `GetParameters` may name (API reference).
const PARAMETERS_PER_CALL: usize = 10;

/// Where one object's rollout is read and written.
#[derive(Debug)]
pub struct Desk {
    clients: Clients,
    rules: Rules,
    /// The folder, or why it cannot be read: to stop a rollout must be possible without it.
    desired: Result<Desired, String>,
    /// The object.
    pub object: ObjectRef,
}

/// What an order came to.
#[derive(Clone, Debug, Serialize)]
pub struct Done {
    /// The object.
    pub object: ObjectRef,
    /// What was done.
    pub did: String,
    /// What will happen now.
    pub next: String,
    /// When it was seen to be kept.
    pub at: Timestamp,
}

/// What is kept of a rollout, and what its document asks for.
#[derive(Clone, Debug)]
pub struct Kept {
    /// What is kept; none: nothing yet.
    pub state: Option<State>,
    version: Option<i64>,
    /// What the document asks for, or why that is not known.
    pub wanted: Result<Release, String>,
}

/// What the folder says, or why it says nothing.
pub async fn folder(folder: &Path) -> Result<Desired, String> {
    let mut source = Source::new(folder.to_owned(), None);
    match source.refresh().await {
        Ok(_) => Ok(source.desired().clone()),
        Err(error) => {
            Err(format!("the folder of desired state cannot be read: {error} (name it with --folder)"))
        }
    }
}

impl Desk {
    /// The desk of the `CloudWatchAgent` called `name`.
    ///
    /// # Errors
    /// When there is no such document, or one that has no rollouts.
    pub fn new(
        clients: Clients,
        rules: Rules,
        desired: Result<Desired, String>,
        name: &str,
    ) -> anyhow::Result<Self> {
        let name = name.strip_prefix("CloudWatchAgent/").unwrap_or(name);
        if !crate::model::desired::is_object_name(name) {
            bail!("`{}` is no object's name", harmless(name));
        }
        let object = ObjectRef::new(Kind::CloudWatchAgent, name);
        if let Ok(desired) = &desired {
            check(desired, &object)?;
        }
        Ok(Self { clients, rules, desired, object })
    }

    /// Gives an order, and sees that it stays given.
    ///
    /// # Errors
    /// When it makes no sense now, when AWS refuses, or when somebody else keeps writing.
    pub async fn give(&self, order: Order) -> anyhow::Result<Done> {
        let mut given: Option<Given> = None;
        for _ in 0..TRIES {
            let kept = self.read().await?;
            let wanted = self.needed(order, &kept)?;
            let state = kept.state.clone().unwrap_or_default();
            let is_given = given.is_some() && order.holds(&state, wanted);
            let now = match given {
                Some(given) if is_given => return Ok(self.done(given)),
                _ => order.give(&state, wanted, self.clients.clock().now())?,
            };
            self.write(&now.state, kept.version).await?;
            if self.is_kept(order, wanted, kept.version).await? {
                return Ok(self.done(now));
            }
            given = Some(now);
        }
        bail!("{}: somebody else keeps writing what is kept of its rollouts; nothing is certain", self.object)
    }

    /// What is kept of the rollout now, and what the document asks for.
    ///
    /// # Errors
    /// When AWS cannot be read, or says something that Watchkeeper did not write.
    pub async fn read(&self) -> anyhow::Result<Kept> {
        let agent = self.desired.as_ref().ok().and_then(|desired| agent(desired, &self.object));
        let name: Arc<str> = parameter(&self.rules.installation, &self.object.name).into();
        let mut observed = Observed::default();
        let questions = self.questions(&name, agent);
        let stop = CancellationToken::new();
        for answer in Box::pin(observe(&self.clients, &self.rules.installation, questions, &stop)).await {
            observed.take(answer);
        }
        let (state, version) = match observed.parameters.get(&name) {
            Some(Reading::Absent { .. }) => (None, None),
            Some(Reading::Known { value, .. }) => {
                let state = State::parse(&value.value).with_context(|| {
                    format!(
                        "parameter {name} (version {}) holds nothing that Watchkeeper wrote",
                        value.version
                    )
                })?;
                (Some(state), Some(value.version))
            }
            other => {
                let why = other.and_then(Reading::failure).map(ToString::to_string).unwrap_or_default();
                bail!("parameter {name} cannot be read: {why}");
            }
        };
        Ok(Kept { state, version, wanted: self.wanted(&observed, agent) })
    }

    /// The parameter itself, and what the document's release is resolved from.
    fn questions(&self, name: &Arc<str>, agent: Option<&CloudWatchAgent>) -> Vec<Question> {
        let mut names = vec![name.clone()];
        let mut questions = Vec::new();
        if let (Some(agent), Ok(desired)) = (agent, &self.desired) {
            if agent.version == Version::Latest {
                questions.push(Question::Document(plan::PACKAGE.into()));
            }
            for (_, config) in agent.config.iter().flat_map(|choice| choice.names()) {
                let id = ObjectRef::new(Kind::AgentConfig, config);
                if let Some(Spec::AgentConfig(config)) = desired.get(&id).map(|object| &object.spec) {
                    names.push(config.parameter.as_str().into());
                    let groups =
                        config.log_groups.iter().map(|group| Question::LogGroup(group.as_str().into()));
                    questions.extend(groups);
                }
            }
        }
        names.sort();
        names.dedup();
        questions.extend(names.chunks(PARAMETERS_PER_CALL).map(|names| Question::Parameters(names.to_vec())));
        questions
    }

    fn wanted(&self, observed: &Observed, agent: Option<&CloudWatchAgent>) -> Result<Release, String> {
        let desired = self.desired.as_ref().map_err(Clone::clone)?;
        let agent = agent.ok_or_else(|| "it has no document".to_owned())?;
        let now = self.clients.clock().now();
        let memory = Memory::new(now);
        let known = Known { desired, observed, memory: &memory, rules: &self.rules, begun: now, now };
        let (release, waits) = plan::wanted(known, agent);
        if waits.is_empty() { Ok(release) } else { Err(waits.join(", ")) }
    }

    fn needed<'k>(&self, order: Order, kept: &'k Kept) -> anyhow::Result<Option<&'k Release>> {
        if self.desired.is_err() && kept.state.is_none() {
            let name = parameter(&self.rules.installation, &self.object.name);
            let why = self.desired.as_ref().err().map(String::as_str).unwrap_or_default();
            bail!("nothing is known of {}: there is no parameter {name}, and {why}", self.object);
        }
        match &kept.wanted {
            Ok(release) => Ok(Some(release)),
            Err(_) if !order.needs_release() => Ok(None),
            Err(why) => bail!("which release {} asks for is not known yet: {why}", self.object),
        }
    }

    /// One write. That somebody else wrote at the same time, or that no answer came, is for the next look to judge.
    async fn write(&self, state: &State, based_on: Option<i64>) -> anyhow::Result<()> {
        let action = keep(&self.rules, &self.object, state, based_on);
        let outcomes = Box::pin(act(&self.clients, &[action], &CancellationToken::new())).await;
        match outcomes.into_iter().flatten().next().map(|outcome| outcome.result) {
            Some(Err(why)) if !matches!(why.class, Class::Exists | Class::Conflict | Class::Ambiguous) => {
                Err(anyhow!("{} failed with {why}", why.call))
            }
            _ => Ok(()),
        }
    }

    /// Whether a newer version than `before` is there and bears the mark of the order.
    async fn is_kept(
        &self,
        order: Order,
        wanted: Option<&Release>,
        before: Option<i64>,
    ) -> anyhow::Result<bool> {
        for look in 0..LOOKS {
            if look > 0 {
                self.clients.clock().sleep(self.rules.settle.regional.unsigned_abs()).await;
            }
            let kept = self.read().await?;
            if kept.version > before {
                return Ok(order.holds(&kept.state.unwrap_or_default(), wanted));
            }
        }
        Ok(false)
    }

    fn done(&self, given: Given) -> Done {
        let Given { did, next, .. } = given;
        Done { object: self.object.clone(), did, next, at: self.clients.clock().now() }
    }
}

impl fmt::Display for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {}.", self.object, harmless(&self.did))?;
        writeln!(f, "{}", harmless(&self.next))?;
        writeln!(
            f,
            "A running controller passes at least once in its --interval, a minute unless set otherwise."
        )
    }
}

fn agent<'a>(desired: &'a Desired, object: &ObjectRef) -> Option<&'a CloudWatchAgent> {
    match desired.get(object).map(|object| &object.spec) {
        Some(Spec::CloudWatchAgent(agent)) => Some(agent),
        _ => None,
    }
}

fn check(desired: &Desired, id: &ObjectRef) -> anyhow::Result<()> {
    let Some(object) = desired.get(id) else {
        if let Some(at) = desired.broken.get(id) {
            bail!("{id} has mistakes at {at}: run `watchkeeper validate`");
        }
        let names: Vec<&str> =
            desired.of_kind(Kind::CloudWatchAgent).map(|object| &*object.id.name).collect();
        let hint = crate::model::desired::decode::did_you_mean(&id.name, names.iter().copied())
            .unwrap_or_else(|| format!("there is {}", crate::model::desired::decode::list(&names)));
        bail!("the folder has no {id}: {hint}");
    };
    if let Spec::CloudWatchAgent(agent) = &object.spec
        && !agent.has_stages()
    {
        bail!(
            "{id} has no rollouts: its document ({}) sets no `rollout` with stages, so changes reach every node at once",
            object.at
        );
    }
    if object.common.management != Management::Enforce {
        bail!("{id} has no rollouts: its document ({}) lets nothing be changed (`management`)", object.at);
    }
    Ok(())
}
