//! `watchkeeper health`: does the controller in this container live?

use clap::Args as ClapArgs;

use super::client;

/// The options of `health`.
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// The running controller
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    server: String,
}

/// Runs the command: exit code 0 when it lives, 1 when it does not.
///
/// # Errors
/// When nobody answers, or with bad news.
pub async fn main(args: Args) -> anyhow::Result<u8> {
    print!("{}", client::get(&args.server, "/healthz").await?);
    Ok(0)
}
