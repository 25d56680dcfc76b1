//! `AgentConfig`: a parameter in Parameter Store, and the agent configuration that is its value.
//!
//! The bytes matter: a node's configuration is recognised by its hash. A file is taken byte for byte; an
//! inline mapping, and what several files become, is JSON with sorted keys, so that moving a line changes nothing
//! on any node.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::decode::{Fields, choice, did_you_mean, filled_text, shown, wrong};
use super::problem::{Mistakes, Severity, Span};
use super::select::Platform;
use super::snapshot::{Snapshot, hex};
use super::values::tags;
use super::yaml::{Node, Value};
use crate::model::agent_config::{Checked, Layer, check_layers, check_text, check_tree};

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
    pub retentions: Vec<SetRetention>,
    /// What only some platforms have.
    pub platform_parts: Vec<PlatformOnly>,
}

/// A retention that the agent would set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetRetention {
    /// The group's name as written, placeholders and all.
    pub log_group: String,
    /// Days; -1 leaves the group alone.
    pub days: i64,
    /// Where it is said.
    pub place: Place,
}

/// A part of the configuration that agents on other platforms pass over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlatformOnly {
    /// Its path inside the configuration.
    pub path: String,
    /// The platforms that have it.
    pub platforms: &'static [Platform],
    /// Where it is said.
    pub place: Place,
}

/// A place in a configuration: the file it stands in, which may be the document's own, and where there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Path inside the folder, with `/`.
    pub file: Arc<str>,
    /// None where positions are not known.
    pub at: Option<Span>,
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
    let content = content(fields, snapshot, mistakes)?;
    note_findings(&content, mistakes);
    check_size(&content, tier, mistakes);
    let text = content.text.as_deref()?;
    Some(AgentConfig {
        parameter: parameter?,
        sha256: hex(&Sha256::digest(text.as_bytes())),
        content: text.into(),
        tier,
        tags,
        log_groups: content.checked.log_groups.clone(),
        retentions: retentions(&content),
        platform_parts: platform_parts(&content),
    })
}

/// The configuration, from the one field that has it.
fn content(fields: &mut Fields<'_>, snapshot: &Snapshot, mistakes: &mut Mistakes) -> Option<Content> {
    let file = fields.take("configFile", mistakes).map(|node| ("configFile", node));
    let layers = fields.take("configFiles", mistakes).map(|node| ("configFiles", node));
    let inline = fields.take("config", mistakes).map(|node| ("config", node));
    let written: Vec<(&str, &Node)> = [inline, file, layers].into_iter().flatten().collect();
    match written.as_slice() {
        [] if ["config", "configFile", "configFiles"].iter().any(|name| fields.has(name)) => None,
        [] => {
            mistakes.error(fields.at(), "`spec` needs `configFile`, `configFiles` or `config`");
            None
        }
        [(first, node), (second, _), ..] => {
            mistakes.error(node.span, format!("`{first}` and `{second}` say the same thing: remove one"));
            None
        }
        [("config", node)] => inline_content(node, mistakes),
        [("configFile", node)] => from_file(node, snapshot, mistakes),
        [(_, node)] => from_files(node, snapshot, mistakes),
    }
}

fn retentions(content: &Content) -> Vec<SetRetention> {
    let set = content.checked.retentions.iter().map(|retention| SetRetention {
        log_group: retention.log_group.clone(),
        days: retention.days,
        place: content.place(retention.at),
    });
    set.collect()
}

fn platform_parts(content: &Content) -> Vec<PlatformOnly> {
    let parts = content.checked.platform_parts.iter().map(|part| PlatformOnly {
        path: part.path.clone(),
        platforms: part.platforms,
        place: content.place(part.at),
    });
    parts.collect()
}

struct Content {
    /// None where layers do not fit together.
    text: Option<String>,
    checked: Checked,
    /// The file that positions in `checked` are of, unless it says one itself.
    file: Arc<str>,
    /// Where the document speaks of it.
    at: Span,
}

impl Content {
    fn place(&self, at: Option<Span>) -> Place {
        match at.map(|at| self.checked.locate(at)) {
            Some((file, at)) => Place { file: Arc::clone(file.unwrap_or(&self.file)), at: Some(at) },
            None => Place { file: Arc::clone(&self.file), at: None },
        }
    }
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
    let (file, text) = file(node, snapshot, mistakes)?;
    Some(Content { text: Some(text.to_owned()), checked: check_text(text), file, at: node.span })
}

fn from_files(node: &Node, snapshot: &Snapshot, mistakes: &mut Mistakes) -> Option<Content> {
    let Value::List(items) = &node.value else {
        return wrong(node, "a list of files", mistakes);
    };
    let files: Vec<_> = items.iter().map(|item| file(item, snapshot, mistakes)).collect();
    let files: Vec<(Arc<str>, &str)> = files.into_iter().collect::<Option<_>>()?;
    match (items.as_slice(), files.as_slice()) {
        ([], _) | (_, []) => {
            mistakes.error(node.span, "this may not be empty");
            None
        }
        // Of one file the bytes stay what they are.
        ([only], _) => from_file(only, snapshot, mistakes),
        (_, [first, ..]) => {
            let layers: Vec<Layer<'_>> =
                files.iter().map(|(file, text)| Layer { file: Arc::clone(file), text }).collect();
            let (text, checked) = check_layers(&layers);
            Some(Content { text, checked, file: Arc::clone(&first.0), at: node.span })
        }
    }
}

/// The path inside the folder and the text of the file that `node` names.
fn file<'s>(node: &Node, snapshot: &'s Snapshot, mistakes: &mut Mistakes) -> Option<(Arc<str>, &'s str)> {
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
    match std::str::from_utf8(bytes) {
        Ok(text) => Some((file, text)),
        Err(error) => {
            let before = &bytes[..error.valid_up_to()];
            let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
            let message = format!("the file is not UTF-8 text: line {line} has other bytes");
            let help = Some(String::from("save it as UTF-8"));
            mistakes.elsewhere(Severity::Error, &file, None, message, help);
            None
        }
    }
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
    Some(Content { text: Some(text), checked, file: Arc::clone(mistakes.file()), at: node.span })
}

fn note_findings(content: &Content, mistakes: &mut Mistakes) {
    for finding in &content.checked.findings {
        let place = content.place(finding.at);
        // In the document itself a finding without a place stands at the field.
        let at = place.at.or((place.file == *mistakes.file()).then_some(content.at));
        mistakes.elsewhere(finding.severity, &place.file, at, finding.message.clone(), finding.help.clone());
    }
}

fn check_size(content: &Content, tier: Tier, mistakes: &mut Mistakes) {
    let size = content.text.as_ref().map_or(0, String::len);
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
