//! What nodes cannot tell of a rollout, as the text of a parameter.
//!
//! A parameter holds 4,096 characters, so the list of rejected releases is bounded and only the last one keeps its
//! details. Who writes it reads it back: Parameter Store has no compare-and-swap.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Pinned, Release};

/// The most rejected releases that are remembered.
const REMEMBERED: usize = 12;
/// How much of a SHA-256 tells two contents apart.
const ENOUGH: usize = 16;
/// How much of a node's output is kept, in characters.
const KEPT_OUTPUT: usize = 400;
/// The most that a Standard parameter holds, in bytes (`PutParameter`, API reference), with some air.
const ROOM: usize = 4_000;

/// What must be remembered of one object's rollouts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// What was last proven good: where a halt goes back to.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub stable: Option<Release>,
    /// What was stable before: where `rollout undo` goes back to.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub previous: Option<Release>,
    /// What is not tried again, the newest first.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub rejected: Vec<Rejected>,
    /// Whether no further node may begin.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub paused: bool,
    /// When a person last said to try what was rejected: failures of before then do not count.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub retried: Option<Timestamp>,
    /// The digest of a release that a person let through without waves and bakes.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub promoted: Option<String>,
}

/// Who rejected a release.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// Watchkeeper, by what it saw.
    #[default]
    Health,
    /// A CloudWatch alarm that the document names.
    Alarm,
    /// A person, by `rollout undo`.
    Person,
}

/// A release that is not tried again, by what was new in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rejected {
    /// When.
    pub at: Timestamp,
    /// Who.
    #[serde(default)]
    pub by: Origin,
    /// The agent's version, where that was new.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub version: Option<Arc<str>>,
    /// The beginnings of the SHA-256s of the configurations that were new, by the field that named them.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub configs: BTreeMap<Arc<str>, String>,
    /// Why, for a person.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub why: String,
    /// The first node that failed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub node: Option<Arc<str>>,
    /// The command that failed there.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub command: Option<Arc<str>>,
    /// The end of what it printed.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub output: String,
}

/// The text of a state parameter is none that Watchkeeper wrote.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct StateUnreadable(String);

impl State {
    /// Reads the parameter's text.
    ///
    /// # Errors
    /// When it is not what [`State::text`] writes: nothing may rest on a guess then.
    pub fn parse(text: &str) -> Result<Self, StateUnreadable> {
        serde_json::from_str(text).map_err(|why| StateUnreadable(why.to_string()))
    }

    /// The parameter's text: at most 4,096 bytes, and nothing that Parameter Store would take for a reference.
    pub fn text(&self) -> String {
        let mut kept = self.clone();
        kept.rejected.truncate(REMEMBERED);
        for old in kept.rejected.iter_mut().skip(1) {
            (old.node, old.command, old.output, old.why) = (None, None, String::new(), String::new());
        }
        loop {
            // Serialising plain strings and maps cannot fail; `{{` cannot stand in compact JSON outside of strings.
            let text = serde_json::to_string(&kept).unwrap_or_default().replace("{{", "{ {");
            if text.len() <= ROOM || kept.rejected.is_empty() {
                return text;
            }
            if kept.rejected.len() == 1 {
                kept.rejected[0].output = String::new();
                kept.rejected[0].why.truncate(0);
                return serde_json::to_string(&kept).unwrap_or_default().replace("{{", "{ {");
            }
            kept.rejected.pop();
        }
    }

    /// The same state without what differs from one moment to the next: two with equal ones are one and the same write.
    #[must_use]
    pub fn timeless(&self) -> Self {
        let mut state = self.clone();
        for rejected in &mut state.rejected {
            let Rejected { by, version, configs, .. } = rejected.clone();
            let (at, why, output) = (Timestamp::UNIX_EPOCH, String::new(), String::new());
            *rejected = Rejected { at, by, version, configs, why, node: None, command: None, output };
        }
        state
    }

    /// The rejection that forbids `release`, if any. What is stable is never forbidden.
    pub fn rejection(&self, release: &Release) -> Option<&Rejected> {
        if self.stable.as_ref().is_some_and(|stable| release.is_within(stable)) {
            return None;
        }
        self.rejected.iter().find(|rejected| rejected.forbids(release))
    }

    /// The same state in which `rejected` is not tried again.
    #[must_use]
    pub fn rejecting(mut self, rejected: Rejected) -> Self {
        self.rejected.retain(|known| known.version != rejected.version || known.configs != rejected.configs);
        self.rejected.insert(0, rejected);
        self.promoted = None;
        self
    }

    /// The same state in which nothing forbids `release`.
    #[must_use]
    pub fn without_rejection_of(mut self, release: &Release) -> Self {
        self.rejected.retain(|rejected| !rejected.forbids(release));
        self
    }

    /// The same state in which `release` is proven good.
    #[must_use]
    pub fn proven(mut self, release: Release) -> Self {
        if self.stable.as_ref().is_some_and(|stable| !release.is_within(stable)) {
            self.previous = self.stable.take();
        }
        self.stable = Some(release);
        self.promoted = None;
        self
    }

    /// Whether a person let `release` through.
    pub fn is_promoted(&self, release: &Release) -> bool {
        self.promoted.as_deref() == Some(&*release.digest())
    }
}

impl Rejected {
    /// What is new in `release` against `stable` is rejected, at `at`, since `why`.
    pub fn of(release: &Release, stable: Option<&Release>, at: Timestamp, by: Origin, why: String) -> Self {
        let is_new = |field: &str, sha256: &str| {
            stable.and_then(|stable| stable.at(field)).is_none_or(|known| *known.sha256 != *sha256)
        };
        let configs: BTreeMap<Arc<str>, String> = release
            .configs
            .iter()
            .filter(|(field, pinned)| is_new(field, &pinned.sha256))
            .map(|(field, pinned)| (field.clone(), beginning(&pinned.sha256).to_owned()))
            .collect();
        let is_new_version = stable.is_none_or(|stable| stable.version != release.version);
        let version = release.version.clone().filter(|_| is_new_version);
        Self { at, by, version, configs, why, node: None, command: None, output: String::new() }
    }

    /// … as `node` showed, by what `command` printed.
    #[must_use]
    pub fn shown_by(mut self, node: &Arc<str>, command: Option<Arc<str>>, output: &str) -> Self {
        let skip = output.chars().count().saturating_sub(KEPT_OUTPUT);
        self.node = Some(node.clone());
        self.command = command;
        self.output = output.chars().skip(skip).collect();
        self
    }

    /// New content in the files is a new release, whatever the agent's version was; a version alone is forbidden
    /// by its name.
    fn forbids(&self, release: &Release) -> bool {
        if self.configs.is_empty() {
            return self.version.is_some() && self.version == release.version;
        }
        self.configs.iter().all(|(field, known)| {
            let has = |pinned: &Pinned| beginning(&pinned.sha256) == *known;
            // What is named otherwise now is the same content still.
            release.at(field).map_or_else(|| release.configs.values().any(has), has)
        })
    }
}

fn beginning(sha256: &str) -> &str {
    sha256.get(..ENOUGH).unwrap_or(sha256)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn release(version: &str, contents: &[(&str, &str)]) -> Release {
        let pinned = |content: &str| Pinned {
            parameter: "AmazonCloudWatch-x".into(),
            version: 1,
            sha256: crate::model::digest::sha256(content.as_bytes()).into(),
        };
        Release {
            version: Some(version.into()),
            configs: contents.iter().map(|(name, content)| ((*name).into(), pinned(content))).collect(),
        }
    }

    #[test]
    fn a_rejection_forbids_its_content_and_nothing_else() {
        let now = Timestamp::UNIX_EPOCH;
        let stable = release("1.0", &[("linux", "a"), ("windows", "w")]);
        let reject = |bad: &Release| {
            State::default().rejecting(Rejected::of(bad, Some(&stable), now, Origin::Health, "no".into()))
        };
        let both = reject(&release("1.1", &[("linux", "b"), ("windows", "w")]));
        for (tried, is_forbidden) in [
            (release("1.1", &[("linux", "b"), ("windows", "w")]), true),
            // A newer agent does not make a bad configuration good …
            (release("1.2", &[("linux", "b"), ("windows", "w")]), true),
            // … and a new file is tried with the same agent.
            (release("1.1", &[("linux", "c"), ("windows", "w")]), false),
            (stable.clone(), false),
        ] {
            assert_eq!(both.rejection(&tried).is_some(), is_forbidden, "{tried:?}");
        }
        let version = reject(&release("1.1", &[("linux", "a"), ("windows", "w")]));
        assert!(version.rejection(&release("1.1", &[("linux", "c")])).is_some());
        assert!(version.rejection(&release("1.2", &[("linux", "a")])).is_none());
    }

    #[test]
    fn the_text_fits_a_parameter_and_reads_back() {
        let now = Timestamp::UNIX_EPOCH;
        let long = "x{{y}}é".repeat(300);
        let names = ["linux", "windows", "on-premises"].map(|name| (name, name));
        let mut state = State {
            stable: Some(release("1.0", &names)),
            previous: Some(release("0.9", &names)),
            ..State::default()
        };
        for number in 0..30 {
            let bad = release("1.0", &[("linux", &format!("bad {number}"))]);
            let rejected =
                Rejected::of(&bad, state.stable.as_ref(), now, Origin::Health, long[..300].to_owned());
            state = state.rejecting(rejected.shown_by(&"i-0123456789abcdef0".into(), None, &long));
            let text = state.text();
            assert!(text.len() <= 4_096 && !text.contains("{{"), "{} bytes", text.len());
            let read = State::parse(&text).expect("its own text");
            assert!(read.rejection(&bad).is_some());
            assert_eq!(read.stable, state.stable);
        }
        assert!(State::parse("{\"stable\": 1}").is_err());
        assert!(State::parse("{\"unheard\": 1}").is_err());
    }

    #[test]
    fn what_was_stable_before_is_kept() {
        let (one, two) = (release("1.0", &[("linux", "a")]), release("1.0", &[("linux", "b")]));
        let state = State::default().proven(one.clone()).proven(two.clone()).proven(two.clone());
        assert_eq!((state.stable, state.previous), (Some(two), Some(one)));
    }
}
