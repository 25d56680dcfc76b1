//! Changes log groups.

use aws_sdk_cloudwatchlogs::types::LogGroupClass;

use super::done;
use crate::aws::apis::{
    ASSOCIATE_KMS_KEY, CREATE_LOG_GROUP, DELETE_LOG_GROUP, DELETE_RETENTION, LOGS_TAG, PUT_RETENTION,
};
use crate::aws::connect::Clients;
use crate::model::action::{CreateLogGroup, Done, TagMap};
use crate::model::failure::Failure;

/// `logs:CreateLogGroup`. A group that exists is a failure of class `Exists`, and was given no tags.
pub(super) async fn create(clients: &Clients, create: &CreateLogGroup) -> Result<Done, Failure> {
    let mut request = clients
        .logs
        .create_log_group()
        .log_group_name(&*create.name)
        .log_group_class(LogGroupClass::from(&*create.class))
        .set_kms_key_id(create.kms_key.as_deref().map(str::to_owned));
    for (key, value) in &create.tags {
        request = request.tags(&**key, &**value);
    }
    clients.call(CREATE_LOG_GROUP, request.send()).await.map(|reply| done(&reply))
}

/// `logs:PutRetentionPolicy`, or `logs:DeleteRetentionPolicy` for one that never expires.
pub(super) async fn set_retention(clients: &Clients, name: &str, days: Option<i32>) -> Result<Done, Failure> {
    if let Some(days) = days {
        let request = clients.logs.put_retention_policy().log_group_name(name).retention_in_days(days);
        return clients.call(PUT_RETENTION, request.send()).await.map(|reply| done(&reply));
    }
    let request = clients.logs.delete_retention_policy().log_group_name(name);
    clients.call(DELETE_RETENTION, request.send()).await.map(|reply| done(&reply))
}

/// `logs:AssociateKmsKey`.
pub(super) async fn set_key(clients: &Clients, name: &str, key: &str) -> Result<Done, Failure> {
    let request = clients.logs.associate_kms_key().log_group_name(name).kms_key_id(key);
    clients.call(ASSOCIATE_KMS_KEY, request.send()).await.map(|reply| done(&reply))
}

/// `logs:TagResource`.
pub(super) async fn tag(clients: &Clients, arn: &str, tags: &TagMap) -> Result<Done, Failure> {
    let mut request = clients.logs.tag_resource().resource_arn(arn);
    for (key, value) in tags {
        request = request.tags(&**key, &**value);
    }
    clients.call(LOGS_TAG, request.send()).await.map(|reply| done(&reply))
}

/// `logs:DeleteLogGroup`.
pub(super) async fn delete(clients: &Clients, name: &str) -> Result<Done, Failure> {
    let request = clients.logs.delete_log_group().log_group_name(name);
    clients.call(DELETE_LOG_GROUP, request.send()).await.map(|reply| done(&reply))
}
