//! A controller that is killed at any call, one whose replies are lost, and two at once: the estate converges, and
//! no node gets two commands for one cause.

use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use jiff::SignedDuration;
use tokio_util::sync::CancellationToken;
use watchkeeper::pass::Mode;
use watchkeeper::sim::Sim;
use watchkeeper::sim::fault::{Faults, Rates};
use watchkeeper::sim::world::commands::State;

use crate::estate::{Estate, minutes, scope};

/// The probe: it changes nothing, and is repeated whenever a node is to be read again.
const PROBE: &str = "Watchkeeper-Probe";

/// Runs `work` until the world has answered `calls` calls, then drops it where it stands, as `kill -9` would.
async fn killed_after<T>(sim: &Sim, calls: usize, work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    poll_fn(|context| match work.as_mut().poll(context) {
        Poll::Ready(done) => Poll::Ready(Some(done)),
        Poll::Pending if sim.world(|world| world.calls().len()) >= calls => Poll::Ready(None),
        Poll::Pending => Poll::Pending,
    })
    .await
}

/// How often each node carried out each command that changes something, by what the command says.
fn carried_out(estate: &Estate) -> BTreeMap<(String, String), usize> {
    estate.sim.world(|world| {
        let mut counts = BTreeMap::new();
        for command in
            world.region(&estate.place).commands.newest_first(None).filter(|one| one.document != PROBE)
        {
            for (node, invocation) in &command.invocations {
                // What failed on the node may be tried again; what went well, or still may, must not.
                if invocation.state != State::Failed {
                    let what = format!("{} {:?}", command.document, command.parameters);
                    *counts.entry((node.clone(), what)).or_default() += 1;
                }
            }
        }
        counts
    })
}

fn repeats(estate: &Estate) -> Vec<((String, String), usize)> {
    carried_out(estate).into_iter().filter(|(_, count)| *count > 1).collect()
}

fn probes(estate: &Estate) -> usize {
    estate.sim.world(|world| {
        let commands = world.region(&estate.place).commands.newest_first(None);
        commands.filter(|command| command.document == PROBE).map(|command| command.invocations.len()).sum()
    })
}

#[tokio::test(start_paused = true)]
async fn a_controller_killed_once_at_any_call_repeats_no_command() {
    let mut whole = Estate::example_corp(1);
    whole.converge(minutes(40)).await;
    let all = whole.sim.world(|world| world.calls().len());
    // A prime step: it falls into step with nothing.
    for calls in (1..all).step_by(13) {
        let mut estate = Estate::example_corp(1);
        let sim = estate.sim.clone();
        let life = killed_after(&sim, calls, estate.live(minutes(60))).await;
        assert!(life.is_none(), "not killed at call {calls}");
        estate.restart();
        estate.converge(minutes(40)).await;
        assert!(repeats(&estate).is_empty(), "killed at call {calls}: {:#?}", repeats(&estate));
    }
}

#[tokio::test(start_paused = true)]
async fn a_controller_killed_again_and_again_repeats_no_command() {
    let mut kills = 0;
    for seed in 0..12 {
        let mut estate = Estate::example_corp(seed);
        let mut rng = fastrand::Rng::with_seed(seed);
        // Each life is a little longer than a start needs, so that the work goes on between two deaths.
        for _ in 0..8 {
            let calls = estate.sim.world(|world| world.calls().len()) + rng.usize(1..150);
            let sim = estate.sim.clone();
            let life =
                killed_after(&sim, calls, estate.run(minutes(40), |passed| passed.status.is_ready())).await;
            kills += usize::from(life.is_none());
            estate.restart();
        }
        estate.converge(minutes(40)).await;
        assert!(repeats(&estate).is_empty(), "seed {seed}: {:#?}", repeats(&estate));
    }
    assert!(kills >= 48, "killed only {kills} times");
}

#[tokio::test(start_paused = true)]
async fn a_lost_reply_of_a_command_is_no_reason_to_send_it_again() {
    let lost = Rates { lose_reply: 0.5, ..Rates::default() };
    let silent = Rates { time_out: 0.5, ..Rates::default() };
    for seed in 0..4 {
        for rates in [&lost, &silent] {
            let mut estate = Estate::example_corp(seed);
            estate.sim.set_faults(Faults::seeded(seed, rates.clone()).only("SendCommand"));
            estate.run(minutes(20), |_| false).await;
            estate.sim.set_faults(Faults::none());
            estate.converge(minutes(60)).await;
            assert!(repeats(&estate).is_empty(), "seed {seed} {rates:?}: {:#?}", repeats(&estate));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_reply_and_a_kill_together_repeat_no_command() {
    for seed in 0..4 {
        let mut estate = Estate::example_corp(seed);
        let rates = Rates { lose_reply: 0.3, time_out: 0.2, ..Rates::default() };
        estate.sim.set_faults(Faults::seeded(seed, rates).only("SendCommand"));
        let mut rng = fastrand::Rng::with_seed(seed);
        for _ in 0..6 {
            let life = SignedDuration::from_secs(rng.i64(5..90)).unsigned_abs();
            let _ = tokio::time::timeout(life, estate.live(minutes(10))).await;
            estate.restart();
        }
        estate.sim.set_faults(Faults::none());
        estate.converge(minutes(60)).await;
        assert!(repeats(&estate).is_empty(), "seed {seed}: {:#?}", repeats(&estate));
    }
}

#[tokio::test(start_paused = true)]
async fn a_restart_probes_no_node_that_aws_still_knows() {
    let mut estate = Estate::example_corp(3);
    estate.converge(minutes(40)).await;
    let before = probes(&estate);
    estate.restart();
    estate.converge(minutes(2)).await;
    assert_eq!(probes(&estate), before, "a restart read nodes again");
}

#[tokio::test(start_paused = true)]
async fn two_controllers_at_once_do_no_harm() {
    for seed in 0..4 {
        let mut estate = Estate::example_corp(seed);
        let mut other = scope(&estate.sim, &estate.clock, seed, "other");
        let desired = estate.desired.clone();
        let clock = estate.clock.clone();
        let mut rng = fastrand::Rng::with_seed(seed);
        let rival = async {
            loop {
                other.pass(&desired, Vec::new(), Mode::Enforce, &clock, &CancellationToken::new()).await;
                clock.sleep(SignedDuration::from_millis(rng.i64(500..5_000)).unsigned_abs()).await;
            }
        };
        tokio::select! {
            biased;
            _ = estate.converge(minutes(60)) => {}
            () = rival => {}
        }
        drop(other);
        estate.converge(minutes(60)).await;
        let more = carried_out(&estate).into_iter().filter(|(_, count)| *count > 2).collect::<Vec<_>>();
        assert!(more.is_empty(), "seed {seed}: more than one repeat: {more:#?}");
    }
}
