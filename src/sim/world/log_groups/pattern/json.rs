//! Conditions on JSON messages: `{ $.level = "ERROR" && $.status >= 500 }`.

use serde_json::Value;

use super::condition::{self, Condition, Test, compare};
use super::lexer::tokens;

/// A place in a JSON message, such as `$.error.tags[0]`.
pub(super) type Selector = Vec<Step>;

/// One step into a JSON message.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Step {
    Member(String),
    Item(usize),
    AnyItem,
}

pub(super) fn parse(text: &str) -> Result<Condition<Selector>, String> {
    condition::parse(&tokens(text)?, &selector)
}

/// A message that is not JSON matches no condition, not even `NOT EXISTS`.
pub(super) fn matches(condition: &Condition<Selector>, message: &str) -> bool {
    serde_json::from_str::<Value>(message).is_ok_and(|message| {
        message.is_object()
            && condition.holds(&|selector: &Selector, test: &Test| passes(&message, selector, test))
    })
}

fn selector(text: &str) -> Result<Selector, String> {
    let mut rest = text.strip_prefix('$').ok_or_else(|| format!("`{text}` does not begin with `$.`"))?;
    let mut steps = Vec::new();
    while !rest.is_empty() {
        let (step, after) = step(rest).ok_or_else(|| format!("the selector `{text}` is not understood"))?;
        steps.push(step);
        rest = after;
    }
    if steps.is_empty() { Err("`$` selects nothing".to_owned()) } else { Ok(steps) }
}

fn step(text: &str) -> Option<(Step, &str)> {
    // `$.['a name']` and `$['a name']` are the same.
    if let Some(inner) = text.strip_prefix(".[").or_else(|| text.strip_prefix('[')) {
        let (inside, rest) = inner.split_once(']')?;
        let step = match inside.strip_prefix('\'').and_then(|name| name.strip_suffix('\'')) {
            Some(name) => Step::Member(name.to_owned()),
            None if inside == "*" => Step::AnyItem,
            None => Step::Item(inside.parse().ok()?),
        };
        return Some((step, rest));
    }
    let name = text.strip_prefix('.')?;
    let end = name.find(['.', '[']).unwrap_or(name.len());
    let (name, rest) = name.split_at(end);
    (!name.is_empty()).then(|| (Step::Member(name.to_owned()), rest))
}

/// Everything that a selector finds: one value, or several through `[*]`.
fn find<'a>(from: &'a Value, steps: &[Step]) -> Vec<&'a Value> {
    let mut found = vec![from];
    for step in steps {
        found = found
            .into_iter()
            .flat_map(|value| match step {
                Step::Member(name) => Vec::from_iter(value.get(name)),
                Step::Item(index) => Vec::from_iter(value.get(index)),
                Step::AnyItem => value.as_array().into_iter().flatten().collect(),
            })
            .collect();
    }
    found
}

fn passes(message: &Value, selector: &[Step], test: &Test) -> bool {
    let found = find(message, selector);
    match test {
        Test::NotExists => found.is_empty(),
        Test::IsNull => found.iter().any(|value| value.is_null()),
        Test::Is(flag) => found.iter().any(|value| value.as_bool() == Some(*flag)),
        Test::Compare(how, with) => found.iter().any(|value| match value {
            Value::String(text) => compare(*how, text, None, with),
            Value::Number(number) => compare(*how, &number.to_string(), number.as_f64(), with),
            _ => false,
        }),
    }
}
