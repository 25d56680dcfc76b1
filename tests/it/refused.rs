//! `CreateFlowLogs` succeeds even where AWS refuses some of what it was asked: the rest is made, the refused are told in
//! AWS's own words and tried again, ever more slowly, until their cause is gone.

use jiff::{SignedDuration, Timestamp};
use watchkeeper::model::desired::Desired;
use watchkeeper::model::event::{Event, Phase, Severity};
use watchkeeper::model::reason::Reason;
use watchkeeper::sim::Sim;
use watchkeeper::sim::scenario::Scenario;
use watchkeeper::sim::world::flow_logs::{self, Config, DEFAULT_FORMAT, Destination, Kind, Request};
use watchkeeper::sim::world::{Place, World};

use crate::estate::{Estate, desired, minutes};

/// Documented quota: flow logs for one network.
const MOST: usize = 250;
/// What AWS says of a network that is full.
const FULL: &str = "The maximum number of flow logs has been reached for resource";
/// What AWS says of a role that is too new.
const TOO_NEW: &str = "Unable to assume given IAM role";

/// A role, a group, and flow logs on every network; nothing that concerns machines.
pub fn flow_logs_desired(more: &str) -> Desired {
    let text = "
apiVersion: watchkeeper/v1
kind: IamRole
metadata: { name: flow-logs }
spec: { roleName: ExampleCorp-FlowLogsRole, preset: FlowLogs }
---
apiVersion: watchkeeper/v1
kind: LogGroup
metadata: { name: vpc }
spec: { logGroup: ExampleCorpVPC, retentionDays: 30 }
---
apiVersion: watchkeeper/v1
kind: FlowLog
metadata: { name: vpc }
spec:
  vpcs: { all: true }
  traffic: ALL
  logGroup: ExampleCorpVPC
  role: flow-logs
";
    desired(&format!("{text}{more}"))
}

/// Somebody else's flow log on a network.
pub fn foreign(world: &mut World, place: &Place, vpc: &str, group: &str) -> String {
    let config = Config {
        kind: Kind::Vpc,
        traffic: "ALL".to_owned(),
        destination: Destination::Logs { group: group.to_owned(), arn: None },
        role: None,
        format: DEFAULT_FORMAT.to_owned(),
        interval: 60,
    };
    let request = Request { resources: vec![vpc.to_owned()], config, tags: Default::default(), token: None };
    let made = flow_logs::create(world, place, &request).expect("a flow log of somebody else's");
    made.ids.into_iter().next().expect("an id")
}

/// The networks that have a flow log into our group, one entry for each.
pub fn captured(sim: &Sim, place: &Place) -> Vec<String> {
    sim.world(|world| {
        let living = world.region(place).flow_logs.living();
        let ours = living.filter(|log| log.tags.contains_key("watchkeeper:owner"));
        let mut networks: Vec<String> = ours.map(|log| log.resource.clone()).collect();
        networks.sort();
        networks
    })
}

/// When `CreateFlowLogs` was called.
fn tries(estate: &Estate) -> Vec<Timestamp> {
    estate.sim.world(|world| {
        world.calls().iter().filter(|call| call.operation == "CreateFlowLogs").map(|call| call.at).collect()
    })
}

fn gaps(tries: &[Timestamp]) -> Vec<SignedDuration> {
    tries.windows(2).map(|pair| pair[1].duration_since(pair[0])).collect()
}

fn told(events: &[Event], phase: Phase, reason: Reason) -> Option<&Event> {
    events.iter().find(|event| event.phase == phase && event.reason == reason)
}

#[tokio::test(start_paused = true)]
async fn what_aws_refuses_of_a_batch_is_told_and_tried_ever_more_slowly_while_the_rest_is_made() {
    let mut estate = Estate::new(Scenario::Fleet { nodes: 4, vpcs: 4 }, 1, flow_logs_desired(""));
    let place = estate.place.clone();
    let (full, theirs): (Vec<String>, Vec<String>) = estate.sim.world(|world| {
        let vpcs: Vec<String> = world.region(&place).networks.vpcs.keys().take(2).cloned().collect();
        let each = vpcs.iter().flat_map(|vpc| (0..MOST).map(move |number| (vpc, number)));
        let theirs =
            each.map(|(vpc, number)| foreign(world, &place, vpc, &format!("theirs-{number}"))).collect();
        (vpcs, theirs)
    });
    estate.live(minutes(30)).await;

    assert_eq!(captured(&estate.sim, &estate.place).len(), 2, "those that are not refused");
    assert!(!captured(&estate.sim, &estate.place).iter().any(|vpc| full.contains(vpc)));
    let event = told(&estate.events, Phase::Opened, Reason::QuotaReached).expect("the refusal is told");
    assert!(event.message.contains(FULL), "{}", event.message);
    let subjects: Vec<&str> = event.subjects.iter().map(|subject| &**subject).collect();
    assert_eq!(subjects, full);
    assert!(
        estate.events.iter().any(|event| event.message.contains("AWS refused 2 of them")),
        "what became of the call is told"
    );
    let refused_for = gaps(&tries(&estate));
    assert!((3..=7).contains(&refused_for.len()), "{refused_for:?}");
    // The first ones are those for which the role was too new.
    let steady = &refused_for[refused_for.len() - 3..];
    assert!(steady.windows(2).all(|pair| pair[1] > pair[0] + pair[0] / 2), "{refused_for:?}");

    // Somebody makes room on both.
    estate.sim.world(|world| {
        for log in [&theirs[0], &theirs[MOST]] {
            flow_logs::delete(world, &place, log).expect("it was there");
        }
    });
    let from = estate.events.len();
    estate.converge(minutes(45)).await;
    assert_eq!(captured(&estate.sim, &estate.place).len(), 4);
    assert!(told(estate.events_since(from), Phase::Resolved, Reason::QuotaReached).is_some());
    let left = estate.sim.world(|world| {
        let living = world.region(&place).flow_logs.living().map(|log| log.id.clone()).collect::<Vec<_>>();
        theirs.iter().filter(|log| living.contains(log)).count()
    });
    assert_eq!(left, theirs.len() - 2, "somebody else's flow logs are untouched");
}

#[tokio::test(start_paused = true)]
async fn a_role_that_is_too_new_is_waited_for_and_told_only_when_that_lasts() {
    for (lag, is_told) in [(SignedDuration::from_secs(60), false), (minutes(20), true)] {
        let mut estate = Estate::new(Scenario::Fleet { nodes: 2, vpcs: 2 }, 1, flow_logs_desired(""));
        estate.sim.world(|world| world.settings.iam_lag = lag);
        estate.live(lag / 2).await;
        assert!(captured(&estate.sim, &estate.place).is_empty(), "{lag:#}: a role that cannot be assumed");
        let tried = tries(&estate);
        let waits = gaps(&tried);
        assert!(waits.windows(2).all(|pair| pair[1] > pair[0]), "{lag:#}: {waits:?}");
        assert!(tried.len() > 3, "{lag:#}: {tried:?}");
        let faults: Vec<&Event> =
            estate.events.iter().filter(|event| event.severity == Severity::Error).collect();
        assert_eq!(!faults.is_empty(), is_told, "{lag:#}: {faults:#?}");
        assert!(faults.iter().all(|event| event.message.contains(TOO_NEW)), "{lag:#}: {faults:#?}");
        estate.converge(minutes(45)).await;
        assert_eq!(captured(&estate.sim, &estate.place).len(), 2, "{lag:#}");
    }
}
