//! The `metrics` section.

use super::{
    CREDENTIALS, DIMENSIONS, DROPPED, ENDPOINT, INTERVAL, INTERVAL_OR_ZERO, LONG_NAME, MEASUREMENT, NAME,
    NAMES, OTLP,
};
use crate::model::agent_config::shape::{CLOSED, LIST, List, OPEN, Object, Others, Shape, TEXT};

pub(super) static METRICS: Object = Object {
    fields: &[
        ("namespace", NAME),
        ("aggregation_dimensions", Shape::List(&AGGREGATIONS)),
        ("append_dimensions", Shape::Object(&DIMENSIONS)),
        ("metrics_destinations", Shape::Object(&DESTINATIONS)),
        ("metrics_collected", Shape::Object(&COLLECTED)),
        ("force_flush_interval", INTERVAL),
        ("credentials", Shape::Object(&CREDENTIALS)),
        ("endpoint_override", ENDPOINT),
        ("service.name", LONG_NAME),
        ("deployment.environment", LONG_NAME),
    ],
    required: &["metrics_collected"],
    ..CLOSED
};

static AGGREGATIONS: List = List { of: Shape::List(&AGGREGATION), least: 1, most: 1024, unique: true };
static AGGREGATION: List = List { of: Shape::Text(1, 1024), least: 0, most: 30, unique: true };

static DESTINATIONS: Object =
    Object { fields: &[("cloudwatch", Shape::Any), ("amp", Shape::Object(&AMP))], least: 1, ..CLOSED };
static AMP: Object = Object { fields: &[("workspace_id", NAME)], required: &["workspace_id"], ..CLOSED };

/// Other names are performance objects of Windows.
static COLLECTED: Object = Object {
    fields: &[
        ("collectd", Shape::Object(&COLLECTD)),
        ("cpu", Shape::Object(&CPU)),
        ("disk", Shape::Object(&DISK)),
        ("diskio", Shape::Object(&WITH_RESOURCES)),
        ("efa", Shape::Object(&EFA)),
        ("statsd", Shape::Object(&STATSD)),
        ("swap", Shape::Object(&BASIC)),
        ("mem", Shape::Object(&BASIC)),
        ("net", Shape::Object(&WITH_RESOURCES)),
        ("netstat", Shape::Object(&BASIC)),
        ("processes", Shape::Object(&BASIC)),
        ("procstat", Shape::List(&PROCSTAT)),
        ("ethtool", Shape::Object(&ETHTOOL)),
        ("nvidia_smi", Shape::Object(&NVIDIA)),
        ("jmx", JMX),
        ("otlp", OTLP),
        ("prometheus", Shape::Object(&PROMETHEUS)),
    ],
    others: Others::Each(&Shape::Object(&BASIC)),
    least: 1,
    ..OPEN
};

static BASIC: Object = Object {
    fields: &[
        ("metrics_collection_interval", INTERVAL),
        ("append_dimensions", Shape::Object(&DIMENSIONS)),
        ("measurement", Shape::List(&MEASUREMENT)),
    ],
    required: &["measurement"],
    ..OPEN
};

static WITH_RESOURCES: Object = Object {
    fields: &[
        ("metrics_collection_interval", INTERVAL),
        ("append_dimensions", Shape::Object(&DIMENSIONS)),
        ("measurement", Shape::List(&MEASUREMENT)),
        ("resources", Shape::List(&RESOURCES)),
    ],
    ..BASIC_RULES
};
/// What [`BASIC`] asks for, without its fields.
const BASIC_RULES: Object = Object { required: &["measurement"], ..OPEN };

static RESOURCES: List = List { of: LONG_NAME, most: 256, ..LIST };

static CPU: Object = Object {
    fields: &[
        ("metrics_collection_interval", INTERVAL),
        ("append_dimensions", Shape::Object(&DIMENSIONS)),
        ("measurement", Shape::List(&MEASUREMENT)),
        ("resources", Shape::List(&List { of: Shape::Word(&["*"]), most: 1, ..LIST })),
        ("totalcpu", Shape::Bool),
    ],
    ..BASIC_RULES
};

static DISK: Object = Object {
    fields: &[
        ("metrics_collection_interval", INTERVAL),
        ("append_dimensions", Shape::Object(&DIMENSIONS)),
        ("measurement", Shape::List(&MEASUREMENT)),
        ("resources", Shape::List(&RESOURCES)),
        ("ignore_file_system_types", Shape::List(&RESOURCES)),
        ("drop_device", Shape::Bool),
    ],
    ..BASIC_RULES
};

static EFA: Object = Object {
    fields: &[
        ("metrics_collection_interval", INTERVAL),
        ("measurement", Shape::List(&MEASUREMENT)),
        ("drop_original_metrics", Shape::List(&DROPPED)),
    ],
    ..BASIC_RULES
};

static COLLECTD: Object = Object {
    fields: &[
        ("service_address", NAME),
        ("name_prefix", NAME),
        ("collectd_auth_file", LONG_NAME),
        ("collectd_security_level", Shape::Word(&["none", "sign", "encrypt"])),
        ("collectd_typesdb", Shape::List(&List { of: LONG_NAME, most: 10, ..LIST })),
        ("metrics_aggregation_interval", INTERVAL_OR_ZERO),
        ("drop_original_metrics", Shape::List(&DROPPED)),
        ("service.name", LONG_NAME),
        ("deployment.environment", LONG_NAME),
        ("append_dimensions", Shape::Object(&DIMENSIONS)),
    ],
    ..CLOSED
};

static STATSD: Object = Object {
    fields: &[
        ("allowed_pending_messages", Shape::Whole(1, 2_147_483_647)),
        ("service_address", NAME),
        ("metrics_collection_interval", INTERVAL),
        ("metrics_aggregation_interval", INTERVAL_OR_ZERO),
        ("metric_separator", NAME),
        ("drop_original_metrics", Shape::List(&DROPPED)),
        ("service.name", LONG_NAME),
        ("deployment.environment", LONG_NAME),
    ],
    ..CLOSED
};

static PROCSTAT: List = List { of: Shape::Object(&PROCESS), least: 1, most: 255, unique: false };
static PROCESS: Object = Object {
    fields: &[
        ("pid_file", NAME),
        ("exe", NAME),
        ("pattern", NAME),
        ("metrics_collection_interval", INTERVAL),
        ("append_dimensions", Shape::Object(&DIMENSIONS)),
        // Names only: the agent takes no other name or unit here.
        ("measurement", Shape::List(&List { of: NAME, unique: true, ..LIST })),
    ],
    any_of: &["pid_file", "exe", "pattern"],
    ..BASIC_RULES
};

static ETHTOOL: Object = Object {
    fields: &[
        ("interface_include", Shape::List(&NAMES)),
        ("interface_exclude", Shape::List(&NAMES)),
        ("metrics_include", Shape::List(&NAMES)),
        ("append_dimensions", Shape::Object(&DIMENSIONS)),
        ("drop_original_metrics", Shape::List(&DROPPED)),
    ],
    ..CLOSED
};

static NVIDIA: Object = Object { fields: &[("measurement", Shape::List(&NAMES))], ..OPEN };

static PROMETHEUS: Object =
    Object { fields: &[("prometheus_config_path", NAME)], required: &["prometheus_config_path"], ..CLOSED };

/// One endpoint, or a list of them.
const JMX: Shape = Shape::Either(&[
    Shape::Object(&JMX_ENDPOINT),
    Shape::List(&List { of: Shape::Object(&JMX_ENDPOINT), least: 1, most: 255, unique: false }),
]);
static JMX_ENDPOINT: Object = Object {
    fields: &[
        ("endpoint", ENDPOINT),
        ("metrics_collection_interval", INTERVAL),
        ("username", TEXT),
        ("password_file", TEXT),
        ("keystore_path", TEXT),
        ("keystore_type", TEXT),
        ("truststore_path", TEXT),
        ("truststore_type", TEXT),
        ("registry_ssl_enabled", Shape::Bool),
        ("remote_profile", TEXT),
        ("realm", TEXT),
        ("jvm", Shape::Object(&JMX_TARGET)),
        ("kafka", Shape::Object(&JMX_TARGET)),
        ("kafka-consumer", Shape::Object(&JMX_TARGET)),
        ("kafka-producer", Shape::Object(&JMX_TARGET)),
        ("tomcat", Shape::Object(&JMX_TARGET)),
        ("insecure", Shape::Bool),
        ("append_dimensions", Shape::Object(&DIMENSIONS)),
    ],
    any_of: &["jvm", "kafka", "kafka-consumer", "kafka-producer", "tomcat"],
    ..CLOSED
};
static JMX_TARGET: Object =
    Object { fields: &[("measurement", Shape::List(&MEASUREMENT))], required: &["measurement"], ..OPEN };
