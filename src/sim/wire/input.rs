//! Reading inputs: typed members out of JSON, with AWS's own complaints where they do not fit.

use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, Error as _};
use serde_json::Value;

use super::{AwsError, Service};

/// Reads an operation's input. Unknown members and wrong types are the caller's error.
///
/// # Errors
/// The service's validation error, which names the member.
pub fn read<T: DeserializeOwned>(service: Service, input: Value) -> Result<T, AwsError> {
    serde_json::from_value(input).map_err(|error| AwsError::validation(service, error.to_string()))
}

/// A whole number that the query protocols send as text.
///
/// # Errors
/// When it is neither a number nor text that spells one.
pub fn number<'de, D: Deserializer<'de>>(from: D) -> Result<Option<i64>, D::Error> {
    match Option::<Value>::deserialize(from)? {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Number(number)) => {
            number.as_i64().map(Some).ok_or_else(|| D::Error::custom("not a whole number"))
        }
        Some(Value::String(text)) => {
            text.parse().map(Some).map_err(|_| D::Error::custom(format!("`{text}` is not a whole number")))
        }
        Some(other) => Err(D::Error::custom(format!("`{other}` is not a whole number"))),
    }
}

/// A truth value that the query protocols send as text.
///
/// # Errors
/// When it is neither a truth value nor text that spells one.
pub fn truth<'de, D: Deserializer<'de>>(from: D) -> Result<bool, D::Error> {
    match Option::<Value>::deserialize(from)? {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Bool(flag)) => Ok(flag),
        Some(Value::String(text)) if text.eq_ignore_ascii_case("true") => Ok(true),
        Some(Value::String(text)) if text.eq_ignore_ascii_case("false") => Ok(false),
        Some(other) => Err(D::Error::custom(format!("`{other}` is neither true nor false"))),
    }
}
