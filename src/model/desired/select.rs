//! Which nodes, networks and accounts a document means.
//!
//! A selector says exactly one of `all`, `ids` and `matchTags`; `platform` and `exclude` narrow it. Tags must
//! all match. Matching is pure: who matches is asked with what was observed.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::tags::Tags;

use super::decode::{Fields, boolean, choice, did_you_mean, filled_text, shown, text, texts, wrong};
use super::problem::Mistakes;
use super::values::string_map;
use super::yaml::{Node, Value};

/// The operating system of a node, as SSM tells it apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Platform {
    /// Linux of any kind.
    Linux,
    /// Windows Server or desktop.
    Windows,
    /// macOS.
    MacOs,
}

impl Platform {
    pub(super) const WORDS: [(&'static str, Self); 3] =
        [("linux", Self::Linux), ("windows", Self::Windows), ("macos", Self::MacOs)];

    /// The word in documents.
    pub fn name(self) -> &'static str {
        match self {
            Self::Linux => "linux",
            Self::Windows => "windows",
            Self::MacOs => "macos",
        }
    }
}

/// Tags that must all match: key → allowed values, where `*` allows any.
pub type TagMatch = BTreeMap<String, Vec<String>>;

/// What a selector leaves out: every id named and everything that has all of the tags.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Excluded {
    /// Ids.
    pub ids: BTreeSet<String>,
    /// Tags that must all match to be left out.
    pub match_tags: TagMatch,
}

impl Excluded {
    fn matches(&self, id: &str, tags: &Tags) -> bool {
        self.ids.contains(id) || (!self.match_tags.is_empty() && tags_match(&self.match_tags, tags))
    }
}

/// Which managed nodes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeSelector {
    /// Every node.
    pub all: bool,
    /// These nodes (`i-…`, `mi-…`).
    pub ids: BTreeSet<String>,
    /// Nodes with these tags.
    pub match_tags: TagMatch,
    /// Only of this platform.
    pub platform: Option<Platform>,
    /// But not these.
    pub exclude: Option<Excluded>,
}

impl NodeSelector {
    /// Whether the node is meant.
    pub fn matches(&self, id: &str, platform: Platform, tags: &Tags) -> bool {
        self.platform.is_none_or(|wanted| wanted == platform)
            && base_matches(self.all, &self.ids, &self.match_tags, id, tags)
            && !self.exclude.as_ref().is_some_and(|exclude| exclude.matches(id, tags))
    }

    /// Whether tags decide who is meant; if not, nobody needs to read them.
    pub fn needs_tags(&self) -> bool {
        !self.match_tags.is_empty()
            || self.exclude.as_ref().is_some_and(|exclude| !exclude.match_tags.is_empty())
    }
}

/// Which VPCs, subnets or network interfaces.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NetworkSelector {
    /// Every one.
    pub all: bool,
    /// These.
    pub ids: BTreeSet<String>,
    /// Those with these tags.
    pub match_tags: TagMatch,
    /// But not these.
    pub exclude: Option<Excluded>,
}

impl NetworkSelector {
    /// Whether the network is meant.
    pub fn matches(&self, id: &str, tags: &Tags) -> bool {
        base_matches(self.all, &self.ids, &self.match_tags, id, tags)
            && !self.exclude.as_ref().is_some_and(|exclude| exclude.matches(id, tags))
    }
}

fn base_matches(all: bool, ids: &BTreeSet<String>, wanted: &TagMatch, id: &str, tags: &Tags) -> bool {
    all || ids.contains(id) || (!wanted.is_empty() && tags_match(wanted, tags))
}

fn tags_match(wanted: &TagMatch, tags: &Tags) -> bool {
    wanted.iter().all(|(key, allowed)| {
        tags.get(key).is_some_and(|value| allowed.iter().any(|allowed| allowed == "*" || allowed == value))
    })
}

/// Which accounts, by the labels of their `Account` documents.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabelSelector {
    /// Labels that must all be equal.
    pub match_labels: BTreeMap<String, String>,
}

impl LabelSelector {
    /// Whether an account with these labels is meant.
    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        self.match_labels.iter().all(|(key, value)| labels.get(key) == Some(value))
    }
}

/// Reads `accounts: { matchLabels: { … } }`.
pub(super) fn label_selector(node: &Node, mistakes: &mut Mistakes) -> Option<LabelSelector> {
    let mut fields = Fields::of(node, "accounts", mistakes)?;
    let match_labels = fields.required("matchLabels", mistakes, string_map);
    fields.finish(mistakes);
    let match_labels = match_labels?;
    if match_labels.is_empty() {
        mistakes.error_help(
            node.span,
            "`matchLabels` names no label",
            "leave `accounts` out to mean all accounts",
        );
        return None;
    }
    Some(LabelSelector { match_labels })
}

/// Reads a selector of nodes.
pub(super) fn node_selector(node: &Node, mistakes: &mut Mistakes) -> Option<NodeSelector> {
    let mut fields = Fields::of(node, "nodes", mistakes)?;
    let platform =
        fields.optional("platform", mistakes, |node, mistakes| choice(node, mistakes, &Platform::WORDS));
    let base = base(&mut fields, mistakes, is_node_id, "an instance (i-…) or a managed node (mi-…)");
    let exclude = exclude(&mut fields, mistakes, is_node_id, "an instance (i-…) or a managed node (mi-…)");
    fields.finish(mistakes);
    let (all, ids, match_tags) = base?;
    Some(NodeSelector { all, ids, match_tags, platform, exclude })
}

/// Reads a selector of VPCs.
pub(super) fn vpcs(node: &Node, mistakes: &mut Mistakes) -> Option<NetworkSelector> {
    network_selector(node, "vpcs", |id| has_prefix_and_hex(id, "vpc-"), "a VPC (vpc-…)", mistakes)
}

/// Reads a selector of subnets.
pub(super) fn subnets(node: &Node, mistakes: &mut Mistakes) -> Option<NetworkSelector> {
    network_selector(node, "subnets", |id| has_prefix_and_hex(id, "subnet-"), "a subnet (subnet-…)", mistakes)
}

/// Reads a selector of network interfaces.
pub(super) fn network_interfaces(node: &Node, mistakes: &mut Mistakes) -> Option<NetworkSelector> {
    let is_id = |id: &str| has_prefix_and_hex(id, "eni-");
    network_selector(node, "networkInterfaces", is_id, "a network interface (eni-…)", mistakes)
}

fn network_selector(
    node: &Node,
    what: &'static str,
    is_id: fn(&str) -> bool,
    id_means: &str,
    mistakes: &mut Mistakes,
) -> Option<NetworkSelector> {
    let mut fields = Fields::of(node, what, mistakes)?;
    let base = base(&mut fields, mistakes, is_id, id_means);
    let exclude = exclude(&mut fields, mistakes, is_id, id_means);
    fields.finish(mistakes);
    let (all, ids, match_tags) = base?;
    Some(NetworkSelector { all, ids, match_tags, exclude })
}

type Base = (bool, BTreeSet<String>, TagMatch);

/// Exactly one of `all`, `ids` and `matchTags`: what their combination would mean, two people would answer in
/// two ways.
fn base(
    fields: &mut Fields<'_>,
    mistakes: &mut Mistakes,
    is_id: fn(&str) -> bool,
    id_means: &str,
) -> Option<Base> {
    let given = ["all", "ids", "matchTags"].into_iter().filter(|name| fields.has(name)).count();
    let all = fields.optional("all", mistakes, only_true);
    let ids = fields.take("ids", mistakes).and_then(|node| id_set(node, is_id, id_means, mistakes));
    let match_tags = fields.optional("matchTags", mistakes, tag_match);
    if given != 1 {
        mistakes.error_help(
            fields.at(),
            "a selector says exactly one of `all`, `ids` and `matchTags`",
            "to mean several sets, write several documents",
        );
        return None;
    }
    match (all, ids, match_tags) {
        (None, None, None) => None,
        (all, ids, match_tags) => {
            Some((all.is_some(), ids.unwrap_or_default(), match_tags.unwrap_or_default()))
        }
    }
}

fn exclude(
    fields: &mut Fields<'_>,
    mistakes: &mut Mistakes,
    is_id: fn(&str) -> bool,
    id_means: &str,
) -> Option<Excluded> {
    let node = fields.take("exclude", mistakes)?;
    let mut fields = Fields::of(node, "exclude", mistakes)?;
    let ids = fields.take("ids", mistakes).and_then(|node| id_set(node, is_id, id_means, mistakes));
    let match_tags = fields.optional("matchTags", mistakes, tag_match);
    if ids.is_none() && match_tags.is_none() {
        mistakes.error(node.span, "`exclude` needs `ids` or `matchTags`");
    }
    fields.finish(mistakes);
    Some(Excluded { ids: ids.unwrap_or_default(), match_tags: match_tags.unwrap_or_default() })
}

fn only_true(node: &Node, mistakes: &mut Mistakes) -> Option<()> {
    if boolean(node, mistakes)? {
        return Some(());
    }
    mistakes.error_help(node.span, "`all: false` selects nothing", "say `ids` or `matchTags` instead");
    None
}

fn id_set(
    node: &Node,
    is_id: fn(&str) -> bool,
    id_means: &str,
    mistakes: &mut Mistakes,
) -> Option<BTreeSet<String>> {
    let ids = texts(node, mistakes)?;
    let mut fine = true;
    for (item, id) in node.items().iter().zip(&ids) {
        if !is_id(id) {
            mistakes.error(item.span, format!("`{}` is not the id of {id_means}", shown(id)));
            fine = false;
        }
    }
    if ids.is_empty() {
        mistakes.error(node.span, "`ids` is empty: it selects nothing");
        fine = false;
    }
    fine.then(|| ids.into_iter().collect())
}

fn tag_match(node: &Node, mistakes: &mut Mistakes) -> Option<TagMatch> {
    let Value::Map(entries) = &node.value else {
        return wrong(node, "a mapping of tag to value", mistakes);
    };
    if entries.is_empty() {
        mistakes.error_help(node.span, "`matchTags` names no tag", "write `all: true` to mean everything");
        return None;
    }
    let mut wanted = TagMatch::new();
    let mut fine = true;
    for (key, value) in entries {
        let values = match &value.value {
            Value::List(items) if items.is_empty() => {
                mistakes.error(value.span, "an empty list of values matches nothing");
                None
            }
            Value::List(_) => texts(value, mistakes),
            _ => text(value, mistakes).map(|value| vec![value]),
        };
        fine &= values.is_some();
        if wanted.insert(key.text.clone(), values.unwrap_or_default()).is_some() {
            mistakes.error_help(
                key.span,
                format!("`{}` is written twice", shown(&key.text)),
                "write its values as a list",
            );
            fine = false;
        }
    }
    fine.then_some(wanted)
}

fn is_node_id(id: &str) -> bool {
    has_prefix_and_hex(id, "i-") || (id.starts_with("mi-") && id.len() == 20 && has_prefix_and_hex(id, "mi-"))
}

/// EC2 ids are a prefix and 8 or, since 2016, 17 hexadecimal digits.
fn has_prefix_and_hex(id: &str, prefix: &str) -> bool {
    id.strip_prefix(prefix).is_some_and(|rest| {
        matches!(rest.len(), 8 | 17) && rest.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    })
}

/// Reads the name of another document.
pub(super) fn object_name(node: &Node, mistakes: &mut Mistakes) -> Option<String> {
    let name = filled_text(node, mistakes)?;
    if super::is_object_name(&name) {
        return Some(name);
    }
    let lower: String = name.to_lowercase().replace(['_', ' ', '.'], "-");
    let help = if super::is_object_name(&lower) { did_you_mean(&name, [lower.as_str()]) } else { None };
    let rule = "a name has 1 to 40 of a-z, 0-9 and -, and neither begins nor ends with -";
    mistakes.error_maybe(node.span, format!("`{}` cannot be a document's name: {rule}", shown(&name)), help);
    None
}
