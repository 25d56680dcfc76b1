//! The command line: one file per command. Only here and in `main.rs` may errors be `anyhow`.

pub mod client;
pub mod coverage;
pub mod events;
pub mod explain;
pub mod from_logs;
pub mod health;
pub mod install_probe;
pub mod log;
pub mod logs;
pub mod metrics;
pub mod options;
pub mod plan;
pub mod rollout;
pub mod run;
pub mod runbook;
mod shown;
pub mod simulate;
pub mod sinks;
pub mod status;
mod table;
pub mod validate;
pub mod verify;

use clap::{Parser, Subcommand};

/// Keeps the telemetry of an AWS estate converged with a folder of YAML.
#[derive(Debug, Parser)]
#[command(name = "watchkeeper", version, about, max_term_width = 110)]
pub struct Cli {
    /// How the program's own log is written.
    #[command(flatten)]
    pub log: log::LogArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check the folder: every mistake at once, with file, line and column
    Validate(validate::Args),
    /// Show what would be done and why, and what is waiting and why. Changes nothing
    Plan(plan::Args),
    /// Keep the estate as the folder says
    Run(Box<run::Args>),
    /// Where everything stands
    Status(Box<status::Args>),
    /// What is observed, and what is not and why
    Coverage(Box<coverage::Args>),
    /// What happened: from a running controller, or from the log group
    Events(Box<events::Args>),
    /// What is known of one node, network or object: from a running controller, or from the log group
    Explain(Box<explain::Args>),
    /// Read one node, network or object afresh, and say within ten seconds whether it is right
    Verify(Box<verify::Args>),
    /// How far a rollout is; pause, resume, promote, undo or retry it
    Rollout(Box<rollout::Args>),
    /// Show the events of a log group
    Logs(logs::Args),
    /// Print the runbook, or what it says of one reason
    Runbook(runbook::Args),
    /// Ask a running controller whether it lives: for container health checks
    Health(health::Args),
    /// Make, or update, the document Watchkeeper-Probe in this account and Region
    InstallProbe(install_probe::Args),
    /// Run the simulated AWS on loopback, for any AWS client
    Simulate(simulate::Args),
}

/// Runs the command, and gives its exit code.
///
/// # Errors
/// Whatever keeps the command from doing its work.
pub async fn main(cli: Cli) -> anyhow::Result<u8> {
    match cli.command {
        Command::Validate(args) => Ok(validate::main(&args)),
        // The SDK's futures are deep and large: on the heap, they nest no further.
        Command::Plan(args) => Box::pin(plan::main(args)).await,
        Command::Run(args) => Box::pin(run::main(*args)).await,
        Command::Status(args) => Box::pin(status::main(*args)).await,
        Command::Coverage(args) => Box::pin(coverage::main(*args)).await,
        Command::Runbook(args) => runbook::main(&args),
        Command::Events(args) => Box::pin(events::main(*args)).await,
        Command::Explain(args) => Box::pin(explain::main(*args)).await,
        Command::Verify(args) => Box::pin(verify::main(*args)).await,
        Command::Rollout(args) => Box::pin(rollout::main(*args)).await,
        Command::Logs(args) => Box::pin(logs::main(args)).await,
        Command::Health(args) => health::main(args).await,
        Command::InstallProbe(args) => Box::pin(install_probe::main(args)).await,
        Command::Simulate(args) => simulate::main(args).await,
    }
}

/// Prints a finished answer. A reader that has seen enough (`| head`) and closed the pipe is no mistake of ours,
/// so it changes neither the exit code nor ends in a panic, as `print!` does.
pub(crate) fn print(text: &str) {
    use std::io::Write as _;
    let mut out = std::io::stdout().lock();
    if let Err(error) = out.write_all(text.as_bytes()).and_then(|()| out.flush())
        && error.kind() != std::io::ErrorKind::BrokenPipe
    {
        tracing::error!(%error, "the answer cannot be printed");
    }
}

/// Whether people read what is printed, in a terminal that shows colours.
pub(crate) fn is_colour() -> bool {
    use std::io::IsTerminal as _;
    std::io::stdout().is_terminal() && !no_colour()
}

#[expect(
    clippy::disallowed_methods,
    reason = "NO_COLOR is the user's wish to every program: https://no-color.org"
)]
fn no_colour() -> bool {
    std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
}
