//! What EC2's listings share: ids, filters, pages.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::Value;

use super::super::{AwsError, input, paging};
use super::{end_dry_run, invalid, read};
use crate::sim::world::World;
use crate::sim::world::networks::{Tags, not_found};
use crate::sim::world::wildcard;

/// What a page holds when the caller does not say, and at most.
const FULL: i64 = 1000;

/// A filter: one of the values must fit, with `*` and `?`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Filter {
    name: String,
    #[serde(default)]
    value: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Common {
    #[serde(default)]
    filter: Vec<Filter>,
    #[serde(default, deserialize_with = "input::number")]
    max_results: Option<i64>,
    #[serde(default)]
    next_token: Option<String>,
    #[serde(default, deserialize_with = "input::truth")]
    dry_run: bool,
}

/// A listing's input.
pub(super) struct Listing {
    /// The ids that were asked for; all if empty.
    pub(super) ids: Vec<String>,
    common: Common,
}

/// What a listing needs to know of its rows.
pub(super) struct Rows<T> {
    /// What EC2 calls them in its errors.
    pub(super) kind: &'static str,
    /// A row's id.
    pub(super) id: fn(&T) -> &str,
    /// A row's tags.
    pub(super) tags: fn(&T) -> &Tags,
}

impl Listing {
    /// Reads an input whose ids are in `ids_member`, and which knows these `filters` besides `tag:…` and `tag-key`.
    pub(super) fn read(mut value: Value, ids_member: &str, filters: &[&str]) -> Result<Self, AwsError> {
        let ids = value.as_object_mut().and_then(|members| members.remove(ids_member));
        let ids: Vec<String> = ids.map(read).transpose()?.unwrap_or_default();
        let common: Common = read(value)?;
        for filter in &common.filter {
            let name = filter.name.as_str();
            if !filters.contains(&name) && name != "tag-key" && !name.starts_with("tag:") {
                return Err(invalid(format!("The filter '{name}' is invalid")));
            }
        }
        if let Some(wrong) = common.max_results.filter(|wanted| !(5..=FULL).contains(wanted)) {
            let bound = if wrong < 5 { "greater than or equal to 5" } else { "less than or equal to 1000" };
            let message =
                format!("Value ( {wrong} ) for parameter maxResults is invalid. Expecting a value {bound}.");
            return Err(invalid(message));
        }
        if !ids.is_empty() && common.max_results.is_some() {
            let message = "The parameter maxResults cannot be used with a list of ids in the same request";
            return Err(AwsError::new("InvalidParameterCombination", message));
        }
        end_dry_run(common.dry_run)?;
        Ok(Self { ids, common })
    }

    /// How many rows the page may have. Ask before the world is borrowed for the rows.
    pub(super) fn size(&self, world: &mut World) -> usize {
        // Ids are answered all at once, so that the caller need not page.
        let full = if self.ids.is_empty() { self.common.max_results.unwrap_or(FULL) } else { i64::MAX };
        world.page_size(usize::try_from(full).unwrap_or(usize::MAX))
    }

    /// The rows that were asked for. `fields` gives a row's values for a filter.
    ///
    /// # Errors
    /// An id that is not there.
    pub(super) fn select<'a, T>(
        &self,
        all: impl Iterator<Item = &'a T>,
        rows: &Rows<T>,
        fields: impl Fn(&T, &str) -> Vec<String>,
    ) -> Result<Vec<&'a T>, AwsError> {
        let ids: BTreeSet<&str> = self.ids.iter().map(String::as_str).collect();
        let found: Vec<&T> = all.filter(|row| ids.is_empty() || ids.contains((rows.id)(row))).collect();
        // Each id stands for one row, so all were found when as many were.
        if !ids.is_empty() && found.len() < ids.len() {
            let there: BTreeSet<&str> = found.iter().map(|row| (rows.id)(row)).collect();
            let missing = ids.difference(&there).next().copied().unwrap_or_default();
            return Err(not_found(rows.kind, rows.kind, missing));
        }
        let passes = |row: &&T| {
            self.common.filter.iter().all(|filter| filter.passes((rows.tags)(row), |name| fields(row, name)))
        };
        Ok(found.into_iter().filter(passes).collect())
    }

    /// The page that was asked for, and the token of the next one.
    pub(super) fn page<'a, T>(
        &self,
        rows: &'a [T],
        size: usize,
    ) -> Result<(&'a [T], Option<String>), AwsError> {
        paging::page(rows, self.common.next_token.as_deref(), size)
            .ok_or_else(|| invalid("Invalid value for 'NextToken'"))
    }
}

impl Filter {
    fn passes(&self, tags: &Tags, fields: impl Fn(&str) -> Vec<String>) -> bool {
        let values = match self.name.as_str() {
            "tag-key" => tags.keys().cloned().collect(),
            name => match name.strip_prefix("tag:") {
                Some(key) => tags.get(key).cloned().into_iter().collect(),
                None => fields(name),
            },
        };
        self.value.iter().any(|pattern| values.iter().any(|value| wildcard::fits(pattern, value)))
    }
}
