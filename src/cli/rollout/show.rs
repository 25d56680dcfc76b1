//! `watchkeeper rollout status`: how far it is, from the running controller; what is kept, from the parameter.

use std::fmt::Write as _;

use anyhow::bail;
use serde::Serialize;

use super::StatusArgs;
use super::desk::{Desk, Kept};
use crate::cli::client::{self, Server};
use crate::cli::plan::Output;
use crate::journal::harmless;
use crate::model::desired::ObjectRef;
use crate::model::rollout::{Origin, Phase, Progress, Rejected, Release, State};
use crate::model::status::Status;

/// Everything that is known of one rollout.
#[derive(Clone, Debug, Serialize)]
pub struct Shown {
    /// The object.
    pub object: ObjectRef,
    /// What the document asks for, as far as that is known.
    pub wanted: Option<String>,
    /// How far it is; none: no running controller could tell.
    pub progress: Option<Progress>,
    /// What is kept; none: nothing yet, or it could not be read.
    pub kept: Option<State>,
    /// What could not be found out, and why.
    pub unknown: Vec<String>,
}

/// Runs the command.
pub(super) async fn main(args: &StatusArgs) -> anyhow::Result<u8> {
    let desk = args.of.desk().await?;
    let shown = Shown::of(&desk, controller(&args.server).await, desk.read().await)?;
    match args.of.output {
        Output::Text => crate::cli::print(&text(&shown)),
        Output::Json => crate::cli::print(&format!("{}\n", serde_json::to_string_pretty(&shown)?)),
    }
    Ok(0)
}

async fn controller(server: &Server) -> anyhow::Result<Status> {
    Ok(serde_json::from_str(&client::get(server, "/v1/status").await?)?)
}

impl Shown {
    /// What the controller and the parameter say together.
    ///
    /// # Errors
    /// When neither says anything.
    pub fn of(
        desk: &Desk,
        controller: anyhow::Result<Status>,
        kept: anyhow::Result<Kept>,
    ) -> anyhow::Result<Self> {
        let mut unknown = Vec::new();
        let progress = match &controller {
            Ok(status) => status.rollouts.get(&desk.object).cloned(),
            Err(why) => {
                unknown.push(format!("how far it is: no running controller could be asked ({why:#})"));
                None
            }
        };
        let mut wanted = None;
        let state = match kept {
            Ok(Kept { state, wanted: resolved, .. }) => {
                match resolved {
                    Ok(release) => wanted = Some(release.shown()),
                    Err(why) => unknown.push(format!("what the document asks for: {why}")),
                }
                state
            }
            Err(why) if controller.is_err() => bail!("{why:#}"),
            Err(why) => {
                unknown.push(format!("what is kept: {why:#}"));
                None
            }
        };
        Ok(Self { object: desk.object.clone(), wanted, progress, kept: state, unknown })
    }
}

/// For people.
pub fn text(shown: &Shown) -> String {
    let mut out = String::new();
    let nothing = State::default();
    let kept = shown.kept.as_ref().unwrap_or(&nothing);
    let _ = writeln!(out, "{} · {}", shown.object, headline(shown, kept));
    let mut row = |name: &str, value: &str| {
        let _ = writeln!(out, "  {name:<10} {}", harmless(value));
    };
    let asked = shown.progress.as_ref().map(|progress| progress.release.as_str());
    row("release", asked.or(shown.wanted.as_deref()).unwrap_or("not known"));
    let stable = kept.stable.as_ref().map(Release::shown);
    let stable = stable.or_else(|| shown.progress.as_ref()?.stable.clone());
    row("stable", stable.as_deref().unwrap_or("none yet"));
    if let Some(previous) = &kept.previous {
        row("before", &previous.shown());
    }
    if let Some(progress) = &shown.progress {
        for (name, value) in rows(progress) {
            row(name, &value);
        }
    }
    for what in &shown.unknown {
        row("unknown", what);
    }
    for rejected in &kept.rejected {
        row("rejected", &rejection(rejected));
        for line in rejected.output.lines() {
            row("", &format!("| {line}"));
        }
    }
    out
}

fn headline(shown: &Shown, kept: &State) -> String {
    let mut words = Vec::new();
    match &shown.progress {
        Some(progress) => words.push(format!("{:?}", progress.phase)),
        None if shown.kept.is_none() => words.push("nothing is kept of it yet".to_owned()),
        None => {}
    }
    let is_said = shown.progress.as_ref().is_some_and(|progress| progress.phase == Phase::Paused);
    if kept.paused && !is_said {
        words.push("paused by a person".to_owned());
    }
    if kept.promoted.is_some() {
        words.push("promoted by a person".to_owned());
    }
    if let Some(at) = kept.retried {
        words.push(format!("retried at {at:.0}"));
    }
    if words.is_empty() { "at rest, as far as is kept".to_owned() } else { words.join(", ") }
}

/// How far it is, as names and values.
fn rows(progress: &Progress) -> Vec<(&'static str, String)> {
    let Progress { stage: (stage, of), limit, total, touched, healthy, baking, failed, tolerated, .. } =
        progress;
    let mut rows = Vec::new();
    if *of > 0 {
        let counts = format!(
            "{stage} of {of}: {touched} of {limit} nodes have it (of {total} in all), {healthy} healthy, {baking} baking, {failed} failed ({tolerated} are borne)"
        );
        rows.push(("stage", counts));
    }
    if let Some(eta) = progress.eta {
        rows.push(("through", format!("at about {eta:.0}")));
    }
    if let Some(why) = &progress.why {
        rows.push(("why", why.to_string()));
    }
    rows
}

fn rejection(rejected: &Rejected) -> String {
    let by = match rejected.by {
        Origin::Health => "by what was seen",
        Origin::Alarm => "by an alarm",
        Origin::Person => "by a person",
    };
    let version = rejected.version.iter().map(|version| format!("agent {version}"));
    let configs = rejected.configs.iter().map(|(name, sha256)| format!("{name} {sha256}…"));
    let what = version.chain(configs).collect::<Vec<_>>().join(", ");
    let why = if rejected.why.is_empty() { String::new() } else { format!(": {}", rejected.why) };
    let node = rejected.node.iter().map(|node| format!("; first on {node}"));
    let command = rejected.command.iter().map(|command| format!(", command {command}"));
    let shown_by: String = node.chain(command).collect();
    format!("{what} at {:.0} {by}{why}{shown_by}", rejected.at)
}
