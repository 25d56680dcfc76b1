//! `SendCommand`: every rule that AWS checks before anything is sent.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::SignedDuration;

use super::{Command, Due, Invocation, Plan, State, run};
use crate::sim::wire::{AwsError, Service};
use crate::sim::world::nodes::Node;
use crate::sim::world::{Place, Region, World};

/// AWS's defaults.
const DEFAULT_TIMEOUT: i64 = 3600;
const DEFAULT_EXECUTION: i64 = 3600;
/// The longest that a step may be allowed to run, in seconds (two days).
const MOST_EXECUTION: i64 = 172_800;
/// How many ids one request may name.
const MOST_IDS: usize = 50;

/// What a client wants sent.
#[derive(Clone, Debug, Default)]
pub struct Send {
    /// Name or ARN.
    pub document: String,
    /// `$DEFAULT`, `$LATEST` or a number.
    pub version: Option<String>,
    /// What the client thinks the document's SHA-256 is.
    pub hash: Option<String>,
    /// Nodes by id, or …
    pub instance_ids: Vec<String>,
    /// … by selector.
    pub targets: Vec<Selector>,
    /// The document's parameters.
    pub parameters: BTreeMap<String, Vec<String>>,
    /// For people, and for finding it again.
    pub comment: String,
    /// Seconds; `None` = an hour.
    pub timeout: Option<i64>,
    /// A count or a percentage; `None` = 50.
    pub max_concurrency: Option<String>,
    /// A count or a percentage; `None` = 0.
    pub max_errors: Option<String>,
    /// State Manager's own.
    pub hidden: bool,
}

/// One of a command's or an association's targets: all must hold.
#[derive(Clone, Debug, PartialEq)]
pub struct Selector {
    /// `InstanceIds`, `tag:…` or `tag-key`.
    pub key: String,
    /// Any of these.
    pub values: Vec<String>,
}

/// Checks a request and sends it: the new command's id.
///
/// # Errors
/// AWS's own; then nothing was sent at all.
pub fn send(world: &mut World, place: &Place, send: Send) -> Result<String, AwsError> {
    check(&send)?;
    let (version, plan) = plan(world.region(place), &send)?;
    let nodes = resolve(world.region(place), place, &send)?;
    let now = world.now();
    let (id, number) = (world.uuid(), world.number());
    let timeout = send.timeout.unwrap_or(DEFAULT_TIMEOUT);
    let max_concurrency = send.max_concurrency.unwrap_or_else(|| "50".to_owned());
    let max_errors = send.max_errors.unwrap_or_else(|| "0".to_owned());
    let whole = SignedDuration::from_secs(timeout) + plan.execution;
    let command = Command {
        number,
        id: id.clone(),
        document: send.document,
        document_version: version,
        comment: send.comment,
        requested: now,
        expires: now + whole,
        parameters: send.parameters,
        instance_ids: send.instance_ids,
        targets: send.targets,
        timeout,
        concurrency: share(&max_concurrency, nodes.len()).unwrap_or(1).max(1),
        errors_allowed: share(&max_errors, nodes.len()).unwrap_or_default(),
        max_concurrency,
        max_errors,
        invocations: nodes.iter().map(|node| (node.clone(), Invocation::default())).collect(),
        cancelled: false,
        hidden: send.hidden,
        plan: Arc::new(plan),
        active: 0,
        tally: BTreeMap::from([(State::Pending, nodes.len())]),
        waiting: nodes.into(),
    };
    world.region(place).commands.insert(command);
    world.later(place, whole, Due::Expire { command: number }.into());
    run::start_more(world, place, number);
    Ok(id)
}

fn invalid(message: impl Into<String>) -> AwsError {
    AwsError::validation(Service::Ssm, message)
}

fn check(send: &Send) -> Result<(), AwsError> {
    if send.comment.chars().count() > 100 {
        return Err(invalid("Member 'comment' must have length less than or equal to 100"));
    }
    if send.timeout.is_some_and(|seconds| !(30..=2_592_000).contains(&seconds)) {
        return Err(invalid("Member 'timeoutSeconds' must be between 30 and 2592000"));
    }
    if send.instance_ids.len() > MOST_IDS {
        return Err(invalid("Member 'instanceIds' must have length less than or equal to 50"));
    }
    if send.targets.len() > 5 || send.targets.iter().any(|target| target.values.len() > MOST_IDS) {
        return Err(invalid("Member 'targets' must have length less than or equal to 5"));
    }
    if send.instance_ids.is_empty() == send.targets.is_empty() {
        return Err(invalid("Exactly one of InstanceIds and Targets must be given."));
    }
    let concurrency = send.max_concurrency.as_deref().unwrap_or("50");
    if share(concurrency, 100).is_none_or(|most| most == 0) {
        return Err(invalid("Member 'maxConcurrency' must satisfy regular expression pattern"));
    }
    if share(send.max_errors.as_deref().unwrap_or("0"), 100).is_none() {
        return Err(invalid("Member 'maxErrors' must satisfy regular expression pattern"));
    }
    for id in &send.instance_ids {
        check_id(id)?;
    }
    let unique: BTreeSet<&String> = send.instance_ids.iter().collect();
    if unique.len() < send.instance_ids.len() {
        return Err(AwsError::new(
            "DuplicateInstanceId",
            "You cannot specify a managed node ID in more than one association.",
        ));
    }
    Ok(())
}

/// Whether something can be a node's id at all: `i-` and 8 or 17 hex digits, or `mi-` and 17.
fn check_id(id: &str) -> Result<(), AwsError> {
    let hex = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    let fits = match (id.strip_prefix("i-"), id.strip_prefix("mi-")) {
        (Some(digits), _) => (digits.len() == 8 || digits.len() == 17) && hex(digits),
        (_, Some(digits)) => digits.len() == 17 && hex(digits),
        _ => false,
    };
    if fits {
        Ok(())
    } else {
        Err(invalid(format!("Value '{id}' at 'instanceIds' failed to satisfy constraint")))
    }
}

/// A count, or a percentage of `whole` rounded up, as AWS writes them.
fn share(text: &str, whole: usize) -> Option<usize> {
    match text.strip_suffix('%') {
        None => text.parse().ok().filter(|_| text.len() <= 7),
        Some(percent) => {
            let percent: usize = percent.parse().ok().filter(|percent| *percent <= 100)?;
            Some((whole * percent).div_ceil(100))
        }
    }
}

fn plan(region: &Region, send: &Send) -> Result<(String, Plan), AwsError> {
    let document = region.documents.get(&send.document)?;
    if document.kind != "Command" {
        return Err(AwsError::new(
            "InvalidDocument",
            format!("{} is not a Command document.", document.name),
        ));
    }
    let version = document.version(send.version.as_deref())?;
    if send.hash.as_ref().is_some_and(|hash| !hash.eq_ignore_ascii_case(&version.hash())) {
        return Err(AwsError::new("InvalidDocument", "The document hash does not match."));
    }
    let arguments = version
        .content
        .arguments(&send.parameters)
        .map_err(|message| AwsError::new("InvalidParameters", message))?;
    let given = arguments.get("executionTimeout").and_then(|seconds| seconds.parse().ok());
    let longest = version.content.steps.iter().filter_map(|step| step.timeout).max();
    let execution = given.or(longest).unwrap_or(DEFAULT_EXECUTION);
    let execution = if (5..=MOST_EXECUTION).contains(&execution) { execution } else { DEFAULT_EXECUTION };
    let plan = Plan {
        document: document.name.clone(),
        content: Arc::clone(&version.content),
        arguments,
        execution: SignedDuration::from_secs(execution),
    };
    Ok((send.version.clone().unwrap_or_else(|| "$DEFAULT".to_owned()), plan))
}

/// The nodes that a request means. One bad id fails the whole request.
fn resolve(region: &Region, place: &Place, send: &Send) -> Result<Vec<String>, AwsError> {
    let by_id: Vec<&String> = if send.instance_ids.is_empty() {
        send.targets
            .iter()
            .filter(|target| target.key.eq_ignore_ascii_case("InstanceIds"))
            .flat_map(|target| &target.values)
            .collect()
    } else {
        send.instance_ids.iter().collect()
    };
    let good = |id: &&String| region.nodes.nodes.get(*id).is_some_and(Node::is_listed);
    let bad: Vec<&str> = by_id.iter().filter(|id| !good(id)).map(|id| id.as_str()).collect();
    if !bad.is_empty() {
        let message =
            format!("Instances [[{}]] not in a valid state for account {}", bad.join(", "), place.account);
        return Err(AwsError::new("InvalidInstanceId", message));
    }
    if !send.instance_ids.is_empty() {
        return Ok(send.instance_ids.clone());
    }
    if let Some(other) = send.targets.iter().find(|target| {
        !target.key.eq_ignore_ascii_case("InstanceIds")
            && target.key != "tag-key"
            && !target.key.starts_with("tag:")
    }) {
        return Err(invalid(format!("The simulator does not know the target key {}.", other.key)));
    }
    let listed = region.nodes.nodes.values().filter(|node| node.is_listed());
    Ok(listed
        .filter(|node| send.targets.iter().all(|target| selects(region, target, node)))
        .map(|node| node.id.clone())
        .collect())
}

fn selects(region: &Region, target: &Selector, node: &Node) -> bool {
    let tags = region.tags_of(node);
    match target.key.strip_prefix("tag:") {
        Some(key) => tags.get(key).is_some_and(|value| target.values.contains(value)),
        None if target.key == "tag-key" => target.values.iter().any(|key| tags.contains_key(key)),
        None => target.values.contains(&node.id),
    }
}
