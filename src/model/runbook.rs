//! The runbook: what each reason means, what Watchkeeper does about it, what a person does, how to tell that it worked.

use super::reason::Reason;

/// The whole page.
pub const RUNBOOK: &str = include_str!("../../docs/runbook.md");

/// What the page says of `reason`, heading included.
pub fn section(reason: Reason) -> Option<&'static str> {
    let heading = format!("\n## {}\n", reason.word());
    let begin = RUNBOOK.find(&heading)? + 1;
    let text = &RUNBOOK[begin..];
    let end = text.match_indices("\n## ").map(|(at, _)| at).find(|at| *at > 0);
    Some(&text[..end.unwrap_or(text.len())])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_a_section_of_its_own() {
        for reason in Reason::ALL {
            let text = section(*reason).expect("a section");
            assert!(text.starts_with(&format!("## {}\n", reason.word())), "{text}");
            assert_eq!(text.matches("\n## ").count(), 0);
        }
    }
}
