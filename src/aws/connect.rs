//! The clients of one scope: one account in one Region.
//!
//! All of them are built from one `SdkConfig` and run on our [`Clock`]: what the SDK waits for and what time it
//! believes it is. This module must not call AWS for facts or changes; it only makes that possible.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use aws_config::identity::IdentityCache;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_sdk_ssm::config::StalledStreamProtectionConfig;
use aws_sdk_ssm::config::retry::RetryPartition;
use aws_sdk_ssm::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_async::rt::sleep::{AsyncSleep, Sleep};
use aws_smithy_async::time::TimeSource;
use aws_smithy_runtime_api::client::http::HttpClient;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;

use super::apis::Api;
use super::budget::Budget;
use super::error::failure;
use super::meter::{CallCounts, Meter};
use crate::clock::Clock;
use crate::model::failure::{Class, Failure};
use crate::model::observed::Identity;

/// A connection to AWS stands within this, or the network is broken. The SDK's own default is 3.1 s.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// The slowest calls that we make, large EC2 pages, begin to answer in a few seconds. The SDK has no default.
const READ_TIMEOUT: Duration = Duration::from_secs(20);
/// One attempt: a little more than the reply's beginning, for its end.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(25);
/// All attempts of a call: two that time out and the waits between. A pass must go on without it then.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(60);
/// Attempts that the SDK makes, the first one included.
const ATTEMPTS: u32 = 3;

/// What can be chosen besides what the environment says, as with every AWS tool.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The profile of the shared configuration files; else `AWS_PROFILE`.
    pub profile: Option<String>,
    /// The Region; else `AWS_REGION`, the profile's, or the instance's own.
    pub region: Option<String>,
    /// Where AWS is; else `AWS_ENDPOINT_URL`, or the Region's own.
    pub endpoint_url: Option<String>,
}

/// Why there is nothing to talk to AWS with.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// No Region is set anywhere.
    #[error("no AWS Region is set: pass --region, set AWS_REGION, or give the profile a `region`")]
    NoRegion,
    /// No usable credentials are anywhere.
    #[error(
        "no AWS credentials are usable: set AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, \
         sign in with `aws sso login`, or run where a role is attached"
    )]
    NoCredentials(#[source] Box<dyn Error + Send + Sync>),
}

/// The clients of one scope. Cheap to clone; all clones share one budget.
#[derive(Clone, Debug)]
pub struct Clients {
    pub(super) ssm: aws_sdk_ssm::Client,
    pub(super) ec2: aws_sdk_ec2::Client,
    pub(super) logs: aws_sdk_cloudwatchlogs::Client,
    pub(super) cloudwatch: aws_sdk_cloudwatch::Client,
    pub(super) iam: aws_sdk_iam::Client,
    pub(super) sts: aws_sdk_sts::Client,
    pub(super) budget: Budget,
    clock: Clock,
    region: Arc<str>,
    counts: CallCounts,
    /// Who we are, once AWS has said so: a scope's credentials never change their account.
    identity: Arc<Mutex<Option<Identity>>>,
}

/// The clients that the environment describes: profiles, Region, credentials, endpoint, as the SDK finds them.
///
/// # Errors
/// When no Region is set, or when no credentials can be had at all.
pub async fn from_environment(clock: &Clock, options: Options) -> Result<Clients, ConnectError> {
    let mut loader = aws_config::defaults(behavior()).sleep_impl(clock.clone()).time_source(clock.clone());
    if let Some(profile) = options.profile {
        loader = loader.profile_name(profile);
    }
    if let Some(region) = options.region {
        loader = loader.region(Region::new(region));
    }
    if let Some(endpoint) = options.endpoint_url {
        loader = loader.endpoint_url(endpoint);
    }
    let found = loader.load().await;
    let region = found.region().ok_or(ConnectError::NoRegion)?.as_ref().to_owned();
    check_credentials(&found).await?;
    Ok(Clients::new(&settled(found, clock), clock, &region, &region))
}

/// Clients over `http`, with credentials that are good for nothing else: for the simulator and for tests.
///
/// `access_key` is how a simulator knows the account. `partition` names the SDK's retry partition: whoever
/// shares it shares the SDK's retry allowance.
pub fn with_http(
    http: impl HttpClient + 'static,
    clock: &Clock,
    access_key: &str,
    region: &str,
    partition: &str,
) -> Clients {
    let credentials = Credentials::new(access_key, "simulated", None, None, "watchkeeper");
    let config = SdkConfig::builder()
        .behavior_version(behavior())
        .region(Region::new(region.to_owned()))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(http)
        .build();
    Clients::new(&settled(config, clock), clock, region, partition)
}

/// Clients of whoever speaks AWS at `endpoint_url`, with credentials that are good for nothing else: for a
/// simulator on loopback. `access_key` is how it knows the account.
pub fn at_endpoint(clock: &Clock, endpoint_url: &str, access_key: &str, region: &str) -> Clients {
    let credentials = Credentials::new(access_key, "simulated", None, None, "watchkeeper");
    let config = SdkConfig::builder()
        .behavior_version(behavior())
        .region(Region::new(region.to_owned()))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .endpoint_url(endpoint_url)
        .build();
    Clients::new(&settled(config, clock), clock, region, endpoint_url)
}

/// Pinned, so that a newer SDK cannot change what retries and timeouts mean.
fn behavior() -> BehaviorVersion {
    BehaviorVersion::v2026_01_12()
}

async fn check_credentials(config: &SdkConfig) -> Result<(), ConnectError> {
    let Some(provider) = config.credentials_provider() else {
        return Err(ConnectError::NoCredentials("no provider is configured".into()));
    };
    provider.provide_credentials().await.map(drop).map_err(|why| ConnectError::NoCredentials(why.into()))
}

/// What every configuration has in common, wherever its credentials come from.
fn settled(config: SdkConfig, clock: &Clock) -> SdkConfig {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(READ_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .operation_timeout(OPERATION_TIMEOUT)
        .build();
    config
        .into_builder()
        .sleep_impl(clock.clone())
        .time_source(clock.clone())
        .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
        .timeout_config(timeouts)
        // It guards large streams; ours are small and in memory, and have the timeouts above. In process, where
        // nothing polls a request's body, it would take every slow reply for a stalled upload.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        // The SDK's cache holds 64 identities and is shared by whoever shares it: one of our own.
        .identity_cache(IdentityCache::lazy().build())
        .build()
}

impl Clients {
    fn new(config: &SdkConfig, clock: &Clock, region: &str, partition: &str) -> Self {
        let budget = Budget::new(clock);
        let counts = CallCounts::default();
        let meter = Meter { counts: counts.clone(), budget: budget.clone() };
        // The SDK's retry allowance is process-wide by default, so that one throttled account would starve the others.
        let partition = |service: &str| RetryPartition::custom(format!("{partition}/{service}")).build();
        macro_rules! client {
            ($sdk:ident) => {
                $sdk::Client::from_conf(
                    $sdk::config::Builder::from(config)
                        .retry_partition(partition(stringify!($sdk)))
                        .interceptor(meter.clone())
                        .build(),
                )
            };
        }
        Self {
            ssm: client!(aws_sdk_ssm),
            ec2: client!(aws_sdk_ec2),
            logs: client!(aws_sdk_cloudwatchlogs),
            cloudwatch: client!(aws_sdk_cloudwatch),
            iam: client!(aws_sdk_iam),
            sts: client!(aws_sdk_sts),
            budget,
            clock: clock.clone(),
            region: region.into(),
            counts,
            identity: Arc::default(),
        }
    }

    /// The clock that these clients run on.
    pub const fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The Region, such as `us-east-1`.
    pub const fn region(&self) -> &Arc<str> {
        &self.region
    }

    /// What was sent so far, the SDK's own retries included.
    pub const fn counts(&self) -> &CallCounts {
        &self.counts
    }

    /// The calls per second that are allowed at present, by call.
    pub fn rates(&self) -> BTreeMap<&'static str, f64> {
        self.budget.rates()
    }

    /// Makes one call within the budget.
    pub(super) async fn call<T, E>(
        &self,
        api: Api,
        reply: impl Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    ) -> Result<T, Failure>
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        self.budget.admit(api).await;
        reply.await.map_err(|error| {
            let failure = failure(api.call, &error);
            say(&failure);
            failure
        })
    }

    /// Who we are, if AWS was asked already.
    pub(super) fn known_identity(&self) -> Option<Identity> {
        self.identity.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Remembers who we are.
    pub(super) fn remember_identity(&self, identity: &Identity) {
        *self.identity.lock().unwrap_or_else(PoisonError::into_inner) = Some(identity.clone());
    }
}

/// Logs a failed call. What happens in every healthy day, such as a thing that is not there yet, is for those who ask.
fn say(failure: &Failure) {
    let Failure { class, code, message, call, request_id } = failure;
    let request_id = request_id.as_deref().unwrap_or("none");
    match class {
        Class::Denied | Class::Invalid | Class::Quota | Class::Ambiguous => {
            tracing::warn!(%call, %code, %request_id, "AWS call failed: {message}");
        }
        Class::Throttled | Class::NotFound | Class::Exists | Class::Conflict | Class::NotReady => {
            tracing::debug!(%call, %code, %request_id, "AWS call failed: {message}");
        }
    }
}

impl AsyncSleep for Clock {
    fn sleep(&self, duration: Duration) -> Sleep {
        let clock = self.clone();
        Sleep::new(async move { Self::sleep(&clock, duration).await })
    }
}

impl TimeSource for Clock {
    fn now(&self) -> SystemTime {
        SystemTime::from(Self::now(self))
    }
}
