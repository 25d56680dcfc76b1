//! `watchkeeper rollout …`: what a person says to a rollout, and how far it is.
//!
//! An order is written into the object's parameter, where the controller finds it with its next pass: it needs no
//! running controller, and a restart does not lose it.

mod desk;
mod show;

use std::path::PathBuf;

use anyhow::bail;
use clap::{Args as ClapArgs, Subcommand};

use super::client::Server;
use super::options::{AwsArgs, installation};
use super::plan::Output;
use crate::model::rollout::Order;
use crate::model::rules::Rules;

pub use desk::{Desk, Done};
pub use show::{Shown, text};

/// The options of `rollout`.
#[derive(Debug, ClapArgs)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// How far it is, why it is halted, and what is not tried again
    Status(StatusArgs),
    /// Let no further node begin
    Pause(OrderArgs),
    /// Let further nodes begin again
    Resume(OrderArgs),
    /// Let the release go to all nodes, without waves and bakes
    Promote(OrderArgs),
    /// Go back to the release before, and do not try this one again
    Undo(OrderArgs),
    /// Try a release again that was rejected
    Retry(OrderArgs),
}

#[derive(Debug, ClapArgs)]
struct OrderArgs {
    /// The `CloudWatchAgent`, by its name
    name: String,
    /// The folder of desired state: it says which release is meant
    #[arg(long, default_value = "desired-state")]
    folder: PathBuf,
    /// The name of the Watchkeeper whose rollout it is
    #[arg(long, default_value = "default", value_parser = installation)]
    installation: String,
    #[command(flatten)]
    aws: AwsArgs,
    /// How to print it
    #[arg(short, long, value_enum, default_value_t = Output::Text)]
    output: Output,
}

#[derive(Debug, ClapArgs)]
struct StatusArgs {
    #[command(flatten)]
    of: OrderArgs,
    #[command(flatten)]
    server: Server,
}

/// Runs the command.
///
/// # Errors
/// When the order makes no sense, or AWS cannot be read or written.
pub async fn main(args: Args) -> anyhow::Result<u8> {
    let (order, args) = match args.command {
        Command::Status(args) => return show::main(&args).await,
        Command::Pause(args) => (Order::Pause, args),
        Command::Resume(args) => (Order::Resume, args),
        Command::Promote(args) => (Order::Promote, args),
        Command::Undo(args) => (Order::Undo, args),
        Command::Retry(args) => (Order::Retry, args),
    };
    let desk = args.desk().await?;
    let done = desk.give(order).await?;
    match args.output {
        Output::Text => super::print(&done.to_string()),
        Output::Json => super::print(&format!("{}\n", serde_json::to_string_pretty(&done)?)),
    }
    Ok(0)
}

impl OrderArgs {
    async fn desk(&self) -> anyhow::Result<Desk> {
        if self.aws.sim.as_deref() == Some("") {
            bail!("a simulated AWS that has just begun has no rollouts: name a running one with --sim=URL");
        }
        let desired = desk::folder(&self.folder).await;
        let rules = if self.aws.is_simulated() {
            Rules::for_simulator(&self.installation)
        } else {
            Rules::new(&self.installation)
        };
        Desk::new(self.aws.connect().await?.clients, rules, desired, &self.name)
    }
}
