//! The simulator's SSM, driven by the real AWS SDK.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_ssm::Client;
use aws_sdk_ssm::error::ProvideErrorMetadata;
use aws_sdk_ssm::types::{
    CommandFilter, CommandFilterKey, CommandInvocation, CommandInvocationStatus,
    InstanceInformationStringFilter, ParameterStringFilter, ParameterType, Tag, Target,
};
use jiff::Timestamp;
use watchkeeper::clock::Clock;
use watchkeeper::model::probe;
use watchkeeper::sim::Sim;
use watchkeeper::sim::world::nodes::{self, Breakage, Breaks, Platform, agent};
use watchkeeper::sim::world::{Place, World};

use crate::sdk;

const MANAGE: &str = "AmazonCloudWatch-ManageAgent";
const PACKAGE: &str = "AWS-ConfigureAWSPackage";
const CONFIG: &str = r#"{"logs":{"logs_collected":{"files":{"collect_list":[{"file_path":"/opt/app/application.log","log_group_name":"app","log_stream_name":"{hostname}","retention_in_days":30}]}}}}"#;

/// A simulated account with some on-premises machines.
struct Estate {
    sim: Sim,
    place: Place,
    ssm: Client,
    nodes: Vec<String>,
}

fn estate(platforms: &[Platform]) -> Estate {
    let epoch: Timestamp = "2026-01-01T00:00:00Z".parse().expect("a time");
    let mut world = World::new(7, epoch);
    world.settings.throttling = false;
    let place = Place::default_place();
    let tags = BTreeMap::from([("Application".to_owned(), "ExampleCorp".to_owned())]);
    let nodes = platforms
        .iter()
        .enumerate()
        .map(|(at, platform)| {
            nodes::add_on_premises(&mut world, &place, &format!("host-{at}"), *platform, tags.clone())
        })
        .collect();
    let sim = Sim::new(world, Clock::pretended(epoch, 1.0));
    let ssm = Client::new(&sdk::config_at(&sim, &place));
    Estate { sim, place, ssm, nodes }
}

fn code<T: std::fmt::Debug, E: ProvideErrorMetadata + std::fmt::Debug>(outcome: Result<T, E>) -> String {
    outcome.expect_err("an error").code().unwrap_or_default().to_owned()
}

impl Estate {
    /// Sends a command to all nodes, and waits until it must be over.
    async fn run(&self, document: &str, parameters: &[(&str, &str)]) -> Vec<CommandInvocation> {
        let id = self.send(document, parameters).await;
        tokio::time::sleep(Duration::from_secs(60)).await;
        self.invocations(&id).await
    }

    async fn send(&self, document: &str, parameters: &[(&str, &str)]) -> String {
        let mut send = self.ssm.send_command().document_name(document).comment("test").max_errors("100%");
        for (name, value) in parameters {
            send = send.parameters(*name, vec![(*value).to_owned()]);
        }
        let sent = send.set_instance_ids(Some(self.nodes.clone())).send().await.expect("sent");
        sent.command.expect("a command").command_id.expect("an id")
    }

    async fn invocations(&self, id: &str) -> Vec<CommandInvocation> {
        let listed = self.ssm.list_command_invocations().command_id(id).details(true).send().await;
        listed.expect("listed").command_invocations.unwrap_or_default()
    }

    async fn install(&self) {
        let done = self.run(PACKAGE, &[("action", "Install"), ("name", "AmazonCloudWatchAgent")]).await;
        assert!(done.iter().all(|one| one.status == Some(CommandInvocationStatus::Success)), "{done:#?}");
    }

    async fn put_config(&self, value: &str) {
        let put = self.ssm.put_parameter().name("AmazonCloudWatch-A").value(value).overwrite(true);
        put.r#type(ParameterType::String).send().await.expect("put");
    }

    async fn configure(&self) -> Vec<CommandInvocation> {
        self.run(MANAGE, &[("optionalConfigurationLocation", "AmazonCloudWatch-A:1")]).await
    }

    fn agent<T>(&self, look: impl Fn(&agent::CloudWatchAgent) -> T) -> Vec<T> {
        self.sim.world(|world| {
            world.region(&self.place).nodes.nodes.values().map(|node| look(&node.agent)).collect()
        })
    }
}

fn plugins(invocation: &CommandInvocation) -> BTreeMap<&str, (&str, i32, &str)> {
    let show = |plugin| {
        let plugin: &aws_sdk_ssm::types::CommandPlugin = plugin;
        let status = plugin.status.as_ref().map_or("", |status| status.as_str());
        (
            plugin.name().unwrap_or_default(),
            (status, plugin.response_code, plugin.output().unwrap_or_default()),
        )
    };
    invocation.command_plugins().iter().map(show).collect()
}

#[tokio::test(start_paused = true)]
async fn a_node_goes_from_bare_to_delivering() {
    let estate = estate(&[Platform::Linux]);
    estate.put_config(CONFIG).await;
    estate.install().await;
    assert_eq!(estate.agent(|agent| agent.started.is_some()), [false], "an install leaves the agent stopped");
    let done = estate.configure().await;
    let steps = plugins(&done[0]);
    let (status, exit, output) = steps["ControlCloudWatchAgentLinux"];
    assert_eq!((status, exit), ("Success", 0));
    assert!(output.contains("Configuration validation succeeded"), "{output}");
    let (status, _, output) = steps["ControlCloudWatchAgentWindows"];
    assert_eq!(status, "Success");
    assert!(output.starts_with("Step execution skipped due to unsatisfied preconditions"), "{output}");
    assert_eq!(estate.agent(|agent| agent.started.is_some()), [true]);
    let files = estate.agent(|agent| agent.files.keys().cloned().collect::<Vec<_>>());
    assert_eq!(files, [["ssm_AmazonCloudWatch-A_1"]]);
    let retention = estate.sim.world(|world| {
        let groups = &world.region(&estate.place).log_groups;
        groups.groups.get("app").map(|group| group.retention_days)
    });
    assert_eq!(retention, Some(Some(30)));
}

#[tokio::test(start_paused = true)]
async fn a_configuration_that_is_refused_changes_nothing_but_a_leftover() {
    let estate = estate(&[Platform::Linux]);
    estate.put_config(CONFIG).await;
    estate.install().await;
    estate.configure().await;
    let before = estate.agent(|agent| (agent.started, agent.toml));
    estate.put_config("{\"agent\":{}}").await;
    let done = estate.run(MANAGE, &[("optionalConfigurationLocation", "AmazonCloudWatch-A:2")]).await;
    assert_eq!(done[0].status, Some(CommandInvocationStatus::Failed));
    assert_eq!(estate.agent(|agent| (agent.started, agent.toml)), before);
    let files = estate.agent(|agent| agent.files.keys().cloned().collect::<Vec<_>>());
    assert_eq!(files, [["ssm_AmazonCloudWatch-A_1", "ssm_AmazonCloudWatch-A_2.tmp"]]);
    let missing = estate.run(MANAGE, &[("optionalConfigurationLocation", "AmazonCloudWatch-A:9")]).await;
    let steps = plugins(&missing[0]);
    assert!(steps["ControlCloudWatchAgentLinux"].2.contains("ParameterVersionNotFound"));
}

#[tokio::test(start_paused = true)]
async fn a_configuration_may_pass_and_still_not_stay_up() {
    let estate = estate(&[Platform::Windows]);
    estate.sim.world(|world| {
        for node in world.region(&estate.place).nodes.nodes.values_mut() {
            node.disposition.breaks_on = Some(Breaks { sha256: String::new(), how: Breakage::Dies });
        }
    });
    estate.put_config(CONFIG).await;
    estate.install().await;
    let done = estate.configure().await;
    assert_eq!(done[0].status, Some(CommandInvocationStatus::Success));
    assert_eq!(estate.agent(|agent| agent.started.is_some()), [false]);
}

#[tokio::test(start_paused = true)]
async fn the_probe_reads_a_node() {
    let estate = estate(&[Platform::Linux, Platform::Windows, Platform::MacOs]);
    estate.put_config(CONFIG).await;
    estate.install().await;
    estate.configure().await;
    let made = estate.ssm.create_document().name(probe::NAME).content(probe::content());
    let made = made.document_type(aws_sdk_ssm::types::DocumentType::Command).send().await.expect("made");
    let hash = made.document_description.expect("a description").hash;
    assert_eq!(hash.as_deref(), Some(probe::sha256()));
    let again = estate.ssm.update_document().name(probe::NAME).content(probe::content()).send().await;
    assert_eq!(code(again), "DuplicateDocumentContent");
    for invocation in estate.run(probe::NAME, &[]).await {
        let steps = plugins(&invocation);
        let (_, _, output) =
            steps.values().find(|(.., output)| !output.contains("skipped")).expect("a step ran");
        let read = probe::parse(output).unwrap_or_else(|error| panic!("{error}: {output}"));
        assert_eq!(read.status, probe::AgentStatus::Running);
        assert_eq!(read.version, read.package);
        let hash = agent::sha256(CONFIG.as_bytes());
        assert_eq!(read.files[0].sha256.as_deref(), Some(hash.as_str()));
        assert!(read.started.expect("started").as_second() >= read.files[0].modified);
    }
}

#[tokio::test(start_paused = true)]
async fn what_send_command_refuses() {
    let estate = estate(&[Platform::Linux]);
    let node = estate.nodes[0].clone();
    let send = || estate.ssm.send_command().document_name(MANAGE);
    let long = "x".repeat(101);
    let cases = [
        (send().instance_ids("i-0123456789abcdef0").instance_ids(&node), "InvalidInstanceId"),
        (send().instance_ids(&node).instance_ids(&node), "DuplicateInstanceId"),
        (send().instance_ids("server"), "ValidationException"),
        (send(), "ValidationException"),
        (send().instance_ids(&node).comment(long), "ValidationException"),
        (send().instance_ids(&node).timeout_seconds(29), "ValidationException"),
        (send().instance_ids(&node).max_concurrency("0"), "ValidationException"),
        (send().instance_ids(&node).parameters("nonsense", vec!["x".into()]), "InvalidParameters"),
        (send().instance_ids(&node).parameters("action", vec!["dance".into()]), "InvalidParameters"),
        (
            send().instance_ids(&node).parameters("optionalConfigurationLocation", vec!["$(x)".into()]),
            "InvalidParameters",
        ),
        (send().instance_ids(&node).document_version("99"), "InvalidDocumentVersion"),
        (send().instance_ids(&node).document_name("Nope"), "InvalidDocument"),
        (send().instance_ids(&node).document_name("AmazonCloudWatchAgent"), "InvalidDocument"),
    ];
    for (request, expected) in cases {
        let what = format!("{:?}", request.as_input());
        assert_eq!(code(request.send().await), expected, "{what}");
    }
    let listed = estate.ssm.list_commands().send().await.expect("listed");
    assert!(listed.commands().is_empty(), "nothing was sent");
}

#[tokio::test(start_paused = true)]
async fn a_new_command_is_not_listed_at_once() {
    let estate = estate(&[Platform::Linux]);
    estate.sim.world(|world| world.settings.listing_lag = jiff::SignedDuration::from_secs(5));
    let id = estate.send(MANAGE, &[("action", "status")]).await;
    let get = || estate.ssm.get_command_invocation().command_id(&id).instance_id(&estate.nodes[0]);
    assert!(estate.invocations(&id).await.is_empty());
    assert_eq!(code(get().send().await), "InvocationDoesNotExist");
    tokio::time::sleep(Duration::from_secs(60)).await;
    let found = get().plugin_name("ControlCloudWatchAgentLinux").send().await.expect("found");
    assert_eq!(found.response_code, 1);
    let output = found.standard_output_content.unwrap_or_default();
    assert!(output.starts_with("CloudWatch Agent not installed.  Please"), "{output}");
    let after = CommandFilter::builder().key(CommandFilterKey::InvokedAfter).value("2026-01-01T00:00:00Z");
    let recent =
        estate.ssm.list_commands().filters(after.build().expect("a filter")).send().await.expect("listed");
    let command = &recent.commands()[0];
    assert_eq!((command.comment(), command.error_count), (Some("test"), 1));
    assert_eq!((command.completed_count, command.status_details()), (1, Some("Incomplete")));
}

#[tokio::test(start_paused = true)]
async fn a_silent_node_is_online_for_a_while_and_then_undeliverable() {
    let estate = estate(&[Platform::Linux]);
    estate.sim.world(|world| nodes::set_silent(world, &estate.place, &estate.nodes[0], true));
    let ping = || async {
        let seen = estate.ssm.describe_instance_information().send().await.expect("described");
        seen.instance_information_list()[0].ping_status.clone().expect("a status").as_str().to_owned()
    };
    assert_eq!(ping().await, "Online");
    let held = estate.send(MANAGE, &[("action", "status")]).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(estate.invocations(&held).await[0].status_details(), Some("Delayed"));
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert_eq!(ping().await, "ConnectionLost");
    assert_eq!(estate.invocations(&held).await[0].status_details(), Some("Undeliverable"));
    estate.sim.world(|world| nodes::set_silent(world, &estate.place, &estate.nodes[0], false));
    assert_eq!(ping().await, "Online");
}

#[tokio::test(start_paused = true)]
async fn two_installs_at_once_do_not_both_win() {
    let estate = estate(&[Platform::Linux]);
    let parameters = [("action", "Install"), ("name", "AmazonCloudWatchAgent")];
    let first = estate.send(PACKAGE, &parameters).await;
    let second = estate.send(PACKAGE, &parameters).await;
    tokio::time::sleep(Duration::from_secs(120)).await;
    let mut ends = Vec::new();
    for id in [first, second] {
        ends.push(estate.invocations(&id).await[0].status_details().unwrap_or_default().to_owned());
    }
    ends.sort();
    assert_eq!(ends, ["Failed", "Success"]);
    let again = estate.run(PACKAGE, &parameters).await;
    assert!(plugins(&again[0])["configurePackage"].2.contains("is already installed"));
}

#[tokio::test(start_paused = true)]
async fn too_many_errors_terminate_the_rest() {
    let estate = estate(&[Platform::Linux; 6]);
    let target = Target::builder().key("tag:Application").values("ExampleCorp").build();
    let sent = estate.ssm.send_command().document_name("AWS-RunShellScript");
    let sent = sent.parameters("commands", vec!["rm -rf /".into()]).targets(target).max_concurrency("1");
    let id = sent.send().await.expect("sent").command.expect("a command").command_id.expect("an id");
    tokio::time::sleep(Duration::from_secs(120)).await;
    let details: Vec<_> = estate
        .invocations(&id)
        .await
        .iter()
        .map(|one| one.status_details().unwrap_or_default().to_owned())
        .collect();
    assert_eq!(details.iter().filter(|text| *text == "Failed").count(), 1, "{details:?}");
    assert_eq!(details.iter().filter(|text| *text == "Terminated").count(), 5, "{details:?}");
}

#[tokio::test(start_paused = true)]
async fn nodes_are_listed_in_pages_and_by_filters() {
    let estate = estate(&[Platform::Linux; 23]);
    let pages = estate.ssm.describe_instance_information().max_results(5).into_paginator().items().send();
    let all: Vec<_> = pages.collect::<Result<Vec<_>, _>>().await.expect("listed");
    assert_eq!(all.len(), 23);
    let filter = |key: &str, value: &str| {
        InstanceInformationStringFilter::builder().key(key).values(value).build().expect("a filter")
    };
    let ask = || estate.ssm.describe_instance_information();
    let tagged =
        ask().filters(filter("tag:Application", "ExampleCorp")).max_results(50).send().await.expect("listed");
    assert_eq!(tagged.instance_information_list().len(), 23);
    let windows = ask().filters(filter("PlatformTypes", "Windows")).send().await.expect("listed");
    assert!(windows.instance_information_list().is_empty());
    let mixed = ask().filters(filter("tag:A", "b")).filters(filter("PingStatus", "Online")).send().await;
    assert_eq!(code(mixed), "InvalidInstanceInformationFilterValue");
    assert_eq!(
        code(ask().filters(filter("InstanceIds", "mi-0123456789abcdef0")).send().await),
        "InvalidInstanceId"
    );
    assert_eq!(code(ask().filters(filter("Shape", "Round")).send().await), "InvalidFilterKey");
    assert_eq!(code(ask().next_token("x").send().await), "InvalidNextToken");
    assert_eq!(code(ask().max_results(4).send().await), "ValidationException");
}

#[tokio::test(start_paused = true)]
async fn parameters_have_versions_labels_and_tags() {
    let estate = estate(&[]);
    let ssm = &estate.ssm;
    estate.put_config("one").await;
    estate.put_config("two").await;
    ssm.label_parameter_version()
        .name("AmazonCloudWatch-A")
        .parameter_version(1)
        .labels("stable.x")
        .send()
        .await
        .expect("labelled");
    let get = |name: &str| ssm.get_parameter().name(name).send();
    let stable = get("AmazonCloudWatch-A:stable.x").await.expect("found").parameter.expect("a parameter");
    assert_eq!((stable.value(), stable.version, stable.selector()), (Some("one"), 1, Some(":stable.x")));
    assert_eq!(code(get("AmazonCloudWatch-A:3").await), "ParameterVersionNotFound");
    assert_eq!(code(get("AmazonCloudWatch-B").await), "ParameterNotFound");
    let tag = Tag::builder().key("watchkeeper:owner").value("x/y/z").build().expect("a tag");
    let kind = aws_sdk_ssm::types::ResourceTypeForTagging::Parameter;
    ssm.add_tags_to_resource()
        .resource_type(kind.clone())
        .resource_id("AmazonCloudWatch-A")
        .tags(tag)
        .send()
        .await
        .expect("tagged");
    let tags = ssm
        .list_tags_for_resource()
        .resource_type(kind)
        .resource_id("AmazonCloudWatch-A")
        .send()
        .await
        .expect("listed");
    assert_eq!(tags.tag_list()[0].value(), "x/y/z");
    let filter =
        ParameterStringFilter::builder().key("Name").option("BeginsWith").values("AmazonCloudWatch-");
    let found = ssm
        .describe_parameters()
        .parameter_filters(filter.build().expect("a filter"))
        .send()
        .await
        .expect("listed");
    assert_eq!(found.parameters()[0].version, 2);
    let pages = ssm.get_parameter_history().name("AmazonCloudWatch-A").max_results(1).into_paginator().send();
    let pages = pages.collect::<Result<Vec<_>, _>>().await.expect("listed");
    let history = pages
        .iter()
        .flat_map(aws_sdk_ssm::operation::get_parameter_history::GetParameterHistoryOutput::parameters);
    assert_eq!(history.map(|version| version.labels().len()).collect::<Vec<_>>(), [1, 0]);
    let several = ssm.get_parameters().names("AmazonCloudWatch-A").names("B").send().await.expect("got");
    assert_eq!((several.parameters().len(), several.invalid_parameters()), (1, &["B".to_owned()][..]));
}

#[tokio::test(start_paused = true)]
async fn a_competing_association_competes() {
    let estate = estate(&[Platform::Linux]);
    let target = Target::builder().key("tag:Application").values("ExampleCorp").build();
    let made =
        estate.ssm.create_association().name(PACKAGE).targets(target).schedule_expression("rate(30 minutes)");
    let made = made
        .parameters("action", vec!["Install".into()])
        .parameters("name", vec!["AmazonCloudWatchAgent".into()]);
    let made = made.parameters("version", vec!["1.300070.0b1200".into()]).send().await.expect("made");
    let id = made.association_description.expect("a description").association_id.expect("an id");
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(estate.agent(|agent| agent.package.clone()), [Some("1.300070.0b1200".to_owned())]);
    estate.install().await;
    assert_eq!(estate.agent(|agent| agent.package.clone()), [Some("1.300071.0b1234".to_owned())]);
    tokio::time::sleep(Duration::from_secs(1800)).await;
    assert_eq!(estate.agent(|agent| agent.package.clone()), [Some("1.300070.0b1200".to_owned())]);
    let listed = estate.ssm.list_associations().send().await.expect("listed");
    assert_eq!(listed.associations().len(), 1);
    estate.ssm.delete_association().association_id(&id).send().await.expect("deleted");
    assert_eq!(
        code(estate.ssm.describe_association().association_id(&id).send().await),
        "AssociationDoesNotExist"
    );
}
