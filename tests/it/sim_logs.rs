//! The simulator's CloudWatch Logs, through the real SDK.

use aws_sdk_cloudwatchlogs::Client;
use aws_sdk_cloudwatchlogs::config::retry::RetryConfig;
use aws_sdk_cloudwatchlogs::config::timeout::TimeoutConfig;
use aws_sdk_cloudwatchlogs::types::{InputLogEvent, LogGroupClass, OrderBy};
use jiff::{SignedDuration, Timestamp};
use watchkeeper::clock::Clock;
use watchkeeper::sim::Sim;
use watchkeeper::sim::world::log_groups::{Line, Source};
use watchkeeper::sim::world::{Place, World};

use crate::sdk;

const GROUP: &str = "application.log";
const STREAM: &str = "i-0123456789abcdef0";

/// A simulator that begins at `start()`, and a client of it without retries.
fn begin() -> (Sim, Client) {
    let mut world = World::new(1, start());
    world.settings.listing_lag = SignedDuration::ZERO;
    let sim = Sim::new(world, Clock::pretended(start(), 1.0));
    let config =
        aws_sdk_cloudwatchlogs::config::Builder::from(&sdk::config_at(&sim, &Place::default_place()))
            .retry_config(RetryConfig::disabled())
            .timeout_config(TimeoutConfig::disabled())
            .build();
    (sim, Client::from_conf(config))
}

fn start() -> Timestamp {
    "2026-01-05T00:00:00Z".parse().expect("a timestamp")
}

async fn wait(minutes: u64) {
    tokio::time::sleep(std::time::Duration::from_secs(minutes * 60)).await;
}

/// An application log with a line a minute that arrives five seconds later.
fn source(stream: &str) -> Source {
    Source {
        key: format!("agent/{stream}/application.log"),
        group: GROUP.to_owned(),
        stream: stream.to_owned(),
        every: SignedDuration::from_mins(1),
        delay: SignedDuration::from_secs(5),
        line: Line::Application,
        recreates: true,
    }
}

fn attach(sim: &Sim, source: Source) {
    sim.world(|world| {
        let now = world.now();
        world.region(&Place::default_place()).log_groups.attach(now, source);
    });
}

/// How many events of a group match, over all pages.
async fn count(client: &Client, pattern: &str) -> usize {
    let pages = client.filter_log_events().log_group_name(GROUP).filter_pattern(pattern).limit(1000);
    let mut pages = pages.into_paginator().send();
    let mut count = 0;
    while let Some(page) = pages.next().await {
        count += page.expect("a page").events().len();
    }
    count
}

macro_rules! refused {
    ($call:expr, $code:expr) => {{
        let error = $call.send().await.expect_err("an error").into_service_error();
        assert_eq!(error.meta().code(), Some($code), "{:?}", error.meta());
    }};
}

#[tokio::test(start_paused = true)]
async fn a_source_makes_its_group_and_writes_on_time() {
    let (sim, client) = begin();
    attach(&sim, source(STREAM));
    let groups = client.describe_log_groups().send().await.expect("groups");
    assert!(groups.log_groups().is_empty(), "nothing was written yet");
    wait(10).await;
    let groups = client.describe_log_groups().log_group_name_prefix(GROUP).send().await.expect("groups");
    let group = groups.log_groups().first().expect("the group");
    let arn = "arn:aws:logs:us-east-1:111122223333:log-group:application.log";
    assert_eq!(group.log_group_arn(), Some(arn));
    assert_eq!(group.arn(), Some(format!("{arn}:*").as_str()));
    assert_eq!(group.creation_time(), Some(start().as_millisecond() + 65_000));
    assert_eq!(group.retention_in_days(), None);
    let first = client.filter_log_events().log_group_name(GROUP).log_stream_name_prefix("i-01").limit(1);
    let first = first.send().await.expect("an event");
    let [event] = first.events() else { panic!("{first:?}") };
    assert_eq!(event.timestamp(), Some(start().as_millisecond() + 60_000));
    assert_eq!(event.ingestion_time(), Some(start().as_millisecond() + 65_000));
    assert!(first.next_token().is_some());
    let all = count(&client, "").await;
    assert_eq!(all, 9, "the tenth is on its way");
    sim.world(|world| {
        let now = world.now();
        world.region(&Place::default_place()).log_groups.detach(now, &source(STREAM).key);
    });
    wait(60).await;
    assert_eq!(count(&client, "").await, 10, "the tenth had been written before the end");
}

#[tokio::test(start_paused = true)]
async fn a_filter_finds_what_a_full_read_finds() {
    let (sim, client) = begin();
    for node in 0..5 {
        attach(&sim, source(&format!("i-{node:017}")));
    }
    wait(12 * 60).await;
    let all = count(&client, "").await;
    let errors = count(&client, "{ $.level = \"ERROR\" && $.status >= 500 }").await;
    let others = count(&client, "{ $.level != \"ERROR\" || $.status < 500 }").await;
    assert_eq!(all, 5 * 719);
    assert!(errors > 0);
    assert_eq!(errors + others, all);
    assert_eq!(count(&client, "-INFO -WARN").await, errors);
    refused!(
        client.filter_log_events().log_group_name(GROUP).filter_pattern("{ $.level = "),
        "InvalidParameterException"
    );
}

#[tokio::test(start_paused = true)]
async fn filtered_events_come_in_order_both_ways() {
    let (sim, client) = begin();
    for node in 0..3 {
        attach(&sim, source(&format!("i-{node:017}")));
    }
    wait(30).await;
    let read = async |from_head: bool| {
        let pages = client
            .filter_log_events()
            .log_group_name(GROUP)
            .start_time(start().as_millisecond())
            .start_from_head(from_head)
            .limit(7);
        let mut pages = pages.into_paginator().send();
        let mut events = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.expect("a page");
            events.extend(page.events().iter().map(|event| event.clone().event_id.expect("an id")));
        }
        events
    };
    let (forwards, mut backwards) = (read(true).await, read(false).await);
    backwards.reverse();
    assert_eq!(forwards.len(), 3 * 29);
    assert_eq!(forwards, backwards);
    let times: Vec<&str> = forwards.iter().map(|id| &id[..18]).collect();
    assert!(times.is_sorted());
}

#[tokio::test(start_paused = true)]
async fn retention_trims_and_does_not_give_back() {
    let (sim, client) = begin();
    attach(&sim, source(STREAM));
    wait(3 * 24 * 60).await;
    client.put_retention_policy().log_group_name(GROUP).retention_in_days(1).send().await.expect("retention");
    let kept = count(&client, "").await;
    assert!((1438..=1441).contains(&kept), "{kept} events in a day");
    client.delete_retention_policy().log_group_name(GROUP).send().await.expect("no retention");
    wait(60).await;
    assert_eq!(count(&client, "").await, kept + 60);
    refused!(
        client.put_retention_policy().log_group_name(GROUP).retention_in_days(2),
        "InvalidParameterException"
    );
    refused!(
        client.put_retention_policy().log_group_name("missing").retention_in_days(1),
        "ResourceNotFoundException"
    );
}

#[tokio::test(start_paused = true)]
async fn an_account_policy_hides_the_groups_own_retention() {
    let (sim, client) = begin();
    client.create_log_group().log_group_name(GROUP).send().await.expect("a group");
    client
        .put_retention_policy()
        .log_group_name(GROUP)
        .retention_in_days(30)
        .send()
        .await
        .expect("retention");
    sim.world(|world| {
        let groups = &mut world.region(&Place::default_place()).log_groups;
        groups.account_policy = Some(("seven".to_owned(), Some(7)));
    });
    let groups = client.describe_log_groups().send().await.expect("groups");
    let group = groups.log_groups().first().expect("the group");
    assert_eq!(group.retention_in_days(), Some(7));
    assert_eq!(group.retention_policy_name(), Some("seven"));
}

#[tokio::test(start_paused = true)]
async fn a_deleted_group_comes_back_empty_if_its_writer_may_make_it() {
    let (sim, client) = begin();
    attach(&sim, source(STREAM));
    attach(&sim, Source { group: "other".to_owned(), recreates: false, ..other(STREAM) });
    client.create_log_group().log_group_name("other").send().await.expect("a group");
    wait(10).await;
    for group in [GROUP, "other"] {
        client.delete_log_group().log_group_name(group).send().await.expect("deleted");
    }
    let groups = client.describe_log_groups().send().await.expect("groups");
    assert!(groups.log_groups().is_empty());
    wait(10).await;
    let groups = client.describe_log_groups().send().await.expect("groups");
    let names: Vec<_> = groups.log_groups().iter().filter_map(|group| group.log_group_name()).collect();
    assert_eq!(names, [GROUP]);
    assert_eq!(count(&client, "").await, 10);
    client.create_log_group().log_group_name("other").send().await.expect("a group");
    wait(10).await;
    let events = client.filter_log_events().log_group_name("other").send().await.expect("events");
    assert_eq!(events.events().len(), 10, "it goes on as soon as there is a group");
}

fn other(stream: &str) -> Source {
    Source { key: "agent/other".to_owned(), ..source(stream) }
}

#[tokio::test(start_paused = true)]
async fn put_events_are_kept_and_bad_ones_are_named() {
    let (_sim, client) = begin();
    client.create_log_group().log_group_name(GROUP).send().await.expect("a group");
    let put = |hours: &[i64]| {
        let events = hours.iter().map(|hour| {
            let time = start().as_millisecond() + hour * 3_600_000;
            InputLogEvent::builder().timestamp(time).message(format!("at {hour}")).build().expect("an event")
        });
        let call = client.put_log_events().log_group_name(GROUP).log_stream_name("own");
        call.set_log_events(Some(events.collect()))
    };
    refused!(put(&[0]), "ResourceNotFoundException");
    client.create_log_stream().log_group_name(GROUP).log_stream_name("own").send().await.expect("a stream");
    refused!(
        client.create_log_stream().log_group_name(GROUP).log_stream_name("own"),
        "ResourceAlreadyExistsException"
    );
    refused!(put(&[1, 0]), "InvalidParameterException");
    refused!(put(&[-30, 0]), "InvalidParameterException");
    let answer = put(&[-340, -339, -330]).send().await.expect("an answer");
    let rejected = answer.rejected_log_events_info().expect("rejections");
    assert_eq!(rejected.too_old_log_event_end_index(), Some(2));
    let answer = put(&[0, 1, 3]).send().await.expect("an answer");
    let rejected = answer.rejected_log_events_info().expect("rejections");
    assert_eq!(rejected.too_new_log_event_start_index(), Some(2));
    let events = client.get_log_events().log_group_name(GROUP).log_stream_name("own").send().await;
    let messages: Vec<_> =
        events.expect("events").events().iter().filter_map(|event| event.message.clone()).collect();
    assert_eq!(messages, ["at -330", "at 0", "at 1"]);
}

#[tokio::test(start_paused = true)]
async fn tokens_walk_a_stream_both_ways_and_stay_at_the_end() {
    let (sim, client) = begin();
    attach(&sim, source(STREAM));
    wait(11).await;
    let get = async |token: Option<String>| {
        let call = client.get_log_events().log_group_name(GROUP).log_stream_name(STREAM).limit(4);
        let page = call.start_from_head(true).set_next_token(token).send().await.expect("a page");
        let minute = |time: i64| (time - start().as_millisecond()) / 60_000;
        let minutes: Vec<_> = page
            .events()
            .iter()
            .filter_map(aws_sdk_cloudwatchlogs::types::OutputLogEvent::timestamp)
            .map(minute)
            .collect();
        (minutes, page.next_forward_token, page.next_backward_token)
    };
    let (first, forth, _) = get(None).await;
    assert_eq!(first, [1, 2, 3, 4]);
    let (second, forth, back) = get(forth).await;
    assert_eq!(second, [5, 6, 7, 8]);
    assert_eq!(get(back).await.0, [1, 2, 3, 4]);
    let (third, end, _) = get(forth).await;
    assert_eq!(third, [9, 10]);
    let (none, same, back) = get(end.clone()).await;
    assert!(none.is_empty());
    assert_eq!(same, end);
    assert_eq!(get(back).await.0, [7, 8, 9, 10]);
    wait(1).await;
    assert_eq!(get(end).await.0, [11]);
}

#[tokio::test(start_paused = true)]
async fn groups_refuse_what_aws_refuses() {
    let (_sim, client) = begin();
    let create = |name: &str| client.create_log_group().log_group_name(name);
    create("cold").log_group_class(LogGroupClass::InfrequentAccess).send().await.expect("a group");
    create("kept").deletion_protection_enabled(true).tags("a", "b").send().await.expect("a group");
    refused!(create("kept"), "ResourceAlreadyExistsException");
    refused!(create("aws/mine"), "InvalidParameterException");
    refused!(create("with space"), "InvalidParameterException");
    refused!(client.delete_log_group().log_group_name("kept"), "ValidationException");
    refused!(client.filter_log_events().log_group_name("cold"), "InvalidParameterException");
    refused!(client.filter_log_events().log_group_name("missing"), "ResourceNotFoundException");
    refused!(
        client.describe_log_groups().log_group_name_prefix("a").log_group_name_pattern("b"),
        "InvalidParameterException"
    );
    refused!(client.describe_log_groups().limit(51), "InvalidParameterException");
    refused!(client.describe_log_groups().next_token("nonsense"), "InvalidParameterException");
    refused!(
        client
            .describe_log_streams()
            .log_group_name("kept")
            .order_by(OrderBy::LastEventTime)
            .log_stream_name_prefix("i-"),
        "InvalidParameterException"
    );
}

#[tokio::test(start_paused = true)]
async fn tags_go_by_the_arn_without_a_star() {
    let (_sim, client) = begin();
    client.create_log_group().log_group_name(GROUP).tags("a", "1").send().await.expect("a group");
    let arn = format!("arn:aws:logs:us-east-1:111122223333:log-group:{GROUP}");
    client.tag_resource().resource_arn(&arn).tags("b", "2").send().await.expect("tagged");
    client.untag_resource().resource_arn(&arn).tag_keys("a").send().await.expect("untagged");
    let tags = client.list_tags_for_resource().resource_arn(&arn).send().await.expect("tags");
    let tags = tags.tags().expect("tags");
    assert_eq!(tags.len(), 1);
    assert_eq!(tags["b"], "2");
    refused!(client.list_tags_for_resource().resource_arn(format!("{arn}:*")), "InvalidParameterException");
    let mut call = client.tag_resource().resource_arn(&arn);
    for number in 0..50 {
        call = call.tags(format!("tag{number}"), "x");
    }
    refused!(call, "TooManyTagsException");
}

#[tokio::test(start_paused = true)]
async fn a_stream_list_lags_behind_its_events() {
    let (sim, client) = begin();
    attach(&sim, source(STREAM));
    wait(10).await;
    let list = async || {
        let call = client.describe_log_streams().log_group_name(GROUP).order_by(OrderBy::LastEventTime);
        let page = call.send().await.expect("streams");
        page.log_streams().first().expect("the stream").last_event_timestamp()
    };
    assert_eq!(list().await, None);
    wait(20).await;
    assert_eq!(list().await, Some(start().as_millisecond() + 14 * 60_000));
}

#[tokio::test(start_paused = true)]
async fn one_node_of_ten_thousand_is_found_without_looking_at_the_others() {
    let (sim, client) = begin();
    for node in 0..10_000 {
        attach(&sim, source(&format!("i-{node:017}")));
    }
    wait(24 * 60).await;
    let call = client.filter_log_events().log_group_name(GROUP);
    let page = call.log_stream_name_prefix("i-00000000000005000").limit(1).send().await.expect("a page");
    assert_eq!(page.events().len(), 1);
    assert_eq!(page.events()[0].log_stream_name(), Some("i-00000000000005000"));
    let streams = client.describe_log_streams().log_group_name(GROUP).send().await.expect("streams");
    assert_eq!(streams.log_streams().len(), 50);
    assert!(streams.next_token().is_some());
}

#[tokio::test(start_paused = true)]
async fn new_groups_are_listed_late() {
    let (sim, client) = begin();
    sim.world(|world| world.settings.listing_lag = SignedDuration::from_secs(30));
    client.create_log_group().log_group_name(GROUP).send().await.expect("a group");
    let listed = async || client.describe_log_groups().send().await.expect("groups").log_groups().len();
    assert_eq!(listed().await, 0);
    refused!(client.create_log_group().log_group_name(GROUP), "ResourceAlreadyExistsException");
    wait(1).await;
    assert_eq!(listed().await, 1);
}
