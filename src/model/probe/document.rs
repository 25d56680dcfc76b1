//! The SSM document that carries the probe.

use std::sync::LazyLock;

use serde_json::{Value, json};

use crate::model::digest;

/// The document's name.
pub const NAME: &str = "Watchkeeper-Probe";

const SHELL: &str = include_str!("watchkeeper-probe.sh");
const POWERSHELL: &str = include_str!("watchkeeper-probe.ps1");
/// Seconds that a step may run: the control script is given twenty of them.
const TIMEOUT: &str = "60";

/// The document's content: the same text each time, byte for byte.
pub fn content() -> String {
    let document = json!({
        "schemaVersion": "2.2",
        "description": "Reads, and only reads, what the CloudWatch agent on a node is, runs and is configured with.",
        "mainSteps": [
            step("ProbeLinux", "aws:runShellScript", "Linux", SHELL),
            step("ProbeMacOS", "aws:runShellScript", "MacOS", SHELL),
            step("ProbeWindows", "aws:runPowerShellScript", "Windows", POWERSHELL),
        ],
    });
    format!("{document:#}\n")
}

/// SHA-256 of [`content`], lower hex, as `DescribeDocument` gives it.
pub fn sha256() -> &'static str {
    static SHA256: LazyLock<String> = LazyLock::new(|| digest::sha256(content().as_bytes()));
    &SHA256
}

fn step(name: &str, action: &str, platform: &str, script: &str) -> Value {
    json!({
        "name": name,
        "action": action,
        "precondition": { "StringEquals": ["platformType", platform] },
        "inputs": { "timeoutSeconds": TIMEOUT, "runCommand": script.lines().collect::<Vec<_>>() },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_it_is_a_placeholder() {
        // SSM would take `{{ … }}` for a parameter of the document.
        assert!(!content().contains("{{") && !content().contains("}}"));
        assert!(content().is_ascii());
        assert_eq!(sha256().len(), 64);
    }
}
