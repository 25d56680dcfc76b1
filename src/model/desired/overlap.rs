//! Selectors that surely mean the same node or network, as far as the text shows it. What only the estate
//! shows is the planner's `Conflict`.

use std::collections::BTreeSet;

use super::check::Findings;
use super::parse::Document;
use super::{Excluded, FlowLog, NetworkSelector, NodeSelector, Object, Platform, Spec, TagMatch};

/// Notes every pair of documents that would do two things to one node or network.
pub(super) fn selectors(documents: &[Document], findings: &mut Findings) {
    let objects: Vec<(usize, &Document, &Object)> = documents
        .iter()
        .enumerate()
        .filter_map(|(index, document)| Some((index, document, document.object.as_ref()?)))
        .filter(|(_, _, object)| selects(&object.spec))
        .collect();
    for (position, (index, document, object)) in objects.iter().enumerate() {
        for (_, other, earlier) in &objects[..position] {
            // One name twice is reported as that; accounts that differ may not meet.
            if other.id == document.id || earlier.common.accounts != object.common.accounts {
                continue;
            }
            if let Some((field, why)) = clash(&object.spec, &earlier.spec) {
                let message = format!("{} at {} selects {why} too", other.id, other.at);
                let help =
                    String::from("narrow one of them, by `exclude` for instance: two of them would fight");
                findings.error((*index, document), document.field(field), message, Some(help));
            }
        }
    }
}

fn selects(spec: &Spec) -> bool {
    match spec {
        Spec::CloudWatchAgent(_) | Spec::FlowLog(_) => true,
        Spec::IamRole(role) => role.attach_to.is_some(),
        _ => false,
    }
}

/// The field that clashes, and what both select.
fn clash(spec: &Spec, other: &Spec) -> Option<(&'static str, String)> {
    match (spec, other) {
        (Spec::CloudWatchAgent(agent), Spec::CloudWatchAgent(other)) => {
            Some(("nodes", shared(&(&agent.nodes).into(), &(&other.nodes).into(), "node")?))
        }
        (Spec::IamRole(role), Spec::IamRole(other)) => {
            let (nodes, others) = (role.attach_to.as_ref()?, other.attach_to.as_ref()?);
            Some(("attachTo", shared(&nodes.into(), &others.into(), "node")?))
        }
        (Spec::FlowLog(flow_log), Spec::FlowLog(other)) => flow_logs(flow_log, other),
        _ => None,
    }
}

/// Two flow logs of one resource are fine, except into one group with one configuration: AWS refuses the
/// second (`FlowLogAlreadyExists`).
fn flow_logs(flow_log: &FlowLog, other: &FlowLog) -> Option<(&'static str, String)> {
    let same = flow_log.log_group == other.log_group
        && flow_log.traffic == other.traffic
        && flow_log.log_format == other.log_format
        && flow_log.max_aggregation_interval == other.max_aggregation_interval;
    if !same {
        return None;
    }
    let (mine, theirs) = (&flow_log.target, &other.target);
    let pairs = [
        ("vpcs", &mine.vpcs, &theirs.vpcs, "VPC"),
        ("subnets", &mine.subnets, &theirs.subnets, "subnet"),
        ("networkInterfaces", &mine.network_interfaces, &theirs.network_interfaces, "network interface"),
    ];
    pairs.into_iter().find_map(|(field, mine, theirs, what)| {
        let why = shared(&mine.as_ref()?.into(), &theirs.as_ref()?.into(), what)?;
        Some((field, format!("{why} for the same log group")))
    })
}

/// What both kinds of selectors have.
struct Selector<'a> {
    all: bool,
    ids: &'a BTreeSet<String>,
    match_tags: &'a TagMatch,
    platform: Option<Platform>,
    exclude: Option<&'a Excluded>,
}

impl<'a> From<&'a NodeSelector> for Selector<'a> {
    fn from(nodes: &'a NodeSelector) -> Self {
        let NodeSelector { all, ids, match_tags, platform, exclude } = nodes;
        Self { all: *all, ids, match_tags, platform: *platform, exclude: exclude.as_ref() }
    }
}

impl<'a> From<&'a NetworkSelector> for Selector<'a> {
    fn from(networks: &'a NetworkSelector) -> Self {
        let NetworkSelector { all, ids, match_tags, exclude } = networks;
        Self { all: *all, ids, match_tags, platform: None, exclude: exclude.as_ref() }
    }
}

/// What both surely select, in words.
fn shared(a: &Selector<'_>, b: &Selector<'_>, what: &str) -> Option<String> {
    if let (Some(a), Some(b)) = (a.platform, b.platform)
        && a != b
    {
        return None;
    }
    let excluded = |id: &String| {
        [a, b].iter().any(|selector| selector.exclude.is_some_and(|exclude| exclude.ids.contains(id)))
    };
    let surely = a.exclude.into_iter().chain(b.exclude).all(|exclude| exclude.match_tags.is_empty());
    if surely && let Some(id) = a.ids.intersection(b.ids).find(|id| !excluded(id)) {
        return Some(format!("`{id}`"));
    }
    if within(a, b) || within(b, a) {
        return Some(format!("some of these {what}s"));
    }
    None
}

/// Whether everything that `inner` selects, `outer` selects as well.
fn within(inner: &Selector<'_>, outer: &Selector<'_>) -> bool {
    let platform = outer.platform.is_none() || outer.platform == inner.platform;
    let exclude = outer.exclude.is_none() || outer.exclude == inner.exclude;
    let base = outer.all
        || (!outer.match_tags.is_empty()
            && outer.match_tags.iter().all(|(key, outer)| {
                inner.match_tags.get(key).is_some_and(|inner| values_within(inner, outer))
            }));
    platform && exclude && base
}

fn values_within(inner: &[String], outer: &[String]) -> bool {
    outer.iter().any(|value| value == "*") || inner.iter().all(|value| outer.contains(value))
}
