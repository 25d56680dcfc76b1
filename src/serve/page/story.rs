//! Events as rows, and open stories as cards: the same words everywhere.

use maud::{Markup, html};

use super::{Frame, conditions, links, text};
use crate::model::event::{Event, Phase};
use crate::model::picture::Picture;

/// How many subjects of one event are shown.
const SUBJECTS: usize = 8;
/// How many changed fields of one event are shown.
const CHANGES: usize = 24;
/// How many commands of one event are shown.
const COMMANDS: usize = 12;

/// A story that is open: what, since when, of what, and what to do.
pub(super) fn open(frame: &Frame, event: &Event) -> Markup {
    let picture = frame.picture.as_deref();
    html! {
        li.story.(event.severity.word()) {
            p.what {
                (conditions::severity(event.severity)) " " (links::reason(event.reason))
                @if let Some(object) = &event.object { " " (links::object(object)) }
                span.since { "since " (text::time_and_age(event.time, frame.now)) }
            }
            p.message { (text::prose(&event.message)) }
            (subjects(picture, event))
            @if let Some(next) = &event.next { p.next { span aria-hidden="true" { "→ " } (text::prose(next)) } }
            (more(frame, event, &format!("open-{}", text::line(&event.fingerprint, 40))))
        }
    }
}

/// Events as they came, in the order given.
pub(super) fn list<'a>(frame: &Frame, events: impl Iterator<Item = &'a Event>) -> Markup {
    let mut events = events.peekable();
    html! {
        @if events.peek().is_none() { p.muted { "No event." } }
        @else { ol.events { @for event in events { (row(frame, event)) } } }
    }
}

fn row(frame: &Frame, event: &Event) -> Markup {
    let picture = frame.picture.as_deref();
    html! {
        li.event.(event.severity.word()).(event.phase.word()) {
            span.when { (text::time(event.time, frame.now)) }
            span.how { (conditions::phase(event.phase)) " " (conditions::severity(event.severity)) }
            div.what {
                p {
                    (links::reason(event.reason)) " "
                    @if let Some(object) = &event.object { (links::object(object)) }
                    @if event.returned > 1 { " " span.muted { "came back " (event.returned) " times" } }
                }
                p.message { (message(event)) }
                (subjects(picture, event))
                @if event.phase == Phase::Opened { @if let Some(next) = &event.next {
                    p.next { span aria-hidden="true" { "→ " } (text::prose(next)) }
                } }
                (more(frame, event, &format!("event-{}", event.number)))
            }
        }
    }
}

fn message(event: &Event) -> Markup {
    html! {
        @match (event.phase, event.lasted) {
            (Phase::Resolved, Some(lasted)) => {
                "Over after " (text::span(lasted)) span.muted { ". It was: " (text::prose(&event.message)) }
            },
            _ => (text::prose(&event.message)),
        }
    }
}

fn subjects(picture: Option<&Picture>, event: &Event) -> Markup {
    let count = event.count as usize;
    let shown = event.subjects.len().min(SUBJECTS);
    html! {
        @if shown > 0 {
            p.subjects {
                @for (at, id) in event.subjects.iter().take(SUBJECTS).enumerate() {
                    @if at > 0 { ", " } (links::subject(picture, id))
                }
                @if count > shown { " and " (text::count(count - shown)) " more" }
            }
        }
    }
}

/// What only some readers want: field by field, commands, who did it, where else to look.
fn more(frame: &Frame, event: &Event, id: &str) -> Markup {
    let console = event.console.as_deref().and_then(links::console);
    let has_more =
        !event.changes.is_empty() || !event.commands.is_empty() || event.by.is_some() || console.is_some();
    html! {
        @if has_more {
            details id=(id) {
                summary { (summary(event)) }
                @if let Some(by) = &event.by {
                    p { "By " (text::name(&by.principal)) ", with " code { (text::line(&by.call, 80)) } " at " (text::time(by.at, frame.now)) }
                }
                (changes(event))
                @if !event.commands.is_empty() {
                    p { "Commands: " @for command in event.commands.iter().take(COMMANDS) { code.id { (text::line(command, 60)) } " " } }
                }
                @if let Some(console) = console { p { (console) } }
            }
        }
    }
}

fn summary(event: &Event) -> String {
    let mut words = Vec::new();
    if !event.changes.is_empty() {
        words.push(text::counted(event.changes.len(), "field"));
    }
    if !event.commands.is_empty() {
        words.push(text::counted(event.commands.len(), "command"));
    }
    if event.by.is_some() {
        words.push("who did it".to_owned());
    }
    if words.is_empty() { "Where to look".to_owned() } else { words.join(", ") }
}

fn changes(event: &Event) -> Markup {
    html! {
        @if !event.changes.is_empty() {
            table.rows.difference {
                thead { tr { th scope="col" { "Of" } th scope="col" { "Field" } th scope="col" { "Is" } th scope="col" { "Should be" } } }
                tbody {
                    @for change in event.changes.iter().take(CHANGES) {
                        tr {
                            td { (text::name(&change.subject)) }
                            th scope="row" { (text::name(&change.field)) }
                            td data-label="is" { del { (text::value(&change.before)) } }
                            td data-label="should be" { ins { (text::value(&change.after)) } }
                        }
                    }
                }
            }
        }
    }
}
