//! IAM's policy documents as text.
//!
//! IAM gives its documents URL-encoded as in RFC 3986, which the Rust SDK does not undo. A `+` is a plus.
//! Comparing documents is not done here.

use percent_encoding::percent_decode_str;
use serde_json::Value;

use crate::model::question::PolicyDocument;

/// The document that IAM's `encoded` text stands for. What is no JSON stays a string.
pub(super) fn decode(encoded: &str) -> PolicyDocument {
    let text = percent_decode_str(encoded).decode_utf8_lossy();
    serde_json::from_str(&text).unwrap_or_else(|_| Value::String(text.into_owned()))
}

/// The text to send for `document`.
pub(super) fn encode(document: &PolicyDocument) -> String {
    document.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_decoded_and_a_plus_stays_a_plus() {
        let decoded = decode("%7B%22Sid%22%3A%22a+b%20c%22%7D");
        assert_eq!(decoded, serde_json::json!({ "Sid": "a+b c" }));
    }

    #[test]
    fn what_is_no_json_stays_text() {
        assert_eq!(decode("not%20json"), Value::String("not json".to_owned()));
    }
}
