//! What every page has: the head, the way around, how old what is shown is.

use axum::http::header;
use axum::response::{IntoResponse, Response};
use maud::{DOCTYPE, Markup, html};

use super::super::assets::{MARK, SCRIPT, STYLE};
use super::{Frame, text};

/// The pages that every page leads to.
const AROUND: [(&str, &str); 5] = [
    ("/", "Estate"),
    ("/events", "Events"),
    ("/parts", "Nodes and networks"),
    ("/coverage", "Coverage"),
    ("/runbook", "Runbook"),
];

/// A whole page. `here` is which of the pages in the navigation it is.
pub(super) fn page(frame: &Frame, title: &str, here: &str, main: &Markup) -> Response {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="robots" content="noindex";
                title { (text::line(title, 100)) " · Watchkeeper" }
                link rel="stylesheet" href=(STYLE.path());
                link rel="icon" href=(MARK.path()) type="image/svg+xml";
                script src=(SCRIPT.path()) defer {}
            }
            body {
                a.skip href="#main" { "Skip to the content" }
                (header(frame, here))
                (old(frame))
                (silent())
                main #main tabindex="-1" { (main) }
                (footer(frame))
            }
        }
    };
    ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], page.into_string()).into_response()
}

fn header(frame: &Frame, here: &str) -> Markup {
    html! {
        header.top {
            p.brand {
                a href="/" { "Watchkeeper" }
                @if let Some(picture) = &frame.picture {
                    " " span.scope { (text::line(&picture.status.account, 20)) " " (text::line(&picture.status.region, 30)) }
                }
            }
            nav aria-label="Pages" {
                ul {
                    @for (path, name) in AROUND {
                        li { a href=(path) aria-current=[(path == here).then_some("page")] { (name) } }
                    }
                }
            }
            p.live #live role="status" { span.dot aria-hidden="true" {} span.word { "as of " (text::time(frame.now, frame.now)) } }
        }
    }
}

/// Said loudly, on every page: what follows is not so any more, it was so.
fn old(frame: &Frame) -> Markup {
    html! {
        div #old data-live {
            @if let Some(overdue) = frame.overdue {
                p.old role="alert" {
                    strong { "Old: nothing has been read for " (text::span(overdue.age.as_secs())) ". " }
                    "The last pass ended at " (text::time(overdue.last, frame.now))
                    ", and one is due every " (text::span(overdue.interval.as_secs()))
                    ". Take everything on this page as Unknown, and look at Watchkeeper itself: its log, its task, its way to AWS."
                }
            }
        }
    }
}

/// Shown by the script when the controller does not answer: then nobody else can say so.
fn silent() -> Markup {
    html! {
        p.old.silent #silent role="alert" hidden {
            strong { "Old: Watchkeeper does not answer. " }
            "What this page shows is what it said last; take it as Unknown, and look at Watchkeeper itself."
        }
    }
}

fn footer(frame: &Frame) -> Markup {
    html! {
        footer #foot data-live {
            p {
                @if let Some(picture) = &frame.picture {
                    @let status = &picture.status;
                    "Installation " (text::name(&picture.installation))
                    " · revision " (text::name(&status.revision))
                    " · pass " (text::count(usize::try_from(status.passes).unwrap_or(usize::MAX)))
                    " ended at " (text::time_and_age(status.at, frame.now)) " · "
                }
                "Times are UTC. This page only shows; it changes nothing."
            }
            p {
                "For programs: " a href="/v1/status" { "status" } ", " a href="/v1/events" { "events" }
                ", " a href="/v1/coverage" { "coverage" } ", " a href="/healthz" { "health" }
            }
        }
    }
}
