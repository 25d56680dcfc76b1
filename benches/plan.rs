//! `plan` for 100,000 nodes and 1,000 VPCs, from plain data: time for each stage, and peak resident memory.
//!
//! Run it with `cargo bench --bench plan`. It fails where an estate misses its bars: the one that is as
//! it should be, and the one of bare machines, where every node needs a step.

#![expect(clippy::expect_used, reason = "a bench that cannot be set up has nothing to measure")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use watchkeeper::model::ask::ask;
use watchkeeper::model::desired::{Desired, Snapshot, parse};
use watchkeeper::model::memory::Memory;
use watchkeeper::model::observed::{
    Document, Identity, Instance, InstanceState, ManagedNode, Network, Observed, OnNode, Parameter, Ping,
    Platform, Reading,
};
use watchkeeper::model::picture::picture;
use watchkeeper::model::plan::{Known, Plan, plan};
use watchkeeper::model::probe;
use watchkeeper::model::rules::Rules;
use watchkeeper::model::status::status;
use watchkeeper::model::tags::Tags;

const NODES: usize = 100_000;
const VPCS: usize = 1_000;
/// How long one plan may take, on one core.
const LONGEST: Duration = Duration::from_millis(250);
/// What the process may hold at most, in KiB.
const LARGEST: u64 = 400 * 1024;
const VERSION: &str = "1.300071.0";

fn main() {
    let now: Timestamp = "2026-03-02T09:00:00Z".parse().expect("a timestamp");
    let desired = desired();
    let (observed, built) = timed(|| observed(&desired, now, true));
    println!("building the data    {built:>10.1?}");
    let usual = measure("converged", &desired, &observed, now);
    drop(observed);
    let bare = self::observed(&desired, now, false);
    let worst = measure("bare", &desired, &bare, now);
    println!("peak resident        {:>7} MiB", peak() / 1024);
    assert!(peak() <= LARGEST, "more than {} MiB", LARGEST / 1024);
    let longest = usual.max(worst);
    assert!(longest <= LONGEST, "{longest:?} is more than {LONGEST:?}");
}

/// Prints what each stage takes, and gives back the time of `plan`: the median of five.
fn measure(what: &str, desired: &Desired, observed: &Observed, now: Timestamp) -> Duration {
    let (memory, rules) = (Memory::new(now - SignedDuration::from_hours(1)), Rules::new("bench"));
    let known = Known { desired, observed, memory: &memory, rules: &rules, begun: now, now };
    let (questions, asked) = timed(|| ask(&known));
    println!("{what}: ask     {asked:>10.1?}  {} questions", questions.len());
    let mut times = Vec::new();
    let mut made = Plan::default();
    for _ in 0..5 {
        let (plan, took) = timed(|| plan(known));
        made = plan;
        times.push(took);
    }
    times.sort();
    let right: u32 = made.tallies.values().map(|tally| tally.right).sum();
    println!(
        "{what}: plan    {:>10.1?}  {right} right, {} actions, {} findings",
        times[2],
        made.actions.len(),
        made.findings.len()
    );
    let (status, took) = timed(|| status(&known, &made, None, 1));
    println!("{what}: status  {took:>10.1?}");
    let (picture, took) = timed(|| picture(&known, &made, status, Vec::new(), None));
    println!(
        "{what}: picture {took:>10.1?}  {} parts, {} signals",
        picture.parts.len(),
        picture.coverage.lines.len()
    );
    times[2]
}

#[expect(clippy::disallowed_methods, reason = "a bench measures the machine")]
fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let began = Instant::now();
    let result = work();
    (result, began.elapsed())
}

/// The most memory that the process ever held, in KiB (`VmHWM`; 0 where there is no `/proc`).
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or_default()
}

fn desired() -> Desired {
    let mut snapshot = Snapshot::default();
    snapshot
        .files
        .insert("fleet.yaml".to_owned(), Arc::from(include_bytes!("../tests/it/fleet.yaml").as_slice()));
    parse(&snapshot).desired
}

fn observed(desired: &Desired, now: Timestamp, converged: bool) -> Observed {
    let mut observed = Observed::default();
    let identity = Identity {
        account: "111122223333".into(),
        region: "us-east-1".into(),
        partition: "aws".into(),
        arn: "arn:aws:sts::111122223333:assumed-role/Watchkeeper/bench".into(),
    };
    observed.identity = Reading::Known { value: identity, at: now };
    for (name, sha256) in [(probe::NAME, Some(probe::sha256())), ("AmazonCloudWatchAgent", None)] {
        let document = Document {
            name: name.into(),
            default_version: "1".into(),
            sha256: sha256.map(Into::into),
            version_name: Some(VERSION.into()),
            active: true,
        };
        observed.documents.insert(name.into(), Reading::Known { value: document, at: now });
    }
    parameters(desired, now, &mut observed);
    let ids = || (0..NODES).map(|number| Arc::<str>::from(format!("i-{number:017x}")));
    observed.nodes.take(ids().map(|id| (id.clone(), node(id, now))), now, now);
    observed.instances.take(ids().map(|id| (id.clone(), instance(id, now))), now, now);
    let vpcs = (0..VPCS).map(|number| Arc::<str>::from(format!("vpc-{number:017x}")));
    observed.vpcs.take(vpcs.map(|id| (id.clone(), network(id))), now, now);
    observed.flow_logs.take(std::iter::empty(), now, now);
    let said = if converged { converged_output(desired, now) } else { bare_output() };
    for id in ids() {
        let read = probe::parse(&said).expect("a probe's output");
        observed.on_nodes.insert(id, OnNode { probe: Some((now, Arc::new(read))), ..OnNode::default() });
    }
    for document in [probe::NAME, "AWS-ConfigureAWSPackage", "AmazonCloudWatch-ManageAgent"] {
        observed.commands_read.insert(document.into(), now);
    }
    observed
}

fn parameters(desired: &Desired, now: Timestamp, observed: &mut Observed) {
    let configs = desired.objects.values().filter_map(|object| match &object.spec {
        watchkeeper::model::desired::Spec::AgentConfig(config) => Some((object, config)),
        _ => None,
    });
    for (object, config) in configs {
        let name: Arc<str> = config.parameter.as_str().into();
        let parameter = Parameter {
            name: name.clone(),
            value: config.content.clone(),
            kind: "String".into(),
            version: 1,
            modified: Some(now),
        };
        observed.parameters.insert(name.clone(), Reading::Known { value: parameter, at: now });
        let tags = Tags::from_iter([("watchkeeper:owner", format!("bench/{}", object.id).as_str())]);
        observed.parameter_tags.insert(name.clone(), Reading::Known { value: tags, at: now });
        observed.parameter_tiers.insert(name, Reading::Known { value: "Standard".into(), at: now });
    }
}

fn tags(id: &str) -> Tags {
    Tags::from_iter([("Application", "ExampleCorp"), ("Name", id)])
}

fn node(id: Arc<str>, now: Timestamp) -> ManagedNode {
    ManagedNode {
        computer_name: format!("{id}.ec2.internal").into(),
        id,
        ping: Ping::Online,
        last_ping: Some(now),
        ssm_agent: "3.3.2958.0".into(),
        platform: Some(Platform::Linux),
        platform_name: "Amazon Linux".into(),
    }
}

fn instance(id: Arc<str>, now: Timestamp) -> Instance {
    Instance {
        tags: tags(&id),
        id,
        state: InstanceState::Running,
        windows: false,
        profile: Some("ExampleCorp-Base".into()),
        vpc: Some("vpc-00000000000000001".into()),
        zone: "us-east-1a".into(),
        launched: Some(now),
    }
}

fn network(id: Arc<str>) -> Network {
    Network { tags: tags(&id), vpc: id.clone(), id, owner: "111122223333".into() }
}

fn bare_output() -> String {
    "watchkeeper-probe=1 installed=no status=unknown files=0 tmp=0\nversion=\npackage=\nstarted=\nconfigstatus=\ntoml=\njson=\nmore=0\nend=watchkeeper-probe\n".to_owned()
}

fn converged_output(desired: &Desired, now: Timestamp) -> String {
    let sha256 = desired.objects.values().find_map(|object| match &object.spec {
        watchkeeper::model::desired::Spec::AgentConfig(config) if config.parameter.ends_with("linux") => {
            Some(config.sha256.clone())
        }
        _ => None,
    });
    let (sha256, at) = (sha256.expect("the linux configuration"), now.as_second());
    format!(
        "watchkeeper-probe=1 installed=yes status=running files=1 tmp=0\nversion={VERSION}\npackage={VERSION}\nstarted={now}\n\
         configstatus=configured\ntoml={at}\njson=\nfile=ssm_AmazonCloudWatch-Fleet-linux_1 {sha256} {at}\nmore=0\nend=watchkeeper-probe\n"
    )
}
