//! What a `FlowLog` needs: on every selected network one flow log as the document says.
//!
//! A flow log cannot be changed. Drift therefore means: create the right one beside it, see that deliver, then
//! delete the old one that is ours. What belongs to others is never deleted; one of theirs that already does
//! what the document says counts.

mod delivery;
mod networks;

use std::sync::Arc;

use super::draft::{Draft, Needed, grouped};
use super::ownership::{self, Owner};
use super::{Known, owner};
use crate::model::action::{Action, CreateFlowLogs};
use crate::model::desired::{self, DEFAULT_LOG_FORMAT, Kind, Object, ObjectRef, RoleRef, Spec};
use crate::model::digest;
use crate::model::failure::Class;
use crate::model::finding::{Drift, Finding, Tally};
use crate::model::memory::Change;
use crate::model::observed::{FlowLog, Reading, Running};
use crate::model::reason::Reason;
use crate::model::tags;
use delivery::{Delivery, Evidence};

pub(crate) use delivery::proof_deadline;
use networks::Network;

/// The most resources that one `CreateFlowLogs` may name (API reference).
const RESOURCES_PER_CALL: usize = 300;
/// The most flow logs that one `DeleteFlowLogs` may name (API reference).
const DELETES_PER_CALL: usize = 1000;

/// What the document wants of every one of its flow logs, with references resolved.
struct Wanted<'a> {
    spec: &'a desired::FlowLog,
    role_arn: Arc<str>,
}

/// What one network needs.
#[derive(Default)]
struct Needs {
    create: Vec<(Network, Needed)>,
    delete: Vec<(Arc<str>, Needed)>,
    adopt: Vec<(Arc<str>, Needed)>,
}

/// Plans the flow logs of one document.
pub(super) fn plan(draft: &mut Draft<'_>, object: &Object, spec: &desired::FlowLog) {
    let known = draft.known;
    if let Some(next) = spec.next_change_after(known.now) {
        draft.look_again(next);
    }
    if !known.observed.flow_logs.is_current(known.now) {
        draft.unlisted(&object.id, "the flow logs", &known.observed.flow_logs);
        return draft.tally_single(&object.id);
    }
    let networks = match networks::selected(&known, &spec.target) {
        Ok(networks) => networks,
        Err(finding) => {
            draft.find(finding.of_object(&object.id));
            return draft.tally_single(&object.id);
        }
    };
    if !spec.enabled_at(known.now) {
        return disable(draft, object, &networks);
    }
    let Some(wanted) = resolve(draft, object, spec) else {
        return draft.tally(&object.id, Tally { selected: count(networks.len()), ..Tally::default() });
    };
    enforce(draft, object, &wanted, networks);
}

fn enforce(draft: &mut Draft<'_>, object: &Object, wanted: &Wanted<'_>, networks: Vec<Network>) {
    let by_resource =
        grouped(draft.known.observed.flow_logs.iter().map(|(_, row)| (row.resource.clone(), row)));
    let running = draft.known.observed.running_interfaces();
    let mut tally = Tally { selected: count(networks.len()), ..Tally::default() };
    let mut needs = Needs::default();
    for network in networks {
        if network.is_shared {
            let message = format!("{} is shared from another account", network.id);
            draft.find(Finding::of(&object.id, Reason::OwnedElsewhere, message).about(network.id.clone()));
            tally.set_aside += 1;
            continue;
        }
        let here = by_resource.get(&network.id).map(Vec::as_slice).unwrap_or_default();
        let id = network.id.clone();
        if one(draft, object, wanted, (network, here), &running, &mut needs) {
            tally.right += 1;
            draft.right(id);
        }
    }
    create(draft, object, wanted, needs.create);
    delete(draft, object, needs.delete);
    adopt(draft, object, needs.adopt);
    draft.tally(&object.id, tally);
}

/// Plans one network. True when it is right.
fn one(
    draft: &mut Draft<'_>,
    object: &Object,
    wanted: &Wanted<'_>,
    (network, here): (Network, &[&FlowLog]),
    running: &Running<'_>,
    needs: &mut Needs,
) -> bool {
    let known = draft.known;
    let ours = owner(known.rules, &object.id);
    let is_ours = |row: &FlowLog| row.tags.get(tags::OWNER) == Some(ours.as_str());
    let is_right = |row: &FlowLog| drift_of(wanted, row).is_empty();
    // Among equals the oldest of ours stays; one of somebody else's counts too.
    let mut right: Vec<&FlowLog> = here.iter().copied().filter(|row| is_right(row)).collect();
    right.sort_by_key(|row| (!is_ours(row), row.created, row.id.clone()));
    let old: Vec<&FlowLog> = here.iter().copied().filter(|row| is_ours(row) && !is_right(row)).collect();
    foreign(draft, object, wanted, here, &is_ours, needs);
    let Some((keep, spare)) = right.split_first() else {
        replace(draft, object, wanted, network, &old, needs);
        return false;
    };
    let evidence = Evidence { known, running, is_ours: is_ours(keep) };
    let delivery = delivery::of(&evidence, keep, &old, &network);
    let mut fine = matches!(delivery, Delivery::Proven | Delivery::NoTraffic);
    if let Some(finding) = delivery.finding(&object.id, keep, &network) {
        draft.find(finding);
    }
    let doomed = spare.iter().copied().filter(|row| is_ours(row)).chain(old.iter().copied().filter(|_| fine));
    let doomed: Vec<&FlowLog> = doomed.collect();
    for row in doomed {
        fine = false;
        let change = Change::new(network.id.clone(), format!("delete {}", row.id));
        let why = format!("{} of {} is superseded by {}", row.id, network.id, keep.id);
        needs.delete.push((row.id.clone(), Needed::drift(change, why, drift_of(wanted, row))));
    }
    fine && old.is_empty()
}

/// None is right: make one. Where AWS refuses that because of an old one of ours, the old one goes first.
fn replace(
    draft: &mut Draft<'_>,
    object: &Object,
    wanted: &Wanted<'_>,
    network: Network,
    old: &[&FlowLog],
    needs: &mut Needs,
) {
    let change = Change::new(network.id.clone(), format!("flow log {}", digest::short(spec_parts(wanted))));
    let refused = draft.known.memory.attempts.get(&change).and_then(|attempts| attempts.failure.as_ref());
    let collides = refused.is_some_and(|why| why.class == Class::Exists);
    let drift = old.first().map(|row| drift_of(wanted, row)).unwrap_or_default();
    if collides && let Some(row) = old.first() {
        let message = format!("AWS refuses a second flow log on {}: {} goes first", network.id, row.id);
        draft.find(
            Finding::of(&object.id, Reason::ReplacedWithGap, message.clone()).about(network.id.clone()),
        );
        let change = Change::new(network.id.clone(), format!("delete {}", row.id));
        needs.delete.push((row.id.clone(), Needed::drift(change, message, drift)));
        return;
    }
    let needed = if old.is_empty() {
        Needed::missing(change, format!("{} has no flow log into {}", network.id, wanted.spec.log_group))
    } else {
        Needed::drift(
            change,
            format!("the flow log of {} differs and cannot be changed: replacing it", network.id),
            drift,
        )
    };
    needs.create.push((network, needed));
}

/// Flow logs of others that write into the same group: noted, or taken over.
fn foreign(
    draft: &mut Draft<'_>,
    object: &Object,
    wanted: &Wanted<'_>,
    here: &[&FlowLog],
    is_ours: &dyn Fn(&FlowLog) -> bool,
    needs: &mut Needs,
) {
    for row in here.iter().filter(|row| !is_ours(row)) {
        if row.log_group.as_deref() != Some(wanted.spec.log_group.as_str()) {
            continue;
        }
        let drift = drift_of(wanted, row);
        if ownership::of(&draft.known, object, &row.id, &row.tags) == Owner::ToTake {
            let change = Change::new(row.resource.clone(), format!("adopt {}", row.id));
            let why = format!("{} of {} is taken over, as the document says", row.id, row.resource);
            needs.adopt.push((row.id.clone(), Needed::drift(change, why, drift)));
        } else if !drift.is_empty() {
            let message = format!("{} of {} is somebody else's", row.id, row.resource);
            let finding = Finding::of(&object.id, Reason::ForeignFlowLog, message);
            draft.find(finding.about(row.resource.clone()).with(drift));
        }
    }
}

fn create(draft: &mut Draft<'_>, object: &Object, wanted: &Wanted<'_>, needed: Vec<(Network, Needed)>) {
    let admitted: Vec<(Network, Needed)> =
        needed.into_iter().filter(|(_, needed)| draft.admit(object, needed)).collect();
    let by_type = grouped(admitted.into_iter().map(|(network, needed)| (network.kind, (network.id, needed))));
    for (kind, mut rows) in by_type {
        rows.sort_by(|left, right| left.0.cmp(&right.0));
        while !rows.is_empty() {
            let rest = rows.split_off(rows.len().min(RESOURCES_PER_CALL));
            let (resources, needed) = std::mem::replace(&mut rows, rest).into_iter().unzip();
            let action = Action::CreateFlowLogs(request(&draft.known, object, wanted, kind, resources));
            draft.push(&object.id, action, needed);
        }
    }
}

fn request(
    known: &Known<'_>,
    object: &Object,
    wanted: &Wanted<'_>,
    kind: &'static str,
    resources: Vec<Arc<str>>,
) -> CreateFlowLogs {
    // AWS answers a token that succeeded once without doing anything: the moment of reading makes it new.
    let read = known.observed.flow_logs.begun().map(|at| at.as_millisecond().to_string()).unwrap_or_default();
    let parts = spec_parts(wanted).into_iter().chain(resources.iter().map(|id| &**id)).chain([read.as_str()]);
    let spec = wanted.spec;
    CreateFlowLogs {
        client_token: format!("watchkeeper-{}", digest::short(parts)).into(),
        resource_type: kind.into(),
        traffic: spec.traffic.name().into(),
        log_group: spec.log_group.as_str().into(),
        role_arn: wanted.role_arn.clone(),
        format: spec.log_format.as_deref().map(Into::into),
        interval: spec.max_aggregation_interval,
        tags: ownership::wanted_tags(known, object, &spec.tags),
        resources,
    }
}

fn delete(draft: &mut Draft<'_>, object: &Object, needed: Vec<(Arc<str>, Needed)>) {
    let admitted: Vec<_> = needed.into_iter().filter(|(_, needed)| draft.admit(object, needed)).collect();
    for chunk in chunks(admitted, DELETES_PER_CALL) {
        let (ids, needed) = chunk.into_iter().unzip();
        draft.push(&object.id, Action::DeleteFlowLogs(ids), needed);
    }
}

fn adopt(draft: &mut Draft<'_>, object: &Object, needed: Vec<(Arc<str>, Needed)>) {
    let admitted: Vec<_> = needed.into_iter().filter(|(_, needed)| draft.admit(object, needed)).collect();
    if admitted.is_empty() {
        return;
    }
    let Spec::FlowLog(spec) = &object.spec else { return };
    let tags = ownership::wanted_tags(&draft.known, object, &spec.tags);
    let (ids, needed) = admitted.into_iter().unzip();
    draft.push(&object.id, Action::TagFlowLogs(ids, tags), needed);
}

/// Outside its times the document wants no flow log of its own.
fn disable(draft: &mut Draft<'_>, object: &Object, networks: &[Network]) {
    let ours = owner(draft.known.rules, &object.id);
    let rows = draft.known.observed.flow_logs.iter();
    let doomed: Vec<(Arc<str>, Needed)> = rows
        .filter(|(_, row)| row.tags.get(tags::OWNER) == Some(ours.as_str()))
        .map(|(id, row)| {
            let change = Change::new(row.resource.clone(), format!("delete {id}"));
            (
                id.clone(),
                Needed::drift(
                    change,
                    format!("capture on {} is switched off for now", row.resource),
                    Vec::new(),
                ),
            )
        })
        .collect();
    let selected = count(networks.len());
    let left = count(doomed.len());
    delete(draft, object, doomed);
    draft.find(Finding::of(&object.id, Reason::Disabled, "switched off for now by its own times"));
    draft.tally(&object.id, Tally { selected, right: selected.saturating_sub(left), set_aside: 0 });
}

/// The role and the group that the flow logs need; `None`, with the finding, while they are not there.
fn resolve<'a>(draft: &mut Draft<'_>, object: &Object, spec: &'a desired::FlowLog) -> Option<Wanted<'a>> {
    let known = draft.known;
    if let Some((group, _)) = known.desired.log_group(&spec.log_group)
        && known.observed.log_groups.get(spec.log_group.as_str()).and_then(Reading::known).is_none()
    {
        wait_for(draft, object, &group.id);
        return None;
    }
    let role_arn = match &spec.role {
        RoleRef::Arn(arn) => arn.as_str().into(),
        RoleRef::Object(name) => {
            let id = ObjectRef::new(Kind::IamRole, name.as_str());
            let role = match known.desired.get(&id).map(|object| &object.spec) {
                Some(Spec::IamRole(role)) => {
                    known.observed.roles.get(role.role_name.as_str()).and_then(Reading::known)
                }
                _ => None,
            };
            match role {
                Some(role) => role.arn.clone(),
                None => {
                    wait_for(draft, object, &id);
                    return None;
                }
            }
        }
    };
    Some(Wanted { spec, role_arn })
}

fn wait_for(draft: &mut Draft<'_>, object: &Object, other: &ObjectRef) {
    draft.find(Finding::of(&object.id, Reason::DependencyNotReady, format!("waits for {other}")));
}

/// Every field in which an existing flow log differs from the document.
fn drift_of(wanted: &Wanted<'_>, have: &FlowLog) -> Vec<Drift> {
    let spec = wanted.spec;
    let mut drift = Vec::new();
    let mut compare = |field: &str, have: &str, want: &str| {
        if have != want {
            drift.push(Drift::new(field, have, want));
        }
    };
    compare("status", if have.active { "ACTIVE" } else { "inactive" }, "ACTIVE");
    compare("traffic", &have.traffic, spec.traffic.name());
    compare("destination", &have.destination_type, "cloud-watch-logs");
    compare("logGroup", have.log_group.as_deref().unwrap_or("(none)"), &spec.log_group);
    compare("role", have.role_arn.as_deref().unwrap_or("(none)"), &wanted.role_arn);
    compare("maxAggregationInterval", &have.interval.to_string(), &spec.max_aggregation_interval.to_string());
    let (have, want) = (format_words(&have.format), format_words(spec.log_format.as_deref().unwrap_or("")));
    compare("logFormat", &have, &want);
    drift
}

/// A format in a form in which equal ones are equal: AWS echoes the default, and white space means nothing.
fn format_words(format: &str) -> String {
    let format = if format.trim().is_empty() { DEFAULT_LOG_FORMAT } else { format };
    format.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn spec_parts<'a>(wanted: &'a Wanted<'_>) -> Vec<&'a str> {
    let spec = wanted.spec;
    let interval = if spec.max_aggregation_interval == 60 { "60" } else { "600" };
    let format = spec.log_format.as_deref().unwrap_or("");
    vec![spec.traffic.name(), &spec.log_group, &wanted.role_arn, format, interval]
}

fn chunks<T>(mut rows: Vec<T>, size: usize) -> Vec<Vec<T>> {
    let mut chunks = Vec::new();
    while !rows.is_empty() {
        let rest = rows.split_off(rows.len().min(size));
        chunks.push(std::mem::replace(&mut rows, rest));
    }
    chunks
}

fn count(rows: usize) -> u32 {
    u32::try_from(rows).unwrap_or(u32::MAX)
}
