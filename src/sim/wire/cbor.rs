//! RPC v2 with CBOR, the protocol in which SDKs speak to CloudWatch: the operation stands in the path, and the body
//! is the same tree as JSON in another writing. Moments are tagged numbers there, and plain seconds inside.

use std::convert::Infallible;

use minicbor::data::{IanaTag, Type};
use minicbor::encode::Error as EncodeError;
use minicbor::{Decoder, Encoder};
use serde_json::{Map, Number, Value, json};

use super::{AwsError, Response, Service};

/// The content type by which both sides know the protocol.
pub(super) const CONTENT_TYPE: &str = "application/cbor";
/// CloudWatch's own name in its protocols.
pub(super) const NAME: &str = "GraniteServiceVersion20100801";
/// Deeper than any input of CloudWatch.
const DEEPEST: usize = 16;

/// Finds service and operation in a path such as `/service/GraniteServiceVersion20100801/operation/ListMetrics`.
pub(super) fn target(path: &str) -> Option<(Service, String)> {
    let (service, operation) =
        path.trim_start_matches('/').strip_prefix("service/")?.split_once("/operation/")?;
    (service == NAME).then(|| (Service::CloudWatch, operation.to_owned()))
}

/// Reads a body. An empty one is an empty input.
pub(super) fn input(body: &[u8]) -> Result<Value, AwsError> {
    if body.is_empty() {
        return Ok(Value::Object(Map::new()));
    }
    value(&mut Decoder::new(body), DEEPEST)
        .map_err(|error| AwsError::new("SerializationException", error.to_string()))
}

type Read<T> = Result<T, minicbor::decode::Error>;

fn value(from: &mut Decoder<'_>, depth: usize) -> Read<Value> {
    let bad = |what| Err(minicbor::decode::Error::message(what));
    let Some(depth) = depth.checked_sub(1) else { return bad("the input is nested too deeply") };
    match from.datatype()? {
        Type::Null | Type::Undefined => from.skip().map(|()| Value::Null),
        Type::Bool => from.bool().map(Value::Bool),
        Type::String | Type::StringIndef => from.str_iter()?.collect::<Read<String>>().map(Value::String),
        Type::F16 | Type::F32 | Type::F64 => {
            let number = Number::from_f64(from.f64()?);
            number.map_or_else(|| bad("a number is not finite"), |number| Ok(Value::Number(number)))
        }
        Type::Array | Type::ArrayIndef => {
            let length = from.array()?;
            let mut items = Vec::new();
            while goes_on(from, length, items.len())? {
                items.push(value(from, depth)?);
            }
            Ok(Value::Array(items))
        }
        Type::Map | Type::MapIndef => {
            let length = from.map()?;
            let mut members = Map::new();
            while goes_on(from, length, members.len())? {
                let name = from.str_iter()?.collect::<Read<String>>()?;
                members.insert(name, value(from, depth)?);
            }
            Ok(Value::Object(members))
        }
        Type::Tag => {
            from.tag()?;
            value(from, depth)
        }
        Type::Bytes | Type::BytesIndef | Type::Simple | Type::Break | Type::Unknown(_) => {
            bad("the input holds something that is in none of CloudWatch's models")
        }
        _ => from.i64().map(Value::from),
    }
}

/// Whether another item follows in a list or map of this length; without one, a mark ends it.
fn goes_on(from: &mut Decoder<'_>, length: Option<u64>, read: usize) -> Read<bool> {
    match length {
        Some(length) => Ok(u64::try_from(read).is_ok_and(|read| read < length)),
        None if from.datatype()? == Type::Break => from.skip().map(|()| false),
        None => Ok(true),
    }
}

/// Writes a reply. Members that are null are left out, as AWS does.
pub(super) fn reply(request_id: &str, outcome: Result<&Value, &AwsError>) -> Response {
    let mut body = Encoder::new(Vec::new());
    let (status, written) = match outcome {
        Ok(output) => (200, put(&mut body, output, false)),
        Err(error) => {
            let spelled = json!({ "__type": error.code, "message": error.message });
            (error.status, put(&mut body, &spelled, false))
        }
    };
    // Writing into memory cannot fail: the error has no values.
    let _ = written;
    Response {
        status,
        content_type: CONTENT_TYPE,
        request_id: request_id.to_owned(),
        body: body.into_writer(),
    }
}

type Written = Result<(), EncodeError<Infallible>>;

/// Writes one value; `is_moment` says that a number is one.
fn put(into: &mut Encoder<Vec<u8>>, value: &Value, is_moment: bool) -> Written {
    match value {
        Value::Null => into.null()?.ok(),
        Value::Bool(flag) => into.bool(*flag)?.ok(),
        Value::String(text) => into.str(text)?.ok(),
        Value::Number(number) => {
            if is_moment {
                into.tag(IanaTag::Timestamp)?;
            }
            match (number.as_i64(), number.as_f64()) {
                (Some(whole), _) => into.i64(whole)?.ok(),
                (None, Some(number)) => into.f64(number)?.ok(),
                (None, None) => into.null()?.ok(),
            }
        }
        Value::Array(items) => {
            into.array(length(items.len()))?;
            items.iter().try_for_each(|item| put(into, item, is_moment))
        }
        Value::Object(members) => {
            let members: Vec<_> = members.iter().filter(|(_, member)| !member.is_null()).collect();
            into.map(length(members.len()))?;
            members.into_iter().try_for_each(|(name, member)| {
                into.str(name)?;
                // In CloudWatch's model a member is a moment, or a list of them, exactly when it is called so.
                put(into, member, name.ends_with("Timestamp") || name.ends_with("Timestamps"))
            })
        }
    }
}

fn length(items: usize) -> u64 {
    u64::try_from(items).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_can_be_read() {
        let tree =
            json!({ "a": [1, -2, 2.5, "text", true], "StateUpdatedTimestamp": 1_767_225_600.5, "none": {} });
        let written = reply("r", Ok(&tree));
        assert_eq!(input(&written.body), Ok(tree));
    }

    #[test]
    fn indefinite_lengths_are_read_and_garbage_is_refused() {
        let mut body = Encoder::new(Vec::new());
        let text = body.begin_map().and_then(|body| body.str("a"));
        let list = text.and_then(Encoder::begin_array).and_then(|body| body.u8(1));
        list.and_then(Encoder::end).and_then(Encoder::end).expect("memory is patient");
        assert_eq!(input(&body.into_writer()), Ok(json!({ "a": [1] })));
        for garbage in [&[0xff][..], &[0x41, 0x00], &[0x81; 40], &[0xa1, 0x61]] {
            assert!(input(garbage).is_err(), "{garbage:?}");
        }
    }

    #[test]
    fn the_path_names_the_operation() {
        let path = "/service/GraniteServiceVersion20100801/operation/ListMetrics";
        assert_eq!(target(path), Some((Service::CloudWatch, "ListMetrics".to_owned())));
        assert_eq!(target("/"), None);
        assert_eq!(target("/service/Other/operation/ListMetrics"), None);
    }
}
