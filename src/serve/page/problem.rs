//! A page that says what is wrong with the request, in place of the one that was wanted.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};

use super::{Frame, layout};

/// Why a page cannot be shown.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    title: &'static str,
    detail: String,
    /// What may have been meant.
    instead: Option<Markup>,
    frame: Option<Box<Frame>>,
}

impl Problem {
    fn new(status: StatusCode, title: &'static str, detail: String) -> Self {
        Self { status, title, detail, instead: None, frame: None }
    }

    /// There is no such page, or no such thing.
    pub(super) fn not_found(detail: String) -> Self {
        Self::new(StatusCode::NOT_FOUND, "Not found", detail)
    }

    /// The address asks for something that makes no sense.
    pub(super) fn bad_request(detail: String) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "That cannot be asked", detail)
    }

    /// Nothing is known yet.
    pub(super) fn too_early() -> Self {
        let detail = "Watchkeeper has just started and is reading the estate. Nothing is known before its first pass has ended.";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "No pass has ended yet", detail.to_owned())
    }

    /// … and this may have been meant.
    pub(super) fn instead(mut self, instead: Markup) -> Self {
        self.instead = Some(instead);
        self
    }

    /// … shown on a page with these surroundings.
    pub(super) fn within(mut self, frame: Frame) -> Self {
        self.frame = Some(Box::new(frame));
        self
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let main = html! {
            section #problem data-live data-still[self.status != StatusCode::SERVICE_UNAVAILABLE] {
                h1 { (self.title) }
                p { (self.detail) }
                @if let Some(instead) = &self.instead { (instead) }
                p { a href="/" { "The estate at a glance" } }
            }
        };
        match &self.frame {
            Some(frame) => (self.status, layout::page(frame, self.title, "", &main)).into_response(),
            None => (self.status, self.detail).into_response(),
        }
    }
}
