//! `watchkeeper verify` and `watchkeeper explain`: what is right, what is not and why, and what nobody knows.

use jiff::SignedDuration;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use watchkeeper::aws::connect::with_http;
use watchkeeper::cli::client::Server;
use watchkeeper::cli::explain;
use watchkeeper::cli::options::install_probe;
use watchkeeper::cli::verify::{exit_code, look, subject, text};
use watchkeeper::clock::Clock;
use watchkeeper::controller::{Controller, Options, Until};
use watchkeeper::journal::{Journal, Style};
use watchkeeper::model::explain::{Subject, explain as explanation, find};
use watchkeeper::model::reason::Reason;
use watchkeeper::model::rules::Rules;
use watchkeeper::pass::{Mode, Scope};
use watchkeeper::serve::{Told, serve};
use watchkeeper::sim::Sim;
use watchkeeper::sim::connector::Connector;
use watchkeeper::sim::scenario::{self, Scenario};
use watchkeeper::sim::world::nodes::agent;
use watchkeeper::sim::world::{DEFAULT_ACCOUNT, DEFAULT_REGION, Place};
use watchkeeper::source::Source;

use crate::estate::{EPOCH, Estate, example_corp_edited, minutes};

/// The id of the instance called `name`.
fn instance(estate: &Estate, name: &str) -> String {
    let place = estate.place.clone();
    estate.sim.world(|world| {
        let instances = world.region(&place).instances.instances.values();
        let mut named = instances.filter(|row| row.tags.get("Name").is_some_and(|tag| tag == name));
        named.next().expect("an instance of that name").id.clone()
    })
}

async fn verified(estate: &Estate, words: &[&str]) -> (u8, String) {
    let subjects: Vec<Subject> =
        words.iter().map(|word| subject(&estate.desired, word).expect("it is known")).collect();
    let began = estate.clock.now();
    let verified = look(&estate.scope.clients, &estate.scope.rules, &estate.desired, &subjects).await;
    let took = estate.clock.now().duration_since(began);
    assert!(took.as_secs() <= 10, "{took:#}");
    (exit_code(&verified), text(&verified))
}

#[tokio::test(start_paused = true)]
async fn a_right_estate_is_verified_and_a_broken_one_is_not() {
    let mut estate = Estate::example_corp(1);
    estate.converge(minutes(60)).await;
    estate.live(minutes(3)).await;
    let vpc = estate.scope.observed.vpcs.iter().next().expect("a network").0.to_string();
    let web = instance(&estate, "web-1");
    // Too slow for an answer in ten seconds: what was known before is told, with its age.
    estate.sim.world(|world| world.settings.step = SignedDuration::from_secs(60));
    let (code, told) = verified(&estate, &[&web]).await;
    assert_eq!(code, 3, "{told}");
    assert!(told.contains("  unknown  probe  no new one came in time"), "{told}");
    assert!(told.contains("  ok       CloudWatchAgent/example-corp-web  as the document says\n"), "{told}");
    estate.wait(minutes(3)).await;
    estate.sim.world(|world| world.settings.step = SignedDuration::from_secs(2));
    let (code, told) = verified(&estate, &[&web]).await;
    assert_eq!(code, 0, "{told}");
    assert!(
        told.starts_with(&format!(
            "{web}\n  ok       SSM  the node is online\n  ok       probe  read just now\n"
        )),
        "{told}"
    );
    assert!(told.contains("  ok       CloudWatchAgent/example-corp-web  as the document says\n"), "{told}");
    let (code, told) = verified(&estate, &[&vpc, "LogGroup/example-corp-vpc", "flow-logs"]).await;
    assert_eq!(code, 0, "{told}");
    assert!(told.contains("  ok       IamRole/flow-logs  as the document says\n"), "{told}");

    let place = estate.place.clone();
    estate.sim.world(|world| agent::stop(world, &place, &web));
    let (code, told) = verified(&estate, &[&web]).await;
    assert_eq!(code, 3);
    assert!(told.contains(&format!("  not ok   CloudWatchAgent/example-corp-web  Drift: {web} has an agent that is stopped (status: stopped → running)\n")), "{told}");

    let silent = instance(&estate, "legacy-1-silent-ssm-agent");
    let (code, told) = verified(&estate, &[&silent]).await;
    assert_eq!(code, 3);
    assert!(told.contains("  not ok   SSM  "), "{told}");
    let foreign = instance(&estate, "payroll-1");
    let (_, told) = verified(&estate, &[&foreign]).await;
    assert!(told.contains("no document selects this node"), "{told}");
    let (code, told) = verified(&estate, &["vpc-0000000000000000f"]).await;
    assert_eq!(code, 3);
    assert!(told.contains("there is no such network"), "{told}");
    let not_known = subject(&estate.desired, "example-corp-wep").expect_err("no such thing").to_string();
    assert!(not_known.contains("did you mean example-corp-web"), "{not_known}");
}

#[tokio::test(start_paused = true)]
async fn a_node_is_not_probed_where_its_document_is_paused() {
    let mut estate = Estate::example_corp(2);
    estate.converge(minutes(60)).await;
    estate.desired = example_corp_edited(&[(
        "kind: CloudWatchAgent\nmetadata: { name: example-corp-web }\nspec:\n",
        "kind: CloudWatchAgent\nmetadata: { name: example-corp-web }\nspec:\n  management: paused\n",
    )]);
    estate.wait(minutes(5)).await;
    let web = instance(&estate, "web-1");
    estate.sim.world(watchkeeper::sim::world::World::forget_calls);
    let (code, told) = verified(&estate, &[&web]).await;
    assert_eq!(code, 3);
    assert!(told.contains("  unknown  probe  no new one came in time"), "{told}");
    let writes = estate.sim.world(|world| world.calls().iter().filter(|call| call.writes).count());
    assert_eq!(writes, 0);
}

#[tokio::test(start_paused = true)]
async fn an_explanation_says_what_applies_what_is_known_and_what_is_done() {
    let mut estate = Estate::example_corp(3);
    estate.converge(minutes(60)).await;
    let passed = estate.live(minutes(6)).await;
    let web = instance(&estate, "web-1");
    let told = |estate: &Estate, passed: &watchkeeper::pass::Passed, word: &str| {
        let known = estate.scope.known_now(&estate.desired, estate.clock.now());
        let subject = find(&known, word).expect("it is known");
        explain::text(&explanation(&known, &passed.plan, &passed.status, &subject), false)
    };
    let node = told(&estate, &passed, &web);
    for part in [
        "CloudWatchAgent/example-corp-web  nodes: matchTags, by its tag Application=ExampleCorp [enforce, agent.yaml:",
        "AgentConfig/example-corp  CloudWatchAgent/example-corp-web refers to it",
        "\n  SSM        Online",
        "\n  config     ssm_AmazonCloudWatch-ExampleCorpConfig",
        "\nDOING\n  nothing",
        "configure AmazonCloudWatch-ExampleCorpConfig:",
    ] {
        assert!(node.contains(part), "{part}: {node}");
    }
    let group = told(&estate, &passed, "example-corp-application");
    assert!(
        group.contains("keeps events") && group.contains("of test/LogGroup/example-corp-application"),
        "{group}"
    );
    let vpc = estate.scope.observed.vpcs.iter().next().expect("a network").0.to_string();
    let vpc = told(&estate, &passed, &vpc);
    assert!(vpc.contains("delivery SUCCESS; of test/FlowLog/example-corp-vpc"), "{vpc}");

    let place = estate.place.clone();
    estate.sim.world(|world| agent::stop(world, &place, &web));
    let passed =
        estate
            .run(minutes(40), |passed| {
                passed.plan.findings.iter().any(|finding| {
                    finding.reason == Reason::Drift && finding.subject.as_deref() == Some(&web)
                })
            })
            .await;
    let node = told(&estate, &passed, &web);
    assert!(
        node.contains("\nDOING\n  Drift") && node.contains("      status: stopped → running\n"),
        "{node}"
    );

    let known = estate.scope.known_now(&estate.desired, estate.clock.now());
    let not_known = find(&known, "example-corp-wep").expect_err("no such thing").to_string();
    let expected = "`example-corp-wep` is not known; did you mean CloudWatchAgent/example-corp-web";
    assert!(not_known.starts_with(expected), "{not_known}");
    let ambiguous = find(&known, "example-corp-vpc").expect_err("two of them").to_string();
    assert_eq!(
        ambiguous,
        "`example-corp-vpc` may be LogGroup/example-corp-vpc or FlowLog/example-corp-vpc: say which"
    );
}

/// In real time: sockets under a paused clock jump.
#[tokio::test]
async fn a_running_controller_explains_over_loopback() {
    let epoch = EPOCH.parse().expect("a timestamp");
    let sim = Sim::new(scenario::build(Scenario::ExampleCorp, 4, epoch), Clock::pretended(epoch, 60.0));
    install_probe(&sim);
    let clock = sim.clock().clone();
    let key = Place::access_key(DEFAULT_ACCOUNT);
    let clients = with_http(Connector::new(sim), &clock, &key, DEFAULT_REGION, "explains");
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("desired-state");
    let scope = Scope::new(clients, Rules::for_simulator("test"), clock.now());
    let journal = Journal::new(Style::Silent);
    let options = Options { mode: Mode::Enforce, until: Until::Stopped, waits_for_folder: false, seed: 4 };
    let source = Source::new(folder.clone(), None);
    let controller = Controller::new(folder, source, scope, clock.clone(), journal.clone(), options);
    let told = Told {
        pictures: controller.pictures(),
        journal,
        questions: controller.questions(),
        metrics: controller.metrics(),
        clock,
        interval: minutes(1),
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a socket");
    let server = Server::at(&format!("http://{}", listener.local_addr().expect("an address")));
    let stop = CancellationToken::new();
    let serving = tokio::spawn(serve(told, listener, stop.clone()));
    let stopped = stop.clone();
    let running = tokio::spawn(async move { controller.run(&stopped).await.map(drop) });

    // The answer waits for the end of the first pass by itself.
    let explained = explain::ask(&server, "IamRole/flow-logs").await.expect("an answer");
    assert!(!explained.observed.is_empty() && !explained.events.is_empty(), "{explained:?}");
    let refused = explain::ask(&server, "CloudWatchAgent/example-corp-wep").await.expect_err("no such thing");
    assert!(
        refused.to_string().contains("did you mean ")
            && refused.to_string().contains("CloudWatchAgent/example-corp-web"),
        "{refused}"
    );
    stop.cancel();
    serving.await.expect("no panic").expect("a clean end");
    running.await.expect("no panic").expect("a clean end");
    let gone = explain::ask(&server, "x").await.expect_err("nobody answers");
    assert!(gone.to_string().contains("no running controller"), "{gone}");
}
