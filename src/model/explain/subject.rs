//! What a person means by a word: a node, a network or an object.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::model::alike::alike;
use crate::model::desired::ObjectRef;
use crate::model::plan::Known;
use crate::model::tags::Tags;

/// How many names are offered in place of one that is not known.
const OFFERED: usize = 4;

/// What an explanation is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Subject {
    /// An instance or a managed node, by its id.
    Node(Arc<str>),
    /// A VPC, a subnet or a network interface, by its id.
    Network(Arc<str>),
    /// An object of the folder.
    Object(ObjectRef),
}

/// A word that names nothing, or more than one thing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct NotKnown {
    /// The word.
    pub word: String,
    /// What may have been meant.
    pub alike: Vec<String>,
    /// Whether it names each of these.
    pub is_ambiguous: bool,
}

impl fmt::Display for NotKnown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { word, alike, is_ambiguous } = self;
        match (alike.as_slice(), is_ambiguous) {
            ([], _) => write!(f, "`{word}` is no node, network or object that is known here"),
            (names, true) => write!(f, "`{word}` may be {}: say which", names.join(" or ")),
            (names, false) => {
                write!(f, "`{word}` is not known; did you mean {}?", names.join(" or "))
            }
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Node(id) | Self::Network(id) => f.write_str(id),
            Self::Object(object) => object.fmt(f),
        }
    }
}

/// What `word` names: an id, `Kind/name`, the name of an object, a node's host name, a Name tag.
///
/// # Errors
/// When it names nothing, or several things.
pub fn find(known: &Known<'_>, word: &str) -> Result<Subject, NotKnown> {
    let mut meant = named(known, word);
    match meant.len() {
        1 => Ok(meant.remove(0)),
        0 => Err(NotKnown { word: word.to_owned(), alike: likest(known, word), is_ambiguous: false }),
        _ => {
            let alike = meant.iter().map(ToString::to_string).take(OFFERED).collect();
            Err(NotKnown { word: word.to_owned(), alike, is_ambiguous: true })
        }
    }
}

fn named(known: &Known<'_>, word: &str) -> Vec<Subject> {
    let observed = known.observed;
    if observed.nodes.get(word).is_some() || observed.instances.get(word).is_some() {
        return vec![Subject::Node(word.into())];
    }
    let is_network = observed.vpcs.get(word).is_some()
        || observed.subnets.get(word).is_some()
        || observed.interfaces.get(word).is_some();
    if is_network {
        return vec![Subject::Network(word.into())];
    }
    let objects = objects(known).into_iter();
    let objects = objects.filter(|id| id.to_string() == word || *id.name == *word).map(Subject::Object);
    let hosts = observed.nodes.iter().filter(|(_, node)| *node.computer_name == *word).map(|(id, _)| id);
    let is_called = |tags: &Tags| tags.get("Name") == Some(word);
    let instances = observed.instances.iter().filter(|(_, row)| is_called(&row.tags)).map(|(id, _)| id);
    let nodes: BTreeSet<&Arc<str>> = hosts.chain(instances).collect();
    let networks = observed.vpcs.iter().chain(observed.subnets.iter());
    let networks = networks.filter(|(_, row)| is_called(&row.tags)).map(|(id, _)| id.clone());
    let nodes = nodes.into_iter().cloned().map(Subject::Node);
    objects.chain(nodes).chain(networks.map(Subject::Network)).collect()
}

/// Those that are right, and those that have mistakes.
fn objects(known: &Known<'_>) -> BTreeSet<ObjectRef> {
    known.desired.objects.keys().chain(known.desired.broken.keys()).cloned().collect()
}

fn likest(known: &Known<'_>, word: &str) -> Vec<String> {
    let observed = known.observed;
    let objects: Vec<String> = objects(known).iter().map(ToString::to_string).collect();
    let names = objects.iter().filter_map(|object| object.split_once('/').map(|(_, name)| (name, object)));
    let by_name: Vec<(&str, &String)> = names.collect();
    let ids = observed.nodes.iter().map(|(id, _)| &**id);
    let ids = ids.chain(observed.instances.iter().map(|(id, _)| &**id));
    let ids = ids.chain(observed.vpcs.iter().map(|(id, _)| &**id));
    let ids = ids.chain(observed.subnets.iter().map(|(id, _)| &**id));
    let hosts = observed.nodes.iter().map(|(_, node)| &*node.computer_name);
    let called = observed.instances.iter().filter_map(|(_, row)| row.tags.get("Name"));
    let words = ids.chain(hosts).chain(called).chain(objects.iter().map(String::as_str));
    let mut likest = alike(word, words.chain(by_name.iter().map(|(name, _)| *name)), OFFERED);
    // A bare name is told as the object that has it.
    for name in &mut likest {
        if let Some((_, object)) = by_name.iter().find(|(bare, _)| bare == name) {
            (*object).clone_into(name);
        }
    }
    let mut told = BTreeSet::new();
    likest.retain(|name| told.insert(name.clone()));
    likest
}
