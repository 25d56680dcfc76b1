//! Who is selected: managed nodes and EC2 instances, each by at most one document.

use std::sync::Arc;

use crate::model::desired::{CloudWatchAgent, Object, Platform};
use crate::model::observed::{Instance, InstanceState, ManagedNode, Reading};
use crate::model::plan::Known;
use crate::model::tags::Tags;

/// A node that a document selects.
#[derive(Clone, Debug)]
pub(super) struct Candidate<'a> {
    /// `i-…` or `mi-…`.
    pub id: Arc<str>,
    /// As SSM knows it; none: SSM does not.
    pub managed: Option<&'a ManagedNode>,
    /// As EC2 knows it; none for machines outside EC2.
    pub instance: Option<&'a Instance>,
    /// What it runs, as far as that is known.
    pub platform: Option<Platform>,
    /// Another document that selects it too.
    pub rival: Option<&'a Object>,
}

/// For each of `agents`, the nodes that it selects.
pub(super) fn selected<'a>(
    known: &Known<'a>,
    agents: &[(&'a Object, &CloudWatchAgent)],
) -> Vec<Vec<Candidate<'a>>> {
    let mut selected: Vec<Vec<Candidate<'a>>> = agents.iter().map(|_| Vec::new()).collect();
    for candidate in all(known) {
        assign(known, agents, candidate, &mut selected);
    }
    selected
}

/// Every machine: those that SSM knows, then the instances that it does not.
fn all<'a>(known: &Known<'a>) -> impl Iterator<Item = Candidate<'a>> {
    let (nodes, instances) = (&known.observed.nodes, &known.observed.instances);
    let managed = nodes.iter().map(move |(id, node)| Candidate {
        id: id.clone(),
        managed: Some(node),
        instance: instances.get(id),
        platform: node.platform,
        rival: None,
    });
    let unknown =
        instances.iter().filter(move |(id, _)| nodes.get(id).is_none()).map(|(id, instance)| Candidate {
            id: id.clone(),
            managed: None,
            instance: Some(instance),
            platform: Some(if instance.windows { Platform::Windows } else { Platform::Linux }),
            rival: None,
        });
    let is_there = |candidate: &Candidate<'_>| {
        candidate.instance.is_none_or(|instance| instance.state != InstanceState::Terminated)
    };
    managed.chain(unknown).filter(is_there)
}

fn assign<'a>(
    known: &Known<'a>,
    agents: &[(&'a Object, &CloudWatchAgent)],
    candidate: Candidate<'a>,
    selected: &mut [Vec<Candidate<'a>>],
) {
    let none = Tags::default();
    let tags = match candidate.instance {
        Some(instance) => &instance.tags,
        None => known.observed.node_tags.get(&candidate.id).and_then(Reading::known).unwrap_or(&none),
    };
    // A platform that SSM could not name matches no selector that asks for one, and every other.
    let platform = candidate.platform.unwrap_or(Platform::Linux);
    let mut matching = agents
        .iter()
        .enumerate()
        .filter(|(_, (_, agent))| agent.nodes.matches(&candidate.id, platform, tags));
    let Some((first, _)) = matching.next() else { return };
    let Some((second, _)) = matching.next() else { return selected[first].push(candidate) };
    let rivals = [(first, agents[second].0), (second, agents[first].0)];
    for (index, rival) in rivals.into_iter().chain(matching.map(|(index, _)| (index, agents[first].0))) {
        selected[index].push(Candidate { rival: Some(rival), ..candidate.clone() });
    }
}
