//! Names of log groups and streams: their placeholders, and the characters that CloudWatch Logs takes.
//!
//! Everything here warns. The agent takes any name; what it cannot fill in, CloudWatch Logs refuses later.

use super::Checked;
use super::path::Path;
use crate::model::desired::decode::{did_you_mean, shown};
use crate::model::desired::yaml::Node;

/// What the agent fills in (AWS-FACTS §3.4).
const PLACEHOLDERS: [&str; 7] = [
    "{instance_id}",
    "{hostname}",
    "{local_hostname}",
    "{ip_address}",
    "{aws_region}",
    "{account_id}",
    "{date}",
];

/// Looks at the names of one entry.
pub(super) fn check(entry: &Node, path: &Path<'_>, checked: &mut Checked) {
    for (field, what, is_taken) in [
        ("log_group_name", "a log group", is_for_group as fn(char) -> bool),
        ("log_stream_name", "a stream", is_for_stream),
    ] {
        if let Some((node, text)) = entry.get(field).and_then(|node| Some((node, node.text()?))) {
            name(node, text, (what, is_taken), &path.key(field), checked);
        }
    }
}

fn is_for_group(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_-/.#".contains(c)
}

fn is_for_stream(c: char) -> bool {
    !matches!(c, ':' | '*')
}

fn name(
    node: &Node,
    text: &str,
    (what, is_taken): (&str, fn(char) -> bool),
    path: &Path<'_>,
    checked: &mut Checked,
) {
    let (plain, unknown) = without_placeholders(text);
    for placeholder in &unknown {
        let message = format!("the agent fills in no `{}`", shown(placeholder));
        let help = did_you_mean(placeholder, PLACEHOLDERS)
            .unwrap_or_else(|| format!("it fills in {}", PLACEHOLDERS.join(" ")));
        checked.warn(node.span, path, message, help);
    }
    // Containers and clusters have placeholders of their own, `{ClusterName}`, so that is said once only.
    if let Some(c) = plain.chars().find(|c| !is_taken(*c)) {
        let message = format!("CloudWatch Logs takes no `{c}` in the name of {what}");
        checked.warn(
            node.span,
            path,
            message,
            "the agent starts, but nothing arrives: take another character",
        );
    }
}

/// The name without what is in braces, and the placeholders that nobody fills in.
fn without_placeholders(text: &str) -> (String, Vec<String>) {
    let (mut plain, mut unknown) = (String::new(), Vec::new());
    let mut rest = text;
    while let Some(begin) = rest.find('{') {
        let Some(length) = rest[begin..].find('}') else { break };
        let placeholder = &rest[begin..=begin + length];
        if !PLACEHOLDERS.contains(&placeholder) && !unknown.iter().any(|known| known == placeholder) {
            unknown.push(placeholder.to_owned());
        }
        plain.push_str(&rest[..begin]);
        rest = &rest[begin + length + 1..];
    }
    plain.push_str(rest);
    (plain, unknown)
}
