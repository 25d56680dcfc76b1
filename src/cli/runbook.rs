//! `watchkeeper runbook [REASON]`: what to do, where nothing but this program is at hand.

use anyhow::bail;
use clap::Args as ClapArgs;

use crate::model::alike::alike;
use crate::model::reason::Reason;
use crate::model::runbook::{RUNBOOK, section};

/// The options of `runbook`.
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// A reason, as events and `status` name it; without one, the whole page
    reason: Option<String>,
}

/// Runs the command.
///
/// # Errors
/// When there is no such reason.
pub fn main(args: &Args) -> anyhow::Result<u8> {
    let text = match &args.reason {
        None => RUNBOOK,
        Some(word) => of(word)?,
    };
    super::print(&format!("{}\n", text.trim_end()));
    Ok(0)
}

fn of(word: &str) -> anyhow::Result<&'static str> {
    let reason = Reason::ALL.iter().find(|reason| reason.word().eq_ignore_ascii_case(word));
    let Some(reason) = reason else {
        let words: Vec<&str> = Reason::ALL.iter().map(|reason| reason.word()).collect();
        match alike(word, words.iter().copied(), 1).first() {
            Some(close) => bail!("`{word}` is no reason; did you mean {close}?"),
            None => bail!("`{word}` is no reason. The reasons: {}", words.join(", ")),
        }
    };
    // That each reason has its section is held by a test.
    Ok(section(*reason).unwrap_or(RUNBOOK))
}

#[cfg(test)]
mod tests {
    use super::of;

    #[test]
    fn reasons_are_found_whatever_their_case_and_others_by_what_is_like_them() {
        assert!(of("rollouthalted").is_ok_and(|text| text.starts_with("## RolloutHalted")));
        assert!(of("RolloutHalt").expect_err("no reason").to_string().contains("did you mean RolloutHalted"));
    }
}
