//! Carries out actions.
//!
//! Each action is independent: one that fails does not stop the rest, and its failure stands in its outcome. The
//! next pass is the retry. Nothing is chosen here; an action has nothing left to decide.

mod commands;
mod flow_logs;
mod instances;
mod log_groups;
mod once;
mod parameters;
mod roles;

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_sdk_ssm::operation::RequestId;
use tokio_util::sync::CancellationToken;

use super::connect::Clients;
use super::spread::spread;
use crate::model::action::{Action, Done, Outcome};
use crate::model::failure::Failure;

/// Carries out all actions, and returns their outcomes in the order of the actions. Actions on one thing are done
/// one after the other, in order; different things at the same time. Once `stop` is cancelled no further action
/// is begun (`None`), but what is in hand is finished.
pub async fn act(clients: &Clients, actions: &[Action], stop: &CancellationToken) -> Vec<Option<Outcome>> {
    let mut outcomes = vec![None; actions.len()];
    // Boxed: the SDK's futures are large, and would be copied about.
    let lanes = lanes(actions).into_iter().map(|lane| Box::pin(drive(clients.clone(), lane, stop.clone())));
    for (at, outcome) in spread(lanes).await.into_iter().flatten().flatten() {
        if let Some(place) = outcomes.get_mut(at) {
            *place = Some(outcome);
        }
    }
    outcomes
}

/// What must be done in order, with its places among all actions.
type Lane = Vec<(usize, Action)>;

/// Sorts actions into lanes, by the order in which each lane first comes up.
fn lanes(actions: &[Action]) -> Vec<Lane> {
    let mut place_of: BTreeMap<Subject, usize> = BTreeMap::new();
    let mut lanes: Vec<Lane> = Vec::new();
    for (at, action) in actions.iter().enumerate() {
        let place = *place_of.entry(subject(at, action)).or_insert(lanes.len());
        if place == lanes.len() {
            lanes.push(Lane::new());
        }
        if let Some(lane) = lanes.get_mut(place) {
            lane.push((at, action.clone()));
        }
    }
    lanes
}

async fn drive(clients: Clients, lane: Lane, stop: CancellationToken) -> Vec<(usize, Outcome)> {
    let mut outcomes = Vec::with_capacity(lane.len());
    for (at, action) in lane {
        if stop.is_cancelled() {
            break;
        }
        outcomes.push((at, Outcome { result: one(&clients, &action).await }));
    }
    outcomes
}

/// The thing that an action changes.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Subject {
    /// Commands share nothing: the planner sees to it that a node gets one at a time.
    Command(usize),
    Parameter(Arc<str>),
    LogGroup(Arc<str>),
    /// All of them: one is made before another is deleted.
    FlowLogs,
    /// Roles, and the profiles and instances that they go to: each step needs the one before.
    Roles,
}

fn subject(at: usize, action: &Action) -> Subject {
    match action {
        Action::SendCommand(_) | Action::CancelCommand(_) => Subject::Command(at),
        Action::CreateParameter(put) | Action::OverwriteParameter(put) => {
            Subject::Parameter(put.name.clone())
        }
        Action::TagParameter(name, _)
        | Action::LabelParameter(name, ..)
        | Action::UnlabelParameter(name, ..)
        | Action::DeleteParameter(name) => Subject::Parameter(name.clone()),
        Action::CreateLogGroup(create) => Subject::LogGroup(create.name.clone()),
        Action::SetRetention(name, _)
        | Action::SetLogGroupKey(name, _)
        | Action::TagLogGroup { name, .. }
        | Action::DeleteLogGroup(name) => Subject::LogGroup(name.clone()),
        Action::CreateFlowLogs(_) | Action::DeleteFlowLogs(_) | Action::TagFlowLogs(..) => Subject::FlowLogs,
        Action::CreateRole(_)
        | Action::SetTrust(..)
        | Action::UpdateRole(..)
        | Action::SetBoundary(..)
        | Action::AttachPolicy(..)
        | Action::DetachPolicy(..)
        | Action::PutInlinePolicy(..)
        | Action::DeleteInlinePolicy(..)
        | Action::TagRole(..)
        | Action::DeleteRole(_)
        | Action::CreateProfile(..)
        | Action::AddRoleToProfile(..)
        | Action::AssociateProfile(..) => Subject::Roles,
    }
}

async fn one(clients: &Clients, action: &Action) -> Result<Done, Failure> {
    match action {
        Action::SendCommand(send) => commands::send(clients, send).await,
        Action::CancelCommand(id) => commands::cancel(clients, id).await,
        Action::LabelParameter(name, version, label) => {
            parameters::label(clients, name, *version, label).await
        }
        Action::UnlabelParameter(name, version, label) => {
            parameters::unlabel(clients, name, *version, label).await
        }
        Action::CreateParameter(put) => parameters::create(clients, put).await,
        Action::OverwriteParameter(put) => parameters::overwrite(clients, put).await,
        Action::TagParameter(name, tags) => parameters::tag(clients, name, tags).await,
        Action::DeleteParameter(name) => parameters::delete(clients, name).await,
        Action::CreateLogGroup(create) => log_groups::create(clients, create).await,
        Action::SetRetention(name, days) => log_groups::set_retention(clients, name, *days).await,
        Action::SetLogGroupKey(name, key) => log_groups::set_key(clients, name, key).await,
        Action::TagLogGroup { arn, tags, .. } => log_groups::tag(clients, arn, tags).await,
        Action::DeleteLogGroup(name) => log_groups::delete(clients, name).await,
        Action::CreateFlowLogs(create) => flow_logs::create(clients, create).await,
        Action::DeleteFlowLogs(ids) => flow_logs::delete(clients, ids).await,
        Action::TagFlowLogs(ids, tags) => flow_logs::tag(clients, ids, tags).await,
        Action::AssociateProfile(instance, profile) => {
            instances::associate_profile(clients, instance, profile).await
        }
        Action::CreateRole(create) => roles::create(clients, create).await,
        Action::SetTrust(role, trust) => roles::set_trust(clients, role, trust).await,
        Action::UpdateRole(role, description, session) => {
            roles::update(clients, role, description.as_deref(), *session).await
        }
        Action::SetBoundary(role, policy) => roles::set_boundary(clients, role, policy).await,
        Action::AttachPolicy(role, policy) => roles::attach(clients, role, policy).await,
        Action::DetachPolicy(role, policy) => roles::detach(clients, role, policy).await,
        Action::PutInlinePolicy(role, name, document) => {
            roles::put_inline(clients, role, name, document).await
        }
        Action::DeleteInlinePolicy(role, name) => roles::delete_inline(clients, role, name).await,
        Action::TagRole(role, tags) => roles::tag(clients, role, tags).await,
        Action::DeleteRole(role) => roles::delete(clients, role).await,
        Action::CreateProfile(name, tags) => roles::create_profile(clients, name, tags).await,
        Action::AddRoleToProfile(profile, role) => roles::add_to_profile(clients, profile, role).await,
    }
}

/// A call that succeeded and gave back nothing but its request id.
fn done(reply: &impl RequestId) -> Done {
    Done { request_id: reply.request_id().map(str::to_owned), ..Done::default() }
}
