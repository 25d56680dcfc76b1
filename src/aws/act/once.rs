//! Calls that AWS does twice when they are sent twice.
//!
//! `SendCommand` and an overwriting `PutParameter` take no client token. The SDK would send them again after a
//! lost reply or a server error, when AWS may have carried them out. So the SDK's retries are off for them, and
//! only a refusal for sending too much, which surely did nothing, is tried again here.

use std::time::Duration;

use aws_smithy_types::retry::RetryConfig;

use crate::aws::connect::Clients;
use crate::model::failure::{Class, Failure};

/// As many as the SDK makes for other calls.
const ATTEMPTS: u32 = 3;
/// The first wait, doubled each time. The budget has slowed down as well by then.
const FIRST_WAIT: Duration = Duration::from_secs(1);

/// The SSM configuration for one call that must not be repeated by the SDK.
pub(super) fn no_retries() -> aws_sdk_ssm::config::Builder {
    aws_sdk_ssm::config::Builder::new().retry_config(RetryConfig::disabled())
}

/// Sends until it is not refused for sending too much.
pub(super) async fn until_admitted<T, F>(clients: &Clients, send: impl Fn() -> F) -> Result<T, Failure>
where
    F: Future<Output = Result<T, Failure>>,
{
    let mut wait = FIRST_WAIT;
    for _ in 1..ATTEMPTS {
        match send().await {
            Err(failure) if failure.class == Class::Throttled => clients.clock().sleep(wait).await,
            other => return other,
        }
        wait *= 2;
    }
    send().await
}
