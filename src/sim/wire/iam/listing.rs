//! IAM's way to page: `Marker` and `MaxItems` in, `IsTruncated` and `Marker` out.

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::{AwsError, Outcome, Service, input, paging};
use super::constraint;
use crate::sim::world::World;

/// What a page holds when the caller does not say.
const DEFAULT: i64 = 100;

/// The members that only say which part of a listing is wanted.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Wanted {
    #[serde(default)]
    marker: Option<String>,
    #[serde(default, deserialize_with = "input::number")]
    max_items: Option<i64>,
}

impl Wanted {
    /// Takes the two members out of an input, so that the rest can be read without them.
    pub(super) fn take(input: &mut Value) -> Result<Self, AwsError> {
        let mut own = json!({});
        if let (Some(from), Some(to)) = (input.as_object_mut(), own.as_object_mut()) {
            for name in ["Marker", "MaxItems"] {
                if let Some(value) = from.remove(name) {
                    to.insert(name.to_owned(), value);
                }
            }
        }
        input::read(Service::Iam, own)
    }

    /// One page of `rows` under the name `member`.
    pub(super) fn page(&self, world: &mut World, member: &str, rows: &[Value]) -> Outcome {
        let full = self.max_items.unwrap_or(DEFAULT);
        if !(1..=1000).contains(&full) {
            let rule = "Member must have value between 1 and 1000";
            return Err(constraint("maxItems", &full.to_string(), rule));
        }
        let size = world.page_size(usize::try_from(full).unwrap_or(usize::MAX));
        let Some((rows, next)) = paging::page(rows, self.marker.as_deref(), size) else {
            return Err(AwsError::validation(Service::Iam, "Invalid Marker."));
        };
        Ok(json!({ member: rows, "IsTruncated": next.is_some(), "Marker": next }))
    }
}
