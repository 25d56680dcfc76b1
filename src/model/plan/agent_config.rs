//! What an `AgentConfig` needs: its parameter, with exactly these bytes.

use std::sync::Arc;

use super::draft::{Draft, Needed};
use super::ownership::{self, Owner};
use super::stable::{self, Need};
use crate::model::action::{Action, PutParameter};
use crate::model::desired::{AgentConfig, Object, Tier};
use crate::model::digest::sha256;
use crate::model::finding::{Drift, Finding};
use crate::model::memory::Change;
use crate::model::observed::{Parameter, Reading};
use crate::model::reason::Reason;
use crate::model::tags::Tags;

/// Plans one parameter.
pub(super) fn plan(draft: &mut Draft<'_>, object: &Object, config: &AgentConfig) {
    let observed = draft.known.observed;
    let name = config.parameter.as_str();
    match observed.parameters.get(name).unwrap_or(&Reading::NotAsked) {
        Reading::Absent { .. } => create(draft, object, config),
        Reading::Known { value, .. } => {
            let tags = observed.parameter_tags.get(name).unwrap_or(&Reading::NotAsked);
            let tier = observed.parameter_tiers.get(name).unwrap_or(&Reading::NotAsked);
            match (tags, tier) {
                (Reading::Known { value: tags, .. }, Reading::Known { value: tier, .. }) => {
                    existing(draft, object, config, value, tier, tags);
                }
                (Reading::Known { .. }, other) => {
                    draft.unread(&object.id, &format!("the tier of parameter {name}"), other);
                }
                (other, _) => draft.unread(&object.id, &format!("the tags of parameter {name}"), other),
            }
        }
        other => draft.unread(&object.id, &format!("parameter {name}"), other),
    }
    draft.tally_single(&object.id);
}

/// The version of the parameter that holds exactly this content, once the world has it.
pub(super) fn current_version(parameters: &Reading<Parameter>, config: &AgentConfig) -> Option<i64> {
    parameters.known().filter(|have| *have.value == *config.content).map(|have| have.version)
}

fn create(draft: &mut Draft<'_>, object: &Object, config: &AgentConfig) {
    let put = put(draft, object, config);
    let change = Change::new(config.parameter.as_str(), "create");
    let why = format!("parameter {} does not exist", config.parameter);
    draft.propose(object, Action::CreateParameter(put), Needed::missing(change, why));
}

fn existing(
    draft: &mut Draft<'_>,
    object: &Object,
    config: &AgentConfig,
    have: &Parameter,
    have_tier: &Arc<str>,
    tags: &Tags,
) {
    let drift = field_drift(config, have, have_tier);
    match ownership::of(&draft.known, object, &have.name, tags) {
        Owner::NotOurs => {
            let message =
                ownership::not_owned_message(&draft.known, &format!("parameter {}", have.name), tags);
            draft.find(
                Finding::of(&object.id, Reason::NotOwned, message).about(have.name.clone()).with(drift),
            );
            return;
        }
        Owner::Ours => draft.ours(&have.name, &object.id),
        Owner::ToTake => {}
    }
    retag(draft, object, config, have, tags);
    if !drift.is_empty() && may_write(draft, object, have) {
        let put = PutParameter { tags: Default::default(), ..put(draft, object, config) };
        let change = Change::new(
            have.name.clone(),
            format!("content {}", &config.sha256[..12.min(config.sha256.len())]),
        );
        let why = format!("parameter {} (version {}) differs", have.name, have.version);
        draft.propose(object, Action::OverwriteParameter(put), Needed::drift(change, why, drift));
    }
    if !draft.holds_back(&object.id) {
        draft.right(have.name.clone());
    }
}

/// Whether no rollout would lose what it may have to go back to. If one would, says so.
fn may_write(draft: &mut Draft<'_>, object: &Object, have: &Parameter) -> bool {
    let (reason, message) = match stable::keeps_from_writing(&draft.known, have) {
        Need::Nobody => return true,
        Need::Object(other) => (
            Reason::DependencyNotReady,
            format!("parameter {} waits until {other} has moved its stable version", have.name),
        ),
        Need::Unknown(other) => (
            Reason::NotRead,
            format!("parameter {} waits until it is known what is stable for {other}", have.name),
        ),
    };
    draft.find(Finding::of(&object.id, reason, message).about(have.name.clone()));
    false
}

fn retag(draft: &mut Draft<'_>, object: &Object, config: &AgentConfig, have: &Parameter, tags: &Tags) {
    let wanted = ownership::wanted_tags(&draft.known, object, &config.tags);
    let (missing, drift) = ownership::tag_drift(tags, &wanted);
    if !missing.is_empty() {
        let change = Change::new(have.name.clone(), "tag");
        let why = format!("parameter {} lacks tags", have.name);
        draft.propose(
            object,
            Action::TagParameter(have.name.clone(), missing),
            Needed::drift(change, why, drift),
        );
    }
}

fn put(draft: &Draft<'_>, object: &Object, config: &AgentConfig) -> PutParameter {
    PutParameter {
        name: config.parameter.as_str().into(),
        value: config.content.clone(),
        tier: tier(config.tier).into(),
        description: format!("CloudWatch agent configuration {}, kept by Watchkeeper", object.id.name).into(),
        tags: ownership::wanted_tags(&draft.known, object, &config.tags),
        based_on: None,
    }
}

fn field_drift(config: &AgentConfig, have: &Parameter, have_tier: &str) -> Vec<Drift> {
    let mut drift = Vec::new();
    if *have.value != *config.content {
        drift.push(Drift::new("content", shown(&have.value), shown(&config.content)));
    }
    if &*have.kind != "String" {
        drift.push(Drift::new("type", &have.kind, "String"));
    }
    // An Advanced parameter cannot become Standard again (user guide of Parameter Store); it holds as much and more.
    if config.tier == Tier::Advanced && have_tier != "Advanced" {
        drift.push(Drift::new("tier", have_tier, "Advanced"));
    }
    drift
}

/// A content in one word.
fn shown(content: &str) -> String {
    let digest = sha256(content.as_bytes());
    format!("sha256:{} ({} bytes)", &digest[..12], content.len())
}

const fn tier(tier: Tier) -> &'static str {
    match tier {
        Tier::Standard => "Standard",
        Tier::Advanced => "Advanced",
    }
}
