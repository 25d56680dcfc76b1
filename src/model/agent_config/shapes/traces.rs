//! The `traces` section.

use super::{CREDENTIALS, ENDPOINT, OTLP};
use crate::model::agent_config::shape::{CLOSED, OPEN, Object, Shape, TEXT};

pub(super) static TRACES: Object = Object {
    fields: &[
        ("traces_collected", Shape::Object(&COLLECTED)),
        ("concurrency", Shape::Whole(1, i64::MAX)),
        ("buffer_size_mb", Shape::Whole(3, i64::MAX)),
        ("resource_arn", TEXT),
        ("local_mode", Shape::Bool),
        ("insecure", Shape::Bool),
        ("credentials", Shape::Object(&CREDENTIALS)),
        ("proxy_override", ENDPOINT),
        ("endpoint_override", ENDPOINT),
        ("region_override", TEXT),
        ("transit_spans_in_otlp_format", Shape::Bool),
    ],
    required: &["traces_collected"],
    ..CLOSED
};

static COLLECTED: Object = Object {
    fields: &[
        ("app_signals", Shape::Object(&OPEN)),
        ("application_signals", Shape::Object(&OPEN)),
        ("xray", Shape::Object(&XRAY)),
        ("otlp", OTLP),
    ],
    least: 1,
    ..CLOSED
};

static XRAY: Object =
    Object { fields: &[("bind_address", ENDPOINT), ("tcp_proxy", Shape::Object(&TCP_PROXY))], ..CLOSED };
static TCP_PROXY: Object = Object { fields: &[("bind_address", ENDPOINT)], ..CLOSED };
