//! `amazon-cloudwatch-agent-ctl`, and the script of AmazonCloudWatch-ManageAgent around it.
//!
//! Each action ends at once; how long a step takes is Run Command's business. What it prints keeps AWS's
//! markers and leaves out its chatter.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use serde_json::json;

use super::agent::{self, File, is_tmp};
use super::{Node, Platform, allows};
use crate::sim::wire::{AwsError, Service, Target};
use crate::sim::world::{Place, World, parameters};

/// What a script left behind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ran {
    /// The exit code.
    pub code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
    /// Whether it ended because SSM throttled the node; AWS's own SDK would have tried again.
    pub throttled: bool,
}

impl Ran {
    pub(crate) fn good(stdout: impl Into<String>) -> Self {
        Self { stdout: stdout.into(), ..Self::default() }
    }

    pub(crate) fn bad(stdout: impl Into<String>) -> Self {
        Self { code: 1, stdout: stdout.into(), ..Self::default() }
    }

    fn then(mut self, next: Self) -> Self {
        self.stdout.push_str(&next.stdout);
        self.stderr.push_str(&next.stderr);
        self.code = next.code;
        self.throttled |= next.throttled;
        self
    }
}

/// How a configuration meets those that are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    Replace,
    Append,
    Remove,
}

/// Runs the script of AmazonCloudWatch-ManageAgent on a node.
pub fn manage(world: &mut World, place: &Place, id: &str, parameters: &BTreeMap<String, String>) -> Ran {
    let Some(node) = world.region(place).nodes.nodes.get(id) else { return Ran::bad("") };
    if node.agent.version.is_none() {
        return Ran::bad(
            "CloudWatch Agent not installed.  Please install it using the AWS-ConfigureAWSPackage SSM Document.\n",
        );
    }
    let lenient = node.platform == Platform::Windows;
    let parameter = |name: &str| parameters.get(name).map_or("", String::as_str);
    let change = match parameter("action") {
        "configure" => Change::Replace,
        "configure (append)" => Change::Append,
        "configure (remove)" => Change::Remove,
        action => return control(world, place, id, action),
    };
    let (source, location) =
        (parameter("optionalConfigurationSource"), parameter("optionalConfigurationLocation"));
    let restart = parameter("optionalRestart") == "yes";
    match source {
        "all" if change != Change::Remove => {
            Ran::bad("Configuration location \"all\" can only be applied with action \"remove-config\"\n")
        }
        "ssm" if location.is_empty() => Ran::bad("AmazonCloudWatchAgent config should be specified\n"),
        "ssm" if location.contains(',') => several(world, place, id, change, location, restart, lenient),
        "ssm" => configure(world, place, id, change, &format!("ssm:{location}"), restart),
        word => configure(world, place, id, change, word, restart),
    }
}

/// A list of parameters: the first as asked, the others added. The Windows script ignores every exit code.
fn several(
    world: &mut World,
    place: &Place,
    id: &str,
    change: Change,
    locations: &str,
    restart: bool,
    lenient: bool,
) -> Ran {
    let mut ran = Ran::default();
    for (number, location) in locations.split(',').enumerate() {
        let change = if number == 0 || change == Change::Remove { change } else { Change::Append };
        ran = ran.then(configure(world, place, id, change, &format!("ssm:{location}"), restart));
        if ran.throttled || (ran.code != 0 && !lenient) {
            return ran;
        }
    }
    ran.code = 0;
    ran
}

/// Runs an action that takes no configuration: `start`, `stop`, `status`, `status-with-workloads`.
pub fn control(world: &mut World, place: &Place, id: &str, action: &str) -> Ran {
    match action {
        "stop" => stop(world, place, id),
        "start" => {
            agent::start(world, place, id);
            let Some(node) = world.region(place).nodes.nodes.get(id) else { return Ran::bad("") };
            // The script trusts systemd; that the process died a moment later it does not see.
            let said = if node.agent.started.is_some() {
                "amazon-cloudwatch-agent has already been started\n"
            } else {
                ""
            };
            Ran::good(said)
        }
        "status" | "status-with-workloads" => {
            let Some(node) = world.region(place).nodes.nodes.get(id) else { return Ran::bad("") };
            Ran::good(status(node, action == "status-with-workloads"))
        }
        other => Ran::bad(format!("Invalid action: {other}\n")),
    }
}

fn stop(world: &mut World, place: &Place, id: &str) -> Ran {
    agent::stop(world, place, id);
    Ran::good("amazon-cloudwatch-agent has already been stopped\n")
}

/// What `-a status` prints.
pub fn status(node: &Node, workloads: bool) -> String {
    let agent = &node.agent;
    let mut shown = json!({
        "status": if agent.started.is_some() { "running" } else { "stopped" },
        "starttime": start_time(node),
        "configstatus": if agent.toml.is_some() { "configured" } else { "not configured" },
        "version": agent.version.as_deref().unwrap_or_default(),
    });
    if workloads {
        shown["workloads"] = json!([]);
    }
    format!("{shown:#}\n")
}

/// When the agent started, as its platform's script prints it; empty while it is stopped.
pub(super) fn start_time(node: &Node) -> String {
    let zone = if node.platform == Platform::Windows { "" } else { "+00:00" };
    let print = |at: jiff::Timestamp| format!("{}{zone}", at.strftime("%Y-%m-%dT%H:%M:%S"));
    node.agent.started.map(print).unwrap_or_default()
}

/// `fetch-config`, `append-config` or `remove-config` with `-c source`, and `-s` when `restart`.
fn configure(world: &mut World, place: &Place, id: &str, change: Change, source: &str, restart: bool) -> Ran {
    let mut ran = Ran::good("****** processing amazon-cloudwatch-agent ******\n");
    let next = match change {
        Change::Remove => remove(world, place, id, source),
        Change::Replace | Change::Append => fetch(world, place, id, change, source),
    };
    ran = ran.then(next);
    if ran.code != 0 || !restart {
        return ran;
    }
    let ran = ran.then(stop(world, place, id));
    ran.then(control(world, place, id, "start"))
}

fn fetch(world: &mut World, place: &Place, id: &str, change: Change, source: &str) -> Ran {
    let name = file_name(source);
    let content = match content(world, place, id, source) {
        Ok(content) => content,
        Err(error) => {
            return Ran {
                throttled: error.code == "ThrottlingException",
                stderr: "Fail to fetch the config!\n".to_owned(),
                ..Ran::bad(format!(
                    "E! Error in retrieving parameter store content: {}: {}\n",
                    error.code, error.message
                ))
            };
        }
    };
    let now = world.now();
    let Some(node) = world.region(place).nodes.nodes.get_mut(id) else { return Ran::bad("") };
    let tmp = format!("{name}.tmp");
    node.agent.files.retain(|name, _| !is_tmp(name));
    node.agent.files.insert(tmp.clone(), File { bytes: content, modified: now });
    let mut said = format!(
        "Successfully fetched the config and saved in {}{tmp}\nStart configuration validation...\n",
        folder(node.platform)
    );
    match adopt(node, change, &name, &tmp) {
        Ok(()) => {
            node.agent.toml = Some(now);
            said.push_str("Valid Json input schema.\nConfiguration validation first phase succeeded\nConfiguration validation second phase succeeded\nConfiguration validation succeeded\n");
            Ran::good(said)
        }
        Err(error) => {
            let _ = writeln!(
                said,
                "{error}\nConfiguration validation first phase failed. Agent version: {}. Verify the JSON input is only using features supported by this version.",
                node.agent.version.as_deref().unwrap_or_default()
            );
            Ran::bad(said)
        }
    }
}

/// Checks what would be there afterwards, then makes it so. On failure the `.tmp` file stays, and all others.
fn adopt(node: &mut Node, change: Change, name: &str, tmp: &str) -> Result<(), String> {
    let before = node.agent.clone();
    if change == Change::Replace {
        node.agent.files.retain(|name, _| is_tmp(name));
        node.agent.etc_json = None;
    }
    if let Some(mut file) = node.agent.files.remove(tmp) {
        // Renaming keeps the time of writing.
        file.modified = before.files.get(tmp).map_or(file.modified, |file| file.modified);
        node.agent.files.insert(name.to_owned(), file);
    }
    let checked = agent::check(node, |_| true);
    if checked.is_err() {
        node.agent = before;
    }
    checked.map(drop)
}

fn remove(world: &mut World, place: &Place, id: &str, source: &str) -> Ran {
    let now = world.now();
    let Some(node) = world.region(place).nodes.nodes.get_mut(id) else { return Ran::bad("") };
    let agent = &mut node.agent;
    if source == "all" {
        agent.files.clear();
        agent.etc_json = None;
        agent.toml = None;
        return Ran::good("Successfully removed all configurations\n");
    }
    let name = file_name(source);
    if agent.files.remove(&name).is_none() {
        return Ran::bad(format!("E! remove {name}: no such file or directory\n"));
    }
    let left = agent.configurations().next().is_some();
    agent.toml = left.then_some(now);
    Ran::good(format!("Successfully removed {name}\n"))
}

fn content(world: &mut World, place: &Place, id: &str, source: &str) -> Result<Arc<[u8]>, AwsError> {
    let Some(parameter) = source.strip_prefix("ssm:") else {
        return Ok(agent::DEFAULT_CONFIG.as_bytes().into());
    };
    let target = Target { service: Service::Ssm, operation: "GetParameter".to_owned(), place: place.clone() };
    if !world.admit(&target, "GetParameter", parameters::GETS) {
        return Err(AwsError::throttled(Service::Ssm));
    }
    let name = parameter.split(':').next().unwrap_or_default();
    let arn =
        format!("arn:aws:ssm:{}:{}:parameter/{}", place.region, place.account, name.trim_start_matches('/'));
    if !allows(world, place, id, "ssm:GetParameter", &arn) {
        return Err(AwsError::new(
            "AccessDeniedException",
            format!(
                "User: arn:aws:sts::{}:assumed-role/node/{id} is not authorized to perform: ssm:GetParameter on resource: {arn} because no identity-based policy allows the ssm:GetParameter action",
                place.account
            ),
        ));
    }
    let found = world.region(place).parameters.get(parameter)?;
    Ok(Arc::clone(&found.version.value).into())
}

/// The file that a source is kept in: `ssm_`, then the name with `/`, space and `:` each replaced by `_`.
fn file_name(source: &str) -> String {
    match source.strip_prefix("ssm:") {
        Some(name) => format!("ssm_{}", name.replace(['/', ' ', ':'], "_")),
        None => source.to_owned(),
    }
}

const fn folder(platform: Platform) -> &'static str {
    match platform {
        Platform::Windows => r"C:\ProgramData\Amazon\AmazonCloudWatchAgent\Configs\",
        Platform::Linux | Platform::MacOs => {
            "/opt/aws/amazon-cloudwatch-agent/etc/amazon-cloudwatch-agent.d/"
        }
    }
}
