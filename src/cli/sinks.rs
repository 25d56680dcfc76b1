//! Options that say where events go besides standard output, and where they wait for that.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args as ClapArgs;

use super::options::group_name;
use crate::aws::Clients;
use crate::controller::Controller;
use crate::journal::Journal;
use crate::journal::group::Group;
use crate::journal::keeper::{Keeper, restore};
use crate::journal::sinks::{Folder, FolderError, Sinks, Waiting};
use crate::journal::webhook::{Format, Webhook};
use crate::model::event::Severity;
use crate::model::story::Stories;

/// How long the end of the program waits for events to be delivered. ECS kills 30 s after SIGTERM by default.
pub const FLUSHED_WITHIN: Duration = Duration::from_secs(4);
/// The smallest buffer that is of any use, in bytes.
const SMALLEST: u64 = 64 * 1024;

/// Where events go.
#[derive(Clone, Debug, ClapArgs)]
pub struct SinkArgs {
    /// Also append events to FILE, as JSON lines. It may be rotated
    #[arg(long, value_name = "FILE")]
    events_file: Option<PathBuf>,
    /// Also write events, and snapshots of the status, into this group of CloudWatch Logs, where `--from logs` reads them
    #[arg(long, value_name = "GROUP", value_parser = group_name)]
    events_group: Option<String>,
    /// Also send events to a webhook. FORMAT is slack, pagerduty or generic; the first line of FILE is its URL (for
    /// pagerduty the routing key, and a second line may be the URL). May be repeated
    #[arg(long, value_name = "FORMAT=FILE", value_parser = webhook)]
    webhook: Vec<(Format, PathBuf)>,
    /// The least severity of what webhooks are sent
    #[arg(long, default_value = "warning", value_parser = severity)]
    webhook_min_severity: Severity,
    /// The folder in which events wait for their sinks, and where it is kept what is open. One controller at a time uses
    /// it [default: a folder of the installation's name in the system's temporary folder]
    #[arg(long, value_name = "DIR")]
    buffer: Option<PathBuf>,
    /// How much may wait for each sink; then the oldest events are dropped
    #[arg(long, default_value = "64MiB", value_name = "SIZE", value_parser = size)]
    buffer_size: u64,
}

/// For whom events are delivered.
#[derive(Clone, Copy, Debug)]
pub struct For<'a> {
    /// The clients of the scope.
    pub clients: &'a Clients,
    /// The installation.
    pub installation: &'a str,
    /// For the names of streams.
    pub seed: u64,
    /// Whether the world lives only as long as this process: nothing is kept of it.
    pub is_passing: bool,
    /// Whether this process only looks: then it keeps nothing that another one would go on from.
    pub only_looks: bool,
}

impl SinkArgs {
    /// Starts the sinks of `journal`.
    ///
    /// # Errors
    /// When another controller uses the buffer.
    pub fn start(&self, journal: &Journal, of: For<'_>) -> anyhow::Result<Sinks> {
        let clock = of.clients.clock();
        let waiting = Waiting { folder: self.folder(of)?, size: self.buffer_size };
        let sinks = Sinks::new(journal.clone(), clock.clone(), waiting);
        if let Some(file) = &self.events_file {
            sinks.file(file.clone());
        }
        if let Some(group) = self.group(of) {
            sinks.group(group);
        }
        for (format, file) in &self.webhook {
            let webhook = Webhook::new(*format, file.clone(), self.webhook_min_severity);
            let webhook = webhook.context("the system's certificates cannot be read")?;
            if let Err(why) = webhook.check() {
                tracing::warn!(
                    why,
                    webhook = format.word(),
                    "nothing can be sent to it until that is corrected"
                );
            }
            sinks.webhook(webhook);
        }
        Ok(sinks)
    }

    /// The stories that an earlier process left open.
    pub async fn restored(&self, sinks: &Sinks, of: For<'_>) -> Option<Stories> {
        if of.is_passing {
            return None;
        }
        let folder = sinks.folder().map(Folder::path);
        Box::pin(restore(of.clients, of.installation, folder, self.events_group.as_deref())).await
    }

    /// Lets the controller keep what a new process goes on with.
    pub fn keep(&self, controller: Controller, sinks: &Sinks, of: For<'_>) -> Controller {
        if of.only_looks {
            return controller;
        }
        let group = self.group(of);
        controller.keeping(Keeper::new(sinks, group, of.clients.clock()))
    }

    fn group(&self, of: For<'_>) -> Option<Group> {
        let group = self.events_group.as_deref()?;
        Some(Group::new(of.clients.clone(), group, of.installation, of.seed))
    }

    fn folder(&self, of: For<'_>) -> anyhow::Result<Option<Folder>> {
        let has_sinks = self.events_file.is_some() || self.events_group.is_some() || !self.webhook.is_empty();
        if self.buffer.is_none() && !has_sinks && (of.is_passing || of.only_looks) {
            return Ok(None);
        }
        let default = || std::env::temp_dir().join(format!("watchkeeper-{}", of.installation));
        let path = self.buffer.clone().unwrap_or_else(default);
        match Folder::open(&path) {
            Ok(folder) => Ok(Some(folder)),
            Err(error @ FolderError::InUse(_)) if has_sinks || self.buffer.is_some() => Err(error.into()),
            Err(error) => {
                tracing::warn!(error = %anyhow::Error::from(error), "events wait in memory only, and what is open is not kept on disk");
                Ok(None)
            }
        }
    }
}

fn webhook(text: &str) -> Result<(Format, PathBuf), String> {
    let says =
        || "write FORMAT=FILE, such as slack=/run/secrets/slack; FORMAT is slack, pagerduty or generic";
    let (format, file) = text.split_once('=').filter(|(_, file)| !file.is_empty()).ok_or_else(says)?;
    let format = Format::ALL.into_iter().find(|one| one.word() == format).ok_or_else(says)?;
    Ok((format, PathBuf::from(file)))
}

fn severity(text: &str) -> Result<Severity, String> {
    let found = Severity::ALL.into_iter().find(|one| one.word() == text);
    found.ok_or_else(|| "one of info, warning, error and critical".to_owned())
}

fn size(text: &str) -> Result<u64, String> {
    let says =
        || format!("`{text}` is no size: write a number and a unit, such as 64MiB or 1GiB; 64KiB at least");
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    let unit: u64 = match unit {
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return Err(says()),
    };
    let size = number.parse::<u64>().ok().and_then(|number| number.checked_mul(unit));
    size.filter(|size| *size >= SMALLEST).ok_or_else(says)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_webhooks_are_read() {
        assert_eq!(size("64MiB"), Ok(64 << 20));
        for bad in ["64", "64MB", "MiB", "1KiB", "99999999999GiB"] {
            assert!(size(bad).is_err(), "{bad}");
        }
        assert_eq!(webhook("slack=/a=b"), Ok((Format::Slack, PathBuf::from("/a=b"))));
        for bad in ["https://hooks.slack.com/x", "slack=", "teams=/a"] {
            assert!(webhook(bad).is_err(), "{bad}");
        }
    }
}
