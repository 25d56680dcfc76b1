//! `AgentConfig`: a parameter in Parameter Store, and the agent configuration that is its value.
//!
//! The bytes matter: a node's configuration is recognised by its hash. A file is taken byte for byte; an
//! inline mapping becomes JSON with sorted keys, so that moving a line changes nothing on any node.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::decode::{Fields, choice, did_you_mean, filled_text, shown, wrong};
use super::problem::{Mistakes, Severity, Span};
use super::snapshot::{Snapshot, hex};
use super::values::tags;
use super::yaml::{Node, Value};
use crate::model::agent_config::{Checked, GroupRetention, check_text, check_tree};

/// Names that the agents' own policy lets them read (`CloudWatchAgentServerPolicy`).
pub(crate) const PARAMETER_PREFIX: &str = "AmazonCloudWatch-";

/// The tier of a parameter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tier {
    /// Up to 4 KB, free.
    #[default]
    Standard,
    /// Up to 8 KB, paid, and never Standard again.
    Advanced,
}

impl Tier {
    /// The largest value, in bytes.
    pub fn limit(self) -> usize {
        match self {
            Self::Standard => 4 * 1024,
            Self::Advanced => 8 * 1024,
        }
    }
}

/// A configuration in Parameter Store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentConfig {
    /// The parameter's name.
    pub parameter: String,
    /// The parameter's value, byte for byte.
    pub content: Arc<str>,
    /// SHA-256 of `content`, in lower-case hexadecimal.
    pub sha256: String,
    /// The parameter's tier.
    pub tier: Tier,
    /// Its tags, beside ours.
    pub tags: BTreeMap<String, String>,
    /// The log groups that agents with this configuration write to, placeholders as written.
    pub log_groups: BTreeSet<String>,
    /// What the configuration says about retention, which the agent would set itself.
    pub retentions: Vec<GroupRetention>,
    /// Where the configuration stands: its file, or the document's own.
    pub content_file: Arc<str>,
}

const TIERS: [(&str, Tier); 2] = [("Standard", Tier::Standard), ("Advanced", Tier::Advanced)];

/// Reads the fields of an `AgentConfig`; `configFile` is looked up in the snapshot.
pub(super) fn read(
    fields: &mut Fields<'_>,
    snapshot: &Snapshot,
    mistakes: &mut Mistakes,
) -> Option<AgentConfig> {
    let parameter = fields.required("parameter", mistakes, parameter);
    let tier = fields.optional("tier", mistakes, |node, mistakes| choice(node, mistakes, &TIERS));
    let tier = tier.unwrap_or_default();
    let tags = fields.optional("tags", mistakes, tags).unwrap_or_default();
    let file = fields.take("configFile", mistakes);
    let inline = fields.take("config", mistakes);
    let content = match (file, inline) {
        (Some(_), Some(node)) => {
            mistakes.error(node.span, "`config` and `configFile` say the same thing: remove one");
            None
        }
        (Some(node), None) => from_file(node, snapshot, mistakes),
        (None, Some(node)) => inline_content(node, mistakes),
        (None, None) if fields.has("config") || fields.has("configFile") => None,
        (None, None) => {
            mistakes.error(fields.at(), "`spec` needs `configFile` or `config`");
            None
        }
    };
    let content = content?;
    note_findings(&content, mistakes);
    check_size(&content, tier, mistakes);
    Some(AgentConfig {
        parameter: parameter?,
        sha256: hex(&Sha256::digest(content.text.as_bytes())),
        content: content.text.into(),
        tier,
        tags,
        log_groups: content.checked.log_groups,
        retentions: content.checked.retentions,
        content_file: content.file,
    })
}

struct Content {
    text: String,
    checked: Checked,
    /// The file that positions in `checked` are of.
    file: Arc<str>,
    /// Where the document speaks of it.
    at: Span,
}

fn parameter(node: &Node, mistakes: &mut Mistakes) -> Option<String> {
    let name = filled_text(node, mistakes)?;
    let at = node.span;
    if !name.starts_with(PARAMETER_PREFIX) {
        let bare = name.rsplit('/').next().unwrap_or(&name);
        let message = format!("`{}` does not begin with `{PARAMETER_PREFIX}`", shown(&name));
        let help = format!(
            "agents may read only such names (CloudWatchAgentServerPolicy): {}",
            shown(&format!("{PARAMETER_PREFIX}{bare}"))
        );
        mistakes.error_help(at, message, help);
        return None;
    }
    // Slashes are for hierarchies, which begin with one; the prefix forbids that.
    if !name.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c)) {
        mistakes.error(at, "a parameter's name has letters, digits and . - _ only");
        return None;
    }
    // Parameter Store counts 1011 characters with the ARN before the name.
    if name.len() > 900 {
        mistakes.error(at, "a parameter's name has at most 900 characters");
        return None;
    }
    Some(name)
}

fn from_file(node: &Node, snapshot: &Snapshot, mistakes: &mut Mistakes) -> Option<Content> {
    let written = filled_text(node, mistakes)?;
    let Some(path) = resolve(mistakes.file(), &written) else {
        mistakes.error_help(
            node.span,
            "this file is outside the folder",
            "name a file inside it, relative to this document",
        );
        return None;
    };
    if !is_json_file(&path) {
        mistakes.error(node.span, "the configuration's file must end in `.json`");
        return None;
    }
    let Some(bytes) = snapshot.files.get(&path) else {
        let unreadable = snapshot.problems.iter().any(|problem| *problem.file == *path);
        let configurations = snapshot.files.keys().map(String::as_str).filter(|path| is_json_file(path));
        let help = if unreadable { None } else { did_you_mean(&path, configurations) };
        let why = if unreadable { "cannot be read" } else { "is not in the folder" };
        mistakes.error_maybe(node.span, format!("`{}` {why}", shown(&path)), help);
        return None;
    };
    let file: Arc<str> = path.as_str().into();
    let Ok(text) = std::str::from_utf8(bytes) else {
        mistakes.elsewhere(Severity::Error, &file, None, String::from("the file is not UTF-8 text"), None);
        return None;
    };
    Some(Content { text: text.to_owned(), checked: check_text(text), file, at: node.span })
}

fn is_json_file(path: &str) -> bool {
    matches!(path.rsplit_once('.'), Some((_, "json")))
}

/// The path inside the folder of a file that a document in `from` names; none outside the folder.
fn resolve(from: &str, written: &str) -> Option<String> {
    if written.starts_with('/') || written.contains('\\') {
        return None;
    }
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in written.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

fn inline_content(node: &Node, mistakes: &mut Mistakes) -> Option<Content> {
    let (text, checked) = match &node.value {
        Value::Map(_) => {
            let text = format!("{:#}", node.to_json());
            let mut checked = check_tree(node);
            // Found in the JSON that this becomes, so the place in the document is not known.
            let mut braces = Checked::default();
            braces.check_braces(&text);
            checked.findings.extend(braces.without_positions().findings);
            (text, checked)
        }
        // Positions inside the text would be off by its indentation.
        Value::Text(text) => (text.clone(), check_text(text).without_positions()),
        _ => return wrong(node, "a mapping or JSON text", mistakes),
    };
    Some(Content { text, checked, file: Arc::clone(mistakes.file()), at: node.span })
}

fn note_findings(content: &Content, mistakes: &mut Mistakes) {
    let own = content.file == *mistakes.file();
    for finding in &content.checked.findings {
        // In the document itself a finding without a place stands at the field.
        let at = finding.at.or(own.then_some(content.at));
        mistakes.elsewhere(
            finding.severity,
            &content.file,
            at,
            finding.message.clone(),
            finding.help.clone(),
        );
    }
}

fn check_size(content: &Content, tier: Tier, mistakes: &mut Mistakes) {
    let size = content.text.len();
    if size <= tier.limit() {
        return;
    }
    let message = format!("the configuration has {size} bytes, more than the {} of this tier", tier.limit());
    let help = if size <= Tier::Advanced.limit() {
        "shorten it, or set `tier: Advanced` (which costs money and cannot be taken back)"
    } else {
        "no tier takes more than 8192 bytes: shorten it, or split it over several sets of nodes"
    };
    mistakes.error_help(content.at, message, help);
}

#[cfg(test)]
mod tests {
    use super::resolve;

    #[test]
    fn a_file_is_found_beside_its_document_and_never_outside() {
        assert_eq!(resolve("team/agent.yaml", "a.json").as_deref(), Some("team/a.json"));
        assert_eq!(resolve("team/agent.yaml", "../a.json").as_deref(), Some("a.json"));
        assert_eq!(resolve("agent.yaml", "./x//a.json").as_deref(), Some("x/a.json"));
        for outside in ["../a.json", "/etc/a.json", "x/../../a.json", "C:\\a.json"] {
            assert_eq!(resolve("agent.yaml", outside), None, "{outside}");
        }
    }
}
