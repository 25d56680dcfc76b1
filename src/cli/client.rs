//! A very small HTTP client, for asking controllers and simulators on loopback.

use anyhow::{Context as _, bail};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::{Request, Response, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// What to try when a command needs a running controller and cannot ask it.
pub const NO_CONTROLLER: &str = "no running controller could be asked: start one with `watchkeeper run`, or name its address with --server";

/// The text at `path` of the server at `url`.
///
/// # Errors
/// When nobody answers, or not with success.
pub async fn get(url: &str, path: &str) -> anyhow::Result<String> {
    let (status, text) = answer(url, path).await?;
    if status != StatusCode::OK {
        bail!("{url}{path} answers {status}: {}", text.trim());
    }
    Ok(text)
}

/// What the server at `url` says at `path`, whether that is a success or not.
///
/// # Errors
/// When nobody answers.
pub async fn answer(url: &str, path: &str) -> anyhow::Result<(StatusCode, String)> {
    let reply = open(url, path).await?;
    let status = reply.status();
    let body = reply.into_body().collect().await.context("the answer broke off")?.to_bytes();
    Ok((status, String::from_utf8_lossy(&body).into_owned()))
}

/// Hands every line at `path` to `take` as it comes, until the server ends or `take` says false.
///
/// # Errors
/// When nobody answers, not with success, or the connection breaks.
pub async fn lines(url: &str, path: &str, mut take: impl FnMut(&str) -> bool) -> anyhow::Result<()> {
    let reply = open(url, path).await?;
    if reply.status() != StatusCode::OK {
        bail!("{url}{path} answers {}", reply.status());
    }
    let mut body = reply.into_body();
    let mut rest = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.context("the connection broke")?;
        rest.extend_from_slice(frame.data_ref().map(|data| &data[..]).unwrap_or_default());
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = rest.drain(..=end).collect();
            if !take(String::from_utf8_lossy(&line).trim_end()) {
                return Ok(());
            }
        }
    }
    Ok(())
}

async fn open(url: &str, path: &str) -> anyhow::Result<Response<Incoming>> {
    let base: Uri = url.trim_end_matches('/').parse().with_context(|| format!("`{url}` is no address"))?;
    if base.scheme_str() != Some("http") {
        bail!("`{url}`: only http:// is spoken here, since nothing leaves this machine");
    }
    let host = base.host().unwrap_or("127.0.0.1").to_owned();
    let port = base.port_u16().unwrap_or(80);
    let stream = TcpStream::connect((host.as_str(), port))
        .await
        .with_context(|| format!("nobody answers at {url}"))?;
    let (mut send, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let request = Request::get(path).header("host", format!("{host}:{port}")).body(Empty::<Bytes>::new())?;
    Ok(send.send_request(request).await?)
}

/// `text` as one value of a query string.
pub fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}
