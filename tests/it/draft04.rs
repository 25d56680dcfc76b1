//! A judge by JSON Schema, draft 4: the part that the agent's schema uses.
//!
//! Written for the tests, and from the standard alone, so that it shares nothing with our own check. A word that it
//! does not know stops the test. Like the agent's validator it takes `60.0` for an integer.

use std::collections::BTreeSet;

use serde_json::Value;

/// A schema.
pub struct Schema {
    /// The whole document, which references lead into.
    pub root: Value,
}

impl Schema {
    /// The schema that is meant: references are followed.
    pub fn resolve<'s>(&'s self, mut at: &'s Value) -> &'s Value {
        while let Some(reference) = at["$ref"].as_str() {
            let pointer = reference.strip_prefix('#').expect("a reference inside the document");
            at = self.root.pointer(pointer).expect("a reference leads somewhere");
        }
        at
    }
}

/// Whether the value satisfies the schema.
pub fn verdict(schema: &Schema, value: &Value) -> bool {
    holds(schema, &schema.root, value)
}

fn holds(schema: &Schema, at: &Value, value: &Value) -> bool {
    let at = schema.resolve(at);
    let words = at.as_object().expect("a schema is an object");
    words.iter().all(|(word, rule)| keyword(schema, (word, rule, at), value))
}

fn keyword(schema: &Schema, (word, rule, at): (&str, &Value, &Value), value: &Value) -> bool {
    let each = || rule.as_array().expect("a list of schemas").iter();
    match word {
        "type" => is(rule.as_str().expect("one type"), value),
        "enum" => each().any(|choice| same(choice, value)),
        "allOf" => each().all(|schema_of| holds(schema, schema_of, value)),
        "anyOf" => each().any(|schema_of| holds(schema, schema_of, value)),
        "oneOf" => each().filter(|schema_of| holds(schema, schema_of, value)).count() == 1,
        "not" => !holds(schema, rule, value),
        "properties" | "additionalProperties" | "required" | "minProperties" | "maxProperties" => {
            value.as_object().is_none_or(|_| of_object(schema, (word, rule, at), value))
        }
        "items" | "minItems" | "maxItems" | "uniqueItems" => {
            value.as_array().is_none_or(|items| of_array(schema, (word, rule), items))
        }
        "minLength" | "maxLength" | "pattern" => {
            value.as_str().is_none_or(|text| of_text((word, rule), text))
        }
        "minimum" => value.as_f64().is_none_or(|number| number >= rule.as_f64().expect("a number")),
        "maximum" => value.as_f64().is_none_or(|number| number <= rule.as_f64().expect("a number")),
        "$schema" | "description" | "descriptions" | "definitions" => true,
        // Fields that stand beside `properties` instead of in it: no words of the standard, so they say nothing.
        "tls" | "metrics_collection_interval" => true,
        _ => panic!("`{word}` is a word that this judge does not know"),
    }
}

fn is(name: &str, value: &Value) -> bool {
    match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        _ => panic!("`{name}` is a type that this judge does not know"),
    }
}

fn same(one: &Value, other: &Value) -> bool {
    one == other || (one.is_number() && one.as_f64() == other.as_f64())
}

fn of_object(schema: &Schema, (word, rule, at): (&str, &Value, &Value), value: &Value) -> bool {
    let entries = value.as_object().expect("an object");
    let size = || rule.as_u64().expect("a count");
    match word {
        "properties" => {
            let properties = rule.as_object().expect("properties");
            properties.iter().all(|(name, of)| entries.get(name).is_none_or(|value| holds(schema, of, value)))
        }
        "required" => {
            let names = rule.as_array().expect("names");
            names.iter().all(|name| entries.contains_key(name.as_str().expect("a name")))
        }
        "minProperties" => entries.len() as u64 >= size(),
        "maxProperties" => entries.len() as u64 <= size(),
        _ => {
            let named = at["properties"].as_object();
            let mut others =
                entries.iter().filter(|(name, _)| named.is_none_or(|named| !named.contains_key(*name)));
            match rule {
                Value::Bool(allowed) => *allowed || others.next().is_none(),
                of => others.all(|(_, value)| holds(schema, of, value)),
            }
        }
    }
}

fn of_array(schema: &Schema, (word, rule): (&str, &Value), items: &[Value]) -> bool {
    let size = || rule.as_u64().expect("a count");
    match word {
        "items" => items.iter().all(|item| holds(schema, rule, item)),
        "minItems" => items.len() as u64 >= size(),
        "maxItems" => items.len() as u64 <= size(),
        _ => {
            let mut seen = BTreeSet::new();
            *rule != Value::Bool(true) || items.iter().all(|item| seen.insert(sorted(item).to_string()))
        }
    }
}

/// The value with its keys in order and its numbers written one way, so that equal values have equal text.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(entries) => {
            let mut entries: Vec<_> =
                entries.iter().map(|(key, value)| (key.clone(), sorted(value))).collect();
            entries.sort_by(|(one, _), (other, _)| one.cmp(other));
            entries.into_iter().collect()
        }
        Value::Array(items) => items.iter().map(sorted).collect(),
        Value::Number(number) => number.as_f64().into(),
        other => other.clone(),
    }
}

fn of_text((word, rule): (&str, &Value), text: &str) -> bool {
    let size = || rule.as_u64().expect("a count");
    match word {
        "minLength" => text.chars().count() as u64 >= size(),
        "maxLength" => text.chars().count() as u64 <= size(),
        _ => {
            assert_eq!(rule, "^\\$\\{.+\\}$", "the only pattern that this judge knows");
            text.starts_with("${") && text.ends_with('}') && text.len() > 3
        }
    }
}
