//! An event for PagerDuty's Events API v2 (developer.pagerduty.com, "Send an alert event").
//!
//! The fingerprint is the key by which PagerDuty joins what belongs together: an update is a trigger of the same alert.
//! Nothing is ever acknowledged: that is for a person.

use serde_json::{Value, json};

use crate::journal::human::{duration, harmless};
use crate::model::event::{Event, Phase};

/// The longest summary, in characters.
const SUMMARY: usize = 1_024;
/// The longest text in the details, in characters: a whole event may have 512 KB.
const DETAIL: usize = 8_000;

/// The body of the call.
pub(super) fn message(event: &Event, routing_key: &str) -> Value {
    let action = if event.phase == Phase::Resolved { "resolve" } else { "trigger" };
    json!({
        "routing_key": routing_key,
        "event_action": action,
        "dedup_key": &*event.fingerprint,
        "client": "Watchkeeper",
        "links": links(event),
        "payload": {
            "summary": summary(event),
            "source": format!("{}/{}", event.account, event.region),
            "severity": event.severity.word(),
            "timestamp": event.time.to_string(),
            "component": event.object.as_ref().map(ToString::to_string),
            "group": event.category.word(),
            "class": event.reason.word(),
            "custom_details": details(event),
        },
    })
}

fn summary(event: &Event) -> String {
    let object = event.object.as_ref().map(|object| format!(" {object}")).unwrap_or_default();
    let more = match event.count {
        0 | 1 => String::new(),
        count => format!(" ({count})"),
    };
    let message = harmless(&event.message);
    cut(&format!("{}{object}{more}: {message}", event.reason), SUMMARY)
}

fn details(event: &Event) -> Value {
    let changes: Vec<String> = event
        .changes
        .iter()
        .map(|change| {
            let text = format!("{} {}: {} → {}", change.subject, change.field, change.before, change.after);
            cut(&harmless(&text), 500)
        })
        .collect();
    let subjects: Vec<String> = event.subjects.iter().map(|name| cut(&harmless(name), 200)).collect();
    json!({
        "message": cut(&harmless(&event.message), DETAIL),
        "next": event.next.as_deref().map(harmless),
        "count": event.count,
        "subjects": subjects,
        "changes": changes,
        "commands": event.commands,
        "revision": &*event.revision,
        "by": event.by.as_ref().map(|by| harmless(&by.principal)),
        "lasted": event.lasted.map(duration),
    })
}

fn links(event: &Event) -> Vec<Value> {
    let link = |url: &Option<String>, text: &str| {
        let url = url.as_deref().filter(|url| url.starts_with("https://"))?;
        Some(json!({ "href": url, "text": text }))
    };
    [link(&event.console, "AWS console"), link(&event.runbook, "Runbook")].into_iter().flatten().collect()
}

fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}
