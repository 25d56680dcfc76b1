//! `IamRole`: a role, its policies, its instance profile, and the nodes that take it.
//!
//! Whether a policy may be attached at all is not decided here: that is the administrator's word, in the
//! controller's own flags.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::decode::{Fields, boolean, choice, filled_text, shown, text, texts, whole, wrong};
use super::problem::Mistakes;
use super::select::{NodeSelector, node_selector};
use super::values::{iam_name, is_iam_arn, tags};
use super::yaml::{Node, Value};

/// A ready-made role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    /// Lets VPC flow logs write to CloudWatch Logs.
    FlowLogs,
    /// Lets instances be managed by SSM and run the CloudWatch agent.
    CloudWatchAgentServer,
}

/// A role.
#[derive(Clone, Debug, PartialEq)]
pub struct IamRole {
    /// Its name in IAM.
    pub role_name: String,
    /// Its path; it cannot be changed.
    pub path: String,
    /// A ready-made role that the fields below add to.
    pub preset: Option<Preset>,
    /// Who may assume it, instead of the preset's.
    pub trust: Option<Json>,
    /// Managed policies beside the preset's: names of AWS-managed ones, or ARNs.
    pub managed_policies: Vec<String>,
    /// Policies inside the role, beside the preset's.
    pub inline_policies: BTreeMap<String, Json>,
    /// The name of its instance profile, if the document gives one.
    pub instance_profile: Option<String>,
    /// Nodes without an instance profile that get this role's.
    pub attach_to: Option<NodeSelector>,
    /// The ARN of the policy that bounds it.
    pub permissions_boundary: Option<String>,
    /// How long its sessions may last, in seconds; none: left alone.
    pub max_session: Option<i32>,
    /// Its description; none: left alone.
    pub description: Option<String>,
    /// Its tags, beside ours.
    pub tags: BTreeMap<String, String>,
    /// Whether policies that the document does not name are detached and deleted.
    pub exclusive: bool,
}

impl IamRole {
    /// Who may assume the role: the document's own words, else the preset's.
    pub fn effective_trust(&self) -> Json {
        let preset = || self.preset.map_or(Json::Null, Preset::trust);
        self.trust.clone().unwrap_or_else(preset)
    }

    /// All managed policies, preset and own, in that order and each once.
    pub fn effective_managed_policies(&self) -> Vec<String> {
        let preset = self.preset.map(Preset::managed_policies).unwrap_or_default();
        let mut all: Vec<String> = preset.iter().map(ToString::to_string).collect();
        for policy in &self.managed_policies {
            if !all.contains(policy) {
                all.push(policy.clone());
            }
        }
        all
    }

    /// All policies inside the role. One of the document's replaces the preset's of the same name.
    pub fn effective_inline_policies(&self) -> BTreeMap<String, Json> {
        let preset = self.preset.map(Preset::inline_policies).unwrap_or_default();
        let mut all: BTreeMap<String, Json> =
            preset.into_iter().map(|(name, document)| (name.to_owned(), document)).collect();
        all.extend(self.inline_policies.clone());
        all
    }

    /// The role's instance profile: the one named, else one of the role's own name where instances take it.
    pub fn profile(&self) -> Option<&str> {
        let implied = self.attach_to.is_some() || self.preset.is_some_and(Preset::is_for_instances);
        self.instance_profile.as_deref().or(implied.then_some(self.role_name.as_str()))
    }
}

const PRESETS: [(&str, Preset); 2] =
    [("FlowLogs", Preset::FlowLogs), ("CloudWatchAgentServer", Preset::CloudWatchAgentServer)];

/// Reads the fields of an `IamRole`.
pub(super) fn read(fields: &mut Fields<'_>, mistakes: &mut Mistakes) -> Option<IamRole> {
    let role_name = fields.required("roleName", mistakes, |node, mistakes| iam_name(node, 64, mistakes));
    let path = fields.optional("path", mistakes, path).unwrap_or_else(|| String::from("/"));
    let preset = fields.optional("preset", mistakes, |node, mistakes| choice(node, mistakes, &PRESETS));
    let trust = fields.optional("trust", mistakes, policy);
    let managed_policies = fields.optional("managedPolicies", mistakes, managed_policies).unwrap_or_default();
    let inline_policies = fields.optional("inlinePolicies", mistakes, inline_policies).unwrap_or_default();
    let instance_profile =
        fields.optional("instanceProfile", mistakes, |node, mistakes| iam_name(node, 128, mistakes));
    let attach_to = fields.optional("attachTo", mistakes, node_selector);
    let permissions_boundary = fields.optional("permissionsBoundary", mistakes, policy_arn);
    let max_session =
        fields.optional("maxSession", mistakes, |node, mistakes| whole(node, 3600, 43_200, mistakes));
    let description = fields.optional("description", mistakes, description);
    let tags = fields.optional("tags", mistakes, tags).unwrap_or_default();
    let exclusive = fields.optional("exclusive", mistakes, boolean).unwrap_or_default();
    if !fields.has("preset") && !fields.has("trust") {
        mistakes.error_help(
            fields.at(),
            "nobody may assume this role: `spec` needs `preset` or `trust`",
            "presets are `FlowLogs` and `CloudWatchAgentServer`",
        );
    }
    Some(IamRole {
        role_name: role_name?,
        path,
        preset,
        trust,
        managed_policies,
        inline_policies,
        instance_profile,
        attach_to,
        permissions_boundary,
        max_session: max_session.and_then(|seconds| i32::try_from(seconds).ok()),
        description,
        tags,
        exclusive,
    })
}

fn path(node: &Node, mistakes: &mut Mistakes) -> Option<String> {
    let path = filled_text(node, mistakes)?;
    let fine = path.starts_with('/')
        && path.ends_with('/')
        && path.len() <= 512
        && path.bytes().all(|byte| (0x21..=0x7e).contains(&byte));
    if !fine {
        mistakes.error(node.span, "a path begins and ends with `/`: `/` or `/telemetry/`");
    }
    fine.then_some(path)
}

/// A policy document: written as YAML, or as JSON, which is YAML too.
fn policy(node: &Node, mistakes: &mut Mistakes) -> Option<Json> {
    let Value::Map(_) = &node.value else {
        return wrong(node, "a policy document (a mapping)", mistakes);
    };
    let known = ["Version", "Id", "Statement"];
    let mut fine = true;
    for (key, _) in node.entries() {
        if !known.contains(&key.text.as_str()) {
            let help = super::decode::did_you_mean(&key.text, known);
            mistakes.error_maybe(key.span, format!("a policy has no `{}`", shown(&key.text)), help);
            fine = false;
        }
    }
    match node.get("Statement").map(|statement| &statement.value) {
        Some(Value::Map(_)) => {}
        Some(Value::List(items))
            if !items.is_empty() && items.iter().all(|item| matches!(item.value, Value::Map(_))) => {}
        _ => {
            mistakes.error(node.span, "a policy needs a `Statement`: a mapping, or a list of them");
            fine = false;
        }
    }
    if node.get("Version").is_none() {
        mistakes.warn_help(
            node.span,
            "a policy without `Version` means the old language of 2008",
            "add `Version: \"2012-10-17\"`",
        );
    }
    fine.then(|| node.to_json())
}

fn managed_policies(node: &Node, mistakes: &mut Mistakes) -> Option<Vec<String>> {
    // The quota can be raised to 25, not further.
    const MOST: usize = 25;
    let policies = texts(node, mistakes)?;
    if policies.len() > MOST {
        mistakes.error(node.span, format!("a role takes at most {MOST} managed policies"));
    }
    let read: Vec<_> = node.items().iter().map(|item| managed_policy(item, mistakes)).collect();
    read.into_iter().collect()
}

fn managed_policy(node: &Node, mistakes: &mut Mistakes) -> Option<String> {
    let name = filled_text(node, mistakes)?;
    if name.starts_with("arn:") {
        return policy_arn(node, mistakes);
    }
    // Some AWS-managed policies have a path: service-role/AmazonEC2RoleforSSM.
    if name.chars().all(|c| c.is_ascii_alphanumeric() || "+=,.@_-/".contains(c)) {
        return Some(name);
    }
    mistakes.error(node.span, format!("`{}` is neither the name nor the ARN of a policy", shown(&name)));
    None
}

fn policy_arn(node: &Node, mistakes: &mut Mistakes) -> Option<String> {
    let arn = filled_text(node, mistakes)?;
    if is_iam_arn(&arn, "policy/") {
        return Some(arn);
    }
    let message = format!("`{}` is not the ARN of a policy", shown(&arn));
    mistakes.error_help(node.span, message, "write arn:aws:iam::<account>:policy/<name>");
    None
}

fn inline_policies(node: &Node, mistakes: &mut Mistakes) -> Option<BTreeMap<String, Json>> {
    let Value::Map(entries) = &node.value else {
        return wrong(node, "a mapping of name to policy document", mistakes);
    };
    let mut policies = BTreeMap::new();
    let mut fine = true;
    for (key, document) in entries {
        if key.text.is_empty() || key.text.len() > 128 {
            mistakes.error(key.span, "a policy's name has 1 to 128 characters");
            fine = false;
        }
        let Some(document) = policy(document, mistakes) else {
            fine = false;
            continue;
        };
        if policies.insert(key.text.clone(), document).is_some() {
            mistakes.error(key.span, format!("`{}` is written twice", shown(&key.text)));
            fine = false;
        }
    }
    fine.then_some(policies)
}

fn description(node: &Node, mistakes: &mut Mistakes) -> Option<String> {
    let text = text(node, mistakes)?;
    if text.chars().count() > 1000 {
        mistakes.error(node.span, "a role's description has at most 1000 characters");
        return None;
    }
    Some(text)
}
