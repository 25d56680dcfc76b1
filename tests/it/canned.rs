//! An HTTP client for the AWS SDK whose replies are written down beforehand.
//!
//! For what AWS may say and the simulator does not: single odd replies, one after the other.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use watchkeeper::aws::Clients;
use watchkeeper::aws::connect::with_http;
use watchkeeper::clock::Clock;

/// What becomes of one request.
#[derive(Clone, Debug)]
pub enum Reply {
    /// A status and a body.
    Body(u16, String),
    /// The connection breaks.
    Broken,
    /// Nothing, for ever.
    Silence,
}

/// A good reply.
pub fn ok(body: impl ToString) -> Reply {
    Reply::Body(200, body.to_string())
}

/// A script of replies: each for the operation it names, in order.
#[derive(Clone, Debug)]
pub struct Canned(Arc<Mutex<VecDeque<(&'static str, Reply)>>>);

impl Canned {
    /// Clients that get these replies, on a clock that tests may pause.
    pub fn clients(script: impl IntoIterator<Item = (&'static str, Reply)>) -> (Clients, Self) {
        let epoch = "2026-01-01T00:00:00Z".parse().expect("a timestamp");
        let canned = Self(Arc::new(Mutex::new(script.into_iter().collect())));
        let clock = Clock::pretended(epoch, 1.0);
        (with_http(canned.clone(), &clock, "AKIATEST", "us-east-1", "test"), canned)
    }

    /// The replies that nobody asked for.
    pub fn left(&self) -> usize {
        self.0.lock().expect("no test panicked").len()
    }

    fn next(&self, operation: &str) -> Reply {
        let mut script = self.0.lock().expect("no test panicked");
        let place = script.iter().position(|(of, _)| *of == operation);
        let found = place.and_then(|place| script.remove(place));
        found.map_or_else(|| panic!("nothing is written down for {operation}"), |(_, reply)| reply)
    }
}

impl HttpClient for Canned {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Canned {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let reply = self.next(&operation(&request));
        HttpConnectorFuture::new(async move {
            match reply {
                Reply::Body(status, body) => {
                    let status = status.try_into().expect("a status");
                    Ok(HttpResponse::new(status, SdkBody::from(body)))
                }
                Reply::Broken => Err(ConnectorError::io("the connection broke".into())),
                Reply::Silence => std::future::pending().await,
            }
        })
    }
}

/// The operation's name: in a header for the JSON services, in the form for the others.
fn operation(request: &HttpRequest) -> String {
    if let Some(target) = request.headers().get("x-amz-target") {
        return target.rsplit('.').next().expect("a target").to_owned();
    }
    let body = String::from_utf8_lossy(request.body().bytes().expect("in memory"));
    let action = body.split('&').find_map(|pair| pair.strip_prefix("Action="));
    action.expect("an action").to_owned()
}
