//! Shares as bars. Only decoration: the numbers stand beside them. Drawn as SVG, since a style sheet's numbers would
//! have to be inline, which the content policy forbids.

use maud::{Markup, html};

/// How wide a bar is, in its own units.
const WIDTH: usize = 1_000;

/// A bar of `all`, divided into parts with their classes.
pub(super) fn bar(all: usize, parts: &[(&'static str, usize)]) -> Markup {
    let mut at = 0;
    let mut pieces = Vec::new();
    for (class, share) in parts {
        let width = (share * WIDTH).checked_div(all).unwrap_or(0).min(WIDTH - at);
        // Something is never shown as nothing.
        let width = if *share > 0 { width.max(4).min(WIDTH - at) } else { 0 };
        if width > 0 {
            pieces.push((class, at, width));
        }
        at += width;
    }
    html! {
        svg.bar viewBox={ "0 0 " (WIDTH) " 10" } preserveAspectRatio="none" aria-hidden="true" focusable="false" {
            @for (class, at, width) in pieces {
                rect.(class) x=(at) y="0" width=(width) height="10" {}
            }
        }
    }
}
