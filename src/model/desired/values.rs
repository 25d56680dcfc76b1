//! Readers for the small values that several kinds share: durations, amounts, tags, AWS names.
//!
//! The limits are AWS's own, so that a document that passes here is not refused there.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::SignedDuration;

use super::decode::{filled_text, shown, text, wrong};
use super::problem::Mistakes;
use super::yaml::{Node, Value};

/// The days of retention that CloudWatch Logs offers (`PutRetentionPolicy`).
pub const RETENTION_DAYS: [i32; 22] =
    [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653];

/// How many of a set: a count, or a share of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amount {
    /// So many.
    Count(u32),
    /// A share, in hundredths of a percent (10% is 1000).
    Percent(u16),
}

impl Amount {
    /// How many of `total` that is: a share is rounded up, so that a share above zero of anything is at
    /// least one; never more than `total`.
    pub fn of(self, total: u32) -> u32 {
        match self {
            Self::Count(count) => count.min(total),
            Self::Percent(hundredths) => {
                let part = (u64::from(total) * u64::from(hundredths)).div_ceil(10_000);
                u32::try_from(part).unwrap_or(total).min(total)
            }
        }
    }
}

/// A count (`5`) or a percentage (`10%`, `0.5%`).
pub(super) fn amount(node: &Node, mistakes: &mut Mistakes) -> Option<Amount> {
    const HELP: &str = "write a count such as 5, or a percentage from 0% to 100% such as 10%";
    let read = match &node.value {
        Value::Int(count) => u32::try_from(*count).ok().map(Amount::Count),
        Value::Text(text) => percentage(text).map(Amount::Percent),
        _ => None,
    };
    if read.is_none() {
        mistakes.error_help(node.span, "expected a count or a percentage", HELP);
    }
    read
}

/// Like [`amount`], but zero of anything makes no sense here.
pub(super) fn amount_above_zero(node: &Node, mistakes: &mut Mistakes) -> Option<Amount> {
    let amount = amount(node, mistakes)?;
    if matches!(amount, Amount::Count(0) | Amount::Percent(0)) {
        mistakes.error(node.span, "this must be above zero");
        return None;
    }
    Some(amount)
}

fn percentage(text: &str) -> Option<u16> {
    let digits = text.strip_suffix('%')?.trim_end();
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || whole.len() > 3 || fraction.len() > 2 || !is_digits(whole) || !is_digits(fraction)
    {
        return None;
    }
    let hundredths = whole.parse::<u32>().ok()? * 100 + format!("{fraction:0<2}").parse::<u32>().ok()?;
    u16::try_from(hundredths).ok().filter(|hundredths| *hundredths <= 10_000)
}

/// A length of time (`90s`, `5m`, `1h 30m`, `2d`), at most thirty days.
pub(super) fn duration(node: &Node, mistakes: &mut Mistakes) -> Option<Duration> {
    const LONGEST: Duration = Duration::from_hours(30 * 24);
    const HELP: &str = "write a number and a unit: 90s, 5m, 1h, 2d";
    let text = match &node.value {
        Value::Text(text) => text,
        Value::Int(_) | Value::Float(_) => {
            mistakes.error_help(node.span, "a duration needs a unit", HELP);
            return None;
        }
        _ => return wrong(node, "a duration", mistakes),
    };
    let Some(duration) = read_duration(text) else {
        mistakes.error_help(node.span, format!("`{}` is not a duration", shown(text)), HELP);
        return None;
    };
    if duration > LONGEST {
        mistakes.error(node.span, "this is longer than thirty days");
        return None;
    }
    Some(duration)
}

fn read_duration(text: &str) -> Option<Duration> {
    // A day is 24 hours here: a bake time knows no calendar. Only a leading `Nd` needs our help.
    let (days, rest) = match text.split_once('d') {
        Some((days, rest)) if days.bytes().all(|byte| byte.is_ascii_digit()) && days.len() <= 4 => {
            (days.parse::<u64>().ok()?, rest.trim_start())
        }
        _ => (0, text),
    };
    let days = Duration::from_secs(days * 24 * 3600);
    if rest.is_empty() {
        return (!text.is_empty()).then_some(days);
    }
    let rest = Duration::try_from(rest.parse::<SignedDuration>().ok()?).ok()?;
    days.checked_add(rest)
}

/// Tags to put on a resource. Keys that begin `aws:` belong to AWS, `watchkeeper:` to us.
pub(super) fn tags(node: &Node, mistakes: &mut Mistakes) -> Option<BTreeMap<String, String>> {
    // AWS allows 50; two are ours (owner, deletion), and some room is left for those of an estate's own rules.
    const MOST: usize = 45;
    let map = string_map(node, mistakes);
    if node.entries().len() > MOST {
        mistakes.error(node.span, format!("{} tags are too many: at most {MOST}", node.entries().len()));
        return None;
    }
    let mut fine = true;
    for (key, value) in node.entries() {
        let length = key.text.chars().count();
        let folded = key.text.to_lowercase();
        if folded.starts_with("aws:") || folded.starts_with("watchkeeper:") {
            mistakes.error(
                key.span,
                format!("tags that begin `{}:` are reserved", folded.split(':').next().unwrap_or("")),
            );
            fine = false;
        } else if length == 0 || length > 128 {
            mistakes.error(key.span, "a tag's key has 1 to 128 characters");
            fine = false;
        } else if value.text().is_some_and(|text| text.chars().count() > 256) {
            mistakes.error(value.span, "a tag's value has at most 256 characters");
            fine = false;
        }
    }
    map.filter(|_| fine)
}

/// A mapping of text to text.
pub(super) fn string_map(node: &Node, mistakes: &mut Mistakes) -> Option<BTreeMap<String, String>> {
    let Value::Map(entries) = &node.value else {
        return wrong(node, "a mapping of text to text", mistakes);
    };
    let mut map = BTreeMap::new();
    let mut fine = true;
    for (key, value) in entries {
        let Some(value) = text(value, mistakes) else {
            fine = false;
            continue;
        };
        if map.insert(key.text.clone(), value).is_some() {
            mistakes.error(key.span, format!("`{}` is written twice", shown(&key.text)));
            fine = false;
        }
    }
    fine.then_some(map)
}

/// The name of a log group: 1 to 512 of `.-_/#A-Za-z0-9`, not beginning `aws/` (`CreateLogGroup`).
pub(super) fn log_group_name(node: &Node, mistakes: &mut Mistakes) -> Option<String> {
    let name = filled_text(node, mistakes)?;
    let rule = "letters, digits and . - _ / # are allowed";
    let wrong_character = name.chars().find(|c| !(c.is_ascii_alphanumeric() || ".-_/#".contains(*c)));
    if let Some(c) = wrong_character {
        mistakes.error_help(node.span, format!("a log group's name cannot contain {c:?}"), rule);
    } else if name.len() > 512 {
        mistakes.error(node.span, "a log group's name has at most 512 characters");
    } else if name.starts_with("aws/") {
        mistakes.error(node.span, "log groups that begin `aws/` belong to AWS");
    } else {
        return Some(name);
    }
    None
}

/// An IAM name: 1 to `longest` of letters, digits and `+=,.@_-`.
pub(super) fn iam_name(node: &Node, longest: usize, mistakes: &mut Mistakes) -> Option<String> {
    let name = filled_text(node, mistakes)?;
    if name.chars().all(|c| c.is_ascii_alphanumeric() || "+=,.@_-".contains(c)) && name.len() <= longest {
        return Some(name);
    }
    let help = format!("1 to {longest} letters, digits and + = , . @ _ -");
    mistakes.error_help(node.span, format!("`{}` is not a name that IAM takes", shown(&name)), help);
    None
}

/// Whether `text` is an ARN of IAM with a resource that begins with `resource` (`role/`, `policy/`).
pub(super) fn is_iam_arn(text: &str, resource: &str) -> bool {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    matches!(parts.as_slice(), ["arn", partition, "iam", "", account, rest]
        if partition.starts_with("aws")
            && (*account == "aws" || is_account_id(account))
            && rest.strip_prefix(resource).is_some_and(|name| !name.is_empty() && !name.contains(char::is_whitespace)))
}

/// Twelve digits.
pub(super) fn is_account_id(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_percentages() {
        let seconds = |text| read_duration(text).map(|duration| duration.as_secs());
        assert_eq!(seconds("5m"), Some(300));
        assert_eq!(seconds("1h 30m"), Some(5400));
        assert_eq!(seconds("1d 1h"), Some(90_000));
        assert_eq!(seconds("2d"), Some(172_800));
        assert_eq!([seconds(""), seconds("5"), seconds("-5m"), seconds("5x"), seconds("d")], [None; 5]);
        assert_eq!(
            [percentage("10%"), percentage("0.5%"), percentage("100%")],
            [Some(1000), Some(50), Some(10_000)]
        );
        assert_eq!(
            [percentage("101%"), percentage("10"), percentage("-1%"), percentage("%"), percentage("١%")],
            [None; 5]
        );
    }

    #[test]
    fn a_share_rounds_up_and_never_exceeds_the_whole() {
        assert_eq!(Amount::Percent(1000).of(5), 1);
        assert_eq!(Amount::Percent(0).of(5), 0);
        assert_eq!(Amount::Percent(10_000).of(u32::MAX), u32::MAX);
        assert_eq!(Amount::Count(9).of(5), 5);
    }
}
