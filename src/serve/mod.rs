//! What a running controller tells over HTTP: its status, its events, whether it lives.
//!
//! It changes nothing, ever, and listens on loopback only.

mod metrics;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::get;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::controller::Asked;
use crate::journal::Journal;
use crate::metrics::Metrics;
use crate::model::event::Event;
use crate::model::picture::{Picture, good_for};

/// How long an answer may take that has to wait for the end of a pass, in real time.
const ANSWERED_WITHIN: Duration = Duration::from_secs(30);
/// How many of the last events an explanation has.
const LAST_EVENTS: usize = 8;

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

/// Which events.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    /// Not older than this.
    pub since: Option<Timestamp>,
    /// Only those that concern this object, node or network.
    #[serde(rename = "for")]
    pub concerning: Option<String>,
    /// Go on with new ones as they come.
    #[serde(default)]
    pub follow: bool,
}

/// Serves until `stop`.
///
/// # Errors
/// When the listener fails.
pub async fn serve(told: Told, listener: TcpListener, stop: CancellationToken) -> std::io::Result<()> {
    let app = Router::new()
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics::metrics))
        .route("/v1/status", get(status))
        .route("/v1/picture", get(picture))
        .route("/v1/events", get(events))
        .route("/v1/explain", get(explain))
        .with_state(Arc::new(told));
    // Followers never end by themselves, so nothing waits for them.
    tokio::select! {
        biased;
        () = stop.cancelled() => Ok(()),
        served = async { axum::serve(listener, app).await } => served,
    }
}

/// Alive: the last pass is not overdue.
async fn healthz(State(told): State<Arc<Told>>) -> Response {
    let last = told.pictures.borrow().as_ref().map(|picture| picture.status.at);
    let late = good_for(told.interval);
    match last {
        // The first pass of a large estate may take minutes; until then the loop is taken to be at it.
        None => "no pass has ended yet\n".into_response(),
        Some(at) if told.clock.now().duration_since(at) <= late => "ok\n".into_response(),
        Some(at) => {
            (StatusCode::SERVICE_UNAVAILABLE, format!("the last pass ended at {at:.0}\n")).into_response()
        }
    }
}

/// Ready to be asked: a pass has ended.
async fn readyz(State(told): State<Arc<Told>>) -> Response {
    if told.pictures.borrow().is_some() {
        return "ok\n".into_response();
    }
    (StatusCode::SERVICE_UNAVAILABLE, "no pass has ended yet\n").into_response()
}

async fn status(State(told): State<Arc<Told>>) -> Response {
    match told.pictures.borrow().clone() {
        Some(picture) => Json(&picture.status).into_response(),
        None => (StatusCode::SERVICE_UNAVAILABLE, "no pass has ended yet\n").into_response(),
    }
}

/// Everything that is shown of the scope, as it must be read now.
async fn picture(State(told): State<Arc<Told>>) -> Response {
    let picture = told.pictures.borrow().clone();
    match picture {
        Some(picture) => Json(Picture::clone(&picture).seen_at(told.clock.now())).into_response(),
        None => (StatusCode::SERVICE_UNAVAILABLE, "no pass has ended yet\n").into_response(),
    }
}

/// Of what an explanation is wanted.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Explain {
    /// A node, a network or an object, in a person's words.
    pub what: String,
}

/// Everything that is known of one thing. The loop answers between its passes.
async fn explain(State(told): State<Arc<Told>>, Query(wanted): Query<Explain>) -> Response {
    let (reply, answer) = oneshot::channel();
    let asked = told.questions.send(Asked { what: wanted.what, reply });
    let answer = tokio::time::timeout(ANSWERED_WITHIN, async {
        asked.await.ok()?;
        answer.await.ok()
    });
    match answer.await {
        Ok(Some(Ok(mut explanation))) => {
            explanation.events = last_events(&told.journal, &explanation.subject.to_string());
            Json(explanation).into_response()
        }
        Ok(Some(Err(not_known))) => (StatusCode::NOT_FOUND, format!("{not_known}\n")).into_response(),
        Ok(None) => (StatusCode::SERVICE_UNAVAILABLE, "no pass has ended yet\n").into_response(),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "a pass is under way; ask again\n").into_response(),
    }
}

fn last_events(journal: &Journal, what: &str) -> Vec<Event> {
    let mut events = journal.after(0);
    events.retain(|event| event.concerns(what));
    events.split_off(events.len().saturating_sub(LAST_EVENTS))
}

async fn events(State(told): State<Arc<Told>>, Query(wanted): Query<Wanted>) -> Response {
    let (send, receive) = mpsc::channel::<Bytes>(16);
    let mut news = told.journal.subscribe();
    tokio::spawn(async move {
        let mut last = 0;
        loop {
            for event in told.journal.after(last) {
                last = event.number;
                if wanted.takes(&event) && send.send(line(&event)).await.is_err() {
                    return;
                }
            }
            if !wanted.follow || news.changed().await.is_err() {
                return;
            }
        }
    });
    let body = Body::new(Lines(receive));
    ([(header::CONTENT_TYPE, "application/x-ndjson")], body).into_response()
}

fn line(event: &Event) -> Bytes {
    let mut text = serde_json::to_string(event).unwrap_or_default();
    text.push('\n');
    text.into()
}

impl Wanted {
    fn takes(&self, event: &Event) -> bool {
        self.since.is_none_or(|since| event.time >= since)
            && self.concerning.as_deref().is_none_or(|what| event.concerns(what))
    }
}

/// A body whose pieces come through a channel.
struct Lines(mpsc::Receiver<Bytes>);

impl hyper::body::Body for Lines {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<hyper::body::Frame<Bytes>, Self::Error>>> {
        self.0.poll_recv(context).map(|piece| piece.map(|piece| Ok(hyper::body::Frame::data(piece))))
    }
}
