//! Coverage as CSV. Spreadsheets take cells that begin in certain ways for formulas, and names come from machines that
//! may be hostile: such cells get an apostrophe, which makes them text.

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use super::coverage::{category, signal};
use super::problem::Problem;
use super::{Frame, Site};
use crate::journal::harmless;
use crate::model::picture::Line;

const HEAD: &str = "id,sort,category,what,signal,reason,why\r\n";

pub(super) async fn coverage(State(site): State<Site>) -> Result<Response, Problem> {
    let frame = Frame::of(&site);
    let Some(picture) = frame.picture.clone() else { return Err(frame.problem(Problem::too_early())) };
    let lines = picture.coverage.lines.iter().map(row);
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"coverage.csv\""),
    ];
    Ok((headers, std::iter::once(HEAD.to_owned()).chain(lines).collect::<String>()).into_response())
}

fn row(line: &Line) -> String {
    let reason = line.reason.map_or("", |reason| reason.word());
    let (category, signal) = (category(line.category), signal(line.signal));
    let cells = [&line.id, line.sort.word(), category, &line.what, signal, reason, &line.why];
    format!("{}\r\n", cells.map(cell).join(","))
}

/// One cell, as RFC 4180 quotes it.
fn cell(text: &str) -> String {
    let text = harmless(text);
    let text = if text.trim_start().starts_with(['=', '+', '-', '@']) { format!("'{text}") } else { text };
    if text.contains(['"', ',', '\'', ';']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}
