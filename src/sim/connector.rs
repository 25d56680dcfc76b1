//! The simulator in process: an HTTP client for the AWS SDK that never touches the network.

use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;

use super::wire::{Request, Response};
use super::{Answer, Sim};

/// How long a call takes on the simulated network.
const LATENCY: Duration = Duration::from_millis(20);

/// An HTTP client whose only server is a [`Sim`].
#[derive(Clone, Debug)]
pub struct Connector {
    sim: Sim,
}

impl Connector {
    /// A client of `sim`.
    pub fn new(sim: Sim) -> Self {
        Self { sim }
    }
}

impl HttpClient for Connector {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let sim = self.sim.clone();
        HttpConnectorFuture::new(async move {
            sim.clock().sleep(LATENCY).await;
            match sim.call(&incoming(&request)) {
                Answer::Reply(response) => outgoing(response),
                Answer::Silence => std::future::pending().await,
                Answer::Broken => Err(ConnectorError::io("the simulator lost the reply".into())),
            }
        })
    }
}

fn incoming(request: &HttpRequest) -> Request {
    let headers =
        request.headers().iter().map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect();
    // Every SDK request that the simulator knows is in memory; a streaming one has no operation here.
    let body = request.body().bytes().unwrap_or_default().to_vec();
    Request { path: path(request.uri()), headers, body }
}

/// The path of a whole address, or of one that is a path already.
fn path(uri: &str) -> String {
    let after_host =
        uri.split_once("://").map_or(uri, |(_, rest)| rest.find('/').map_or("", |at| &rest[at..]));
    after_host.split('?').next().unwrap_or_default().to_owned()
}

fn outgoing(response: Response) -> Result<HttpResponse, ConnectorError> {
    let status =
        StatusCode::try_from(response.status).map_err(|error| ConnectorError::other(error.into(), None))?;
    let protocol = response.protocol();
    let mut reply = HttpResponse::new(status, SdkBody::from(response.body));
    let headers = reply.headers_mut();
    if let Some(protocol) = protocol {
        headers.insert("smithy-protocol", protocol);
    }
    headers.insert("content-type", response.content_type);
    headers.insert("x-amzn-requestid", response.request_id);
    Ok(reply)
}
