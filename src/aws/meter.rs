//! Counts every attempt that the SDK makes, its own retries included, and tells the budget of refusals.
//!
//! It sits inside the SDK, as an interceptor, because what the SDK retries in silence still spends the account's
//! quota. It changes nothing on the way.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::FinalizerInterceptorContextRef;
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

use super::budget::Budget;
use super::error;

/// What became of one attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sent {
    /// AWS did it.
    Ok,
    /// AWS refused it because there were too many.
    Throttled,
    /// Anything else, no reply included.
    Error,
}

/// How many attempts there were, by call (such as `ssm:SendCommand`) and by what became of them.
pub type Counts = BTreeMap<(String, Sent), u64>;

/// The counts of one scope. Cheap to clone; all clones are the same one.
#[derive(Clone, Debug, Default)]
pub struct CallCounts(Arc<Mutex<Counts>>);

impl CallCounts {
    /// All counts so far.
    pub fn read(&self) -> Counts {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn add(&self, call: String, sent: Sent) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry((call, sent)).or_default() += 1;
    }
}

/// The interceptor.
#[derive(Clone, Debug)]
pub(super) struct Meter {
    pub counts: CallCounts,
    pub budget: Budget,
}

impl Intercept for Meter {
    fn name(&self) -> &'static str {
        "watchkeeper-meter"
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let Some(call) = config.load::<Metadata>().map(call_of) else { return Ok(()) };
        let sent = outcome(context);
        if sent == Sent::Throttled {
            self.budget.throttled(&call);
        }
        self.counts.add(call, sent);
        Ok(())
    }
}

fn outcome(context: &FinalizerInterceptorContextRef<'_>) -> Sent {
    if matches!(context.output_or_error(), Some(Ok(_))) {
        return Sent::Ok;
    }
    // The typed error is out of reach here, but an error reply is small and spells its code.
    let body = context.response().and_then(|response| response.body().bytes()).unwrap_or_default();
    if error::spells_throttling(body) { Sent::Throttled } else { Sent::Error }
}

/// The call as IAM names it, from the names that the SDK gives to services and operations.
fn call_of(metadata: &Metadata) -> String {
    let service = match metadata.service() {
        "SSM" => "ssm",
        "EC2" => "ec2",
        "CloudWatch" => "cloudwatch",
        "CloudWatch Logs" => "logs",
        "IAM" => "iam",
        "STS" => "sts",
        other => other,
    };
    format!("{service}:{}", metadata.name())
}
