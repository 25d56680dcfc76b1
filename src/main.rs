//! Arguments in, exit code out.

use std::process::ExitCode;

use clap::Parser as _;
use tracing_subscriber::EnvFilter;
use watchkeeper::cli::{self, Cli};

#[tokio::main]
async fn main() -> ExitCode {
    // Standard output belongs to events and answers; the program's own log goes to standard error.
    tracing_subscriber::fmt()
        .with_env_filter(
            EnvFilter::try_from_env("WATCHKEEPER_LOG")
                .unwrap_or_else(|_| EnvFilter::new("warn,watchkeeper=info")),
        )
        .with_writer(std::io::stderr)
        .with_target(false)
        .init();
    match cli::main(Cli::parse()).await {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("watchkeeper: {error:#}");
            ExitCode::FAILURE
        }
    }
}
