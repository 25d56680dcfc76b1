//! Tells open pages that something changed, as server-sent events. What changed they fetch themselves: there is one
//! way to draw a page.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use tokio::sync::mpsc;

use super::Told;
use super::api::Pieces;
use super::health;

/// How often a page hears that the server lives, in real time. It takes three missed ones as silence.
const BEAT: Duration = Duration::from_secs(5);
/// How many messages may wait for a slow reader.
const WAITING: usize = 4;

/// `changed` when a pass ended, an event came, or what is known became too old; `beat` otherwise.
pub(super) async fn live(State(told): State<Arc<Told>>) -> Response {
    let (send, receive) = mpsc::channel::<Bytes>(WAITING);
    tokio::spawn(async move { tell(&told, &send).await });
    let headers = [(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-store")];
    (headers, Body::new(Pieces(receive))).into_response()
}

/// Until the reader is gone, or the controller.
async fn tell(told: &Told, send: &mpsc::Sender<Bytes>) {
    let mut pictures = told.pictures.clone();
    let mut news = told.journal.subscribe();
    let mut message = "retry: 1000\nevent: beat\ndata: hello\n\n";
    let mut was_overdue = is_overdue(told);
    loop {
        if send.send(Bytes::from_static(message.as_bytes())).await.is_err() {
            return;
        }
        message = tokio::select! {
            biased;
            changed = pictures.changed() => match changed {
                Ok(()) => CHANGED,
                Err(_) => return,
            },
            changed = news.changed() => match changed {
                Ok(()) => CHANGED,
                Err(_) => return,
            },
            () = tokio::time::sleep(BEAT) => {
                let now_overdue = is_overdue(told);
                let message = if now_overdue == was_overdue { "event: beat\ndata: still here\n\n" } else { CHANGED };
                was_overdue = now_overdue;
                message
            }
        };
    }
}

const CHANGED: &str = "event: changed\ndata: something\n\n";

fn is_overdue(told: &Told) -> bool {
    let last = told.pictures.borrow().as_ref().map(|picture| picture.status.at);
    last.is_some_and(|last| health::overdue(told, last).is_some())
}
