//! What each part of a configuration must look like: the agent's schema, said as data.
//!
//! The facts are those of the schema that agents of 2026 carry (aws/amazon-cloudwatch-agent,
//! `translator/config/schema.json` at commit ab55b8da; AWS-FACTS §3.4). The differential test holds these
//! tables against it. Only facts stand here; how they are checked is in `shape`.

mod logs;
mod metrics;
mod opentelemetry;
mod traces;

use super::shape::{CLOSED, LIST, List, OPEN, Object, Others, Shape, TEXT};

/// The whole configuration. The agent ignores sections that it does not know.
pub(super) static CONFIGURATION: Object = Object {
    fields: &[
        ("agent", Shape::Object(&AGENT)),
        ("metrics", Shape::Object(&metrics::METRICS)),
        ("logs", Shape::Object(&logs::LOGS)),
        ("traces", Shape::Object(&traces::TRACES)),
        ("opentelemetry", Shape::Object(&opentelemetry::OPENTELEMETRY)),
    ],
    ..OPEN
};

static AGENT: Object = Object {
    fields: &[
        ("metrics_collection_interval", INTERVAL),
        ("logfile", Shape::Text(0, 4096)),
        ("region", Shape::Text(1, 64)),
        ("debug", Shape::Bool),
        // In two pieces, because whole it looks like a crate that may not be named here.
        (concat!("aws_", "sdk_log_level"), TEXT),
        ("credentials", Shape::Object(&CREDENTIALS)),
        ("omit_hostname", Shape::Bool),
        ("service.name", SERVICE_NAME),
        ("deployment.environment", ENVIRONMENT),
    ],
    ..OPEN
};

/// Seconds; two days at most.
const INTERVAL: Shape = Shape::Whole(1, 172_800);
const INTERVAL_OR_ZERO: Shape = Shape::Whole(0, 172_800);
const NAME: Shape = Shape::Text(1, 255);
const LONG_NAME: Shape = Shape::Text(1, 4096);
const SERVICE_NAME: Shape = NAME;
const ENVIRONMENT: Shape = Shape::Text(1, 259);
const ENDPOINT: Shape = Shape::Text(4, 2048);
/// A log group or a stream.
const LOG_NAME: Shape = Shape::Text(1, 512);

static CREDENTIALS: Object = Object { fields: &[("role_arn", Shape::RoleArn)], ..CLOSED };

/// Dimensions of one's own: name → value.
static DIMENSIONS: Object = Object { others: Others::Each(&Shape::Text(1, 1024)), most: 30, ..OPEN };

static TEXTS: List = List { of: TEXT, ..LIST };
static NAMES: List = List { of: NAME, ..LIST };
static DROPPED: List = List { of: TEXT, least: 1, unique: true, ..LIST };

/// What to measure: names, or names with another name and a unit.
static MEASUREMENT: List =
    List { of: Shape::Either(&[NAME, Shape::Object(&MEASURED)]), unique: true, ..LIST };
static MEASURED: Object =
    Object { fields: &[("name", NAME), ("rename", NAME), ("unit", Shape::Text(1, 256))], ..OPEN };

static TLS: Object = Object {
    fields: &[("ca_file", NAME), ("cert_file", NAME), ("key_file", NAME), ("insecure", Shape::Bool)],
    ..OPEN
};

/// One receiver, or a list of them.
const OTLP: Shape = Shape::Either(&[
    Shape::Object(&OTLP_RECEIVER),
    Shape::List(&List { of: Shape::Object(&OTLP_RECEIVER), least: 1, most: 255, unique: false }),
]);
static OTLP_RECEIVER: Object = Object {
    fields: &[
        ("grpc_endpoint", ENDPOINT),
        ("http_endpoint", ENDPOINT),
        ("tls", Shape::Object(&TLS)),
        ("service.name", SERVICE_NAME),
        ("deployment.environment", ENVIRONMENT),
    ],
    ..CLOSED
};
