//! The probe script, run by the machine's own `sh` on folders laid out like a node's.
//!
//! For every state that the simulator can be in, the simulator must print the same, byte for byte.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use jiff::Timestamp;
use watchkeeper::model::probe::{self, AgentStatus};
use watchkeeper::sim::world::nodes::agent::File;
use watchkeeper::sim::world::nodes::{Node, Platform, add_on_premises, ctl, probe::print};
use watchkeeper::sim::world::{Place, World};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/model/probe/watchkeeper-probe.sh");
const BASE: &str = "opt/aws/amazon-cloudwatch-agent";
const PACKAGE: &str = "var/lib/amazon/ssm/packages/_arnawsssmpackageamazoncloudwatchagent_2E_ABC";
const VERSION: &str = "1.300071.0b1234";

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).expect("a time")
}

/// A simulated node on which an agent of [`VERSION`] may be installed.
fn node() -> Node {
    let mut world = World::new(1, at(1_760_000_000));
    let place = Place::default_place();
    let id = add_on_premises(&mut world, &place, "host", Platform::Linux, std::collections::BTreeMap::new());
    world.region(&place).nodes.nodes.remove(&id).expect("the node")
}

fn file(content: &str, seconds: i64) -> File {
    File { bytes: content.as_bytes().into(), modified: at(seconds) }
}

/// Writes a file and says when that was.
fn write(path: &Path, content: &[u8], seconds: i64) {
    fs::create_dir_all(path.parent().expect("a folder")).expect("made");
    fs::write(path, content).expect("written");
    let touched = Command::new("touch").arg("-d").arg(format!("@{seconds}")).arg("--").arg(path).status();
    assert!(touched.expect("touch").success());
}

fn control_script(root: &Path, script: &str) {
    let path = root.join(BASE).join("bin/amazon-cloudwatch-agent-ctl");
    write(&path, format!("#!/bin/sh\n{script}\n").as_bytes(), 1);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("executable");
}

/// Lays a simulated node out on disk.
fn lay_out(root: &Path, node: &Node) {
    let base = root.join(BASE);
    if let Some(version) = &node.agent.version {
        write(&base.join("bin/CWAGENT_VERSION"), format!("{version}\n").as_bytes(), 1);
        control_script(root, &format!("cat <<'END'\n{}END", ctl::status(node, false)));
    }
    if let Some(package) = &node.agent.package {
        let state =
            format!(r#"{{"name":"p","version":"{package}","state":8,"lastinstalledversion":"{package}"}}"#);
        write(&root.join(PACKAGE).join("installstate"), state.as_bytes(), 1);
    }
    for (name, file) in &node.agent.files {
        write(&folder(root).join(name), &file.bytes, file.modified.as_second());
    }
    if let Some(file) = &node.agent.etc_json {
        write(&base.join("etc/amazon-cloudwatch-agent.json"), &file.bytes, 1);
    }
    if let Some(toml) = node.agent.toml {
        write(&base.join("etc/amazon-cloudwatch-agent.toml"), b"x", toml.as_second());
    }
}

fn folder(root: &Path) -> PathBuf {
    root.join(BASE).join("etc/amazon-cloudwatch-agent.d")
}

fn run(root: &Path) -> String {
    let output =
        Command::new("sh").arg(SCRIPT).env("WATCHKEEPER_PROBE_ROOT", root).output().expect("sh runs");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "", "standard error");
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).expect("text");
    assert!(text.is_ascii() && text.len() <= 2400, "{} bytes", text.len());
    text
}

/// The states that a simulated node can be in.
fn states() -> Vec<(&'static str, Node)> {
    let bare = node();
    let mut stopped = bare.clone();
    stopped.agent.version = Some(VERSION.into());
    stopped.agent.package = Some(VERSION.into());
    let mut foreign = stopped.clone();
    foreign.agent.package = None;
    let mut running = stopped.clone();
    running.agent.started = Some(at(1_761_234_570));
    running.agent.toml = Some(at(1_761_234_567));
    running.agent.files.insert("ssm_AmazonCloudWatch-A_7".into(), file("{}", 1_761_234_566));
    let mut leftovers = running.clone();
    leftovers.agent.files.insert("ssm_AmazonCloudWatch-A_8.tmp".into(), file("{", 1_761_234_569));
    leftovers.agent.files.insert("file_by hand".into(), file("[]", 5));
    leftovers.agent.files.insert(".hidden".into(), file("", 6));
    leftovers.agent.etc_json = Some(file("{\"a\":1}", 1));
    let mut crowded = running.clone();
    for number in 0..150 {
        crowded.agent.files.insert(format!("file_{number:03}.json"), file("{}", number));
    }
    let mut uninstalled = leftovers.clone();
    uninstalled.agent.version = None;
    uninstalled.agent.package = None;
    uninstalled.agent.started = None;
    let mut huge = running.clone();
    huge.agent.files.insert("huge".into(), file(&"x".repeat(1_048_577), 9));
    vec![
        ("bare", bare),
        ("stopped", stopped),
        ("foreign", foreign),
        ("running", running),
        ("leftovers", leftovers),
        ("crowded", crowded),
        ("uninstalled", uninstalled),
        ("huge", huge),
    ]
}

#[test]
fn the_simulator_prints_what_the_script_prints() {
    for (name, node) in states() {
        let root = tempfile::tempdir().expect("a folder");
        lay_out(root.path(), &node);
        let said = run(root.path());
        assert_eq!(print(&node), said, "{name}");
        let read = probe::parse(&said).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(read.installed, node.agent.version.is_some(), "{name}");
        assert_eq!(read.version, node.agent.version, "{name}");
        assert_eq!(read.package, node.agent.package, "{name}");
        assert_eq!(read.started, node.agent.started, "{name}");
        assert_eq!(read.toml, node.agent.toml.map(Timestamp::as_second), "{name}");
        let files = node.agent.files.keys().filter(|name| !name.ends_with(".tmp")).count();
        assert_eq!(read.files.len() + read.more as usize, files, "{name}");
        assert_eq!(read.tmp as usize, node.agent.files.len() - files, "{name}");
    }
}

#[test]
fn hostile_names_and_odd_files_are_only_reported() {
    let root = tempfile::tempdir().expect("a folder");
    let folder = folder(root.path());
    control_script(
        root.path(),
        "echo '{ \"status\": \"running\", \"starttime\": \"x\ny$(id)\", \"more\": [1] }'",
    );
    for name in ["-rf", "$(touch pwned)", "a\nb", "q'\"`id`", "end=watchkeeper-probe"] {
        write(&folder.join(name), b"{}", 7);
    }
    symlink("/dev/zero", folder.join("zero")).expect("linked");
    symlink("/nowhere", folder.join("dangling")).expect("linked");
    fs::create_dir(folder.join("sub")).expect("made");
    assert!(Command::new("mkfifo").arg(folder.join("fifo")).status().expect("mkfifo").success());
    let read = probe::parse(&run(root.path())).expect("readable");
    assert_eq!(read.status, AgentStatus::Running);
    assert_eq!(read.files.len(), 8);
    let hashed: Vec<&str> =
        read.files.iter().filter(|file| file.sha256.is_some()).map(|file| file.name.as_str()).collect();
    assert_eq!(hashed.len(), 5, "{hashed:?}");
    assert_eq!(hashed.iter().filter(|name| name.starts_with("hex:")).count(), 4);
}

#[test]
fn a_control_script_that_says_nonsense_leaves_the_status_unknown() {
    for script in
        ["exit 3", "printf 'end=watchkeeper-probe\\n\\000\\377'", "yes | head -c 100000", "kill -9 $$"]
    {
        let root = tempfile::tempdir().expect("a folder");
        control_script(root.path(), script);
        let read = probe::parse(&run(root.path())).expect("readable");
        assert_eq!((read.installed, read.status), (true, AgentStatus::Unknown), "{script}");
        assert_eq!(read.started, None, "{script}");
    }
}
