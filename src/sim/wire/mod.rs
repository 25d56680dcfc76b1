//! AWS protocols to world and back: one file per service.
//!
//! A service file holds a table of [`Operation`]s: the name, the documented rate, whether it writes, and the
//! function that carries it out. Inputs arrive as JSON whatever the protocol ([`query`] turns forms into
//! JSON, [`cbor`] its own form), outputs leave as JSON (they turn them back), so an operation is written once, in the
//! words of AWS's service model. Rules about the estate belong in `world`, not here.

mod cbor;
pub mod cloudwatch;
pub mod ec2;
mod error;
pub mod iam;
pub mod input;
mod json;
pub mod logs;
pub mod paging;
pub mod query;
pub mod ssm;
pub mod sts;

use std::collections::BTreeMap;

use serde_json::Value;

use super::world::{CallRecord, Place, World};
pub use error::AwsError;

/// An HTTP request, as far as AWS looks at it.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// The path, without what follows a `?`.
    pub path: String,
    /// Header names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body, unparsed.
    pub body: Vec<u8>,
}

/// An HTTP reply.
#[derive(Clone, Debug, PartialEq)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// The `Content-Type` header.
    pub content_type: &'static str,
    /// The `x-amzn-RequestId` header.
    pub request_id: String,
    /// The body.
    pub body: Vec<u8>,
}

/// The services that this AWS has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Service {
    /// Systems Manager, JSON 1.1.
    Ssm,
    /// CloudWatch Logs, JSON 1.1.
    Logs,
    /// CloudWatch, RPC v2 with CBOR, or JSON 1.0.
    CloudWatch,
    /// EC2, the EC2 query protocol.
    Ec2,
    /// IAM, the query protocol.
    Iam,
    /// STS, the query protocol.
    Sts,
}

/// Which operation of which service a request is for, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The service.
    pub service: Service,
    /// The operation's name, such as `SendCommand`.
    pub operation: String,
    /// Account and Region, from the signature.
    pub place: Place,
}

/// A documented rate: a bucket that holds `burst` and refills at `per_second`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    /// How many calls may come at once.
    pub burst: f64,
    /// How many come back each second.
    pub per_second: f64,
    /// Operations that share a bucket name it; an empty name is a bucket of one's own.
    pub shared: &'static str,
}

impl Rate {
    /// A bucket of one's own that holds one second's worth.
    pub const fn per_second(rate: f64) -> Option<Self> {
        Some(Self { burst: rate, per_second: rate, shared: "" })
    }

    /// A bucket of one's own.
    pub const fn bucket(burst: f64, per_second: f64) -> Option<Self> {
        Some(Self { burst, per_second, shared: "" })
    }

    /// A bucket that several operations drink from.
    pub const fn shared(name: &'static str, rate: f64) -> Option<Self> {
        Some(Self { burst: rate, per_second: rate, shared: name })
    }
}

/// What an operation gives back: its output in the words of the service model, or an AWS error.
pub type Outcome = Result<Value, AwsError>;

/// One operation of a service.
#[derive(Debug)]
pub struct Operation {
    /// The name in the service model.
    pub name: &'static str,
    /// The documented rate, `None` where AWS publishes none.
    pub rate: Option<Rate>,
    /// Whether it changes anything.
    pub writes: bool,
    /// Carries it out. `Place` says for which account and Region.
    pub run: fn(&mut World, &Place, Value) -> Outcome,
}

impl Service {
    /// Every service.
    pub const ALL: [Self; 6] = [Self::Ssm, Self::Logs, Self::CloudWatch, Self::Ec2, Self::Iam, Self::Sts];

    /// The name in signatures and in Watchkeeper's own call log.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ssm => "ssm",
            Self::Logs => "logs",
            Self::CloudWatch => "cloudwatch",
            Self::Ec2 => "ec2",
            Self::Iam => "iam",
            Self::Sts => "sts",
        }
    }

    /// The operations that this simulator implements.
    pub const fn operations(self) -> &'static [Operation] {
        match self {
            Self::Ssm => ssm::OPERATIONS,
            Self::Logs => logs::OPERATIONS,
            Self::CloudWatch => cloudwatch::OPERATIONS,
            Self::Ec2 => ec2::OPERATIONS,
            Self::Iam => iam::OPERATIONS,
            Self::Sts => sts::OPERATIONS,
        }
    }
}

/// How a request is written, and its reply. CloudWatch is spoken in two ways: Rust's SDK speaks CBOR, botocore JSON.
#[derive(Clone, Copy)]
enum Protocol {
    Json(&'static str),
    Cbor,
    Query,
}

impl Protocol {
    fn of(request: &Request, service: Service) -> Self {
        match service {
            Service::Ssm | Service::Logs => Self::Json(json::VERSION_1_1),
            Service::CloudWatch if request.headers.contains_key("x-amz-target") => {
                Self::Json(json::VERSION_1_0)
            }
            Service::CloudWatch => Self::Cbor,
            Service::Ec2 | Service::Iam | Service::Sts => Self::Query,
        }
    }

    fn input(self, body: &[u8]) -> Result<Value, AwsError> {
        match self {
            Self::Json(_) => json::input(body),
            Self::Cbor => cbor::input(body),
            Self::Query => Ok(query::input(body)),
        }
    }

    fn reply(self, target: &Target, request_id: &str, outcome: Outcome) -> Response {
        match self {
            Self::Json(content_type) => json::reply(content_type, request_id, outcome),
            Self::Cbor => cbor::reply(request_id, outcome.as_ref()),
            Self::Query => query::reply(target, request_id, &outcome),
        }
    }
}

impl Response {
    /// The `smithy-protocol` header, for a protocol that has one.
    pub fn protocol(&self) -> Option<&'static str> {
        (self.content_type == cbor::CONTENT_TYPE).then_some("rpc-v2-cbor")
    }
}

/// `value` with more members. `json!` copies every value that it is given, and listings are large.
fn with<const N: usize>(mut value: Value, members: [(&str, Value); N]) -> Value {
    if let Value::Object(known) = &mut value {
        known.extend(members.into_iter().map(|(name, member)| (name.to_owned(), member)));
    }
    value
}

/// Finds out what a request is for. `None` when it is no AWS request that we can place.
pub fn target(request: &Request) -> Option<Target> {
    let place = Place::of_signature(request.headers.get("authorization").map_or("", String::as_str));
    if let Some(named) = request.headers.get("x-amz-target") {
        let (prefix, operation) = named.split_once('.')?;
        let service = match prefix {
            "AmazonSSM" => Service::Ssm,
            "Logs_20140328" => Service::Logs,
            cbor::NAME => Service::CloudWatch,
            _ => return None,
        };
        return Some(Target { service, operation: operation.to_owned(), place });
    }
    let (service, operation) = cbor::target(&request.path).or_else(|| query::target(&request.body))?;
    Some(Target { service, operation, place })
}

/// Carries a request out and writes it into the world's call log.
pub fn answer(world: &mut World, request: &Request) -> Response {
    let Some(target) = target(request) else {
        return json::reply(json::VERSION_1_1, &world.request_id(), Err(AwsError::unknown_service()));
    };
    let protocol = Protocol::of(request, target.service);
    let (outcome, writes) = match protocol.input(&request.body) {
        Ok(input) => carry_out(world, &target, input),
        Err(error) => (Err(error), false),
    };
    finish(world, &target, protocol, writes, outcome)
}

/// Answers a request with `error`, without carrying it out.
pub fn refuse(world: &mut World, request: &Request, error: AwsError) -> Response {
    match target(request) {
        Some(target) => {
            let protocol = Protocol::of(request, target.service);
            finish(world, &target, protocol, false, Err(error))
        }
        None => json::reply(json::VERSION_1_1, &world.request_id(), Err(error)),
    }
}

fn carry_out(world: &mut World, target: &Target, input: Value) -> (Outcome, bool) {
    let found = target.service.operations().iter().find(|operation| operation.name == target.operation);
    let Some(operation) = found else {
        return (Err(AwsError::unknown_operation(target)), false);
    };
    if let Some(rate) = operation.rate
        && !world.admit(target, operation.name, rate)
    {
        return (Err(AwsError::throttled(target.service)), false);
    }
    let outcome = (operation.run)(world, &target.place, input);
    (outcome, operation.writes)
}

fn finish(
    world: &mut World,
    target: &Target,
    protocol: Protocol,
    writes: bool,
    outcome: Outcome,
) -> Response {
    let error = outcome.as_ref().err().map(|error| error.code.clone());
    world.record(CallRecord {
        at: world.now(),
        place: target.place.clone(),
        service: target.service.name(),
        operation: target.operation.clone(),
        writes,
        error,
    });
    protocol.reply(target, &world.request_id(), outcome)
}
