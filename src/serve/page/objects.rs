//! Every object of the folder in one table, the worst first.

use maud::{Markup, html};

use super::{Frame, conditions, links, text};
use crate::model::picture::Condition;
use crate::model::status::{Standing, Status};

/// Those that are not ready first, the worst of them first; then by kind and name.
pub(super) fn worst_first(status: &Status) -> Vec<&Standing> {
    let mut objects: Vec<&Standing> = status.objects.iter().collect();
    objects.sort_by_key(|standing| {
        let nature = std::cmp::Reverse(standing.reason.nature());
        (std::cmp::Reverse(conditions::of_standing(standing)), nature, &standing.object)
    });
    objects
}

pub(super) fn section(frame: &Frame, status: &Status) -> Markup {
    let ready = status.ready_count();
    html! {
        section #objects data-live aria-labelledby="objects-heading" {
            h2 #objects-heading { "Objects " span.muted { (ready) " of " (status.objects.len()) " Ready" } }
            table.rows {
                thead { tr { th scope="col" { "Object" } th scope="col" { "Stands" } th scope="col" { "Parts" } th scope="col" { "Since" } } }
                tbody { @for standing in worst_first(status) { (row(frame, standing)) } }
            }
        }
    }
}

fn row(frame: &Frame, standing: &Standing) -> Markup {
    let is_old = frame.overdue.is_some();
    let condition = if is_old { Condition::Unknown } else { conditions::of_standing(standing) };
    html! {
        tr {
            th scope="row" { (links::object(&standing.object)) }
            td {
                (conditions::word(condition))
                @if is_old { " " span.muted { "was " (conditions::of_standing(standing).word()) } }
                @if condition != Condition::Ready { " " (links::reason(standing.reason)) }
                @if !standing.message.is_empty() && condition != Condition::Ready { div.message { (text::prose(&standing.message)) } }
                (aside(standing))
            }
            td.number data-label="parts" { (standing.right) "/" (standing.selected) }
            td.number data-label="since" { (text::span(frame.now.duration_since(standing.since).as_secs())) }
        }
    }
}

/// What `Ready` counts without, by reason.
fn aside(standing: &Standing) -> Markup {
    html! {
        @if !standing.set_aside.is_empty() {
            div.muted {
                "without " @for (at, (reason, count)) in standing.set_aside.iter().enumerate() {
                    @if at > 0 { ", " } (count) " " (links::reason(*reason))
                }
            }
        }
    }
}
