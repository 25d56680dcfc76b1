//! What a running controller tells over HTTP: the page that on-call reads, its status, its events, whether it lives.
//!
//! It changes nothing, ever: only GET and HEAD are answered. Who may read is [`Guard`]'s to say.

mod api;
mod assets;
mod guard;
mod gzip;
mod health;
mod live;
mod metrics;
mod page;

use std::sync::Arc;

use axum::Router;
use axum::extract::FromRef;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::get;
use jiff::SignedDuration;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::controller::Asked;
use crate::journal::Journal;
use crate::metrics::Metrics;
use crate::model::picture::Picture;

pub use api::{Explain, Wanted};
pub use guard::{Guard, Refused, TokenUnusable, token};
pub use page::Cache;

/// What the server tells of.
#[derive(Clone, Debug)]
pub struct Told {
    /// The picture after every pass.
    pub pictures: watch::Receiver<Option<Arc<Picture>>>,
    /// The events.
    pub journal: Journal,
    /// Where to ask what is known of one thing.
    pub questions: mpsc::Sender<Asked>,
    /// All that in numbers.
    pub metrics: Metrics,
    /// What time it is.
    pub clock: Clock,
    /// How often a pass should run at least.
    pub interval: SignedDuration,
}

/// What the handlers share: what is told, and what has been drawn of it already.
#[derive(Clone, Debug)]
struct Site {
    told: Arc<Told>,
    cache: Arc<Cache>,
}

impl FromRef<Site> for Arc<Told> {
    fn from_ref(site: &Site) -> Self {
        site.told.clone()
    }
}

/// Serves those on this machine, until `stop`.
///
/// # Errors
/// When the listener fails.
pub async fn serve(told: Told, listener: TcpListener, stop: CancellationToken) -> std::io::Result<()> {
    serve_to(Guard::loopback(), told, listener, stop).await
}

/// Serves those whom `guard` lets in, until `stop`.
///
/// # Errors
/// When the listener fails.
pub async fn serve_to(
    guard: Guard,
    told: Told,
    listener: TcpListener,
    stop: CancellationToken,
) -> std::io::Result<()> {
    let app = app(guard, told);
    // Followers never end by themselves, so nothing waits for them.
    tokio::select! {
        biased;
        () = stop.cancelled() => Ok(()),
        served = async { axum::serve(listener, app).await } => served,
    }
}

fn app(guard: Guard, told: Told) -> Router {
    let site = Site { told: Arc::new(told), cache: Arc::default() };
    let routes = Router::new()
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .route("/metrics", get(metrics::metrics))
        .route("/v1/status", get(api::status))
        .route("/v1/picture", get(api::picture))
        .route("/v1/events", get(api::events))
        .route("/v1/explain", get(api::explain))
        .route("/v1/coverage", get(api::coverage))
        .route("/live", get(live::live))
        .route("/assets/{name}", get(assets::asset));
    page::routes(routes)
        .layer(from_fn(gzip::compress))
        .layer(from_fn(guard::headers))
        .layer(from_fn_with_state(Arc::new(guard), guard::check))
        .with_state(site)
}
