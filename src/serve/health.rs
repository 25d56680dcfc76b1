//! Whether the loop lives, for whoever would restart it. Never asks for a token, and tells nothing of the estate.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use jiff::{SignedDuration, Timestamp};

use super::Told;
use crate::journal::duration;
use crate::model::picture::good_for;

/// How old what is known is, once a pass is overdue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Overdue {
    /// When the last pass ended.
    pub(super) last: Timestamp,
    /// How long ago that was.
    pub(super) age: SignedDuration,
    /// How often a pass should run.
    pub(super) interval: SignedDuration,
}

/// Whether a pass is overdue, when the last one ended at `last`.
pub(super) fn overdue(told: &Told, last: Timestamp) -> Option<Overdue> {
    let age = told.clock.now().duration_since(last);
    (age > allowed(told)).then_some(Overdue { last, age, interval: told.interval })
}

/// How old the last pass may be.
pub(super) fn allowed(told: &Told) -> SignedDuration {
    good_for(told.interval)
}

/// Alive: the last pass is not overdue.
pub(super) async fn healthz(State(told): State<Arc<Told>>) -> Response {
    let last = told.pictures.borrow().as_ref().map(|picture| picture.status.at);
    match last.map(|at| overdue(&told, at)) {
        // The first pass of a large estate may take minutes; until then the loop is taken to be at it.
        None => "no pass has ended yet\n".into_response(),
        Some(None) => "ok\n".into_response(),
        Some(Some(overdue)) => (StatusCode::SERVICE_UNAVAILABLE, format!("{overdue}\n")).into_response(),
    }
}

/// Ready to be asked: a pass has ended.
pub(super) async fn readyz(State(told): State<Arc<Told>>) -> Response {
    if told.pictures.borrow().is_some() {
        return "ok\n".into_response();
    }
    (StatusCode::SERVICE_UNAVAILABLE, "no pass has ended yet\n").into_response()
}

impl std::fmt::Display for Overdue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (age, interval) = (duration(self.age.as_secs()), duration(self.interval.as_secs()));
        write!(
            f,
            "a pass is overdue: the last pass ended at {:.0}, {age} ago, and one is due every {interval}",
            self.last
        )
    }
}
