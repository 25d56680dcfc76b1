//! `watchkeeper simulate`: the simulated AWS on loopback.

use anyhow::Context as _;
use clap::Args as ClapArgs;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::options::{SimArgs, install_probe, loopback};
use crate::sim::server;
use crate::sim::wire::Service;
use crate::sim::world::{DEFAULT_ACCOUNT, DEFAULT_REGION, Place};

/// The options of `simulate`.
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// Where to listen; loopback only
    #[arg(long, default_value = "127.0.0.1:4566")]
    listen: String,
    #[command(flatten)]
    simulation: SimArgs,
    /// Only list the operations that the simulator has
    #[arg(long)]
    list_operations: bool,
}

/// A line `service Operation` for each.
fn operations() -> String {
    let of = |service: Service| {
        service.operations().iter().map(move |operation| format!("{} {}\n", service.name(), operation.name))
    };
    Service::ALL.into_iter().flat_map(of).collect()
}

/// Runs the command.
///
/// # Errors
/// When the address cannot be listened on.
pub async fn main(args: Args) -> anyhow::Result<u8> {
    if args.list_operations {
        super::print(&operations());
        return Ok(0);
    }
    let address = loopback(&args.listen)?;
    let listener =
        TcpListener::bind(address).await.with_context(|| format!("{address} cannot be listened on"))?;
    let sim = args.simulation.start();
    install_probe(&sim);
    println!("A simulated AWS listens on http://{address}. In another terminal:\n");
    println!("  export AWS_ENDPOINT_URL=http://{address} AWS_REGION={DEFAULT_REGION}");
    println!("  export AWS_ACCESS_KEY_ID={} AWS_SECRET_ACCESS_KEY=any", Place::access_key(DEFAULT_ACCOUNT));
    println!("  aws ssm describe-instance-information");
    println!("  watchkeeper run --sim=http://{address} --until-ready\n");
    println!("Simulated time passes {} times as fast as yours. Ctrl-C ends it.", args.simulation.speed);
    let stop = CancellationToken::new();
    let ended = stop.clone();
    tokio::spawn(async move {
        // Without the signal there is nothing to end early.
        if tokio::signal::ctrl_c().await.is_ok() {
            ended.cancel();
        }
    });
    server::serve(sim, listener, stop).await?;
    Ok(0)
}
