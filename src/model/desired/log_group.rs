//! `LogGroup`: a log group, its retention, class and tags.

use std::collections::BTreeMap;

use super::decode::{Fields, boolean, choice, filled_text, list, shown};
use super::problem::Mistakes;
use super::values::{RETENTION_DAYS, log_group_name, tags};
use super::yaml::{Node, Value};

/// How long events are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Retention {
    /// So many days; one of [`RETENTION_DAYS`].
    Days(i32),
    /// For ever.
    Never,
    /// Whatever it is: the document does not say.
    #[default]
    Unmanaged,
}

/// What a log group is good for. It cannot be changed (`CreateLogGroup`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogGroupClass {
    /// Everything.
    #[default]
    Standard,
    /// Cheaper, and cannot be read by `FilterLogEvents`.
    InfrequentAccess,
}

/// A log group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogGroup {
    /// Its name in CloudWatch Logs.
    pub log_group: String,
    /// How long events are kept.
    pub retention: Retention,
    /// Its class.
    pub class: LogGroupClass,
    /// The ARN of the KMS key that encrypts it.
    pub kms_key: Option<String>,
    /// Its tags, beside ours.
    pub tags: BTreeMap<String, String>,
    /// Whether retention may be lowered, which destroys what is older.
    pub allow_data_loss: bool,
}

const CLASSES: [(&str, LogGroupClass); 2] =
    [("STANDARD", LogGroupClass::Standard), ("INFREQUENT_ACCESS", LogGroupClass::InfrequentAccess)];

/// Reads the fields of a `LogGroup`.
pub(super) fn read(fields: &mut Fields<'_>, mistakes: &mut Mistakes) -> Option<LogGroup> {
    let log_group = fields.required("logGroup", mistakes, log_group_name);
    let retention = fields.optional("retentionDays", mistakes, retention).unwrap_or_default();
    let class = fields.optional("class", mistakes, |node, mistakes| choice(node, mistakes, &CLASSES));
    let kms_key = fields.optional("kmsKey", mistakes, kms_key);
    let tags = fields.optional("tags", mistakes, tags).unwrap_or_default();
    let allow_data_loss = fields.optional("allowDataLoss", mistakes, boolean).unwrap_or_default();
    let class = class.unwrap_or_default();
    Some(LogGroup { log_group: log_group?, retention, class, kms_key, tags, allow_data_loss })
}

fn retention(node: &Node, mistakes: &mut Mistakes) -> Option<Retention> {
    match &node.value {
        Value::Int(days) => {
            let offered = RETENTION_DAYS.into_iter().find(|offered| i64::from(*offered) == *days);
            if offered.is_none() {
                mistakes.error_help(
                    node.span,
                    format!("AWS does not offer a retention of {days} days"),
                    nearest(*days),
                );
            }
            offered.map(Retention::Days)
        }
        Value::Text(text) if text == "never" => Some(Retention::Never),
        _ => {
            mistakes.error_help(
                node.span,
                "expected a number of days or `never`",
                "`30` keeps events for thirty days, `never` lets none expire; leave it out to leave it alone",
            );
            None
        }
    }
}

/// The offered retentions on both sides of `days`.
pub(crate) fn nearest(days: i64) -> String {
    let below = RETENTION_DAYS.iter().rev().find(|offered| i64::from(**offered) < days);
    let above = RETENTION_DAYS.iter().find(|offered| i64::from(**offered) > days);
    let near: Vec<String> = below.into_iter().chain(above).map(ToString::to_string).collect();
    let near: Vec<&str> = near.iter().map(String::as_str).collect();
    format!("the nearest that it offers: {}", list(&near))
}

fn kms_key(node: &Node, mistakes: &mut Mistakes) -> Option<String> {
    let arn = filled_text(node, mistakes)?;
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    if matches!(parts.as_slice(), ["arn", partition, "kms", region, _, key]
        if partition.starts_with("aws") && !region.is_empty() && key.starts_with("key/"))
    {
        return Some(arn);
    }
    mistakes.error_help(
        node.span,
        format!("`{}` is not the ARN of a KMS key", shown(&arn)),
        "write arn:aws:kms:<region>:<account>:key/<id>: CloudWatch Logs takes no alias",
    );
    None
}
