//! `/metrics`: the numbers of a running controller, as Prometheus or OpenMetrics reads them.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};

use super::Told;
use crate::metrics::text::Format;

/// The metrics, in the format that the reader asks for.
pub(super) async fn metrics(State(told): State<Arc<Told>>, headers: HeaderMap) -> Response {
    let accepts = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let format = Format::accepted(&accepts.collect::<Vec<_>>().join(","));
    let text = format.write(&told.metrics.families(&told.journal.sinks()));
    ([(header::CONTENT_TYPE, format.content_type()), (header::VARY, "Accept")], text).into_response()
}
