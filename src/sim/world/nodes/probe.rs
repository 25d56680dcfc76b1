//! What Watchkeeper's probe script prints on a simulated node.
//!
//! There is no shell here: the script is recognised by its text, and what it would print is written from the
//! node's state. A test runs the real script on the same state and compares byte for byte.

use std::fmt::Write as _;

use super::agent::{File, is_tmp};
use super::{Node, Platform, ctl};

const SHELL: &str = include_str!("../../../model/probe/watchkeeper-probe.sh");
const POWERSHELL: &str = include_str!("../../../model/probe/watchkeeper-probe.ps1");

/// The scripts' own limits; see there for the reasons.
const MOST_FILES: usize = 100;
const BUDGET: usize = 1900;
const MOST_HASHED: usize = 1_048_576;

/// Whether a step's script is the probe.
pub(in crate::sim::world) fn is_probe(script: &str) -> bool {
    let same = |known: &str| script.trim_end() == known.trim_end();
    same(SHELL) || same(POWERSHELL)
}

/// What the probe prints.
pub fn print(node: &Node) -> String {
    let agent = &node.agent;
    let installed = agent.version.is_some();
    let status = match (installed, agent.started.is_some()) {
        (false, _) => "unknown",
        (true, true) => "running",
        (true, false) => "stopped",
    };
    let mut files: Vec<(&str, &File)> = agent
        .files
        .iter()
        .filter(|(name, _)| !is_tmp(name))
        .map(|(name, file)| (name.as_str(), file))
        .collect();
    // The shell script finds hidden files by patterns of their own; PowerShell's finds all at once.
    files.sort_by_key(|(name, _)| node.platform != Platform::Windows && name.starts_with('.'));
    let tmp = agent.files.len() - files.len();
    let yes = if installed { "yes" } else { "no" };
    let mut text =
        format!("watchkeeper-probe=1 installed={yes} status={status} files={} tmp={tmp}\n", files.len());
    let _ = writeln!(text, "version={}", agent.version.as_deref().unwrap_or_default());
    let _ = writeln!(text, "package={}", agent.package.as_deref().unwrap_or("none"));
    let _ = writeln!(text, "started={}", if installed { ctl::start_time(node) } else { String::new() });
    let configured = match (installed, agent.toml) {
        (false, _) => "",
        (true, Some(_)) => "configured",
        (true, None) => "not configured",
    };
    let _ = writeln!(text, "configstatus={configured}");
    let toml = agent.toml.map_or_else(|| "none".to_owned(), |at| at.as_second().to_string());
    let _ = writeln!(text, "toml={toml}");
    let json = agent.etc_json.as_ref().map_or_else(|| "none".to_owned(), hash);
    let _ = writeln!(text, "json={json}");
    list(&mut text, &files);
    text
}

/// One line per file while they fit, then how many did not, then the end.
fn list(text: &mut String, files: &[(&str, &File)]) {
    let mut shown = 0;
    let mut used = 0;
    for (name, file) in files.iter().take(MOST_FILES) {
        let line = format!("file={} {} {}\n", plain(name), hash(file), file.modified.as_second());
        used += line.len();
        if used > BUDGET {
            break;
        }
        shown += 1;
        text.push_str(&line);
    }
    let _ = writeln!(text, "more={}\nend=watchkeeper-probe", files.len() - shown);
}

fn hash(file: &File) -> String {
    if file.bytes.len() > MOST_HASHED { "-".to_owned() } else { file.sha256() }
}

/// A name that is safe to print, or its first forty bytes in hex.
fn plain(name: &str) -> String {
    let safe = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    if name.len() <= 80 && name.bytes().all(safe) {
        return name.to_owned();
    }
    name.bytes().take(40).fold("hex:".to_owned(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
