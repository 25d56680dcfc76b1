//! What an `IamRole` needs: the role, who may assume it, its policies, its instance profile, and the nodes that
//! take it. Nothing of it is ever deleted here, except policies of a role whose document says `exclusive`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;

use super::draft::{Draft, Needed};
use super::ownership::{self, Owner};
use crate::model::action::{Action, CreateRole};
use crate::model::desired::{IamRole, Object, Platform};
use crate::model::finding::{Drift, Finding};
use crate::model::memory::Change;
use crate::model::observed::{Instance, InstanceState, Profile, Reading, Role};
use crate::model::permission;
use crate::model::policy;
use crate::model::reason::Reason;

/// Plans one role.
pub(super) fn plan(draft: &mut Draft<'_>, object: &Object, role: &IamRole) {
    let known = draft.known;
    let name = role.role_name.as_str();
    let Some(identity) = known.observed.identity.known() else {
        draft.unread(&object.id, "the account", &known.observed.identity);
        return draft.tally_single(&object.id);
    };
    if let Some(message) = permission::refused(&known.rules.permitted, role) {
        draft.find(Finding::of(&object.id, Reason::NotPermitted, message));
        return draft.tally_single(&object.id);
    }
    let policies = policy_arns(role, &identity.partition);
    match known.observed.roles.get(name).unwrap_or(&Reading::NotAsked) {
        Reading::Absent { .. } => create(draft, object, role),
        Reading::Known { value, .. } => existing(draft, object, role, value, &policies),
        other => draft.unread(&object.id, &format!("role {name}"), other),
    }
    draft.tally_single(&object.id);
}

fn create(draft: &mut Draft<'_>, object: &Object, role: &IamRole) {
    let action = Action::CreateRole(CreateRole {
        name: role.role_name.as_str().into(),
        path: role.path.as_str().into(),
        trust: role.effective_trust(),
        description: role.description.as_deref().map(Into::into),
        max_session: role.max_session,
        boundary: role.permissions_boundary.as_deref().map(Into::into),
        tags: ownership::wanted_tags(&draft.known, object, &role.tags),
    });
    let change = Change::new(role.role_name.as_str(), "create role");
    draft.propose(object, action, Needed::missing(change, format!("role {} does not exist", role.role_name)));
}

fn existing(
    draft: &mut Draft<'_>,
    object: &Object,
    role: &IamRole,
    have: &Role,
    policies: &BTreeSet<Arc<str>>,
) {
    if ownership::of(&draft.known, object, &have.name, &have.tags) == Owner::NotOurs {
        let message = ownership::not_owned_message(&draft.known, &format!("role {}", have.name), &have.tags);
        let drift = field_drift(role, have, policies);
        draft.find(Finding::of(&object.id, Reason::NotOwned, message).about(have.name.clone()).with(drift));
        return;
    }
    draft.ours(&have.name, &object.id);
    retag(draft, object, role, have);
    trust(draft, object, role, have);
    settings(draft, object, role, have);
    attached(draft, object, role, have, policies);
    inline(draft, object, role, have);
    if let Some(profile) = role.profile() {
        instance_profile(draft, object, role, profile);
    }
    if !draft.holds_back(&object.id) {
        draft.right(have.name.clone());
    }
}

fn retag(draft: &mut Draft<'_>, object: &Object, role: &IamRole, have: &Role) {
    let wanted = ownership::wanted_tags(&draft.known, object, &role.tags);
    let (missing, drift) = ownership::tag_drift(&have.tags, &wanted);
    if !missing.is_empty() {
        let change = Change::new(have.name.clone(), "tag");
        let needed = Needed::drift(change, format!("role {} lacks tags", have.name), drift);
        draft.propose(object, Action::TagRole(have.name.clone(), missing), needed);
    }
}

fn trust(draft: &mut Draft<'_>, object: &Object, role: &IamRole, have: &Role) {
    let wanted = role.effective_trust();
    if policy::same(&have.trust, &wanted) {
        return;
    }
    let drift = vec![Drift::new("trust", compact(&have.trust), compact(&wanted))];
    let change = Change::new(have.name.clone(), "trust");
    let needed =
        Needed::drift(change, format!("role {} may be assumed by others than it should", have.name), drift);
    draft.propose(object, Action::SetTrust(have.name.clone(), wanted), needed);
}

fn settings(draft: &mut Draft<'_>, object: &Object, role: &IamRole, have: &Role) {
    let mut drift = Vec::new();
    if let Some(wanted) = &role.description
        && have.description.as_deref() != Some(wanted)
    {
        drift.push(Drift::new("description", have.description.as_deref().unwrap_or("(none)"), wanted));
    }
    if let Some(wanted) = role.max_session
        && have.max_session != Some(wanted)
    {
        let seconds = have.max_session.map_or_else(|| "(unknown)".to_owned(), |seconds| seconds.to_string());
        drift.push(Drift::new("maxSession", seconds, wanted.to_string()));
    }
    if !drift.is_empty() {
        let description = role.description.as_deref().or(have.description.as_deref()).map(Into::into);
        let action =
            Action::UpdateRole(have.name.clone(), description, role.max_session.or(have.max_session));
        let change = Change::new(have.name.clone(), "settings");
        draft.propose(object, action, Needed::drift(change, format!("role {} differs", have.name), drift));
    }
    if let Some(wanted) = &role.permissions_boundary
        && have.boundary.as_deref() != Some(wanted)
    {
        let drift =
            vec![Drift::new("permissionsBoundary", have.boundary.as_deref().unwrap_or("(none)"), wanted)];
        let action = Action::SetBoundary(have.name.clone(), wanted.as_str().into());
        let change = Change::new(have.name.clone(), "boundary");
        let needed =
            Needed::drift(change, format!("role {} has another permissions boundary", have.name), drift);
        draft.propose(object, action, needed);
    }
}

fn attached(
    draft: &mut Draft<'_>,
    object: &Object,
    role: &IamRole,
    have: &Role,
    wanted: &BTreeSet<Arc<str>>,
) {
    let name = &have.name;
    for policy in wanted.iter().filter(|policy| !have.attached.contains(policy)) {
        let drift = vec![Drift::new("managedPolicies", "(not attached)", policy)];
        let needed = Needed::drift(
            Change::new(name.clone(), format!("attach {policy}")),
            format!("role {name} lacks policy {}", last(policy)),
            drift,
        );
        draft.propose(object, Action::AttachPolicy(name.clone(), policy.clone()), needed);
    }
    for policy in have.attached.iter().filter(|policy| role.exclusive && !wanted.contains(*policy)) {
        let drift = vec![Drift::new("managedPolicies", policy, "(not attached)")];
        let needed = Needed::drift(
            Change::new(name.clone(), format!("detach {policy}")),
            format!("role {name} has policy {} that its document does not name", last(policy)),
            drift,
        );
        draft.propose(object, Action::DetachPolicy(name.clone(), policy.clone()), needed);
    }
}

fn inline(draft: &mut Draft<'_>, object: &Object, role: &IamRole, have: &Role) {
    let name = &have.name;
    let wanted: BTreeMap<String, Value> = role.effective_inline_policies();
    for (policy, document) in &wanted {
        let found = have.inline.get(policy.as_str());
        if found.is_some_and(|found| policy::same(found, document)) {
            continue;
        }
        let shown = found.map_or_else(|| "(none)".to_owned(), compact);
        let drift = vec![Drift::new(&format!("inlinePolicies.{policy}"), shown, compact(document))];
        let needed = Needed::drift(
            Change::new(name.clone(), format!("put {policy}")),
            format!("inline policy {policy} of role {name} differs"),
            drift,
        );
        draft.propose(
            object,
            Action::PutInlinePolicy(name.clone(), policy.as_str().into(), document.clone()),
            needed,
        );
    }
    for policy in have.inline.keys().filter(|policy| role.exclusive && !wanted.contains_key(&***policy)) {
        let drift = vec![Drift::new(&format!("inlinePolicies.{policy}"), "(some document)", "(none)")];
        let needed = Needed::drift(
            Change::new(name.clone(), format!("delete {policy}")),
            format!("role {name} has inline policy {policy} that its document does not name"),
            drift,
        );
        draft.propose(object, Action::DeleteInlinePolicy(name.clone(), policy.clone()), needed);
    }
}

fn instance_profile(draft: &mut Draft<'_>, object: &Object, role: &IamRole, profile: &str) {
    let reading = draft.known.observed.profiles.get(profile).unwrap_or(&Reading::NotAsked);
    match reading {
        Reading::Absent { .. } => {
            let tags = ownership::wanted_tags(&draft.known, object, &role.tags);
            let needed = Needed::missing(
                Change::new(profile, "create profile"),
                format!("instance profile {profile} does not exist"),
            );
            draft.propose(object, Action::CreateProfile(profile.into(), tags), needed);
        }
        Reading::Known { value, .. } => role_in_profile(draft, object, role, value),
        other => draft.unread(&object.id, &format!("instance profile {profile}"), other),
    }
}

fn role_in_profile(draft: &mut Draft<'_>, object: &Object, role: &IamRole, profile: &Profile) {
    if profile.roles.iter().any(|name| **name == *role.role_name) {
        draft.right(profile.name.clone());
        return attach(draft, object, role, profile);
    }
    if let Some(other) = profile.roles.first() {
        let drift = vec![Drift::new("instanceProfile role", other, &role.role_name)];
        let message = format!("instance profile {} holds role {other}", profile.name);
        draft
            .find(Finding::of(&object.id, Reason::NotOwned, message).about(profile.name.clone()).with(drift));
        return;
    }
    let change = Change::new(profile.name.clone(), "add role");
    let why = format!("instance profile {} holds no role", profile.name);
    let action = Action::AddRoleToProfile(profile.name.clone(), role.role_name.as_str().into());
    draft.propose(object, action, Needed::drift(change, why, Vec::new()));
}

/// Instances that the document names and that have no profile get this one. A profile of somebody else's is
/// never replaced: other software may live on it.
fn attach(draft: &mut Draft<'_>, object: &Object, role: &IamRole, profile: &Profile) {
    let Some(selector) = &role.attach_to else { return };
    let instances = &draft.known.observed.instances;
    if !instances.is_current(draft.known.now) {
        return draft.unlisted(&object.id, "the instances", instances);
    }
    let bare = |instance: &&Instance| instance.state == InstanceState::Running && instance.profile.is_none();
    let platform = |instance: &Instance| if instance.windows { Platform::Windows } else { Platform::Linux };
    let rows: Vec<&Instance> = instances
        .iter()
        .map(|(_, instance)| instance)
        .filter(bare)
        .filter(|instance| selector.matches(&instance.id, platform(instance), &instance.tags))
        .collect();
    for instance in rows {
        let drift = vec![Drift::new("instanceProfile", "(none)", &profile.name)];
        let needed = Needed::drift(
            Change::new(instance.id.clone(), format!("profile {}", profile.name)),
            format!("{} has no instance profile", instance.id),
            drift,
        );
        draft.propose(object, Action::AssociateProfile(instance.id.clone(), profile.name.clone()), needed);
    }
}

/// Everything that differs, for a report on a role that is not ours.
fn field_drift(role: &IamRole, have: &Role, policies: &BTreeSet<Arc<str>>) -> Vec<Drift> {
    let mut drift = Vec::new();
    let wanted = role.effective_trust();
    if !policy::same(&have.trust, &wanted) {
        drift.push(Drift::new("trust", compact(&have.trust), compact(&wanted)));
    }
    for policy in policies.iter().filter(|policy| !have.attached.contains(policy)) {
        drift.push(Drift::new("managedPolicies", "(not attached)", policy));
    }
    for (policy, document) in role.effective_inline_policies() {
        let found = have.inline.get(policy.as_str());
        if !found.is_some_and(|found| policy::same(found, &document)) {
            let shown = found.map_or_else(|| "(none)".to_owned(), compact);
            drift.push(Drift::new(&format!("inlinePolicies.{policy}"), shown, compact(&document)));
        }
    }
    drift
}

/// The ARNs of the managed policies that a role should have; a bare name is one of AWS's own.
fn policy_arns(role: &IamRole, partition: &str) -> BTreeSet<Arc<str>> {
    let arn = |policy: String| {
        if policy.starts_with("arn:") { policy } else { format!("arn:{partition}:iam::aws:policy/{policy}") }
    };
    role.effective_managed_policies().into_iter().map(|policy| arn(policy).into()).collect()
}

fn last(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}

fn compact(document: &Value) -> String {
    policy::canonical(document).to_string()
}
