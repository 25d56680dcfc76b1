//! AWS's errors in our classes: the one place that knows code strings.
//!
//! A code has no meaning elsewhere: the model decides by [`Class`] alone. What matters most is [`Class::Ambiguous`]:
//! a call that AWS may have carried out is never called a failure that did nothing.

use std::error::Error;
use std::io;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_ssm::error::{ConnectorError, ProvideErrorMetadata, SdkError};
use aws_sdk_ssm::operation::RequestId;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

use crate::model::failure::{Class, Failure};

/// No answer came: the call may have been carried out.
const NO_REPLY: &str = "NoReply";
/// Nothing reached AWS.
const NOT_SENT: &str = "NotSent";
/// There are no usable credentials.
const NO_CREDENTIALS: &str = "NoCredentials";

/// AWS codes, without a trailing `Exception`, by what can be done about them. EC2's SDK models none of its
/// errors, so this is read from the wire code for every service alike.
#[rustfmt::skip]
const CODES: &[(Class, &[&str])] = &[
    (Class::Throttled, &[
        "Throttling", "Throttled", "RequestThrottled", "TooManyRequests", "RequestLimitExceeded",
        "BandwidthLimitExceeded", "SlowDown", "PriorRequestNotComplete", "EC2Throttled",
    ]),
    (Class::Denied, &[
        "AccessDenied", "UnauthorizedOperation", "UnauthorizedAccess", "AuthFailure", "NotAuthorized",
        "UnrecognizedClient", "InvalidClientTokenId", "InvalidAccessKeyId", "ExpiredToken", "RequestExpired",
        "SignatureDoesNotMatch", "InvalidSignature", "IncompleteSignature", "MissingAuthenticationToken",
        "OptInRequired", "RegionDisabled", "KMSAccessDenied", "LogDestinationPermissionIssue",
    ]),
    (Class::NotFound, &[
        "ParameterNotFound", "ParameterVersionNotFound", "ResourceNotFound", "NoSuchEntity", "InvalidDocument",
        // A node that is not registered, or not in a valid state: AWS rejects the whole batch for it.
        "InvalidInstanceId", "InvalidResourceId", "InvalidCommandId", "InvocationDoesNotExist",
        "AssociationDoesNotExist", "LogDestinationNotFound",
    ]),
    (Class::Exists, &[
        "ParameterAlreadyExists", "ResourceAlreadyExists", "EntityAlreadyExists", "FlowLogAlreadyExists",
        "DocumentAlreadyExists", "AssociationAlreadyExists",
        // Of `PutLogEvents`: the batch arrived before, its reply was lost.
        "DataAlreadyAccepted",
    ]),
    (Class::Conflict, &[
        "OperationAborted", "ConcurrentModification", "DeleteConflict", "TooManyUpdates",
        "EntityTemporarilyUnmodifiable", "TransactionInProgress", "DependencyViolation",
    ]),
    (Class::NotReady, &["IncorrectState", "IncorrectInstanceState"]),
    (Class::Quota, &["TooManyTags"]),
    (Class::Ambiguous, &[
        "InternalServerError", "InternalServiceError", "InternalServiceFault", "InternalFailure", "InternalError",
        "ServiceFailure", "ServiceUnavailable", "Unavailable", "RequestTimeout",
    ]),
];

/// Codes that mean something else with a certain sentence: code, part of the sentence, class.
const SENTENCES: &[(&str, &str, Class)] = &[
    // A role that was just made. Terraform's provider retries on the same sentence.
    ("InvalidParameter", "Unable to assume given IAM role", Class::NotReady),
    ("InvalidParameterValue", "Unable to assume given IAM role", Class::NotReady),
    // An instance profile that was just made.
    ("InvalidParameterValue", "Invalid IAM Instance Profile", Class::NotReady),
    ("IncorrectState", "existing association", Class::Exists),
];

/// How families of codes end, where the code itself is not listed: the ending and the class.
const ENDINGS: &[(&str, Class)] =
    &[(".NotFound", Class::NotFound), (".Duplicate", Class::Exists), ("LimitExceeded", Class::Quota)];

/// What `error`, in answer to `call` (such as `ssm:SendCommand`), comes to.
pub fn failure<E>(call: &str, error: &SdkError<E, HttpResponse>) -> Failure
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let (class, code, message) = match error {
        SdkError::ServiceError(context) => {
            let status = context.raw().status().as_u16();
            let code = context.err().code().map_or_else(|| format!("Http{status}"), str::to_owned);
            let message = context.err().message().unwrap_or_default().to_owned();
            (class_of(&code, &message, status), code, message)
        }
        SdkError::DispatchFailure(context) => dispatch(context.as_connector_error(), error),
        SdkError::ConstructionFailure(_) => (Class::Invalid, NOT_SENT.to_owned(), spelled(error)),
        // The reply timed out, or made no sense, or is of a kind that later SDKs know.
        _ => (Class::Ambiguous, NO_REPLY.to_owned(), spelled(error)),
    };
    Failure { class, code, message, call: call.to_owned(), request_id: error.request_id().map(str::to_owned) }
}

/// A part that AWS refused inside a call that succeeded.
pub fn refusal(call: &str, code: &str, message: &str, request_id: Option<&str>) -> Failure {
    Failure {
        // No status of its own; that of the call was 200.
        class: class_of(code, message, 400),
        code: code.to_owned(),
        message: message.to_owned(),
        call: call.to_owned(),
        request_id: request_id.map(str::to_owned),
    }
}

/// A request that cannot even be put together.
pub fn unsendable(call: &str, why: impl std::fmt::Display) -> Failure {
    Failure {
        class: Class::Invalid,
        code: NOT_SENT.to_owned(),
        message: why.to_string(),
        call: call.to_owned(),
        request_id: None,
    }
}

/// A reply that has the right form but cannot be true, such as a listing that runs in a circle.
pub fn nonsense(call: &str, why: &str) -> Failure {
    Failure {
        class: Class::Ambiguous,
        code: "Nonsense".to_owned(),
        message: why.to_owned(),
        call: call.to_owned(),
        request_id: None,
    }
}

/// Something that AWS took up and did not bring to an end.
pub fn unfinished(call: &str, why: impl Into<String>) -> Failure {
    Failure {
        class: Class::NotReady,
        code: "Unfinished".to_owned(),
        message: why.into(),
        call: call.to_owned(),
        request_id: None,
    }
}

/// Whether the body of an error reply carries a code of [`Class::Throttled`].
pub(super) fn spells_throttling(body: &[u8]) -> bool {
    let body = String::from_utf8_lossy(body);
    CODES
        .iter()
        .filter(|(class, _)| *class == Class::Throttled)
        .flat_map(|(_, codes)| *codes)
        .any(|code| body.contains(code))
}

fn class_of(code: &str, message: &str, status: u16) -> Class {
    let by_sentence = SENTENCES.iter().find(|(of, part, _)| *of == code && message.contains(part));
    if let Some((_, _, class)) = by_sentence {
        return *class;
    }
    let bare = code.strip_suffix("Exception").unwrap_or(code);
    if let Some((class, _)) = CODES.iter().find(|(_, codes)| codes.contains(&bare)) {
        return *class;
    }
    if let Some((_, class)) = ENDINGS.iter().find(|(ending, _)| bare.ends_with(ending)) {
        return *class;
    }
    if status >= 500 { Class::Ambiguous } else { Class::Invalid }
}

/// A call that broke off on the way. It may have arrived, unless it is certain that it never left.
fn dispatch(broken: Option<&ConnectorError>, error: &(dyn Error + 'static)) -> (Class, String, String) {
    let message = spelled(error);
    if chain(error).any(<dyn Error + 'static>::is::<CredentialsError>) {
        return (Class::Denied, NO_CREDENTIALS.to_owned(), message);
    }
    if broken.is_some_and(ConnectorError::is_user) {
        return (Class::Invalid, NOT_SENT.to_owned(), message);
    }
    if chain(error).filter_map(|cause| cause.downcast_ref::<io::Error>()).any(never_left) {
        // Not the caller's fault and nothing was done: the network is what is not ready.
        return (Class::NotReady, NOT_SENT.to_owned(), message);
    }
    (Class::Ambiguous, NO_REPLY.to_owned(), message)
}

fn never_left(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionRefused, HostUnreachable, NetworkUnreachable};
    matches!(error.kind(), ConnectionRefused | HostUnreachable | NetworkUnreachable)
}

fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error: &&'a (dyn Error + 'static)| (*error).source())
}

/// The whole chain on one line, as a person reads it: what the SDK tried, down to what the system said.
fn spelled(error: &(dyn Error + 'static)) -> String {
    let mut parts: Vec<String> = Vec::new();
    for cause in chain(error) {
        let part = cause.to_string();
        // Some of its errors repeat their source.
        if !parts.iter().any(|said| said.contains(&part)) {
            parts.push(part);
        }
    }
    parts.join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_their_classes() {
        let cases = [
            ("ThrottlingException", "Rate exceeded", 400, Class::Throttled),
            ("RequestLimitExceeded", "Request limit exceeded.", 503, Class::Throttled),
            ("Throttling", "Rate exceeded", 400, Class::Throttled),
            ("AccessDeniedException", "", 400, Class::Denied),
            ("UnauthorizedOperation", "", 403, Class::Denied),
            ("ParameterNotFound", "", 400, Class::NotFound),
            ("ResourceNotFoundException", "", 400, Class::NotFound),
            ("NoSuchEntity", "", 404, Class::NotFound),
            ("InvalidVpcID.NotFound", "", 400, Class::NotFound),
            ("InvalidInstanceId", "Instances [[i-1]] not in a valid state", 400, Class::NotFound),
            ("ParameterAlreadyExists", "", 400, Class::Exists),
            ("FlowLogAlreadyExists", "", 400, Class::Exists),
            ("EntityAlreadyExists", "", 409, Class::Exists),
            ("OperationAbortedException", "", 400, Class::Conflict),
            ("ConcurrentModification", "", 409, Class::Conflict),
            ("InvalidParameter", "Unable to assume given IAM role", 400, Class::NotReady),
            ("InvalidParameter", "Value is wrong", 400, Class::Invalid),
            ("LimitExceededException", "", 400, Class::Quota),
            ("FlowLogsLimitExceeded", "", 400, Class::Quota),
            ("ParameterMaxVersionLimitExceeded", "", 400, Class::Quota),
            ("ValidationException", "", 400, Class::Invalid),
            ("MalformedPolicyDocument", "", 400, Class::Invalid),
            ("InternalServerError", "", 500, Class::Ambiguous),
            ("ServiceFailure", "", 500, Class::Ambiguous),
            ("InternalServiceFault", "", 500, Class::Ambiguous),
            ("ResourceNotFound", "", 404, Class::NotFound),
            ("MalformedQueryException", "", 400, Class::Invalid),
            ("NeverHeardOf", "", 503, Class::Ambiguous),
            ("NeverHeardOf", "", 400, Class::Invalid),
        ];
        for (code, message, status, class) in cases {
            assert_eq!(class_of(code, message, status), class, "{code} {message} {status}");
        }
    }

    #[test]
    fn what_never_left_did_not_happen_and_what_may_have_arrived_may_have() {
        let io = |kind| ConnectorError::io(Box::new(io::Error::from(kind)));
        let cases = [
            (io(io::ErrorKind::ConnectionRefused), Class::NotReady, NOT_SENT),
            (io(io::ErrorKind::ConnectionReset), Class::Ambiguous, NO_REPLY),
            (ConnectorError::timeout("read".into()), Class::Ambiguous, NO_REPLY),
            (ConnectorError::user("not a URI".into()), Class::Invalid, NOT_SENT),
            (
                ConnectorError::other(Box::new(CredentialsError::not_loaded("none")), None),
                Class::Denied,
                NO_CREDENTIALS,
            ),
        ];
        for (broken, class, code) in cases {
            let error: SdkError<aws_sdk_ssm::operation::send_command::SendCommandError, HttpResponse> =
                SdkError::dispatch_failure(broken);
            let failure = failure("ssm:SendCommand", &error);
            assert_eq!((failure.class, &*failure.code), (class, code), "{failure:?}");
        }
    }
}
