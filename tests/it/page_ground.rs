//! The page served over loopback from a picture made by hand, and a strict reader of what it answers.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::net::SocketAddr;
use std::sync::Arc;

use flate2::read::GzDecoder;
use http_body_util::{BodyExt as _, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::{HeaderMap, Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use jiff::{SignedDuration, Timestamp};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use watchkeeper::clock::Clock;
use watchkeeper::controller::Asked;
use watchkeeper::journal::{Journal, Style};
use watchkeeper::metrics::Metrics;
use watchkeeper::model::desired::{Kind, ObjectRef};
use watchkeeper::model::event::{Before, Event, Phase, Severity};
use watchkeeper::model::explain::{Explanation, NotKnown, Subject};
use watchkeeper::model::picture::{Category, Condition, Coverage, Line, Part, Picture, Share, Signal, Sort};
use watchkeeper::model::reason::Reason;
use watchkeeper::model::rollout::Progress;
use watchkeeper::model::status::{Standing, Status, Truth};
use watchkeeper::serve::{Guard, Told, serve_to};
use watchkeeper::sim::Sim;
use watchkeeper::sim::scenario::{self, Scenario};

use crate::estate::{EPOCH, scope};

/// A server that tells of one picture.
pub struct Site {
    /// Where it listens.
    pub address: SocketAddr,
    /// The picture, to be changed.
    pub pictures: watch::Sender<Option<Arc<Picture>>>,
    /// The events, to be added to.
    pub journal: Journal,
    stop: CancellationToken,
}

impl Drop for Site {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// What the server answered.
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
    /// How many bytes came over the wire.
    pub size: usize,
}

impl Reply {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

impl Site {
    /// Serves whoever is on this machine.
    pub async fn of(picture: Option<Picture>, explanation: Option<Explanation>) -> Self {
        Self::guarded(Guard::loopback(), picture, explanation).await
    }

    pub async fn guarded(guard: Guard, picture: Option<Picture>, explanation: Option<Explanation>) -> Self {
        let clock = Clock::pretended(epoch(), 1.0);
        Self::at(clock, guard, picture, explanation).await
    }

    pub async fn at(
        clock: Clock,
        guard: Guard,
        picture: Option<Picture>,
        explanation: Option<Explanation>,
    ) -> Self {
        let (pictures, seen) = watch::channel(picture.map(Arc::new));
        let journal = Journal::new(Style::Silent);
        let (questions, asked) = mpsc::channel(16);
        tokio::spawn(answer(asked, explanation));
        let interval = SignedDuration::from_secs(60);
        let sim = Sim::new(scenario::build(Scenario::Empty, 1, epoch()), clock.clone());
        let clients = scope(&sim, &clock, 1, "page").clients;
        let metrics = Metrics::new(clients, clock.clone(), interval, seen.clone());
        let told = Told { pictures: seen, journal: journal.clone(), questions, metrics, clock, interval };
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a socket");
        let address = listener.local_addr().expect("an address");
        let stop = CancellationToken::new();
        tokio::spawn(serve_to(guard, told, listener, stop.clone()));
        Self { address, pictures, journal, stop }
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.ask(Method::GET, path, &[]).await
    }

    pub async fn live(&self) -> Live {
        Live(self.open(Method::GET, "/live", &[]).await.into_body())
    }

    pub async fn ask(&self, method: Method, path: &str, headers: &[(&str, &str)]) -> Reply {
        let (parts, body) = self.open(method, path, headers).await.into_parts();
        let bytes = body.collect().await.expect("a whole answer").to_bytes();
        let size = bytes.len();
        let is_gzip = parts.headers.get("content-encoding").is_some_and(|value| value == "gzip");
        let mut text = String::new();
        if is_gzip {
            GzDecoder::new(&bytes[..]).read_to_string(&mut text).expect("gzip of UTF-8");
        } else {
            text = String::from_utf8(bytes.to_vec()).expect("UTF-8");
        }
        Reply { status: parts.status, headers: parts.headers, body: text, size }
    }

    async fn open(&self, method: Method, path: &str, headers: &[(&str, &str)]) -> Response<Incoming> {
        let stream = TcpStream::connect(self.address).await.expect("somebody listens");
        let (mut send, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.expect("HTTP");
        tokio::spawn(connection);
        let mut request = Request::builder().method(method).uri(path);
        if !headers.iter().any(|(name, _)| *name == "host") {
            request = request.header("host", self.address.to_string());
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Empty::<Bytes>::new()).expect("a request");
        send.send_request(request).await.expect("an answer")
    }
}

/// The stream of `/live`: what open pages are told.
pub struct Live(Incoming);

impl Live {
    /// The next message.
    pub async fn next(&mut self) -> String {
        let frame = self.0.frame().await.expect("the stream goes on").expect("a frame");
        String::from_utf8(frame.into_data().expect("data").to_vec()).expect("UTF-8")
    }
}

/// In place of the loop: every question has the same answer, about what was asked for.
async fn answer(mut asked: mpsc::Receiver<Asked>, explanation: Option<Explanation>) {
    while let Some(Asked { what, reply }) = asked.recv().await {
        let told = match &explanation {
            Some(explanation) => {
                let subject = match what.split_once('/') {
                    Some(("FlowLog", name)) => Subject::Object(ObjectRef::new(Kind::FlowLog, name)),
                    _ => Subject::Node(what.as_str().into()),
                };
                Ok(Box::new(Explanation { subject, ..explanation.clone() }))
            }
            None => Err(NotKnown { word: what, alike: vec!["i-1".to_owned()], is_ambiguous: false }),
        };
        drop(reply.send(told));
    }
}

/// When it is.
pub fn epoch() -> Timestamp {
    EPOCH.parse().expect("a timestamp")
}

/// A picture in which every text that may come from outside is `text`.
pub fn picture(text: &str) -> Picture {
    let arc: Arc<str> = text.into();
    let object = ObjectRef::new(Kind::FlowLog, text);
    let standing = Standing {
        object: object.clone(),
        ready: Truth::False,
        reconciling: false,
        stalled: true,
        reason: Reason::DeliveryFailed,
        message: text.to_owned(),
        selected: 2,
        right: 1,
        set_aside: BTreeMap::from([(Reason::ConnectionLost, 1)]),
        since: epoch(),
        until: Some(epoch()),
    };
    let progress = Progress {
        release: text.to_owned(),
        stable: Some(text.to_owned()),
        stage: (2, 3),
        total: 7,
        touched: 3,
        why: Some(arc.clone()),
        ..Progress::default()
    };
    let status = Status {
        account: arc.clone(),
        region: arc.clone(),
        revision: arc.clone(),
        at: epoch(),
        passes: 3,
        objects: vec![standing],
        general: vec![(Reason::AccessDenied, text.to_owned())],
        rollouts: BTreeMap::from([(object, progress)]),
    };
    let share = Share { all: 3, observed: 1, missing: 1, unknown: 1, not_wanted: 0 };
    let coverage =
        Coverage { shares: BTreeMap::from([(Category::Logs, share)]), lines: vec![line(text, text, text)] };
    Picture {
        installation: arc,
        good_until: epoch() + SignedDuration::from_mins(5),
        status,
        findings: Vec::new(),
        parts: vec![part(text, Sort::Node, text), part(&format!("{text}2"), Sort::Vpc, text)],
        open: vec![event(1, text)],
        coverage,
    }
}

pub fn line(id: &str, what: &str, why: &str) -> Line {
    Line {
        id: id.into(),
        sort: Sort::Node,
        category: Category::Logs,
        what: what.into(),
        signal: Signal::Missing,
        reason: Some(Reason::TelemetryMissing),
        why: why.into(),
    }
}

pub fn part(id: &str, sort: Sort, text: &str) -> Part {
    Part {
        id: id.into(),
        sort,
        name: text.into(),
        condition: Condition::Stalled,
        reason: Reason::CommandFailed,
        message: text.to_owned(),
        objects: vec![ObjectRef::new(Kind::FlowLog, text)],
        since: epoch(),
        until: Some(epoch()),
    }
}

pub fn event(number: u64, text: &str) -> Event {
    let arc: Arc<str> = text.into();
    let change = Before { subject: arc.clone(), field: arc.clone(), before: arc.clone(), after: arc.clone() };
    let reason = Reason::DeliveryFailed;
    let by = serde_json::json!({ "principal": text, "call": text, "at": EPOCH });
    Event {
        time: epoch(),
        number,
        phase: Phase::Opened,
        severity: Severity::of(reason),
        fingerprint: arc.clone(),
        reason,
        category: reason.category(),
        account: arc.clone(),
        region: arc.clone(),
        revision: arc.clone(),
        object: Some(ObjectRef::new(Kind::FlowLog, text)),
        count: 3,
        subjects: vec![arc.clone()],
        message: text.to_owned(),
        changes: vec![change],
        commands: vec![arc],
        next: Some(text.to_owned()),
        by: serde_json::from_value(by).expect("somebody"),
        console: Some(text.to_owned()),
        runbook: Some(text.to_owned()),
        returned: 0,
        lasted: None,
    }
}

/// One start tag.
#[derive(Debug)]
pub struct Tag {
    pub name: String,
    pub attributes: Vec<(String, String)>,
}

impl Tag {
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// The start tags of a page. Panics at anything that our own pages do not have: a stray `<`, an attribute without
/// quotes. Nothing that comes from outside may look like markup to this, far less to a browser.
pub fn tags(html: &str) -> Vec<Tag> {
    let mut tags = Vec::new();
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        let from = &rest[at + 1..];
        let end = end_of_tag(from);
        let inside = &from[..end];
        if !inside.starts_with(['/', '!']) {
            tags.push(tag(inside));
        }
        rest = &from[end + 1..];
    }
    tags
}

fn end_of_tag(from: &str) -> usize {
    let mut is_quoted = false;
    for (at, c) in from.char_indices() {
        match c {
            '"' => is_quoted = !is_quoted,
            '>' if !is_quoted => return at,
            _ => {}
        }
    }
    panic!("a tag without an end: {}", from.chars().take(80).collect::<String>())
}

fn tag(inside: &str) -> Tag {
    let (name, mut rest) = inside.split_once(' ').unwrap_or((inside, ""));
    assert!(!name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric()), "no tag: <{inside}>");
    let mut attributes = Vec::new();
    while !rest.trim().is_empty() {
        let trimmed = rest.trim_start();
        let end = trimmed.find(['=', ' ']).unwrap_or(trimmed.len());
        let (name, after) = trimmed.split_at(end);
        let fits = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        assert!(fits, "no attribute: {name} in <{inside}>");
        let Some(value) = after.strip_prefix("=\"") else {
            attributes.push((name.to_owned(), String::new()));
            rest = after;
            continue;
        };
        let (value, after) = value.split_once('"').expect("a closing quote");
        attributes.push((name.to_owned(), value.to_owned()));
        rest = after;
    }
    Tag { name: name.to_owned(), attributes }
}
