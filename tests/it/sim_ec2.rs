//! EC2 of the simulator, through the real SDK.

use aws_sdk_ec2::Client as Ec2;
use aws_sdk_ec2::operation::create_flow_logs::builders::CreateFlowLogsFluentBuilder;
use aws_sdk_ec2::types::{
    Filter, FlowLog, FlowLogsResourceType, IamInstanceProfileSpecification, InstanceType, ResourceType, Tag,
    TagSpecification, TrafficType,
};
use aws_sdk_iam::Client as Iam;
use watchkeeper::sim::Sim;
use watchkeeper::sim::fault::{Faults, Rates};
use watchkeeper::sim::world::Place;
use watchkeeper::sim::world::flow_logs::DEFAULT_FORMAT;

use crate::sdk::{ACCOUNT, code, config, pass, sim};

const ROLE: &str = "arn:aws:iam::111122223333:role/FlowLogs";
const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"vpc-flow-logs.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
const MAY_DELIVER: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["logs:CreateLogGroup","logs:CreateLogStream","logs:PutLogEvents"],"Resource":"*"}]}"#;

/// A VPC with one subnet, and who may ask about it.
struct Estate {
    sim: Sim,
    ec2: Ec2,
    iam: Iam,
    vpc: String,
    subnet: String,
}

async fn estate() -> Estate {
    let sim = sim();
    let config = config(&sim, ACCOUNT);
    let (ec2, iam) = (Ec2::new(&config), Iam::new(&config));
    let made = ec2.create_vpc().cidr_block("10.0.0.0/16").send().await.expect("a VPC");
    let vpc = made.vpc.and_then(|vpc| vpc.vpc_id).expect("an id");
    let made = ec2.create_subnet().vpc_id(&vpc).cidr_block("10.0.0.0/20").send().await.expect("a subnet");
    let subnet = made.subnet.and_then(|subnet| subnet.subnet_id).expect("an id");
    Estate { sim, ec2, iam, vpc, subnet }
}

impl Estate {
    async fn launch(&self, count: i32, image: &str) -> Vec<String> {
        let tag = Tag::builder().key("Application").value("ExampleCorp").build();
        let tags = TagSpecification::builder().resource_type(ResourceType::Instance).tags(tag).build();
        let run = self.ec2.run_instances().image_id(image).instance_type(InstanceType::T3Micro);
        let run = run.min_count(count).max_count(count).subnet_id(&self.subnet).tag_specifications(tags);
        let made = run.send().await.expect("launched");
        made.instances().iter().filter_map(|instance| instance.instance_id.clone()).collect()
    }

    /// A role that flow logs can assume by now, and that may deliver.
    async fn role(&self) {
        let role = self.iam.create_role().role_name("FlowLogs").assume_role_policy_document(TRUST);
        role.send().await.expect("a role");
        self.allow().await;
        pass(10).await;
    }

    async fn allow(&self) {
        let put = self.iam.put_role_policy().role_name("FlowLogs").policy_name("deliver");
        put.policy_document(MAY_DELIVER).send().await.expect("allowed");
    }

    fn flow_log(&self) -> CreateFlowLogsFluentBuilder {
        self.ec2
            .create_flow_logs()
            .resource_type(FlowLogsResourceType::Vpc)
            .resource_ids(&self.vpc)
            .traffic_type(TrafficType::All)
            .log_group_name("Flows")
            .deliver_logs_permission_arn(ROLE)
            .max_aggregation_interval(60)
    }

    async fn flow_logs(&self) -> Vec<FlowLog> {
        self.ec2.describe_flow_logs().send().await.expect("listed").flow_logs.unwrap_or_default()
    }

    fn sources(&self) -> Vec<String> {
        self.sim.world(|world| {
            world.region(&Place::default_place()).log_groups.writers().map(str::to_owned).collect()
        })
    }
}

fn filter(name: &str, value: &str) -> Filter {
    Filter::builder().name(name).values(value).build()
}

#[tokio::test(start_paused = true)]
async fn instances_live_and_die() {
    let estate = estate().await;
    let ec2 = &estate.ec2;
    let ids = estate.launch(2, "ami-windows-2022").await;
    let state = |id: String| async move {
        let found = ec2.describe_instances().instance_ids(id).send().await.expect("found");
        let instance = found.reservations()[0].instances()[0].clone();
        instance.state.and_then(|state| state.name).expect("a state").as_str().to_owned()
    };
    assert_eq!(state(ids[0].clone()).await, "pending");
    assert_eq!(code(ec2.stop_instances().instance_ids(&ids[0]).send().await), "IncorrectInstanceState");
    pass(20).await;
    assert_eq!(state(ids[0].clone()).await, "running");
    let dry = ec2.stop_instances().instance_ids(&ids[0]).dry_run(true).send().await;
    assert_eq!(code(dry), "DryRunOperation");
    ec2.stop_instances().instance_ids(&ids[0]).send().await.expect("stopped");
    assert_eq!(state(ids[0].clone()).await, "stopping");
    pass(20).await;
    assert_eq!(state(ids[0].clone()).await, "stopped");
    ec2.terminate_instances().instance_ids(&ids[0]).send().await.expect("terminated");
    pass(20).await;
    assert_eq!(state(ids[0].clone()).await, "terminated");
    let interfaces = ec2.describe_network_interfaces().send().await.expect("listed");
    assert_eq!(interfaces.network_interfaces().len(), 1);
    pass(3600).await;
    let gone = ec2.describe_instances().instance_ids(&ids[0]).send().await;
    assert_eq!(code(gone), "InvalidInstanceID.NotFound");
}

#[tokio::test(start_paused = true)]
async fn listings_filter_and_page() {
    let estate = estate().await;
    let ec2 = &estate.ec2;
    let mut ids = estate.launch(12, "ami-linux").await;
    let tag = Tag::builder().key("Role").value("web").build();
    ec2.create_tags().resources(&ids[0]).tags(tag).send().await.expect("tagged");

    let count = |filters: Vec<Filter>| async move {
        let found = ec2.describe_instances().set_filters(Some(filters)).send().await.expect("listed");
        found.reservations().iter().map(|reservation| reservation.instances().len()).sum::<usize>()
    };
    assert_eq!(count(vec![filter("tag:Application", "Example*")]).await, 12);
    assert_eq!(count(vec![filter("tag:Application", "ExampleCorp"), filter("tag-key", "Role")]).await, 1);
    assert_eq!(count(vec![filter("instance-state-name", "running")]).await, 0);
    assert_eq!(count(vec![filter("vpc-id", &estate.vpc)]).await, 12);
    assert_eq!(
        code(ec2.describe_instances().filters(filter("colour", "red")).send().await),
        "InvalidParameterValue"
    );
    let both = ec2.describe_instances().instance_ids(&ids[0]).max_results(5).send().await;
    assert_eq!(code(both), "InvalidParameterCombination");
    assert_eq!(code(ec2.describe_vpcs().max_results(4).send().await), "InvalidParameterValue");
    assert_eq!(code(ec2.describe_vpcs().next_token("x").send().await), "InvalidParameterValue");

    // Short and empty pages lose and repeat nothing.
    estate.sim.set_faults(Faults::seeded(3, Rates { cut_page: 0.7, ..Rates::default() }));
    let mut seen = Vec::new();
    let mut pages = ec2.describe_instances().max_results(5).into_paginator().items().send();
    while let Some(reservation) = pages.next().await {
        let reservation = reservation.expect("a page");
        seen.extend(reservation.instances().iter().filter_map(|instance| instance.instance_id.clone()));
    }
    ids.sort();
    assert_eq!(seen, ids);
    estate.sim.set_faults(Faults::none());
    let tags = ec2.describe_tags().filters(filter("key", "Role")).send().await.expect("listed");
    assert_eq!(tags.tags()[0].resource_id(), Some(ids_of(&tags)[0].as_str()));
}

fn ids_of(tags: &aws_sdk_ec2::operation::describe_tags::DescribeTagsOutput) -> Vec<String> {
    tags.tags().iter().filter_map(|tag| tag.resource_id.clone()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_profile_is_associated_replaced_and_taken_away() {
    let estate = estate().await;
    let (ec2, iam) = (&estate.ec2, &estate.iam);
    let id = estate.launch(1, "ami-linux").await.remove(0);
    let profile = |name: &str| IamInstanceProfileSpecification::builder().name(name).build();
    for name in ["One", "Two"] {
        iam.create_instance_profile().instance_profile_name(name).send().await.expect("a profile");
    }
    let associate = |name: &str| {
        ec2.associate_iam_instance_profile().instance_id(&id).iam_instance_profile(profile(name)).send()
    };
    assert_eq!(code(associate("One").await), "InvalidParameterValue", "IAM lags");
    pass(10).await;
    let made = associate("One").await.expect("associated").iam_instance_profile_association.expect("one");
    assert_eq!(
        made.state.as_ref().map(aws_sdk_ec2::types::IamInstanceProfileAssociationState::as_str),
        Some("associating")
    );
    assert_eq!(code(associate("Two").await), "IncorrectState");
    pass(5).await;
    let place = Place::default_place();
    let held =
        |sim: &Sim| sim.world(|world| world.region(&place).instances.profile_of(&id).map(str::to_owned));
    assert_eq!(held(&estate.sim).as_deref(), Some("One"));

    let replace =
        ec2.replace_iam_instance_profile_association().association_id(made.association_id().expect("an id"));
    let new = replace.iam_instance_profile(profile("Two")).send().await.expect("replaced");
    let new = new.iam_instance_profile_association.expect("one");
    assert_ne!(new.association_id, made.association_id);
    pass(5).await;
    assert_eq!(held(&estate.sim).as_deref(), Some("Two"));
    let take = ec2.disassociate_iam_instance_profile().association_id(new.association_id().expect("an id"));
    take.send().await.expect("disassociated");
    pass(5).await;
    let left = ec2.describe_iam_instance_profile_associations().send().await.expect("listed");
    assert!(left.iam_instance_profile_associations().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_flow_log_is_made_once() {
    let estate = estate().await;
    assert_eq!(code(estate.flow_log().send().await), "InvalidParameter");
    estate.role().await;
    assert_eq!(code(estate.flow_log().dry_run(true).send().await), "DryRunOperation");
    assert_eq!(code(estate.flow_log().max_aggregation_interval(61).send().await), "InvalidParameterValue");
    assert_eq!(code(estate.flow_log().resource_ids("subnet-1").send().await), "InvalidParameterValue");

    let create = || estate.flow_log().resource_ids("vpc-0").client_token("t");
    let first = create().send().await.expect("made");
    assert_eq!((first.flow_log_ids().len(), first.unsuccessful().len()), (1, 1));
    let error = first.unsuccessful()[0].error().and_then(|error| error.code());
    assert_eq!(error, Some("InvalidVpcID.NotFound"));
    assert!(estate.flow_logs().await.is_empty(), "listings lag");
    pass(2).await;
    let again = create().send().await.expect("the same answer");
    assert_eq!(again.flow_log_ids(), first.flow_log_ids());
    let other = create().traffic_type(TrafficType::Accept).send().await;
    assert_eq!(code(other), "IdempotentParameterMismatch");
    assert_eq!(code(estate.flow_log().send().await), "FlowLogAlreadyExists");

    let listed = estate.flow_logs().await;
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].log_format(), Some(DEFAULT_FORMAT));
    assert_eq!(listed[0].deliver_logs_status(), None);
    let delete = estate.ec2.delete_flow_logs().flow_log_ids(&first.flow_log_ids()[0]).flow_log_ids("fl-0");
    let deleted = delete.send().await.expect("deleted");
    assert_eq!(deleted.unsuccessful()[0].resource_id(), Some("fl-0"));
    assert_eq!(estate.flow_logs().await.len(), 1, "listings lag");
    pass(2).await;
    assert!(estate.flow_logs().await.is_empty());
    let replayed = create().send().await.expect("the old answer");
    assert_eq!(replayed.flow_log_ids(), first.flow_log_ids());
    pass(2).await;
    assert!(estate.flow_logs().await.is_empty(), "a used token makes nothing");
}

#[tokio::test(start_paused = true)]
async fn a_flow_log_delivers_while_its_role_may_and_instances_run() {
    let estate = estate().await;
    estate.role().await;
    estate.flow_log().send().await.expect("made");
    let status = || async {
        let log = estate.flow_logs().await.remove(0);
        (log.deliver_logs_status, log.deliver_logs_error_message)
    };
    pass(600).await;
    assert_eq!((status().await, estate.sources().len()), ((None, None), 0), "no traffic yet");
    let ids = estate.launch(2, "ami-linux").await;
    pass(300).await;
    assert_eq!((status().await, estate.sources().len()), ((Some("SUCCESS".to_owned()), None), 2));

    estate.ec2.stop_instances().instance_ids(&ids[0]).send().await.expect("stopped");
    assert_eq!(estate.sources().len(), 1);
    let forbid = estate.iam.delete_role_policy().role_name("FlowLogs").policy_name("deliver");
    forbid.send().await.expect("forbidden");
    pass(120).await;
    let failed = (Some("FAILED".to_owned()), Some("Access error".to_owned()));
    assert_eq!((status().await, estate.sources().len()), (failed, 0));
    estate.allow().await;
    pass(300).await;
    assert_eq!((status().await, estate.sources().len()), ((Some("SUCCESS".to_owned()), None), 1));
}
