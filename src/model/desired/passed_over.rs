//! Parts of an agent's configuration that the platform it is sent to does not have. The agent says nothing about
//! them, and nothing arrives. Only warnings: nothing breaks.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::parse::Document;
use super::problem::{Problem, Severity};
use super::select::Platform;
use super::{AgentConfig, CloudWatchAgent, ConfigChoice, ObjectRef, Spec};

/// One warning for each part and platform.
pub(super) fn parts(documents: &[Document]) -> Vec<Problem> {
    let configs: BTreeMap<&str, (&ObjectRef, &AgentConfig)> = documents
        .iter()
        .filter_map(|document| document.object.as_ref())
        .filter_map(|object| match &object.spec {
            Spec::AgentConfig(config) => Some((&*object.id.name, (&object.id, config))),
            _ => None,
        })
        .collect();
    let mut said = BTreeSet::new();
    let mut problems = Vec::new();
    for object in documents.iter().filter_map(|document| document.object.as_ref()) {
        let Spec::CloudWatchAgent(agent) = &object.spec else { continue };
        for (name, platform) in uses(agent) {
            let Some((id, config)) = configs.get(name) else { continue };
            for part in config.platform_parts.iter().filter(|part| !part.platforms.contains(&platform)) {
                if !said.insert((name, &part.path, word(platform))) {
                    continue;
                }
                problems.push(Problem {
                    severity: Severity::Warning,
                    file: Arc::clone(&part.place.file),
                    at: part.place.at,
                    message: format!("`{}`: the agent passes over this on {}", part.path, word(platform)),
                    help: Some(format!(
                        "{} sends it there: give each platform a configuration of its own",
                        object.id
                    )),
                    object: Some((*id).clone()),
                });
            }
        }
    }
    problems
}

/// The configurations that surely reach a platform. What on-premises machines run is not known.
fn uses(agent: &CloudWatchAgent) -> Vec<(&str, Platform)> {
    match &agent.config {
        Some(ConfigChoice::One(name)) => {
            agent.nodes.platform.map(|platform| (&**name, platform)).into_iter().collect()
        }
        Some(ConfigChoice::ByPlatform { linux, windows, macos, .. }) => {
            let each = [(linux, Platform::Linux), (windows, Platform::Windows), (macos, Platform::MacOs)];
            each.into_iter().filter_map(|(name, platform)| Some((name.as_deref()?, platform))).collect()
        }
        None => Vec::new(),
    }
}

fn word(platform: Platform) -> &'static str {
    match platform {
        Platform::Linux => "Linux",
        Platform::Windows => "Windows",
        Platform::MacOs => "macOS",
    }
}
