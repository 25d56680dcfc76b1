//! YAML text → trees with positions. Knows nothing of what documents mean.
//!
//! Each document of a file is read on its own, so that a slip in one does not hide the others: a line that
//! begins with `---` always begins a document in YAML, even inside a block of text. Depth, size and aliases
//! are bounded, so no input can exhaust memory or stack.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::options::DuplicateKeyPolicy;
use serde_saphyr::{Location, Options, Spanned};

use super::problem::Span;

/// Nesting beyond this is refused. Real documents stay below ten.
const MAX_DEPTH: usize = 40;
/// Values in one document, aliases expanded. The largest agent configuration has some hundreds.
const MAX_NODES: usize = 50_000;

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// The value.
    pub value: Value,
    /// Where it begins; the whole of it for scalars.
    pub span: Span,
}

/// What YAML can say, without tags and anchors.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Nothing after the colon, `~` or `null`.
    Null,
    /// `true` or `false` and nothing else: `yes` and `on` are text.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// Text.
    Text(String),
    /// A sequence.
    List(Vec<Node>),
    /// A mapping in the order written. Keys may repeat: the reader reports that.
    Map(Vec<(Key, Node)>),
}

/// The key of a mapping's entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Its text.
    pub text: String,
    /// Where it stands.
    pub span: Span,
}

impl Node {
    /// The value of `key`; the last one where it repeats, as JSON readers do.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entries().iter().rev().find(|(k, _)| k.text == key).map(|(_, node)| node)
    }

    /// The entries of a mapping; none for anything else.
    pub fn entries(&self) -> &[(Key, Node)] {
        match &self.value {
            Value::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The items of a list; none for anything else.
    pub fn items(&self) -> &[Node] {
        match &self.value {
            Value::List(items) => items,
            _ => &[],
        }
    }

    /// The text of a text.
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// What kind of value this is, for messages.
    pub fn what(&self) -> &'static str {
        match &self.value {
            Value::Null => "nothing",
            Value::Bool(_) => "true or false",
            Value::Int(_) | Value::Float(_) => "a number",
            Value::Text(_) => "text",
            Value::List(_) => "a list",
            Value::Map(_) => "a mapping",
        }
    }

    /// The same value as JSON, keys sorted. A repeated key's last value counts.
    pub fn to_json(&self) -> serde_json::Value {
        match &self.value {
            Value::Null => serde_json::Value::Null,
            Value::Bool(value) => (*value).into(),
            Value::Int(value) => (*value).into(),
            Value::Float(value) => (*value).into(),
            Value::Text(text) => text.as_str().into(),
            Value::List(items) => items.iter().map(Node::to_json).collect(),
            Value::Map(entries) => {
                let mut sorted: Vec<_> = entries.iter().collect();
                // Stable, so that of equal keys the last one is inserted last.
                sorted.sort_by(|(a, _), (b, _)| a.text.cmp(&b.text));
                sorted.into_iter().map(|(key, node)| (key.text.clone(), node.to_json())).collect()
            }
        }
    }

    /// A tree without positions: everything stands at `span`.
    pub fn from_json(json: &serde_json::Value, span: Span) -> Self {
        let value = match json {
            serde_json::Value::Null => Value::Null,
            serde_json::Value::Bool(value) => Value::Bool(*value),
            serde_json::Value::Number(number) => match number.as_i64() {
                Some(whole) => Value::Int(whole),
                None => Value::Float(number.as_f64().unwrap_or(f64::MAX)),
            },
            serde_json::Value::String(text) => Value::Text(text.clone()),
            serde_json::Value::Array(items) => {
                Value::List(items.iter().map(|item| Self::from_json(item, span)).collect())
            }
            serde_json::Value::Object(entries) => Value::Map(
                entries
                    .iter()
                    .map(|(key, item)| (Key { text: key.clone(), span }, Self::from_json(item, span)))
                    .collect(),
            ),
        };
        Self { value, span }
    }
}

/// Why a document is not YAML.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    /// Where the reader gave up.
    pub at: Span,
    /// Why.
    pub message: String,
}

/// Reads all documents of a file. Empty ones (only comments) are left out.
pub fn documents(text: &str) -> Vec<Result<Node, SyntaxError>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    chunks(text).into_iter().flat_map(|(line, chunk)| read(chunk, line)).collect()
}

/// Cuts the text before each document marker. Each piece comes with the number of lines before it.
fn chunks(text: &str) -> Vec<(u32, &str)> {
    let mut pieces = Vec::new();
    let (mut start, mut start_line, mut has_content) = (0, 0, false);
    let mut offset = 0;
    for (number, line) in (0u32..).zip(text.split_inclusive('\n')) {
        let marker = line
            .strip_prefix("---")
            .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']));
        // Comments and `%YAML` directives before a marker belong to the document after it.
        if marker && has_content {
            pieces.push((start_line, &text[start..offset]));
            (start, start_line) = (offset, number);
        }
        has_content |= marker || !matches!(line.trim_start().chars().next(), None | Some('#' | '%'));
        offset += line.len();
    }
    pieces.push((start_line, &text[start..]));
    pieces
}

fn read(chunk: &str, lines_before: u32) -> Vec<Result<Node, SyntaxError>> {
    let down = |mut span: Span| {
        span.line = span.line.saturating_add(lines_before);
        span
    };
    match serde_saphyr::from_multiple_with_options::<Node>(chunk, options()) {
        Ok(mut nodes) => {
            for node in &mut nodes {
                node.shift(lines_before);
            }
            nodes.into_iter().map(Ok).collect()
        }
        Err(error) => {
            let at = down(error.location().map_or(Span::START, |location| span(&location)));
            vec![Err(SyntaxError { at, message: describe(&error) })]
        }
    }
}

fn options() -> Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: MAX_DEPTH,
            max_nodes: MAX_NODES,
            max_events: 4 * MAX_NODES,
            max_recorded_anchor_events: MAX_NODES,
            flow_nesting_limit: MAX_DEPTH,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: MAX_NODES,
            max_replay_stack_depth: 8,
        },
        // Reported by the reader, all of them and with both places.
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        strict_booleans: true,
        with_snippet: false,
    }
}

/// The reader's own words in one line, without the place that we say ourselves.
fn describe(error: &serde_saphyr::Error) -> String {
    let text = error.to_string();
    let line = text.lines().next().unwrap_or("not YAML").trim();
    let line = line.split(" at line ").next().unwrap_or(line);
    line.trim_start_matches("error: ").trim_end_matches('.').to_owned()
}

fn span(location: &Location) -> Span {
    let small = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
    Span {
        line: small(location.line()).max(1),
        column: small(location.column()).max(1),
        length: small(location.span().len()),
    }
}

impl Node {
    fn shift(&mut self, lines: u32) {
        self.span.line = self.span.line.saturating_add(lines);
        match &mut self.value {
            Value::List(items) => items.iter_mut().for_each(|item| item.shift(lines)),
            Value::Map(entries) => {
                for (key, node) in entries {
                    key.span.line = key.span.line.saturating_add(lines);
                    node.shift(lines);
                }
            }
            _ => {}
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Value>::deserialize(deserializer)?;
        Ok(Self { value: spanned.value, span: span(&spanned.referenced) })
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Int(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        // Nothing in a document needs more than 63 bits.
        Ok(Value::Int(i64::try_from(value).unwrap_or(i64::MAX)))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Float(value))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Vec::new();
        while let Some((key, node)) = entries.next_entry::<Node, Node>()? {
            let text = key_text(&key).ok_or_else(|| serde::de::Error::custom("a key must be plain text"))?;
            map.push((Key { text, span: key.span }, node));
        }
        Ok(Value::Map(map))
    }
}

fn key_text(key: &Node) -> Option<String> {
    match &key.value {
        Value::Text(text) => Some(text.clone()),
        Value::Int(number) => Some(number.to_string()),
        Value::Float(number) => Some(number.to_string()),
        Value::Bool(value) => Some(value.to_string()),
        Value::Null | Value::List(_) | Value::Map(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_in_one_document_does_not_hide_the_others() {
        let read = documents("# first\na: 1\n---\nb: [\n---\nc: yes\n");
        assert_eq!(read.len(), 3, "{read:?}");
        let first = read[0].as_ref().expect("the first is fine");
        assert_eq!(first.get("a").map(|node| (node.value.clone(), node.span.line)), Some((Value::Int(1), 2)));
        assert!(read[1].as_ref().is_err_and(|error| (4..=5).contains(&error.at.line)), "{read:?}");
        let third = read[2].as_ref().expect("the third is fine");
        let c = third.get("c").expect("c");
        assert_eq!((c.text(), c.span), (Some("yes"), Span { line: 6, column: 4, length: 3 }));
    }

    #[test]
    fn bombs_are_refused() {
        let deep = "[".repeat(5_000);
        let wide = {
            let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
            for level in 1..10 {
                let refs = vec![format!("*a{}", level - 1); 10].join(", ");
                text += &["a", &level.to_string(), ": &a", &level.to_string(), " [", &refs, "]\n"].concat();
            }
            text
        };
        for bomb in [deep, String::from("a:\n") + &"- ".repeat(3_000), wide] {
            assert!(documents(&bomb).iter().any(Result::is_err), "{}", &bomb[..60.min(bomb.len())]);
        }
    }
}
