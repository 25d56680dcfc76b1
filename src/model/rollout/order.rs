//! What a person may say to a rollout, as a change of what is kept of it.
//!
//! Pure: whoever carries an order out reads [`State`], writes what comes of it here, and reads it back. An order that
//! would change nothing is refused with the reason, since whoever gave it believes something else.

use jiff::Timestamp;

use super::{Origin, Rejected, Release, State};

/// What a person may say to a rollout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// No further node begins.
    Pause,
    /// Further nodes may begin again.
    Resume,
    /// The release goes to all nodes, without waves and bakes.
    Promote,
    /// Back to the release before.
    Undo,
    /// A release that was rejected is tried again.
    Retry,
}

/// What comes of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// What is kept from now on.
    pub state: State,
    /// What was done, for a person.
    pub did: String,
    /// What will happen now, and when.
    pub next: String,
}

/// Why an order makes no sense now.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refused(String);

impl Order {
    /// Whether it must be known what the document asks for.
    pub const fn needs_release(self) -> bool {
        !matches!(self, Self::Pause | Self::Resume)
    }

    /// The order, given now. `wanted`: what the document asks for, where that is known.
    ///
    /// # Errors
    /// When there is nothing to do, or no way to do it.
    pub fn give(self, state: &State, wanted: Option<&Release>, now: Timestamp) -> Result<Given, Refused> {
        match (self, wanted) {
            (Self::Pause, _) => pause(state),
            (Self::Resume, _) => resume(state),
            (_, None) => refuse("it is not known which release the document asks for"),
            (Self::Promote, Some(wanted)) => promote(state, wanted),
            (Self::Undo, Some(wanted)) => undo(state, wanted, now),
            (Self::Retry, Some(wanted)) => retry(state, wanted, now),
        }
    }

    /// Whether `state` bears the mark of the order.
    pub fn holds(self, state: &State, wanted: Option<&Release>) -> bool {
        let is_stable =
            |wanted: &Release| state.stable.as_ref().is_some_and(|stable| wanted.is_within(stable));
        match self {
            Self::Pause => state.paused,
            Self::Resume => !state.paused,
            // Once every node has it, the promotion has done its work and is forgotten.
            Self::Promote => wanted.is_some_and(|wanted| state.is_promoted(wanted) || is_stable(wanted)),
            Self::Undo => wanted.is_some_and(|wanted| state.rejection(wanted).is_some()),
            Self::Retry => wanted.is_some_and(|wanted| state.rejection(wanted).is_none()),
        }
    }
}

fn refuse(why: impl Into<String>) -> Result<Given, Refused> {
    Err(Refused(why.into()))
}

fn pause(state: &State) -> Result<Given, Refused> {
    if state.paused {
        return refuse("it is paused already");
    }
    Ok(Given {
        state: State { paused: true, ..state.clone() },
        did: "paused".into(),
        next: "Nodes that have begun are seen through; from the next pass on no further node begins, until `rollout resume`.".into(),
    })
}

fn resume(state: &State) -> Result<Given, Refused> {
    if !state.paused {
        return refuse("there is nothing to resume: it is not paused");
    }
    Ok(Given {
        state: State { paused: false, ..state.clone() },
        did: "resumed".into(),
        next: "From the next pass on further nodes may begin, within the document's stages and windows."
            .into(),
    })
}

fn promote(state: &State, wanted: &Release) -> Result<Given, Refused> {
    let release = wanted.shown();
    if state.stable.as_ref().is_some_and(|stable| wanted.is_within(stable)) {
        return refuse(format!("there is nothing to promote: {release} is stable"));
    }
    if let Some(rejected) = state.rejection(wanted) {
        let why = because(rejected);
        return refuse(format!("{release} was rejected{why}: `rollout retry` first lets it be tried again"));
    }
    if state.is_promoted(wanted) {
        return refuse(format!("{release} is promoted already"));
    }
    let held = if state.paused { " It is paused, so nothing happens before `rollout resume`." } else { "" };
    Ok(Given {
        state: State { promoted: Some(wanted.digest()), ..state.clone() },
        did: format!("promoted {release}"),
        next: format!(
            "From the next pass on it goes to every node, as many at once as `maxConcurrency` allows; `maxFailures`, `abortOn` and the windows still hold.{held}"
        ),
    })
}

fn undo(state: &State, wanted: &Release, now: Timestamp) -> Result<Given, Refused> {
    let release = wanted.shown();
    if let Some(rejected) = state.rejection(wanted) {
        return refuse(format!("{release} was rejected already{}", because(rejected)));
    }
    let is_stable = state.stable.as_ref().is_some_and(|stable| wanted.is_within(stable));
    let back = if is_stable { &state.previous } else { &state.stable };
    let Some(back) = back else {
        let which =
            if is_stable { "is stable, and no release before it is known" } else { "is the first release" };
        return refuse(format!(
            "there is nothing to go back to: {release} {which}. `rollout pause` stops what has not begun"
        ));
    };
    if wanted.is_within(back) {
        return refuse(format!("{release} and the release before it are the same content"));
    }
    let why = "a person said `rollout undo`".to_owned();
    let rejected = Rejected::of(wanted, Some(back), now, Origin::Person, why);
    let mut next = state.clone().rejecting(rejected);
    if is_stable {
        (next.stable, next.previous) = (state.previous.clone(), None);
    }
    if next.rejection(wanted).is_none() {
        return refuse(format!("nothing tells {release} from {}", back.shown()));
    }
    let back = back.shown();
    Ok(Given {
        state: next,
        did: format!("rejected {release}"),
        next: format!(
            "From the next pass on every node that has it goes back to {back}, without waiting for windows. It is not tried again before the files change or `rollout retry`."
        ),
    })
}

fn retry(state: &State, wanted: &Release, now: Timestamp) -> Result<Given, Refused> {
    let release = wanted.shown();
    if state.rejection(wanted).is_none() {
        return refuse(format!("there is nothing to retry: {release} was not rejected"));
    }
    let mut next = state.clone().without_rejection_of(wanted);
    next.retried = Some(now);
    let held = if state.paused { " It is paused, so nothing happens before `rollout resume`." } else { "" };
    Ok(Given {
        state: next,
        did: format!("{release} is no longer rejected"),
        next: format!(
            "From the next pass on it begins again with its first stage; what failed before now does not count.{held}"
        ),
    })
}

fn because(rejected: &Rejected) -> String {
    if rejected.why.is_empty() { String::new() } else { format!(" ({})", rejected.why) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::rollout::Pinned;

    fn release(content: &str, version: i64) -> Release {
        let pinned = Pinned {
            parameter: "AmazonCloudWatch-x".into(),
            version,
            sha256: crate::model::digest::sha256(content.as_bytes()).into(),
        };
        Release { version: Some("1.3".into()), configs: [("config".into(), pinned)].into() }
    }

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    #[test]
    fn orders_that_change_nothing_are_refused() {
        let (a, b) = (release("a", 1), release("b", 2));
        let none = State::default();
        let stable = State::default().proven(a.clone());
        let paused = State { paused: true, ..State::default() };
        let promoted = State { promoted: Some(b.digest()), ..stable.clone() };
        let cases: [(Order, &State, Option<&Release>, &str); 10] = [
            (Order::Pause, &paused, None, "it is paused already"),
            (Order::Resume, &none, None, "there is nothing to resume: it is not paused"),
            (Order::Promote, &none, None, "it is not known which release the document asks for"),
            (
                Order::Promote,
                &stable,
                Some(&a),
                "there is nothing to promote: agent 1.3, AmazonCloudWatch-x:1 is stable",
            ),
            (Order::Promote, &promoted, Some(&b), "agent 1.3, AmazonCloudWatch-x:2 is promoted already"),
            (
                Order::Undo,
                &none,
                Some(&a),
                "there is nothing to go back to: agent 1.3, AmazonCloudWatch-x:1 is the first release. `rollout pause` stops what has not begun",
            ),
            (
                Order::Undo,
                &stable,
                Some(&a),
                "there is nothing to go back to: agent 1.3, AmazonCloudWatch-x:1 is stable, and no release before it is known. `rollout pause` stops what has not begun",
            ),
            (
                Order::Retry,
                &stable,
                Some(&b),
                "there is nothing to retry: agent 1.3, AmazonCloudWatch-x:2 was not rejected",
            ),
            (
                Order::Retry,
                &none,
                Some(&a),
                "there is nothing to retry: agent 1.3, AmazonCloudWatch-x:1 was not rejected",
            ),
            (Order::Undo, &none, None, "it is not known which release the document asks for"),
        ];
        for (order, state, wanted, why) in cases {
            let refused = order.give(state, wanted, NOW).expect_err(why);
            assert_eq!(refused.to_string(), why);
        }
    }

    #[test]
    fn undo_rejects_what_rolls_and_takes_back_what_is_stable() {
        let (a, b) = (release("a", 1), release("b", 2));
        let rolling = State::default().proven(a.clone());
        let given = Order::Undo.give(&rolling, Some(&b), NOW).expect("b rolls");
        assert_eq!(given.state.stable, Some(a.clone()));
        assert!(Order::Undo.holds(&given.state, Some(&b)));
        assert_eq!(given.state.rejection(&b).map(|rejected| rejected.by), Some(Origin::Person));

        let stable = rolling.proven(b.clone());
        let given = Order::Undo.give(&stable, Some(&b), NOW).expect("a was before");
        assert_eq!((given.state.stable.as_ref(), given.state.previous.as_ref()), (Some(&a), None));
        assert!(given.state.rejection(&a).is_none() && given.state.rejection(&b).is_some());
        Order::Undo.give(&given.state, Some(&b), NOW).expect_err("twice");

        let again = Order::Retry.give(&given.state, Some(&b), NOW).expect("it was rejected");
        assert!(again.state.rejected.is_empty() && again.state.retried == Some(NOW));
        let through = Order::Promote.give(&again.state, Some(&b), NOW).expect("it may go");
        assert!(Order::Promote.holds(&through.state, Some(&b)));
        assert!(Order::Promote.holds(&through.state.proven(b.clone()), Some(&b)), "it has gone through");
    }
}
