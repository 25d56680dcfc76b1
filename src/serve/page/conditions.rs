//! Conditions as words with a mark: a shape of its own for each, so that nobody needs the colours.

use maud::{Markup, html};

use crate::model::event::{Phase, Severity};
use crate::model::picture::Condition;
use crate::model::status::Standing;

/// The class in the style sheet, which has the shape and the colour.
pub(super) const fn class(condition: Condition) -> &'static str {
    match condition {
        Condition::Unmanaged => "n",
        Condition::Ready => "r",
        Condition::Reconciling => "c",
        Condition::Held => "h",
        Condition::Unknown => "u",
        Condition::Stalled => "s",
    }
}

/// What the condition means, for the legend.
pub(super) const fn means(condition: Condition) -> &'static str {
    match condition {
        Condition::Unmanaged => "no document selects it",
        Condition::Ready => "as its documents say",
        Condition::Reconciling => "Watchkeeper is at it",
        Condition::Held => "cannot be managed as it is, or waits for a person's word",
        Condition::Unknown => "not read, or what was read is too old",
        Condition::Stalled => "keeps failing",
    }
}

/// The mark alone, for beside the word.
pub(super) fn mark(condition: Condition) -> Markup {
    html! { span.mark.(class(condition)) aria-hidden="true" {} }
}

/// Mark and word.
pub(super) fn word(condition: Condition) -> Markup {
    html! { span.condition { (mark(condition)) (condition.word()) } }
}

/// Where an object stands, in the words of nodes.
pub(super) const fn of_standing(standing: &Standing) -> Condition {
    Condition::of_object(standing.ready, standing.reason)
}

/// How soon a person should look, as a word with a mark.
pub(super) fn severity(severity: Severity) -> Markup {
    let sign = match severity {
        Severity::Info => "·",
        Severity::Warning => "!",
        Severity::Error => "✕",
        Severity::Critical => "✕✕",
    };
    html! { span.severity.(severity.word()) { span.sign aria-hidden="true" { (sign) } (severity.word()) } }
}

/// Where a cause stands, as a word with a mark.
pub(super) fn phase(phase: Phase) -> Markup {
    let sign = match phase {
        Phase::Opened => "▸",
        Phase::Updated => "…",
        Phase::Resolved => "✓",
    };
    html! { span.phase.(phase.word()) { span.sign aria-hidden="true" { (sign) } (phase.word()) } }
}
