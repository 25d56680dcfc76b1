//! The real AWS SDK against a simulated AWS.

use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_ec2::error::ProvideErrorMetadata;
use aws_smithy_types::retry::RetryConfig;
use watchkeeper::clock::Clock;
use watchkeeper::sim::Sim;
use watchkeeper::sim::connector::Connector;
use watchkeeper::sim::world::{DEFAULT_REGION, Place, World};

/// The account that tests live in.
pub const ACCOUNT: &str = "111122223333";

/// An empty world that is never throttled, on tokio's clock.
pub fn sim() -> Sim {
    let epoch = "2026-01-01T00:00:00Z".parse().expect("a timestamp");
    let mut world = World::new(1, epoch);
    world.settings.throttling = false;
    Sim::new(world, Clock::pretended(epoch, 1.0))
}

/// Callers of `account`, in process, who try once.
pub fn config(sim: &Sim, account: &str) -> SdkConfig {
    let place = Place { account: account.to_owned(), region: DEFAULT_REGION.to_owned() };
    over(&place, Connector::new(sim.clone()), RetryConfig::disabled())
}

/// Callers from `place`, in process, who try again as the SDK does.
pub fn config_at(sim: &Sim, place: &Place) -> SdkConfig {
    over(place, Connector::new(sim.clone()), RetryConfig::standard())
}

/// Callers of `account`, over a socket, who try once.
pub fn config_to(endpoint_url: &str, account: &str) -> SdkConfig {
    let place = Place { account: account.to_owned(), region: DEFAULT_REGION.to_owned() };
    let mut config = bare(&place, RetryConfig::disabled()).into_builder();
    config.set_endpoint_url(Some(endpoint_url.to_owned()));
    config.build()
}

fn over(place: &Place, http: Connector, retries: RetryConfig) -> SdkConfig {
    bare(place, retries).into_builder().http_client(http).build()
}

fn bare(place: &Place, retries: RetryConfig) -> SdkConfig {
    let credentials = Credentials::new(Place::access_key(&place.account), "secret", None, None, "simulator");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .region(Region::new(place.region.clone()))
        .retry_config(retries)
        .build()
}

/// Lets simulated time pass. Needs a paused tokio clock, so that nobody waits.
pub async fn pass(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

/// The code that a call failed with.
pub fn code<T: std::fmt::Debug, E: ProvideErrorMetadata + std::fmt::Debug>(outcome: Result<T, E>) -> String {
    outcome.expect_err("an error").code().unwrap_or_default().to_owned()
}
