//! The CloudWatch agent on a node: what is installed, its files, whether it runs.
//!
//! These are the machine's own facts and the hand that changes them directly (a scenario, a person on the
//! machine). What the control script does on top is in [`super::ctl`].

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use super::{Breakage, Node, config, delivery};
use crate::sim::world::metrics::Emission;
use crate::sim::world::{Place, World};

/// What the agent runs with when nobody gave it a configuration (`config.json` of its `default` source, shortened).
pub(super) const DEFAULT_CONFIG: &str = r#"{"agent":{"metrics_collection_interval":60},"metrics":{"metrics_collected":{"mem":{"measurement":["mem_used_percent"]},"disk":{"measurement":["used_percent"],"resources":["*"]}}}}"#;

/// One CloudWatch agent.
#[derive(Clone, Debug, Default)]
pub struct CloudWatchAgent {
    /// What SSM Distributor installed; `None` when it did not.
    pub package: Option<String>,
    /// The content of `bin/CWAGENT_VERSION`; `None` when there is no agent.
    pub version: Option<String>,
    /// When the process started; `None` while it is stopped.
    pub started: Option<Timestamp>,
    /// Whether the machine starts it at boot.
    pub starts_at_boot: bool,
    /// The folder of fetched configurations, by file name; `.tmp` files included.
    pub files: BTreeMap<String, File>,
    /// `etc/amazon-cloudwatch-agent.json`, which a person may have put there.
    pub etc_json: Option<File>,
    /// When the translated TOML was written; `None` = there is none.
    pub toml: Option<Timestamp>,
    /// What the running process delivers logs of.
    pub(super) collects: Vec<config::Entry>,
    /// The log sources that are attached, by key.
    pub(super) attached: Vec<String>,
    /// The metrics that the running process collects.
    pub(super) emits: Option<Arc<Emission>>,
    /// Whether they are sent.
    pub(super) emitting: bool,
}

/// One file.
#[derive(Clone, Debug, PartialEq)]
pub struct File {
    /// Its content. Nodes that fetched the same value share it.
    pub bytes: Arc<[u8]>,
    /// When it was written.
    pub modified: Timestamp,
}

impl File {
    /// SHA-256 of the content, lower hex.
    pub fn sha256(&self) -> String {
        sha256(&self.bytes)
    }
}

/// SHA-256, lower hex.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

impl CloudWatchAgent {
    /// The configurations that count: everything in the folder but `.tmp` files, and the person's own file.
    pub fn configurations(&self) -> impl Iterator<Item = (&str, &File)> {
        let fetched = self.files.iter().filter(|(name, _)| !is_tmp(name));
        fetched
            .map(|(name, file)| (name.as_str(), file))
            .chain(self.etc_json.iter().map(|file| ("amazon-cloudwatch-agent.json", file)))
    }
}

pub(super) fn is_tmp(name: &str) -> bool {
    name.ends_with(".tmp")
}

/// Puts an agent on a node: through SSM Distributor, or (`foreign`) by rpm, deb or msi. It is left stopped.
pub fn install(world: &mut World, place: &Place, id: &str, version: &str, foreign: bool) {
    stop(world, place, id);
    let Some(node) = node(world, place, id) else { return };
    node.agent.version = Some(version.to_owned());
    node.agent.package = (!foreign).then(|| version.to_owned());
}

/// Takes the agent off a node. Its configuration stays, as packages leave what they did not bring.
pub fn uninstall(world: &mut World, place: &Place, id: &str) {
    stop(world, place, id);
    let Some(node) = node(world, place, id) else { return };
    node.agent.version = None;
    node.agent.package = None;
}

/// Takes the agent, its configuration and all it wrote off a node.
pub fn remove_all(world: &mut World, place: &Place, id: &str) {
    stop(world, place, id);
    let Some(node) = node(world, place, id) else { return };
    node.agent = CloudWatchAgent::default();
}

/// Writes a file into the folder of configurations, as a person would. The running agent does not notice.
pub fn write_config(world: &mut World, place: &Place, id: &str, file_name: &str, bytes: &[u8]) {
    let modified = world.now();
    let Some(node) = node(world, place, id) else { return };
    node.agent.files.insert(file_name.to_owned(), File { bytes: bytes.into(), modified });
}

/// Stops the process. Nothing happens where none runs.
pub fn stop(world: &mut World, place: &Place, id: &str) {
    if let Some(node) = node(world, place, id) {
        node.agent.started = None;
        node.agent.starts_at_boot = false;
        node.agent.collects.clear();
        node.agent.emits = None;
    }
    delivery::refresh(world, place, id);
}

/// Starts the service, which reads all configurations anew. Whether it stays up shows in `started`.
///
/// Without a translated configuration the built-in default one is applied first; with one, but no JSON to
/// read, the process ends at once without an error, as AWS's does.
pub fn start(world: &mut World, place: &Place, id: &str) {
    let now = world.now();
    let Some(node) = node(world, place, id) else { return };
    if node.agent.version.is_none() || node.agent.started.is_some() || !node.running {
        return;
    }
    if node.agent.toml.is_none() {
        node.agent
            .files
            .insert("default".into(), File { bytes: DEFAULT_CONFIG.as_bytes().into(), modified: now });
    }
    let Ok(merged) = check(node, |_| true) else { return };
    if node.agent.configurations().next().is_none() || breaks(node, Breakage::Dies, |_| true) {
        return;
    }
    let platform = node.platform;
    let emission = config::emission(&merged, platform);
    let emission = emission.map(|emission| world.region(place).metrics.shared(emission));
    let Some(node) = world.region(place).nodes.nodes.get_mut(id) else { return };
    let agent = &mut node.agent;
    agent.toml = Some(now);
    agent.started = Some(now);
    agent.starts_at_boot = true;
    agent.collects = config::entries(&merged, platform);
    agent.emits = emission;
    delivery::refresh(world, place, id);
}

/// Merges and checks the configurations whose names `counts` takes.
pub(super) fn check(node: &Node, counts: impl Fn(&str) -> bool) -> Result<serde_json::Value, String> {
    if breaks(node, Breakage::Refused, &counts) {
        return Err("E! Invalid Json input schema.".to_owned());
    }
    config::merge(node.agent.configurations().filter(|(name, _)| counts(name)).map(|(_, file)| &*file.bytes))
}

fn breaks(node: &Node, how: Breakage, counts: impl Fn(&str) -> bool) -> bool {
    let Some(breaks) = node.disposition.breaks_on.as_ref().filter(|breaks| breaks.how == how) else {
        return false;
    };
    let mut files = node.agent.configurations().filter(|(name, _)| counts(name));
    files.any(|(_, file)| breaks.sha256.is_empty() || file.sha256() == breaks.sha256)
}

fn node<'a>(world: &'a mut World, place: &Place, id: &str) -> Option<&'a mut Node> {
    world.region(place).nodes.nodes.get_mut(id)
}
