//! How the program's own log is written: to standard error, since standard output belongs to events and answers.

use std::io::IsTerminal as _;

use clap::{Args, ValueEnum};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::field::MakeExt as _;
use tracing_subscriber::fmt::format;

use crate::journal::escaped;

/// The options of the log; every command has them.
#[derive(Clone, Debug, Args)]
pub struct LogArgs {
    /// How the program's own log is written, on standard error
    #[arg(long, global = true, value_enum, default_value_t = LogFormat::Auto, env = "WATCHKEEPER_LOG_FORMAT", hide_env = true)]
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
            let fields = format::debug_fn(|out, field, value| {
                // Names and answers come from machines that may be hostile.
                let text = escaped(&format!("{value:?}"));
                if field.name() == "message" { out.write_str(&text) } else { write!(out, "{field}={text}") }
            });
            log.with_ansi(is_terminal).fmt_fields(fields.delimited(" ")).try_init()
        };
        if let Err(error) = begun {
            tracing::debug!(%error, "somebody logs already");
        }
    }
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
    use super::*;

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
