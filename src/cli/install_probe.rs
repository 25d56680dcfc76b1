//! `watchkeeper install-probe`: make, or update, the document that reads nodes.

use clap::Args as ClapArgs;

use super::options::AwsArgs;
use crate::aws::probe_document;
use crate::model::probe;

/// The options of `install-probe`.
#[derive(Debug, ClapArgs)]
pub struct Args {
    #[command(flatten)]
    aws: AwsArgs,
    /// Only print the document's content
    #[arg(long)]
    print: bool,
}

/// Runs the command.
///
/// # Errors
/// When AWS refuses.
pub async fn main(args: Args) -> anyhow::Result<u8> {
    if args.print {
        super::print(&probe::content());
        return Ok(0);
    }
    let clients = args.aws.connect().await?.clients;
    let done = probe_document::install(&clients)
        .await
        .map_err(|why| anyhow::anyhow!("{} failed with {why}", why.call))?;
    println!("{}: {done}", probe::NAME);
    Ok(0)
}
