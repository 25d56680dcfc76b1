//! AWS tags, kept small: a large estate has hundreds of thousands of them.

use std::sync::Arc;

use serde::Serialize;

/// The tag that says whose an AWS object is: `<installation>/<kind>/<name>`.
pub const OWNER: &str = "watchkeeper:owner";
/// The tag that says which installation an AWS object belongs to, so that a listing can be filtered by it.
pub const INSTALLATION: &str = "watchkeeper:installation";
/// The tag that says what becomes of an AWS object when its document is removed: `delete` or `retain`.
pub const DELETION: &str = "watchkeeper:deletion";

/// The tags of one AWS object, sorted by key.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Tags(Box<[(Arc<str>, Arc<str>)]>);

impl Tags {
    /// The value of `key`.
    pub fn get(&self, key: &str) -> Option<&str> {
        let at = self.0.binary_search_by(|(have, _)| (**have).cmp(key)).ok()?;
        self.0.get(at).map(|(_, value)| &**value)
    }

    /// All tags, by key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (&**key, &**value))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<K: Into<Arc<str>>, V: Into<Arc<str>>> FromIterator<(K, V)> for Tags {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        let mut pairs: Vec<(Arc<str>, Arc<str>)> =
            pairs.into_iter().map(|(key, value)| (key.into(), value.into())).collect();
        pairs.sort();
        pairs.dedup_by(|later, earlier| later.0 == earlier.0);
        Self(pairs.into())
    }
}
