//! The envelope of a document, and the way of a whole snapshot.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::decode::{Fields, boolean, choice, did_you_mean, list, shown, text};
use super::problem::{Mistakes, Position, Problem, Span};
use super::select::{label_selector, object_name};
use super::snapshot::Snapshot;
use super::values::string_map;
use super::yaml::{self, Node, SyntaxError};
use super::{
    API_VERSION, Common, Deletion, Desired, Kind, Management, Object, ObjectRef, Spec, account, agent_config,
    check, cloudwatch_agent, flow_log, iam_role, log_group,
};

/// What a snapshot says, and what is wrong with it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parsed {
    /// The documents that are right, and the names of those that are not.
    pub desired: Desired,
    /// Every mistake, by file and line.
    pub problems: Vec<Problem>,
}

impl Parsed {
    /// Whether the folder is right as a whole (warnings aside).
    pub fn is_right(&self) -> bool {
        !self.problems.iter().any(Problem::is_error)
    }
}

/// A document that was read: what the cross checks need.
#[derive(Debug)]
pub(super) struct Document {
    pub id: ObjectRef,
    pub at: Position,
    /// None when it has an error.
    pub object: Option<Object>,
    /// Where the values of `spec` stand, by field.
    pub fields: BTreeMap<String, Span>,
    /// Where `metadata.name` stands.
    pub name_at: Span,
}

/// Reads and checks everything. Never fails: what is wrong becomes a problem, and the rest is used.
pub fn parse(snapshot: &Snapshot) -> Parsed {
    let mut problems = snapshot.problems.clone();
    let mut broken_files: BTreeSet<Arc<str>> = problems
        .iter()
        .filter(|problem| problem.is_error())
        .map(|problem| Arc::clone(&problem.file))
        .collect();
    let mut documents = Vec::new();
    for (path, bytes) in &snapshot.files {
        if !is_document_file(path) {
            continue;
        }
        let file: Arc<str> = path.as_str().into();
        let complete = read_file(&file, bytes, snapshot, &mut documents, &mut problems);
        if !complete {
            broken_files.insert(file);
        }
    }
    if documents.is_empty() && problems.is_empty() {
        problems.push(no_documents());
    }
    problems.extend(check::across(&mut documents, broken_files.is_empty()));
    problems.sort_by(|a, b| (&a.file, a.at, a.severity).cmp(&(&b.file, b.at, b.severity)));
    let desired = collect(documents, broken_files, snapshot);
    Parsed { desired, problems }
}

fn collect(documents: Vec<Document>, broken_files: BTreeSet<Arc<str>>, snapshot: &Snapshot) -> Desired {
    let mut desired = Desired { revision: snapshot.revision.clone(), broken_files, ..Desired::default() };
    for document in documents {
        match document.object {
            Some(object) => {
                desired.objects.insert(document.id, Arc::new(object));
            }
            None => {
                desired.broken.insert(document.id, document.at);
            }
        }
    }
    desired
}

fn no_documents() -> Problem {
    Problem::file_error(".", "the folder has no documents").with_help(format!(
        "put a file that ends in .yaml into it, with documents that begin `apiVersion: {API_VERSION}`; \
         if it should have some, look at what fills the folder"
    ))
}

fn is_document_file(path: &str) -> bool {
    matches!(path.rsplit_once('.'), Some((_, "yaml" | "yml")))
}

/// Reads the documents of one file. False if something in it could not be told apart as an object.
fn read_file(
    file: &Arc<str>,
    bytes: &[u8],
    snapshot: &Snapshot,
    documents: &mut Vec<Document>,
    problems: &mut Vec<Problem>,
) -> bool {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            problems.push(not_utf8(file, bytes, error.valid_up_to()));
            return false;
        }
    };
    let mut complete = true;
    for tree in yaml::documents(text) {
        let tree = match tree {
            Ok(tree) => tree,
            Err(error) => {
                problems.push(not_yaml(file, &error));
                complete = false;
                continue;
            }
        };
        let mut mistakes = Mistakes::new(Arc::clone(file), None);
        let document = read_document(&tree, snapshot, &mut mistakes);
        complete &= document.is_some();
        documents.extend(document);
        problems.extend(mistakes.into_problems());
    }
    complete
}

fn not_utf8(file: &Arc<str>, bytes: &[u8], valid_up_to: usize) -> Problem {
    let line = bytes[..valid_up_to].split(|byte| *byte == b'\n').count();
    Problem::file_error(Arc::clone(file), format!("the file is not UTF-8 text (line {line})"))
        .with_help("save it as UTF-8")
}

fn not_yaml(file: &Arc<str>, error: &SyntaxError) -> Problem {
    let mut problem = Problem::file_error(Arc::clone(file), format!("this is not YAML: {}", error.message));
    problem.at = Some(error.at);
    problem.with_help("objects that came from this file keep their last good version until it is mended")
}

/// Reads one document; none if it cannot even be told which object it is.
fn read_document(tree: &Node, snapshot: &Snapshot, mistakes: &mut Mistakes) -> Option<Document> {
    let mut fields = Fields::of(tree, "document", mistakes)?;
    fields.optional("apiVersion", mistakes, api_version);
    if !fields.has("apiVersion") {
        mistakes.error_help(
            fields.at(),
            "the document needs the field `apiVersion`",
            format!("write `apiVersion: {API_VERSION}`"),
        );
    }
    let kind = fields.required("kind", mistakes, kind);
    let metadata = fields.take("metadata", mistakes).and_then(|node| metadata(node, mistakes));
    if !fields.has("metadata") {
        mistakes.error_help(
            fields.at(),
            "the document needs the field `metadata`",
            "write `metadata: { name: … }`",
        );
    }
    let spec = fields.take("spec", mistakes);
    if spec.is_none() && !fields.has("spec") {
        mistakes.error(fields.at(), "the document needs the field `spec`");
    }
    fields.finish(mistakes);
    let (kind, metadata) = (kind?, metadata?);
    let id = ObjectRef::new(kind, metadata.name);
    mistakes.belong_to(id.clone());
    let at = Position { file: Arc::clone(mistakes.file()), line: tree.span.line };
    let read = spec.and_then(|node| read_spec(kind, node, metadata.labels, snapshot, mistakes));
    let object = match read {
        Some((common, spec)) if !mistakes.any_error() => {
            Some(Object { id: id.clone(), common, spec, at: at.clone() })
        }
        _ => None,
    };
    Some(Document { id, at, object, fields: places(spec), name_at: metadata.name_at })
}

fn api_version(node: &Node, mistakes: &mut Mistakes) -> Option<()> {
    let written = text(node, mistakes)?;
    if written == API_VERSION {
        return Some(());
    }
    let message = format!("`{}` is not a version that this program reads", shown(&written));
    mistakes.error_help(node.span, message, format!("write `{API_VERSION}`"));
    None
}

fn kind(node: &Node, mistakes: &mut Mistakes) -> Option<Kind> {
    let written = text(node, mistakes)?;
    let known = Kind::ALL.into_iter().find(|kind| kind.name() == written);
    if known.is_none() {
        let names = Kind::ALL.map(Kind::name);
        let help = did_you_mean(&written, names).unwrap_or_else(|| format!("the kinds are {}", list(&names)));
        mistakes.error_help(node.span, format!("there is no kind `{}`", shown(&written)), help);
    }
    known
}

struct Metadata {
    name: String,
    name_at: Span,
    labels: BTreeMap<String, String>,
}

fn metadata(node: &Node, mistakes: &mut Mistakes) -> Option<Metadata> {
    let mut fields = Fields::of(node, "metadata", mistakes)?;
    let name_at = node.get("name").map_or(node.span, |name| name.span);
    let name = fields.required("name", mistakes, object_name);
    let labels = fields.optional("labels", mistakes, string_map).unwrap_or_default();
    fields.finish(mistakes);
    Some(Metadata { name: name?, name_at, labels })
}

const MANAGEMENT: [(&str, Management); 3] =
    [("enforce", Management::Enforce), ("observe", Management::Observe), ("paused", Management::Paused)];
const DELETION: [(&str, Deletion); 2] = [("retain", Deletion::Retain), ("delete", Deletion::Delete)];

fn read_spec(
    kind: Kind,
    node: &Node,
    labels: BTreeMap<String, String>,
    snapshot: &Snapshot,
    mistakes: &mut Mistakes,
) -> Option<(Common, Spec)> {
    let mut fields = Fields::of(node, "spec", mistakes)?;
    // The kind's own fields first: they come first where the fields are listed.
    let spec = match kind {
        Kind::Account => account::read(&mut fields, labels, mistakes).map(Spec::Account),
        Kind::IamRole => iam_role::read(&mut fields, mistakes).map(Spec::IamRole),
        Kind::LogGroup => log_group::read(&mut fields, mistakes).map(Spec::LogGroup),
        Kind::AgentConfig => agent_config::read(&mut fields, snapshot, mistakes).map(Spec::AgentConfig),
        Kind::CloudWatchAgent => cloudwatch_agent::read(&mut fields, mistakes).map(Spec::CloudWatchAgent),
        Kind::FlowLog => flow_log::read(&mut fields, mistakes).map(Spec::FlowLog),
    };
    let common = if kind == Kind::Account { Common::default() } else { common(&mut fields, mistakes) };
    fields.finish(mistakes);
    Some((common, spec?))
}

fn common(fields: &mut Fields<'_>, mistakes: &mut Mistakes) -> Common {
    let management =
        fields.optional("management", mistakes, |node, mistakes| choice(node, mistakes, &MANAGEMENT));
    let deletion = fields.optional("deletion", mistakes, |node, mistakes| choice(node, mistakes, &DELETION));
    Common {
        management: management.unwrap_or_default(),
        adopt: fields.optional("adopt", mistakes, boolean).unwrap_or_default(),
        deletion: deletion.unwrap_or_default(),
        accounts: fields.optional("accounts", mistakes, label_selector),
        require_all: fields.optional("requireAll", mistakes, boolean).unwrap_or_default(),
    }
}

fn places(spec: Option<&Node>) -> BTreeMap<String, Span> {
    let Some(spec) = spec else {
        return BTreeMap::new();
    };
    spec.entries().iter().map(|(key, node)| (key.text.clone(), node.span)).collect()
}
