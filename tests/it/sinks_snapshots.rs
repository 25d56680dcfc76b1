//! Snapshots in the log group: whole at ten thousand nodes, read back by whoever cannot reach the task, and what a new
//! process goes on from.

use std::time::Duration;

use jiff::SignedDuration;
use watchkeeper::cli::from_logs::latest;
use watchkeeper::journal::group::Group;
use watchkeeper::journal::keeper::{Keeper, restore};
use watchkeeper::journal::sinks::{Folder, Sinks, Waiting};
use watchkeeper::journal::{Journal, Style};
use watchkeeper::model::event::Phase;
use watchkeeper::model::picture::Condition;
use watchkeeper::model::snapshot::{Snapshot, parts};
use watchkeeper::model::status::Truth;
use watchkeeper::pass::Passed;
use watchkeeper::sim::fault::{Faults, Rates};
use watchkeeper::sim::scenario::{Breakage, Scenario};

use crate::estate::{Estate, desired, example_corp_desired, minutes};

const GROUP: &str = "/watchkeeper/test/events";

fn sinks(estate: &Estate, folder: Option<&std::path::Path>) -> (Journal, Sinks) {
    let journal = Journal::new(Style::Silent);
    let folder = folder.map(|folder| Folder::open(folder).expect("a folder"));
    let sinks = Sinks::new(journal.clone(), estate.clock.clone(), Waiting { folder, size: 1 << 20 });
    (journal, sinks)
}

fn keeper(estate: &Estate, sinks: &Sinks, seed: u64) -> Keeper {
    let group = Group::new(estate.scope.clients.clone(), GROUP, "test", seed);
    Keeper::new(sinks, Some(group), &estate.clock)
}

fn keep(estate: &Estate, keeper: &mut Keeper, passed: &Passed) {
    let known = estate.scope.known_now(&estate.desired, estate.clock.now());
    keeper.pass_ended(&known, &passed.plan, &passed.picture, &estate.scope.stories);
}

fn snapshot(estate: &Estate, passed: &Passed) -> Snapshot {
    let known = estate.scope.known_now(&estate.desired, estate.clock.now());
    Snapshot::new(&known, &passed.plan, &passed.picture, &estate.scope.stories)
}

/// Puts lines into the stream of an earlier process.
fn put(estate: &Estate, lines: &[String]) {
    let stream = "test/111122223333/us-east-1/snapshots/by-hand";
    estate.sim.world(|world| {
        let now = world.now();
        let groups = &mut world.region(&estate.place).log_groups;
        if groups.group(GROUP).is_err() {
            groups.create(now, GROUP);
        }
        if groups.group(GROUP).is_ok_and(|group| group.stream(stream).is_err()) {
            groups.create_stream(now, GROUP, stream).expect("a new stream");
        }
        let events = lines.iter().map(|line| (now.as_millisecond(), line.clone())).collect();
        groups.put_events(now, GROUP, stream, events).expect("a good batch");
    });
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_nodes_fit_and_come_back() {
    let scenario = Scenario::Fleet { nodes: 10_000, vpcs: 50 };
    let mut estate = Estate::new(scenario, 1, example_corp_desired());
    let passed = estate.pass().await;
    let whole = snapshot(&estate, &passed);
    assert!(whole.picture.parts.len() >= 10_000);
    assert!(whole.explanations.len() >= 10_000, "{}", whole.explanations.len());
    let packed = whole.pack().expect("JSON");
    let lines = parts("a", &packed);
    assert!(packed.len() <= 5 << 20, "{} bytes", packed.len());
    assert!(lines.iter().all(|line| line.len() <= 256 * 1024 - 26));
    let read = Snapshot::unpack(&packed).expect("a snapshot");
    assert_eq!((&read.picture, &read.stories), (&whole.picture, &whole.stories));
    assert_eq!(read.explanations, whole.explanations[..read.explanations.len()]);
    // Through the group, in several batches, and back.
    let (journal, sinks) = sinks(&estate, None);
    let mut keeper = keeper(&estate, &sinks, 1);
    keep(&estate, &mut keeper, &passed);
    estate.wait(minutes(1)).await;
    assert_eq!(journal.sinks()[0].delivered, 1, "{:?}", journal.sinks());
    let found = latest(&estate.scope.clients, GROUP, "test").await.expect("a snapshot");
    assert_eq!(found.snapshot.picture, whole.picture);
    assert!(!found.is_old);
}

#[tokio::test(start_paused = true)]
async fn an_incomplete_or_later_snapshot_is_passed_over_for_the_one_before() {
    let mut estate = Estate::example_corp(1);
    let clients = estate.scope.clients.clone();
    let none = latest(&clients, GROUP, "test").await.expect_err("no group").to_string();
    assert!(none.starts_with("logs:FilterLogEvents failed with ResourceNotFoundException"), "{none}");
    let passed = estate.converge(minutes(40)).await;
    let good = snapshot(&estate, &passed);
    put(&estate, &["hello".to_owned()]);
    let none = latest(&clients, GROUP, "test").await.expect_err("no snapshot").to_string();
    assert!(none.starts_with("no controller named test has left a snapshot"), "{none}");
    put(&estate, &parts("1", &good.pack().expect("JSON")));
    estate.wait(minutes(1)).await;
    let later = Snapshot { format: 2, ..good.clone() };
    put(&estate, &parts("2", &later.pack().expect("JSON")));
    let mut line = parts("3", &good.pack().expect("JSON")).remove(0);
    line = line.replace("\"of\":1", "\"of\":2");
    put(&estate, &[line, "{\"snapshot\":{}}".to_owned()]);
    estate.wait(minutes(1)).await;
    let found = latest(&clients, GROUP, "test").await.expect("a snapshot");
    assert_eq!(found.snapshot.picture, good.picture);
    assert!(latest(&clients, GROUP, "other").await.is_err(), "another installation's is none of ours");
    // Nobody left another one: what it tells was so once.
    estate.wait(minutes(30)).await;
    let found = latest(&clients, GROUP, "test").await.expect("a snapshot");
    assert!(found.is_old && found.says().contains("everything counts as Unknown"), "{}", found.says());
    let picture = &found.snapshot.picture;
    assert!(picture.status.objects.iter().all(|standing| standing.ready == Truth::Unknown));
    assert_eq!(picture.count(|_| true, Condition::Ready), 0);
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_tells_what_the_controller_would() {
    let mut estate = Estate::example_corp(1);
    let passed = estate.converge(minutes(40)).await;
    let snapshot = snapshot(&estate, &passed);
    let node = passed.picture.parts.iter().find(|part| part.condition == Condition::Ready).expect("one");
    let told = snapshot.explanation(&node.id).expect("known");
    let known = estate.scope.known_now(&estate.desired, told.at);
    let asked = watchkeeper::model::explain::explain(&known, &passed.plan, &passed.status, &told.subject);
    assert_eq!((&told.applies, &told.observed, &told.doing), (&asked.applies, &asked.observed, &asked.doing));
    assert!(told.commands.iter().all(|ran| ran.has_failed() || ran.output.is_empty()));
    let unknown = snapshot.explanation("i-nowhere").expect_err("not there").to_string();
    assert!(unknown.contains("`i-nowhere`"), "{unknown}");
}

#[tokio::test(start_paused = true)]
async fn snapshots_come_on_change_and_every_five_minutes_and_survive_faults() {
    let mut estate = Estate::example_corp(1);
    let (journal, sinks) = sinks(&estate, None);
    let mut keeper = keeper(&estate, &sinks, 1);
    estate.sim.set_faults(
        Faults::seeded(1, Rates { deny: 0.3, lose_reply: 0.3, ..Rates::default() }).only("PutLogEvents"),
    );
    for _ in 0..40 {
        let passed = estate.pass().await;
        keep(&estate, &mut keeper, &passed);
        estate.wait(SignedDuration::from_secs(30)).await;
    }
    let written = journal.sinks()[0].delivered;
    assert!((5..=21).contains(&written), "{written} in 20 minutes");
    estate.sim.set_faults(Faults::none());
    let passed = estate.pass().await;
    let known = estate.scope.known_now(&estate.desired, estate.clock.now());
    keeper.finish(&known, &passed.plan, &passed.picture, &estate.scope.stories);
    drop(keeper);
    sinks.close(Duration::from_secs(60)).await;
    let found = latest(&estate.scope.clients, GROUP, "test").await.expect("a snapshot");
    assert!(found.age < SignedDuration::from_mins(6), "{:?}", found.age);
}

/// How often each cause was opened and resolved.
fn phases(estate: &Estate) -> std::collections::BTreeMap<(String, String), (usize, usize)> {
    let mut counts = std::collections::BTreeMap::new();
    for event in &estate.events {
        let key = (event.fingerprint.to_string(), format!("{} {:?}", event.reason, event.object));
        let (opened, resolved): &mut (usize, usize) = counts.entry(key).or_default();
        *opened += usize::from(event.phase == Phase::Opened);
        *resolved += usize::from(event.phase == Phase::Resolved);
    }
    counts
}

#[tokio::test(start_paused = true)]
async fn a_restart_neither_repeats_nor_forgets_what_is_open() {
    for from_group in [false, true] {
        let mut estate = Estate::example_corp(2);
        let passed = estate.converge(minutes(40)).await;
        let place = tempfile::tempdir().expect("a folder");
        let (_journal, sinks) = sinks(&estate, Some(place.path()));
        let mut keeper = keeper(&estate, &sinks, 1);
        let open = passed.picture.open.len();
        assert!(open > 0, "what cannot be managed is open for good");
        keep(&estate, &mut keeper, &passed);
        estate.wait(minutes(1)).await;
        drop(keeper);
        sinks.close(Duration::from_secs(10)).await;
        let before = estate.events.len();
        // Something breaks, and something is mended, while there is no controller.
        estate.sim.world(|world| Breakage::ALL.iter().find_map(|one| one.strike(world, &estate.place)));
        estate.restart();
        let clients = estate.scope.clients.clone();
        let (folder, group) = if from_group { (None, Some(GROUP)) } else { (Some(place.path()), None) };
        let stories = restore(&clients, "test", folder, group).await.expect("stories");
        estate.scope.stories = stories;
        estate.converge(minutes(40)).await;
        estate.live(minutes(10)).await;
        let earlier: Vec<_> =
            estate.events[..before].iter().filter(|event| event.phase == Phase::Opened).collect();
        let again = estate.events_since(before).iter().filter(|event| event.phase == Phase::Opened);
        let again: Vec<_> = again
            .filter(|event| passed.picture.open.iter().any(|open| open.fingerprint == event.fingerprint))
            .collect();
        assert!(again.is_empty(), "from the group: {from_group}: {again:#?}\n{earlier:#?}");
        for (cause, (opened, resolved)) in phases(&estate) {
            assert!(resolved <= opened, "{cause:?}: opened {opened} times, resolved {resolved}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_cause_that_went_while_nobody_watched_is_resolved() {
    let document = "
apiVersion: watchkeeper/v1
kind: LogGroup
metadata: { name: a }
spec: { logGroup: Application, retentionDays: 30 }
";
    let mut estate = Estate::new(Scenario::Empty, 1, desired(document));
    estate.sim.world(|world| {
        let now = world.now();
        world.region(&estate.place).log_groups.create(now, "Application");
    });
    estate.wait(minutes(1)).await;
    let passed = estate.live(minutes(5)).await;
    let open = passed.picture.open.clone();
    assert_eq!(open.len(), 1, "{open:#?}");
    let place = tempfile::tempdir().expect("a folder");
    let (_journal, sinks) = sinks(&estate, Some(place.path()));
    let mut keeper = Keeper::new(&sinks, None, &estate.clock);
    keep(&estate, &mut keeper, &passed);
    let before = estate.events.len();
    estate.restart();
    estate.desired = desired(&document.replace("retentionDays: 30", "retentionDays: 30, adopt: true"));
    let clients = estate.scope.clients.clone();
    estate.scope.stories = restore(&clients, "test", Some(place.path()), None).await.expect("stories");
    estate.converge(minutes(5)).await;
    let told = estate.events_since(before).iter().filter(|event| event.fingerprint == open[0].fingerprint);
    let told: Vec<_> = told.collect();
    assert!(told.iter().all(|event| event.phase != Phase::Opened), "{told:#?}");
    let resolved = told.last().expect("told");
    assert_eq!(resolved.phase, Phase::Resolved);
    assert!(resolved.lasted.is_some_and(|lasted| lasted >= 300), "{resolved:?}");
    // Another scope's, and nonsense, are passed over.
    std::fs::write(place.path().join("stories.json"), "{\"format\":9}").expect("written");
    assert!(restore(&clients, "test", Some(place.path()), None).await.is_none());
    assert!(restore(&clients, "test", None, Some(GROUP)).await.is_none());
}
