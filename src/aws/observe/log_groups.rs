//! Log groups.

use std::cmp::Ordering;
use std::sync::Arc;

use aws_sdk_cloudwatchlogs::types::{LogGroup as Row, LogGroupClass};

use super::{absent_if_not_found, identity};
use crate::aws::apis::{DESCRIBE_LOG_GROUPS, LOGS_LIST_TAGS};
use crate::aws::connect::Clients;
use crate::aws::paging::Tokens;
use crate::aws::values::{millis, some_text, text};
use crate::model::failure::Failure;
use crate::model::observed::LogGroup;
use crate::model::tags::Tags;

/// The group of exactly this name. AWS only searches by how names begin, and lists them in order: the exact
/// name comes before all longer ones.
pub(super) async fn one(clients: &Clients, name: &str) -> Result<Option<LogGroup>, Failure> {
    let api = DESCRIBE_LOG_GROUPS;
    let mut tokens = Tokens::new(api);
    let mut token = None;
    loop {
        let request = clients.logs.describe_log_groups().log_group_name_prefix(name).set_next_token(token);
        let reply = clients.call(api, request.send()).await?;
        for row in reply.log_groups() {
            match row.log_group_name().unwrap_or_default().cmp(name) {
                Ordering::Less => {}
                Ordering::Equal => return Ok(Some(log_group(row))),
                Ordering::Greater => return Ok(None),
            }
        }
        token = tokens.follow(reply.next_token)?;
        if token.is_none() {
            return Ok(None);
        }
    }
}

fn log_group(row: &Row) -> LogGroup {
    LogGroup {
        name: text(row.log_group_name()),
        arn: arn(row),
        retention_days: row.retention_in_days(),
        class: row.log_group_class().unwrap_or(&LogGroupClass::Standard).as_str().into(),
        kms_key: some_text(row.kms_key_id()),
        account_policy: some_text(row.retention_policy_name()),
        created: millis(row.creation_time()),
    }
}

/// `logGroupArn` is the plain one; the older `arn` ends in `:*`.
fn arn(row: &Row) -> Arc<str> {
    let older = || row.arn().map(|arn| arn.strip_suffix(":*").unwrap_or(arn));
    text(row.log_group_arn().or_else(older))
}

/// The tags of the group of this name. AWS wants its ARN for that.
pub(super) async fn tags(clients: &Clients, name: &str) -> Result<Option<Tags>, Failure> {
    let who = match clients.known_identity() {
        Some(known) => known,
        None => identity(clients).await?,
    };
    let arn = format!("arn:{}:logs:{}:{}:log-group:{name}", who.partition, who.region, who.account);
    let request = clients.logs.list_tags_for_resource().resource_arn(arn);
    let reply = absent_if_not_found(clients.call(LOGS_LIST_TAGS, request.send()).await)?;
    let pairs = |tags: Option<_>| -> Tags { Option::into_iter(tags).flatten().collect() };
    Ok(reply.map(|reply| pairs(reply.tags)))
}
