//! The JSON protocols: 1.1 of SSM and CloudWatch Logs, 1.0 of CloudWatch. They differ in the content type.

use serde_json::{Value, json};

use super::{AwsError, Outcome, Response};

/// The content type of JSON 1.0.
pub(super) const VERSION_1_0: &str = "application/x-amz-json-1.0";
/// The content type of JSON 1.1.
pub(super) const VERSION_1_1: &str = "application/x-amz-json-1.1";

/// Reads a body. An empty one is an empty input.
pub(super) fn input(body: &[u8]) -> Result<Value, AwsError> {
    if body.is_empty() {
        return Ok(json!({}));
    }
    serde_json::from_slice(body).map_err(|error| AwsError::new("SerializationException", error.to_string()))
}

/// Writes a reply. Members that are null are left out, as AWS does.
pub(super) fn reply(content_type: &'static str, request_id: &str, outcome: Outcome) -> Response {
    let (status, body) = match outcome {
        Ok(mut value) => {
            drop_nulls(&mut value);
            (200, value)
        }
        Err(error) => (error.status, json!({ "__type": error.code, "message": error.message })),
    };
    Response { status, content_type, request_id: request_id.to_owned(), body: body.to_string().into_bytes() }
}

fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|_, member| !member.is_null());
            members.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}
