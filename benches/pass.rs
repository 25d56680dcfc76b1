//! A whole pass that changes nothing, ask, observe and plan, over loopback at 10,000 nodes: time, API calls, and peak
//! resident memory of the controller's side.
//!
//! Run it with `cargo bench --bench pass`. The simulator is a process of its own (this program again, with the word
//! `serve`), so that its memory does not count; both live sixty times as fast as the wall clock, as `watchkeeper
//! simulate` does, so that the documented API rates cost little time. The first pass reads everything; the second comes
//! an interval later and reads again what has aged.

#![expect(clippy::expect_used, reason = "a bench that cannot be set up has nothing to measure")]

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use watchkeeper::aws::connect::at_endpoint;
use watchkeeper::cli::options::install_probe;
use watchkeeper::clock::Clock;
use watchkeeper::model::desired::{Desired, Snapshot, parse};
use watchkeeper::model::rules::Rules;
use watchkeeper::pass::{Mode, Scope};
use watchkeeper::sim::scenario::{self, Scenario};
use watchkeeper::sim::world::{DEFAULT_ACCOUNT, DEFAULT_REGION, Place};
use watchkeeper::sim::{Sim, server};

const ESTATE: Scenario = Scenario::Fleet { nodes: 10_000, vpcs: 200 };
/// When the simulated day begins, for both processes.
const EPOCH: &str = "2026-03-02T09:00:00Z";
/// How many times faster than the wall clock it passes.
const SPEED: f64 = 60.0;
/// The word that makes this program the simulator.
const SERVE: &str = "serve";

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    if std::env::args().any(|word| word == SERVE) {
        return runtime.block_on(serve());
    }
    let (mut simulator, address) = start();
    runtime.block_on(measure(&address));
    // It may have ended already; either way it is gone.
    drop(simulator.kill());
    drop(simulator.wait());
}

/// The simulator: prints its address, and serves until it is killed.
async fn serve() {
    let epoch: Timestamp = EPOCH.parse().expect("a timestamp");
    let sim = Sim::new(scenario::build(ESTATE, 1, epoch), Clock::pretended(epoch, SPEED));
    install_probe(&sim);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    println!("{}", listener.local_addr().expect("an address"));
    server::serve(sim, listener, CancellationToken::new()).await.expect("the listener works");
}

fn start() -> (Child, String) {
    let program = std::env::current_exe().expect("this program");
    let mut child =
        Command::new(program).arg(SERVE).stdout(Stdio::piped()).spawn().expect("the simulator starts");
    let mut address = String::new();
    let said = child.stdout.take().expect("a pipe");
    BufReader::new(said).read_line(&mut address).expect("the simulator says where it listens");
    (child, address.trim().to_owned())
}

async fn measure(address: &str) {
    let clock = Clock::pretended(EPOCH.parse().expect("a timestamp"), SPEED);
    let key = Place::access_key(DEFAULT_ACCOUNT);
    let clients = at_endpoint(&clock, &format!("http://{address}"), &key, DEFAULT_REGION);
    let mut scope = Scope::new(clients, Rules::for_simulator("bench"), clock.now());
    let desired = desired();
    for what in ["first pass", "next pass"] {
        let before = calls(&scope);
        let began = now();
        let passed = scope.pass(&desired, Vec::new(), Mode::DryRun, &clock, &CancellationToken::new()).await;
        let took = began.elapsed();
        println!(
            "{what}: {took:>8.2?}  {} API calls, {} nodes, {} actions, {} findings; peak resident {} MiB",
            calls(&scope) - before,
            scope.observed.nodes.len(),
            passed.plan.actions.len(),
            passed.plan.findings.len(),
            peak() / 1024,
        );
        clock.sleep(Duration::from_secs(61)).await;
    }
}

#[expect(clippy::disallowed_methods, reason = "a bench measures the machine")]
fn now() -> Instant {
    Instant::now()
}

/// Every attempt that was answered well, or not.
fn calls(scope: &Scope) -> u64 {
    scope.clients.counts().read().values().sum()
}

/// The most memory that the process ever held, in KiB (`VmHWM`; 0 where there is no `/proc`).
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or_default()
}

fn desired() -> Desired {
    let mut snapshot = Snapshot::default();
    let text = include_bytes!("../tests/it/fleet.yaml").as_slice();
    snapshot.files.insert("fleet.yaml".to_owned(), Arc::from(text));
    parse(&snapshot).desired
}
