//! `watchkeeper coverage`: what is observed, and what is not and why. The figure to show a director.

use std::fmt::Write as _;

use clap::Args as ClapArgs;

use super::shown::Source;
use super::table::table;
use crate::journal::harmless;
use crate::model::picture::{Category, Line, Picture, Share, Signal};

/// How many signals are named, unless all are asked for.
const MOST: usize = 40;
/// How long a name or a message may be in a column, in characters.
const CELL: usize = 100;

/// The options of `coverage`.
#[derive(Debug, ClapArgs)]
pub struct Args {
    #[command(flatten)]
    source: Source,
    /// How to print it
    #[arg(short, long, value_enum, default_value_t = Output::Text)]
    output: Output,
    /// Name every signal that is not seen to arrive, however many there are
    #[arg(long)]
    all: bool,
}

/// How to print it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Output {
    /// Figures, then what does not arrive
    Text,
    /// Every signal, as JSON
    Json,
    /// Every signal, as CSV
    Csv,
}

/// Runs the command.
///
/// # Errors
/// When no controller answers, or none has left a snapshot.
pub async fn main(args: Args) -> anyhow::Result<u8> {
    let picture = args.source.picture().await?;
    match args.output {
        Output::Text => super::print(&text(&picture, args.all)),
        Output::Json => super::print(&format!("{}\n", serde_json::to_string_pretty(&picture.coverage)?)),
        Output::Csv => super::print(&picture.coverage_csv()),
    }
    Ok(0)
}

/// For people.
pub fn text(picture: &Picture, is_all: bool) -> String {
    let (account, region, at) = (&picture.status.account, &picture.status.region, picture.status.at);
    let mut out = format!("What is observed in {account} {region} · {at:.0}\n\n");
    let shares: Vec<[String; 7]> = Category::ALL
        .iter()
        .map(|category| {
            figures(*category, picture.coverage.shares.get(category).copied().unwrap_or_default())
        })
        .collect();
    let heading = ["", "OBSERVED", "", "MISSING", "UNKNOWN", "NOT WANTED", "ALL"];
    out.push_str(&table(heading, &shares));
    let mut silent: Vec<&Line> =
        picture.coverage.lines.iter().filter(|line| line.signal > Signal::Arriving).collect();
    silent.sort_by_key(|line| (std::cmp::Reverse(line.signal), line.category, line.id.clone()));
    if silent.is_empty() {
        out.push_str("\nEverything that is asked for arrives.\n");
        return out;
    }
    let most = if is_all { silent.len() } else { MOST };
    let rows: Vec<[String; 7]> = silent.iter().take(most).map(|line| row(picture, line)).collect();
    let heading = ["SIGNAL", "CATEGORY", "NODE OR NETWORK", "NAME", "WHAT", "REASON", "WHY"];
    let _ = write!(out, "\n{}", table(heading, &rows));
    if silent.len() > most {
        let _ =
            writeln!(out, "… and {} more: --all names them, -o csv has every signal", silent.len() - most);
    }
    out
}

fn figures(category: Category, share: Share) -> [String; 7] {
    let of = match (category, share.all) {
        (Category::FlowLogs, 1) => "VPC",
        (Category::FlowLogs, _) => "VPCs",
        (_, 1) => "node",
        _ => "nodes",
    };
    [
        category.word().to_owned(),
        share.observed.to_string(),
        // Not rounded up: a director would read 100% as all.
        format!("{}%", share.percent()),
        share.missing.to_string(),
        share.unknown.to_string(),
        share.not_wanted.to_string(),
        format!("{} {of}", share.all),
    ]
}

fn row(picture: &Picture, line: &Line) -> [String; 7] {
    let name = picture.part(&line.id).map_or("", |part| &*part.name);
    [
        line.signal.word().to_owned(),
        line.category.word().to_owned(),
        harmless(&line.id),
        cut(name),
        cut(&line.what),
        line.reason.map_or("-", |reason| reason.word()).to_owned(),
        cut(&line.why),
    ]
}

fn cut(text: &str) -> String {
    let shown: String = text.chars().take(CELL).collect();
    let dots = if shown.len() < text.len() { "…" } else { "" };
    format!("{}{dots}", harmless(&shown))
}
