//! `CloudWatchAgent`: the agent on a set of nodes: which version, which configuration, how carefully.

use std::time::Duration;

use super::decode::{Fields, boolean, choice, filled_text, list_of, shown};
use super::problem::Mistakes;
use super::select::{NodeSelector, Platform, node_selector, object_name};
use super::values::{Amount, amount, amount_above_zero, duration};
use super::window::{Window, windows};
use super::yaml::{Node, Value};

/// Which version of the agent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Version {
    /// The newest that the package offers; resolved once per pass for all nodes alike.
    #[default]
    Latest,
    /// This one.
    Exact(String),
}

/// Whether the agent should be there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ensure {
    /// Installed, configured and running.
    #[default]
    Present,
    /// Uninstalled.
    Absent,
}

/// Which `AgentConfig` a node gets, by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigChoice {
    /// The same for all.
    One(String),
    /// By the node's platform.
    ByPlatform {
        /// For Linux.
        linux: Option<String>,
        /// For Windows.
        windows: Option<String>,
        /// For macOS.
        macos: Option<String>,
        /// For on-premises machines (`mi-…`) of any platform, instead of their platform's: they have no
        /// instance id and no EC2 metadata that a configuration could name.
        on_premises: Option<String>,
    },
}

impl ConfigChoice {
    /// The configuration for a node; none where the document has none for its platform.
    pub fn for_node(&self, platform: Platform, is_on_premises: bool) -> Option<&str> {
        match self {
            Self::One(name) => Some(name),
            Self::ByPlatform { linux, windows, macos, on_premises } => {
                let of_platform = match platform {
                    Platform::Linux => linux,
                    Platform::Windows => windows,
                    Platform::MacOs => macos,
                };
                let own = on_premises.as_ref().filter(|_| is_on_premises);
                own.or(of_platform.as_ref()).map(String::as_str)
            }
        }
    }

    /// All configurations named, each with the field that names it.
    pub fn names(&self) -> Vec<(&'static str, &str)> {
        match self {
            Self::One(name) => vec![("config", name)],
            Self::ByPlatform { linux, windows, macos, on_premises } => {
                [("linux", linux), ("windows", windows), ("macos", macos), ("onPremises", on_premises)]
                    .into_iter()
                    .filter_map(|(field, name)| Some((field, name.as_deref()?)))
                    .collect()
            }
        }
    }
}

/// What to do with a node whose agent has configuration files that are not ours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnForeignConfig {
    /// Leave the node alone and say so.
    #[default]
    Hold,
    /// Replace them: `configure` deletes every other configuration file on the node.
    Replace,
}

/// How carefully a change reaches the nodes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rollout {
    /// How many nodes go first, alone.
    pub canary: Option<Amount>,
    /// Then up to so many in total, wave by wave; empty: all others at once.
    pub waves: Vec<Amount>,
    /// How long a stage must stay healthy before the next.
    pub bake: Duration,
    /// How many nodes may be worked on at once.
    pub max_concurrency: Option<Amount>,
    /// More failures than this, of the nodes that have the new release so far, halt the rollout.
    pub max_failures: Option<Amount>,
    /// When nodes may begin; empty: always.
    pub windows: Vec<Window>,
    /// CloudWatch alarms that halt the rollout, by name.
    pub abort_on: Vec<String>,
}

/// How long a stage must stay healthy before the next, where the document names stages and no time: long enough
/// for the agent to start, fail and be seen failing.
const BAKE: Duration = Duration::from_mins(5);

/// The CloudWatch agent on a set of nodes.
#[derive(Clone, Debug, PartialEq)]
pub struct CloudWatchAgent {
    /// Which nodes.
    pub nodes: NodeSelector,
    /// Which version.
    pub version: Version,
    /// Whether it should be there.
    pub ensure: Ensure,
    /// Which configuration; none exactly where the agent should be absent.
    pub config: Option<ConfigChoice>,
    /// What to do with foreign configuration files.
    pub on_foreign_config: OnForeignConfig,
    /// How carefully a change reaches the nodes.
    pub rollout: Rollout,
    /// Send nodes `name:version` of the parameter, not the bare name. On unless the document says no.
    pub pin: bool,
}

impl CloudWatchAgent {
    /// Whether a release reaches the nodes in stages, may be halted and taken back. One without reaches all of them
    /// at once, and nothing of it is kept.
    pub fn has_stages(&self) -> bool {
        let Rollout { canary, waves, max_failures, abort_on, windows, .. } = &self.rollout;
        self.ensure == Ensure::Present
            && (canary.is_some()
                || !waves.is_empty()
                || max_failures.is_some()
                || !abort_on.is_empty()
                || !windows.is_empty())
    }
}

const ENSURE: [(&str, Ensure); 2] = [("present", Ensure::Present), ("absent", Ensure::Absent)];
const FOREIGN: [(&str, OnForeignConfig); 2] =
    [("hold", OnForeignConfig::Hold), ("replace", OnForeignConfig::Replace)];

/// Reads the fields of a `CloudWatchAgent`.
pub(super) fn read(fields: &mut Fields<'_>, mistakes: &mut Mistakes) -> Option<CloudWatchAgent> {
    let nodes = fields.required("nodes", mistakes, node_selector);
    let version = fields.optional("version", mistakes, version).unwrap_or_default();
    let ensure = fields.optional("ensure", mistakes, |node, mistakes| choice(node, mistakes, &ENSURE));
    let ensure = ensure.unwrap_or_default();
    let config_node = fields.take("config", mistakes);
    let config = config_node.and_then(|node| config_choice(node, mistakes));
    match (ensure, config_node) {
        (Ensure::Absent, Some(node)) => {
            mistakes.error_help(
                node.span,
                "`ensure: absent` uninstalls the agent",
                "remove `config`, or `ensure`",
            );
        }
        (Ensure::Present, None) if !fields.has("config") => {
            mistakes.error_help(
                fields.at(),
                "`spec` needs the field `config`",
                "name an AgentConfig: an agent without one would start with its built-in default",
            );
        }
        _ => {}
    }
    let on_foreign_config =
        fields.optional("onForeignConfig", mistakes, |node, mistakes| choice(node, mistakes, &FOREIGN));
    let rollout = fields.optional("rollout", mistakes, rollout).unwrap_or_default();
    let pin = fields.optional("pin", mistakes, boolean).unwrap_or(true);
    let nodes = nodes?;
    if let (Some(config), Some(node)) = (&config, config_node) {
        check_platforms(&nodes, config, node, mistakes);
    }
    let on_foreign_config = on_foreign_config.unwrap_or_default();
    let agent = CloudWatchAgent { nodes, version, ensure, config, on_foreign_config, rollout, pin };
    if agent.has_stages() && !pin {
        mistakes.error_help(
            fields.at(),
            "`pin: false` gives every node the newest version of the parameter, so a `rollout` can hold none back",
            "remove `pin`, or the stages of `rollout`",
        );
    }
    Some(agent)
}

fn version(node: &Node, mistakes: &mut Mistakes) -> Option<Version> {
    let text = filled_text(node, mistakes)?;
    if text == "latest" {
        return Some(Version::Latest);
    }
    let (numbers, build) = text.split_once('b').unwrap_or((&text, "0"));
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if numbers.contains('.') && numbers.split('.').all(is_number) && is_number(build) && text.len() <= 40 {
        return Some(Version::Exact(text));
    }
    mistakes.error_help(
        node.span,
        format!("`{}` is not a version of the agent", shown(&text)),
        "write `latest`, or a version such as 1.300041.0b681",
    );
    None
}

fn config_choice(node: &Node, mistakes: &mut Mistakes) -> Option<ConfigChoice> {
    if !matches!(node.value, Value::Map(_)) {
        return object_name(node, mistakes).map(ConfigChoice::One);
    }
    let mut fields = Fields::of(node, "config", mistakes)?;
    let linux = fields.optional("linux", mistakes, object_name);
    let windows = fields.optional("windows", mistakes, object_name);
    let macos = fields.optional("macos", mistakes, object_name);
    let on_premises = fields.optional("onPremises", mistakes, object_name);
    fields.finish(mistakes);
    if node.entries().is_empty() {
        mistakes.error(node.span, "`config` names no configuration");
    }
    Some(ConfigChoice::ByPlatform { linux, windows, macos, on_premises })
}

/// A selector without a platform selects Linux and Windows nodes alike.
fn check_platforms(nodes: &NodeSelector, config: &ConfigChoice, node: &Node, mistakes: &mut Mistakes) {
    match nodes.platform {
        Some(platform) if config.for_node(platform, false).is_none() => {
            mistakes
                .error(node.span, format!("`nodes` selects {0}, `config` has none for {0}", platform.name()));
        }
        Some(_) => {}
        None => {
            for platform in [Platform::Linux, Platform::Windows] {
                if config.for_node(platform, false).is_none() {
                    mistakes.warn_help(
                        node.span,
                        format!("`config` has none for {}: such nodes stay as they are", platform.name()),
                        "add one, or narrow `nodes` with `platform`",
                    );
                }
            }
        }
    }
}

fn rollout(node: &Node, mistakes: &mut Mistakes) -> Option<Rollout> {
    let mut fields = Fields::of(node, "rollout", mistakes)?;
    let canary = fields.optional("canary", mistakes, amount_above_zero);
    let waves = fields.optional("waves", mistakes, waves).unwrap_or_default();
    let bake = fields.optional("bake", mistakes, duration);
    let max_concurrency = fields.optional("maxConcurrency", mistakes, amount_above_zero);
    let max_failures = fields.optional("maxFailures", mistakes, amount);
    let windows = fields.optional("windows", mistakes, windows).unwrap_or_default();
    let abort_on = fields.optional("abortOn", mistakes, alarms).unwrap_or_default();
    fields.finish(mistakes);
    let names_stages = canary.is_some() || !waves.is_empty() || max_failures.is_some();
    let bake = bake.unwrap_or(if names_stages { BAKE } else { Duration::ZERO });
    Some(Rollout { canary, waves, bake, max_concurrency, max_failures, windows, abort_on })
}

/// Names of CloudWatch alarms: at most a hundred, since one call asks for so many (`DescribeAlarms`, API reference).
fn alarms(node: &Node, mistakes: &mut Mistakes) -> Option<Vec<String>> {
    let names = list_of(node, mistakes, filled_text)?;
    if names.len() > 100 {
        mistakes.error(node.span, "`abortOn` names more than 100 alarms");
        return None;
    }
    Some(names)
}

/// Waves grow: each says how far the rollout has come when it is over.
fn waves(node: &Node, mistakes: &mut Mistakes) -> Option<Vec<Amount>> {
    let waves = list_of(node, mistakes, amount_above_zero)?;
    for (pair, item) in waves.windows(2).zip(node.items().iter().skip(1)) {
        let grows = match (pair[0], pair[1]) {
            (Amount::Count(before), Amount::Count(after)) => after > before,
            (Amount::Percent(before), Amount::Percent(after)) => after > before,
            // Which one is more depends on how many nodes there are.
            _ => true,
        };
        if !grows {
            mistakes.error_help(
                item.span,
                "a wave must be larger than the one before",
                "waves count from the start: [10%, 50%, 100%]",
            );
            return None;
        }
    }
    Some(waves)
}
