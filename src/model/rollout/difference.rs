//! How two configurations differ, field by field.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::model::finding::Drift;

/// How much of a value is shown, in characters.
const SHOWN: usize = 80;

/// Every leaf that differs between two JSON texts, by its path. Of a text that is no JSON, only that it differs.
pub fn difference(old: &str, new: &str) -> Vec<Drift> {
    let (Ok(old), Ok(new)) = (serde_json::from_str(old), serde_json::from_str(new)) else {
        return vec![Drift::new("content", "(stable)", "(rejected)")];
    };
    let (mut before, mut after) = (BTreeMap::new(), BTreeMap::new());
    leaves(String::new(), &old, &mut before);
    leaves(String::new(), &new, &mut after);
    let paths: std::collections::BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let shown = |leaves: &BTreeMap<String, String>, path: &str| {
        leaves.get(path).cloned().unwrap_or_else(|| "(none)".to_owned())
    };
    paths
        .into_iter()
        .filter(|path| before.get(*path) != after.get(*path))
        .map(|path| Drift::new(path, shown(&before, path), shown(&after, path)))
        .collect()
}

fn leaves(path: String, value: &Value, into: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (name, field) in fields {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                leaves(path, field, into);
            }
        }
        Value::Array(items) if items.iter().any(|item| item.is_object() || item.is_array()) => {
            for (at, item) in items.iter().enumerate() {
                leaves(format!("{path}[{at}]"), item, into);
            }
        }
        leaf => {
            let text = leaf.to_string();
            let short: String = text.chars().take(SHOWN).collect();
            into.insert(path, if short.len() < text.len() { format!("{short}…") } else { text });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaves_are_compared_by_path() {
        let old = r#"{"logs":{"a":1,"list":[{"x":"y"}]},"same":[1,2]}"#;
        let new = r#"{"logs":{"a":2,"list":[{"x":"z"},{"x":"n"}]},"same":[1,2]}"#;
        let shown: Vec<String> = difference(old, new).iter().map(ToString::to_string).collect();
        assert_eq!(
            shown,
            ["logs.a: 1 → 2", "logs.list[0].x: \"y\" → \"z\"", "logs.list[1].x: (none) → \"n\""]
        );
        assert_eq!(difference("{", "{}").len(), 1);
    }
}
