//! One HTTP call, in bounded time, of which nothing is told that must stay secret.

use std::error::Error;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::{Request, Response, StatusCode};
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;

use crate::journal::human::harmless;

/// How long a call may take, its answer included. The world outside keeps real time.
const ANSWERED_WITHIN: Duration = Duration::from_secs(10);
/// How much of an answer is read, in bytes: no service of ours says more that matters.
const READ: usize = 16 * 1024;
/// How much of an answer is told, in characters.
const TOLD: usize = 200;

/// What is sent.
pub type Body = Full<Bytes>;
/// Whatever can go wrong on the way.
pub type BoxError = Box<dyn Error + Send + Sync>;
/// Sends one request. A test puts a connection of its own here.
pub type Caller = Arc<
    dyn Fn(Request<Body>) -> Pin<Box<dyn Future<Output = Result<Response<Incoming>, BoxError>> + Send>>
        + Send
        + Sync,
>;

/// What came back.
#[derive(Debug)]
pub(super) struct Answered {
    pub status: StatusCode,
    /// The beginning of what it says, harmless, on one line.
    pub text: String,
    pub retry_after: Option<Duration>,
}

/// Calls over the network, with TLS as the system trusts it. Redirects are not followed.
///
/// # Errors
/// When the system's certificates cannot be read.
pub fn network() -> std::io::Result<Caller> {
    let tls = HttpsConnectorBuilder::new().with_native_roots()?.https_or_http().enable_http1().build();
    let client: Client<_, Body> = Client::builder(TokioExecutor::new()).build(tls);
    Ok(Arc::new(move |request| {
        let response = client.request(request);
        Box::pin(async move { response.await.map_err(Into::into) })
    }))
}

pub(super) fn body(text: String) -> Body {
    Full::new(Bytes::from(text))
}

/// Makes a call. Neither the answer nor the error holds any of `hidden`.
pub(super) async fn call(
    caller: &Caller,
    request: Request<Body>,
    hidden: &[String],
) -> Result<Answered, String> {
    let work = async {
        let response = caller(request).await.map_err(|error| spelled(&*error))?;
        let status = response.status();
        let retry_after = response.headers().get("retry-after").and_then(|value| value.to_str().ok());
        let retry_after = retry_after.and_then(|value| value.trim().parse().ok()).map(Duration::from_secs);
        // What is too long is no answer that we know; what breaks off is none at all.
        let text = match Limited::new(response.into_body(), READ).collect().await {
            Ok(body) => String::from_utf8_lossy(&body.to_bytes()).into_owned(),
            Err(error) if error.is::<http_body_util::LengthLimitError>() => "a long answer".to_owned(),
            Err(error) => return Err(spelled(&*error)),
        };
        Ok(Answered { status, text: told(&text, hidden), retry_after })
    };
    match tokio::time::timeout(ANSWERED_WITHIN, work).await {
        Ok(answered) => answered.map_err(|why| told(&why, hidden)),
        Err(_) => Err(format!("no answer within {} s", ANSWERED_WITHIN.as_secs())),
    }
}

fn told(text: &str, hidden: &[String]) -> String {
    let open = hidden.iter().fold(text.to_owned(), |text, secret| text.replace(secret, "…"));
    harmless(open.trim()).chars().take(TOLD).collect()
}

/// The whole chain on one line.
fn spelled(error: &(dyn Error + 'static)) -> String {
    let chain = std::iter::successors(Some(error), |error: &&(dyn Error + 'static)| (*error).source());
    chain.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
