//! What a document wants on its nodes, with its references resolved: once per object, not once per node.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::candidates::Candidate;
use super::node::Verdict;
use super::recipe::{self, ByMode, Recipe};
use crate::model::agent_config::signals::{Signals, signals};
use crate::model::desired::{
    AgentConfig, CloudWatchAgent, Ensure, Kind, Object, ObjectRef, OnForeignConfig, Spec, Version,
};
use crate::model::finding::Finding;
use crate::model::observed::{Document, Reading};
use crate::model::plan::Known;
use crate::model::plan::agent_config::current_version;
use crate::model::plan::draft::Draft;
use crate::model::probe;
use crate::model::reason::Reason;
use crate::model::rollout::{Pinned, Release, for_node};

/// The document that installs and removes packages.
pub(crate) const PACKAGE_DOCUMENT: &str = "AWS-ConfigureAWSPackage";
/// The document that configures, starts and stops the agent.
pub(crate) const CONFIGURE_DOCUMENT: &str = "AmazonCloudWatch-ManageAgent";
/// The agent's package, which is itself a document with a version name.
pub(crate) const PACKAGE: &str = "AmazonCloudWatchAgent";

/// What a document wants on one node.
#[derive(Clone, Debug)]
pub(super) struct Wish {
    /// Installed or not.
    pub ensure: Ensure,
    /// Which version; none: any, since `latest` could not be resolved.
    pub version: Option<Arc<str>>,
    /// Which configuration; none where the agent shall be absent.
    pub config: Option<WishedConfig>,
    /// Whether configuration files of others may go.
    pub replaces_foreign: bool,
    /// The names under which the agent keeps configurations of ours, without version.
    pub our_files: Arc<BTreeSet<String>>,
    /// The steps that lead there.
    pub steps: Steps,
    /// What telemetry the configuration promises; none: its text is not known.
    pub signals: Option<Arc<Signals>>,
}

/// The steps that lead to a wish, but for its configuration's own.
#[derive(Clone, Debug)]
pub(super) struct Steps {
    /// See [`recipe::probe`].
    pub probe: Arc<Recipe>,
    /// See [`recipe::install`].
    pub install: Arc<Recipe>,
    /// See [`recipe::uninstall`].
    pub uninstall: Arc<Recipe>,
    /// See [`recipe::start`].
    pub start: ByMode,
}

impl Steps {
    fn to(version: Option<&str>) -> Self {
        Self {
            probe: Arc::new(recipe::probe()),
            install: Arc::new(recipe::install(version)),
            uninstall: Arc::new(recipe::uninstall()),
            start: recipe::start(),
        }
    }
}

/// A configuration that a node shall have loaded.
#[derive(Clone, Debug)]
pub(super) struct WishedConfig {
    /// What the agent fetches: `name:version`, or the bare name where the document says `pin: false`.
    pub location: Arc<str>,
    /// SHA-256 of its content.
    pub sha256: Arc<str>,
    /// The step that fetches and loads it.
    pub configure: ByMode,
}

/// Makes the verdict for a node whose wish cannot be resolved.
pub(super) type Unresolved = Box<dyn Fn(&ObjectRef, &Candidate<'_>) -> Verdict>;

/// What a document wants, or wanted, by configuration.
pub(super) struct Wishes {
    /// What there is of it to want: all that could be resolved.
    pub release: Release,
    /// The same with what could not be resolved yet, at version 0: by its content it may be known already.
    pub asked: Release,
    by_field: BTreeMap<Arc<str>, Result<Wish, (Reason, String)>>,
    absent: Wish,
}

/// Resolves what `agent` wants now.
pub(super) fn resolve(draft: &Draft<'_>, agent: &CloudWatchAgent) -> Wishes {
    let names = agent.config.as_ref().map(|choice| choice.names()).unwrap_or_default();
    let mut release = Release { version: version(draft, agent), ..Release::default() };
    let mut unresolved = BTreeMap::new();
    let mut asked = Release { version: release.version.clone(), ..Release::default() };
    for (field, name) in names {
        match config(draft, name) {
            Ok(pinned) => drop(release.configs.insert(field.into(), pinned)),
            Err(why) => {
                asked.configs.extend(unwritten(draft, name).map(|pinned| (field.into(), pinned)));
                unresolved.insert(Arc::from(field), Err(why));
            }
        }
    }
    asked.configs.extend(release.configs.clone());
    let mut wishes = of_release(draft, agent, release);
    wishes.by_field.append(&mut unresolved);
    Wishes { asked, ..wishes }
}

/// What `agent` asks for now, as far as it can be resolved, and what the rest waits for.
pub(crate) fn wanted(known: Known<'_>, agent: &CloudWatchAgent) -> (Release, Vec<String>) {
    let wishes = resolve(&Draft::new(known), agent);
    let waits = wishes.by_field.into_values().filter_map(Result::err).map(|(_, message)| message);
    (wishes.release, waits.collect())
}

/// What `agent` wants of its nodes that shall have `release`.
pub(super) fn of_release(draft: &Draft<'_>, agent: &CloudWatchAgent, release: Release) -> Wishes {
    let base = Wish {
        ensure: agent.ensure,
        steps: Steps::to(release.version.as_deref()),
        version: release.version.clone(),
        config: None,
        signals: None,
        replaces_foreign: agent.on_foreign_config == OnForeignConfig::Replace,
        our_files: Arc::new(our_files(draft, &release)),
    };
    let wish = |pinned: &Pinned| Wish {
        config: Some(wished(agent, pinned)),
        signals: document_of(draft, pinned).map(|config| Arc::new(signals(&config.content))),
        ..base.clone()
    };
    let by_field = release.configs.iter().map(|(field, pinned)| (field.clone(), Ok(wish(pinned)))).collect();
    Wishes { asked: release.clone(), release, by_field, absent: base }
}

impl Wishes {
    /// Whether everything that the document refers to could be resolved.
    pub fn is_whole(&self) -> bool {
        self.by_field.values().all(Result::is_ok)
    }

    /// Files of these releases are ours as well, though no document may name their parameters any more.
    pub fn own<'r>(&mut self, releases: impl Iterator<Item = &'r Release>) {
        let names: BTreeSet<String> = releases
            .flat_map(|release| release.configs.values())
            .map(|pinned| file(&pinned.parameter))
            .collect();
        let wishes = self.by_field.values_mut().filter_map(|wish| wish.as_mut().ok());
        for wish in wishes.filter(|wish| !names.is_subset(&wish.our_files)) {
            Arc::make_mut(&mut wish.our_files).extend(names.iter().cloned());
        }
    }

    /// What `candidate` shall have, or the verdict that says why that is not known.
    pub fn for_candidate(
        &self,
        candidate: &Candidate<'_>,
        agent: &CloudWatchAgent,
    ) -> Result<&Wish, Unresolved> {
        if agent.ensure == Ensure::Absent {
            return Ok(&self.absent);
        }
        let Some(platform) = candidate.platform else {
            return Err(not(
                Reason::UnsupportedPlatform,
                "SSM names a platform that Watchkeeper does not know".into(),
            ));
        };
        let is_on_premises = candidate.id.starts_with("mi-");
        match for_node(&self.by_field, platform, is_on_premises) {
            Some(Ok(wish)) => Ok(wish),
            Some(Err((reason, message))) => Err(not(*reason, message.clone())),
            None => {
                let message = format!("the document has no configuration for {}", platform.name());
                Err(not(Reason::UnsupportedPlatform, message))
            }
        }
    }
}

fn wished(agent: &CloudWatchAgent, pinned: &Pinned) -> WishedConfig {
    let Pinned { parameter, version, sha256 } = pinned;
    let location = if agent.pin { format!("{parameter}:{version}").into() } else { parameter.clone() };
    WishedConfig { configure: recipe::configure(&location), location, sha256: sha256.clone() }
}

fn not(reason: Reason, message: String) -> Unresolved {
    Box::new(move |object, candidate| {
        let message = format!("{}: {message}", candidate.id);
        Verdict::Not(Box::new(Finding::of(object, reason, message).about(candidate.id.clone())))
    })
}

/// `latest` is a version: the newest that the package offers now, the same for every node.
fn version(draft: &Draft<'_>, agent: &CloudWatchAgent) -> Option<Arc<str>> {
    match &agent.version {
        Version::Exact(version) => Some(version.as_str().into()),
        Version::Latest => {
            draft.known.observed.documents.get(PACKAGE).and_then(Reading::known)?.version_name.clone()
        }
    }
}

fn config(draft: &Draft<'_>, name: &str) -> Result<Pinned, (Reason, String)> {
    let known = draft.known;
    let id = ObjectRef::new(Kind::AgentConfig, name);
    let waits = |what: String| (Reason::DependencyNotReady, format!("waits for {what}"));
    let Some(Spec::AgentConfig(config)) = known.desired.get(&id).map(|object| &object.spec) else {
        return Err(waits(id.to_string()));
    };
    for group in &config.log_groups {
        let is_there = known.observed.log_groups.get(group.as_str()).and_then(Reading::known).is_some();
        if let Some((owner, _)) = known.desired.log_group(group)
            && !is_there
        {
            return Err(waits(owner.id.to_string()));
        }
    }
    let reading = known.observed.parameters.get(config.parameter.as_str()).unwrap_or(&Reading::NotAsked);
    let Some(version) = current_version(reading, config) else { return Err(waits(id.to_string())) };
    Ok(Pinned { parameter: config.parameter.as_str().into(), version, sha256: config.sha256.as_str().into() })
}

/// What the folder says of a configuration whose parameter does not hold it yet.
fn unwritten(draft: &Draft<'_>, name: &str) -> Option<Pinned> {
    match &draft.known.desired.get(&ObjectRef::new(Kind::AgentConfig, name))?.spec {
        Spec::AgentConfig(config) => Some(Pinned {
            parameter: config.parameter.as_str().into(),
            version: 0,
            sha256: config.sha256.as_str().into(),
        }),
        _ => None,
    }
}

/// The document that has exactly this content, where the folder still has one.
pub(super) fn document_of<'k>(draft: &Draft<'k>, pinned: &Pinned) -> Option<&'k AgentConfig> {
    draft.known.desired.of_kind(Kind::AgentConfig).find_map(|object| match &object.spec {
        Spec::AgentConfig(config) => Some(config)
            .filter(|config| *config.parameter == *pinned.parameter && *config.sha256 == *pinned.sha256),
        _ => None,
    })
}

/// What keeps `latest` from being told, if anything does: then no release is known at all.
pub(super) fn unread_version<'k>(
    draft: &Draft<'k>,
    agent: &CloudWatchAgent,
) -> Option<&'k Reading<Document>> {
    let reading = draft.known.observed.documents.get(PACKAGE).unwrap_or(&Reading::NotAsked);
    let is_told = matches!(reading, Reading::Known { .. } | Reading::Absent { .. });
    (agent.version == Version::Latest && !is_told).then_some(reading)
}

/// The name under which the agent keeps what it fetched from a parameter: `ssm_`, then the name with every
/// `/`, `:` and space replaced by `_` (the agent's `downloader.go`).
fn file(parameter: &str) -> String {
    format!("ssm_{}", parameter.replace(['/', ':', ' '], "_"))
}

/// The files of every configuration that a document names, or that still carries our tag.
fn our_files(draft: &Draft<'_>, release: &Release) -> BTreeSet<String> {
    let known = draft.known;
    let configs = known.desired.of_kind(Kind::AgentConfig).filter_map(|object| match &object.spec {
        Spec::AgentConfig(config) => Some(file(&config.parameter)),
        _ => None,
    });
    let owned = known.observed.owned_parameters.known().into_iter().flatten().map(|name| file(name.as_ref()));
    configs.chain(owned).chain(release.configs.values().map(|pinned| file(&pinned.parameter))).collect()
}

/// Whether the probe document is the one that this version of Watchkeeper understands. If not, says so.
pub(super) fn has_probe(draft: &mut Draft<'_>, object: &Object) -> bool {
    let reading = draft.known.observed.documents.get(probe::NAME).unwrap_or(&Reading::NotAsked);
    let message = match reading {
        Reading::Known { value, .. } if value.sha256.as_deref() == Some(probe::sha256()) && value.active => {
            return true;
        }
        Reading::Known { .. } => format!("document {} is not the one that this version needs", probe::NAME),
        Reading::Absent { .. } => format!("document {} does not exist", probe::NAME),
        other => {
            draft.unread(&object.id, &format!("document {}", probe::NAME), other);
            return false;
        }
    };
    draft.find(Finding::of(&object.id, Reason::ProbeMissing, message));
    false
}
