//! CloudWatch alarms, of one metric or composite.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_sdk_cloudwatch::types::{AlarmType, StateValue};

use crate::aws::apis::DESCRIBE_ALARMS;
use crate::aws::connect::Clients;
use crate::aws::paging::all_pages;
use crate::aws::values::text;
use crate::model::failure::Failure;
use crate::model::observed::AlarmState;

/// The most that AWS gives in one page.
const PAGE: i32 = 100;

/// The states of those of `names` that exist. AWS takes at most a hundred names.
pub(super) async fn states(
    clients: &Clients,
    names: &[Arc<str>],
) -> Result<BTreeMap<Arc<str>, AlarmState>, Failure> {
    let api = DESCRIBE_ALARMS;
    let rows = all_pages(api, |token| async move {
        let names = names.iter().map(ToString::to_string).collect();
        let request = clients.cloudwatch.describe_alarms().set_alarm_names(Some(names)).max_records(PAGE);
        // Without these words AWS leaves composite alarms out.
        let request = request.alarm_types(AlarmType::MetricAlarm).alarm_types(AlarmType::CompositeAlarm);
        let reply = clients.call(api, request.set_next_token(token).send()).await?;
        let plain =
            reply.metric_alarms().iter().map(|row| (text(row.alarm_name()), state(row.state_value())));
        let composite =
            reply.composite_alarms().iter().map(|row| (text(row.alarm_name()), state(row.state_value())));
        Ok((plain.chain(composite).collect(), reply.next_token))
    })
    .await?;
    Ok(rows.into_iter().collect())
}

fn state(value: Option<&StateValue>) -> AlarmState {
    match value {
        Some(StateValue::Ok) => AlarmState::Ok,
        Some(StateValue::Alarm) => AlarmState::Alarm,
        // Nothing said, or a word that we do not know: it tells nothing.
        _ => AlarmState::InsufficientData,
    }
}
