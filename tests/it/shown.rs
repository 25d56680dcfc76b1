//! What `status` and `coverage` show, in a steady estate, in trouble, and when it is too old.

use jiff::SignedDuration;
use watchkeeper::cli::{coverage, status};
use watchkeeper::model::desired::Kind;
use watchkeeper::model::event::Phase;
use watchkeeper::model::picture::{Category, Condition, Part, Picture, Signal, Sort, good_for};
use watchkeeper::model::reason::Reason;
use watchkeeper::model::status::Truth;
use watchkeeper::sim::fault::{Faults, Rates};
use watchkeeper::sim::scenario::Breakage;
use watchkeeper::sim::world::nodes::set_silent;

use crate::estate::{Estate, minutes};

async fn at_rest(seed: u64) -> Estate {
    let mut estate = Estate::example_corp(seed);
    estate.converge(minutes(60)).await;
    estate.live(minutes(40)).await;
    estate
}

fn picture(estate: &Estate) -> Picture {
    estate.scope.picture.as_deref().expect("a pass has ended").clone()
}

#[tokio::test(start_paused = true)]
async fn a_steady_estate_is_shown_as_what_it_is() {
    let estate = at_rest(1).await;
    let picture = picture(&estate);
    let text = status::text(&picture, false);
    println!("{text}");
    assert!(text.starts_with("12 of 12 objects Ready · "), "{text}");
    // Every machine and every VPC is in exactly one condition, and those that cannot be managed say why.
    let (nodes, vpcs) = estate.sim.world(|world| {
        let region = world.region(&estate.place);
        (
            region.instances.instances.len()
                + region.nodes.nodes.keys().filter(|id| id.starts_with("mi-")).count(),
            region.networks.vpcs.len(),
        )
    });
    let of = |sort: Sort| picture.parts.iter().filter(move |part| part.sort == sort);
    assert_eq!((of(Sort::Node).count(), of(Sort::Vpc).count()), (nodes, vpcs));
    let odd =
        picture.parts.iter().filter(|part| matches!(part.condition, Condition::Held | Condition::Stalled));
    for part in odd {
        assert!(part.reason != Reason::Converged && !part.message.is_empty(), "{part:?}");
    }
    let text = coverage::text(&picture, true);
    println!("{text}");
    let share = picture.coverage.shares[&Category::FlowLogs];
    assert_eq!((share.missing, share.unknown), (0, 0), "{share:?}");
    assert!(picture.coverage.shares[&Category::Metrics].observed >= 5, "{text}");
    // Each node is counted once.
    for category in [Category::Metrics, Category::Logs, Category::Traces] {
        let share = picture.coverage.shares[&category];
        assert_eq!(share.observed + share.missing + share.unknown + share.not_wanted, share.all);
    }
    let rows = picture.coverage_csv().lines().count();
    assert_eq!(rows, picture.coverage.lines.len() + 1);
}

#[tokio::test(start_paused = true)]
async fn a_node_that_nobody_has_read_is_not_taken_for_ready() {
    let mut estate = Estate::example_corp(4);
    for _ in 0..3 {
        let picture = estate.pass().await.picture;
        let managed = |part: &&Part| part.objects.iter().any(|id| id.kind == Kind::CloudWatchAgent);
        let early: Vec<&Part> = picture
            .parts
            .iter()
            .filter(managed)
            .filter(|part| part.condition == Condition::Ready)
            .filter(|part| {
                estate.scope.observed.on_nodes.get(&part.id).is_none_or(|node| node.probe.is_none())
            })
            .collect();
        assert!(early.is_empty(), "{early:#?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_breaks_leaves_the_coverage_and_says_why() {
    let mut estate = at_rest(2).await;
    let before = picture(&estate).coverage.shares.clone();
    let place = estate.place.clone();
    estate.sim.world(|world| Breakage::FlowLogDeleted.strike(world, &place)).expect("there is one");
    let web = estate.sim.world(|world| {
        let running = world.region(&place).nodes.nodes.values().find(|node| node.agent.started.is_some());
        running.expect("a running agent").id.clone()
    });
    estate.sim.world(|world| set_silent(world, &place, &web, true));
    estate.live(minutes(8)).await;
    let now = picture(&estate);
    println!("{}", status::text(&now, false));
    let after = now.coverage.shares[&Category::FlowLogs];
    assert!(after.observed < before[&Category::FlowLogs].observed, "{after:?}");
    let lines = now.coverage.lines.iter();
    let broken =
        lines.clone().find(|line| line.category == Category::FlowLogs && line.signal > Signal::Arriving);
    assert!(broken.is_some_and(|line| line.reason.is_some() || !line.why.is_empty()), "{broken:?}");
    let part = now.part(&web).expect("the node");
    assert_eq!((part.condition, part.reason), (Condition::Held, Reason::ConnectionLost));
    let text = status::text(&now, false);
    assert!(text.contains(&web) && text.contains("ConnectionLost"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn what_is_too_old_is_unknown_on_every_surface() {
    let estate = at_rest(3).await;
    let fresh = picture(&estate);
    let limit = good_for(estate.scope.rules.interval);
    assert_eq!(fresh.clone().seen_at(fresh.status.at + limit), fresh, "good to the last second");
    let old = fresh.clone().seen_at(fresh.status.at + limit + SignedDuration::from_secs(1));
    assert!(old.status.objects.iter().all(|row| row.ready == Truth::Unknown) && !old.status.is_ready());
    assert!(old.parts.iter().all(|part| matches!(part.condition, Condition::Unknown | Condition::Unmanaged)));
    assert!(old.coverage.shares.values().all(|share| share.observed == 0 && share.missing == 0));
    let text = status::text(&old, false);
    assert!(
        text.contains("0 of 12 objects Ready") && text.contains("! PassOverdue: the last pass ended at"),
        "{text}"
    );
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_for_long_is_unknown_and_told_though_everything_was_well() {
    let mut estate = at_rest(6).await;
    estate.events.clear();
    for (operation, object) in
        [("DescribeInstances", Kind::CloudWatchAgent), ("DescribeFlowLogs", Kind::FlowLog)]
    {
        let denied = Rates { deny: 1.0, ..Rates::default() };
        estate.sim.set_faults(Faults::seeded(6, denied).only(operation));
        let passed = estate.live(minutes(8)).await;
        assert!(passed.status.is_ready(), "{operation}: what was read a moment ago is still good");
        let passed = estate.live(minutes(8)).await;
        let standing = passed.status.objects.iter().find(|row| row.object.kind == object);
        let standing = standing.expect("the object");
        assert_eq!(standing.ready, Truth::Unknown, "{standing:?}");
        let parts = passed.picture.parts.iter().filter(|part| part.objects.contains(&standing.object));
        assert!(parts.clone().count() > 0 && parts.clone().all(|part| part.condition == Condition::Unknown));
        let told = |phase| {
            estate
                .events
                .iter()
                .any(|event| event.phase == phase && event.object.as_ref() == Some(&standing.object))
        };
        assert!(told(Phase::Opened) && !told(Phase::Resolved), "{operation}");
        estate.sim.set_faults(Faults::none());
        estate.converge(minutes(5)).await;
        estate.live(minutes(2)).await;
        let last = estate.events.last().map(|event| event.phase);
        assert_eq!(last, Some(Phase::Resolved), "{operation}");
        estate.events.clear();
    }
}

#[test]
fn an_object_stands_where_its_reason_says_on_every_surface() {
    let cases = [
        (Truth::True, Reason::Converged, Condition::Ready),
        (Truth::True, Reason::ConnectionLost, Condition::Ready),
        (Truth::Unknown, Reason::AccessDenied, Condition::Unknown),
        (Truth::False, Reason::AccessDenied, Condition::Stalled),
        (Truth::False, Reason::NotProbed, Condition::Reconciling),
        (Truth::False, Reason::CommandFailed, Condition::Stalled),
        // A person's word is waited for: nothing keeps failing.
        (Truth::False, Reason::Observing, Condition::Held),
        (Truth::False, Reason::NotOwned, Condition::Held),
    ];
    for (ready, reason, expected) in cases {
        assert_eq!(Condition::of_object(ready, reason), expected, "{ready:?} {reason}");
    }
}
