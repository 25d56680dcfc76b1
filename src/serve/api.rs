//! What programs read: status, events as they come, explanations, coverage. JSON, and nothing drawn.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Json, Response};
use jiff::Timestamp;
use serde::Deserialize;
use tokio::sync::{mpsc, oneshot};

use super::Told;
use crate::controller::Asked;
use crate::journal::Journal;
use crate::model::event::Event;
use crate::model::explain::{Explanation, NotKnown};
use crate::model::picture::Picture;

/// How long an answer may take that has to wait for the end of a pass, in real time.
const ANSWERED_WITHIN: Duration = Duration::from_secs(30);
/// How many of the last events an explanation has.
const LAST_EVENTS: usize = 8;

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

/// Of what an explanation is wanted.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Explain {
    /// A node, a network or an object, in a person's words.
    pub what: String,
}

/// Why there is no explanation.
#[derive(Clone, Debug)]
pub(super) enum Unexplained {
    /// There is no such thing, or several.
    NotKnown(NotKnown),
    /// A pass is under way: ask again.
    Busy,
    /// Nothing is known yet.
    TooEarly,
}

/// Where everything stands, as it must be read now.
pub(super) async fn status(State(told): State<Arc<Told>>) -> Response {
    shown(&told, |picture| Json(&picture.status).into_response())
}

/// Everything that is shown of the scope.
pub(super) async fn picture(State(told): State<Arc<Told>>) -> Response {
    shown(&told, |picture| Json(picture).into_response())
}

/// What is observed.
pub(super) async fn coverage(State(told): State<Arc<Told>>) -> Response {
    shown(&told, |picture| Json(&picture.coverage).into_response())
}

fn shown(told: &Told, show: impl FnOnce(&Picture) -> Response) -> Response {
    let picture = told.pictures.borrow().clone();
    let now = told.clock.now();
    match picture {
        Some(picture) if picture.is_good(now) => show(&picture),
        Some(picture) => show(&Picture::clone(&picture).seen_at(now)),
        None => too_early(),
    }
}

fn too_early() -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, "no pass has ended yet\n").into_response()
}

/// Everything that is known of one thing. The loop answers between its passes.
pub(super) async fn explain(State(told): State<Arc<Told>>, Query(wanted): Query<Explain>) -> Response {
    match explained(&told, wanted.what, ANSWERED_WITHIN).await {
        Ok(explanation) => Json(explanation).into_response(),
        Err(Unexplained::NotKnown(why)) => (StatusCode::NOT_FOUND, format!("{why}\n")).into_response(),
        Err(Unexplained::TooEarly) => too_early(),
        Err(Unexplained::Busy) => {
            (StatusCode::SERVICE_UNAVAILABLE, "a pass is under way; ask again\n").into_response()
        }
    }
}

/// Asks the loop, and adds the last events.
pub(super) async fn explained(
    told: &Told,
    what: String,
    within: Duration,
) -> Result<Box<Explanation>, Unexplained> {
    let (reply, answer) = oneshot::channel();
    let asked = told.questions.send(Asked { what, reply });
    let answer = tokio::time::timeout(within, async {
        asked.await.ok()?;
        answer.await.ok()
    });
    match answer.await {
        Ok(Some(Ok(mut explanation))) => {
            explanation.events = last_events(&told.journal, &explanation.subject.to_string());
            Ok(explanation)
        }
        Ok(Some(Err(not_known))) => Err(Unexplained::NotKnown(not_known)),
        Ok(None) => Err(Unexplained::TooEarly),
        Err(_) => Err(Unexplained::Busy),
    }
}

pub(super) fn last_events(journal: &Journal, what: &str) -> Vec<Event> {
    let mut events = journal.after(0);
    events.retain(|event| event.concerns(what));
    events.split_off(events.len().saturating_sub(LAST_EVENTS))
}

pub(super) async fn events(State(told): State<Arc<Told>>, Query(wanted): Query<Wanted>) -> Response {
    let (send, receive) = mpsc::channel::<Bytes>(16);
    let picture = told.pictures.borrow().clone();
    let meant = wanted.concerning.as_deref().map(|what| match &picture {
        Some(picture) => picture.meant_by(what),
        None => vec![what.into()],
    });
    let mut news = told.journal.subscribe();
    tokio::spawn(async move {
        let mut last = 0;
        loop {
            for event in told.journal.after(last) {
                last = event.number;
                let is_meant =
                    meant.as_ref().is_none_or(|meant| meant.iter().any(|what| event.concerns(what)));
                let is_late = wanted.since.is_none_or(|since| event.time >= since);
                if is_meant && is_late && send.send(line(&event)).await.is_err() {
                    return;
                }
            }
            if !wanted.follow || news.changed().await.is_err() {
                return;
            }
        }
    });
    let body = Body::new(Pieces(receive));
    ([(header::CONTENT_TYPE, "application/x-ndjson")], body).into_response()
}

fn line(event: &Event) -> Bytes {
    let mut text = serde_json::to_string(event).unwrap_or_default();
    text.push('\n');
    text.into()
}

/// A body whose pieces come through a channel.
pub(super) struct Pieces(pub(super) mpsc::Receiver<Bytes>);

impl hyper::body::Body for Pieces {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<hyper::body::Frame<Bytes>, Self::Error>>> {
        self.0.poll_recv(context).map(|piece| piece.map(|piece| Ok(hyper::body::Frame::data(piece))))
    }
}
