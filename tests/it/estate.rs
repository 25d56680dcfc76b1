//! A simulated estate with Watchkeeper on it, on a paused clock: the ground of most tests.
//!
//! Only the network is pretended. Tests look at the resulting world and at the events, never at our own calls.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;
use watchkeeper::aws::connect::with_http;
use watchkeeper::cli::options::install_probe;
use watchkeeper::clock::Clock;
use watchkeeper::load;
use watchkeeper::model::desired::{Desired, Snapshot, parse};
use watchkeeper::model::event::Event;
use watchkeeper::model::rules::Rules;
use watchkeeper::pass::{Mode, Passed, Scope};
use watchkeeper::sim::Sim;
use watchkeeper::sim::connector::Connector;
use watchkeeper::sim::scenario::{self, Scenario};
use watchkeeper::sim::world::{DEFAULT_ACCOUNT, DEFAULT_REGION, Place};

/// When every simulated day begins.
pub const EPOCH: &str = "2026-03-02T09:00:00Z";

/// A simulated estate, and a controller that looks after it.
pub struct Estate {
    /// The simulated AWS.
    pub sim: Sim,
    /// Account and Region.
    pub place: Place,
    /// What people want.
    pub desired: Desired,
    /// The controller's view of it.
    pub scope: Scope,
    /// The time that all of them share.
    pub clock: Clock,
    /// Every event so far.
    pub events: Vec<Event>,
    seed: u64,
}

impl Estate {
    /// The ExampleCorp estate with its own desired state.
    pub fn example_corp(seed: u64) -> Self {
        Self::new(Scenario::ExampleCorp, seed, example_corp_desired())
    }

    /// Any estate with any desired state. Needs a paused tokio clock.
    pub fn new(scenario: Scenario, seed: u64, desired: Desired) -> Self {
        Self::beginning(EPOCH, scenario, seed, desired)
    }

    /// The same on another day.
    pub fn beginning(epoch: &str, scenario: Scenario, seed: u64, desired: Desired) -> Self {
        fastrand::seed(seed);
        let epoch: Timestamp = epoch.parse().expect("a timestamp");
        let sim = Sim::new(scenario::build(scenario, seed, epoch), Clock::pretended(epoch, 1.0));
        install_probe(&sim);
        let clock = sim.clock().clone();
        let scope = scope(&sim, &clock, seed, "first");
        Self { sim, place: Place::default_place(), desired, scope, clock, events: Vec::new(), seed }
    }

    /// One pass.
    pub async fn pass(&mut self) -> Passed {
        let stop = CancellationToken::new();
        let passed = self.scope.pass(&self.desired, Vec::new(), Mode::Enforce, &self.clock, &stop).await;
        self.events.extend(passed.events.clone());
        passed
    }

    /// Passes, as far apart as the loop would have them, for at most `limit`; stops early when `done` says so.
    pub async fn run(&mut self, limit: SignedDuration, mut done: impl FnMut(&Passed) -> bool) -> Passed {
        let until = self.clock.now() + limit;
        loop {
            let passed = self.pass().await;
            let now = self.clock.now();
            if done(&passed) || now >= until {
                return passed;
            }
            let next = self.scope.next_due(&passed, now).max(now + SignedDuration::from_millis(500));
            self.clock.sleep(next.duration_since(now).unsigned_abs()).await;
        }
    }

    /// Runs until every object is Ready; panics with the standings when that takes longer than `limit`.
    pub async fn converge(&mut self, limit: SignedDuration) -> Passed {
        let passed = self.run(limit, |passed| passed.status.is_ready()).await;
        assert!(
            passed.status.is_ready(),
            "seed {}: not ready after {limit:#}: {:#?}",
            self.seed,
            passed.status.objects
        );
        passed
    }

    /// Lets time pass with the loop running.
    pub async fn live(&mut self, time: SignedDuration) -> Passed {
        self.run(time, |_| false).await
    }

    /// Lets time pass without a controller.
    pub async fn wait(&self, time: SignedDuration) {
        self.clock.sleep(time.unsigned_abs()).await;
    }

    /// Kills the controller, and starts another one that knows nothing.
    pub fn restart(&mut self) {
        self.scope = scope(&self.sim, &self.clock, self.seed, "next");
    }

    /// The events since there were `from` of them.
    pub fn events_since(&self, from: usize) -> &[Event] {
        &self.events[from..]
    }
}

/// A controller that knows nothing yet.
pub fn scope(sim: &Sim, clock: &Clock, seed: u64, name: &str) -> Scope {
    let key = Place::access_key(DEFAULT_ACCOUNT);
    // A retry partition of its own, or worlds in one process would share the SDK's retry allowance.
    let partition = format!("{name}-{seed}-{}", clock.now().as_nanosecond());
    let clients = with_http(Connector::new(sim.clone()), clock, &key, DEFAULT_REGION, &partition);
    Scope::new(clients, Rules::for_simulator("test"), clock.now())
}

/// The folder that the README runs.
pub fn example_corp_desired() -> Desired {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("desired-state");
    read(&load::snapshot(&folder).expect("the folder is there"))
}

/// The folder that the README runs, with texts replaced by others wherever they stand in its documents.
pub fn example_corp_edited(edits: &[(&str, &str)]) -> Desired {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("desired-state");
    let mut snapshot = load::snapshot(&folder).expect("the folder is there");
    for (_, bytes) in snapshot.files.iter_mut().filter(|(name, _)| name.ends_with(".yaml")) {
        let mut text = String::from_utf8_lossy(bytes).into_owned();
        for (from, to) in edits {
            text = text.replace(from, to);
        }
        *bytes = Arc::from(text.as_bytes());
    }
    read(&snapshot)
}

/// A desired state written into a test.
pub fn desired(yaml: &str) -> Desired {
    desired_with(yaml, &[])
}

/// A desired state written into a test, with the files that it refers to.
pub fn desired_with(yaml: &str, files: &[(&str, &str)]) -> Desired {
    let mut snapshot = Snapshot::default();
    snapshot.files.insert("test.yaml".to_owned(), Arc::from(yaml.as_bytes()));
    for (name, content) in files {
        snapshot.files.insert((*name).to_owned(), Arc::from(content.as_bytes()));
    }
    read(&snapshot)
}

fn read(snapshot: &Snapshot) -> Desired {
    let parsed = parse(snapshot);
    let errors: Vec<String> =
        parsed.problems.iter().filter(|problem| problem.is_error()).map(ToString::to_string).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    parsed.desired
}

/// Minutes, for short.
pub const fn minutes(minutes: i64) -> SignedDuration {
    SignedDuration::from_mins(minutes)
}

#[tokio::test(start_paused = true)]
async fn the_example_corp_estate_converges_and_then_nothing_happens() {
    let mut estate = Estate::example_corp(1);
    estate.converge(minutes(40)).await;
    estate.live(minutes(5)).await;
    estate.sim.world(watchkeeper::sim::world::World::forget_calls);
    estate.live(minutes(10)).await;
    let writes: Vec<String> = estate.sim.world(|world| {
        world.calls().iter().filter(|call| call.writes).map(|call| call.operation.clone()).collect()
    });
    assert!(writes.is_empty(), "{writes:?}");
    // The network team's flow log on the same VPC is none of ours to prove.
    let foreign = estate.sim.world(|world| {
        let living = world.region(&estate.place).flow_logs.living();
        let groups = living.filter_map(|log| log.config.destination.group().map(str::to_owned));
        groups.filter(|group| group != "ExampleCorpVPC").collect::<Vec<_>>()
    });
    let asked = &estate.scope.observed.group_arrivals;
    assert!(
        !foreign.is_empty() && !foreign.iter().any(|group| asked.contains_key(group.as_str())),
        "{foreign:?}"
    );
}
