//! Who may read, and what browsers may do with what they read.
//!
//! On loopback everybody on this machine may, by a name of this machine: a page of somebody else's whose name was
//! made to resolve to 127.0.0.1 may not. Beyond loopback a token is asked for, or somebody has said that all may read.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

/// The shortest token that is taken, in bytes: 16 random letters and digits cannot be guessed over a network.
const SHORTEST: usize = 16;
/// The largest token file that is read, in bytes.
const LARGEST: usize = 4096;

/// Everything comes from here, nothing is inline, nobody may frame it or send its forms elsewhere.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";

/// Whom the server lets in.
#[derive(Clone)]
pub struct Guard {
    /// The SHA-256 of the token that is asked for.
    token: Option<[u8; 32]>,
    /// Whether the name that a browser asks for must be one of this machine.
    checks_host: bool,
}

/// Why the server does not listen at an address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0} can be reached from other machines, and what the page shows is not for everyone: ask for a token with --token-file FILE, let everyone read with --read-only-public, or listen on loopback, such as 127.0.0.1:8080"
)]
pub struct Refused(pub SocketAddr);

/// A token file that holds no token.
#[derive(Debug, thiserror::Error)]
pub enum TokenUnusable {
    /// It cannot be read.
    #[error("the token file {0} cannot be read")]
    Unreadable(String, #[source] std::io::Error),
    /// It holds too little, too much, or what no header can carry.
    #[error(
        "the token file {0} must hold one token of {SHORTEST} characters or more, without spaces: `openssl rand -hex 32` makes one"
    )]
    Unfit(String),
}

/// The token in `file`, without the white space around it.
///
/// # Errors
/// When the file cannot be read, or holds no token that is long enough.
pub fn token(file: &Path) -> Result<String, TokenUnusable> {
    let name = || file.display().to_string();
    let text = std::fs::read_to_string(file).map_err(|error| TokenUnusable::Unreadable(name(), error))?;
    let token = text.trim();
    let fits =
        (SHORTEST..=LARGEST).contains(&token.len()) && token.bytes().all(|byte| byte.is_ascii_graphic());
    if fits { Ok(token.to_owned()) } else { Err(TokenUnusable::Unfit(name())) }
}

impl Guard {
    /// Lets in whoever is on this machine.
    pub const fn loopback() -> Self {
        Self { token: None, checks_host: true }
    }

    /// The guard of a server that listens at `address`.
    ///
    /// # Errors
    /// When others can reach the address, and neither a token is asked for nor everyone may read.
    pub fn at(address: SocketAddr, token: Option<&str>, public: bool) -> Result<Self, Refused> {
        let is_loopback = is_loopback(address.ip());
        if !is_loopback && token.is_none() && !public {
            return Err(Refused(address));
        }
        Ok(Self { token: token.map(digest), checks_host: is_loopback })
    }

    fn refusal(&self, headers: &HeaderMap, path: &str) -> Option<Response> {
        // Health checks have no token, and tell nothing of the estate.
        if matches!(path, "/healthz" | "/readyz") {
            return None;
        }
        if self.checks_host && !names_this_machine(headers) {
            let why = "This address is not one of this machine's own names: open http://127.0.0.1 or http://localhost with the port that Watchkeeper listens on.\n";
            return Some((StatusCode::MISDIRECTED_REQUEST, why).into_response());
        }
        let token = self.token.as_ref()?;
        if given(headers).is_some_and(|given| equal(&digest(&given), token)) {
            return None;
        }
        let asks = [(header::WWW_AUTHENTICATE, "Basic realm=\"Watchkeeper\", charset=\"UTF-8\"")];
        let why = "A token is needed: `Authorization: Bearer TOKEN`, or in a browser any user name with the token as password.\n";
        Some((StatusCode::UNAUTHORIZED, asks, why).into_response())
    }
}

/// The token never shows, not even hashed.
impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let asks = if self.token.is_some() { "a token" } else { "nothing" };
        f.debug_struct("Guard").field("asks", &asks).field("checks_host", &self.checks_host).finish()
    }
}

/// Lets a request through, or answers it.
pub(super) async fn check(State(guard): State<Arc<Guard>>, request: Request, next: Next) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let why = "Nothing can be changed here: only GET and HEAD are answered.\n";
        return (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "GET, HEAD")], why).into_response();
    }
    match guard.refusal(request.headers(), request.uri().path()) {
        Some(refusal) => guarded(refusal),
        None => next.run(request).await,
    }
}

/// Adds what tells browsers to be careful.
pub(super) async fn headers(request: Request, next: Next) -> Response {
    guarded(next.run(request).await)
}

fn guarded(mut response: Response) -> Response {
    let headers = response.headers_mut();
    let always: [(HeaderName, &'static str); 6] = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    for (name, value) in always {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// The token that a request brings: as a bearer, or as the password of whatever user.
fn given(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, rest) = value.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(rest.trim().to_owned());
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(rest.trim()).ok()?).ok()?;
    decoded.split_once(':').map(|(_, password)| password.to_owned())
}

/// Whether the host that is asked for is this machine, by a name that nobody else can own.
fn names_this_machine(headers: &HeaderMap) -> bool {
    let mut hosts = headers.get_all(header::HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else { return false };
    let Ok(host) = host.to_str() else { return false };
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    if name.eq_ignore_ascii_case("localhost") {
        return true;
    }
    let bare = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    bare.parse().is_ok_and(is_loopback)
}

fn is_loopback(ip: IpAddr) -> bool {
    ip.to_canonical().is_loopback()
}

fn digest(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

/// Looks at every byte, whatever the first ones are. What is compared are digests: how long the comparison takes
/// would not tell the token even if it varied.
fn equal(left: &[u8; 32], right: &[u8; 32]) -> bool {
    left.iter().zip(right).fold(0, |differs, (left, right)| differs | (left ^ right)) == 0
}
