//! `--from logs`: answers from what the controllers left in the log group, for who cannot reach into the task.

use anyhow::{anyhow, bail};
use clap::Args as ClapArgs;
use jiff::SignedDuration;

use super::options::{AwsArgs, group_name, installation};
use crate::aws::Clients;
use crate::journal::{back, duration};
use crate::model::failure::Failure;
use crate::model::snapshot::Snapshot;

/// Who is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum From {
    /// The running controller
    Controller,
    /// The log group, as far as controllers got
    Logs,
}

/// The options of commands that can answer from the log group.
#[derive(Clone, Debug, ClapArgs)]
pub struct FromArgs {
    /// Who is asked: the running controller, or the log group that its events go to
    #[arg(long, value_enum, default_value_t = From::Controller, requires_if("logs", "events_group"))]
    pub from: From,
    /// With `--from logs`: the log group, as in `run --events-group`
    #[arg(long, value_name = "GROUP", value_parser = group_name)]
    pub events_group: Option<String>,
    /// With `--from logs`: the name of the Watchkeeper
    #[arg(long, default_value = "default", value_parser = installation)]
    pub installation: String,
    /// The account and Region whose events are meant.
    #[command(flatten)]
    pub aws: AwsArgs,
}

impl FromArgs {
    /// The log group, when it is asked.
    pub fn group(&self) -> Option<&str> {
        if self.from == From::Logs { self.events_group.as_deref() } else { None }
    }

    /// The last snapshot in the log group; none when the controller is to be asked.
    ///
    /// # Errors
    /// When AWS cannot be asked, or there is no snapshot.
    pub async fn latest(&self) -> anyhow::Result<Option<(Clients, Latest)>> {
        let Some(group) = self.group() else { return Ok(None) };
        let clients = self.aws.connect().await?.clients;
        let latest = latest(&clients, group, &self.installation).await?;
        Ok(Some((clients, latest)))
    }
}

/// The last snapshot that a controller left.
#[derive(Debug)]
pub struct Latest {
    /// The snapshot. When it is old, everything in it counts as unknown.
    pub snapshot: Snapshot,
    /// How long ago its pass ended.
    pub age: SignedDuration,
    /// Whether controllers should have left a newer one since.
    pub is_old: bool,
}

impl Latest {
    /// How old it is, in a sentence.
    pub fn says(&self) -> String {
        let (at, age) = (self.snapshot.picture.status.at, duration(self.age.as_secs().max(0)));
        if self.is_old {
            return format!(
                "The last snapshot is {age} old (of {at:.0}): no controller has left one since, so everything counts as Unknown."
            );
        }
        format!("From a snapshot {age} old (of {at:.0}).")
    }
}

/// The last whole snapshot in `group`, of the account and Region of the clients.
///
/// # Errors
/// When AWS refuses, does not answer, or there is no snapshot.
pub async fn latest(clients: &Clients, group: &str, installation: &str) -> anyhow::Result<Latest> {
    let found = Box::pin(back::latest(clients, group, installation)).await.map_err(failed)?;
    let Some(mut snapshot) = found else {
        bail!(
            "no controller named {installation} has left a snapshot of this account and Region in log group {group} in the last week"
        );
    };
    let age = clients.clock().now().duration_since(snapshot.picture.status.at);
    let is_old = age > snapshot.good_for();
    if is_old {
        snapshot.grow_old();
    }
    Ok(Latest { snapshot, age, is_old })
}

/// A failed call as an answer.
pub(super) fn failed(why: Failure) -> anyhow::Error {
    anyhow!("{} failed with {why}", why.call)
}
