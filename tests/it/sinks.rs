//! Sinks of the event stream: a file and a log group that are down, slow, denied, full or talk nonsense. Within its
//! buffer each of them loses nothing and keeps the order, and what went beyond is counted and said.

use std::path::Path;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;
use watchkeeper::aws::log_stream::{BATCH_SPAN, EVENT_BYTES};
use watchkeeper::cli::events::{Asked, recall};
use watchkeeper::cli::plan::Output;
use watchkeeper::journal::group::Group;
use watchkeeper::journal::sinks::{Folder, FolderError, Sinks, Waiting};
use watchkeeper::journal::{Journal, SinkState, Style};
use watchkeeper::model::event::Event;
use watchkeeper::sim::fault::{Faults, Rates};
use watchkeeper::sim::scenario::Scenario;

use crate::canned::{Canned, Reply, ok};
use crate::estate::{Estate, desired, minutes};

const GROUP: &str = "/watchkeeper/test/events";
const NOTHING: &str = "
apiVersion: watchkeeper/v1
kind: LogGroup
metadata: { name: a }
spec: { logGroup: Application }
";

/// An event whose message is `text`.
pub fn event(time: Timestamp, text: &str) -> Event {
    let json = serde_json::json!({
        "time": time, "phase": "opened", "severity": "error", "fingerprint": "0a1b2c3d4e5f", "reason": "CommandFailed",
        "category": "faults", "account": "111122223333", "region": "us-east-1", "revision": "abc",
        "object": "CloudWatchAgent/web", "count": 1, "subjects": ["i-1"], "message": text,
    });
    serde_json::from_value(json).expect("an event")
}

/// A journal whose events wait in `folder`, at most `size` bytes for each sink.
fn journal(estate: &Estate, folder: &Path, size: u64) -> (Journal, Sinks) {
    let journal = Journal::new(Style::Silent);
    let waiting = Waiting { folder: Some(Folder::open(folder).expect("a folder")), size };
    let sinks = Sinks::new(journal.clone(), estate.clock.clone(), waiting);
    (journal, sinks)
}

fn estate(seed: u64) -> Estate {
    Estate::new(Scenario::Empty, seed, desired(NOTHING))
}

fn group(estate: &Estate, seed: u64) -> Group {
    Group::new(estate.scope.clients.clone(), GROUP, "test", seed)
}

fn state(journal: &Journal) -> SinkState {
    journal.sinks().remove(0)
}

fn asked(estate: &Estate) -> Asked {
    Asked {
        group: GROUP.to_owned(),
        installation: "test".to_owned(),
        since: estate.clock.now() - SignedDuration::from_hours(20 * 24),
        concerning: None,
        follow: false,
        output: Output::Json,
        colour: false,
    }
}

/// What `watchkeeper events --from logs` prints.
async fn told(estate: &Estate, asked: &Asked) -> String {
    let mut out = Vec::new();
    let stop = CancellationToken::new();
    recall(&estate.scope.clients, asked, &mut out, &stop).await.expect("a group that can be read");
    String::from_utf8(out).expect("UTF-8")
}

fn messages(lines: &str) -> Vec<String> {
    let events = lines.lines().filter_map(|line| serde_json::from_str::<Event>(line).ok());
    events.map(|event| event.message).collect()
}

/// Writes `count` events a second apart, numbered from `from`.
async fn write(estate: &Estate, journal: &Journal, from: usize, count: usize) {
    for number in from..from + count {
        journal.write(vec![event(estate.clock.now(), &number.to_string())]);
        estate.wait(SignedDuration::from_secs(1)).await;
    }
}

fn numbers(from: usize, to: usize) -> Vec<String> {
    (from..to).map(|number| number.to_string()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_group_that_is_not_there_is_made_and_events_come_back_in_order() {
    let (estate, place) = (estate(1), tempfile::tempdir().expect("a folder"));
    let (journal, sinks) = journal(&estate, &place.path().join("a"), 1 << 20);
    sinks.group(group(&estate, 1));
    write(&estate, &journal, 0, 20).await;
    sinks.close(Duration::from_secs(4)).await;
    // Another process has another stream.
    let (later, sinks) = self::journal(&estate, &place.path().join("b"), 1 << 20);
    sinks.group(group(&estate, 2));
    write(&estate, &later, 20, 20).await;
    sinks.close(Duration::from_secs(4)).await;
    estate.wait(minutes(1)).await;
    assert_eq!(messages(&told(&estate, &asked(&estate)).await), numbers(0, 40));
    let streams = estate.sim.world(|world| {
        let group = world.region(&estate.place).log_groups.group(GROUP).expect("made").clone();
        group.streams.into_keys().collect::<Vec<_>>()
    });
    assert_eq!(streams.len(), 2);
    assert!(
        streams[0].starts_with("test/111122223333/us-east-1/events/2026-03-02T09.00.00Z-"),
        "{streams:?}"
    );
    let mut about = Asked { concerning: Some("i-2".to_owned()), ..asked(&estate) };
    assert_eq!(told(&estate, &about).await, "");
    about.concerning = Some("CloudWatchAgent/web".to_owned());
    about.output = Output::Text;
    let lines = told(&estate, &about).await;
    assert!(
        lines.starts_with(
            "— 2026-03-02, UTC —\n09:00:00 ✗ opened   CommandFailed        CloudWatchAgent/web  0\n"
        ),
        "{lines}"
    );
}

#[tokio::test(start_paused = true)]
async fn whatever_goes_wrong_nothing_is_lost_and_the_order_is_kept() {
    let faults = [
        Rates { throttle: 0.6, ..Rates::default() },
        Rates { deny: 0.6, ..Rates::default() },
        Rates { server_error: 0.6, ..Rates::default() },
        Rates { time_out: 0.4, ..Rates::default() },
        Rates { lose_reply: 0.6, ..Rates::default() },
        Rates { throttle: 0.1, deny: 0.1, server_error: 0.1, time_out: 0.1, lose_reply: 0.1, cut_page: 0.0 },
        Rates { deny: 1.0, ..Rates::default() },
    ];
    for (seed, rates) in (1..).zip(faults) {
        let (estate, place) = (estate(seed), tempfile::tempdir().expect("a folder"));
        let (journal, sinks) = journal(&estate, place.path(), 1 << 20);
        sinks.group(group(&estate, seed));
        estate.sim.set_faults(Faults::seeded(seed, rates.clone()));
        write(&estate, &journal, 0, 200).await;
        estate.sim.set_faults(Faults::none());
        estate.wait(minutes(10)).await;
        let now = state(&journal);
        assert_eq!((now.queued, now.dropped, now.failing_since), (0, 0, None), "{rates:?}: {now:?}");
        assert_eq!(messages(&told(&estate, &asked(&estate)).await), numbers(0, 200), "{rates:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_killed_process_leaves_its_events_to_the_next_one() {
    let (estate, place) = (estate(1), tempfile::tempdir().expect("a folder"));
    let (journal, sinks) = journal(&estate, place.path(), 1 << 20);
    sinks.group(group(&estate, 1));
    estate.sim.set_faults(Faults::seeded(1, Rates { deny: 1.0, ..Rates::default() }));
    write(&estate, &journal, 0, 30).await;
    let now = state(&journal);
    assert_eq!(now.queued, 30);
    assert!(now.failing_since.is_some() && now.last_error.expect("said").contains("AccessDenied"));
    sinks.close(Duration::from_secs(4)).await;
    estate.sim.set_faults(Faults::none());
    drop(journal);
    let (journal, sinks) = self::journal(&estate, place.path(), 1 << 20);
    sinks.group(group(&estate, 2));
    write(&estate, &journal, 30, 5).await;
    sinks.close(Duration::from_secs(4)).await;
    assert_eq!(messages(&told(&estate, &asked(&estate)).await), numbers(0, 35));
}

#[tokio::test(start_paused = true)]
async fn beyond_the_buffer_the_oldest_are_dropped_counted_and_said() {
    let (estate, place) = (estate(1), tempfile::tempdir().expect("a folder"));
    let (journal, sinks) = journal(&estate, place.path(), 64 * 1024);
    sinks.group(group(&estate, 1));
    estate.sim.set_faults(Faults::seeded(1, Rates { deny: 1.0, ..Rates::default() }));
    write(&estate, &journal, 0, 500).await;
    let now = state(&journal);
    assert!(now.dropped > 100 && now.queued > 50 && now.queued_bytes <= 64 * 1024, "{now:?}");
    estate.sim.set_faults(Faults::none());
    estate.wait(minutes(10)).await;
    let now = state(&journal);
    assert_eq!((now.delivered + now.dropped, now.queued), (500, 0));
    let lines = told(&estate, &asked(&estate)).await;
    let first = usize::try_from(now.dropped).expect("few");
    assert_eq!(messages(&lines), numbers(first, 500));
    assert!(lines.contains(&format!("\"sink\":\"group\",\"events\":{}}}", now.dropped)), "{lines}");
}

#[tokio::test(start_paused = true)]
async fn every_batch_is_one_that_cloudwatch_logs_takes() {
    for seed in 1..=4 {
        let (estate, place) = (estate(seed), tempfile::tempdir().expect("a folder"));
        let (journal, sinks) = journal(&estate, place.path(), 256 << 20);
        estate.sim.set_faults(Faults::seeded(seed, Rates { deny: 1.0, ..Rates::default() }));
        sinks.group(group(&estate, seed));
        let mut rng = fastrand::Rng::with_seed(seed);
        let now = estate.clock.now();
        let mut time = now - SignedDuration::from_hours(24 * 13);
        let sizes = [0, 1, 100, 5_000, 50_000, EVENT_BYTES - 1_000, 400_000];
        for number in 0..150 {
            // Mostly forwards, in small and large steps; now and then back, as a clock that is set.
            let step = [1, 60, 3_600, 40_000, -5_000][rng.usize(..5)];
            time = (time + SignedDuration::from_secs(step)).min(now);
            journal.write(vec![event(time, &format!("{number} {}", "ü".repeat(sizes[rng.usize(..7)] / 2)))]);
        }
        journal.write(vec![event(now - BATCH_SPAN * 15, "too old")]);
        estate.sim.set_faults(Faults::none());
        estate.wait(minutes(20)).await;
        let end = state(&journal);
        assert_eq!((end.delivered, end.dropped, end.queued), (150, 1, 0), "{end:?}");
        let mut got: Vec<usize> = messages(&told(&estate, &asked(&estate)).await)
            .iter()
            .map(|message| {
                message.split(' ').next().and_then(|number| number.parse().ok()).expect("a number")
            })
            .collect();
        got.sort_unstable();
        assert_eq!(got, (0..150).collect::<Vec<_>>());
    }
}

#[tokio::test(start_paused = true)]
async fn nonsense_in_place_of_an_answer_is_tried_again() {
    let identity = "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::111122223333:user/a</Arn>\
                    <UserId>a</UserId><Account>111122223333</Account></GetCallerIdentityResult></GetCallerIdentityResponse>";
    let put = "PutLogEvents";
    let refused = "{\"__type\":\"InvalidParameterException\",\"message\":\"no\"}";
    let (clients, canned) = Canned::clients([
        ("GetCallerIdentity", ok(identity)),
        (put, ok("<html>hello</html>")),
        (put, Reply::Broken),
        (put, Reply::Broken),
        (put, Reply::Broken),
        // For two events together, and then for the first alone: that one is the cause.
        (put, Reply::Body(400, refused.to_owned())),
        (put, Reply::Body(400, refused.to_owned())),
        (put, ok("{\"rejectedLogEventsInfo\":{\"tooNewLogEventStartIndex\":0}}")),
        (put, ok("{}")),
    ]);
    let clock = clients.clock().clone();
    let journal = Journal::new(Style::Silent);
    let sinks = Sinks::new(journal.clone(), clock.clone(), Waiting { folder: None, size: 0 });
    journal.write(vec![event(clock.now(), "before there was a sink")]);
    sinks.group(Group::new(clients, GROUP, "test", 1));
    journal.write(vec![event(clock.now(), "one"), event(clock.now(), "two")]);
    clock.sleep(Duration::from_secs(600)).await;
    let now = state(&journal);
    assert_eq!((now.delivered, now.dropped, now.queued), (0, 2, 0), "{now:?}");
    journal.write(vec![event(clock.now(), "three")]);
    clock.sleep(Duration::from_secs(600)).await;
    assert_eq!((state(&journal).delivered, canned.left()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn new_events_are_followed_once_each() {
    let (estate, place) = (estate(1), tempfile::tempdir().expect("a folder"));
    let (journal, sinks) = journal(&estate, place.path(), 1 << 20);
    sinks.group(group(&estate, 1));
    write(&estate, &journal, 0, 3).await;
    let stop = CancellationToken::new();
    let (clients, stopped) = (estate.scope.clients.clone(), stop.clone());
    let follow = Asked { follow: true, ..asked(&estate) };
    let task = tokio::spawn(async move {
        let mut out = Vec::new();
        recall(&clients, &follow, &mut out, &stopped).await.expect("a group that can be read");
        String::from_utf8(out).expect("UTF-8")
    });
    // A lost reply brings some twice.
    estate.sim.set_faults(Faults::seeded(1, Rates { lose_reply: 0.3, ..Rates::default() }));
    write(&estate, &journal, 3, 30).await;
    estate.sim.set_faults(Faults::none());
    estate.wait(minutes(3)).await;
    stop.cancel();
    let mut got = messages(&task.await.expect("no panic"));
    got.sort_by_key(|number| number.parse::<u32>().unwrap_or_default());
    assert_eq!(got, numbers(0, 33));
}

#[tokio::test(start_paused = true)]
async fn a_file_is_appended_to_and_made_anew_when_it_is_rotated() {
    let (estate, place) = (estate(1), tempfile::tempdir().expect("a folder"));
    let (journal, sinks) = journal(&estate, &place.path().join("buffer"), 1 << 20);
    let file = place.path().join("events.jsonl");
    std::fs::write(&file, "{\"half\":").expect("written");
    sinks.file(file.clone());
    write(&estate, &journal, 0, 3).await;
    let text = std::fs::read_to_string(&file).expect("there");
    assert!(text.starts_with("{\"half\":\n{\"time\""), "{text}");
    std::fs::rename(&file, place.path().join("events.1")).expect("rotated");
    write(&estate, &journal, 3, 3).await;
    std::fs::remove_file(&file).expect("removed");
    std::fs::create_dir(&file).expect("something else in its place");
    write(&estate, &journal, 6, 3).await;
    let now = state(&journal);
    assert!(now.queued == 3 && now.failing_since.is_some(), "{now:?}");
    std::fs::remove_dir(&file).expect("removed");
    estate.wait(minutes(5)).await;
    assert_eq!(messages(&std::fs::read_to_string(&file).expect("there")), numbers(6, 9));
    let rotated = std::fs::read_to_string(place.path().join("events.1")).expect("there");
    assert_eq!(messages(&rotated), numbers(0, 3));
    sinks.close(Duration::from_secs(4)).await;
}

#[test]
fn two_controllers_do_not_share_a_buffer() {
    let place = tempfile::tempdir().expect("a folder");
    let first = Folder::open(place.path()).expect("free");
    let second = Folder::open(place.path()).expect_err("in use");
    assert!(matches!(second, FolderError::InUse(_)));
    assert!(second.to_string().contains("--buffer"), "{second}");
    drop(first);
    Folder::open(place.path()).expect("free again");
}
