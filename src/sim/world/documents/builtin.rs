//! AWS's own documents, as far as this world needs them: parameters and steps, without AWS's scripts.
//!
//! What their steps do on a node is native code (`nodes::ctl`, `nodes::package`), chosen by the document's
//! name, so their `runCommand` is only a remark.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{Content, Document};

/// Who owns them.
pub(super) const OWNER: &str = "Amazon";

/// Each with its default version: the number AWS is at matters to nobody, but it is not 1 for all.
const COMMANDS: [(&str, &str); 4] = [
    ("AmazonCloudWatch-ManageAgent", MANAGE_AGENT),
    ("AWS-ConfigureAWSPackage", CONFIGURE_PACKAGE),
    ("AWS-RunShellScript", RUN_SHELL),
    ("AWS-RunPowerShellScript", RUN_POWERSHELL),
];

const MANAGE_AGENT: &str = r#"{
  "schemaVersion": "2.2",
  "description": "Send commands to Amazon CloudWatch Agent",
  "parameters": {
    "action": {"type": "String", "default": "configure", "allowedValues": ["configure", "configure (append)", "configure (remove)", "start", "status", "status-with-workloads", "stop"], "description": "The action CloudWatch Agent should take."},
    "mode": {"type": "String", "default": "ec2", "allowedValues": ["ec2", "onPremise", "auto"], "description": "Controls platform-specific default behavior."},
    "optionalConfigurationSource": {"type": "String", "default": "ssm", "allowedValues": ["ssm", "default", "all"], "description": "Only for 'configure' related actions."},
    "optionalConfigurationLocation": {"type": "String", "default": "", "allowedPattern": "^[a-zA-Z0-9-\"~:_@./^(*)!<>?=+,]*$", "description": "Only for 'configure' related actions."},
    "optionalRestart": {"type": "String", "default": "yes", "allowedValues": ["yes", "no"], "description": "Only for 'configure' related actions."}
  },
  "mainSteps": [
    {"name": "ControlCloudWatchAgentWindows", "action": "aws:runPowerShellScript", "precondition": {"StringEquals": ["platformType", "Windows"]}, "inputs": {"runCommand": ["(carried out natively by the simulator)"]}},
    {"name": "ControlCloudWatchAgentLinux", "action": "aws:runShellScript", "precondition": {"StringEquals": ["platformType", "Linux"]}, "inputs": {"runCommand": ["(carried out natively by the simulator)"]}},
    {"name": "ControlCloudWatchAgentMacOS", "action": "aws:runShellScript", "precondition": {"StringEquals": ["platformType", "MacOS"]}, "inputs": {"runCommand": ["(carried out natively by the simulator)"]}}
  ]
}"#;

const CONFIGURE_PACKAGE: &str = r#"{
  "schemaVersion": "2.2",
  "description": "Install or uninstall a Distributor package.",
  "parameters": {
    "action": {"type": "String", "allowedValues": ["Install", "Uninstall"], "description": "(Required) Specify whether or not to install or uninstall the package."},
    "installationType": {"type": "String", "default": "Uninstall and reinstall", "allowedValues": ["Uninstall and reinstall", "In-place update"], "description": "(Optional) Specify the type of installation."},
    "name": {"type": "String", "description": "(Required) The package to install/uninstall."},
    "version": {"type": "String", "default": "", "description": "(Optional) The version of the package to install."},
    "additionalArguments": {"type": "StringMap", "default": {}, "description": "(Optional) The additional parameters to provide."}
  },
  "mainSteps": [
    {"name": "createDownloadFolder", "action": "aws:runPowerShellScript", "precondition": {"StringEquals": ["platformType", "Windows"]}, "inputs": {"runCommand": ["(carried out natively by the simulator)"]}},
    {"name": "configurePackage", "action": "aws:configurePackage", "inputs": {}}
  ]
}"#;

const RUN_SHELL: &str = r#"{
  "schemaVersion": "1.2",
  "description": "Run a shell script or specify the commands to run.",
  "parameters": {
    "commands": {"type": "StringList", "description": "(Required) Specify a shell script or a command to run."},
    "workingDirectory": {"type": "String", "default": "", "description": "(Optional) The path to the working directory on your instance."},
    "executionTimeout": {"type": "String", "default": "3600", "allowedPattern": "^[0-9]*$", "description": "(Optional) The time in seconds for a command to complete."}
  },
  "runtimeConfig": {"aws:runShellScript": {"properties": [{"id": "0.aws:runShellScript", "runCommand": "{{ commands }}"}]}}
}"#;

const RUN_POWERSHELL: &str = r#"{
  "schemaVersion": "1.2",
  "description": "Run a PowerShell script or specify the paths to scripts to run.",
  "parameters": {
    "commands": {"type": "StringList", "description": "(Required) Specify the commands to run or the paths to existing scripts on the instance."},
    "workingDirectory": {"type": "String", "default": "", "description": "(Optional) The path to the working directory on your instance."},
    "executionTimeout": {"type": "String", "default": "3600", "allowedPattern": "^[0-9]*$", "description": "(Optional) The time in seconds for a command to complete."}
  },
  "runtimeConfig": {"aws:runPowerShellScript": {"properties": [{"id": "0.aws:runPowerShellScript", "runCommand": "{{ commands }}"}]}}
}"#;

/// When AWS made them: long before any estate. They have a time, as every document has.
pub(super) const CREATED: Timestamp = Timestamp::constant(1_500_000_000, 0);

/// All of them; the package has no versions yet.
pub(super) fn documents() -> Vec<Document> {
    let commands = COMMANDS.into_iter().filter_map(|(name, text)| {
        let mut document = empty(name, "Command");
        // A test reads every one of them.
        document.push(CREATED, None, text, Content::read(text).ok()?);
        Some(document)
    });
    commands.chain([empty(crate::sim::world::nodes::package::PACKAGE, "Package")]).collect()
}

fn empty(name: &str, kind: &str) -> Document {
    Document {
        name: name.to_owned(),
        owner: OWNER.to_owned(),
        kind: kind.to_owned(),
        created: CREATED,
        default: 1,
        versions: Vec::new(),
        tags: BTreeMap::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_document_can_be_read() {
        for (name, text) in COMMANDS {
            assert!(Content::read(text).is_ok(), "{name}: {:?}", Content::read(text));
        }
        assert_eq!(documents().len(), COMMANDS.len() + 1);
    }
}
