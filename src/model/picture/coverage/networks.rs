//! Whose traffic is recorded. Anybody's flow log counts: what is asked is whether the network is seen.

use std::sync::Arc;

use super::{Category, Line, Signal};
use crate::model::observed::{FlowLog, Running};
use crate::model::picture::{Condition, Part};
use crate::model::plan::Known;
use crate::model::reason::Reason;

/// The flow logs of one network.
pub(super) fn lines(known: &Known<'_>, running: &Running<'_>, part: &Part, lines: &mut Vec<Line>) {
    let flow_logs = &known.observed.flow_logs;
    let on_it = flow_logs.iter().filter(|(_, row)| row.resource == part.id).map(|(_, row)| row);
    let before = lines.len();
    lines.extend(on_it.filter(|row| row.active).map(|row| flow_log(part, row)));
    let is_seen = lines[before..].iter().any(|line| line.signal == Signal::Arriving);
    let is_wanted = !part.objects.is_empty();
    if !flow_logs.is_known() {
        let why = "the flow logs could not be listed".into();
        lines.push(Line { why, ..line(part, Arc::default(), Signal::Unknown) });
    } else if is_wanted && !is_seen && lines.len() == before {
        lines.push(Line {
            reason: Some(part.reason).filter(|reason| *reason != Reason::Converged),
            why: part.message.as_str().into(),
            ..line(part, Arc::default(), not_there(part))
        });
    } else if lines.len() == before {
        let why = match running.on(&part.id) {
            [] => "no document asks for it, and nothing runs on it",
            _ => "no document asks for it",
        };
        lines.push(Line { why: why.into(), ..line(part, Arc::default(), Signal::NotWanted) });
    }
}

/// A document selects the network, and it has no flow log: so it should be, or not.
fn not_there(part: &Part) -> Signal {
    match part.condition {
        Condition::Ready | Condition::Unmanaged => Signal::NotWanted,
        Condition::Unknown => Signal::Unknown,
        Condition::Reconciling | Condition::Held | Condition::Stalled => Signal::Missing,
    }
}

fn flow_log(part: &Part, row: &FlowLog) -> Line {
    let what = row.log_group.clone().unwrap_or_else(|| row.destination_type.clone());
    let line = line(part, what, Signal::Arriving);
    match row.deliver_status.as_deref() {
        Some("SUCCESS") if !matches!(part.reason, Reason::NoRecords) => line,
        Some("FAILED") => Line {
            signal: Signal::Missing,
            reason: Some(Reason::DeliveryFailed),
            why: row.deliver_error.clone().unwrap_or_else(|| "AWS gives no reason".into()),
            ..line
        },
        Some("SUCCESS") => Line {
            signal: Signal::Missing,
            reason: Some(part.reason),
            why: part.message.as_str().into(),
            ..line
        },
        _ => Line { signal: Signal::Unknown, why: "it has not delivered yet".into(), ..line },
    }
}

fn line(part: &Part, what: Arc<str>, signal: Signal) -> Line {
    let category = Category::FlowLogs;
    Line { id: part.id.clone(), sort: part.sort, category, what, signal, reason: None, why: Arc::default() }
}
