//! Webhooks that are down, slow, busy or talk nonsense, and what exactly is sent to whom.
//!
//! The connection is a pipe in memory with a scripted server at its end, so that real HTTP runs on the paused clock.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use watchkeeper::clock::Clock;
use watchkeeper::journal::sinks::{Sinks, Waiting};
use watchkeeper::journal::webhook::{BoxError, Caller, Format, Webhook};
use watchkeeper::journal::{Journal, SinkState, Style};
use watchkeeper::model::event::{Before, Event, Phase, Severity};

use crate::sinks::event;

const URL: &str = "https://hooks.example.com/services/T0/B0/s3cr3t";
const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// What the server does with a call.
#[derive(Clone, Debug)]
enum Answer {
    /// Sends these bytes, and closes the connection.
    Bytes(String),
    /// Never answers.
    Hangs,
}

/// A call that came: when, and the whole of it.
type Calls = Arc<Mutex<Vec<(Timestamp, String)>>>;

fn status(status: &str, headers: &str, body: &str) -> Answer {
    Answer::Bytes(format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n{headers}\r\n{body}", body.len()))
}

/// Answers by a script; when that is over, with success.
fn server(clock: &Clock, script: Vec<Answer>) -> (Caller, Calls) {
    let (script, calls) = (Arc::new(Mutex::new(VecDeque::from(script))), Calls::default());
    let (seen, clock) = (calls.clone(), clock.clone());
    let caller: Caller = Arc::new(move |request| {
        let (script, seen, clock) = (script.clone(), seen.clone(), clock.clone());
        Box::pin(async move {
            let (near, far) = tokio::io::duplex(64 * 1024);
            tokio::spawn(async move {
                let answer = script.lock().expect("no panic").pop_front();
                serve(far, answer.unwrap_or(Answer::Bytes(OK.to_owned())), &seen, &clock).await;
            });
            let (mut send, connection) = hyper::client::conn::http1::handshake(TokioIo::new(near)).await?;
            tokio::spawn(connection);
            send.send_request(request).await.map_err(BoxError::from)
        })
    });
    (caller, calls)
}

async fn serve(mut far: DuplexStream, answer: Answer, seen: &Calls, clock: &Clock) {
    let (mut request, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        let read = far.read(&mut buffer).await.expect("a pipe");
        request.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8_lossy(&request);
        let length = |head: &str| {
            head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok())
        };
        let is_whole =
            text.split_once("\r\n\r\n").is_some_and(|(head, body)| length(head) == Some(body.len()));
        if is_whole || read == 0 {
            break;
        }
    }
    seen.lock().expect("no panic").push((clock.now(), String::from_utf8(request).expect("UTF-8")));
    match answer {
        Answer::Hangs => std::future::pending().await,
        // The client may have gone.
        Answer::Bytes(bytes) => drop(far.write_all(bytes.as_bytes()).await),
    }
}

struct Setting {
    journal: Journal,
    _sinks: Sinks,
    calls: Calls,
    clock: Clock,
    _place: tempfile::TempDir,
}

impl Setting {
    fn new(format: Format, secret: &str, script: Vec<Answer>) -> Self {
        let clock = Clock::pretended("2026-03-02T09:00:00Z".parse().expect("a timestamp"), 1.0);
        let place = tempfile::tempdir().expect("a folder");
        let file = place.path().join("hook");
        std::fs::write(&file, secret).expect("written");
        let journal = Journal::new(Style::Silent);
        let sinks = Sinks::new(journal.clone(), clock.clone(), Waiting { folder: None, size: 0 });
        let (caller, calls) = server(&clock, script);
        sinks.webhook(Webhook::through(caller, format, file, Severity::Warning));
        Self { journal, _sinks: sinks, calls, clock, _place: place }
    }

    async fn wait(&self, seconds: u64) {
        self.clock.sleep(Duration::from_secs(seconds)).await;
    }

    fn write(&self, text: &str) {
        self.journal.write(vec![event(self.clock.now(), text)]);
    }

    fn state(&self) -> SinkState {
        self.journal.sinks().remove(0)
    }

    fn calls(&self) -> Vec<(Timestamp, String)> {
        self.calls.lock().expect("no panic").clone()
    }

    fn bodies(&self) -> Vec<Value> {
        let body = |(_, call): &(Timestamp, String)| {
            serde_json::from_str(call.split_once("\r\n\r\n").expect("a body").1).expect("JSON")
        };
        self.calls().iter().map(body).collect()
    }
}

#[tokio::test(start_paused = true)]
async fn whatever_it_answers_the_events_come_in_order_once_it_is_well() {
    let page = "<html><b>500</b> not here</html>";
    let cases = [
        ("500", vec![status("500 Oh", "", page); 4]),
        ("a page in place of `ok`", vec![status("200 OK", "content-type: text/html\r\n", page); 2]),
        ("no HTTP at all", vec![Answer::Bytes("\u{0}\u{1}\u{ff}garbage".to_owned()); 2]),
        ("nothing", vec![Answer::Bytes(String::new()); 2]),
        (
            "half an answer",
            vec![Answer::Bytes("HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\nok".to_owned()); 2],
        ),
        ("silence", vec![Answer::Hangs; 3]),
        ("a redirect", vec![status("302 Found", "location: https://example.com/\r\n", ""); 2]),
        ("gone", vec![status("404 Not Found", "", "no_service"); 3]),
    ];
    for (what, script) in cases {
        let failures = script.len();
        let setting = Setting::new(Format::Slack, URL, script);
        setting.write("one");
        setting.write("two");
        setting.wait(5).await;
        let now = setting.state();
        assert!(now.failing_since.is_some() || now.queued > 0 || failures < 3, "{what}: {now:?}");
        setting.wait(300).await;
        let now = setting.state();
        assert_eq!(
            (now.delivered, now.dropped, now.queued, now.failing_since),
            (2, 0, 0, None),
            "{what}: {now:?}"
        );
        let calls = setting.calls();
        assert_eq!(calls.len(), failures + 2, "{what}");
        assert!(calls[failures].1.contains("one") && calls[failures + 1].1.contains("two"), "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_for_itself_is_dropped_and_counted() {
    let setting = Setting::new(Format::Slack, URL, vec![status("400 Bad Request", "", "invalid_payload")]);
    setting.write("poison");
    setting.write("good");
    setting.wait(1).await;
    let now = setting.state();
    assert_eq!((now.delivered, now.dropped, now.queued), (1, 1, 0));
    assert_eq!(now.last_error.as_deref(), Some("400 Bad Request: invalid_payload"));
}

#[tokio::test(start_paused = true)]
async fn too_many_is_heeded() {
    let busy = status("429 Too Many Requests", "retry-after: 90\r\n", "rate_limited");
    let setting = Setting::new(Format::Slack, URL, vec![busy]);
    setting.write("one");
    setting.wait(300).await;
    let calls = setting.calls();
    assert_eq!((calls.len(), setting.state().delivered), (2, 1));
    let waited = calls[1].0.duration_since(calls[0].0).as_secs();
    assert!((90..95).contains(&waited), "{waited}");
}

#[tokio::test(start_paused = true)]
async fn the_secret_is_told_nowhere() {
    let echo = format!("you called {URL}, that is /services/T0/B0/s3cr3t at hooks.example.com");
    let setting = Setting::new(Format::Slack, URL, vec![status("500 Oh", "", &echo); 50]);
    setting.write("one");
    setting.wait(60).await;
    let told = format!("{:?}", setting.state());
    assert!(told.contains("you called …"), "{told}");
    for part in ["s3cr3t", "hooks.example.com"] {
        assert!(!told.contains(part), "{told}");
    }
    let wrong = Setting::new(Format::Slack, "http://hooks.example.com/s3cr3t", Vec::new());
    wrong.write("one");
    wrong.wait(1).await;
    let told = wrong.state().last_error.expect("said");
    assert!(told.ends_with("hook: its URL does not begin with https://"), "{told}");
}

#[tokio::test(start_paused = true)]
async fn a_resolve_is_sent_when_its_trigger_was_and_nothing_of_little_weight() {
    let setting = Setting::new(Format::Generic, URL, Vec::new());
    let time = setting.clock.now();
    let of = |print: &str, phase, severity| Event {
        fingerprint: print.into(),
        phase,
        severity,
        ..event(time, print)
    };
    setting.journal.write(vec![
        of("light", Phase::Opened, Severity::Info),
        of("heavy", Phase::Opened, Severity::Error),
        of("heavy", Phase::Updated, Severity::Info),
        of("light", Phase::Resolved, Severity::Info),
        of("heavy", Phase::Resolved, Severity::Info),
        of("before", Phase::Resolved, Severity::Warning),
    ]);
    setting.wait(5).await;
    let sent = setting.bodies();
    let sent: Vec<(&str, &str)> = sent
        .iter()
        .map(|body| (body["fingerprint"].as_str().expect("one"), body["phase"].as_str().expect("one")))
        .collect();
    assert_eq!(
        sent,
        [("heavy", "opened"), ("heavy", "updated"), ("heavy", "resolved"), ("before", "resolved")]
    );
    let head = &setting.calls()[0].1;
    let key = format!("idempotency-key: heavy-{}-2\r\n", time.as_millisecond());
    assert!(head.contains(&key) && head.contains("host: hooks.example.com\r\n"), "{head}");
}

#[tokio::test(start_paused = true)]
async fn pagerduty_has_its_key_and_may_have_its_url_in_the_file() {
    let taken = status("202 Accepted", "", "{\"status\":\"success\",\"dedup_key\":\"a\"}");
    let setting = Setting::new(Format::PagerDuty, "R0UT1NG\n", vec![taken.clone(), taken.clone()]);
    setting.write("one");
    setting.wait(5).await;
    assert_eq!(setting.state().delivered, 1);
    assert!(setting.calls()[0].1.starts_with("POST https://events.pagerduty.com/v2/enqueue HTTP/1.1\r\n"));
    let body = &setting.bodies()[0];
    assert_eq!((&body["routing_key"], &body["event_action"]), (&"R0UT1NG".into(), &"trigger".into()));
    let elsewhere =
        Setting::new(Format::PagerDuty, "KEY\nhttps://events.eu.pagerduty.com/v2/enqueue", vec![taken]);
    elsewhere.write("one");
    elsewhere.wait(5).await;
    assert!(elsewhere.calls()[0].1.contains("events.eu.pagerduty.com"));
}

fn hostile() -> Event {
    let time: Timestamp = "2026-03-02T09:00:00Z".parse().expect("a timestamp");
    let text = "<!channel> & <script>alert(1)</script> `code` \u{1b}[31mred\u{1b}[0m\nnew\r\nline \u{202e}back *b* \"q\"";
    Event {
        object: Some("CloudWatchAgent/web".to_owned().try_into().expect("an object")),
        subjects: vec!["<@U123>".into(), "i-2".into()],
        count: 7,
        changes: vec![Before {
            subject: "<@U1>".into(),
            field: "version".into(),
            before: "`1`".into(),
            after: "x".repeat(1_000_000).into(),
        }],
        next: Some("Read <https://evil.example|this>.".to_owned()),
        console: Some("https://console.aws.amazon.com/x?a=1&b=2".to_owned()),
        runbook: Some("javascript:alert(1)".to_owned()),
        ..event(time, text)
    }
}

/// Whether it is what the file of this name says. Otherwise what it is stands in the system's temporary folder.
fn is_golden(name: &str, sent: &str) -> bool {
    let pretty: Value = serde_json::from_str(sent).expect("JSON");
    let pretty = format!("{}\n", serde_json::to_string_pretty(&pretty).expect("JSON"));
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sinks").join(name);
    let is_same = std::fs::read_to_string(&path).is_ok_and(|want| want == pretty);
    if !is_same {
        std::fs::write(std::env::temp_dir().join(name), &pretty).expect("written");
    }
    is_same
}

#[test]
fn hostile_text_is_harmless_in_every_shape() {
    let opened = hostile();
    let resolved = Event { phase: Phase::Resolved, lasted: Some(192), changes: Vec::new(), ..hostile() };
    let sent = [
        ("slack-opened.json", Format::Slack.json(&opened, "")),
        ("slack-resolved.json", Format::Slack.json(&resolved, "")),
        ("pagerduty-trigger.json", Format::PagerDuty.json(&opened, "KEY")),
        ("pagerduty-resolve.json", Format::PagerDuty.json(&resolved, "KEY")),
        ("generic.json", Format::Generic.json(&resolved, "")),
    ];
    let other: Vec<&str> =
        sent.iter().filter(|(name, json)| !is_golden(name, json)).map(|(name, _)| *name).collect();
    assert!(
        other.is_empty(),
        "other than in tests/sinks (look into {}): {other:?}",
        std::env::temp_dir().display()
    );
}

#[test]
fn a_megabyte_of_text_stays_within_every_limit() {
    let long = Event {
        message: "<&>".repeat(350_000),
        subjects: (0..5).map(|_| "<".repeat(100_000).into()).collect(),
        ..hostile()
    };
    let slack: Value = serde_json::from_str(&Format::Slack.json(&long, "")).expect("JSON");
    assert!(slack["text"].as_str().expect("a text").chars().count() <= 4_000);
    for block in slack["blocks"].as_array().expect("blocks") {
        let text = block["text"]["text"].as_str().or_else(|| block["elements"][0]["text"].as_str());
        let text = text.expect("a text");
        assert!((1..=3_000).contains(&text.chars().count()), "{}", text.len());
        assert!(!text.contains("<<") && !text.contains("&<"), "not escaped");
    }
    let pagerduty = Format::PagerDuty.json(&long, "KEY");
    let body: Value = serde_json::from_str(&pagerduty).expect("JSON");
    assert!(body["payload"]["summary"].as_str().expect("a text").chars().count() <= 1_024);
    assert!(pagerduty.len() < 512 * 1024);
}

/// The only one over real sockets: that the client of the release speaks HTTP, and follows no redirect.
#[tokio::test]
async fn over_the_network_it_is_the_same() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/hook", listener.local_addr().expect("an address"));
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a call");
        let mut buffer = vec![0; 64 * 1024];
        let read = stream.read(&mut buffer).await.expect("a request");
        stream.write_all(OK.as_bytes()).await.expect("an answer");
        String::from_utf8_lossy(&buffer[..read]).into_owned()
    });
    let place = tempfile::tempdir().expect("a folder");
    let file = place.path().join("slack");
    std::fs::write(&file, url).expect("written");
    let journal = Journal::new(Style::Silent);
    let sinks = Sinks::new(journal.clone(), Clock::wall(), Waiting { folder: None, size: 0 });
    sinks.webhook(Webhook::new(Format::Slack, file, Severity::Info).expect("certificates"));
    journal.write(vec![event("2026-03-02T09:00:00Z".parse().expect("a timestamp"), "one")]);
    let request = server.await.expect("a server");
    assert!(request.starts_with("POST /hook HTTP/1.1\r\n"), "{request}");
    sinks.close(Duration::from_secs(4)).await;
    assert_eq!(journal.sinks()[0].delivered, 1);
}
