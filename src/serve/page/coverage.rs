//! What is observed and what is not: the figure for a director, and the lines behind it.

use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use maud::{Markup, html};

use super::events::{input, select};
use super::problem::Problem;
use super::query::Query;
use super::{Frame, Site, bars, layout, links, text};
use crate::model::picture::{Category, Coverage, Line, Picture, Share, Signal};

/// How many lines are on one page.
const PAGE: usize = 250;
const FIELDS: [&str; 4] = ["category", "signal", "q", "page"];
const CATEGORIES: [Category; 4] = [Category::Metrics, Category::Logs, Category::Traces, Category::FlowLogs];
const SIGNALS: [Signal; 4] = [Signal::Missing, Signal::Unknown, Signal::Arriving, Signal::NotWanted];

/// The word in addresses and files.
pub(super) const fn category(category: Category) -> &'static str {
    match category {
        Category::Metrics => "metrics",
        Category::Logs => "logs",
        Category::Traces => "traces",
        Category::FlowLogs => "flow-logs",
    }
}

/// The word in addresses and files.
pub(super) const fn signal(signal: Signal) -> &'static str {
    match signal {
        Signal::Arriving => "arriving",
        Signal::Unknown => "unknown",
        Signal::Missing => "missing",
        Signal::NotWanted => "not-wanted",
    }
}

const fn signal_in_words(of: Signal) -> &'static str {
    match of {
        Signal::NotWanted => "not wanted",
        other => signal(other),
    }
}

/// The shape and the colour: those of conditions.
const fn class(signal: Signal) -> &'static str {
    match signal {
        Signal::Arriving => "r",
        Signal::Unknown => "u",
        Signal::Missing => "s",
        Signal::NotWanted => "n",
    }
}

/// What the address asks for.
struct Wanted {
    category: Option<Category>,
    /// None: whatever is wanted and not seen to arrive.
    signal: Option<Signal>,
    words: String,
    page: usize,
}

impl Wanted {
    fn of(query: &Query) -> Result<Self, Problem> {
        let page = query.number("page")?.unwrap_or(1).clamp(1, 1_000_000);
        Ok(Self {
            category: query.choice("category", &CATEGORIES, category)?,
            signal: query.choice("signal", &SIGNALS, signal)?,
            words: query.text("q").to_lowercase(),
            page: usize::try_from(page).unwrap_or(1),
        })
    }

    fn takes(&self, line: &Line) -> bool {
        let has = |text: &str| text.to_lowercase().contains(&self.words);
        let is_open = matches!(line.signal, Signal::Missing | Signal::Unknown);
        self.category.is_none_or(|category| line.category == category)
            && self.signal.map_or(is_open, |signal| line.signal == signal)
            && (self.words.is_empty() || has(&line.id) || has(&line.what) || has(&line.why))
    }
}

pub(super) async fn coverage(State(site): State<Site>, uri: Uri) -> Result<Response, Problem> {
    let frame = Frame::of(&site);
    let query = Query::of(&uri, &FIELDS).map_err(|problem| frame.problem(problem))?;
    let wanted = Wanted::of(&query).map_err(|problem| frame.problem(problem))?;
    let Some(picture) = frame.picture.clone() else { return Err(frame.problem(Problem::too_early())) };
    let lines: Vec<&Line> = picture.coverage.lines.iter().filter(|line| wanted.takes(line)).collect();
    let main = html! {
        h1 { "Coverage" }
        p { "Which nodes and networks send what. Only what was seen to arrive counts as observed. As " a href="/v1/coverage" { "JSON" } ", as " a href="/coverage.csv" { "CSV" } "." }
        (shares(&picture.coverage))
        section #signals data-live aria-labelledby="signals-heading" {
            h2 #signals-heading { (heading(wanted.signal)) " " span.muted { (text::count(lines.len())) } }
            (form(&query))
            (table(&picture, &lines, wanted.page))
            (links::pages("/coverage", &query, lines.len().div_ceil(PAGE), wanted.page))
        }
    };
    Ok(layout::page(&frame, "Coverage", "/coverage", &main))
}

const fn heading(signal: Option<Signal>) -> &'static str {
    match signal {
        None => "What does not arrive",
        Some(Signal::Missing) => "What is missing",
        Some(Signal::Unknown) => "What is not known",
        Some(Signal::Arriving) => "What arrives",
        Some(Signal::NotWanted) => "What no document asks for",
    }
}

fn shares(coverage: &Coverage) -> Markup {
    html! {
        section #shares data-live aria-labelledby="shares-heading" {
            h2 #shares-heading { "Shares" }
            @if coverage.shares.is_empty() { p.muted { "Nothing is known yet." } }
            @else {
                table.rows.shares {
                    thead { tr {
                        th scope="col" { "What" } th scope="col" { "Observed" } th scope="col" { "Of" }
                        th scope="col" { "Missing" } th scope="col" { "Unknown" } th scope="col" { "Not wanted" } th scope="col" { "Share" }
                    } }
                    tbody { @for (of, share) in &coverage.shares { (share_row(*of, *share)) } }
                }
            }
        }
    }
}

fn share_row(of: Category, share: Share) -> Markup {
    let Share { all, observed, missing, unknown, not_wanted } = share;
    let parts = [("good", observed), ("bad", missing), ("sent", unknown)]
        .map(|(class, share)| (class, share as usize));
    let noun = match (of, all) {
        (Category::FlowLogs, 1) => "VPC",
        (Category::FlowLogs, _) => "VPCs",
        (_, 1) => "node",
        _ => "nodes",
    };
    // Rounded down: 100% is said only when it is all of them.
    let percent = (u64::from(observed) * 100).checked_div(u64::from(all));
    html! {
        tr {
            th scope="row" { a href=(links::with_query("/coverage", &[("category", category(of))])) { (category(of)) } }
            td.number data-label="observed" { b { (text::count(observed as usize)) } @if let Some(percent) = percent { " (" (percent) "%)" } }
            td.number data-label="of" { (text::count(all as usize)) " " (noun) }
            td.number data-label="missing" { (text::count(missing as usize)) }
            td.number data-label="unknown" { (text::count(unknown as usize)) }
            td.number data-label="not wanted" { (text::count(not_wanted as usize)) }
            td.share { (bars::bar(all as usize, &parts)) }
        }
    }
}

fn form(query: &Query) -> Markup {
    html! {
        form.filter action="/coverage" method="get" role="search" aria-label="Filter signals" {
            (select(query, "category", "Category", &CATEGORIES.map(category)))
            (select(query, "signal", "Signal", &SIGNALS.map(signal)))
            (input(query, "q", "Text", ""))
            button type="submit" { "Show" }
        }
    }
}

fn table(picture: &Picture, lines: &[&Line], page: usize) -> Markup {
    html! {
        @if lines.is_empty() { p.muted { "Nothing." } }
        @else {
            table.rows {
                thead { tr { th scope="col" { "Which" } th scope="col" { "What" } th scope="col" { "Signal" } th scope="col" { "Why" } } }
                tbody {
                    @for line in lines.iter().skip((page - 1).saturating_mul(PAGE)).take(PAGE) {
                        tr {
                            th scope="row" { (links::subject(Some(picture), &line.id)) }
                            td { (category(line.category)) @if !line.what.is_empty() { " " (text::value(&line.what)) } }
                            td { span.condition { span.mark.(class(line.signal)) aria-hidden="true" {} (signal_in_words(line.signal)) } }
                            td { @if let Some(reason) = line.reason { (links::reason(reason)) " " } (text::prose(&line.why)) }
                        }
                    }
                }
            }
        }
    }
}
