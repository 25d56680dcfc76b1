//! An event as a message of Slack's incoming webhooks.
//!
//! Slack reads `&`, `<` and `>` as its own, so that a name could call a whole channel; they are escaped wherever text is
//! not ours, and links are not guessed. Limits: docs.slack.dev/reference/block-kit.

use serde_json::{Value, json};

use crate::journal::human::{duration, harmless};
use crate::model::event::{Event, Phase, Severity};

/// The longest header block, in characters.
const HEADER: usize = 150;
/// The longest text of a section; Slack's own is 3,000, of which the frame takes a little.
const SECTION: usize = 2_900;
/// The longest text of one element of a context block.
const CONTEXT: usize = 1_900;
/// The longest fallback, which notifications show; Slack advises 4,000.
const FALLBACK: usize = 3_000;
/// How many differences are shown.
const CHANGES: usize = 5;
/// How long a value of one is, in characters.
const VALUE: usize = 120;

/// The body of the call.
pub(super) fn message(event: &Event) -> Value {
    let title = title(event);
    let mut blocks = vec![
        json!({ "type": "header", "text": { "type": "plain_text", "text": cut(&title, HEADER), "emoji": false } }),
        section(&escaped(&sentence(event), SECTION)),
    ];
    if event.phase != Phase::Resolved {
        blocks.extend(subjects(event).as_deref().map(section));
        blocks.extend(changes(event).as_deref().map(section));
        blocks.extend(event.next.as_deref().map(|next| section(&format!("→ {}", escaped(next, SECTION)))));
    }
    let links = links(event);
    if !links.is_empty() {
        blocks.push(section(&links.join(" · ")));
    }
    let place = format!(
        "{} · {} · revision {} · {:.0} · {}",
        event.account, event.region, event.revision, event.time, event.fingerprint
    );
    blocks.push(json!({ "type": "context", "elements": [mrkdwn(&escaped(&place, CONTEXT))] }));
    let fallback = escaped(&format!("{title}: {}", sentence(event)), FALLBACK);
    json!({ "text": fallback, "blocks": blocks, "unfurl_links": false, "unfurl_media": false })
}

fn section(text: &str) -> Value {
    json!({ "type": "section", "text": mrkdwn(text) })
}

fn mrkdwn(text: &str) -> Value {
    json!({ "type": "mrkdwn", "text": text, "verbatim": true })
}

fn title(event: &Event) -> String {
    let mark = match (event.phase, event.severity) {
        (Phase::Resolved, _) => "✓",
        (_, Severity::Info) => "ℹ",
        (_, Severity::Warning) => "⚠",
        (_, Severity::Error | Severity::Critical) => "✗",
    };
    let object = event.object.as_ref().map(|object| format!(" {object}")).unwrap_or_default();
    harmless(&format!("{mark} {} {}{object}", event.reason, event.phase.word()))
}

fn sentence(event: &Event) -> String {
    match (event.phase, event.lasted) {
        (Phase::Resolved, Some(lasted)) => {
            format!("Over after {}. It was: {}", duration(lasted), event.message)
        }
        (Phase::Resolved, None) => format!("Over. It was: {}", event.message),
        _ => event.message.clone(),
    }
}

fn subjects(event: &Event) -> Option<String> {
    let shown: Vec<String> =
        event.subjects.iter().map(|name| format!("`{}`", escaped(name, VALUE))).collect();
    let more = (event.count as usize).saturating_sub(shown.len());
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    (!shown.is_empty()).then(|| limited(&format!("{}{more}", shown.join(", "))))
}

fn changes(event: &Event) -> Option<String> {
    let lines: Vec<String> = event
        .changes
        .iter()
        .take(CHANGES)
        .map(|change| {
            let value = |text: &str| escaped(text, VALUE);
            let (subject, field) = (value(&change.subject), value(&change.field));
            format!("• {subject} {field}: `{}` → `{}`", value(&change.before), value(&change.after))
        })
        .collect();
    (!lines.is_empty()).then(|| limited(&lines.join("\n")))
}

/// What was put together from escaped pieces is left whole, or left out: a cut could fall within one of them.
fn limited(text: &str) -> String {
    if text.chars().count() <= SECTION { text.to_owned() } else { "(too many to show)".to_owned() }
}

fn links(event: &Event) -> Vec<String> {
    let link = |url: &Option<String>, label: &str| {
        let url = url
            .as_deref()
            .filter(|url| url.starts_with("https://") && !url.contains(['<', '>', '|', ' ']))?;
        Some(format!("<{}|{label}>", url.replace('&', "&amp;")))
    };
    [link(&event.console, "AWS console"), link(&event.runbook, "Runbook")].into_iter().flatten().collect()
}

fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

/// Text that is not ours, at most `most` characters long once it is escaped, on one line. A backtick would open code.
fn escaped(text: &str, most: usize) -> String {
    let mut out = String::new();
    let mut length = 0;
    for c in harmless(text).trim().chars() {
        let piece = match c {
            '&' => "&amp;",
            '<' => "&lt;",
            '>' => "&gt;",
            '`' => "'",
            _ => "",
        };
        length += if piece.is_empty() { 1 } else { piece.len() };
        if length >= most {
            out.push('…');
            break;
        }
        if piece.is_empty() {
            out.push(c);
        } else {
            out.push_str(piece);
        }
    }
    out
}
