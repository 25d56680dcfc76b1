//! The event stream, newest first, filtered by what stands in the address.

use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use maud::{Markup, html};

use super::filter::{Filter, PHASES};
use super::problem::Problem;
use super::query::Query;
use super::{Frame, Site, layout, links, story, text};
use crate::model::event::{Event, Phase, Severity};
use crate::model::reason::{Category, Reason};

/// How many events are on one page.
const PAGE: usize = 100;

pub(super) async fn events(State(site): State<Site>, uri: Uri) -> Result<Response, Problem> {
    let frame = Frame::of(&site);
    let (filter, query) =
        Filter::of(&uri, frame.now, frame.picture.as_deref()).map_err(|problem| frame.problem(problem))?;
    let mut events = site.told.journal.after(0);
    let kept = events.len();
    events.retain(|event| filter.takes(event));
    let main = html! {
        h1 { "Events" }
        (form(&query))
        (stream(&frame, &query, &events, kept))
    };
    Ok(layout::page(&frame, "Events", "/events", &main))
}

fn stream(frame: &Frame, query: &Query, events: &[Event], kept: usize) -> Markup {
    let shown = &events[events.len().saturating_sub(PAGE)..];
    html! {
        section #stream data-live aria-label="The stream" {
            p.muted {
                @if query.is_empty() { (text::counted(events.len(), "event")) " kept in this process, newest first." }
                @else { (text::counted(events.len(), "event")) " of the " (text::count(kept)) " kept, newest first. " a href="/events" { "All events" } }
            }
            (story::list(frame, shown.iter().rev()))
            nav.pages aria-label="Pages of events" {
                @if !query.text("before").is_empty() { a href=(address(query, "before", "")) { "Newest" } " " }
                @if let Some(first) = shown.first().filter(|_| events.len() > shown.len()) {
                    a href=(address(query, "before", &first.number.to_string())) rel="next" { "Older" }
                }
            }
        }
    }
}

fn address(query: &Query, name: &str, value: &str) -> String {
    let fields = query.with(name, value);
    let fields: Vec<(&str, &str)> =
        fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    links::with_query("/events", &fields)
}

fn form(query: &Query) -> Markup {
    let severities: Vec<&str> = Severity::ALL.into_iter().map(Severity::word).collect();
    let categories: Vec<&str> = Category::ALL.into_iter().map(Category::word).collect();
    let phases: Vec<&str> = PHASES.into_iter().map(Phase::word).collect();
    let mut reasons: Vec<&str> = Reason::ALL.iter().map(|reason| reason.word()).collect();
    reasons.sort_unstable();
    html! {
        form.filter action="/events" method="get" role="search" aria-label="Filter events" {
            (select(query, "severity", "Severity at least", &severities))
            (select(query, "phase", "Phase", &phases))
            (select(query, "category", "Category", &categories))
            (select(query, "reason", "Reason", &reasons))
            (input(query, "object", "Object", "FlowLog/vpc"))
            (input(query, "for", "Node, network, name", "i-0123…"))
            (input(query, "since", "Since", "2h"))
            (input(query, "q", "Text", ""))
            button type="submit" { "Show" }
        }
    }
}

/// A choice of words.
pub(super) fn select(query: &Query, name: &str, label: &str, words: &[&str]) -> Markup {
    html! {
        label { span { (label) }
            select name=(name) {
                option value="" { (if name == "sort" { "worst first" } else { "any" }) }
                @for word in words {
                    option value=(word) selected[query.text(name).eq_ignore_ascii_case(word)] { (word) }
                }
            }
        }
    }
}

/// A line of text.
pub(super) fn input(query: &Query, name: &str, label: &str, example: &str) -> Markup {
    html! {
        label { span { (label) }
            input type="text" name=(name) value=(text::line(query.text(name), 256)) placeholder=(example) maxlength="256" autocomplete="off" spellcheck="false";
        }
    }
}
