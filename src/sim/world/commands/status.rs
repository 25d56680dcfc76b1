//! What SSM calls the state of an invocation, of its steps and of the whole command.

use super::Command;
use crate::sim::world::nodes::Platform;

/// How much of a step's output a listing shows (amazon-ssm-agent's iohandler).
const MOST_OUTPUT: usize = 2500;
/// Of that, how much may be standard error.
const MOST_ERROR: usize = 500;

/// Where an invocation stands: status and status details in one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// Not yet on the node.
    #[default]
    Pending,
    /// The node does not answer; SSM keeps trying.
    Delayed,
    /// The node runs it.
    InProgress,
    /// The node has been asked to stop.
    Cancelling,
    /// Every step that applies succeeded.
    Success,
    /// A step failed.
    Failed,
    /// The node took it too late, or never.
    DeliveryTimedOut,
    /// It ran too long, or the node never said what became of it.
    ExecutionTimedOut,
    /// It was stopped.
    Cancelled,
    /// The node cannot be reached.
    Undeliverable,
    /// Other nodes' errors ended the command first.
    Terminated,
}

impl State {
    /// `Status`.
    pub const fn status(self) -> &'static str {
        match self {
            Self::DeliveryTimedOut | Self::ExecutionTimedOut => "TimedOut",
            Self::Undeliverable | Self::Terminated => "Failed",
            other => other.details(),
        }
    }

    /// `Status` of a step, which knows fewer words.
    pub const fn plugin_status(self) -> &'static str {
        match self {
            Self::Delayed => "Pending",
            Self::Cancelling => "InProgress",
            other => other.status(),
        }
    }

    /// `StatusDetails`.
    pub const fn details(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Delayed => "Delayed",
            Self::InProgress => "InProgress",
            Self::Cancelling => "Cancelling",
            Self::Success => "Success",
            Self::Failed => "Failed",
            Self::DeliveryTimedOut => "DeliveryTimedOut",
            Self::ExecutionTimedOut => "ExecutionTimedOut",
            Self::Cancelled => "Cancelled",
            Self::Undeliverable => "Undeliverable",
            Self::Terminated => "Terminated",
        }
    }

    /// Whether nothing more will come.
    pub const fn is_final(self) -> bool {
        !matches!(self, Self::Pending | Self::Delayed | Self::InProgress | Self::Cancelling)
    }

    /// Whether it counts to `MaxErrors`. Undeliverable and DeliveryTimedOut do not.
    pub const fn is_error(self) -> bool {
        matches!(self, Self::Failed | Self::ExecutionTimedOut)
    }
}

impl Command {
    /// `Status` and `StatusDetails` of the whole.
    pub fn status(&self) -> (&'static str, &'static str) {
        let total = self.invocations.len();
        let of = |wanted: State| self.count(|state| state == wanted);
        let open = self.count(|state| !state.is_final());
        let errors = self.count(State::is_error);
        if total == 0 {
            return ("Failed", "NoInstancesInTag");
        }
        if open > 0 {
            return match (self.cancelled, of(State::Pending) == total) {
                (true, _) => ("Cancelling", "Cancelling"),
                (_, true) => ("Pending", "Pending"),
                _ => ("InProgress", "InProgress"),
            };
        }
        if of(State::Cancelled) > 0 && (self.cancelled || of(State::Cancelled) == total) {
            return ("Cancelled", "Cancelled");
        }
        if errors > self.errors_allowed {
            return if of(State::ExecutionTimedOut) == errors {
                ("TimedOut", "ExecutionTimedOut")
            } else {
                ("Failed", "Failed")
            };
        }
        if errors > 0 {
            return ("Failed", "Incomplete");
        }
        if of(State::DeliveryTimedOut) > 0 {
            return ("TimedOut", "DeliveryTimedOut");
        }
        if of(State::Undeliverable) == total { ("Failed", "Failed") } else { ("Success", "Success") }
    }
}

/// What a plugin's `Output` shows: standard output, then standard error, cut to what SSM keeps.
pub fn plugin_output(stdout: &str, stderr: &str) -> String {
    const OUTPUT_CUT: &str = "\n---Output truncated---";
    const ERROR_CUT: &str = "\n---Error truncated----";
    const SEPARATOR: &str = "\n----------ERROR-------\n";
    if stderr.is_empty() {
        return cut(stdout, MOST_OUTPUT, OUTPUT_CUT);
    }
    let errors = cut(stderr, MOST_ERROR, ERROR_CUT);
    let room = MOST_OUTPUT - SEPARATOR.len() - errors.len();
    format!("{}{SEPARATOR}{errors}", cut(stdout, room, OUTPUT_CUT))
}

/// What a step for another platform leaves in `Output`.
pub(super) fn skipped(platform: Platform, step: &str) -> String {
    format!(
        "Step execution skipped due to unsatisfied preconditions: '\"StringEquals\": [platformType, {}]'. Step name: {step}",
        platform.name()
    )
}

fn cut(text: &str, most: usize, marker: &str) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    let mut end = most.saturating_sub(marker.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}{marker}", &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_is_cut_to_what_ssm_keeps() {
        assert_eq!(plugin_output("a\n", ""), "a\n");
        assert_eq!(plugin_output("a", "b"), "a\n----------ERROR-------\nb");
        let long = plugin_output(&"x".repeat(5000), &"é".repeat(5000));
        assert!(long.len() <= MOST_OUTPUT, "{}", long.len());
        assert!(long.contains("---Output truncated---") && long.ends_with("---Error truncated----"));
    }
}
