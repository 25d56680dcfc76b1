//! What a plan says of the world, besides what to do: one finding for each thing that is not simply right.

use std::borrow::Cow;
use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;

use super::desired::ObjectRef;
use super::reason::Reason;

/// One field that differs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Drift {
    /// The field, in the document's own words.
    pub field: Arc<str>,
    /// What the world has.
    pub have: Arc<str>,
    /// What the document says.
    pub want: Arc<str>,
}

impl Drift {
    /// A field with what it is and what it should be.
    pub fn new(field: &str, have: impl AsRef<str>, want: impl AsRef<str>) -> Self {
        Self { field: field.into(), have: have.as_ref().into(), want: want.as_ref().into() }
    }
}

impl std::fmt::Display for Drift {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {} → {}", self.field, self.have, self.want)
    }
}

/// Something that is not simply right, now. Level, not edge: it is found again in every pass until it is gone.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    /// Why.
    pub reason: Reason,
    /// The object that it holds back; none when it concerns the whole scope.
    pub object: Option<ObjectRef>,
    /// What it is about: a node, a network, a group; none when it is the object itself.
    pub subject: Option<Arc<str>>,
    /// What is the case, for a person.
    pub message: String,
    /// What is being waited for meanwhile, or why nothing is done.
    pub note: Option<Cow<'static, str>>,
    /// Field by field.
    pub drift: Vec<Drift>,
    /// The command that tells more.
    pub command: Option<Arc<str>>,
    /// When it is looked at, or tried, again.
    pub until: Option<Timestamp>,
}

impl Finding {
    /// A finding about an object.
    pub fn of(object: &ObjectRef, reason: Reason, message: impl Into<String>) -> Self {
        Self { object: Some(object.clone()), ..Self::general(reason, message) }
    }

    /// A finding about the whole scope.
    pub fn general(reason: Reason, message: impl Into<String>) -> Self {
        Self {
            reason,
            object: None,
            subject: None,
            message: message.into(),
            note: None,
            drift: Vec::new(),
            command: None,
            until: None,
        }
    }

    /// … about this part of it.
    #[must_use]
    pub fn about(mut self, subject: impl Into<Arc<str>>) -> Self {
        self.subject = Some(subject.into());
        self
    }

    /// … and this is what it waits for.
    #[must_use]
    pub fn noting(mut self, note: impl Into<Cow<'static, str>>) -> Self {
        self.note = Some(note.into());
        self
    }

    /// … with these differences.
    #[must_use]
    pub fn with(mut self, drift: Vec<Drift>) -> Self {
        self.drift = drift;
        self
    }

    /// … told by this command.
    #[must_use]
    pub fn told_by(mut self, command: Option<Arc<str>>) -> Self {
        self.command = command;
        self
    }

    /// … until then.
    #[must_use]
    pub fn until(mut self, at: Timestamp) -> Self {
        self.until = Some(at);
        self
    }
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.note {
            Some(note) => write!(f, "{}: {note}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

/// How an object's parts stand, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// Parts that the document selects: nodes, networks; 1 for a single thing.
    pub selected: u32,
    /// Parts that are as the document says.
    pub right: u32,
    /// Parts that cannot be managed as they are.
    pub set_aside: u32,
}
