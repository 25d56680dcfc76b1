//! A mistake in the folder: what is wrong, where, and what to do about it.
//!
//! Problems are plain data. [`super::render`] turns them into text; events carry their one-line form.

use std::fmt;
use std::sync::Arc;

use super::ObjectRef;

/// How bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The document is not used; its last good version stays.
    Error,
    /// The document is used, but probably does not say what was meant.
    Warning,
}

/// A stretch of text inside one line of a file. Line and column count from 1, in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// Line, from 1.
    pub line: u32,
    /// Column of the first character, from 1.
    pub column: u32,
    /// How many characters; 0 where only the beginning is known.
    pub length: u32,
}

impl Span {
    /// The very beginning of a file.
    pub const START: Self = Self { line: 1, column: 1, length: 0 };
}

/// Where a document begins.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Path inside the folder, with `/`.
    pub file: Arc<str>,
    /// Line, from 1.
    pub line: u32,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// One mistake, with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// How bad it is.
    pub severity: Severity,
    /// Path inside the folder, with `/`; `.` for the folder itself.
    pub file: Arc<str>,
    /// Where in the file; none when the file as a whole is meant.
    pub at: Option<Span>,
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    /// The object that the document describes, where that could be read.
    pub object: Option<ObjectRef>,
}

impl Problem {
    /// An error about a file as a whole.
    pub fn file_error(file: impl Into<Arc<str>>, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            file: file.into(),
            at: None,
            message: message.into(),
            help: None,
            object: None,
        }
    }

    /// The same problem with advice.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Whether this problem keeps its document from being used.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

impl fmt::Display for Problem {
    /// One line: `file:line:column: message`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.at {
            Some(at) => write!(f, "{}:{}:{}: {}", self.file, at.line, at.column, self.message),
            None => write!(f, "{}: {}", self.file, self.message),
        }
    }
}

/// The mistakes of one document, collected while it is read. Reading goes on after a mistake: a person
/// wants to see all of them at once.
#[derive(Debug)]
pub struct Mistakes {
    file: Arc<str>,
    object: Option<ObjectRef>,
    list: Vec<Problem>,
}

impl Mistakes {
    /// None yet, for a document of `file`.
    pub fn new(file: Arc<str>, object: Option<ObjectRef>) -> Self {
        Self { file, object, list: Vec::new() }
    }

    /// The file being read.
    pub fn file(&self) -> &Arc<str> {
        &self.file
    }

    /// From here on, what is found belongs to `object`; so does what was found before.
    pub fn belong_to(&mut self, object: ObjectRef) {
        for problem in &mut self.list {
            problem.object = Some(object.clone());
        }
        self.object = Some(object);
    }

    /// Notes an error.
    pub fn error(&mut self, at: Span, message: impl Into<String>) {
        self.push(Severity::Error, None, Some(at), message.into(), None);
    }

    /// Notes an error, with advice.
    pub fn error_help(&mut self, at: Span, message: impl Into<String>, help: impl Into<String>) {
        self.push(Severity::Error, None, Some(at), message.into(), Some(help.into()));
    }

    /// Notes an error with the advice that was found, if any.
    pub fn error_maybe(&mut self, at: Span, message: impl Into<String>, help: Option<String>) {
        self.push(Severity::Error, None, Some(at), message.into(), help);
    }

    /// Notes a warning, with advice.
    pub fn warn_help(&mut self, at: Span, message: impl Into<String>, help: impl Into<String>) {
        self.push(Severity::Warning, None, Some(at), message.into(), Some(help.into()));
    }

    /// Notes something found in another file that this document refers to.
    pub fn elsewhere(
        &mut self,
        severity: Severity,
        file: &Arc<str>,
        at: Option<Span>,
        message: String,
        help: Option<String>,
    ) {
        self.push(severity, Some(file), at, message, help);
    }

    fn push(
        &mut self,
        severity: Severity,
        file: Option<&Arc<str>>,
        at: Option<Span>,
        message: String,
        help: Option<String>,
    ) {
        let file = Arc::clone(file.unwrap_or(&self.file));
        self.list.push(Problem { severity, file, at, message, help, object: self.object.clone() });
    }

    /// Whether any of them is an error.
    pub fn any_error(&self) -> bool {
        self.list.iter().any(Problem::is_error)
    }

    /// The problems, in the order they were found.
    pub fn into_problems(self) -> Vec<Problem> {
        self.list
    }
}
