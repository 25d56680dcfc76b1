//! IAM and STS of the simulator, through the real SDK.

use aws_sdk_iam::types::Tag;
use aws_sdk_iam::{Client as Iam, types};
use aws_sdk_sts::Client as Sts;
use watchkeeper::sim::world::Place;

use crate::sdk::{ACCOUNT, code, config, pass, sim};

const OTHER: &str = "444455556666";
const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"vpc-flow-logs.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
const WRITES: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["logs:CreateLogStream","logs:Put*"],"Resource":"*"}}"#;
const SERVER_POLICY: &str = "arn:aws:iam::aws:policy/CloudWatchAgentServerPolicy";

fn tag(key: &str, value: &str) -> Tag {
    Tag::builder().key(key).value(value).build().expect("a tag")
}

#[tokio::test(start_paused = true)]
async fn a_role_is_made_read_changed_and_deleted() {
    let sim = sim();
    let iam = Iam::new(&config(&sim, ACCOUNT));
    let create = || iam.create_role().role_name("FlowLogs").assume_role_policy_document(TRUST);
    let made = create().tags(tag("a", "1 & <2>")).send().await.expect("made").role.expect("a role");
    assert_eq!(made.arn, "arn:aws:iam::111122223333:role/FlowLogs");
    assert_eq!(code(create().role_name("flowlogs").send().await), "EntityAlreadyExists");
    assert_eq!(code(create().role_name("Bad name").send().await), "ValidationError");
    let broken = create().role_name("Broken").assume_role_policy_document("{").send().await;
    assert_eq!(code(broken), "MalformedPolicyDocument");

    let role = iam.get_role().role_name("FlowLogs").send().await.expect("read").role.expect("a role");
    assert_eq!(role.tags()[0].value, "1 & <2>");
    let document = role.assume_role_policy_document.expect("a document");
    assert!(document.starts_with("%7B%22Version%22%3A"), "{document}");
    assert_eq!(role.role_id, made.role_id);

    let put = iam.put_role_policy().role_name("FlowLogs").policy_name("write").policy_document(WRITES);
    put.send().await.expect("put");
    for _ in 0..2 {
        let attach = iam.attach_role_policy().role_name("FlowLogs").policy_arn(SERVER_POLICY);
        attach.send().await.expect("attached, and again");
    }
    sim.world(|world| {
        let role = world.account(&Place::default_place()).iam.role("FlowLogs").expect("a role").clone();
        assert!(role.trusts("vpc-flow-logs.amazonaws.com") && !role.trusts("ec2.amazonaws.com"));
        assert!(role.allows("logs:PutLogEvents", "x") && !role.allows("ssm:PutParameter", "x"));
    });

    let delete = || iam.delete_role().role_name("FlowLogs").send();
    assert_eq!(code(delete().await), "DeleteConflict");
    let detach = || iam.detach_role_policy().role_name("FlowLogs").policy_arn(SERVER_POLICY).send();
    detach().await.expect("detached");
    assert_eq!(code(detach().await), "NoSuchEntity");
    iam.delete_role_policy().role_name("FlowLogs").policy_name("write").send().await.expect("deleted");
    delete().await.expect("deleted");
    assert_eq!(code(iam.get_role().role_name("FlowLogs").send().await), "NoSuchEntity");
}

#[tokio::test(start_paused = true)]
async fn quotas_hold() {
    let sim = sim();
    let iam = Iam::new(&config(&sim, ACCOUNT));
    iam.create_role().role_name("R").assume_role_policy_document(TRUST).send().await.expect("made");
    let long = format!("{}{}", WRITES.trim_end_matches('}'), " ".repeat(20_000) + "}}");
    let put = |text: &str| iam.put_role_policy().role_name("R").policy_name("p").policy_document(text).send();
    put(&long).await.expect("blanks do not count");
    let large = WRITES.replace(r#""*""#, &format!("{:?}", "x".repeat(10_240)));
    assert_eq!(code(put(&large).await), "LimitExceeded");
    let trust = TRUST.replace("amazonaws.com", &"x".repeat(2048));
    let update = iam.update_assume_role_policy().role_name("R").policy_document(trust).send().await;
    assert_eq!(code(update), "LimitExceeded");
    let many: Vec<Tag> = (0..51).map(|n| tag(&n.to_string(), "")).collect();
    assert_eq!(code(iam.tag_role().role_name("R").set_tags(Some(many)).send().await), "LimitExceeded");
    let unknown = "arn:aws:iam::aws:policy/NoSuchPolicy";
    let attach = iam.attach_role_policy().role_name("R").policy_arn(unknown).send().await;
    assert_eq!(code(attach), "NoSuchEntity");
}

#[tokio::test(start_paused = true)]
async fn a_profile_holds_one_role_and_listings_page() {
    let sim = sim();
    let iam = Iam::new(&config(&sim, ACCOUNT));
    for name in ["A", "B", "C"] {
        iam.create_role().role_name(name).assume_role_policy_document(TRUST).send().await.expect("made");
    }
    let mut names: Vec<String> = Vec::new();
    let mut pages = iam.list_roles().max_items(2).into_paginator().send();
    while let Some(page) = pages.next().await {
        names.extend(page.expect("a page").roles.into_iter().map(|role: types::Role| role.role_name));
    }
    assert_eq!(names, ["A", "B", "C"]);
    assert_eq!(code(iam.list_roles().marker("nonsense").send().await), "ValidationError");

    iam.create_instance_profile().instance_profile_name("P").send().await.expect("made");
    let add =
        |role: &str| iam.add_role_to_instance_profile().instance_profile_name("P").role_name(role).send();
    add("A").await.expect("added");
    assert_eq!(code(add("B").await), "LimitExceeded");
    let of_role = iam.list_instance_profiles_for_role().role_name("A").send().await.expect("listed");
    assert_eq!(of_role.instance_profiles()[0].roles()[0].role_name, "A");
    assert_eq!(code(iam.delete_instance_profile().instance_profile_name("P").send().await), "DeleteConflict");
    assert_eq!(code(iam.delete_role().role_name("A").send().await), "DeleteConflict");
}

#[tokio::test(start_paused = true)]
async fn a_role_of_another_account_is_assumed_once_it_is_known() {
    let sim = sim();
    let trust = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"arn:aws:iam::{ACCOUNT}:root"}},"Action":"sts:AssumeRole","Condition":{{"StringEquals":{{"sts:ExternalId":"wk-1"}}}}}}]}}"#
    );
    let iam = Iam::new(&config(&sim, OTHER));
    iam.create_role().role_name("Target").assume_role_policy_document(trust).send().await.expect("made");
    let sts = Sts::new(&config(&sim, ACCOUNT));
    let assume = |id: &str| {
        let arn = format!("arn:aws:iam::{OTHER}:role/Target");
        sts.assume_role().role_arn(arn).role_session_name("test").external_id(id)
    };
    assert_eq!(code(assume("wk-1").send().await), "AccessDenied");
    pass(10).await;
    assert_eq!(code(assume("other").send().await), "AccessDenied");
    assert_eq!(code(assume("wk-1").duration_seconds(60).send().await), "ValidationError");
    assert_eq!(code(assume("wk-1").duration_seconds(7200).send().await), "ValidationError");
    let keys = assume("wk-1").send().await.expect("assumed").credentials.expect("keys");
    let signature =
        format!("AWS4-HMAC-SHA256 Credential={}/x/us-east-1/sts/aws4_request", keys.access_key_id);
    assert_eq!(Place::of_signature(&signature).account, OTHER);
    assert_eq!(keys.expiration.secs(), (sim.now().as_second()) + 3600);
    let me = sts.get_caller_identity().send().await.expect("me");
    assert_eq!(me.account(), Some(ACCOUNT));
}
