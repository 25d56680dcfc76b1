//! Arguments in, exit code out.

use std::process::ExitCode;

use clap::Parser as _;
use watchkeeper::cli::{self, Cli};

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    cli.log.begin();
    match cli::main(cli).await {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("watchkeeper: {error:#}");
            ExitCode::FAILURE
        }
    }
}
