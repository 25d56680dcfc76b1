//! Whose is it? An AWS object is ours when it carries our tag.

use std::sync::Arc;

use super::{Known, owner};
use crate::model::action::TagMap;
use crate::model::desired::{Deletion, Object};
use crate::model::finding::Drift;
use crate::model::tags::{self, Tags};

/// Whose an existing AWS object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    /// It carries the tag of this very document.
    Ours,
    /// It does not, but the document adopts it, or it was ours before it vanished and came back.
    ToTake,
    /// It does not: hands off.
    NotOurs,
}

/// Whose the object named `name` with these `tags` is, as far as `object` is concerned.
pub(super) fn of(known: &Known<'_>, object: &Object, name: &str, tags: &Tags) -> Owner {
    if tags.get(tags::OWNER) == Some(&owner(known.rules, &object.id)) {
        return Owner::Ours;
    }
    // Agents and delivery roles make groups anew that somebody deleted: untagged, but nobody else's.
    let came_back = tags.get(tags::OWNER).is_none() && known.memory.ours.get(name) == Some(&object.id);
    if object.common.adopt || came_back { Owner::ToTake } else { Owner::NotOurs }
}

/// Every tag that an object of `object` must carry: ours, and those of the document.
pub(super) fn wanted_tags<'a>(
    known: &Known<'_>,
    object: &Object,
    own: impl IntoIterator<Item = (&'a String, &'a String)>,
) -> TagMap {
    let deletion = match object.common.deletion {
        Deletion::Delete => "delete",
        Deletion::Retain => "retain",
    };
    let mut wanted: TagMap =
        own.into_iter().map(|(key, value)| (Arc::from(key.as_str()), Arc::from(value.as_str()))).collect();
    wanted.insert(tags::OWNER.into(), owner(known.rules, &object.id).into());
    wanted.insert(tags::INSTALLATION.into(), known.rules.installation.clone());
    wanted.insert(tags::DELETION.into(), deletion.into());
    wanted
}

/// The tags that are missing or differ, and how.
pub(super) fn tag_drift(have: &Tags, wanted: &TagMap) -> (TagMap, Vec<Drift>) {
    let differing: TagMap = wanted
        .iter()
        .filter(|(key, value)| have.get(key) != Some(&***value))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    let drift = differing
        .iter()
        .map(|(key, value)| Drift::new(&format!("tag {key}"), have.get(key).unwrap_or("(none)"), value))
        .collect();
    (differing, drift)
}

/// Says that an existing object is not ours.
pub(super) fn not_owned_message(known: &Known<'_>, what: &str, tags: &Tags) -> String {
    match tags.get(tags::OWNER) {
        Some(other) => format!("{what} belongs to {other}"),
        None => format!("{what} exists without the tag {} of {}", tags::OWNER, known.rules.installation),
    }
}
