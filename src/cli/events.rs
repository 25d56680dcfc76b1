//! `watchkeeper events`: what happened.

use std::fmt::Write as _;

use anyhow::Context as _;
use clap::Args as ClapArgs;
use jiff::SignedDuration;

use super::client::{self, Server};
use super::options::duration;
use crate::journal::render;
use crate::model::event::Event;
use crate::model::status::Status;

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
    let path = path(&args).await?;
    let is_json = args.output == super::plan::Output::Json;
    client::lines(&args.server, &path, |line| {
        use std::io::Write as _;
        let text = match serde_json::from_str::<Event>(line) {
            Ok(event) if !is_json => render(&event, colour),
            _ => line.to_owned(),
        };
        // A closed pipe (`| head`) ends the command without fuss.
        writeln!(std::io::stdout().lock(), "{text}").is_ok()
    })
    .await
    .context(client::NO_CONTROLLER)?;
    Ok(0)
}

async fn path(args: &Args) -> anyhow::Result<String> {
    let mut path = format!("/v1/events?follow={}", args.follow);
    if let Some(since) = args.since {
        // The controller's own time counts: a simulated one runs faster.
        let status: Status = serde_json::from_str(
            &client::get(&args.server, "/v1/status").await.context(client::NO_CONTROLLER)?,
        )?;
        let _ = write!(path, "&since={}", client::encoded(&(status.at - since).to_string()));
    }
    if let Some(what) = &args.concerning {
        let _ = write!(path, "&for={}", client::encoded(what));
    }
    Ok(path)
}
