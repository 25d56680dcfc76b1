//! How a call to AWS can fail, in classes that decisions are made by.
//!
//! Which AWS code means which class is known in one other place, `aws/error.rs`.

use serde::{Deserialize, Serialize};

/// What kind of failure it is: what can be done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Class {
    /// Too many calls. Wait, then the same again.
    Throttled,
    /// Not permitted. A person must change a policy.
    Denied,
    /// The thing is not there.
    NotFound,
    /// The thing is there already.
    Exists,
    /// Somebody else is changing the same thing. The same again, soon.
    Conflict,
    /// A dependency is not ready yet, such as a role that was just made. The same again, soon.
    NotReady,
    /// AWS refuses the request as it stands. The same again would fail again.
    Invalid,
    /// A limit of the account is reached. A person must raise it or make room.
    Quota,
    /// No answer, or an answer that says nothing: the call may have been carried out.
    Ambiguous,
}

/// One failed call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{code}: {message}{}", said(request_id.as_deref()))]
pub struct Failure {
    /// What can be done about it.
    pub class: Class,
    /// AWS's own code, or ours where no answer came (`NoReply`).
    pub code: String,
    /// AWS's own sentence.
    pub message: String,
    /// The call, such as `ssm:SendCommand`.
    pub call: String,
    /// AWS's request id, where an answer came.
    pub request_id: Option<String>,
}

impl Failure {
    /// Whether the call may have been carried out although it failed.
    pub const fn may_have_happened(&self) -> bool {
        matches!(self.class, Class::Ambiguous)
    }
}

/// The request id at the end of a failure's text: what AWS Support asks for first.
fn said(request_id: Option<&str>) -> String {
    request_id.map(|id| format!(" (request id {id})")).unwrap_or_default()
}
