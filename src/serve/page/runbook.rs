//! The runbook, readable where it is needed: in the page, without any other server.

use std::collections::BTreeMap;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::Response;
use maud::{Markup, html};

use super::problem::Problem;
use super::{Frame, Site, conditions, layout, links, markdown, text};
use crate::model::event::Severity;
use crate::model::picture::Condition;
use crate::model::reason::{Category, Nature, Reason};
use crate::model::runbook;

pub(super) async fn contents(State(site): State<Site>) -> Response {
    let frame = Frame::of(&site);
    let mut by_category: BTreeMap<Category, Vec<Reason>> = BTreeMap::new();
    for reason in Reason::ALL {
        by_category.entry(reason.category()).or_default().push(*reason);
    }
    let main = html! {
        h1 { "Runbook" }
        p { "Every reason that an event, a condition or a metric can have: what it means, and what you do." }
        @for (category, mut reasons) in by_category {
            (of_category(category, { reasons.sort_by_key(|reason| (std::cmp::Reverse(reason.nature()), reason.word())); &reasons }))
        }
    };
    layout::page(&frame, "Runbook", "/runbook", &main)
}

fn of_category(category: Category, reasons: &[Reason]) -> Markup {
    html! {
        section {
            h2.capital { (category.word()) }
            table.rows {
                thead { tr { th scope="col" { "Reason" } th scope="col" { "Means" } th scope="col" { "Asks for" } } }
                tbody {
                    @for reason in reasons {
                        tr {
                            th scope="row" { (conditions::mark(Condition::of(*reason))) " " (links::reason(*reason)) }
                            td { (text::prose(reason.means())) }
                            td { (asks(reason.nature())) }
                        }
                    }
                }
            }
        }
    }
}

pub(super) async fn section(
    State(site): State<Site>,
    word: Result<Path<String>, PathRejection>,
) -> Result<Response, Problem> {
    let frame = Frame::of(&site);
    let word = word.map(|Path(word)| word).unwrap_or_default();
    let Some(reason) = Reason::ALL.iter().copied().find(|reason| reason.word() == word) else {
        let why = format!("`{}` is none of Watchkeeper's reasons.", text::line(&word, 60));
        let all = html! { p { a href="/runbook" { "All reasons" } } };
        return Err(frame.problem(Problem::not_found(why).instead(all)));
    };
    Ok(layout::page(&frame, reason.word(), "", &drawn(&frame, reason)))
}

fn drawn(frame: &Frame, reason: Reason) -> Markup {
    let condition = Condition::of(reason);
    html! {
        section.headline.(conditions::class(condition)) {
            h1 { (conditions::mark(condition)) (reason.word()) }
            p { (text::prose(reason.means())) }
            p.muted {
                (asks(reason.nature())) " · " (reason.category().word()) " · opens as " (Severity::of(reason).word())
            }
        }
        section.text {
            @match runbook::section(reason).and_then(|text| text.split_once('\n')) {
                // The heading stands above.
                Some((_, text)) => (markdown::render(text)),
                None => @if let Some(next) = reason.next() { p { strong { "What you do. " } (text::prose(next)) } }
            }
        }
        (now(frame, reason))
        p { a href=(links::with_query("/events", &[("reason", reason.word())])) { "Its events" } " · " a href="/runbook" { "All reasons" } }
    }
}

/// What has this reason at the moment.
fn now(frame: &Frame, reason: Reason) -> Markup {
    let Some(picture) = &frame.picture else { return html! {} };
    let objects: Vec<_> = picture.status.objects.iter().filter(|row| row.reason == reason).collect();
    let parts = picture.parts.iter().filter(|part| part.reason == reason).count();
    html! {
        @if reason.nature() > Nature::Fine && (!objects.is_empty() || parts > 0) {
            section #now data-live aria-labelledby="now-heading" {
                h2 #now-heading { "Now" }
                @if !objects.is_empty() { p { @for (at, row) in objects.iter().enumerate() { @if at > 0 { ", " } (links::object(&row.object)) } } }
                @if parts > 0 { p { a href=(links::with_query("/parts", &[("q", reason.word())])) { (text::count(parts)) " of the nodes and networks" } } }
            }
        }
    }
}

const fn asks(nature: Nature) -> &'static str {
    match nature {
        Nature::Fine => "Nothing is wrong",
        Nature::Note => "Worth knowing; nobody has to do anything",
        Nature::Converging => "Watchkeeper is at it",
        Nature::SetAside => "This node cannot be managed as it is; the rest goes on",
        Nature::Fault => "It keeps failing: Watchkeeper goes on trying, a person should look",
        Nature::Held => "Waits for a person's word",
    }
}
