//! Flow logs: made, listed with a lag, deleted. What they deliver is in [`delivery`].
//!
//! A flow log cannot be changed but for its tags. Two are the same to AWS when resource, traffic, destination,
//! format and interval are; the role does not count here, so that a client must cope with the collision.

mod delivery;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use super::networks::{Tags, not_found};
use super::{Place, World};
use crate::sim::wire::AwsError;
pub use delivery::Delivery;
pub(super) use delivery::instance_changed;

/// The format of a flow log that named none.
pub const DEFAULT_FORMAT: &str = "${version} ${account-id} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} ${packets} ${bytes} ${start} ${end} ${action} ${log-status}";
/// The service that assumes the delivery role.
pub const SERVICE: &str = "vpc-flow-logs.amazonaws.com";

/// Documented: at most 300 resources in one call.
const RESOURCES: usize = 300;
/// Documented quota: flow logs for one resource.
const PER_RESOURCE: usize = 250;

/// All flow logs of a Region.
#[derive(Clone, Debug, Default)]
pub struct FlowLogs {
    /// By id. A deleted one stays until every listing knows it.
    pub logs: BTreeMap<String, FlowLog>,
    /// What each client token was used for.
    tokens: BTreeMap<String, (Value, Created)>,
}

/// One flow log.
#[derive(Clone, Debug)]
pub struct FlowLog {
    /// Such as `fl-0…`.
    pub id: String,
    /// What it records.
    pub resource: String,
    /// Everything that cannot be changed.
    pub config: Config,
    /// Tags.
    pub tags: Tags,
    /// When it was made.
    pub created: Timestamp,
    /// When it was deleted.
    pub deleted: Option<Timestamp>,
    /// What became of its records.
    pub delivery: Delivery,
}

/// Everything about a flow log that cannot be changed.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// What kind of resources.
    pub kind: Kind,
    /// `ACCEPT`, `REJECT` or `ALL`.
    pub traffic: String,
    /// Where records go.
    pub destination: Destination,
    /// The ARN of the role that delivers.
    pub role: Option<String>,
    /// The format, field by field.
    pub format: String,
    /// 60 or 600 seconds.
    pub interval: i64,
}

/// What a flow log records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// All interfaces of a VPC, those to come too.
    Vpc,
    /// All interfaces of a subnet, those to come too.
    Subnet,
    /// One interface.
    Interface,
}

/// Where records go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// A log group, by name, and its ARN when that was how it was named.
    Logs {
        /// The log group.
        group: String,
        /// Its ARN, if the caller gave that.
        arn: Option<String>,
    },
    /// An S3 bucket, by ARN. Records that go there are nobody's business here.
    S3(String),
}

impl Kind {
    /// EC2's word for it.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "VPC" => Some(Self::Vpc),
            "Subnet" => Some(Self::Subnet),
            "NetworkInterface" => Some(Self::Interface),
            _ => None,
        }
    }

    const fn prefix(self) -> &'static str {
        match self {
            Self::Vpc => "vpc-",
            Self::Subnet => "subnet-",
            Self::Interface => "eni-",
        }
    }
}

impl Destination {
    /// The log group, if records go to one.
    pub fn group(&self) -> Option<&str> {
        match self {
            Self::Logs { group, .. } => Some(group),
            Self::S3(_) => None,
        }
    }

    fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Logs { group, .. }, Self::Logs { group: other, .. }) => group == other,
            _ => self == other,
        }
    }
}

impl Config {
    fn collides(&self, other: &Self) -> bool {
        self.traffic == other.traffic
            && self.destination.same(&other.destination)
            && self.format == other.format
            && self.interval == other.interval
    }
}

/// What to make.
#[derive(Clone, Debug)]
pub struct Request {
    /// On what.
    pub resources: Vec<String>,
    /// How.
    pub config: Config,
    /// With which tags.
    pub tags: Tags,
    /// The client token, and everything that must be equal when it comes again.
    pub token: Option<(String, Value)>,
}

/// What was made, and what was not.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Created {
    /// The new flow logs.
    pub ids: Vec<String>,
    /// Resources that have none, and why.
    pub unsuccessful: Vec<(String, AwsError)>,
}

/// What will happen to a flow log.
#[derive(Clone, Debug)]
pub enum Due {
    /// It is time to look at its delivery.
    Delivers(String),
    /// It is listed no longer.
    Vanishes(String),
}

pub(super) fn happen(world: &mut World, place: &Place, due: Due) {
    match due {
        Due::Delivers(id) => delivery::tick(world, place, &id),
        Due::Vanishes(id) => {
            world.region(place).flow_logs.logs.remove(&id);
        }
    }
}

impl FlowLogs {
    /// The flow logs that a listing shows at `now`: it may lag by `lag`, both ways.
    pub fn listed(&self, now: Timestamp, lag: jiff::SignedDuration) -> Vec<&FlowLog> {
        let shown = |log: &&FlowLog| {
            log.created + lag <= now && log.deleted.is_none_or(|deleted| now < deleted + lag)
        };
        self.logs.values().filter(shown).collect()
    }

    /// The flow logs that are there, whatever listings show.
    pub fn living(&self) -> impl Iterator<Item = &FlowLog> {
        self.logs.values().filter(|log| log.deleted.is_none())
    }
}

/// Whether [`create`] would succeed for at least one resource.
///
/// # Errors
/// As [`create`].
pub fn check(world: &mut World, place: &Place, request: &Request) -> Result<(), AwsError> {
    check_resources(request)?;
    check_role(world, place, request.config.role.as_deref())?;
    let all_or_nothing = world.settings.flow_logs_all_or_nothing;
    let region = world.region(place);
    for resource in &request.resources {
        if all_or_nothing {
            find(region, request.config.kind, resource)?;
        }
        let mut same = region.flow_logs.living().filter(|log| log.resource == *resource);
        if same.any(|log| log.config.collides(&request.config)) {
            let message =
                "Error. There is an existing Flow Log with the same configuration and log destination.";
            return Err(AwsError::new("FlowLogAlreadyExists", message));
        }
    }
    Ok(())
}

/// Makes a flow log on each resource. What fails for one resource alone is listed as unsuccessful. A token that
/// came before with the same parameters is answered as it was then, and makes nothing.
///
/// # Errors
/// `IdempotentParameterMismatch`, `InvalidParameter`, `InvalidParameterValue`, `FlowLogAlreadyExists`.
pub fn create(world: &mut World, place: &Place, request: &Request) -> Result<Created, AwsError> {
    if let Some((token, parameters)) = &request.token
        && let Some((before, answer)) = world.region(place).flow_logs.tokens.get(token)
    {
        if before == parameters {
            return Ok(answer.clone());
        }
        let message = "The request uses the same client token as a previous, but non-identical request.";
        return Err(AwsError::new("IdempotentParameterMismatch", message));
    }
    check(world, place, request)?;
    let mut created = Created::default();
    for resource in &request.resources {
        match create_one(world, place, request, resource) {
            Ok(id) => created.ids.push(id),
            Err(error) => created.unsuccessful.push((resource.clone(), error)),
        }
    }
    // A token counts as used once it has made something.
    if let Some((token, parameters)) = request.token.clone().filter(|_| !created.ids.is_empty()) {
        world.region(place).flow_logs.tokens.insert(token, (parameters, created.clone()));
    }
    Ok(created)
}

fn create_one(
    world: &mut World,
    place: &Place,
    request: &Request,
    resource: &str,
) -> Result<String, AwsError> {
    let (id, created) = (world.id("fl"), world.now());
    let region = world.region(place);
    find(region, request.config.kind, resource)?;
    if region.flow_logs.living().filter(|log| log.resource == resource).count() >= PER_RESOURCE {
        let message = format!("The maximum number of flow logs has been reached for resource {resource}.");
        return Err(AwsError::new("FlowLogsLimitExceeded", message));
    }
    let log = FlowLog {
        id: id.clone(),
        resource: resource.to_owned(),
        config: request.config.clone(),
        tags: request.tags.clone(),
        created,
        deleted: None,
        delivery: Delivery::beginning(created),
    };
    region.flow_logs.logs.insert(id.clone(), log);
    delivery::begin(world, place, &id);
    Ok(id)
}

/// Deletes a flow log. Listings may show it a while longer.
///
/// # Errors
/// `InvalidFlowLogId.NotFound`.
pub fn delete(world: &mut World, place: &Place, id: &str) -> Result<(), AwsError> {
    let (now, lag) = (world.now(), world.settings.listing_lag);
    let found = world.region(place).flow_logs.logs.get_mut(id);
    let log =
        found.filter(|log| log.deleted.is_none()).ok_or_else(|| not_found("flow log", "flow log", id))?;
    log.deleted = Some(now);
    delivery::end(world, place, id);
    world.later(place, lag, super::Due::FlowLog(Due::Vanishes(id.to_owned())));
    Ok(())
}

fn check_resources(request: &Request) -> Result<(), AwsError> {
    let invalid = |message: String| Err(AwsError::new("InvalidParameterValue", message));
    if request.resources.is_empty() {
        return Err(AwsError::new("MissingParameter", "The request must contain the parameter resourceIds"));
    }
    if request.resources.len() > RESOURCES {
        return invalid(format!("You can specify at most {RESOURCES} resource IDs in a single request."));
    }
    let prefix = request.config.kind.prefix();
    match request.resources.iter().find(|id| !id.starts_with(prefix)) {
        Some(id) => invalid(format!("Resource {id} does not match the resource type of the request.")),
        None => Ok(()),
    }
}

fn check_role(world: &mut World, place: &Place, role: Option<&str>) -> Result<(), AwsError> {
    let (now, lag) = (world.now(), world.settings.iam_lag);
    let Some(arn) = role else { return Ok(()) };
    let role = world.account(place).iam.role_by_arn(arn);
    match role.filter(|role| role.trusts(SERVICE) && role.settled(now, lag)) {
        Some(_) => Ok(()),
        None => Err(AwsError::new("InvalidParameter", "Unable to assume given IAM role")),
    }
}

fn find(region: &super::Region, kind: Kind, id: &str) -> Result<(), AwsError> {
    let networks = &region.networks;
    let (found, what, words) = match kind {
        Kind::Vpc => (networks.vpcs.contains_key(id), "VPC", "vpc"),
        Kind::Subnet => (networks.subnets.contains_key(id), "subnet", "subnet"),
        Kind::Interface => (networks.interfaces.contains_key(id), "networkInterface", "networkInterface"),
    };
    if found { Ok(()) } else { Err(not_found(what, words, id)) }
}
