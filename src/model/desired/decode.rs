//! Trees → values, collecting every mistake on the way.
//!
//! A reader is a function `(&Node, &mut Mistakes) -> Option<T>`: `None` means that it noted an error. Whoever
//! calls it goes on with a default, because the document will not be used anyway and the rest of it is worth
//! checking. Nothing here knows a kind.

use std::collections::BTreeMap;

use super::problem::{Mistakes, Span};
use super::yaml::{Key, Node, Value};

/// Reads one value; `None` after noting an error.
pub(super) type Read<T> = fn(&Node, &mut Mistakes) -> Option<T>;

/// The fields of one mapping, taken by name. What nobody took is unknown.
pub(super) struct Fields<'n> {
    what: &'static str,
    at: Span,
    entries: &'n [(Key, Node)],
    known: Vec<&'static str>,
}

impl<'n> Fields<'n> {
    /// The fields of `node`, which `what` names in messages ("spec", "rollout").
    pub fn of(node: &'n Node, what: &'static str, mistakes: &mut Mistakes) -> Option<Self> {
        let Value::Map(entries) = &node.value else {
            mistakes
                .error(node.span, format!("`{what}` must be a mapping of fields, this is {}", node.what()));
            return None;
        };
        note_repeated(entries, mistakes);
        Some(Self { what, at: node.span, entries, known: Vec::new() })
    }

    /// Where the mapping begins.
    pub fn at(&self) -> Span {
        self.at
    }

    /// The value of a field, if it is there. A field without a value is an error: it reads like a choice
    /// that was forgotten.
    pub fn take(&mut self, name: &'static str, mistakes: &mut Mistakes) -> Option<&'n Node> {
        self.known.push(name);
        let (key, node) = self.entries.iter().find(|(key, _)| key.text == name)?;
        if node.value == Value::Null {
            mistakes.error_help(
                key.span,
                format!("`{name}` has no value"),
                "give it one, or remove the field",
            );
            return None;
        }
        Some(node)
    }

    /// Whether the field is written at all.
    pub fn has(&self, name: &str) -> bool {
        self.entries.iter().any(|(key, _)| key.text == name)
    }

    /// Reads a field that may be missing.
    pub fn optional<T>(&mut self, name: &'static str, mistakes: &mut Mistakes, read: Read<T>) -> Option<T> {
        let node = self.take(name, mistakes)?;
        read(node, mistakes)
    }

    /// Reads a field that may not be missing.
    pub fn required<T>(&mut self, name: &'static str, mistakes: &mut Mistakes, read: Read<T>) -> Option<T> {
        let node = self.take(name, mistakes);
        if node.is_none() && !self.has(name) {
            mistakes.error(self.at, format!("`{}` needs the field `{name}`", self.what));
        }
        read(node?, mistakes)
    }

    /// Notes the fields that nobody took.
    pub fn finish(self, mistakes: &mut Mistakes) {
        for (key, _) in self.entries {
            if !self.known.contains(&key.text.as_str()) {
                let message = format!("`{}` has no field `{}`", self.what, key.text);
                let help = did_you_mean(&key.text, self.known.iter().copied())
                    .unwrap_or_else(|| format!("its fields are {}", list(&self.known)));
                mistakes.error_help(key.span, message, help);
            }
        }
    }
}

fn note_repeated(entries: &[(Key, Node)], mistakes: &mut Mistakes) {
    let mut first: BTreeMap<&str, Span> = BTreeMap::new();
    for (key, _) in entries {
        match first.get(key.text.as_str()) {
            Some(before) => {
                mistakes
                    .error(key.span, format!("`{}` is already written on line {}", key.text, before.line));
            }
            None => {
                first.insert(&key.text, key.span);
            }
        }
    }
}

/// Text. Numbers and booleans must be quoted, so that `version: 1.30` does not become 1.3.
pub(super) fn text(node: &Node, mistakes: &mut Mistakes) -> Option<String> {
    match &node.value {
        Value::Text(text) => Some(text.clone()),
        Value::Bool(_) | Value::Int(_) | Value::Float(_) => {
            mistakes.error_help(
                node.span,
                format!("expected text, this is {}", node.what()),
                "put it in quotes",
            );
            None
        }
        _ => wrong(node, "text", mistakes),
    }
}

/// Text with at least one character that is not white space.
pub(super) fn filled_text(node: &Node, mistakes: &mut Mistakes) -> Option<String> {
    let text = text(node, mistakes)?;
    if text.trim().is_empty() {
        mistakes.error(node.span, "this may not be empty");
        return None;
    }
    Some(text)
}

/// `true` or `false`.
pub(super) fn boolean(node: &Node, mistakes: &mut Mistakes) -> Option<bool> {
    match &node.value {
        Value::Bool(value) => Some(*value),
        Value::Text(text) if ["yes", "no", "on", "off"].contains(&text.to_lowercase().as_str()) => {
            mistakes.error_help(
                node.span,
                "expected true or false",
                "YAML 1.2 knows only `true` and `false`",
            );
            None
        }
        _ => wrong(node, "true or false", mistakes),
    }
}

/// A whole number in a range.
pub(super) fn whole(node: &Node, lowest: i64, highest: i64, mistakes: &mut Mistakes) -> Option<i64> {
    match &node.value {
        Value::Int(number) if (lowest..=highest).contains(number) => Some(*number),
        Value::Int(number) => {
            mistakes.error(node.span, format!("{number} is not between {lowest} and {highest}"));
            None
        }
        _ => wrong(node, "a whole number", mistakes),
    }
}

/// A list, each item read by `read`. A single value is not a list: a person who forgot the dash should know.
pub(super) fn list_of<T>(node: &Node, mistakes: &mut Mistakes, read: Read<T>) -> Option<Vec<T>> {
    let Value::List(items) = &node.value else {
        return wrong(node, "a list", mistakes);
    };
    let read: Vec<Option<T>> = items.iter().map(|item| read(item, mistakes)).collect();
    read.into_iter().collect()
}

/// A list of texts, none of them empty.
pub(super) fn texts(node: &Node, mistakes: &mut Mistakes) -> Option<Vec<String>> {
    list_of(node, mistakes, filled_text)
}

/// One of a few words. Case counts, but a slip in it gets the right word as help.
pub(super) fn choice<T: Copy>(
    node: &Node,
    mistakes: &mut Mistakes,
    words: &[(&'static str, T)],
) -> Option<T> {
    let text = text(node, mistakes)?;
    if let Some((_, value)) = words.iter().find(|(word, _)| *word == text) {
        return Some(*value);
    }
    let names: Vec<&'static str> = words.iter().map(|(word, _)| *word).collect();
    let message = format!("`{}` is none of {}", shown(&text), list(&names));
    mistakes.error_maybe(node.span, message, did_you_mean(&text, names));
    None
}

/// Notes that `node` is not `expected`.
pub(super) fn wrong<T>(node: &Node, expected: &str, mistakes: &mut Mistakes) -> Option<T> {
    mistakes.error(node.span, format!("expected {expected}, this is {}", node.what()));
    None
}

/// `did you mean …?`, if one of the words is close to what was written.
pub(crate) fn did_you_mean<'a>(written: &str, words: impl IntoIterator<Item = &'a str>) -> Option<String> {
    // Enough for a slip, a wrong case or a missing plural; words that share little stay unsuggested.
    const CLOSE_ENOUGH: f64 = 0.75;
    if written.len() > 100 {
        return None;
    }
    let folded = written.to_lowercase();
    words
        .into_iter()
        .map(|word| (strsim::jaro_winkler(&folded, &word.to_lowercase()), word))
        .filter(|(score, _)| *score >= CLOSE_ENOUGH)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, word)| format!("did you mean `{word}`?"))
}

/// What was written, short enough to stand in a message.
pub(crate) fn shown(text: &str) -> String {
    const LONGEST: usize = 60;
    if text.chars().count() <= LONGEST {
        return text.to_owned();
    }
    text.chars().take(LONGEST).chain(['…']).collect()
}

/// `` `a`, `b` and `c` ``
pub(crate) fn list(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
        None => String::from("none"),
    }
}
