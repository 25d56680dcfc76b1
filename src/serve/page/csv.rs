//! Coverage as a file for spreadsheets.

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use super::problem::Problem;
use super::{Frame, Site};

pub(super) async fn coverage(State(site): State<Site>) -> Result<Response, Problem> {
    let frame = Frame::of(&site);
    let Some(picture) = frame.picture.clone() else { return Err(frame.problem(Problem::too_early())) };
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"coverage.csv\""),
    ];
    Ok((headers, picture.coverage_csv()).into_response())
}
