//! What only shows when all documents are seen together: names that repeat, references that lead nowhere,
//! two documents that claim one thing, selectors that surely overlap.
//!
//! A document that fails here is broken like one that fails alone: its last good version stays. Of two that
//! claim one thing neither is used, since which one was meant is not for a program to decide.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::decode::{did_you_mean, list};
use super::overlap;
use super::parse::Document;
use super::passed_over;
use super::problem::{Problem, Severity, Span};
use super::{AgentConfig, Claim, Kind, LogGroup, ObjectRef, Retention, RoleRef, Spec};

/// Checks all documents against each other, and takes away the objects of those that are wrong.
///
/// References are judged only when every file could be read: else what they lead to may be in the missing one.
pub(super) fn across(documents: &mut [Document], all_readable: bool) -> Vec<Problem> {
    let mut findings = Findings::default();
    repeated_names(documents, &mut findings);
    contested_claims(documents, &mut findings);
    if all_readable {
        dangling(documents, &mut findings);
    }
    retention_owners(documents, &mut findings);
    overlap::selectors(documents, &mut findings);
    findings.problems.extend(passed_over::parts(documents));
    for index in &findings.wrong {
        if let Some(document) = documents.get_mut(*index) {
            document.object = None;
        }
    }
    findings.problems
}

/// What was found, and which documents (by index) cannot be used because of it.
#[derive(Default)]
pub(super) struct Findings {
    problems: Vec<Problem>,
    wrong: BTreeSet<usize>,
}

impl Findings {
    pub(super) fn error(
        &mut self,
        (index, document): (usize, &Document),
        at: Span,
        message: String,
        help: Option<String>,
    ) {
        self.wrong.insert(index);
        self.problems.push(Problem {
            severity: Severity::Error,
            file: Arc::clone(&document.at.file),
            at: Some(at),
            message,
            help,
            object: Some(document.id.clone()),
        });
    }
}

impl Document {
    /// Where a field of `spec` stands; the beginning of the document if it is not written.
    pub(super) fn field(&self, name: &str) -> Span {
        self.fields.get(name).copied().unwrap_or(Span { line: self.at.line, column: 1, length: 0 })
    }
}

fn repeated_names(documents: &[Document], findings: &mut Findings) {
    let mut first: BTreeMap<&ObjectRef, usize> = BTreeMap::new();
    for (index, document) in documents.iter().enumerate() {
        let Some(before) = first.get(&document.id).copied() else {
            first.insert(&document.id, index);
            continue;
        };
        let message = format!("{} is already described at {}", document.id, documents[before].at);
        findings.error(
            (index, document),
            document.name_at,
            message,
            Some(String::from("rename or remove one of them")),
        );
        findings.wrong.insert(before);
    }
}

fn contested_claims(documents: &[Document], findings: &mut Findings) {
    let mut first: BTreeMap<Claim, usize> = BTreeMap::new();
    for (index, document) in documents.iter().enumerate() {
        let Some(object) = &document.object else { continue };
        for claim in object.spec.claims() {
            let Some(before) = first.get(&claim).copied().filter(|before| *before != index) else {
                first.insert(claim, index);
                continue;
            };
            let other = &documents[before];
            // Of one name, they are reported as one name.
            if other.id == document.id {
                continue;
            }
            let message =
                format!("the {} `{}` already belongs to {} at {}", claim.0, claim.1, other.id, other.at);
            let help = String::from("one resource has one document: remove one of them");
            findings.error((index, document), document.field(claim_field(claim.0)), message, Some(help));
            findings.wrong.insert(before);
        }
    }
}

fn claim_field(what: &str) -> &'static str {
    match what {
        "account" => "id",
        "role" => "roleName",
        "instance profile" => "instanceProfile",
        "log group" => "logGroup",
        _ => "parameter",
    }
}

/// The documents that others may refer to, whether right or not: a reference to a broken one waits.
fn names_of(documents: &[Document], kind: Kind) -> BTreeSet<&str> {
    documents.iter().filter(|document| document.id.kind == kind).map(|document| &*document.id.name).collect()
}

fn dangling(documents: &[Document], findings: &mut Findings) {
    let configs = names_of(documents, Kind::AgentConfig);
    let roles = names_of(documents, Kind::IamRole);
    for (index, document) in documents.iter().enumerate() {
        let Some(object) = &document.object else { continue };
        let wanted: Vec<(&str, &str)> = match &object.spec {
            Spec::CloudWatchAgent(agent) => {
                let names = agent.config.iter().flat_map(|config| config.names());
                names.map(|(_, name)| ("config", name)).collect()
            }
            Spec::FlowLog(flow_log) => match &flow_log.role {
                RoleRef::Object(name) => vec![("role", name)],
                RoleRef::Arn(_) => Vec::new(),
            },
            _ => Vec::new(),
        };
        for (field, name) in wanted {
            let (kind, known) =
                if field == "role" { (Kind::IamRole, &roles) } else { (Kind::AgentConfig, &configs) };
            if known.contains(name) {
                continue;
            }
            let help = did_you_mean(name, known.iter().copied()).unwrap_or_else(|| available(kind, known));
            let message = format!("there is no {kind} `{name}`");
            findings.error((index, document), document.field(field), message, Some(help));
        }
    }
}

fn available(kind: Kind, known: &BTreeSet<&str>) -> String {
    // More than a handful is no help.
    const MOST: usize = 8;
    match known.len() {
        0 => format!("no document of kind {kind} is in the folder"),
        count if count <= MOST => format!("there are {}", list(&known.iter().copied().collect::<Vec<_>>())),
        count => format!("there are {count} of them, none with a name like it"),
    }
}

/// The agent sets retention itself when its configuration says so. Then it and a `LogGroup` document would
/// correct each other for ever.
fn retention_owners(documents: &[Document], findings: &mut Findings) {
    let mut groups: BTreeMap<String, (&ObjectRef, &LogGroup)> = BTreeMap::new();
    for object in documents.iter().filter_map(|document| document.object.as_ref()) {
        if let Spec::LogGroup(group) = &object.spec {
            // The agent compares names without case.
            groups.insert(group.log_group.to_lowercase(), (&object.id, group));
        }
    }
    for (index, document) in documents.iter().enumerate() {
        let Some(Spec::AgentConfig(config)) = document.object.as_ref().map(|object| &object.spec) else {
            continue;
        };
        for problem in retention_clashes(document, config, &groups) {
            if problem.is_error() {
                findings.wrong.insert(index);
            }
            findings.problems.push(problem);
        }
    }
}

fn retention_clashes(
    document: &Document,
    config: &AgentConfig,
    groups: &BTreeMap<String, (&ObjectRef, &LogGroup)>,
) -> Vec<Problem> {
    let mut problems = Vec::new();
    // -1 leaves the group alone.
    for retention in config.retentions.iter().filter(|retention| retention.days > 0) {
        let Some((owner, group)) = groups.get(&retention.log_group.to_lowercase()) else { continue };
        let severity = match group.retention {
            Retention::Unmanaged => continue,
            Retention::Days(days) if i64::from(days) == retention.days => Severity::Warning,
            _ => Severity::Error,
        };
        let wanted = match group.retention {
            Retention::Days(days) => format!("{days} days"),
            _ => String::from("for ever"),
        };
        let own = retention.place.file == document.at.file;
        problems.push(Problem {
            severity,
            file: Arc::clone(&retention.place.file),
            at: retention.place.at.or_else(|| own.then(|| document.field("config"))),
            message: format!(
                "the agent would set `{}` to {} days, {owner} wants it kept {wanted}",
                retention.log_group, retention.days
            ),
            help: Some(String::from("remove `retention_in_days`: one owner only")),
            object: Some(document.id.clone()),
        });
    }
    problems
}
