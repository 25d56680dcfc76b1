//! The `logs` section.

use super::{
    CREDENTIALS, ENDPOINT, ENVIRONMENT, INTERVAL, LOG_NAME, LONG_NAME, NAME, OTLP, SERVICE_NAME, TEXTS,
};
use crate::model::agent_config::shape::{CLOSED, LIST, List, OPEN, Object, Others, Shape, TEXT};

pub(super) static LOGS: Object = Object {
    fields: &[
        ("logs_collected", Shape::Object(&COLLECTED)),
        ("metrics_collected", Shape::Object(&METRICS)),
        ("log_stream_name", LOG_NAME),
        ("force_flush_interval", INTERVAL),
        ("credentials", Shape::Object(&CREDENTIALS)),
        ("endpoint_override", ENDPOINT),
        ("service.name", SERVICE_NAME),
        ("deployment.environment", ENVIRONMENT),
        ("concurrency", Shape::Whole(1, i64::MAX)),
    ],
    any_of: &["logs_collected", "metrics_collected"],
    ..CLOSED
};

static COLLECTED: Object = Object {
    fields: &[
        ("files", Shape::Object(&FILES)),
        ("windows_events", Shape::Object(&WINDOWS_EVENTS)),
        ("journald", Shape::Object(&JOURNALD)),
        ("application_signals", Shape::Object(&APPLICATION_SIGNALS_LOGS)),
    ],
    least: 1,
    ..CLOSED
};

static FILES: Object = Object {
    fields: &[("collect_list", Shape::List(&List { of: Shape::Object(&FILE), ..COLLECT_LIST }))],
    required: &["collect_list"],
    ..CLOSED
};
static WINDOWS_EVENTS: Object = Object {
    fields: &[("collect_list", Shape::List(&List { of: Shape::Object(&WINDOWS_EVENT), ..COLLECT_LIST }))],
    required: &["collect_list"],
    ..CLOSED
};
static JOURNALD: Object = Object {
    fields: &[("collect_list", Shape::List(&List { of: Shape::Object(&UNIT), ..COLLECT_LIST }))],
    required: &["collect_list"],
    ..CLOSED
};
const COLLECT_LIST: List = List { of: Shape::Any, least: 1, most: 16_384, unique: true };

static FILE: Object = Object {
    fields: &[
        ("file_path", Shape::Text(0, 4096)),
        ("log_group_name", LOG_NAME),
        ("log_stream_name", LOG_NAME),
        ("log_group_class", LOG_NAME),
        ("multi_line_start_pattern", LONG_NAME),
        ("timestamp_format", LONG_NAME),
        ("timezone", Shape::Word(&["Local", "LOCAL", "UTC"])),
        ("trim_timestamp", Shape::Bool),
        ("encoding", LONG_NAME),
        ("auto_removal", Shape::Bool),
        ("backpressure_mode", Shape::Word(&["fd_release"])),
        ("blacklist", LONG_NAME),
        ("publish_multi_logs", Shape::Bool),
        ("retention_in_days", Shape::Retention),
        ("filters", Shape::List(&FILTERS)),
        ("service.name", SERVICE_NAME),
        ("deployment.environment", ENVIRONMENT),
    ],
    required: &["file_path"],
    ..CLOSED
};

static FILTERS: List = List { of: Shape::Object(&FILTER), ..LIST };
static FILTER: Object =
    Object { fields: &[("type", Shape::Word(&["include", "exclude"])), ("expression", TEXT)], ..CLOSED };

static WINDOWS_EVENT: Object = Object {
    fields: &[
        ("event_name", NAME),
        ("event_levels", Shape::List(&List { of: LEVEL, ..LIST })),
        ("event_ids", Shape::List(&List { of: Shape::Whole(0, 65_535), least: 1, unique: true, ..LIST })),
        ("filters", Shape::List(&FILTERS)),
        ("log_stream_name", LOG_NAME),
        ("log_group_name", LOG_NAME),
        ("log_group_class", LOG_NAME),
        ("retention_in_days", Shape::Retention),
        ("event_format", Shape::Word(&["text", "xml"])),
    ],
    required: &["event_name"],
    any_of: &["event_levels", "event_ids", "filters"],
    ..CLOSED
};
pub(super) const LEVEL: Shape = Shape::Word(&["CRITICAL", "ERROR", "WARNING", "INFORMATION", "VERBOSE"]);

static UNIT: Object = Object {
    fields: &[
        ("log_group_name", LOG_NAME),
        ("log_stream_name", LOG_NAME),
        ("log_group_class", LOG_NAME),
        ("retention_in_days", Shape::Retention),
        ("filters", Shape::List(&FILTERS)),
        ("units", Shape::List(&List { of: Shape::Text(0, 256), least: 1, unique: true, ..LIST })),
        ("priority", Shape::Word(&PRIORITIES)),
        ("matches", Shape::List(&List { of: Shape::Object(&MATCH), least: 1, unique: true, ..LIST })),
    ],
    required: &["log_group_name"],
    ..CLOSED
};
const PRIORITIES: [&str; 16] = [
    "emerg", "alert", "crit", "err", "warning", "notice", "info", "debug", "0", "1", "2", "3", "4", "5", "6",
    "7",
];
static MATCH: Object = Object { others: Others::Each(&TEXT), ..OPEN };

static APPLICATION_SIGNALS_LOGS: Object = Object {
    fields: &[("log_group_name", LOG_NAME), ("log_stream_name", LOG_NAME), ("disabled", Shape::Bool)],
    ..OPEN
};

/// Metrics that travel as log events.
static METRICS: Object = Object {
    fields: &[
        ("app_signals", Shape::Object(&APPLICATION_SIGNALS)),
        ("application_signals", Shape::Object(&APPLICATION_SIGNALS)),
        ("ecs", Shape::Object(&ECS)),
        ("kubernetes", Shape::Object(&KUBERNETES)),
        ("prometheus", Shape::Object(&PROMETHEUS)),
        ("otlp", OTLP),
    ],
    ..OPEN
};

static APPLICATION_SIGNALS: Object = Object {
    fields: &[
        ("hosted_in", Shape::Text(1, 1024)),
        ("rules", Shape::List(&List { of: Shape::Object(&RULE), ..LIST })),
    ],
    ..OPEN
};
static RULE: Object = Object {
    fields: &[
        ("selectors", Shape::List(&List { of: Shape::Object(&SELECTOR), ..LIST })),
        ("replacements", Shape::List(&List { of: Shape::Object(&REPLACEMENT), ..LIST })),
        ("action", Shape::Word(&["drop", "keep", "replace"])),
        ("rule_name", FILLED),
    ],
    required: &["selectors", "action"],
    ..OPEN
};
const FILLED: Shape = Shape::Text(1, usize::MAX);
static SELECTOR: Object =
    Object { fields: &[("dimension", FILLED), ("match", FILLED)], required: &["dimension", "match"], ..OPEN };
static REPLACEMENT: Object = Object {
    fields: &[("target_dimension", FILLED), ("value", TEXT)],
    required: &["target_dimension", "value"],
    ..OPEN
};

static ECS: Object = Object {
    fields: &[("metrics_collection_interval", INTERVAL), ("disable_metric_extraction", Shape::Bool)],
    ..CLOSED
};
static KUBERNETES: Object = Object {
    fields: &[
        ("cluster_name", LOG_NAME),
        ("jmx_container_insights", Shape::Bool),
        ("metrics_collection_interval", INTERVAL),
        ("disable_metric_extraction", Shape::Bool),
    ],
    ..OPEN
};

static PROMETHEUS: Object = Object {
    fields: &[
        ("cluster_name", TEXT),
        ("log_group_name", TEXT),
        ("prometheus_config_path", TEXT),
        ("emf_processor", Shape::Object(&EMF)),
        ("ecs_service_discovery", Shape::Object(&DISCOVERY)),
        ("disable_metric_extraction", Shape::Bool),
    ],
    ..CLOSED
};
static EMF: Object = Object {
    fields: &[
        ("metric_declaration_dedup", Shape::Bool),
        ("metric_namespace", TEXT),
        ("metric_unit", Shape::Object(&Object { others: Others::Each(&Shape::Text(1, 256)), ..OPEN })),
        ("metric_declaration", Shape::List(&List { of: Shape::Object(&DECLARATION), ..LIST })),
    ],
    ..CLOSED
};
static DECLARATION: Object = Object {
    fields: &[
        ("source_labels", Shape::List(&TEXTS)),
        ("label_matcher", TEXT),
        ("label_separator", TEXT),
        ("metric_selectors", Shape::List(&TEXTS)),
        ("dimensions", Shape::List(&List { of: Shape::List(&TEXTS), ..LIST })),
    ],
    ..CLOSED
};
static DISCOVERY: Object = Object {
    fields: &[
        ("docker_label", Shape::Object(&DOCKER_LABEL)),
        ("task_definition_list", Shape::List(&TASKS)),
        ("service_name_list_for_tasks", Shape::List(&SERVICES)),
        ("sd_cluster_region", TEXT),
        ("sd_frequency", TEXT),
        ("sd_result_file", TEXT),
        ("sd_target_cluster", TEXT),
    ],
    ..CLOSED
};
static DOCKER_LABEL: Object = Object {
    fields: &[("sd_job_name_label", TEXT), ("sd_metrics_path_label", TEXT), ("sd_port_label", TEXT)],
    ..OPEN
};
static TASKS: List = List {
    of: Shape::Object(&Object {
        fields: &[
            ("sd_container_name_pattern", TEXT),
            ("sd_job_name", TEXT),
            ("sd_metrics_path", TEXT),
            ("sd_metrics_ports", TEXT),
            ("sd_task_definition_arn_pattern", TEXT),
        ],
        ..OPEN
    }),
    ..LIST
};
static SERVICES: List = List {
    of: Shape::Object(&Object {
        fields: &[
            ("sd_container_name_pattern", TEXT),
            ("sd_job_name", TEXT),
            ("sd_metrics_path", TEXT),
            ("sd_metrics_ports", TEXT),
            ("sd_service_name_pattern", TEXT),
        ],
        ..OPEN
    }),
    ..LIST
};
