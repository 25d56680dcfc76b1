//! Events as calls of a webhook: Slack's, PagerDuty's, or anybody's.
//!
//! Where a webhook is, is a secret: whoever knows it may write there. It is read from a file each time, so that it can be
//! changed, and stands in no message of ours.

mod http;
mod pagerduty;
mod slack;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use hyper::header::{HeaderName, HeaderValue};
use hyper::{Method, Request, StatusCode, Uri};

use super::buffer::Record;
use super::sink::{Delivery, Most, Sink, Trouble, Wants};
use crate::model::event::{Event, Phase, Severity};
use http::{Answered, body, call};
pub use http::{Body, BoxError, Caller, network};

/// Events are sent one by one; so many are taken from the buffer at once.
const MOST: Most = Most { records: 20, bytes: 4 * 1024 * 1024 };
/// How many of the causes that were told are remembered, so that their ends are told too.
const REMEMBERED: usize = 10_000;
/// Where PagerDuty takes events, unless the file says otherwise.
const PAGERDUTY: &str = "https://events.pagerduty.com/v2/enqueue";
/// How long to leave a sink alone that says "too many" and not for how long.
const TOO_MANY: Duration = Duration::from_secs(30);

/// Whose webhook it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// An incoming webhook of Slack.
    Slack,
    /// PagerDuty's Events API v2.
    PagerDuty,
    /// Ours: the event's JSON.
    Generic,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 3] = [Self::Slack, Self::PagerDuty, Self::Generic];

    /// The word itself.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Slack => "slack",
            Self::PagerDuty => "pagerduty",
            Self::Generic => "generic",
        }
    }

    /// What is sent for an event. `key` is PagerDuty's routing key.
    pub fn json(self, event: &Event, key: &str) -> String {
        match self {
            Self::Slack => slack::message(event).to_string(),
            Self::PagerDuty => pagerduty::message(event, key).to_string(),
            Self::Generic => serde_json::to_string(event).unwrap_or_default(),
        }
    }

    /// Whether a success is one of this service's own: something else between us may answer too.
    fn is_its_own(self, text: &str) -> bool {
        match self {
            Self::Slack => text.trim() == "ok",
            Self::PagerDuty => text.contains("\"success\""),
            Self::Generic => true,
        }
    }
}

/// What the file says.
struct Secret {
    url: Uri,
    key: String,
}

/// A webhook.
pub struct Webhook {
    format: Format,
    file: PathBuf,
    least: Severity,
    caller: Caller,
}

impl std::fmt::Debug for Webhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Webhook")
            .field("format", &self.format)
            .field("file", &self.file)
            .finish_non_exhaustive()
    }
}

impl Webhook {
    /// A webhook whose secret is in `file`, for events of severity `least` and above.
    ///
    /// # Errors
    /// When the system's certificates cannot be read.
    pub fn new(format: Format, file: PathBuf, least: Severity) -> std::io::Result<Self> {
        Ok(Self::through(network()?, format, file, least))
    }

    /// The same, called through `caller`.
    pub fn through(caller: Caller, format: Format, file: PathBuf, least: Severity) -> Self {
        Self { format, file, least, caller }
    }

    /// Looks whether its file can be used, before anything happens that must be told. The file is read anew for every
    /// event, so what is wrong now may be right later.
    ///
    /// # Errors
    /// What is wrong with it, without the secret.
    pub fn check(&self) -> Result<(), String> {
        secret(self.format, &self.file).map(drop).map_err(|trouble| trouble.why)
    }

    /// The name of the sink: the format, and the file's where it differs.
    pub(super) fn name(&self) -> String {
        let stem = self.file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let stem: String =
            stem.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '-' }).collect();
        match self.format.word() {
            word if word == stem || stem.is_empty() => word.to_owned(),
            word => format!("{word}-{stem}"),
        }
    }

    /// What the webhook is sent: what is severe enough, and the end of whatever was.
    pub(super) fn wants(&self) -> Wants {
        let (least, mut told) = (self.least, BTreeSet::<Arc<str>>::new());
        Box::new(move |event| {
            let is_severe = event.severity >= least;
            if event.phase == Phase::Resolved {
                return told.remove(&event.fingerprint) || is_severe;
            }
            if is_severe && told.len() < REMEMBERED {
                told.insert(event.fingerprint.clone());
            }
            // What was told of once is told of until it ends.
            is_severe || told.contains(&event.fingerprint)
        })
    }

    async fn send(&self, event: &Event) -> Result<Answered, Trouble> {
        let Secret { url, key } = secret(self.format, &self.file)?;
        let hidden = hidden(&url, &key);
        let mut request = Request::new(body(self.format.json(event, &key)));
        *request.method_mut() = Method::POST;
        let headers = request.headers_mut();
        headers.insert("content-type", HeaderValue::from_static("application/json"));
        headers.insert(
            "user-agent",
            HeaderValue::from_static(concat!("watchkeeper/", env!("CARGO_PKG_VERSION"))),
        );
        if let Some(host) = url.authority().and_then(|host| HeaderValue::from_str(host.as_str()).ok()) {
            headers.insert("host", host);
        }
        if let Ok(key) = HeaderValue::from_str(&idempotency(event)) {
            headers.insert(HeaderName::from_static("idempotency-key"), key);
        }
        *request.uri_mut() = url;
        call(&self.caller, request, &hidden).await.map_err(Trouble::new)
    }
}

/// The same for the same event, however often it is sent.
fn idempotency(event: &Event) -> String {
    format!("{}-{}-{}", event.fingerprint, event.time.as_millisecond(), event.number)
}

/// Reads the secret. What is wrong with it is said without it.
fn secret(format: Format, file: &Path) -> Result<Secret, Trouble> {
    let trouble = |why: &str| Trouble::new(format!("{}: {why}", file.display()));
    let text = std::fs::read_to_string(file).map_err(|error| trouble(&error.to_string()))?;
    let mut lines = text.lines().map(str::trim);
    let first = lines.next().unwrap_or_default();
    if first.is_empty() {
        return Err(trouble("its first line is empty"));
    }
    let (url, key) = match format {
        Format::PagerDuty => (lines.next().filter(|line| !line.is_empty()).unwrap_or(PAGERDUTY), first),
        Format::Slack | Format::Generic => (first, ""),
    };
    let url: Uri = url.parse().map_err(|_| trouble("it holds no URL"))?;
    let is_near = matches!(url.host(), Some("127.0.0.1" | "localhost" | "[::1]"));
    match url.scheme_str() {
        Some("https") => {}
        Some("http") if is_near => {}
        _ => return Err(trouble("its URL does not begin with https://")),
    }
    Ok(Secret { url, key: key.to_owned() })
}

/// What must not stand in a message, the longest first.
fn hidden(url: &Uri, key: &str) -> Vec<String> {
    let path = url.path_and_query().map(|path| path.as_str().to_owned()).unwrap_or_default();
    let host = url.authority().map(|host| host.as_str().to_owned()).unwrap_or_default();
    let name = url.host().unwrap_or_default().to_owned();
    let all = [url.to_string(), path, host, name, key.to_owned()];
    all.into_iter().filter(|part| part.len() > 1).collect()
}

impl Sink for Webhook {
    fn most(&self) -> Most {
        MOST
    }

    fn tells_gaps(&self) -> bool {
        false
    }

    async fn deliver(&mut self, batch: &[Record]) -> Delivery {
        let mut delivery = Delivery::default();
        for record in batch {
            let Ok(event) = serde_json::from_str::<Event>(&record.text) else {
                // A later version may have left it in the buffer.
                delivery.through = Some(record.number);
                refuse(&mut delivery, "it is no event that this version knows");
                continue;
            };
            match self.send(&event).await.map(|answered| self.judge(&answered)) {
                Ok(Judged::Taken) => delivery.delivered += 1,
                Ok(Judged::Refused(why)) => refuse(&mut delivery, &why),
                Ok(Judged::Later(trouble)) | Err(trouble) => {
                    delivery.trouble = Some(trouble);
                    return delivery;
                }
            }
            delivery.through = Some(record.number);
        }
        delivery
    }
}

fn refuse(delivery: &mut Delivery, why: &str) {
    let (count, _) = delivery.refused.take().unwrap_or_default();
    delivery.refused = Some((count + 1, why.to_owned()));
}

/// What an answer means for the event.
enum Judged {
    Taken,
    Refused(String),
    Later(Trouble),
}

impl Webhook {
    fn judge(&self, answered: &Answered) -> Judged {
        let Answered { status, text, retry_after } = answered;
        let says = if text.is_empty() { status.to_string() } else { format!("{status}: {text}") };
        match *status {
            status if status.is_success() && self.format.is_its_own(text) => Judged::Taken,
            status if status.is_success() => Judged::Later(Trouble::new(format!(
                "something else than {} answers: {says}",
                self.format.word()
            ))),
            // The request itself is not to its liking: the same again would be refused again.
            StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE | StatusCode::UNPROCESSABLE_ENTITY => {
                Judged::Refused(says)
            }
            StatusCode::TOO_MANY_REQUESTS => {
                Judged::Later(Trouble { why: says, wait: Some(retry_after.unwrap_or(TOO_MANY)) })
            }
            status if status.is_redirection() => {
                Judged::Later(Trouble::new(format!("{status}: redirects are not followed")))
            }
            _ => Judged::Later(Trouble { why: says, wait: *retry_after }),
        }
    }
}
