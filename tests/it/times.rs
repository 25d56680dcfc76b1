//! `enabledUntil` and `enabledDuring`: capture is on inside its times and off outside, clock changes included, and what
//! others capture goes on as it was.

use jiff::{SignedDuration, Timestamp};
use watchkeeper::model::event::Severity;
use watchkeeper::sim::scenario::Scenario;

use crate::estate::{Estate, minutes};
use crate::facts::{Facts, facts};
use crate::refused::{captured, flow_logs_desired, foreign};

/// What is wanted when, and what must be seen then.
struct Case {
    name: &'static str,
    begins: &'static str,
    times: &'static str,
    /// Moments at which capture begins (`true`) or ends, oldest first.
    edges: &'static [(&'static str, bool)],
    ends: &'static str,
}

/// How long after an edge its effect must be there: the pass that is due then, and AWS's lag.
const SEEN_WITHIN: SignedDuration = SignedDuration::from_secs(15);
/// How long the role and the group may take that come first.
const MADE_WITHIN: SignedDuration = minutes(2);
/// The networks.
const VPCS: usize = 2;
const FLEET: Scenario = Scenario::Fleet { nodes: 2, vpcs: VPCS };

const CASES: [Case; 5] = [
    Case {
        name: "until a moment, and never again",
        begins: "2026-03-02T09:00:00Z",
        times: "  enabledUntil: 2026-03-02T10:00:00Z",
        edges: &[("2026-03-02T10:00:00Z", false)],
        ends: "2026-03-02T14:00:00Z",
    },
    Case {
        name: "on some hours of some days",
        begins: "2026-03-02T09:00:00Z",
        times: "  enabledDuring: [{ days: [Mon], from: \"10:30\", to: \"11:30\" }, { days: [Tue], from: \"00:15\", to: \"00:45\" }]",
        edges: &[
            ("2026-03-02T10:30:00Z", true),
            ("2026-03-02T11:30:00Z", false),
            ("2026-03-03T00:15:00Z", true),
            ("2026-03-03T00:45:00Z", false),
        ],
        ends: "2026-03-03T02:00:00Z",
    },
    // New York skips 02:00 to 03:00 on that day: four hours are three.
    Case {
        name: "over the hour that spring skips",
        begins: "2026-03-08T05:00:00Z",
        times: "  enabledDuring: [{ from: \"01:00\", to: \"05:00\", timeZone: America/New_York }, { from: \"06:00\", to: \"06:30\", timeZone: America/New_York }]",
        edges: &[
            ("2026-03-08T06:00:00Z", true),
            ("2026-03-08T09:00:00Z", false),
            ("2026-03-08T10:00:00Z", true),
            ("2026-03-08T10:30:00Z", false),
        ],
        ends: "2026-03-08T12:00:00Z",
    },
    // New York has 01:00 to 02:00 twice on that day: three hours are four.
    Case {
        name: "over the hour that autumn has twice",
        begins: "2026-11-01T03:30:00Z",
        times: "  enabledDuring: [{ from: \"00:00\", to: \"03:00\", timeZone: America/New_York }]",
        edges: &[("2026-11-01T04:00:00Z", true), ("2026-11-01T08:00:00Z", false)],
        ends: "2026-11-01T10:00:00Z",
    },
    Case {
        name: "in its hours, but only until a moment",
        begins: "2026-03-02T09:00:00Z",
        times: "  enabledUntil: 2026-03-02T13:15:00Z\n  enabledDuring: [{ from: \"10:00\", to: \"11:00\" }, { from: \"13:00\", to: \"14:00\" }]",
        edges: &[
            ("2026-03-02T10:00:00Z", true),
            ("2026-03-02T11:00:00Z", false),
            ("2026-03-02T13:00:00Z", true),
            ("2026-03-02T13:15:00Z", false),
        ],
        ends: "2026-03-02T16:00:00Z",
    },
];

fn moment(text: &str) -> Timestamp {
    text.parse().expect("a moment")
}

/// The flow logs that are not ours.
fn others(estate: &Estate) -> Facts {
    let theirs = |name: &String| name.starts_with("flow-log/") && !name.ends_with("/ExampleCorpVPC");
    facts(estate).into_iter().filter(|(name, _)| theirs(name)).collect()
}

/// Whether the case wants capture at `now`; `None` while an edge is so near that either may be seen.
fn is_wanted(case: &Case, now: Timestamp) -> Option<bool> {
    let mut wanted = !case.edges.first().expect("an edge").1;
    let mut since = moment(case.begins) + MADE_WITHIN;
    for (at, on) in case.edges {
        if now >= moment(at) {
            (wanted, since) = (*on, moment(at) + SEEN_WITHIN);
        }
    }
    (now >= since).then_some(wanted)
}

#[tokio::test(start_paused = true)]
async fn capture_is_on_inside_its_times_and_off_outside_and_others_go_on() {
    for case in &CASES {
        let mut estate = Estate::beginning(case.begins, FLEET, 1, flow_logs_desired(case.times));
        let place = estate.place.clone();
        let theirs = estate.sim.world(|world| {
            let vpcs: Vec<String> = world.region(&place).networks.vpcs.keys().cloned().collect();
            vpcs.iter().map(|vpc| foreign(world, &place, vpc, "theirs")).collect::<Vec<_>>()
        });
        let before = others(&estate);
        assert_eq!(before.len(), theirs.len());
        let sim = estate.sim.clone();
        let mut seen = Vec::new();
        let left = moment(case.ends).duration_since(estate.clock.now());
        let passed = estate
            .run(left, |_| {
                seen.push((sim.now(), captured(&sim, &place).len()));
                false
            })
            .await;
        for (at, networks) in seen {
            if let Some(wanted) = is_wanted(case, at) {
                let expected = if wanted { VPCS } else { 0 };
                assert_eq!(networks, expected, "{} at {at}: wanted: {wanted}", case.name);
            }
        }
        assert!(passed.status.is_ready(), "{}: off is as it should be", case.name);
        assert_eq!(others(&estate), before, "{}: somebody else's was touched", case.name);
        assert!(!estate.events.iter().any(|event| event.severity == Severity::Error), "{}", case.name);
    }
}
