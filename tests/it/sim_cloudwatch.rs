//! The simulator's CloudWatch and Logs Insights, through the real SDKs.

use std::collections::BTreeMap;

use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::types::{
    AlarmType, ComparisonOperator, Dimension, DimensionFilter, MetricDatum, RecentlyActive, StateValue,
    Statistic,
};
use aws_sdk_cloudwatchlogs::types::QueryStatus;
use watchkeeper::sim::Sim;
use watchkeeper::sim::world::nodes::{self, Platform, agent};
use watchkeeper::sim::world::{Place, World};

use crate::sdk::{ACCOUNT, code, config, pass, sim};

const CONFIG: &str = r#"{
    "metrics": { "namespace": "Shop", "metrics_collected": {
        "mem": { "measurement": ["used_percent"] }, "cpu": { "measurement": ["cpu_usage_idle"] },
        "Memory": { "measurement": ["% Committed Bytes In Use"] } } },
    "logs": { "logs_collected": { "files": { "collect_list": [
        { "file_path": "/var/log/messages", "log_group_name": "system" },
        { "file_path": "/var/log/nginx/*.log", "log_group_name": "nginx" },
        { "file_path": "/var/log/mesages", "log_group_name": "misspelt" } ] } } } }"#;

/// A machine outside EC2 whose agent runs with [`CONFIG`].
fn machine(world: &mut World, platform: Platform) -> String {
    let place = Place::default_place();
    let id = nodes::add_on_premises(world, &place, "shop-1", platform, BTreeMap::new());
    agent::install(world, &place, &id, "1.0", false);
    agent::write_config(world, &place, &id, "ssm_Shop", CONFIG.as_bytes());
    let now = world.now();
    if let Some(node) = world.region(&place).nodes.nodes.get_mut(&id) {
        node.agent.toml = Some(now);
    }
    agent::start(world, &place, &id);
    id
}

fn client(sim: &Sim) -> Client {
    Client::new(&config(sim, ACCOUNT))
}

/// The metrics that are listed, as `name dimension=value …`.
async fn listed(client: &Client, recent: bool) -> Vec<String> {
    let request = client.list_metrics().namespace("Shop");
    let request = if recent { request.recently_active(RecentlyActive::Pt3H) } else { request };
    let reply = request.send().await.expect("metrics");
    let dimension = |each: &Dimension| {
        format!(" {}={}", each.name().unwrap_or_default(), each.value().unwrap_or_default())
    };
    let row = |metric: &aws_sdk_cloudwatch::types::Metric| {
        let dimensions: String = metric.dimensions().iter().map(dimension).collect();
        format!("{}{dimensions}", metric.metric_name().unwrap_or_default())
    };
    reply.metrics().iter().map(row).collect()
}

#[tokio::test(start_paused = true)]
async fn a_running_agent_sends_its_metrics_and_a_stopped_one_does_not() {
    let sim = sim();
    let client = client(&sim);
    let id = sim.world(|world| machine(world, Platform::Linux));
    assert!(listed(&client, true).await.is_empty(), "nothing was sent yet");
    pass(5 * 60).await;
    let both = ["cpu_usage_idle cpu=cpu-total host=shop-1", "mem_used_percent host=shop-1"];
    assert_eq!(listed(&client, true).await, both);
    sim.world(|world| agent::stop(world, &Place::default_place(), &id));
    pass(2 * 3600).await;
    assert_eq!(listed(&client, true).await, both, "three hours count as recent");
    pass(2 * 3600).await;
    assert!(listed(&client, true).await.is_empty());
    assert_eq!(listed(&client, false).await, both, "it is remembered for two weeks");
}

#[tokio::test(start_paused = true)]
async fn a_platform_collects_what_it_has() {
    let sim = sim();
    sim.world(|world| machine(world, Platform::Windows));
    pass(5 * 60).await;
    let found = listed(&client(&sim), true).await;
    assert_eq!(found, ["Memory % Committed Bytes In Use host=shop-1 objectname=Memory"]);
}

#[tokio::test(start_paused = true)]
async fn a_file_that_is_not_there_delivers_nothing_though_the_configuration_is_taken() {
    let sim = sim();
    sim.world(|world| machine(world, Platform::Linux));
    pass(5 * 60).await;
    let groups: Vec<String> =
        sim.world(|world| world.region(&Place::default_place()).log_groups.groups.keys().cloned().collect());
    assert_eq!(groups, ["nginx", "system"]);
}

#[tokio::test(start_paused = true)]
async fn metrics_that_a_client_puts_are_listed_and_read() {
    let sim = sim();
    let client = client(&sim);
    let host = Dimension::builder().name("host").value("a").build();
    for value in [1.0, 4.0] {
        let datum =
            MetricDatum::builder().metric_name("latency").dimensions(host.clone()).value(value).build();
        client.put_metric_data().namespace("Shop").metric_data(datum).send().await.expect("it is put");
        pass(10).await;
    }
    pass(300).await;
    assert_eq!(listed(&client, true).await, ["latency host=a"]);
    let other = DimensionFilter::builder().name("host").value("b").build();
    let none = client.list_metrics().dimensions(other).send().await.expect("metrics");
    assert!(none.metrics().is_empty());
    let now = sim.now().as_second();
    let read = client.get_metric_statistics().namespace("Shop").metric_name("latency").dimensions(host);
    let read = read.start_time(aws_smithy_types::DateTime::from_secs(now - 3600));
    let read = read.end_time(aws_smithy_types::DateTime::from_secs(now)).period(3600);
    let read =
        read.statistics(Statistic::Sum).statistics(Statistic::Average).send().await.expect("statistics");
    let [point] = read.datapoints() else { panic!("{read:?}") };
    assert_eq!((point.sum(), point.average()), (Some(5.0), Some(2.5)));
    assert!(point.timestamp().is_some());
}

#[tokio::test(start_paused = true)]
async fn alarms_are_put_set_found_and_deleted() {
    let sim = sim();
    let client = client(&sim);
    let put = |name: &str| {
        let request = client.put_metric_alarm().alarm_name(name).namespace("Shop").metric_name("latency");
        let request = request.statistic(Statistic::Average).period(60).evaluation_periods(1).threshold(1.0);
        request.comparison_operator(ComparisonOperator::GreaterThanThreshold).send()
    };
    for name in ["checkout", "login"] {
        put(name).await.expect("it is put");
    }
    let set = |name: &str| {
        client.set_alarm_state().alarm_name(name).state_value(StateValue::Alarm).state_reason("test").send()
    };
    set("login").await.expect("it is set");
    put("login").await.expect("it is put again");
    assert_eq!(code(set("missing").await), "ResourceNotFound");
    let shown = client.describe_alarms().alarm_names("checkout").alarm_names("login").alarm_names("missing");
    let shown = shown.alarm_types(AlarmType::MetricAlarm).send().await.expect("alarms");
    let states: Vec<_> =
        shown.metric_alarms().iter().map(|alarm| (alarm.alarm_name(), alarm.state_value())).collect();
    let expected =
        [(Some("checkout"), Some(&StateValue::InsufficientData)), (Some("login"), Some(&StateValue::Alarm))];
    assert_eq!(states, expected);
    assert_eq!(
        code(client.delete_alarms().alarm_names("missing").alarm_names("login").send().await),
        "ResourceNotFound"
    );
    client.delete_alarms().alarm_names("login").send().await.expect("it is deleted");
    let left = client.describe_alarms().alarm_name_prefix("").send().await.expect("alarms");
    assert_eq!(left.metric_alarms().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_query_runs_for_a_while_and_reads_what_nothing_else_can() {
    let sim = sim();
    let client = aws_sdk_cloudwatchlogs::Client::new(&config(&sim, ACCOUNT));
    client
        .create_log_group()
        .log_group_name("system")
        .log_group_class("INFREQUENT_ACCESS".into())
        .send()
        .await
        .expect("a group");
    sim.world(|world| machine(world, Platform::Linux));
    pass(600).await;
    let start = |text: &str| {
        let now = sim.now().as_second();
        let request = client.start_query().log_group_name("system").query_string(text);
        request.start_time(now - 3600).end_time(now).send()
    };
    let query = start("stats max(@timestamp) as newest by @logStream").await.expect("a query");
    let id = query.query_id().expect("an id");
    let results = || client.get_query_results().query_id(id).send();
    assert_eq!(results().await.expect("results").status(), Some(&QueryStatus::Running));
    pass(3).await;
    let done = results().await.expect("results");
    assert_eq!(done.status(), Some(&QueryStatus::Complete));
    let [row] = done.results() else { panic!("{done:?}") };
    let fields: Vec<_> = row.iter().filter_map(|field| Some((field.field()?, field.value()?))).collect();
    let [("@logStream", "shop-1"), ("newest", newest)] = &*fields else { panic!("{fields:?}") };
    let age = sim.now().as_millisecond() - newest.parse::<i64>().expect("milliseconds");
    assert!((0..30_000).contains(&age), "{age} ms old");
    assert_eq!(code(start("stats count(*) by @logStream").await), "MalformedQueryException");
    let query = start("fields @message | limit 3").await.expect("a query");
    let id = query.query_id().expect("an id");
    client.stop_query().query_id(id).send().await.expect("it is stopped");
    let stopped = client.get_query_results().query_id(id).send().await.expect("results");
    assert_eq!(stopped.status(), Some(&QueryStatus::Cancelled));
}
