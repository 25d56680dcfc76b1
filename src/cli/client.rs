//! A very small HTTP client, for asking controllers and simulators.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::{Request, Response, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// What to try when a command needs a running controller and cannot ask it.
const NO_CONTROLLER: &str = "no running controller could be asked: start one with `watchkeeper run`, or name its address with --server";

/// Where else to look.
const FROM_LOGS: &str = "`--from logs --events-group GROUP` tells what it left";
/// How long an answer may take: an explanation waits for the end of a pass.
const ANSWERED_WITHIN: Duration = Duration::from_secs(35);
/// What is only shown is there at once.
const SHOWN_WITHIN: Duration = Duration::from_secs(10);

/// Whom to ask.
#[derive(Clone, Debug, clap::Args)]
pub struct Server {
    /// The running controller
    #[arg(long = "server", default_value = "http://127.0.0.1:8080", value_name = "URL")]
    pub url: String,
    /// The file with the token that the controller asks for
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
}

impl Server {
    /// The server at `url`, which asks for no token.
    pub fn at(url: &str) -> Self {
        Self { url: url.to_owned(), token_file: None }
    }
}

/// The text at `path` of `server`.
///
/// # Errors
/// When nobody answers, or not with success.
pub async fn get(server: &Server, path: &str) -> anyhow::Result<String> {
    let asked = tokio::time::timeout(SHOWN_WITHIN, answer(server, path)).await;
    let (status, text) = asked.unwrap_or_else(|_| Err(hangs(server)))?;
    if status != StatusCode::OK {
        bail!("{}{path} answers {status}: {}{}", server.url, text.trim(), advice(status));
    }
    Ok(text)
}

/// What `server` says at `path`, whether that is a success or not.
///
/// # Errors
/// When nobody answers.
pub async fn answer(server: &Server, path: &str) -> anyhow::Result<(StatusCode, String)> {
    let asked = async {
        let reply = open(server, path).await?;
        let status = reply.status();
        let body = reply.into_body().collect().await.context("the answer broke off")?.to_bytes();
        Ok((status, String::from_utf8_lossy(&body).into_owned()))
    };
    match tokio::time::timeout(ANSWERED_WITHIN, asked).await {
        Ok(answer) => answer,
        Err(_) => Err(hangs(server)),
    }
}

/// Hands every line at `path` to `take` as it comes, until the server ends or `take` says false.
///
/// # Errors
/// When nobody answers, not with success, or the connection breaks.
pub async fn lines(server: &Server, path: &str, mut take: impl FnMut(&str) -> bool) -> anyhow::Result<()> {
    let reply = open(server, path).await?;
    if reply.status() != StatusCode::OK {
        bail!("{}{path} answers {}{}", server.url, reply.status(), advice(reply.status()));
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

fn hangs(server: &Server) -> anyhow::Error {
    anyhow!("{} took the question and does not answer: it may hang. {FROM_LOGS}", server.url)
}

/// What to try, where that is known.
fn advice(status: StatusCode) -> &'static str {
    if status == StatusCode::UNAUTHORIZED { " (name the file that holds it with --token-file)" } else { "" }
}

async fn open(server: &Server, path: &str) -> anyhow::Result<Response<Incoming>> {
    let url = &server.url;
    let base: Uri = url.trim_end_matches('/').parse().with_context(|| format!("`{url}` is no address"))?;
    if base.scheme_str() != Some("http") {
        bail!("`{url}`: only http:// is spoken here; what is encrypted ends before the controller");
    }
    let host = base.host().unwrap_or("127.0.0.1").to_owned();
    let port = base.port_u16().unwrap_or(80);
    let stream = TcpStream::connect((host.as_str(), port))
        .await
        .with_context(|| format!("nobody answers at {url}"))
        .context(NO_CONTROLLER)?;
    let (mut send, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let mut request = Request::get(path).header("host", format!("{host}:{port}"));
    if let Some(file) = &server.token_file {
        request = request.header("authorization", format!("Bearer {}", crate::serve::token(file)?));
    }
    Ok(send.send_request(request.body(Empty::<Bytes>::new())?).await?)
}

/// `text` as one value of a query string.
pub fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}
