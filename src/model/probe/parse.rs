//! The probe's output, read.
//!
//! What SSM keeps of it may have noise around (the agent appends standard error); between the verdict and the
//! end marker every line is ours. Without the marker nothing is believed.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

const VERDICT: &str = "watchkeeper-probe=1 ";
const ANY_VERDICT: &str = "watchkeeper-probe=";
const END: &str = "end=watchkeeper-probe";

/// What a node said about its CloudWatch agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// Whether there is an agent.
    pub installed: bool,
    /// Whether it runs.
    pub status: AgentStatus,
    /// The version it says it is, which may differ in form from the package's.
    pub version: Option<String>,
    /// The version that SSM Distributor installed; `None` when it did not.
    pub package: Option<String>,
    /// When the process started; `None` while it is stopped.
    pub started: Option<Timestamp>,
    /// When the translated configuration was written, in seconds since 1970; `None` when there is none.
    pub toml: Option<i64>,
    /// SHA-256 of the configuration that a person may have put beside the fetched ones; `-` when unreadable.
    pub etc_json: Option<String>,
    /// The configurations in the agent's folder, in the script's order.
    pub files: Vec<ConfigFile>,
    /// How many more there are than listed.
    pub more: u32,
    /// How many leftovers of failed changes there are.
    pub tmp: u32,
}

/// Whether the agent runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AgentStatus {
    /// It runs.
    Running,
    /// It is stopped.
    Stopped,
    /// The control script did not say, or there is none.
    Unknown,
}

/// One configuration in the agent's folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigFile {
    /// Its name; an unsafe or long one is `hex:` and the hex of its first forty bytes.
    pub name: String,
    /// SHA-256 of the content, lower hex; `None` when it could not be read.
    pub sha256: Option<String>,
    /// When it was written, in seconds since 1970; 0 when unknown.
    pub modified: i64,
}

/// Why a probe's output tells nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProbeUnreadable {
    /// There is no verdict: it is not the probe's output.
    #[error("there is no verdict line in the probe's output")]
    NoVerdict,
    /// The script is another version than this program.
    #[error("the probe's output is of another version: `{0}`")]
    OtherVersion(String),
    /// The end marker is missing.
    #[error("the probe's output is cut off: its end marker is missing")]
    Truncated,
    /// A line does not say what it should.
    #[error("the probe's output has a line that cannot be read: `{0}`")]
    Line(String),
}

/// Reads what SSM kept of the probe's output.
///
/// # Errors
/// When it is not a whole output of this version's probe; then the node's state is unknown.
pub fn parse(output: &str) -> Result<Probe, ProbeUnreadable> {
    let mut lines = output.lines().map(str::trim_end).skip_while(|line| !line.starts_with(ANY_VERDICT));
    let verdict = lines.next().ok_or(ProbeUnreadable::NoVerdict)?;
    let fields = verdict
        .strip_prefix(VERDICT)
        .ok_or_else(|| ProbeUnreadable::OtherVersion(verdict.chars().take(40).collect()))?;
    let lines: Vec<&str> = lines.collect();
    let end = lines.iter().position(|line| *line == END).ok_or(ProbeUnreadable::Truncated)?;
    let mut probe = read_verdict(fields).ok_or_else(|| unreadable(verdict))?;
    for line in &lines[..end] {
        read_line(&mut probe, line).ok_or_else(|| unreadable(line))?;
    }
    Ok(probe)
}

fn unreadable(line: &str) -> ProbeUnreadable {
    ProbeUnreadable::Line(line.chars().take(80).collect())
}

fn read_verdict(fields: &str) -> Option<Probe> {
    let mut probe = Probe {
        installed: false,
        status: AgentStatus::Unknown,
        version: None,
        package: None,
        started: None,
        toml: None,
        etc_json: None,
        files: Vec::new(),
        more: 0,
        tmp: 0,
    };
    for field in fields.split_whitespace() {
        match field.split_once('=')? {
            ("installed", answer) => probe.installed = answer == "yes",
            ("status", "running") => probe.status = AgentStatus::Running,
            ("status", "stopped") => probe.status = AgentStatus::Stopped,
            ("tmp", count) => probe.tmp = count.parse().ok()?,
            _ => {}
        }
    }
    Some(probe)
}

/// Unknown keys are a newer script's, and no harm.
fn read_line(probe: &mut Probe, line: &str) -> Option<()> {
    let (key, value) = line.split_once('=')?;
    match key {
        "version" => probe.version = some(value),
        "package" => probe.package = some(value),
        "started" => probe.started = if value.is_empty() { None } else { time(value) },
        "toml" => probe.toml = some(value).map(|seconds| seconds.parse()).transpose().ok()?,
        "json" => probe.etc_json = some(value),
        "more" => probe.more = value.parse().ok()?,
        "file" => probe.files.push(file(value)?),
        _ => {}
    }
    Some(())
}

fn some(value: &str) -> Option<String> {
    (!value.is_empty() && value != "none").then(|| value.to_owned())
}

fn file(value: &str) -> Option<ConfigFile> {
    let mut words = value.split(' ');
    let (name, hash, modified) = (words.next()?, words.next()?, words.next()?);
    let sha256 = (hash != "-").then(|| hash.to_owned());
    if words.next().is_some() || name.is_empty() || sha256.as_ref().is_some_and(|hash| hash.len() != 64) {
        return None;
    }
    Some(ConfigFile { name: name.to_owned(), sha256, modified: modified.parse().ok()? })
}

/// With a zone (`+00:00`, or `+0000` from older tools) or without one, as on Windows: then it is UTC. A start
/// time that cannot be read is none: whether the agent has loaded a file is then unknown, no more.
fn time(value: &str) -> Option<Timestamp> {
    let timestamp = value.parse().ok().or_else(|| Timestamp::strptime("%Y-%m-%dT%H:%M:%S%z", value).ok());
    timestamp.or_else(|| {
        let local: DateTime = value.parse().ok()?;
        local.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn whole(middle: &str) -> String {
        format!(
            "watchkeeper-probe=1 installed=yes status=running files=1 tmp=2\n{middle}more=0\nend=watchkeeper-probe\n"
        )
    }

    #[test]
    fn a_whole_output_is_read() {
        let output = whole(&format!(
            "version=1.3b4\npackage=1.3\nstarted=2026-11-22T10:00:00+00:00\nconfigstatus=configured\ntoml=17\njson=none\nfile=ssm_A_7 {HASH} 16\nfile=hex:24 - 0\nfuture=1\n"
        ));
        let noisy = format!("warning: x\n{output}\n----------ERROR-------\nsh: noise\n");
        let probe = parse(&noisy).expect("readable");
        let file = |name: &str, sha256: Option<&str>, modified| ConfigFile {
            name: name.into(),
            sha256: sha256.map(str::to_owned),
            modified,
        };
        let expected = Probe {
            installed: true,
            status: AgentStatus::Running,
            version: Some("1.3b4".into()),
            package: Some("1.3".into()),
            started: "2026-11-22T10:00:00Z".parse().ok(),
            toml: Some(17),
            etc_json: None,
            files: vec![file("ssm_A_7", Some(HASH), 16), file("hex:24", None, 0)],
            more: 0,
            tmp: 2,
        };
        assert_eq!(probe, expected);
    }

    #[test]
    fn start_times_come_in_several_forms() {
        for form in ["2026-11-22T10:00:00+00:00", "2026-11-22T10:00:00+0000", "2026-11-22T10:00:00"] {
            let probe = parse(&whole(&format!("started={form}\n"))).expect("readable");
            assert_eq!(probe.started, "2026-11-22T10:00:00Z".parse().ok(), "{form}");
        }
        assert_eq!(parse(&whole("started=soon\n")).expect("readable").started, None);
    }

    #[test]
    fn what_is_not_whole_is_not_believed() {
        let good = whole("version=1\n");
        let cut = good.replace("end=watchkeeper-probe\n", "");
        let cases = [
            ("", ProbeUnreadable::NoVerdict),
            ("sh: not found\n", ProbeUnreadable::NoVerdict),
            (
                "watchkeeper-probe=2 installed=no\n",
                ProbeUnreadable::OtherVersion("watchkeeper-probe=2 installed=no".into()),
            ),
            (cut.as_str(), ProbeUnreadable::Truncated),
        ];
        for (output, expected) in cases {
            assert_eq!(parse(output), Err(expected), "{output:?}");
        }
        for line in ["noise", "file=a b", "file=a zz 1", "more=-1", "toml=x"] {
            let read = parse(&whole(&format!("{line}\n")));
            assert_eq!(read, Err(ProbeUnreadable::Line(line.into())), "{line}");
        }
    }
}
