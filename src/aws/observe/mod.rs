//! Answers questions.
//!
//! It cannot fail, it can only be partial: each answer carries its own facts or its own failure. Which questions
//! are worth asking is decided in the model; what the facts mean, too.

mod alarms;
mod arrival;
mod commands;
mod documents;
mod flow_logs;
mod instances;
mod log_groups;
mod metrics;
mod networks;
mod nodes;
mod parameters;
mod query;
mod roles;

use std::sync::Arc;

pub(super) use roles::{attached as attached_policies, inline_names as inline_policies};
use tokio_util::sync::CancellationToken;

use super::apis::GET_CALLER_IDENTITY;
use super::connect::Clients;
use super::error::nonsense;
use super::spread::spread;
use super::values::text;
use crate::model::failure::Failure;
use crate::model::observed::Identity;
use crate::model::question::{Answer, Facts, Question};

/// Answers every question, several at a time, in the order of the questions. Once `stop` is cancelled the rest
/// is not answered: those answers are missing.
pub async fn observe(
    clients: &Clients,
    installation: &str,
    questions: Vec<Question>,
    stop: &CancellationToken,
) -> Vec<Answer> {
    let installation: Arc<str> = installation.into();
    let jobs = questions.into_iter().map(|question| {
        let (clients, installation, stop) = (clients.clone(), installation.clone(), stop.clone());
        // Boxed: the SDK's futures are large, and would be copied about.
        Box::pin(async move { stop.run_until_cancelled_owned(answer(clients, installation, question)).await })
    });
    spread(jobs).await.into_iter().flatten().flatten().collect()
}

/// The listings of nodes and instances, as if the account had only those of these ids (200 at most): a look at one
/// node must not take as long as a look at ten thousand.
pub async fn observe_nodes(clients: &Clients, ids: &[Arc<str>]) -> Vec<Answer> {
    let begun = clients.clock().now();
    let nodes = async {
        let mut found = Vec::new();
        for id in ids {
            found.extend(nodes::one(clients, id).await?);
        }
        Ok(Facts::Nodes(found))
    };
    let instances = async { instances::some(clients, ids).await.map(Facts::Instances) };
    let (nodes, instances) = tokio::join!(nodes, instances);
    let at = clients.clock().now();
    let answer = |question, facts| Answer { question, begun, at, facts };
    vec![answer(Question::Nodes, nodes), answer(Question::Instances, instances)]
}

async fn answer(clients: Clients, installation: Arc<str>, question: Question) -> Answer {
    let begun = clients.clock().now();
    let facts = facts(&clients, &installation, &question).await;
    Answer { question, begun, at: clients.clock().now(), facts }
}

async fn facts(clients: &Clients, installation: &str, question: &Question) -> Result<Facts, Failure> {
    match question {
        Question::Identity => identity(clients).await.map(Facts::Identity),
        Question::Nodes => nodes::all(clients).await.map(Facts::Nodes),
        Question::NodeTags(id) => nodes::tags(clients, id).await.map(Facts::Tags),
        Question::Instances => instances::all(clients).await.map(Facts::Instances),
        Question::Vpcs => networks::vpcs(clients).await.map(Facts::Networks),
        Question::Subnets => networks::subnets(clients).await.map(Facts::Networks),
        Question::Interfaces => networks::interfaces(clients).await.map(Facts::Interfaces),
        Question::FlowLogs => flow_logs::all(clients).await.map(Facts::FlowLogs),
        Question::Commands { document, since } => {
            commands::ours(clients, installation, document, *since).await.map(Facts::Commands)
        }
        Question::Invocations(command) => {
            commands::invocations(clients, command).await.map(Facts::Invocations)
        }
        Question::Parameters(names) => parameters::values(clients, names).await.map(Facts::Parameters),
        Question::ParameterTiers(names) => parameters::tiers(clients, names).await.map(Facts::ParameterTiers),
        Question::ParameterTags(name) => parameters::tags(clients, name).await.map(Facts::Tags),
        Question::OwnedParameters => {
            parameters::owned(clients, installation).await.map(Facts::OwnedParameters)
        }
        Question::Document(name) => documents::one(clients, name).await.map(Facts::Document),
        Question::Associations(name) => documents::associations(clients, name).await.map(Facts::Associations),
        Question::LogGroup(name) => log_groups::one(clients, name).await.map(Facts::LogGroup),
        Question::LogGroupTags(name) => log_groups::tags(clients, name).await.map(Facts::Tags),
        Question::GroupArrivals { group, streams, back, by_query } => {
            arrival::of_group(clients, group, streams, *back, *by_query).await.map(Facts::GroupArrivals)
        }
        Question::ActiveMetrics(key) => metrics::active(clients, key).await.map(Facts::ActiveMetrics),
        Question::Alarms(names) => alarms::states(clients, names).await.map(Facts::Alarms),
        Question::Role(name) => roles::one(clients, name).await.map(|role| Facts::Role(role.map(Box::new))),
        Question::Profile(name) => roles::profile(clients, name).await.map(Facts::Profile),
    }
}

async fn identity(clients: &Clients) -> Result<Identity, Failure> {
    let api = GET_CALLER_IDENTITY;
    let reply = clients.call(api, clients.sts.get_caller_identity().send()).await?;
    let (Some(account), Some(arn)) = (reply.account(), reply.arn()) else {
        return Err(nonsense(api.call, "AWS did not say whose credentials these are"));
    };
    let identity = Identity {
        account: account.into(),
        region: clients.region().clone(),
        partition: text(arn.split(':').nth(1)),
        arn: arn.into(),
    };
    clients.remember_identity(&identity);
    Ok(identity)
}

/// An answer of "not there" is a fact, not a failure.
fn absent_if_not_found<T>(answer: Result<T, Failure>) -> Result<Option<T>, Failure> {
    use crate::model::failure::Class;
    match answer {
        Ok(found) => Ok(Some(found)),
        Err(failure) if failure.class == Class::NotFound => Ok(None),
        Err(failure) => Err(failure),
    }
}
