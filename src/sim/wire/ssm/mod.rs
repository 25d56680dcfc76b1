//! SSM on the wire: one file per group of operations.
//!
//! Times leave as seconds since 1970, with a fraction; lists page by key, so that a row that comes or goes
//! between two pages neither repeats nor hides another.

mod associations;
mod commands;
mod documents;
mod nodes;
mod parameters;
mod tags;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{AwsError, Operation, Outcome, Rate, Service, input};
use crate::sim::world::commands::Selector;
use crate::sim::world::{World, parameters::GETS};

/// Reads that AWS publishes no rate for, and those at three a second (docs:general/latest/gr/ssm.html).
const THREE: Option<Rate> = Rate::per_second(3.0);

/// The operations that this simulator implements.
pub const OPERATIONS: &[Operation] = &[
    Operation { name: "SendCommand", rate: None, writes: true, run: commands::send },
    Operation { name: "ListCommands", rate: None, writes: false, run: commands::list },
    Operation { name: "ListCommandInvocations", rate: None, writes: false, run: commands::list_invocations },
    Operation { name: "GetCommandInvocation", rate: None, writes: false, run: commands::get_invocation },
    Operation { name: "CancelCommand", rate: None, writes: true, run: commands::cancel },
    Operation { name: "DescribeInstanceInformation", rate: None, writes: false, run: nodes::describe },
    Operation { name: "PutParameter", rate: THREE, writes: true, run: parameters::put },
    Operation { name: "GetParameter", rate: Some(GETS), writes: false, run: parameters::get },
    Operation { name: "GetParameters", rate: Some(GETS), writes: false, run: parameters::get_several },
    Operation { name: "GetParametersByPath", rate: Some(GETS), writes: false, run: parameters::get_by_path },
    Operation { name: "GetParameterHistory", rate: THREE, writes: false, run: parameters::history },
    Operation { name: "DescribeParameters", rate: THREE, writes: false, run: parameters::describe },
    Operation { name: "LabelParameterVersion", rate: THREE, writes: true, run: parameters::label },
    Operation { name: "UnlabelParameterVersion", rate: THREE, writes: true, run: parameters::unlabel },
    Operation { name: "DeleteParameter", rate: THREE, writes: true, run: parameters::delete },
    Operation { name: "DeleteParameters", rate: THREE, writes: true, run: parameters::delete_several },
    Operation { name: "AddTagsToResource", rate: None, writes: true, run: tags::add },
    Operation { name: "RemoveTagsFromResource", rate: None, writes: true, run: tags::remove },
    Operation { name: "ListTagsForResource", rate: None, writes: false, run: tags::list },
    Operation { name: "CreateDocument", rate: None, writes: true, run: documents::create },
    Operation { name: "UpdateDocument", rate: None, writes: true, run: documents::update },
    Operation { name: "UpdateDocumentDefaultVersion", rate: None, writes: true, run: documents::set_default },
    Operation { name: "DeleteDocument", rate: None, writes: true, run: documents::delete },
    Operation { name: "DescribeDocument", rate: None, writes: false, run: documents::describe },
    Operation { name: "GetDocument", rate: None, writes: false, run: documents::get },
    Operation { name: "ListDocuments", rate: None, writes: false, run: documents::list },
    Operation { name: "ListDocumentVersions", rate: None, writes: false, run: documents::versions },
    Operation { name: "CreateAssociation", rate: None, writes: true, run: associations::create },
    Operation { name: "ListAssociations", rate: None, writes: false, run: associations::list },
    Operation { name: "DescribeAssociation", rate: None, writes: false, run: associations::describe },
    Operation { name: "DeleteAssociation", rate: None, writes: true, run: associations::delete },
];

fn read<T: DeserializeOwned>(value: Value) -> Result<T, AwsError> {
    input::read(Service::Ssm, value)
}

fn invalid(message: impl Into<String>) -> AwsError {
    AwsError::validation(Service::Ssm, message)
}

/// A time as SSM's JSON has it.
fn seconds(at: Timestamp) -> Value {
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of any date we meet fit a float exactly")]
    let seconds = at.as_millisecond() as f64 / 1000.0;
    json!(seconds)
}

/// A tag, both ways.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Tag {
    key: String,
    value: String,
}

fn tag_map(tags: Vec<Tag>) -> BTreeMap<String, String> {
    tags.into_iter().map(|tag| (tag.key, tag.value)).collect()
}

fn tag_list(tags: &BTreeMap<String, String>) -> Value {
    tags.iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect()
}

/// A target of a command or an association.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Target {
    key: String,
    #[serde(default)]
    values: Vec<String>,
}

fn selectors(targets: Vec<Target>) -> Vec<Selector> {
    targets.into_iter().map(|target| Selector { key: target.key, values: target.values }).collect()
}

fn target_list(targets: &[Selector]) -> Value {
    targets.iter().map(|target| json!({ "Key": target.key, "Values": target.values })).collect()
}

/// How many rows a page may have: what was asked, within AWS's bounds for this listing.
fn page_size(
    world: &mut World,
    asked: Option<i64>,
    least: usize,
    most: usize,
    usual: usize,
) -> Result<usize, AwsError> {
    let size = match asked {
        None => usual,
        Some(asked) => {
            usize::try_from(asked).ok().filter(|asked| (least..=most).contains(asked)).ok_or_else(|| {
                invalid(format!("Value '{asked}' at 'maxResults' must be between {least} and {most}"))
            })?
        }
    };
    Ok(world.page_size(size))
}

/// The key that a token stands for: the page begins after it. `None` = from the start.
fn after(token: Option<&str>) -> Result<Option<String>, AwsError> {
    let Some(token) = token else { return Ok(None) };
    let bad = || AwsError::new("InvalidNextToken", "The specified token is not valid.");
    let hex =
        token.strip_prefix("AAEAA").filter(|hex| hex.is_ascii() && hex.len() % 2 == 0).ok_or_else(bad)?;
    let bytes: Option<Vec<u8>> =
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).ok()).collect();
    let key = bytes.and_then(|bytes| String::from_utf8(bytes).ok()).ok_or_else(bad)?;
    Ok(Some(key).filter(|key| !key.is_empty()))
}

fn token(key: &str) -> String {
    use std::fmt::Write as _;
    key.bytes().fold("AAEAA".to_owned(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// One page of `rows`, which come in their own order and begin after `from`; and the token for the rest.
fn page(
    rows: impl Iterator<Item = (String, Value)>,
    size: usize,
    from: Option<&str>,
) -> (Vec<Value>, Option<String>) {
    let mut last = from.unwrap_or_default().to_owned();
    let mut shown = Vec::new();
    for (key, row) in rows {
        if shown.len() == size {
            return (shown, Some(token(&last)));
        }
        last = key;
        shown.push(row);
    }
    (shown, None)
}

/// The page of a listing that is held in a map, by its keys.
fn page_of_map<'a, T>(
    map: &'a BTreeMap<String, T>,
    from: Option<&'a str>,
    size: usize,
    show: impl Fn(&'a str, &'a T) -> Option<Value>,
) -> (Vec<Value>, Option<String>) {
    use std::ops::Bound::{Excluded, Unbounded};
    let begin = from.map_or(Unbounded, Excluded);
    let rows = map
        .range::<str, _>((begin, Unbounded))
        .filter_map(|(key, row)| show(key, row).map(|shown| (key.clone(), shown)));
    page(rows, size, from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_stand_for_keys() {
        assert_eq!(after(Some(&token("/a:b"))), Ok(Some("/a:b".to_owned())));
        assert_eq!(after(Some(&token(""))), Ok(None));
        for bad in ["", "x", "AAEAA1", "AAEAAzz", "AAEAAff"] {
            assert!(after(Some(bad)).is_err(), "{bad}");
        }
    }
}
