//! The `opentelemetry` section, which agents of 2026 have.

use super::logs::LEVEL;
use super::{DIMENSIONS, INTERVAL, LOG_NAME, LONG_NAME, NAME};
use crate::model::agent_config::shape::{CLOSED, LIST, List, Object, Shape, TEXT};

pub(super) static OPENTELEMETRY: Object = Object {
    fields: &[
        ("cluster_name", TEXT),
        ("resource_attributes", Shape::Object(&DIMENSIONS)),
        ("collect", Shape::Object(&COLLECT)),
    ],
    ..CLOSED
};

static COLLECT: Object = Object {
    fields: &[
        ("database_insights", Shape::Object(&DATABASES)),
        ("host_metrics", Shape::Object(&Object { fields: &[("collection_interval", INTERVAL)], ..CLOSED })),
        ("container_insights", Shape::Object(&CONTAINERS)),
        ("prometheus", Shape::Object(&PROMETHEUS)),
        ("otlp", Shape::Object(&OTLP)),
        ("windows_events", Shape::Object(&WINDOWS_EVENTS)),
        ("files", Shape::Object(&FILES)),
    ],
    ..CLOSED
};

static DATABASES: Object = Object {
    fields: &[("postgresql", Shape::List(&List { of: Shape::Object(&POSTGRESQL), ..LIST }))],
    ..CLOSED
};
static POSTGRESQL: Object = Object {
    fields: &[
        ("endpoint", TEXT),
        ("instance_name", TEXT),
        ("username", TEXT),
        ("password_file", TEXT),
        ("ca_file", TEXT),
        ("logs", Shape::Object(&Object { fields: &[("file_path", TEXT)], ..CLOSED })),
    ],
    required: &["endpoint", "instance_name", "username", "password_file"],
    ..CLOSED
};

static CONTAINERS: Object = Object {
    fields: &[
        ("collection_interval", INTERVAL),
        ("role", Shape::Word(&["node", "cluster"])),
        ("logs", Shape::Object(&Object { fields: &[("enabled", Shape::Bool)], ..CLOSED })),
    ],
    ..CLOSED
};

static PROMETHEUS: Object = Object { fields: &[("config_path", TEXT)], required: &["config_path"], ..CLOSED };

static OTLP: Object = Object {
    fields: &[("grpc_endpoint", TEXT), ("http_endpoint", TEXT), ("span_metrics_enabled", Shape::Bool)],
    ..CLOSED
};

static WINDOWS_EVENTS: Object = Object {
    fields: &[("collect_list", Shape::List(&List { of: Shape::Object(&WINDOWS_EVENT), least: 1, ..LIST }))],
    required: &["collect_list"],
    ..CLOSED
};
static WINDOWS_EVENT: Object = Object {
    fields: &[
        ("event_name", NAME),
        ("event_levels", Shape::List(&List { of: LEVEL, least: 1, unique: true, ..LIST })),
        ("event_ids", Shape::List(&List { of: Shape::Whole(0, 65_535), least: 1, unique: true, ..LIST })),
        ("event_format", Shape::Word(&["text", "xml"])),
        ("log_group_name", LOG_NAME),
        ("log_stream_name", LOG_NAME),
    ],
    required: &["event_name"],
    ..CLOSED
};

static FILES: Object = Object {
    fields: &[("collect_list", Shape::List(&List { of: Shape::Object(&FILE), least: 1, ..LIST }))],
    required: &["collect_list"],
    ..CLOSED
};
static FILE: Object = Object {
    fields: &[
        ("file_path", LONG_NAME),
        ("log_group_name", LOG_NAME),
        ("log_stream_name", LOG_NAME),
        ("multi_line_start_pattern", TEXT),
        ("timestamp_format", TEXT),
        ("timezone", Shape::Word(&["UTC", "Local", "LOCAL"])),
        ("encoding", TEXT),
    ],
    required: &["file_path"],
    ..CLOSED
};
