//! The estate at a glance: is it us, what is open, what is being done, when will it be over.

use axum::extract::State;
use axum::http::Uri;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};

use super::estate::{self, By};
use super::problem::Problem;
use super::query::Query;
use super::{Frame, Site, conditions, layout, links, objects, rollouts, story, text};
use crate::model::event::Event;
use crate::model::picture::{Condition, Picture};
use crate::model::reason::Nature;
use crate::model::status::{Standing, Status};

/// How many of the last events are shown.
const LATEST: u64 = 12;
/// How many open stories are shown at once; the rest are a click away.
const OPEN: usize = 24;

pub(super) async fn overview(State(site): State<Site>, uri: Uri) -> Result<Response, Problem> {
    let frame = Frame::of(&site);
    let by = Query::of(&uri, &["by"]).and_then(|query| query.choice("by", &By::ALL, By::word));
    let by = by.map_err(|problem| frame.problem(problem))?.unwrap_or(By::Condition);
    let last = *site.told.journal.subscribe().borrow();
    let events = site.told.journal.after(last.saturating_sub(LATEST));
    let Some(picture) = frame.picture.clone() else {
        return Ok(layout::page(&frame, "Starting", "/", &starting(&frame, &events)));
    };
    let headline = Headline::of(&frame, &picture.status);
    let main = html! {
        (headline.drawn(&frame, &picture))
        div.columns {
            div { (open(&frame, &picture)) (rollouts::rollouts(&frame, &picture.status)) }
            div { (objects::section(&frame, &picture.status)) }
        }
        p.by {
            "Cells by "
            @for way in By::ALL {
                a href=(links::with_query("/", &[("by", way.word())])) aria-current=[(way == by).then_some("true")] { (way.word()) } " "
            }
            span.muted { " · arrow keys move between them" }
        }
        (site.cache.estate(&frame, &picture, by))
        (latest(&frame, &events))
    };
    Ok(layout::page(&frame, &headline.short, "/", &main).into_response())
}

/// Before the first pass has ended there are only events.
fn starting(frame: &Frame, events: &[Event]) -> Markup {
    html! {
        section.headline.c #headline data-live {
            h1 { "Watchkeeper is reading the estate" }
            p { "Nothing is known before the first pass has ended. This page shows it by itself then." }
        }
        (latest(frame, events))
    }
}

/// The answer to "is it us?".
struct Headline {
    tone: Condition,
    sentence: String,
    short: String,
    worst: Option<Standing>,
}

impl Headline {
    fn of(frame: &Frame, status: &Status) -> Self {
        let all = status.objects.len();
        let short_of = all - status.ready_count();
        let plain = |tone, sentence: String| Self { tone, short: sentence.clone(), sentence, worst: None };
        if let Some(overdue) = frame.overdue {
            let age = text::span(overdue.age.as_secs());
            return plain(Condition::Unknown, format!("Unknown: nothing has been read for {age}"));
        }
        if let Some(worst) = objects::worst_first(status).first().filter(|_| short_of > 0) {
            let short = format!("{short_of} of {all} objects not Ready");
            let tone = conditions::of_standing(worst);
            return Self {
                tone,
                sentence: format!("{short}, worst: "),
                short,
                worst: Some((*worst).clone()),
            };
        }
        if !status.is_ready() {
            return plain(
                Condition::Stalled,
                "Every object is Ready, but something is in the way".to_owned(),
            );
        }
        match all {
            0 => plain(Condition::Unmanaged, "No document applies to this account and Region".to_owned()),
            1 => plain(Condition::Ready, "The only object is Ready".to_owned()),
            all => plain(Condition::Ready, format!("All {all} objects Ready")),
        }
    }

    fn drawn(&self, frame: &Frame, picture: &Picture) -> Markup {
        let status = &picture.status;
        let general = status.general.iter().filter(|(reason, _)| reason.nature() > Nature::Note);
        html! {
            section.headline.(conditions::class(self.tone)) #headline data-live {
                h1 {
                    (conditions::mark(self.tone)) (self.sentence)
                    @if let Some(worst) = &self.worst { (links::object(&worst.object)) " " (links::reason(worst.reason)) }
                }
                p.muted {
                    (aside(status))
                    "Read at " (text::time_and_age(status.at, frame.now))
                    ", revision " (text::name(&status.revision)) "."
                }
                (estate::glance(frame, picture))
                @for (reason, message) in general {
                    p.general { (links::reason(*reason)) " " (text::prose(message)) }
                }
            }
        }
    }
}

/// What `Ready` counts without.
fn aside(status: &Status) -> String {
    let aside: u32 = status.objects.iter().flat_map(|standing| standing.set_aside.values()).sum();
    match aside {
        0 => String::new(),
        1 => "1 node cannot be managed as it is. ".to_owned(),
        more => format!("{} nodes cannot be managed as they are. ", text::count(more as usize)),
    }
}

fn open(frame: &Frame, picture: &Picture) -> Markup {
    let number = picture.open.len();
    html! {
        section #open data-live aria-labelledby="open-heading" {
            h2 #open-heading { "Open now " span.muted { (text::count(number)) } }
            @if number == 0 { p.muted { "Nothing is open." } }
            ol.stories {
                @for event in picture.open.iter().take(OPEN) { (story::open(frame, event)) }
            }
            @if number > OPEN { p { "… and " (text::count(number - OPEN)) " more: " a href="/events" { "all events" } } }
        }
    }
}

fn latest(frame: &Frame, events: &[Event]) -> Markup {
    html! {
        section #latest data-live aria-labelledby="latest-heading" {
            h2 #latest-heading { "Latest events " a.more href="/events" { "all" } }
            (story::list(frame, events.iter().rev()))
        }
    }
}
