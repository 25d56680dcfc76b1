//! Addresses: of pages of ours, with what comes from the world encoded; of AWS's console, only when it is that.

use std::fmt::Write as _;

use maud::{Markup, html};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::query::Query;
use super::text;
use crate::model::desired::{Kind, ObjectRef};
use crate::model::explain::Subject;
use crate::model::picture::{Part, Picture, Sort};
use crate::model::reason::Reason;

/// All but what RFC 3986 calls unreserved.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// The console's hosts, in each of AWS's partitions.
const CONSOLES: [&str; 3] = ["aws.amazon.com", "amazonaws-us-gov.com", "amazonaws.cn"];

/// The longest id or value in an address, in characters. What is longer is none of AWS's: its link leads nowhere.
const LONGEST: usize = 256;

/// `text` as one segment of a path.
pub(super) fn segment(text: &str) -> String {
    utf8_percent_encode(cut(text), SEGMENT).to_string()
}

fn cut(text: &str) -> &str {
    text.char_indices().nth(LONGEST).map_or(text, |(at, _)| &text[..at])
}

/// The path with these fields as its query; empty ones are left out.
pub(super) fn with_query(path: &str, fields: &[(&str, &str)]) -> String {
    let mut out = path.to_owned();
    let mut mark = '?';
    for (name, value) in fields.iter().filter(|(_, value)| !value.is_empty()) {
        let value: String = form_urlencoded::byte_serialize(cut(value).as_bytes()).collect();
        let _ = write!(out, "{mark}{name}={value}");
        mark = '&';
    }
    out
}

/// The page of a node or a network.
pub(super) fn part_path(part: &Part) -> String {
    let folder = if part.sort == Sort::Node { "nodes" } else { "networks" };
    format!("/{folder}/{}", segment(&part.id))
}

/// The page of an object.
pub(super) fn object_path(object: &ObjectRef) -> String {
    format!("/objects/{}/{}", object.kind, segment(&object.name))
}

/// The page of what an explanation is about.
pub(super) fn subject_path(subject: &Subject) -> String {
    match subject {
        Subject::Node(id) => format!("/nodes/{}", segment(id)),
        Subject::Network(id) => format!("/networks/{}", segment(id)),
        Subject::Object(object) => object_path(object),
    }
}

/// An object, by its name.
pub(super) fn object(object: &ObjectRef) -> Markup {
    html! { a.id href=(object_path(object)) { (object.kind) "/" wbr; (text::name(&object.name)) } }
}

/// A node or a network by its id, and what people call it.
pub(super) fn part(part: &Part) -> Markup {
    html! {
        a.id href=(part_path(part)) { (text::name(&part.id)) }
        @if !part.name.is_empty() { " " span.name { (text::name(&part.name)) } }
    }
}

/// What an event is about: a link where there is a page for it.
pub(super) fn subject(picture: Option<&Picture>, id: &str) -> Markup {
    if let Some(found) = picture.and_then(|picture| picture.part(id)) {
        return part(found);
    }
    match as_object(id) {
        Some(found) => object(&found),
        None => html! { span.id { (text::name(id)) } },
    }
}

/// `Kind/name` as an object.
pub(super) fn as_object(text: &str) -> Option<ObjectRef> {
    let (kind, name) = text.split_once('/')?;
    let kind = Kind::ALL.into_iter().find(|known| known.name() == kind)?;
    Some(ObjectRef::new(kind, name))
}

/// A reason, which leads to its section of the runbook.
pub(super) fn reason(reason: Reason) -> Markup {
    html! { a.reason href=(reason_path(reason)) title=(reason.means()) { (reason.word()) } }
}

/// The section of the runbook.
pub(super) fn reason_path(reason: Reason) -> String {
    format!("/runbook/{}", reason.word())
}

/// A link to AWS's console, if the address is one.
pub(super) fn console(address: &str) -> Option<Markup> {
    let host = address.strip_prefix("https://")?.split(['/', '?', '#']).next()?;
    let is_console =
        CONSOLES.iter().any(|known| host.strip_suffix(known).is_some_and(|before| before.ends_with('.')));
    (is_console && !host.contains(['@', ':', '\\'])).then(|| {
        html! { a href=(address) rel="noreferrer noopener" { "AWS console" } }
    })
}

/// The way to the other pages of a list that has `last` of them.
pub(super) fn pages(path: &str, query: &Query, last: usize, page: usize) -> Markup {
    let address = |page: usize| {
        let fields = query.with("page", &page.to_string());
        let fields: Vec<(&str, &str)> =
            fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        with_query(path, &fields)
    };
    html! {
        @if last > 1 {
            nav.pages aria-label="Pages of the list" {
                @if page > 1 { a href=(address(page - 1)) rel="prev" { "Previous" } " " }
                "Page " (page) " of " (last) " "
                @if page < last { a href=(address(page + 1)) rel="next" { "Next" } }
            }
        }
    }
}
