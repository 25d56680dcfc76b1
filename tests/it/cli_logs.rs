//! `watchkeeper logs`: events in order, by stream and pattern, page by page, and as they come.

use jiff::SignedDuration;
use tokio_util::sync::CancellationToken;
use watchkeeper::aws::log_events::Search;
use watchkeeper::cli::logs::{Asked, run};
use watchkeeper::cli::plan::Output;
use watchkeeper::sim::fault::{Faults, Rates};
use watchkeeper::sim::scenario::Scenario;
use watchkeeper::sim::world::log_groups::LogGroup;

use crate::estate::{Estate, desired, minutes};

const EMPTY: &str = "
apiVersion: watchkeeper/v1
kind: LogGroup
metadata: { name: a }
spec: { logGroup: Application }
";

/// A group with two streams, of which one has a line that would clear a terminal.
async fn estate(seed: u64) -> Estate {
    let estate = Estate::beginning("2026-03-02T08:59:50Z", Scenario::Empty, seed, desired(EMPTY));
    let place = estate.place.clone();
    estate.sim.world(|world| {
        let now = world.now();
        let groups = &mut world.region(&place).log_groups;
        groups.create(now, "Application");
        groups.create(now, "/aws/lambda/mail");
        let mut cold = LogGroup::new(now);
        cold.class = "INFREQUENT_ACCESS".to_owned();
        groups.groups.insert("Cold".to_owned(), cold);
    });
    // A new group takes a moment to be listed.
    estate.wait(SignedDuration::from_secs(10)).await;
    put(&estate, "i-1", -60, &["one", "an ERROR\n  at line 2"]);
    put(&estate, "i-2", -30, &["\u{1b}[2Jgone\u{202e}"]);
    estate
}

/// Writes lines a second apart, beginning `after` seconds from now.
fn put(estate: &Estate, stream: &str, after: i64, lines: &[&str]) {
    let place = estate.place.clone();
    estate.sim.world(|world| {
        let now = world.now();
        let groups = &mut world.region(&place).log_groups;
        if groups.group("Application").is_ok_and(|group| group.stream(stream).is_err()) {
            groups.create_stream(now, "Application", stream).expect("a new stream");
        }
        let first = now.as_millisecond() + after * 1_000;
        let events = (0..).zip(lines).map(|(at, line)| (first + at * 1_000, (*line).to_owned())).collect();
        groups.put_events(now, "Application", stream, events).expect("a good batch");
    });
}

fn asked(estate: &Estate, group: &str) -> Asked {
    let since = estate.clock.now() - SignedDuration::from_mins(10);
    let search = Search { group: group.to_owned(), stream: None, pattern: None, since };
    Asked { search, follow: false, output: Output::Text, is_terminal: true }
}

async fn printed(estate: &Estate, asked: Asked) -> String {
    let mut out = Vec::new();
    let stop = CancellationToken::new();
    run(&estate.scope.clients, asked, &mut out, &stop).await.expect("a group that can be read");
    String::from_utf8(out).expect("UTF-8")
}

async fn refused(estate: &Estate, group: &str) -> String {
    let (mut out, stop) = (Vec::new(), CancellationToken::new());
    let refused = run(&estate.scope.clients, asked(estate, group), &mut out, &stop).await;
    refused.expect_err("it cannot be read").to_string()
}

#[tokio::test(start_paused = true)]
async fn events_come_in_order_and_harmless() {
    let estate = estate(1).await;
    assert_eq!(
        printed(&estate, asked(&estate, "Application")).await,
        "2026-03-02T08:59:00.000Z i-1 one\n\
         2026-03-02T08:59:01.000Z i-1 an ERROR\n      at line 2\n\
         2026-03-02T08:59:30.000Z i-2 \\u{1b}[2Jgone\\u{202e}\n"
    );
    // Where no terminal reads it, what is there is what is printed.
    let raw = Asked { is_terminal: false, ..asked(&estate, "Application") };
    assert!(printed(&estate, raw).await.contains("\u{1b}[2Jgone"));
    let mut one = asked(&estate, "Application");
    (one.search.stream, one.output) = (Some("i-2".to_owned()), Output::Json);
    assert_eq!(
        printed(&estate, one).await,
        "{\"time\":\"2026-03-02T08:59:30Z\",\"stream\":\"i-2\",\"message\":\"\\u001b[2Jgone\u{202e}\"}\n"
    );
    let mut errors = asked(&estate, "Application");
    errors.search.pattern = Some("ERROR".to_owned());
    assert_eq!(printed(&estate, errors).await.lines().count(), 2);
}

#[tokio::test(start_paused = true)]
async fn all_pages_are_read_however_short_they_are() {
    let estate = estate(2).await;
    let lines: Vec<String> = (0..40).map(|line| format!("line {line}")).collect();
    put(&estate, "i-3", -50, &lines.iter().map(String::as_str).collect::<Vec<_>>());
    estate.sim.set_faults(Faults::seeded(2, Rates { cut_page: 0.8, ..Rates::default() }));
    assert_eq!(printed(&estate, asked(&estate, "Application")).await.lines().count(), 44);
}

#[tokio::test(start_paused = true)]
async fn new_events_are_followed_once_each_also_late_ones() {
    let estate = estate(3).await;
    let stop = CancellationToken::new();
    let (clients, stopped) = (estate.scope.clients.clone(), stop.clone());
    let follow = Asked { follow: true, ..asked(&estate, "Application") };
    let task = tokio::spawn(async move {
        let mut out = Vec::new();
        let count = run(&clients, follow, &mut out, &stopped).await.expect("a group that can be read");
        (count, String::from_utf8(out).expect("UTF-8"))
    });
    estate.wait(minutes(1)).await;
    put(&estate, "i-1", -5, &["new"]);
    // Written now, of minutes ago: as flow logs come.
    put(&estate, "i-2", -300, &["late"]);
    estate.wait(minutes(1)).await;
    stop.cancel();
    let (count, out) = task.await.expect("no panic");
    assert_eq!(count, 5, "{out}");
    assert_eq!((out.matches(" new\n").count(), out.matches(" late\n").count()), (1, 1), "{out}");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_is_said_with_what_to_do() {
    let estate = estate(4).await;
    assert_eq!(
        refused(&estate, "Aplication").await,
        "there is no log group Aplication in us-east-1: there is Application"
    );
    assert_eq!(
        refused(&estate, "mail").await,
        "there is no log group mail in us-east-1: there is /aws/lambda/mail"
    );
    assert!(refused(&estate, "zzz").await.ends_with("none has a name like it"));
    let cold = refused(&estate, "Cold").await;
    assert!(cold.contains("aws logs start-query --log-group-name 'Cold' --start-time"), "{cold}");
    estate.sim.set_faults(Faults::seeded(4, Rates { deny: 1.0, ..Rates::default() }).only("FilterLogEvents"));
    let denied = refused(&estate, "Application").await;
    assert!(denied.starts_with("logs:FilterLogEvents failed with AccessDenied"), "{denied}");
}
