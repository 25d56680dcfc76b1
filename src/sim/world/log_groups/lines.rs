//! What the lines of a source say: a pure function of the source and the line's number and time.
//!
//! They look like the logs of a small web shop in ordinary operation, with a few per cent of trouble, so that
//! filters, dashboards and people have something to find.

use std::hash::{Hash, Hasher};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::flow_record;
use super::read::Fnv;
use super::sources::{Line, Source};

/// Line `index` of `source`, written at `time` (milliseconds).
pub(super) fn text(source: &Source, time: i64, index: u64) -> String {
    let mut chance = chance(&source.key, index);
    let at = Timestamp::from_millisecond(time).unwrap_or_default();
    match &source.line {
        Line::Application => application(at, &mut chance).to_string(),
        Line::WebAccess => web_access(at, &mut chance),
        Line::WebError => web_error(at, &mut chance),
        Line::System => system(at, host(source), &mut chance),
        Line::WindowsEvent => windows_event(&mut chance),
        Line::FlowRecord { format, interface, account } => {
            let start = at - source.every;
            let record = flow_record::Record::made(interface, account, start, at, &mut chance);
            record.text(format)
        }
    }
}

/// The chance that belongs to one line: the same whenever it is read.
fn chance(key: &str, index: u64) -> fastrand::Rng {
    let mut hasher = Fnv::default();
    (key, index).hash(&mut hasher);
    fastrand::Rng::with_seed(hasher.finish())
}

/// The machine that a source's key names, such as the node in `agent/i-0…/system.log`.
fn host(source: &Source) -> &str {
    source
        .key
        .split('/')
        .find(|part| part.starts_with("i-") || part.starts_with("mi-"))
        .unwrap_or("localhost")
}

fn pick<T: Copy>(chance: &mut fastrand::Rng, from: &[T], otherwise: T) -> T {
    chance.choice(from).copied().unwrap_or(otherwise)
}

/// One request, as both the application and the web server see it.
struct Visit {
    method: &'static str,
    path: &'static str,
    status: u16,
    milliseconds: u32,
}

const VISITS: &[(&str, &str)] = &[
    ("GET", "/"),
    ("GET", "/health"),
    ("GET", "/catalog"),
    ("GET", "/catalog/shoes"),
    ("GET", "/cart"),
    ("POST", "/cart"),
    ("POST", "/checkout"),
    ("POST", "/login"),
    ("GET", "/orders"),
    ("GET", "/static/app.css"),
];

impl Visit {
    fn any(chance: &mut fastrand::Rng) -> Self {
        let (method, path) = pick(chance, VISITS, ("GET", "/"));
        let (status, milliseconds) = match chance.u8(..100) {
            0 => (500, chance.u32(400..3000)),
            1 => (503, chance.u32(2000..5000)),
            2..4 => (404, chance.u32(2..20)),
            4 => (401, chance.u32(5..40)),
            5..9 => (200, chance.u32(800..2500)),
            9..12 => (304, chance.u32(1..8)),
            _ => (200, chance.u32(8..180)),
        };
        Self { method, path, status, milliseconds }
    }

    fn level(&self) -> &'static str {
        match self.status {
            500.. => "ERROR",
            400.. => "WARN",
            _ if self.milliseconds >= 800 => "WARN",
            _ => "INFO",
        }
    }

    fn message(&self) -> &'static str {
        match (self.status, self.path) {
            (503, _) => "upstream timed out",
            (500.., "/checkout") => "payment provider refused the connection",
            (500.., _) => "unhandled exception",
            (404, _) => "no such page",
            (401, _) => "login required",
            _ if self.milliseconds >= 800 => "slow request",
            _ => "request served",
        }
    }
}

fn application(at: Timestamp, chance: &mut fastrand::Rng) -> Value {
    let visit = Visit::any(chance);
    let mut line = json!({
        "time": format!("{at:.3}"),
        "level": visit.level(),
        "service": "examplecorp-web",
        "requestId": format!("{:016x}", chance.u64(..)),
        "method": visit.method,
        "path": visit.path,
        "status": visit.status,
        "latencyMs": visit.milliseconds,
        "message": visit.message(),
    });
    if visit.status >= 500 {
        line["error"] = json!({ "type": "UpstreamError", "retries": chance.u8(1..4) });
    }
    line
}

const BROWSERS: &[&str] = &[
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1",
    "ELB-HealthChecker/2.0",
    "curl/8.14.1",
];

/// Apache's combined format.
fn web_access(at: Timestamp, chance: &mut fastrand::Rng) -> String {
    let visit = Visit::any(chance);
    let bytes = if visit.status == 304 { 0 } else { chance.u32(180..48_000) };
    format!(
        "{} - - [{}] \"{} {} HTTP/1.1\" {} {} \"-\" \"{}\"",
        client(chance),
        at.strftime("%d/%b/%Y:%H:%M:%S +0000"),
        visit.method,
        visit.path,
        visit.status,
        bytes,
        pick(chance, BROWSERS, "-"),
    )
}

/// An address of the range that is set aside for documentation.
fn client(chance: &mut fastrand::Rng) -> String {
    format!("198.51.100.{}", chance.u8(1..255))
}

const WEB_ERRORS: &[(&str, &str, &str)] = &[
    ("proxy_http", "error", "AH01114: HTTP: failed to make connection to backend: 127.0.0.1"),
    ("core", "info", "AH00128: File does not exist: /var/www/html/favicon.ico"),
    ("proxy", "error", "AH00898: Error reading from remote server returned by /checkout"),
    ("authz_core", "error", "AH01630: client denied by server configuration: /var/www/html/.env"),
    ("mpm_event", "notice", "AH00489: Apache/2.4.64 (Amazon Linux) configured -- resuming normal operations"),
];

fn web_error(at: Timestamp, chance: &mut fastrand::Rng) -> String {
    let (module, level, message) = pick(chance, WEB_ERRORS, ("core", "notice", "AH00094: Command line"));
    format!(
        "[{}] [{module}:{level}] [pid {}] [client {}:{}] {message}",
        at.strftime("%a %b %d %H:%M:%S.%6f %Y"),
        chance.u32(900..32_000),
        client(chance),
        chance.u16(1024..),
    )
}

const SYSTEM: &[(&str, &str)] = &[
    ("systemd[1]", "Started session of user ec2-user."),
    ("systemd[1]", "logrotate.service: Deactivated successfully."),
    ("systemd[1]", "Starting dnf makecache..."),
    ("sshd[2214]", "Connection closed by 198.51.100.23 port 51544 [preauth]"),
    ("amazon-ssm-agent[1702]", "INFO [ssm-agent-worker] Entering SSM Agent hibernate check"),
    ("chronyd[1411]", "Selected source 169.254.169.123"),
    ("kernel", "TCP: request_sock_TCP: Possible SYN flooding on port 443. Sending cookies."),
    ("kernel", "Out of memory: Killed process 4127 (java) total-vm:2891204kB"),
];

fn system(at: Timestamp, host: &str, chance: &mut fastrand::Rng) -> String {
    let (program, message) =
        pick(chance, SYSTEM, ("kernel", "clocksource: Switched to clocksource kvm-clock"));
    format!("{} {host} {program}: {message}", at.strftime("%b %e %H:%M:%S"))
}

const WINDOWS: &[(&str, &str, u32, &str)] = &[
    ("System", "INFORMATION", 7036, "The Windows Update service entered the running state."),
    ("System", "INFORMATION", 37, "The time provider NtpClient is currently receiving valid time data."),
    ("System", "WARNING", 1014, "Name resolution for the name time.windows.com timed out."),
    ("Application", "ERROR", 1000, "Faulting application name: w3wp.exe, version: 10.0.20348.1"),
    ("Application", "INFORMATION", 16384, "Successfully scheduled Software Protection service for re-start."),
];

/// The agent's default text form of a Windows event.
fn windows_event(chance: &mut fastrand::Rng) -> String {
    let (log, level, id, message) =
        pick(chance, WINDOWS, ("System", "INFORMATION", 1, "The system started."));
    format!("[{log}] [{level}] [{id}] [examplecorp] [EC2AMAZ-EXAMPLE] [{message}]")
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    fn source(line: Line) -> Source {
        Source {
            key: "agent/i-0123456789abcdef0/a.log".to_owned(),
            group: "a".to_owned(),
            stream: "b".to_owned(),
            every: SignedDuration::from_secs(600),
            delay: SignedDuration::ZERO,
            line,
            recreates: true,
        }
    }

    #[test]
    fn a_line_is_the_same_whenever_it_is_read() {
        for line in [Line::Application, Line::WebAccess, Line::WebError, Line::System, Line::WindowsEvent] {
            let source = source(line);
            assert_eq!(text(&source, 1_767_225_600_000, 7), text(&source, 1_767_225_600_000, 7));
        }
    }

    #[test]
    fn the_application_has_a_few_errors_among_much_information() {
        let source = source(Line::Application);
        let errors = (0..1000)
            .map(|index| text(&source, 1_767_225_600_000, index))
            .filter(|line| serde_json::from_str::<Value>(line).is_ok_and(|line| line["level"] == "ERROR"))
            .count();
        assert!((5..60).contains(&errors), "{errors} errors in 1000 lines");
    }

    #[test]
    fn a_flow_record_follows_its_format() {
        let source = source(Line::FlowRecord {
            format: "${version} ${account-id} ${interface-id} ${start} ${end} ${vpc-id}".to_owned(),
            interface: "eni-0aa".to_owned(),
            account: "111122223333".to_owned(),
        });
        let expected = "3 111122223333 eni-0aa 1767225000 1767225600 -";
        assert_eq!(text(&source, 1_767_225_600_000, 3), expected);
    }
}
