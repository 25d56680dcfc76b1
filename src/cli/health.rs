//! `watchkeeper health`: does the controller in this container live?

use clap::Args as ClapArgs;

use super::client::{self, Server};

/// The options of `health`.
#[derive(Debug, ClapArgs)]
pub struct Args {
    #[command(flatten)]
    server: Server,
}

/// Runs the command: exit code 0 when it lives, 1 when it does not.
///
/// # Errors
/// When nobody answers, or with bad news.
pub async fn main(args: Args) -> anyhow::Result<u8> {
    super::print(&client::get(&args.server, "/healthz").await?);
    Ok(0)
}
