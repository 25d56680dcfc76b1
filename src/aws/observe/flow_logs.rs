//! Flow logs.

use std::sync::Arc;

use aws_sdk_ec2::types::{FlowLog as Row, LogDestinationType};

use crate::aws::apis::DESCRIBE_FLOW_LOGS;
use crate::aws::connect::Clients;
use crate::aws::paging::all_pages;
use crate::aws::values::{Words, text, time};
use crate::model::failure::Failure;
use crate::model::observed::FlowLog;

/// Seconds between records where AWS does not say: its own default.
const DEFAULT_INTERVAL: i32 = 600;

/// Every flow log. AWS documents no page size for it, so none is asked for.
pub(super) async fn all(clients: &Clients) -> Result<Vec<FlowLog>, Failure> {
    let api = DESCRIBE_FLOW_LOGS;
    let rows = all_pages(api, |token| async move {
        let request = clients.ec2.describe_flow_logs().set_next_token(token);
        let reply = clients.call(api, request.send()).await?;
        Ok((reply.flow_logs.unwrap_or_default(), reply.next_token))
    })
    .await?;
    let mut words = Words::default();
    Ok(rows.iter().map(|row| flow_log(row, &mut words)).collect())
}

fn flow_log(row: &Row, words: &mut Words) -> FlowLog {
    let destination_type = row.log_destination_type().unwrap_or(&LogDestinationType::CloudWatchLogs);
    let log_group = log_group(row, destination_type);
    FlowLog {
        id: text(row.flow_log_id()),
        resource: text(row.resource_id()),
        active: row.flow_log_status() == Some("ACTIVE"),
        traffic: words.word(row.traffic_type().map(aws_sdk_ec2::types::TrafficType::as_str)),
        destination_type: words.word(Some(destination_type.as_str())),
        log_group: words.some_word(log_group.as_deref()),
        role_arn: words.some_word(row.deliver_logs_permission_arn()),
        format: words.word(row.log_format()),
        interval: row.max_aggregation_interval().unwrap_or(DEFAULT_INTERVAL),
        deliver_status: words.some_word(row.deliver_logs_status()),
        deliver_error: words.some_word(row.deliver_logs_error_message()),
        created: time(row.creation_time()),
        tags: words.tags(row.tags().iter().map(|tag| (tag.key(), tag.value()))),
    }
}

/// AWS gives the group by name or in the destination's ARN, as whoever made the flow log did.
fn log_group(row: &Row, destination_type: &LogDestinationType) -> Option<Arc<str>> {
    if *destination_type != LogDestinationType::CloudWatchLogs {
        return None;
    }
    let from_arn = || {
        let (_, name) = row.log_destination()?.split_once(":log-group:")?;
        Some(name.strip_suffix(":*").unwrap_or(name))
    };
    row.log_group_name().or_else(from_arn).map(Into::into)
}
