//! Nodes and networks as a plain list: for those who search, who have no pointer, or a small screen.

use std::cmp::Reverse;

use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use maud::{Markup, html};

use super::events::{input, select};
use super::problem::Problem;
use super::query::Query;
use super::{Frame, Site, conditions, filter, layout, links, text};
use crate::model::desired::ObjectRef;
use crate::model::picture::{Condition, Part, Sort};

/// How many rows are on one page.
const PAGE: usize = 250;
const FIELDS: [&str; 6] = ["condition", "kind", "object", "q", "sort", "page"];

/// Which parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Only {
    Nodes,
    Networks,
    Of(Sort),
}

impl Only {
    const ALL: [Self; 5] =
        [Self::Nodes, Self::Networks, Self::Of(Sort::Vpc), Self::Of(Sort::Subnet), Self::Of(Sort::Interface)];

    const fn word(self) -> &'static str {
        match self {
            Self::Nodes => "node",
            Self::Networks => "network",
            Self::Of(sort) => sort.word(),
        }
    }

    fn takes(self, sort: Sort) -> bool {
        match self {
            Self::Nodes => sort == Sort::Node,
            Self::Networks => sort != Sort::Node,
            Self::Of(only) => sort == only,
        }
    }
}

/// In which order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Worst,
    Newest,
    Name,
    Id,
}

impl Order {
    const ALL: [Self; 4] = [Self::Worst, Self::Newest, Self::Name, Self::Id];

    const fn word(self) -> &'static str {
        match self {
            Self::Worst => "worst",
            Self::Newest => "newest",
            Self::Name => "name",
            Self::Id => "id",
        }
    }

    fn sort(self, frame: &Frame, parts: &mut [&Part]) {
        match self {
            Self::Worst => parts.sort_by_key(|part| {
                (Reverse(frame.condition(part)), Reverse(part.reason.nature()), part.since)
            }),
            Self::Newest => parts.sort_by_key(|part| Reverse(part.since)),
            Self::Name => parts.sort_by(|left, right| left.name.cmp(&right.name)),
            Self::Id => {}
        }
    }
}

/// What the address asks for.
struct Wanted {
    condition: Option<Condition>,
    only: Option<Only>,
    object: Option<ObjectRef>,
    words: String,
    order: Order,
    page: usize,
}

impl Wanted {
    fn of(query: &Query) -> Result<Self, Problem> {
        let page = query.number("page")?.unwrap_or(1).clamp(1, 1_000_000);
        Ok(Self {
            condition: query.choice("condition", &Condition::ALL, Condition::word)?,
            only: query.choice("kind", &Only::ALL, Only::word)?,
            object: filter::object(query.text("object"))?,
            words: query.text("q").to_lowercase(),
            order: query.choice("sort", &Order::ALL, Order::word)?.unwrap_or(Order::Worst),
            page: usize::try_from(page).unwrap_or(1),
        })
    }

    fn takes(&self, frame: &Frame, part: &Part) -> bool {
        let has = |text: &str| text.to_lowercase().contains(&self.words);
        self.condition.is_none_or(|condition| frame.condition(part) == condition)
            && self.only.is_none_or(|only| only.takes(part.sort))
            && self.object.as_ref().is_none_or(|object| part.objects.contains(object))
            && (self.words.is_empty()
                || has(&part.id)
                || has(&part.name)
                || has(part.reason.word())
                || has(&part.message))
    }
}

pub(super) async fn parts(State(site): State<Site>, uri: Uri) -> Result<Response, Problem> {
    let frame = Frame::of(&site);
    let query = Query::of(&uri, &FIELDS).map_err(|problem| frame.problem(problem))?;
    let wanted = Wanted::of(&query).map_err(|problem| frame.problem(problem))?;
    let Some(picture) = frame.picture.clone() else { return Err(frame.problem(Problem::too_early())) };
    let mut parts: Vec<&Part> = picture.parts.iter().filter(|part| wanted.takes(&frame, part)).collect();
    wanted.order.sort(&frame, &mut parts);
    let main = html! {
        h1 { "Nodes and networks" }
        (form(&query))
        section #parts data-live aria-label="The list" {
            p.muted { (text::count(parts.len())) " of " (text::count(picture.parts.len())) "." }
            (table(&frame, &parts, wanted.page))
            (links::pages("/parts", &query, parts.len().div_ceil(PAGE), wanted.page))
        }
    };
    Ok(layout::page(&frame, "Nodes and networks", "/parts", &main))
}

fn form(query: &Query) -> Markup {
    let conditions: Vec<&str> = Condition::ALL.into_iter().rev().map(Condition::word).collect();
    let kinds: Vec<&str> = Only::ALL.into_iter().map(Only::word).collect();
    // The worst first is how the list stands anyway.
    let orders: Vec<&str> = Order::ALL.into_iter().skip(1).map(Order::word).collect();
    html! {
        form.filter action="/parts" method="get" role="search" aria-label="Filter nodes and networks" {
            (select(query, "condition", "Condition", &conditions))
            (select(query, "kind", "Kind", &kinds))
            (input(query, "object", "Object", "CloudWatchAgent/web"))
            (input(query, "q", "Text", ""))
            (select(query, "sort", "Order", &orders))
            button type="submit" { "Show" }
        }
    }
}

fn table(frame: &Frame, parts: &[&Part], page: usize) -> Markup {
    let shown = parts.iter().skip((page - 1).saturating_mul(PAGE)).take(PAGE);
    html! {
        table.rows {
            thead { tr {
                th scope="col" { "Which" } th scope="col" { "Stands" } th scope="col" { "Objects" } th scope="col" { "Since" }
            } }
            tbody { @for part in shown { (row(frame, part)) } }
        }
    }
}

fn row(frame: &Frame, part: &Part) -> Markup {
    let condition = frame.condition(part);
    html! {
        tr {
            th scope="row" { (links::part(part)) @if part.sort != Sort::Node { " " span.muted { (part.sort.word()) } } }
            td {
                (conditions::word(condition))
                @if frame.overdue.is_some() { " " span.muted { "was " (part.condition.word()) } }
                @if !matches!(condition, Condition::Ready | Condition::Unmanaged) { " " (links::reason(part.reason)) }
                @if !part.message.is_empty() { div.message { (text::prose(&part.message)) } }
            }
            td data-label="objects" {
                @for (at, object) in part.objects.iter().enumerate() { @if at > 0 { ", " } (links::object(object)) }
            }
            td.number data-label="since" { (text::span(frame.now.duration_since(part.since).as_secs())) }
        }
    }
}
