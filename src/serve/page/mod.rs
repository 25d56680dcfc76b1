//! The page that on-call reads: drawn here, on the server, whole; the script only fetches it again.
//!
//! Everything that comes from the world or the folder may be hostile. `maud` escapes it, [`text`] makes it short and
//! takes the control characters out, [`links`] encodes what goes into addresses. Nothing is put in raw.

mod bars;
mod conditions;
mod coverage;
mod csv;
mod estate;
mod events;
mod explained;
mod filter;
mod layout;
mod links;
mod markdown;
mod objects;
mod overview;
mod parts;
mod problem;
mod query;
mod rollouts;
mod runbook;
mod story;
mod text;

use std::sync::Arc;

use axum::Router;
use axum::http::Uri;
use axum::routing::get;
use jiff::Timestamp;

use super::Site;
use super::health::{self, Overdue};
use crate::model::picture::{Condition, Part, Picture};

pub use estate::Cache;
use problem::Problem;

/// What every page is drawn from.
#[derive(Clone, Debug)]
struct Frame {
    /// The last pass; none before the first.
    picture: Option<Arc<Picture>>,
    /// The controller's time.
    now: Timestamp,
    /// Whether what is known is too old to count.
    overdue: Option<Overdue>,
}

/// Adds the pages to `routes`.
pub(super) fn routes(routes: Router<Site>) -> Router<Site> {
    routes
        .route("/", get(overview::overview))
        .route("/events", get(events::events))
        .route("/parts", get(parts::parts))
        .route("/objects/{kind}/{name}", get(explained::object))
        .route("/nodes/{id}", get(explained::part))
        .route("/networks/{id}", get(explained::part))
        .route("/coverage", get(coverage::coverage))
        .route("/coverage.csv", get(csv::coverage))
        .route("/runbook", get(runbook::contents))
        .route("/runbook/{reason}", get(runbook::section))
        .fallback(nowhere)
}

async fn nowhere(axum::extract::State(site): axum::extract::State<Site>, uri: Uri) -> Problem {
    let path = text::line(uri.path(), 120);
    Frame::of(&site).problem(Problem::not_found(format!("There is no page at {path}.")))
}

impl Frame {
    fn of(site: &Site) -> Self {
        let told = &site.told;
        let picture = told.pictures.borrow().clone();
        let overdue = picture.as_ref().and_then(|picture| health::overdue(told, picture.status.at));
        Self { picture, now: told.clock.now(), overdue }
    }

    /// Where a part stands, as far as that can be said now: what is too old is not known.
    fn condition(&self, part: &Part) -> Condition {
        if self.overdue.is_some() { Condition::Unknown } else { part.condition }
    }

    /// The same problem, on a page like all others.
    fn problem(&self, problem: Problem) -> Problem {
        problem.within(self.clone())
    }
}
