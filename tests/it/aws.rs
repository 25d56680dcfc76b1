//! `aws` against replies that are awkward to get out of any real or simulated AWS.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use watchkeeper::aws::Clients;
use watchkeeper::aws::act;
use watchkeeper::aws::meter::Sent;
use watchkeeper::aws::observe;
use watchkeeper::model::action::{Action, ActionKey, CreateFlowLogs, Done, SendCommand, Step, TagMap};
use watchkeeper::model::failure::{Class, Failure};
use watchkeeper::model::observed::{Command, CommandStatus, Invocation, InvocationStatus, ManagedNode};
use watchkeeper::model::question::{Facts, Question};

use crate::canned::{Canned, Reply, ok};

async fn ask(clients: &Clients, question: Question) -> Result<Facts, Failure> {
    let mut answers = observe(clients, "main", vec![question], &CancellationToken::new()).await;
    answers.pop().expect("one answer").facts
}

async fn carry_out(clients: &Clients, action: Action) -> Result<Done, Failure> {
    let mut outcomes = act(clients, &[action], &CancellationToken::new()).await;
    outcomes.pop().flatten().expect("one outcome").result
}

fn nodes_page(ids: &[&str], token: Option<&str>) -> Reply {
    let rows: Vec<Value> = ids.iter().map(|id| json!({ "InstanceId": id, "PingStatus": "Online" })).collect();
    ok(json!({ "InstanceInformationList": rows, "NextToken": token }))
}

fn ids(nodes: &[ManagedNode]) -> Vec<&str> {
    nodes.iter().map(|node| &*node.id).collect()
}

#[tokio::test(start_paused = true)]
async fn an_empty_page_with_a_token_goes_on() {
    let (clients, _) = Canned::clients([
        ("DescribeInstanceInformation", nodes_page(&["i-1"], Some("a"))),
        ("DescribeInstanceInformation", nodes_page(&[], Some("b"))),
        ("DescribeInstanceInformation", nodes_page(&["i-2"], None)),
    ]);
    let Ok(Facts::Nodes(nodes)) = ask(&clients, Question::Nodes).await else { panic!("no nodes") };
    assert_eq!(ids(&nodes), ["i-1", "i-2"]);
}

#[tokio::test(start_paused = true)]
async fn half_a_listing_is_a_failure() {
    let denied = Reply::Body(400, json!({ "__type": "AccessDeniedException", "message": "no" }).to_string());
    let circle = nodes_page(&["i-2"], Some("a"));
    for (second, class) in [(denied, Class::Denied), (circle, Class::Ambiguous)] {
        let (clients, _) = Canned::clients([
            ("DescribeInstanceInformation", nodes_page(&["i-1"], Some("a"))),
            ("DescribeInstanceInformation", second),
        ]);
        let failure = ask(&clients, Question::Nodes).await.expect_err("half a listing");
        assert_eq!(failure.class, class);
        assert_eq!(failure.call, "ssm:DescribeInstanceInformation");
    }
}

const SKIPPED: &str = "Step execution skipped due to unsatisfied preconditions: \
    '\"StringEquals\": [platformType, Windows]'. Step name: ControlCloudWatchAgentWindows";

/// An invocation's status and details, its steps' status and output, and what they come to.
type Judged = (
    (&'static str, &'static str),
    &'static [(&'static str, &'static str)],
    (InvocationStatus, &'static str, &'static str),
);

const JUDGED: &[Judged] = &[
    (
        ("Success", "Success"),
        &[("Success", SKIPPED), ("Success", "did it")],
        (InvocationStatus::Success, "Success", "did it"),
    ),
    (
        ("Failed", "Failed"),
        &[("Failed", "said no"), ("Success", SKIPPED)],
        (InvocationStatus::Failed, "Failed", "said no"),
    ),
    (
        ("Success", "Success"),
        &[("Failed", "said no"), ("Success", SKIPPED)],
        (InvocationStatus::Failed, "Success", "said no"),
    ),
    (("Success", "Success"), &[("Success", SKIPPED)], (InvocationStatus::NeverRan, "NoStepForPlatform", "")),
    (
        ("Success", "Success"),
        &[("Success", "one "), ("Success", "two")],
        (InvocationStatus::Success, "Success", "one two"),
    ),
    (("Failed", "Undeliverable"), &[], (InvocationStatus::NeverRan, "Undeliverable", "")),
    (("TimedOut", "DeliveryTimedOut"), &[], (InvocationStatus::NeverRan, "DeliveryTimedOut", "")),
    (("Failed", "InvalidPlatform"), &[], (InvocationStatus::NeverRan, "InvalidPlatform", "")),
    (("Failed", "Terminated"), &[], (InvocationStatus::NeverRan, "Terminated", "")),
    (("Cancelled", "Cancelled"), &[], (InvocationStatus::NeverRan, "Cancelled", "")),
    (
        ("TimedOut", "ExecutionTimedOut"),
        &[("TimedOut", "")],
        (InvocationStatus::TimedOut, "ExecutionTimedOut", ""),
    ),
    (("InProgress", "InProgress"), &[("Pending", "")], (InvocationStatus::UnderWay, "InProgress", "")),
    (("Delayed", "Delayed"), &[], (InvocationStatus::UnderWay, "Delayed", "")),
];

#[tokio::test(start_paused = true)]
async fn a_node_is_judged_by_the_steps_that_ran_there() {
    for ((status, details), steps, (verdict, why, output)) in JUDGED {
        let steps: Vec<Value> = steps
            .iter()
            .map(|(status, output)| {
                json!({ "Status": status, "Output": output, "ResponseFinishDateTime": 1_767_225_600.5 })
            })
            .collect();
        let row = json!({
            "CommandId": "c", "InstanceId": "i-1", "Status": status, "StatusDetails": details,
            "CommandPlugins": steps,
        });
        let page = ok(json!({ "CommandInvocations": [row] }));
        let (clients, _) = Canned::clients([("ListCommandInvocations", page)]);
        let Ok(Facts::Invocations(rows)) = ask(&clients, Question::Invocations("c".into())).await else {
            panic!("no invocations")
        };
        let [Invocation { status, details, output: printed, .. }] = &*rows else { panic!("one row") };
        assert_eq!((*status, &**details, &**printed), (*verdict, *why, *output), "{row}");
    }
}

#[tokio::test(start_paused = true)]
async fn only_our_commands_are_ours() {
    let row = |id: &str, comment: &str, status: &str| {
        json!({
            "CommandId": id, "Comment": comment, "Status": status, "DocumentName": "D", "CompletedCount": 1,
            "InstanceIds": ["i-1"], "RequestedDateTime": 1_767_225_600.0, "Parameters": { "action": ["start"] },
        })
    };
    let page = ok(json!({ "Commands": [
        row("ours", "watchkeeper/main/configure/web/abc", "InProgress"),
        row("ended", "watchkeeper/main/probe/-/abc", "Failed"),
        row("other", "watchkeeper/other/configure/web/abc", "InProgress"),
        row("foreign", "somebody's", "InProgress"),
    ] }));
    let (clients, _) = Canned::clients([("ListCommands", page)]);
    let since = clients.clock().now();
    let Ok(Facts::Commands(rows)) = ask(&clients, Question::Commands { document: "D".into(), since }).await
    else {
        panic!("no commands")
    };
    let [Command { id: first, status, .. }, Command { id: second, status: ended, .. }] = &*rows else {
        panic!("two of ours, got {rows:?}")
    };
    assert_eq!((&**first, *status), ("ours", CommandStatus::UnderWay));
    assert_eq!((&**second, *ended), ("ended", CommandStatus::Ended));
}

#[tokio::test(start_paused = true)]
async fn a_role_comes_whole_and_decoded() {
    let iam = |operation: &str, inside: &str| {
        ok(format!(
            r#"<{operation}Response xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><{operation}Result>{inside}</{operation}Result><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></{operation}Response>"#
        ))
    };
    let role = "<Role><Path>/</Path><RoleName>web</RoleName><RoleId>AROA1</RoleId>\
        <Arn>arn:aws:iam::111122223333:role/web</Arn><CreateDate>2026-01-01T00:00:00Z</CreateDate>\
        <AssumeRolePolicyDocument>%7B%22Version%22%3A%222012-10-17%22%7D</AssumeRolePolicyDocument></Role>";
    let (clients, _) = Canned::clients([
        ("GetRole", iam("GetRole", role)),
        (
            "ListAttachedRolePolicies",
            iam(
                "ListAttachedRolePolicies",
                "<AttachedPolicies><member><PolicyName>p</PolicyName><PolicyArn>arn:p</PolicyArn></member>\
                 </AttachedPolicies><IsTruncated>false</IsTruncated>",
            ),
        ),
        (
            "ListRolePolicies",
            iam(
                "ListRolePolicies",
                "<PolicyNames><member>own</member></PolicyNames><IsTruncated>false</IsTruncated>",
            ),
        ),
        (
            "GetRolePolicy",
            iam(
                "GetRolePolicy",
                "<RoleName>web</RoleName><PolicyName>own</PolicyName><PolicyDocument>%7B%7D</PolicyDocument>",
            ),
        ),
    ]);
    let Ok(Facts::Role(Some(role))) = ask(&clients, Question::Role("web".into())).await else {
        panic!("no role")
    };
    assert_eq!(role.trust, json!({ "Version": "2012-10-17" }));
    assert_eq!(role.attached, [Arc::from("arn:p")]);
    assert_eq!(role.inline.get("own"), Some(&json!({})));
}

#[tokio::test(start_paused = true)]
async fn a_role_that_is_not_there_is_a_fact() {
    let reply = Reply::Body(
        404,
        "<ErrorResponse><Error><Type>Sender</Type><Code>NoSuchEntity</Code><Message>no</Message></Error>\
         <RequestId>r</RequestId></ErrorResponse>"
            .to_owned(),
    );
    let (clients, _) = Canned::clients([("GetRole", reply)]);
    assert!(matches!(ask(&clients, Question::Role("web".into())).await, Ok(Facts::Role(None))));
}

#[tokio::test(start_paused = true)]
async fn a_log_group_is_found_by_its_exact_name_only() {
    let page = |names: &[&str], token: Option<&str>| {
        let rows: Vec<Value> = names
            .iter()
            .map(
                |name| json!({ "logGroupName": name, "arn": format!("arn:{name}:*"), "retentionInDays": 30 }),
            )
            .collect();
        ok(json!({ "logGroups": rows, "nextToken": token }))
    };
    let (clients, canned) = Canned::clients([
        ("DescribeLogGroups", page(&[], Some("a"))),
        ("DescribeLogGroups", page(&["Web", "WebOther"], Some("b"))),
        ("DescribeLogGroups", page(&["WebOther"], Some("a"))),
    ]);
    let Ok(Facts::LogGroup(Some(group))) = ask(&clients, Question::LogGroup("Web".into())).await else {
        panic!("no group")
    };
    assert_eq!((&*group.arn, group.retention_days, &*group.class), ("arn:Web", Some(30), "STANDARD"));
    assert!(matches!(ask(&clients, Question::LogGroup("Web".into())).await, Ok(Facts::LogGroup(None))));
    assert_eq!(canned.left(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_aws_refuses_inside_a_success_is_reported() {
    let reply = ok(
        r#"<CreateFlowLogsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>r</requestId><flowLogIdSet><item>fl-1</item></flowLogIdSet><unsuccessful><item><error><code>FlowLogAlreadyExists</code><message>there</message></error><resourceId>vpc-2</resourceId></item></unsuccessful></CreateFlowLogsResponse>"#,
    );
    let (clients, _) = Canned::clients([("CreateFlowLogs", reply)]);
    let action = Action::CreateFlowLogs(CreateFlowLogs {
        client_token: "t".into(),
        resource_type: "VPC".into(),
        resources: vec!["vpc-1".into(), "vpc-2".into()],
        traffic: "ALL".into(),
        log_group: "G".into(),
        role_arn: "arn:aws:iam::111122223333:role/f".into(),
        format: None,
        interval: 600,
        tags: TagMap::new(),
    });
    let done = carry_out(&clients, action).await.expect("a success");
    assert_eq!(done.made, [Arc::from("fl-1")]);
    let [(resource, failure)] = &*done.refused else { panic!("one refusal") };
    assert_eq!((&**resource, failure.class), ("vpc-2", Class::Exists));
}

fn send_command() -> Action {
    Action::SendCommand(SendCommand {
        key: ActionKey {
            installation: "main".into(),
            step: Step::Start,
            object: "web".into(),
            digest: "abc".into(),
        },
        document: "AmazonCloudWatch-ManageAgent".into(),
        parameters: [("action".into(), vec!["start".into()])].into(),
        nodes: vec!["i-0123456789abcdef0".into()],
    })
}

#[tokio::test(start_paused = true)]
async fn a_command_whose_reply_is_lost_is_never_sent_again() {
    let failed = Reply::Body(500, json!({ "__type": "InternalServerError" }).to_string());
    for spoilt in [Reply::Broken, Reply::Silence, failed] {
        let (clients, _) = Canned::clients([("SendCommand", spoilt)]);
        let failure = carry_out(&clients, send_command()).await.expect_err("no reply");
        assert!(failure.may_have_happened(), "{failure:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_command_that_was_refused_for_haste_is_sent_again() {
    let throttled =
        Reply::Body(400, json!({ "__type": "ThrottlingException", "message": "Rate exceeded" }).to_string());
    let sent = ok(json!({ "Command": { "CommandId": "c-1" } }));
    let (clients, _) = Canned::clients([("SendCommand", throttled), ("SendCommand", sent)]);
    let done = carry_out(&clients, send_command()).await.expect("sent");
    assert_eq!(done.command.as_deref(), Some("c-1"));
    let counts = clients.counts().read();
    let count = |sent| counts.get(&("ssm:SendCommand".to_owned(), sent)).copied();
    assert_eq!((count(Sent::Ok), count(Sent::Throttled)), (Some(1), Some(1)));
}

#[tokio::test(start_paused = true)]
async fn a_read_that_is_never_answered_ends() {
    let silence = || ("DescribeInstanceInformation", Reply::Silence);
    let (clients, _) = Canned::clients([silence(), silence(), silence()]);
    let begun = clients.clock().now();
    let failure = ask(&clients, Question::Nodes).await.expect_err("no answer");
    assert_eq!((failure.class, &*failure.code), (Class::Ambiguous, "NoReply"), "{failure:?}");
    let took = clients.clock().now().duration_since(begun).as_millis();
    assert!((19_900..=60_100).contains(&took), "it took {took} ms");
}

#[tokio::test(start_paused = true)]
async fn answers_come_in_the_order_of_the_questions_and_not_after_the_stop() {
    let parameters = || ("GetParameters", ok(json!({ "Parameters": [] })));
    let (clients, _) = Canned::clients((0..20).map(|_| parameters()));
    let questions: Vec<Question> =
        (0..20).map(|at| Question::Parameters(vec![format!("p{at}").into()])).collect();
    let stop = CancellationToken::new();
    let answers = observe(&clients, "main", questions.clone(), &stop).await;
    assert!(answers.iter().map(|answer| &answer.question).eq(&questions));
    stop.cancel();
    assert!(observe(&clients, "main", questions, &stop).await.is_empty());
    assert_eq!(act(&clients, &[send_command()], &stop).await, [None]);
}
