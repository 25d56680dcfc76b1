//! The steps that lead to a wish, each made once and shared by every node that needs it.
//!
//! A fleet of a hundred thousand nodes needs a handful of different steps, so none of them is made per node.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::wish::{CONFIGURE_DOCUMENT, PACKAGE, PACKAGE_DOCUMENT};
use crate::model::action::Step;
use crate::model::finding::Drift;
use crate::model::probe;

/// Parameters of a document, by name.
pub(super) type Parameters = BTreeMap<Arc<str>, Vec<Arc<str>>>;

/// One step with everything that its command needs. Nodes with equal recipes share a command.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Recipe {
    /// The step.
    pub step: Step,
    /// The document that takes it.
    pub document: &'static str,
    /// Its parameters.
    pub parameters: Parameters,
    /// What it writes, as [`Change`](crate::model::memory::Change) names it.
    pub write: Arc<str>,
    /// What is asked for: the location of the configuration, the version to install; empty where neither.
    pub wanted: Arc<str>,
    /// What the step sets, where every node that needs it differs in the same way.
    pub drift: Vec<Drift>,
}

impl PartialOrd for Recipe {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Recipe {
    fn cmp(&self, other: &Self) -> Ordering {
        // Nearly always the same recipe, shared.
        if std::ptr::eq(self, other) {
            return Ordering::Equal;
        }
        let key = |recipe: &Self| (recipe.step, recipe.write.clone(), recipe.document);
        key(self).cmp(&key(other)).then_with(|| self.parameters.cmp(&other.parameters))
    }
}

/// How a node of EC2 and one outside it are told apart by the agent.
#[derive(Clone, Debug)]
pub(super) struct ByMode {
    ec2: Arc<Recipe>,
    on_premises: Arc<Recipe>,
}

impl ByMode {
    fn of(make: impl Fn(&str) -> Recipe) -> Self {
        Self { ec2: Arc::new(make("ec2")), on_premises: Arc::new(make("onPremise")) }
    }

    /// The recipe for the node of this id.
    pub fn of_node(&self, id: &str) -> &Arc<Recipe> {
        if id.starts_with("mi-") { &self.on_premises } else { &self.ec2 }
    }
}

/// Reads what the node has.
pub(super) fn probe() -> Recipe {
    Recipe {
        step: Step::Probe,
        document: probe::NAME,
        parameters: BTreeMap::new(),
        write: "probe".into(),
        wanted: "".into(),
        drift: Vec::new(),
    }
}

/// Installs the agent: `version`, or without one the package's newest.
pub(super) fn install(version: Option<&str>) -> Recipe {
    let mut parameters = parameters([
        ("action", "Install"),
        ("installationType", "Uninstall and reinstall"),
        ("name", PACKAGE),
    ]);
    if let Some(version) = version {
        parameters.insert("version".into(), vec![version.into()]);
    }
    Recipe {
        step: Step::Install,
        document: PACKAGE_DOCUMENT,
        parameters,
        write: format!("install {}", version.unwrap_or_default()).into(),
        wanted: version.unwrap_or_default().into(),
        drift: vec![Drift::new("agent", "not installed", version.unwrap_or("latest"))],
    }
}

/// Removes the agent.
pub(super) fn uninstall() -> Recipe {
    Recipe {
        step: Step::Uninstall,
        document: PACKAGE_DOCUMENT,
        parameters: parameters([("action", "Uninstall"), ("name", PACKAGE)]),
        write: "uninstall".into(),
        wanted: "".into(),
        drift: Vec::new(),
    }
}

/// Fetches the configuration at `location`, loads it, restarts.
pub(super) fn configure(location: &Arc<str>) -> ByMode {
    ByMode::of(|mode| Recipe {
        step: Step::Configure,
        document: CONFIGURE_DOCUMENT,
        parameters: parameters([
            ("action", "configure"),
            ("mode", mode),
            ("optionalConfigurationSource", "ssm"),
            ("optionalConfigurationLocation", location),
            ("optionalRestart", "yes"),
        ]),
        write: format!("configure {location}").into(),
        wanted: location.clone(),
        drift: vec![Drift::new("config", "(none)", location)],
    })
}

/// Starts an agent that has a configuration.
pub(super) fn start() -> ByMode {
    ByMode::of(|mode| Recipe {
        step: Step::Start,
        document: CONFIGURE_DOCUMENT,
        parameters: parameters([("action", "start"), ("mode", mode)]),
        write: "start".into(),
        wanted: "".into(),
        drift: vec![Drift::new("status", "stopped", "running")],
    })
}

fn parameters<const N: usize>(pairs: [(&str, &str); N]) -> Parameters {
    pairs.into_iter().map(|(name, value)| (name.into(), vec![value.into()])).collect()
}
