//! The page over 10,000 nodes: how long drawing and compressing it takes, and how large it is.
//!
//! Run it with `cargo bench --bench page`. The picture is made by hand, so that nothing but the page is measured; it is
//! fetched over loopback, as a browser does. "first" is a picture that was never drawn, "again" one that was. The bars:
//! first byte within 50 ms, at most 1 MB compressed.

#![expect(clippy::expect_used, reason = "a bench that cannot be set up has nothing to measure")]

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use watchkeeper::aws::connect::with_http;
use watchkeeper::clock::Clock;
use watchkeeper::journal::{Journal, Style};
use watchkeeper::metrics::Metrics;
use watchkeeper::model::desired::{Kind, ObjectRef};
use watchkeeper::model::picture::{Condition, Coverage, Part, Picture, Sort};
use watchkeeper::model::reason::Reason;
use watchkeeper::model::status::{Standing, Status, Truth};
use watchkeeper::serve::{Told, serve};
use watchkeeper::sim::Sim;
use watchkeeper::sim::connector::Connector;
use watchkeeper::sim::scenario::{self, Scenario};
use watchkeeper::sim::world::{DEFAULT_ACCOUNT, DEFAULT_REGION, Place};

const NODES: u64 = 10_000;
const NETWORKS: u64 = 200;
const OBJECTS: u64 = 60;
const ROUNDS: usize = 30;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let (pictures, seen) = watch::channel(Some(Arc::new(picture(0))));
    let (questions, _asked) = mpsc::channel(1);
    let clock = Clock::pretended(epoch(), 1.0);
    let sim = Sim::new(scenario::build(Scenario::Empty, 1, epoch()), clock.clone());
    let clients =
        with_http(Connector::new(sim), &clock, &Place::access_key(DEFAULT_ACCOUNT), DEFAULT_REGION, "bench");
    let interval = SignedDuration::from_hours(1);
    let told = Told {
        metrics: Metrics::new(clients, clock.clone(), interval, seen.clone()),
        pictures: seen,
        journal: Journal::new(Style::Silent),
        questions,
        clock,
        interval,
    };
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port");
    let address = listener.local_addr().expect("an address");
    runtime.spawn(serve(told, listener, CancellationToken::new()));
    for path in ["/", "/?by=object", "/parts"] {
        let (mut first, mut again) = (Vec::new(), Vec::new());
        let mut size = 0;
        for round in 0..ROUNDS {
            pictures.send_replace(Some(Arc::new(picture(round as u64))));
            first.push(fetch(address, path).0);
            let (took, bytes) = fetch(address, path);
            again.push(took);
            size = bytes;
        }
        println!("{path:<12} first {}, again {}; {size} bytes compressed", spread(first), spread(again));
    }
}

/// Median and worst.
fn spread(mut times: Vec<Duration>) -> String {
    times.sort();
    let (median, worst) = (times[times.len() / 2], times[times.len() - 1]);
    format!("{median:>7.1?} (worst {worst:.1?})")
}

/// How long the first byte takes, and how many bytes come.
#[expect(clippy::disallowed_methods, reason = "a bench measures the machine")]
fn fetch(address: SocketAddr, path: &str) -> (Duration, usize) {
    let mut stream = TcpStream::connect(address).expect("somebody listens");
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n"
    );
    let began = Instant::now();
    stream.write_all(request.as_bytes()).expect("sent");
    let mut byte = [0];
    stream.read_exact(&mut byte).expect("an answer");
    let took = began.elapsed();
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).expect("the whole answer");
    (took, rest.len() + 1)
}

fn epoch() -> Timestamp {
    "2026-03-02T09:00:00Z".parse().expect("a timestamp")
}

fn picture(round: u64) -> Picture {
    let mut rng = fastrand::Rng::with_seed(1);
    let objects: Vec<ObjectRef> =
        (0..OBJECTS).map(|at| ObjectRef::new(Kind::CloudWatchAgent, format!("team-{at:02}"))).collect();
    let mut parts: Vec<Part> = (0..NODES + NETWORKS)
        .map(|at| {
            let is_node = at < NODES;
            let prefix = if is_node { "i" } else { "vpc" };
            let condition = match (at + round) % 200 {
                0 => Condition::Stalled,
                1 => Condition::Unknown,
                2..=5 => Condition::Held,
                6..=20 => Condition::Reconciling,
                _ => Condition::Ready,
            };
            let is_right = condition == Condition::Ready;
            Part {
                id: format!("{prefix}-{:017x}", rng.u64(..)).into(),
                sort: if is_node { Sort::Node } else { Sort::Vpc },
                name: format!("web-{at}.example-corp.internal").into(),
                condition,
                reason: if is_right { Reason::Converged } else { Reason::CommandFailed },
                message: if is_right { String::new() } else { "configure failed: exit code 1".to_owned() },
                objects: vec![objects[rng.usize(..objects.len())].clone()],
                since: epoch(),
                until: None,
            }
        })
        .collect();
    parts.sort_by(|left, right| left.id.cmp(&right.id));
    let standings = objects.iter().map(standing).collect();
    let status = Status {
        account: "111122223333".into(),
        region: "us-east-1".into(),
        revision: "main@0123456789ab".into(),
        at: epoch(),
        passes: round,
        objects: standings,
        general: Vec::new(),
        rollouts: BTreeMap::new(),
    };
    Picture {
        installation: "bench".into(),
        good_until: epoch() + SignedDuration::from_hours(1),
        status,
        parts,
        findings: Vec::new(),
        open: Vec::new(),
        coverage: Coverage::default(),
    }
}

fn standing(object: &ObjectRef) -> Standing {
    Standing {
        object: object.clone(),
        ready: Truth::False,
        reconciling: true,
        stalled: false,
        reason: Reason::RolloutInProgress,
        message: "stage 2 of 4".to_owned(),
        selected: 170,
        right: 120,
        set_aside: BTreeMap::new(),
        since: epoch(),
        until: None,
    }
}
