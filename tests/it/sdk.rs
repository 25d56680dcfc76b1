//! AWS SDK configuration whose network is a simulator in process.

use aws_config::SdkConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_cloudwatchlogs::config::{BehaviorVersion, Region};
use watchkeeper::sim::Sim;
use watchkeeper::sim::connector::Connector;
use watchkeeper::sim::world::Place;

/// What every SDK client of `sim` in this account and Region is built from.
pub fn config(sim: &Sim, place: &Place) -> SdkConfig {
    let key = Place::access_key(&place.account);
    let credentials = Credentials::new(key, "secret", None, None, "simulator");
    SdkConfig::builder()
        .http_client(Connector::new(sim.clone()))
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new(place.region.clone()))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build()
}
