//! One node, network or object: where it stands, which documents apply and why, what differs, what was observed and how
//! old that is, what is being done, the last commands, the last events.

use std::time::Duration;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};

use super::super::api::{self, Unexplained};
use super::problem::Problem;
use super::{Frame, Site, conditions, layout, links, rollouts, story, text};
use crate::model::desired::{Kind, ObjectRef};
use crate::model::explain::{Applies, Doing, Explanation, Fact, NotKnown, Ran, Subject};
use crate::model::picture::{Condition, Part};
use crate::model::status::{Standing, Truth};

/// How long a page waits for the end of a pass, in real time, before it does with what the last one told.
const PATIENCE: Duration = Duration::from_millis(700);

pub(super) async fn part(
    State(site): State<Site>,
    id: Result<Path<String>, PathRejection>,
) -> Result<Response, Problem> {
    let frame = Frame::of(&site);
    let Ok(Path(id)) = id else { return Err(frame.problem(garbled())) };
    let known = frame.picture.as_deref().and_then(|picture| picture.part(&id)).cloned();
    let page = Page { part: known, standing: None, what: id };
    page.answer(&site, frame).await
}

pub(super) async fn object(
    State(site): State<Site>,
    words: Result<Path<(String, String)>, PathRejection>,
) -> Result<Response, Problem> {
    let frame = Frame::of(&site);
    let Ok(Path((kind, name))) = words else { return Err(frame.problem(garbled())) };
    let Some(kind) = Kind::ALL.into_iter().find(|known| known.name() == kind) else {
        let kinds = Kind::ALL.map(Kind::name).join(", ");
        let why = format!("`{}` is no kind of object. There are {kinds}.", text::line(&kind, 60));
        return Err(frame.problem(Problem::not_found(why)));
    };
    let object = ObjectRef::new(kind, name);
    let status = frame.picture.as_deref().map(|picture| &picture.status);
    let standing = status.and_then(|status| status.objects.iter().find(|row| row.object == object)).cloned();
    let page = Page { part: None, standing, what: object.to_string() };
    page.answer(&site, frame).await
}

fn garbled() -> Problem {
    Problem::not_found("The address is not UTF-8 once it is decoded.".to_owned())
}

/// What is known of one thing without asking the loop.
struct Page {
    part: Option<Part>,
    standing: Option<Standing>,
    what: String,
}

impl Page {
    async fn answer(self, site: &Site, frame: Frame) -> Result<Response, Problem> {
        if frame.picture.is_none() {
            return Err(frame.problem(Problem::too_early()));
        }
        let explained = api::explained(&site.told, self.what.clone(), PATIENCE).await;
        let explanation = match explained {
            Ok(explanation) => Some(explanation),
            Err(Unexplained::NotKnown(why)) => return Err(frame.problem(not_known(&frame, &why))),
            // The last pass told where it stands; what it does just now comes when the pass has ended.
            Err(Unexplained::Busy | Unexplained::TooEarly) if self.is_known() => None,
            Err(_) => return Err(frame.problem(Problem::too_early())),
        };
        if let Some(explanation) = &explanation
            && explanation.subject.to_string() != self.what
        {
            // A host name, or the bare name of an object: it has a page under its own name.
            return Ok(Redirect::to(&links::subject_path(&explanation.subject)).into_response());
        }
        let title = self.what.clone();
        let main = self.drawn(&frame, explanation.as_deref(), site);
        Ok(layout::page(&frame, &title, "", &main))
    }

    const fn is_known(&self) -> bool {
        self.part.is_some() || self.standing.is_some()
    }

    fn drawn(&self, frame: &Frame, explanation: Option<&Explanation>, site: &Site) -> Markup {
        let events = || api::last_events(&site.told.journal, &self.what);
        let events = explanation.map_or_else(events, |explanation| explanation.events.clone());
        html! {
            (self.heading(frame, explanation))
            (self.progress(frame))
            @match explanation {
                Some(explanation) => (sections(frame, explanation)),
                None => section #busy data-live { p.notice { "A pass is under way; the details come when it has ended." } }
            }
            section #history data-live aria-labelledby="history-heading" {
                h2 #history-heading {
                    "Last events " a.more href=(links::with_query("/events", &[("for", &self.what)])) { "all of them" }
                }
                (story::list(frame, events.iter().rev()))
            }
        }
    }

    fn condition(&self, frame: &Frame) -> Option<Condition> {
        let of_part = self.part.as_ref().map(|part| frame.condition(part));
        let of_object = || self.standing.as_ref().map(conditions::of_standing);
        let condition = of_part.or_else(of_object)?;
        Some(if frame.overdue.is_some() { Condition::Unknown } else { condition })
    }

    fn heading(&self, frame: &Frame, explanation: Option<&Explanation>) -> Markup {
        let condition = self.condition(frame);
        let tone = condition.map_or("n", conditions::class);
        html! {
            section.headline.(tone) #subject data-live {
                h1 {
                    @if let Some(condition) = condition { (conditions::mark(condition)) }
                    @match &self.part {
                        Some(part) => { (text::name(&part.id)) " " span.name { (text::name(&part.name)) } },
                        None => (text::name(&self.what)),
                    }
                }
                @if let Some(explanation) = explanation { p.muted { (text::prose(&explanation.title)) } }
                @if let Some(condition) = condition { p { (self.stands(frame, condition)) } }
            }
        }
    }

    fn stands(&self, frame: &Frame, condition: Condition) -> Markup {
        let part = self.part.as_ref().map(|part| (part.reason, part.message.as_str(), part.since));
        let object = self.standing.as_ref().map(|row| (row.reason, row.message.as_str(), row.since));
        html! {
            (conditions::word(condition))
            @if let Some((reason, message, since)) = part.or(object) {
                @if condition != Condition::Ready { " " (links::reason(reason)) }
                @if !message.is_empty() { ": " (text::prose(message)) }
                span.since { "since " (text::time_and_age(since, frame.now)) }
            }
            @if let Some(until) = self.part.as_ref().and_then(|part| part.until) {
                span.since { "next look " (text::due(until, frame.now)) }
            }
        }
    }

    /// The rollout of an object, and the way to its nodes.
    fn progress(&self, frame: &Frame) -> Markup {
        let Some(standing) = &self.standing else { return html! {} };
        let status = frame.picture.as_deref().map(|picture| &picture.status);
        let progress = status.and_then(|status| status.rollouts.get(&standing.object));
        let has_parts = matches!(standing.object.kind, Kind::CloudWatchAgent | Kind::FlowLog);
        html! {
            @if let Some(progress) = progress {
                section #rollout data-live aria-labelledby="rollout-heading" {
                    h2 #rollout-heading { "Rollout" }
                    (rollouts::rollout(frame, &standing.object, progress))
                }
            }
            @if has_parts {
                p { a href=(links::with_query("/parts", &[("object", &self.what)])) { "All nodes and networks that it selects" } }
            }
        }
    }
}

fn not_known(frame: &Frame, why: &NotKnown) -> Problem {
    let word = text::line(&why.word, 80);
    let detail = if why.is_ambiguous {
        format!("`{word}` is the name of several things.")
    } else {
        format!("Nothing that is known here is called `{word}`. It may be gone.")
    };
    let picture = frame.picture.as_deref();
    let instead = html! {
        @if !why.alike.is_empty() {
            p { "Did you mean " @for (at, name) in why.alike.iter().enumerate() { @if at > 0 { " or " } (links::subject(picture, name)) } "?" }
        }
    };
    Problem::not_found(detail).instead(instead)
}

fn sections(frame: &Frame, explanation: &Explanation) -> Markup {
    html! {
        section #doing data-live aria-labelledby="doing-heading" {
            h2 #doing-heading { "What is being done" }
            @if explanation.doing.is_empty() { p.muted { "Nothing: as far as is known, all is as it should be." } }
            ul.stories { @for doing in &explanation.doing { (one_doing(frame, explanation, doing)) } }
        }
        section #facts data-live aria-labelledby="facts-heading" {
            h2 #facts-heading { "What was observed" }
            @if explanation.observed.is_empty() { p.muted { "Nothing yet." } }
            @else { (facts(&explanation.observed)) }
        }
        section #commands data-live aria-labelledby="commands-heading" {
            h2 #commands-heading { "Last commands" }
            @if explanation.commands.is_empty() { p.muted { "None is known." } }
            @for (at, ran) in explanation.commands.iter().enumerate() { (command(frame, ran, at)) }
        }
        section #applies data-live aria-labelledby="applies-heading" {
            h2 #applies-heading { "Documents that apply" }
            @if explanation.applies.is_empty() { p.muted { "No document selects it." } }
            @else { (applying(explanation)) }
        }
    }
}

fn one_doing(frame: &Frame, explanation: &Explanation, doing: &Doing) -> Markup {
    let is_itself = |object: &ObjectRef| explanation.subject == Subject::Object(object.clone());
    html! {
        li.story.(conditions::class(Condition::of(doing.reason))) {
            p.what {
                (conditions::mark(Condition::of(doing.reason))) (links::reason(doing.reason))
                @if let Some(object) = doing.object.as_ref().filter(|object| !is_itself(object)) { " " (links::object(object)) }
                @if let Some(part) = doing.part.as_deref().filter(|part| *part != explanation.subject.to_string()) {
                    " " (links::subject(frame.picture.as_deref(), part))
                }
                @if let Some(until) = doing.until { span.since { "again " (text::due(until, frame.now)) } }
            }
            p.message { (text::prose(&doing.message)) }
            @if !doing.drift.is_empty() { (difference(&doing.drift)) }
            @if let Some(next) = &doing.next { p.next { span aria-hidden="true" { "→ " } (text::prose(next)) } }
        }
    }
}

/// Field by field. Each line says `field: is → should be`.
fn difference(drift: &[String]) -> Markup {
    html! {
        table.rows.difference {
            thead { tr { th scope="col" { "Field" } th scope="col" { "Is" } th scope="col" { "Should be" } } }
            tbody {
                @for line in drift {
                    @match line.split_once(": ").and_then(|(field, rest)| Some((field, rest.split_once(" → ")?))) {
                        Some((field, (is, should))) => tr {
                            th scope="row" { (text::name(field)) }
                            td data-label="is" { del { (text::value(is)) } }
                            td data-label="should be" { ins { (text::value(should)) } }
                        },
                        None => tr { td colspan="3" { (text::value(line)) } }
                    }
                }
            }
        }
    }
}

fn applying(explanation: &Explanation) -> Markup {
    let is_itself = |applies: &Applies| explanation.subject == Subject::Object(applies.object.clone());
    html! {
        table.rows {
            thead { tr { th scope="col" { "Document" } th scope="col" { "Why" } th scope="col" { "Stands" } } }
            tbody { @for applies in explanation.applies.iter().filter(|applies| !is_itself(applies)) { (one_applying(applies)) } }
        }
    }
}

fn one_applying(applies: &Applies) -> Markup {
    html! {
        tr {
            th scope="row" { (links::object(&applies.object)) div.muted { (text::name(&applies.at)) } }
            td { (text::prose(&applies.how)) @if applies.management != "enforce" { " " strong { (text::line(&applies.management, 40)) } } }
            td {
                @if let Some((ready, reason, message)) = &applies.standing {
                    (conditions::word(Condition::of_object(*ready, *reason)))
                    @if *ready != Truth::True { " " (links::reason(*reason)) div.message { (text::prose(message)) } }
                }
            }
        }
    }
}

fn facts(facts: &[Fact]) -> Markup {
    html! {
        table.rows {
            thead { tr { th scope="col" { "What" } th scope="col" { "Is" } th scope="col" { "Read" } } }
            tbody {
                @for fact in facts {
                    tr {
                        th scope="row" { (text::name(&fact.what)) }
                        td { (text::prose(&fact.value)) }
                        td.number data-label="read" {
                            @match fact.age { Some(age) => (format!("{} ago", text::span(age))), None => "–" }
                        }
                    }
                }
            }
        }
    }
}

fn command(frame: &Frame, ran: &Ran, at: usize) -> Markup {
    html! {
        div.command {
            p {
                strong { (text::line(&ran.what, 160)) } " " (text::line(&ran.outcome, 160))
                @if let Some(node) = &ran.node { " on " (links::subject(frame.picture.as_deref(), node)) }
                span.since { (text::time_and_age(ran.finished.unwrap_or(ran.requested), frame.now)) }
            }
            p.muted { "Command " code { (text::line(&ran.command, 60)) } ", requested at " (text::time(ran.requested, frame.now)) }
            @if !ran.output.trim().is_empty() {
                @let node = text::line(ran.node.as_deref().unwrap_or_default(), 60);
                details id=(format!("output-{}-{node}", text::line(&ran.command, 60))) open[at == 0] {
                    summary { "Output" }
                    pre tabindex="0" { (text::output(&ran.output)) }
                }
            }
        }
    }
}
