//! The log files that are on a simulated machine, and written to. A configuration that names another file is taken by
//! the agent all the same, and delivers nothing: nobody tells the agent that a path is wrong.

use serde_json::Value;

use super::Platform;
use crate::sim::world::wildcard;

/// On Linux and macOS.
const UNIX: [&str; 14] = [
    "/opt/app/application.log",
    "/opt/example-corp/application.log",
    "/var/log/application.log",
    "/var/log/cloud-init-output.log",
    "/var/log/cron",
    "/var/log/example-corp/application.log",
    "/var/log/httpd/access_log",
    "/var/log/httpd/error_log",
    "/var/log/messages",
    "/var/log/nginx/access.log",
    "/var/log/nginx/error.log",
    "/var/log/secure",
    "/var/log/syslog",
    "/var/log/system.log",
];

/// On Windows.
const WINDOWS: [&str; 4] = [
    r"C:\ExampleCorp\Logs\application.log",
    r"C:\Windows\System32\LogFiles\HTTPERR\httperr1.log",
    r"C:\inetpub\logs\LogFiles\W3SVC1\u_ex260302.log",
    r"C:\ProgramData\Amazon\SSM\Logs\amazon-ssm-agent.log",
];

/// Whether a file that `path` means, `*` and `**` included, is on machines of this platform.
pub(super) fn is_there(path: Option<&Value>, platform: Platform) -> bool {
    let files = if platform == Platform::Windows { &WINDOWS[..] } else { &UNIX[..] };
    let path = path.and_then(Value::as_str).unwrap_or_default();
    files.iter().any(|file| wildcard::fits(path, file))
}
