//! `watchkeeper explain NODE|VPC|OBJECT`: everything that a running controller knows of one thing, or knew when it left
//! its last snapshot, on one screen.
//!
//! Names and outputs come from machines that may be hostile: no control character of theirs is let through.

use std::fmt::Write as _;

use anyhow::bail;
use clap::Args as ClapArgs;
use hyper::StatusCode;
use jiff::{SignedDuration, Timestamp};

use super::client::{self, Server};
use super::from_logs::{self, FromArgs};
use super::plan::Output;
use crate::aws::Clients;
use crate::journal::back::{History, Told};
use crate::journal::{duration, escaped, harmless, render};
use crate::model::explain::{Applies, Doing, Explanation, Fact, Ran};
use crate::model::snapshot::Snapshot;
use crate::model::status::Truth;

/// How many lines of one output are shown, from its end.
const LINES: usize = 12;
/// The longest line of an output, in characters.
const LINE: usize = 160;

/// From the log group: how far back events are read,
const EVENTS_SINCE: SignedDuration = SignedDuration::from_hours(24);
/// and how many of the last ones are shown.
const LAST_EVENTS: usize = 8;

/// The options of `explain`.
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// A node (its id or host name), a VPC, subnet or interface, or an object (`Kind/name` or its name)
    #[arg(value_name = "NODE|VPC|OBJECT")]
    what: String,
    #[command(flatten)]
    server: Server,
    #[command(flatten)]
    from: FromArgs,
    /// How to print it
    #[arg(short, long, value_enum, default_value_t = Output::Text)]
    output: Output,
}

/// Runs the command.
///
/// # Errors
/// When no controller answers, or it knows no such thing.
pub async fn main(args: Args) -> anyhow::Result<u8> {
    let explanation = match args.from.latest().await? {
        Some((clients, latest)) => {
            eprintln!("{}", latest.says());
            recalled(&clients, &latest.snapshot, &args).await?
        }
        None => ask(&args.server, &args.what).await?,
    };
    match args.output {
        Output::Text => super::print(&text(&explanation, super::is_colour())),
        Output::Json => super::print(&format!("{}\n", serde_json::to_string_pretty(&explanation)?)),
    }
    Ok(0)
}

async fn recalled(clients: &Clients, snapshot: &Snapshot, args: &Args) -> anyhow::Result<Explanation> {
    let mut explanation = match snapshot.explanation(&args.what) {
        Ok(explanation) => explanation.clone(),
        Err(why) => bail!("{}", harmless(&why.to_string())),
    };
    let what = explanation.subject.to_string();
    let since = snapshot.picture.status.at - EVENTS_SINCE;
    let group = args.from.group().unwrap_or_default();
    let history = History::new(clients, group, &args.from.installation, since).await;
    let mut history = history.map_err(from_logs::failed)?;
    let mut events = Vec::new();
    let looked = history.look(clients, |told| {
        if let Told::Event(event) = told
            && event.concerns(&what)
        {
            events.push(*event);
        }
        true
    });
    looked.await.map_err(from_logs::failed)?;
    explanation.events = events.split_off(events.len().saturating_sub(LAST_EVENTS));
    Ok(explanation)
}

/// What the controller at `server` knows of `what`.
///
/// # Errors
/// When no controller answers, or it knows no such thing.
pub async fn ask(server: &Server, what: &str) -> anyhow::Result<Explanation> {
    let path = format!("/v1/explain?what={}", client::encoded(what));
    let (status, told) = client::answer(server, &path).await?;
    match status {
        StatusCode::OK => Ok(serde_json::from_str(&told)?),
        StatusCode::NOT_FOUND => bail!("{}", harmless(told.trim())),
        _ => bail!("the controller answers {status}: {}", harmless(told.trim())),
    }
}

/// For people.
pub fn text(explanation: &Explanation, colour: bool) -> String {
    let Explanation { title, at, account, region, revision, .. } = explanation;
    let mut out = String::new();
    let _ = writeln!(out, "{}", harmless(title));
    let _ = writeln!(out, "{account} {region} · revision {} · {at:.0}", harmless(revision));
    section(&mut out, "APPLIES", &explanation.applies, "no document selects it", applies);
    section(&mut out, "OBSERVED", &explanation.observed, "nothing yet", fact);
    section(
        &mut out,
        "DOING",
        &explanation.doing,
        "nothing: as far as is known, all is as it should be",
        |out, doing| {
            one_doing(out, doing, *at);
        },
    );
    section(&mut out, "COMMANDS", &explanation.commands, "none lately", ran);
    section(&mut out, "EVENTS", &explanation.events, "none since the controller started", |out, event| {
        for line in render(event, colour).lines() {
            let _ = writeln!(out, "  {line}");
        }
    });
    out
}

fn section<T>(out: &mut String, name: &str, rows: &[T], none: &str, mut one: impl FnMut(&mut String, &T)) {
    let _ = writeln!(out, "\n{name}");
    if rows.is_empty() {
        let _ = writeln!(out, "  {none}");
    }
    for row in rows {
        one(out, row);
    }
}

fn applies(out: &mut String, applies: &Applies) {
    let Applies { object, at, how, management, standing } = applies;
    let _ = writeln!(out, "  {object}  {} [{management}, {}]", harmless(how), harmless(at));
    if let Some((ready, reason, message)) = standing {
        let ready = match ready {
            Truth::True => "Ready",
            Truth::False => "not Ready",
            Truth::Unknown => "not known whether Ready",
        };
        let message = if message.is_empty() { String::new() } else { format!(": {}", harmless(message)) };
        let _ = writeln!(out, "      {ready}, {reason}{message}");
    }
}

fn fact(out: &mut String, fact: &Fact) {
    let age = fact.age.map(|age| format!("  ({} ago)", duration(age))).unwrap_or_default();
    let _ = writeln!(out, "  {:<10} {}{age}", fact.what, harmless(&fact.value));
}

fn one_doing(out: &mut String, doing: &Doing, now: Timestamp) {
    let object = doing.object.as_ref().map(|object| format!("{object}  ")).unwrap_or_default();
    let _ = writeln!(out, "  {:<20} {object}{}", doing.reason.word(), harmless(&doing.message));
    for field in &doing.drift {
        let _ = writeln!(out, "      {}", harmless(field));
    }
    if let Some(until) = doing.until {
        let wait = until.duration_since(now).as_secs();
        let wait = if wait > 0 { format!("in {}", duration(wait)) } else { "with the next pass".to_owned() };
        let _ = writeln!(out, "      looked at again {wait} (at {until:.0})");
    }
    if let Some(next) = &doing.next {
        let _ = writeln!(out, "      → {next}");
    }
}

fn ran(out: &mut String, ran: &Ran) {
    let Ran { command, node, what, outcome, requested, finished, output } = ran;
    let node = node.as_ref().map(|node| format!(" on {node}")).unwrap_or_default();
    let took = finished.map(|at| format!(" after {}", duration(at.duration_since(*requested).as_secs())));
    let (what, outcome) = (harmless(what), harmless(outcome));
    let _ = writeln!(
        out,
        "  {requested:.0} {what}{node}: {outcome}{}, command {command}",
        took.unwrap_or_default()
    );
    let lines: Vec<&str> = output.lines().collect();
    for line in lines.iter().skip(lines.len().saturating_sub(LINES)) {
        let cut: String = line.chars().take(LINE).collect();
        let _ = writeln!(out, "      | {}", escaped(&cut));
    }
}
