//! `watchkeeper status`: where everything stands, worst first.

use std::fmt::Write as _;

use anyhow::Context as _;
use clap::Args as ClapArgs;
use jiff::Timestamp;

use super::client::{self, Server};
use crate::journal::{duration, harmless};
use crate::model::status::{Standing, Status, Truth};

/// The options of `status`.
#[derive(Debug, ClapArgs)]
pub struct Args {
    #[command(flatten)]
    server: Server,
    /// How to print it
    #[arg(short, long, value_enum, default_value_t = super::plan::Output::Text)]
    output: super::plan::Output,
}

/// Exit code when something is not ready.
const NOT_READY: u8 = 3;

/// Runs the command.
///
/// # Errors
/// When no controller answers.
pub async fn main(args: Args) -> anyhow::Result<u8> {
    let told = client::get(&args.server, "/v1/status").await.context(client::NO_CONTROLLER)?;
    let status: Status = serde_json::from_str(&told)?;
    match args.output {
        super::plan::Output::Text => super::print(&text(&status)),
        super::plan::Output::Json => super::print(&format!("{}\n", serde_json::to_string_pretty(&status)?)),
    }
    Ok(if status.is_ready() { 0 } else { NOT_READY })
}

fn text(status: &Status) -> String {
    let mut out = String::new();
    let (ready, all) = (status.ready_count(), status.objects.len());
    let Status { account, region, revision, at, passes, .. } = status;
    let _ = writeln!(
        out,
        "{ready} of {all} objects Ready · {account} {region} · revision {revision} · pass {passes} at {at:.0}"
    );
    for (reason, message) in &status.general {
        let _ = writeln!(out, "! {reason}: {}", harmless(message));
    }
    let mut rows: Vec<&Standing> = status.objects.iter().collect();
    rows.sort_by_key(|standing| (std::cmp::Reverse(rank(standing)), standing.object.clone()));
    let _ = writeln!(
        out,
        "\n{:<44} {:<8} {:<20} {:>9}  {:<7} MESSAGE",
        "OBJECT", "READY", "REASON", "PARTS", "SINCE"
    );
    for row in rows {
        let _ = writeln!(out, "{}", line(row, *at).trim_end());
    }
    out
}

/// Worst first.
fn rank(standing: &Standing) -> u8 {
    match (standing.ready, standing.stalled) {
        (Truth::False, true) => 3,
        (Truth::Unknown, _) => 2,
        (Truth::False, false) => 1,
        (Truth::True, _) => 0,
    }
}

fn line(standing: &Standing, now: Timestamp) -> String {
    let ready = match standing.ready {
        Truth::True => "True",
        Truth::False => "False",
        Truth::Unknown => "Unknown",
    };
    let parts = format!("{}/{}", standing.right, standing.selected);
    let since = duration(now.duration_since(standing.since).as_secs());
    let aside: Vec<String> =
        standing.set_aside.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
    let aside = if aside.is_empty() { String::new() } else { format!(" [{}]", aside.join(", ")) };
    format!(
        "{:<44} {ready:<8} {:<20} {parts:>9}  {since:<7} {}{aside}",
        standing.object.to_string(),
        standing.reason.word(),
        harmless(&standing.message)
    )
}
