//! `watchkeeper status`: where everything stands. Counts first, then what is not Ready, the worst first.

use std::cmp::Reverse;
use std::fmt::Write as _;
use std::time::Duration;

use clap::Args as ClapArgs;
use jiff::Timestamp;

use super::shown::Source;
use super::table::table;
use crate::journal::{duration, harmless};
use crate::model::event::Severity;
use crate::model::picture::{Condition, Part, Picture, Sort};
use crate::model::status::{Standing, Status, Truth};

/// How many nodes and networks are shown, unless all are asked for.
const MOST: usize = 20;
/// How long a message may be in a column, in characters.
const MESSAGE: usize = 160;
/// How often `--watch` asks.
const EVERY: Duration = Duration::from_secs(1);
/// Exit code when something is not ready.
const NOT_READY: u8 = 3;

/// The options of `status`.
#[derive(Debug, ClapArgs)]
pub struct Args {
    #[command(flatten)]
    source: Source,
    /// Go on, and print again whenever something changes
    #[arg(short, long)]
    watch: bool,
    /// How to print it
    #[arg(short, long, value_enum, default_value_t = Output::Text)]
    output: Output,
}

/// How to print it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Output {
    /// What is not Ready
    Text,
    /// Every object, and every node and network that is not Ready
    Wide,
    /// Everything, as JSON
    Json,
    /// Everything, as YAML
    Yaml,
}

/// Runs the command.
///
/// # Errors
/// When no controller answers, or none has left a snapshot.
pub async fn main(args: Args) -> anyhow::Result<u8> {
    let mut printed = String::new();
    loop {
        let picture = args.source.picture().await?;
        let shown = args.output.show(&picture)?;
        // That time passes is no news.
        let news = args.output.show(&Picture { status: settled(&picture), ..picture.clone() })?;
        if news != printed {
            super::print(&shown);
            printed = news;
        }
        if !args.watch {
            return Ok(if picture.status.is_ready() { 0 } else { NOT_READY });
        }
        tokio::time::sleep(EVERY).await;
    }
}

/// The status without what changes with every pass.
fn settled(picture: &Picture) -> Status {
    let mut status = picture.status.clone();
    status.passes = 0;
    status.at = Timestamp::UNIX_EPOCH;
    status
}

impl Output {
    fn show(self, picture: &Picture) -> anyhow::Result<String> {
        Ok(match self {
            Self::Text => text(picture, false),
            Self::Wide => text(picture, true),
            Self::Json => format!("{}\n", serde_json::to_string_pretty(picture)?),
            Self::Yaml => serde_saphyr::to_string(picture)?,
        })
    }
}

/// For people.
pub fn text(picture: &Picture, is_wide: bool) -> String {
    let mut out = heading(picture);
    open(picture, &mut out);
    for (reason, message) in &picture.status.general {
        let _ = writeln!(out, "! {reason}: {}", cut(message));
    }
    objects(picture, is_wide, &mut out);
    parts(picture, is_wide, &mut out);
    out
}

fn heading(picture: &Picture) -> String {
    let status = &picture.status;
    let mut out = format!("{} of {} objects Ready", status.ready_count(), status.objects.len());
    counts(picture, "nodes", |sort| sort == Sort::Node, &mut out);
    counts(picture, "networks", |sort| sort != Sort::Node, &mut out);
    let Status { account, region, revision, passes, at, .. } = status;
    let _ =
        writeln!(out, "\n{account} {region} · revision {} · pass {passes} ended {at:.0}", harmless(revision));
    out
}

/// How much is open, by severity.
fn open(picture: &Picture, out: &mut String) {
    let counts: Vec<String> = Severity::ALL
        .iter()
        .rev()
        .map(|severity| (severity, picture.open.iter().filter(|event| event.severity == *severity).count()))
        .filter(|(_, count)| *count > 0)
        .map(|(severity, count)| format!("{count} {}", severity.word()))
        .collect();
    if !counts.is_empty() {
        let _ = writeln!(out, "open: {} (`watchkeeper events` tells)", counts.join(", "));
    }
}

fn counts(picture: &Picture, word: &str, is_meant: impl Fn(Sort) -> bool, out: &mut String) {
    let count = |condition| picture.count(&is_meant, condition);
    let all: usize = Condition::ALL.into_iter().map(count).sum();
    let _ = write!(out, " · {} of {all} {word}", count(Condition::Ready));
    let others: Vec<String> = Condition::ALL
        .into_iter()
        .rev()
        .filter(|condition| *condition != Condition::Ready && count(*condition) > 0)
        .map(|condition| format!("{} {}", count(condition), condition.word()))
        .collect();
    if !others.is_empty() {
        let _ = write!(out, " ({})", others.join(", "));
    }
}

fn objects(picture: &Picture, is_wide: bool, out: &mut String) {
    let status = &picture.status;
    let mut rows: Vec<&Standing> = status
        .objects
        .iter()
        .filter(|row| is_wide || row.ready != Truth::True || !row.set_aside.is_empty())
        .collect();
    rows.sort_by_key(|row| (Reverse(Condition::of_object(row.ready, row.reason)), row.object.clone()));
    let cells: Vec<[String; 8]> = rows.iter().map(|row| object(picture, row)).collect();
    if !cells.is_empty() {
        let heading = ["OBJECT", "READY", "REASON", "PARTS", "AGE", "NEXT", "ETA", "MESSAGE"];
        let _ = write!(out, "\n{}", table(heading, &cells));
    }
}

fn object(picture: &Picture, standing: &Standing) -> [String; 8] {
    let ready = match standing.ready {
        Truth::True => "True",
        Truth::False => "False",
        Truth::Unknown => "Unknown",
    };
    let now = picture.status.at;
    let rollout = picture.status.rollouts.get(&standing.object);
    let eta = rollout.and_then(|progress| progress.eta);
    let aside: Vec<String> =
        standing.set_aside.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
    let aside = if aside.is_empty() { String::new() } else { format!(" [{}]", aside.join(", ")) };
    [
        standing.object.to_string(),
        ready.to_owned(),
        standing.reason.word().to_owned(),
        format!("{}/{}", standing.right, standing.selected),
        age(standing.since, now),
        ahead(standing.until, now),
        ahead(eta, now),
        format!("{}{aside}", cut(&standing.message)),
    ]
}

fn parts(picture: &Picture, is_wide: bool, out: &mut String) {
    let is_shown = |part: &&Part| {
        part.condition > Condition::Ready || (is_wide && part.condition == Condition::Unmanaged)
    };
    let mut rows: Vec<&Part> = picture.parts.iter().filter(is_shown).collect();
    rows.sort_by_key(|part| (Reverse(part.condition), part.since));
    let most = if is_wide { rows.len() } else { MOST };
    let cells: Vec<[String; 7]> = rows.iter().take(most).map(|part| row(part, picture.status.at)).collect();
    if cells.is_empty() {
        return;
    }
    let heading = ["NODE OR NETWORK", "NAME", "CONDITION", "REASON", "AGE", "NEXT", "MESSAGE"];
    let _ = write!(out, "\n{}", table(heading, &cells));
    if rows.len() > most {
        let _ = writeln!(out, "… and {} more: `watchkeeper status -o wide` shows all", rows.len() - most);
    }
}

fn row(part: &Part, now: Timestamp) -> [String; 7] {
    [
        harmless(&part.id),
        cut_to(&part.name, 24),
        part.condition.word().to_owned(),
        part.reason.word().to_owned(),
        age(part.since, now),
        ahead(part.until, now),
        cut(&part.message),
    ]
}

fn age(since: Timestamp, now: Timestamp) -> String {
    duration(now.duration_since(since).as_secs().max(0))
}

/// How long until then.
fn ahead(at: Option<Timestamp>, now: Timestamp) -> String {
    match at {
        None => "-".to_owned(),
        Some(at) if at <= now => "now".to_owned(),
        Some(at) => duration(at.duration_since(now).as_secs()),
    }
}

fn cut(text: &str) -> String {
    cut_to(text, MESSAGE)
}

fn cut_to(text: &str, most: usize) -> String {
    let text: String = text.chars().take(most + 1).collect();
    let text = harmless(&text);
    if text.chars().count() > most {
        format!("{}…", text.chars().take(most).collect::<String>())
    } else {
        text
    }
}
