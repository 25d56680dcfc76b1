//! Holds what a probe says against what a document wants.

use super::candidates::Candidate;
use super::node::Want;
use super::version;
use super::wish::{Wish, WishedConfig};
use crate::model::desired::Ensure;
use crate::model::finding::Drift;
use crate::model::probe::{self, AgentStatus, Probe};
use crate::model::reason::Reason;

/// What a probe says, held against a wish.
pub(super) enum Judged {
    /// The node is as wished.
    Right,
    /// The node is not to be touched: why, in words, and what differs.
    SetAside(Reason, String, Vec<Drift>),
    /// The node needs this.
    Needs(Want),
}

/// What a freshly probed node needs.
pub(super) fn evaluate(candidate: &Candidate<'_>, wish: &Wish, probe: &Probe) -> Judged {
    let Some(config) = &wish.config else {
        return if wish.ensure == Ensure::Absent {
            evaluate_absent(candidate, wish, probe)
        } else {
            Judged::Right
        };
    };
    if !probe.installed {
        let recipe = &wish.steps.install;
        return Judged::Needs(Want::new(candidate, recipe, "has no agent", recipe.drift.clone()));
    }
    // Another version may take an uninstall first, which deletes every file of the agent's.
    evaluate_foreign(candidate, wish, config, probe)
        .or_else(|| evaluate_version(candidate, wish, probe))
        .unwrap_or_else(|| evaluate_config(candidate, config, wish, probe))
}

fn evaluate_absent(candidate: &Candidate<'_>, wish: &Wish, probe: &Probe) -> Judged {
    if !probe.installed {
        return Judged::Right;
    }
    let have = probe.version.as_deref().unwrap_or("installed");
    let drift = vec![Drift::new("agent", have, "absent")];
    if probe.package.is_none() {
        let message = format!("the agent of {} was not installed by SSM", candidate.id);
        return Judged::SetAside(Reason::ForeignInstall, message, drift);
    }
    Judged::Needs(Want::new(candidate, &wish.steps.uninstall, "has an agent that it should not have", drift))
}

/// `None` when the version is right, or nobody asks for one.
fn evaluate_version(candidate: &Candidate<'_>, wish: &Wish, probe: &Probe) -> Option<Judged> {
    let wanted = wish.version.as_deref()?;
    let have = probe.version.as_deref().or(probe.package.as_deref()).unwrap_or("unknown");
    if version::same(have, wanted)
        || probe.package.as_deref().is_some_and(|package| version::same(package, wanted))
    {
        return None;
    }
    let drift = vec![Drift::new("version", have, wanted)];
    if probe.package.is_none() {
        let message =
            format!("the agent of {} was not installed by SSM, so its version stays {have}", candidate.id);
        return Some(Judged::SetAside(Reason::ForeignInstall, message, drift));
    }
    Some(Judged::Needs(Want::new(candidate, &wish.steps.install, "runs another version of the agent", drift)))
}

/// `None` when the node's configurations are only ours, or may be replaced.
fn evaluate_foreign(
    candidate: &Candidate<'_>,
    wish: &Wish,
    config: &WishedConfig,
    probe: &Probe,
) -> Option<Judged> {
    let foreign = foreign_files(wish, config, probe);
    if foreign.is_empty() || wish.replaces_foreign {
        return None;
    }
    let drift = vec![Drift::new("config", foreign.join(", "), &config.location)];
    let message =
        format!("{} has configuration files of somebody else: {}", candidate.id, foreign.join(", "));
    Some(Judged::SetAside(Reason::ForeignConfiguration, message, drift))
}

fn evaluate_config(candidate: &Candidate<'_>, config: &WishedConfig, wish: &Wish, probe: &Probe) -> Judged {
    let configure = config.configure.of_node(&candidate.id);
    let is_only = probe.files.len() == 1 && probe.more == 0 && probe.etc_json.is_none();
    let right = probe.files.iter().find(|file| file.sha256.as_deref() == Some(&*config.sha256));
    let Some(file) = right.filter(|_| is_only && probe.toml.is_some()) else {
        let drift = vec![Drift::new("config", have_config(probe), wanted_config(config))];
        return Judged::Needs(Want::new(candidate, configure, "has another configuration", drift));
    };
    match (probe.status, probe.started) {
        (AgentStatus::Running, Some(started)) if started.as_second() >= file.modified => Judged::Right,
        (AgentStatus::Running, _) => {
            let drift = vec![Drift::new("loaded", "an older configuration", &config.location)];
            Judged::Needs(Want::new(candidate, configure, "has not loaded its configuration yet", drift))
        }
        (AgentStatus::Stopped, _) => {
            let recipe = wish.steps.start.of_node(&candidate.id);
            Judged::Needs(Want::new(candidate, recipe, "has an agent that is stopped", recipe.drift.clone()))
        }
        (AgentStatus::Unknown, _) => {
            let drift = vec![Drift::new("status", "unknown", "running")];
            Judged::Needs(Want::new(
                candidate,
                configure,
                "has an agent that does not say whether it runs",
                drift,
            ))
        }
    }
}

/// Files that neither Watchkeeper nor the agent's own default put there. A file with the right content is nobody
/// else's, whatever its name.
fn foreign_files(wish: &Wish, config: &WishedConfig, probe: &Probe) -> Vec<String> {
    let is_foreign = |file: &&probe::ConfigFile| {
        file.name != "default"
            && file.sha256.as_deref() != Some(&*config.sha256)
            && !is_ours(wish, &file.name)
    };
    let mut foreign: Vec<String> =
        probe.files.iter().filter(is_foreign).map(|file| file.name.clone()).collect();
    if probe.etc_json.as_deref().is_some_and(|sha256| *sha256 != *config.sha256) {
        foreign.push("amazon-cloudwatch-agent.json".to_owned());
    }
    if probe.more > 0 {
        foreign.push(format!("{} more", probe.more));
    }
    foreign
}

/// Whether a file holds some version of one of our configurations.
fn is_ours(wish: &Wish, file: &str) -> bool {
    let versioned =
        file.rsplit_once('_').filter(|(_, version)| version.bytes().all(|byte| byte.is_ascii_digit()));
    wish.our_files.contains(file) || versioned.is_some_and(|(name, _)| wish.our_files.contains(name))
}

fn have_config(probe: &Probe) -> String {
    let shown = |file: &probe::ConfigFile| match &file.sha256 {
        Some(sha256) => format!("{} (sha256:{})", file.name, sha256.get(..12).unwrap_or(sha256)),
        None => file.name.clone(),
    };
    let files: Vec<String> = probe.files.iter().map(shown).collect();
    if files.is_empty() { "(none)".to_owned() } else { files.join(", ") }
}

fn wanted_config(config: &WishedConfig) -> String {
    format!("{} (sha256:{})", config.location, config.sha256.get(..12).unwrap_or(&config.sha256))
}
