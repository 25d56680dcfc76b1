//! The little of Markdown that the runbook uses: sections, paragraphs, lists, `code`, **bold**, fenced code, links to
//! other sections. A link to anywhere else is only its words: the other documents are not served here.

use maud::{Markup, html};

use super::links;
use crate::model::reason::Reason;

/// A section as HTML.
pub(super) fn render(text: &str) -> Markup {
    html! {
        @for block in blocks(text) {
            @match block {
                Block::Paragraph(text) => p { (inline(&text)) },
                Block::List(items) => ul { @for item in &items { li { (inline(item)) } } },
                Block::Code(text) => pre tabindex="0" { (text) },
                Block::Heading(text) => h3 { (inline(&text)) },
            }
        }
    }
}

enum Block {
    Paragraph(String),
    List(Vec<String>),
    Code(String),
    Heading(String),
}

fn blocks(text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut lines = text.lines();
    let mut is_new = true;
    while let Some(line) = lines.next() {
        let bare = line.trim();
        if bare.starts_with("```") {
            let code: Vec<&str> = lines.by_ref().take_while(|line| line.trim() != "```").collect();
            blocks.push(Block::Code(code.join("\n")));
            is_new = true;
        } else if bare.is_empty() {
            is_new = true;
        } else if let Some(heading) = bare.strip_prefix("### ") {
            blocks.push(Block::Heading(heading.to_owned()));
            is_new = true;
        } else if let Some(item) = bare.strip_prefix("- ") {
            match blocks.last_mut() {
                Some(Block::List(items)) => items.push(item.to_owned()),
                _ => blocks.push(Block::List(vec![item.to_owned()])),
            }
            is_new = false;
        } else {
            match blocks.last_mut() {
                Some(Block::Paragraph(text)) if !is_new => joined(text, bare),
                Some(Block::List(items)) if !is_new => {
                    if let Some(item) = items.last_mut() {
                        joined(item, bare);
                    }
                }
                _ => blocks.push(Block::Paragraph(bare.to_owned())),
            }
            is_new = false;
        }
    }
    blocks
}

fn joined(text: &mut String, line: &str) {
    text.push(' ');
    text.push_str(line);
}

/// What stands between backticks is code, and between two stars on each side is bold.
fn inline(text: &str) -> Markup {
    html! {
        @for (at, piece) in text.split('`').enumerate() {
            @if at % 2 == 1 { code { (piece) } }
            @else { @for (at, piece) in piece.split("**").enumerate() {
                @if at % 2 == 1 { strong { (linked(piece)) } } @else { (linked(piece)) }
            } }
        }
    }
}

/// `[words](#section)`, where the section is that of a reason.
fn linked(text: &str) -> Markup {
    let Some((before, words, target, after)) = first_link(text) else { return html! { (text) } };
    let section = target.strip_prefix('#').unwrap_or_default();
    let reason = Reason::ALL.iter().copied().find(|reason| reason.word().eq_ignore_ascii_case(section));
    html! {
        (before)
        @match reason {
            Some(reason) => a.reason href=(links::reason_path(reason)) { (words) },
            None => (words),
        }
        (linked(after))
    }
}

fn first_link(text: &str) -> Option<(&str, &str, &str, &str)> {
    let (before, rest) = text.split_once('[')?;
    let (words, rest) = rest.split_once("](")?;
    let (target, after) = rest.split_once(')')?;
    Some((before, words, target, after))
}
