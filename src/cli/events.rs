//! `watchkeeper events`: what happened, as a running controller tells it, or the log group, which outlives it.

use std::fmt::Write as _;
use std::io::Write;
use std::time::Duration;

use clap::Args as ClapArgs;
use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;

use super::client::{self, Server};
use super::from_logs;
use super::from_logs::FromArgs;
use super::options::duration;
use crate::aws::Clients;
use crate::journal::back::{History, Told};
use crate::journal::{Gap, harmless, render};
use crate::model::event::Event;
use crate::model::failure::Class;
use crate::model::status::Status;

/// How often `-f --from logs` looks for new events.
const POLL: Duration = Duration::from_secs(5);
/// How far back `--from logs` goes where `--since` does not say.
const BACK: SignedDuration = SignedDuration::from_hours(2);

/// The options of `events`.
#[derive(Debug, ClapArgs)]
pub struct Args {
    #[command(flatten)]
    server: Server,
    /// Go on with new events as they come
    #[arg(short, long)]
    follow: bool,
    /// Only those of the last while, such as 2h
    #[arg(long, value_parser = duration)]
    since: Option<SignedDuration>,
    /// Only those that concern this object (Kind/name), node or network
    #[arg(long = "for", value_name = "OBJECT|NODE|VPC")]
    concerning: Option<String>,
    #[command(flatten)]
    from: FromArgs,
    /// How to print them
    #[arg(short, long, value_enum, default_value_t = super::plan::Output::Text)]
    output: super::plan::Output,
}

/// Runs the command.
///
/// # Errors
/// When no controller answers.
pub async fn main(args: Args) -> anyhow::Result<u8> {
    let colour = super::is_colour();
    if let Some(group) = args.from.group() {
        let clients = args.from.aws.connect().await?.clients;
        let asked = Asked {
            group: group.to_owned(),
            installation: args.from.installation,
            since: clients.clock().now() - args.since.unwrap_or(BACK),
            concerning: args.concerning,
            follow: args.follow,
            output: args.output,
            colour,
        };
        let stop = stop_on_ctrl_c();
        let printed = Box::pin(recall(&clients, &asked, &mut std::io::stdout(), &stop)).await?;
        none(printed, asked.concerning.as_deref());
        return Ok(0);
    }
    let path = path(&args).await?;
    let is_json = args.output == super::plan::Output::Json;
    let (mut days, mut printed) = (Days::default(), 0_usize);
    client::lines(&args.server, &path, |line| {
        printed += 1;
        let text = match serde_json::from_str::<Event>(line) {
            Ok(event) if !is_json => format!("{}{}", days.heading(event.time), render(&event, colour)),
            _ => line.to_owned(),
        };
        // A closed pipe (`| head`) ends the command without fuss.
        writeln!(std::io::stdout().lock(), "{text}").is_ok()
    })
    .await?;
    none(printed, args.concerning.as_deref());
    Ok(0)
}

/// Says that there were none: nothing happened, or the name is mistyped.
fn none(printed: usize, concerning: Option<&str>) {
    match concerning {
        _ if printed > 0 => {}
        Some(what) => eprintln!("No events that concern {}.", harmless(what)),
        None => eprintln!("No events."),
    }
}

/// Which events of the log group.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The log group.
    pub group: String,
    /// The name of the Watchkeeper.
    pub installation: String,
    /// Not older than this.
    pub since: Timestamp,
    /// Only those that concern this object, node or network.
    pub concerning: Option<String>,
    /// Go on with new ones as they come.
    pub follow: bool,
    /// How to print them.
    pub output: super::plan::Output,
    /// Whether lines for people are in colour.
    pub colour: bool,
}

/// Prints the events in a log group, of all streams by time; with `follow`, until `stop`. How many they were.
///
/// # Errors
/// When AWS refuses, or does not answer.
pub async fn recall(
    clients: &Clients,
    asked: &Asked,
    out: &mut (impl Write + Send),
    stop: &CancellationToken,
) -> anyhow::Result<usize> {
    let history = History::new(clients, &asked.group, &asked.installation, asked.since).await;
    let mut history = history.map_err(from_logs::failed)?;
    let (mut printed, mut days) = (0, Days::default());
    loop {
        let look = history.look(clients, |told| match line(&told, asked) {
            // A closed pipe (`| head`) ends the command without fuss.
            Some(line) => {
                printed += 1;
                let heading = match (&told, asked.output) {
                    (Told::Event(event), super::plan::Output::Text) => days.heading(event.time),
                    _ => String::new(),
                };
                writeln!(out, "{heading}{line}").is_ok()
            }
            None => true,
        });
        let looked = tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(printed),
            looked = look => looked,
        };
        match looked {
            Ok(true) => {}
            Ok(false) => return Ok(printed),
            Err(why) if asked.follow && why.class != Class::Denied => {
                tracing::warn!(%why, "tried again in a moment");
            }
            Err(why) => return Err(from_logs::failed(why)),
        }
        if !asked.follow {
            return Ok(printed);
        }
        // What is there is shown at once; that it cannot be is noticed with the next line.
        let _ = out.flush();
        tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(printed),
            () = clients.clock().sleep(POLL) => {}
        }
    }
}

fn line(told: &Told, asked: &Asked) -> Option<String> {
    let is_meant = |event: &Event| asked.concerning.as_deref().is_none_or(|what| event.concerns(what));
    match (told, asked.output) {
        (Told::Event(event), _) if !is_meant(event) => None,
        (Told::Event(event), super::plan::Output::Text) => Some(render(event, asked.colour)),
        (Told::Event(event), super::plan::Output::Json) => serde_json::to_string(event).ok(),
        (Told::Gap(gap), super::plan::Output::Text) => {
            let time = gap.time.strftime("%H:%M:%S");
            Some(format!(
                "{time} ! {} events are missing here: they were dropped before they could be delivered",
                gap.events
            ))
        }
        (Told::Gap(gap), super::plan::Output::Json) => {
            serde_json::to_string(&Gap { dropped: gap.clone() }).ok()
        }
    }
}

/// Which day it is: lines for people have times only.
#[derive(Debug, Default)]
struct Days(Option<jiff::civil::Date>);

impl Days {
    /// A line of its own when another day begins at `time`; else nothing.
    fn heading(&mut self, time: Timestamp) -> String {
        let day = time.to_zoned(jiff::tz::TimeZone::UTC).date();
        if self.0.replace(day) == Some(day) { String::new() } else { format!("— {day}, UTC —\n") }
    }
}

fn stop_on_ctrl_c() -> CancellationToken {
    let stop = CancellationToken::new();
    let asked_to_stop = stop.clone();
    tokio::spawn(async move {
        // Without the signal there is nothing to end early.
        if tokio::signal::ctrl_c().await.is_ok() {
            asked_to_stop.cancel();
        }
    });
    stop
}

async fn path(args: &Args) -> anyhow::Result<String> {
    let mut path = format!("/v1/events?follow={}", args.follow);
    if let Some(since) = args.since {
        // The controller's own time counts: a simulated one runs faster.
        let status: Status = serde_json::from_str(&client::get(&args.server, "/v1/status").await?)?;
        let _ = write!(path, "&since={}", client::encoded(&(status.at - since).to_string()));
    }
    if let Some(what) = &args.concerning {
        let _ = write!(path, "&for={}", client::encoded(what));
    }
    Ok(path)
}
