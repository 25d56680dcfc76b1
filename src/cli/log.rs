//! How the program's own log is written: to standard error, since standard output belongs to events and answers.

use std::io::IsTerminal as _;

use clap::{Args, ValueEnum};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::field::MakeExt as _;
use tracing_subscriber::fmt::format::{self, FormatFields};

use crate::journal::escaped;

/// The options of the log; every command has them.
#[derive(Clone, Debug, Args)]
pub struct LogArgs {
    /// How the program's own log is written, on standard error
    #[arg(long, global = true, value_enum, default_value_t = LogFormat::Auto, env = "WATCHKEEPER_LOG_FORMAT")]
    log_format: LogFormat,
    /// What is logged: error, warn, info, debug or trace, or filters such as `warn,watchkeeper=debug`
    #[arg(long, global = true, default_value = "info", env = "WATCHKEEPER_LOG", value_parser = level)]
    log_level: String,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people on a terminal, as JSON lines otherwise
    Auto,
    /// As JSON lines
    Json,
    /// For people
    Pretty,
}

impl LogArgs {
    /// Begins to log. Does nothing where somebody logs already.
    pub fn begin(&self) {
        let is_terminal = std::io::stderr().is_terminal();
        let is_json = match self.log_format {
            LogFormat::Auto => !is_terminal,
            LogFormat::Json => true,
            LogFormat::Pretty => false,
        };
        let log = tracing_subscriber::fmt()
            .with_env_filter(EnvFilter::new(&self.log_level))
            .with_writer(std::io::stderr)
            .with_target(false);
        let begun = if is_json {
            // The spans' list has the current one too.
            log.json().flatten_event(true).with_current_span(false).try_init()
        } else {
            log.with_ansi(is_terminal).fmt_fields(harmless_fields()).try_init()
        };
        if let Err(error) = begun {
            tracing::debug!(%error, "somebody logs already");
        }
    }
}

/// Names and answers come from machines that may be hostile: in lines for people, their control characters are written
/// out. JSON does so by itself.
fn harmless_fields() -> impl for<'w> FormatFields<'w> + 'static {
    let fields = format::debug_fn(|out, field, value| {
        let text = escaped(&format!("{value:?}"));
        if field.name() == "message" { out.write_str(&text) } else { write!(out, "{field}={text}") }
    });
    fields.delimited(" ")
}

/// A level is Watchkeeper's own: what its libraries say below a warning is noise to everybody else.
fn level(text: &str) -> Result<String, String> {
    let levels = ["error", "warn", "info", "debug", "trace", "off"];
    match text {
        "error" | "off" => Ok(text.to_owned()),
        word if levels.contains(&word) => Ok(format!("warn,watchkeeper={word}")),
        // A bare word that is no level would otherwise count as the name of a module.
        _ if !text.contains('=') && !text.contains(',') => Err(format!("one of {}", levels.join(", "))),
        _ => EnvFilter::try_new(text).map(|_| text.to_owned()).map_err(|error| error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use super::*;

    /// What was logged.
    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("no panic").extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn hostile_names_stay_on_their_line() {
        let written = Written::default();
        let to = written.clone();
        let log = tracing_subscriber::fmt().with_writer(move || to.clone()).with_ansi(false).without_time();
        tracing::subscriber::with_default(log.fmt_fields(harmless_fields()).finish(), || {
            let hostile = "a\x1b[31m\nERROR all is lost\u{202e}";
            let _span = tracing::info_span!("scope", account = %hostile).entered();
            tracing::info!(name = %hostile, quoted = hostile, "said {hostile}");
        });
        let text = String::from_utf8(written.0.lock().expect("no panic").clone()).expect("UTF-8");
        assert_eq!(text.lines().count(), 1, "{text}");
        let bare = text.trim_end();
        assert!(!bare.contains(|c: char| c.is_control() || c == '\u{202e}'), "{text:?}");
        assert!(
            text.contains("all is lost") && text.contains("name=") && text.contains("account="),
            "{text}"
        );
    }

    #[test]
    fn levels_are_ours_and_filters_are_whole() {
        for (text, filter) in [
            ("info", Some("warn,watchkeeper=info")),
            ("debug", Some("warn,watchkeeper=debug")),
            ("error", Some("error")),
            ("warn,watchkeeper=debug,hyper=trace", Some("warn,watchkeeper=debug,hyper=trace")),
            ("loud", None),
            ("watchkeeper=loud", None),
            ("", None),
        ] {
            assert_eq!(level(text).ok().as_deref(), filter, "{text}");
        }
    }
}
