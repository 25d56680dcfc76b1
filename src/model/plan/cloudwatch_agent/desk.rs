//! Where the nodes of one object are dealt with: verdicts become findings, probes and wanted steps.

use super::batch::Wants;
use super::candidates::Candidate;
use super::node::{self, Verdict, Want};
use super::telemetry::{self, Telemetry};
use super::wish::Wishes;
use super::{Busy, NodeId, count};
use crate::model::action::Step;
use crate::model::desired::{CloudWatchAgent, Management, Object};
use crate::model::finding::{Finding, Tally};
use crate::model::plan::draft::Draft;
use crate::model::reason::{Nature, Reason};

/// One object at work.
pub(super) struct Desk<'d, 'k> {
    /// The plan.
    pub draft: &'d mut Draft<'k>,
    /// The object.
    pub object: &'d Object,
    /// What it says.
    pub agent: &'d CloudWatchAgent,
    /// The nodes at which a command is.
    pub busy: &'d Busy<'d>,
    wants: &'d mut Wants,
    tally: Tally,
    wanted: Vec<(NodeId, Want)>,
}

impl<'d, 'k> Desk<'d, 'k> {
    /// Nothing is dealt with yet of the `selected` nodes.
    pub fn new(
        draft: &'d mut Draft<'k>,
        object: &'d Object,
        agent: &'d CloudWatchAgent,
        busy: &'d Busy<'d>,
        wants: &'d mut Wants,
        selected: usize,
    ) -> Self {
        let tally = Tally { selected: count(selected), ..Tally::default() };
        Self { draft, object, agent, busy, wants, tally, wanted: Vec::new() }
    }

    /// The node shall be as `wishes` say, and counts as right when it is.
    pub fn serve(&mut self, candidate: Candidate<'_>, wishes: &Wishes) {
        let verdict = self.judge(&candidate, wishes);
        let is_read_again = self.is_read_again(&candidate, wishes, &verdict);
        if is_read_again || matches!(verdict, Verdict::Right) {
            self.hear(&candidate, wishes);
        }
        match verdict {
            // That a command only reads holds nobody back.
            Verdict::Needs(want) if is_read_again => self.wants.probe(&candidate, *want),
            Verdict::Not(_) if is_read_again => {}
            verdict => self.take(&candidate, verdict),
        }
    }

    /// Whether all that is between the node and being right is that it is being read again, as it is from time to time.
    fn is_read_again(&self, candidate: &Candidate<'_>, wishes: &Wishes, verdict: &Verdict) -> bool {
        let only_reads = match verdict {
            Verdict::Needs(want) => want.recipe.step == Step::Probe,
            Verdict::Not(finding) => {
                let command = self.busy.get(&*candidate.id);
                finding.reason == Reason::InProgress
                    && command.is_some_and(|command| !command.step().writes())
            }
            Verdict::Right => false,
        };
        only_reads
            && self.object.common.management != Management::Paused
            && wishes
                .for_candidate(candidate, self.agent)
                .is_ok_and(|wish| node::was_right(&self.draft.known, candidate, wish))
    }

    /// A node that is as wished is right when its telemetry arrives, too.
    fn hear(&mut self, candidate: &Candidate<'_>, wishes: &Wishes) {
        let (observed, now) = (self.draft.known.observed, self.draft.known.now);
        let on_node = observed.on_nodes.get(&candidate.id);
        let heard = wishes.for_candidate(candidate, self.agent).ok().and_then(|wish| {
            let since = node::since(wish, on_node?)?;
            Some(telemetry::of(observed, candidate, wish, since, now))
        });
        let id = &candidate.id;
        let (reason, message, until) = match heard {
            None | Some(Telemetry::Arriving) => return self.right(),
            Some(Telemetry::Untold { what, until }) => {
                // What cannot be known holds nobody back, and is said once it is sure to last.
                self.right();
                if now < until {
                    return;
                }
                (
                    Reason::TelemetryUnknown,
                    format!("whether the telemetry of {id} arrives cannot be told: {what}"),
                    None,
                )
            }
            Some(Telemetry::Awaited { what, until }) => (
                Reason::AwaitingTelemetry,
                format!("{id} runs, and {what} has not been seen yet"),
                Some(until),
            ),
            Some(Telemetry::Missing(what)) => (
                Reason::TelemetryMissing,
                format!("the agent of {id} runs, but {what} does not arrive"),
                None,
            ),
            Some(Telemetry::Stopped(what)) => (
                Reason::TelemetryMissing,
                format!("the agent of {id} runs, but {what} has stopped with its last change"),
                None,
            ),
        };
        let finding = Finding::of(&self.object.id, reason, message).about(id.clone());
        self.draft.find(Finding { until, ..finding });
    }

    /// The node shall be as `stable` says for now; it is not yet what the document asks for.
    pub fn hold(&mut self, candidate: Candidate<'_>, stable: &Wishes) {
        let verdict = self.judge(&candidate, stable);
        self.take(&candidate, verdict);
    }

    /// The node had what was rejected and goes back to `stable`.
    pub fn revert(&mut self, candidate: Candidate<'_>, stable: &Wishes) {
        let mut verdict = self.judge(&candidate, stable);
        if let Verdict::Needs(want) = &mut verdict
            && want.recipe.step != Step::Probe
        {
            want.needed.reason = Reason::Reverting;
        }
        self.take(&candidate, verdict);
    }

    /// The node is read where that is due, and otherwise left as it is.
    pub fn leave(&mut self, candidate: Candidate<'_>, wishes: &Wishes) {
        let verdict = self.judge(&candidate, wishes);
        let is_change = matches!(&verdict, Verdict::Needs(want) if want.recipe.step != Step::Probe);
        if !is_change {
            self.take(&candidate, verdict);
        }
    }

    /// A node is right.
    pub fn right(&mut self) {
        self.tally.right += 1;
    }

    /// The node is to be read, whatever is known of it.
    pub fn probe(&mut self, candidate: &Candidate<'_>, wishes: &Wishes, why: &str) {
        let Ok(wish) = wishes.for_candidate(candidate, self.agent) else { return };
        let is_paused = self.object.common.management == Management::Paused;
        if !is_paused && !self.busy.contains_key(&*candidate.id) {
            self.wants.probe(candidate, Want::new(candidate, &wish.steps.probe, why, Vec::new()));
        }
    }

    /// Sends what is wanted on its way, as far as `limit` nodes at once allow.
    pub fn finish(self, limit: u32) {
        let mine = |command: &&&crate::model::observed::Command| {
            *command.key.object == *self.object.id.name && command.step().writes()
        };
        let at_work = count(self.busy.values().filter(mine).count());
        self.wants.change(self.draft, self.object, self.wanted, limit.saturating_sub(at_work));
        self.draft.tally(&self.object.id, self.tally);
    }

    fn judge(&self, candidate: &Candidate<'_>, wishes: &Wishes) -> Verdict {
        match wishes.for_candidate(candidate, self.agent) {
            Ok(wish) => node::judge(&self.draft.known, self.object, candidate, wish, self.busy),
            // Who cannot be reached waits for nothing else.
            Err(verdict) => match node::out_of_reach(&self.draft.known, self.object, candidate) {
                Some(finding) => Verdict::Not(Box::new(finding)),
                None => verdict(&self.object.id, candidate),
            },
        }
    }

    fn take(&mut self, candidate: &Candidate<'_>, verdict: Verdict) {
        match verdict {
            Verdict::Right => self.draft.right(candidate.id.clone()),
            Verdict::Not(finding) => {
                self.tally.set_aside += u32::from(finding.reason.nature() == Nature::SetAside);
                self.draft.find(*finding);
            }
            Verdict::Needs(want) if want.recipe.step == Step::Probe => self.take_probe(candidate, *want),
            Verdict::Needs(want) => self.wanted.push((candidate.id.clone(), *want)),
        }
    }

    fn take_probe(&mut self, candidate: &Candidate<'_>, want: Want) {
        if self.object.common.management != Management::Paused {
            self.draft.not_read_yet(candidate.id.clone());
            return self.wants.probe(candidate, want);
        }
        let message = format!("{} is not probed while its document is paused", candidate.id);
        self.draft.find(Finding::of(&self.object.id, Reason::Paused, message).about(candidate.id.clone()));
    }
}
