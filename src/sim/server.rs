//! The simulator on loopback, for every AWS client.
//!
//! Every POST is an AWS call, whatever its path. There is no authentication: whoever reaches the address may do
//! everything in the simulated estate, so a caller that opens the listener asks [`is_loopback`] first.

use std::net::SocketAddr;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, HeaderValue, Response as HttpResponse, Uri};
use axum::routing::{get, post};
use http_body_util::{Full, Limited};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::wire::{Request, Response};
use super::{Answer, Sim};

/// No AWS call that the simulator knows is larger: a full batch of `PutLogEvents`, whose text JSON may escape sixfold.
const BODY_LIMIT: usize = 8 * 1024 * 1024;

const GREETING: &str =
    "This is Watchkeeper's simulated AWS. Point an AWS client here with AWS_ENDPOINT_URL.\n";

/// Serves `sim` on `listener` until `stop`. Calls that will never be answered are dropped then.
///
/// # Errors
/// When the listener fails.
pub async fn serve(sim: Sim, listener: TcpListener, stop: CancellationToken) -> std::io::Result<()> {
    let app = Router::new()
        .route("/", get(async || GREETING).post(answer))
        .route("/clock", get(clock))
        .route("/{*path}", post(answer))
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .with_state(sim);
    // A graceful shutdown would wait for the calls that are held for ever.
    tokio::select! {
        biased;
        () = stop.cancelled() => Ok(()),
        served = async { axum::serve(listener, app).await } => served,
    }
}

/// Whether only this machine can reach `address`.
pub fn is_loopback(address: SocketAddr) -> bool {
    address.ip().is_loopback()
}

/// What time it is here, and how fast it passes: for a controller that wants to live in the same time.
async fn clock(State(sim): State<Sim>) -> String {
    format!("{} {}\n", sim.now(), sim.clock().speed())
}

async fn answer(State(sim): State<Sim>, uri: Uri, headers: HeaderMap, body: Bytes) -> HttpResponse<Body> {
    match sim.call(&incoming(uri.path(), &headers, &body)) {
        Answer::Reply(response) => outgoing(response),
        Answer::Silence => std::future::pending().await,
        Answer::Broken => broken(),
    }
}

fn incoming(path: &str, headers: &HeaderMap, body: &[u8]) -> Request {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers = headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect();
    Request { path: path.to_owned(), headers, body: body.to_vec() }
}

fn outgoing(response: Response) -> HttpResponse<Body> {
    let mut reply = HttpResponse::builder()
        .status(response.status)
        .header("content-type", response.content_type)
        .header("x-amzn-requestid", &response.request_id);
    if let Some(protocol) = response.protocol() {
        reply = reply.header("smithy-protocol", protocol);
    }
    let reply = reply.body(Body::from(response.body));
    // Status and headers are the simulator's own; a reply that HTTP cannot say is as good as none.
    reply.unwrap_or_else(|_| broken())
}

/// A reply whose body breaks off: the server closes the connection, and no client takes it for an answer.
///
/// A body that is longer than it may be fails when it is sent, which is all that is wanted here.
fn broken() -> HttpResponse<Body> {
    HttpResponse::new(Body::new(Limited::new(Full::from(Bytes::from_static(b"lost")), 1)))
}
