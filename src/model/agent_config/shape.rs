//! What a value must look like, as data, and the walk that holds a tree against it.
//!
//! Only form: types, ranges, words, fields. What a value means is judged elsewhere. A shape says what the
//! agent's own schema says (AWS-FACTS §3.4): where that allows anything, so does the shape.

use std::collections::BTreeMap;

use super::path::Path;
use super::{Checked, what};
use crate::model::desired::decode::{did_you_mean, list, shown};
use crate::model::desired::problem::Span;
use crate::model::desired::yaml::{Node, Value};

/// What a value must look like.
pub(super) enum Shape {
    /// Anything.
    Any,
    /// `true` or `false`.
    Bool,
    /// Text of so many characters.
    Text(usize, usize),
    /// A whole number in a range, both ends included.
    Whole(i64, i64),
    /// One of these words, as they are written.
    Word(&'static [&'static str]),
    /// Days that CloudWatch Logs offers, or -1.
    Retention,
    /// The ARN of a role, or a `${…}` that the agent fills in.
    RoleArn,
    /// A list.
    List(&'static List),
    /// An object.
    Object(&'static Object),
    /// One of these, told apart by their type.
    Either(&'static [Shape]),
}

/// What a list must look like.
pub(super) struct List {
    pub of: Shape,
    pub least: usize,
    pub most: usize,
    /// Whether no two items may be equal.
    pub unique: bool,
}

/// What an object must look like.
pub(super) struct Object {
    pub fields: &'static [(&'static str, Shape)],
    pub required: &'static [&'static str],
    /// Of these at least one is required, if there are any.
    pub any_of: &'static [&'static str],
    pub others: Others,
    pub least: usize,
    pub most: usize,
}

/// What becomes of fields that an object does not name.
pub(super) enum Others {
    /// The agent refuses them.
    Refused,
    /// The agent takes them, whatever they are.
    Free,
    /// Each must look like this.
    Each(&'static Shape),
}

/// Any text.
pub(super) const TEXT: Shape = Shape::Text(0, usize::MAX);
/// A list without limits.
pub(super) const LIST: List = List { of: Shape::Any, least: 0, most: usize::MAX, unique: false };
/// An object that refuses what it does not name.
pub(super) const CLOSED: Object =
    Object { fields: &[], required: &[], any_of: &[], others: Others::Refused, least: 0, most: usize::MAX };
/// An object that takes what it does not name.
pub(super) const OPEN: Object = Object { others: Others::Free, ..CLOSED };

/// A value in its place: its path, the key or item that names it, and itself.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub path: &'a Path<'a>,
    /// Where to point when something is missing inside.
    pub named: Span,
    pub node: &'a Node,
}

/// Notes wherever `place` does not look like `shape`.
pub(super) fn check(place: Place<'_>, shape: &Shape, checked: &mut Checked) {
    if checked.is_full() {
        return;
    }
    match (shape, &place.node.value) {
        (Shape::Any, _) | (Shape::Bool, Value::Bool(_)) => {}
        (Shape::Text(least, most), Value::Text(text)) => length(place, text, *least, *most, checked),
        (Shape::RoleArn, Value::Text(text)) => role_arn(place, text, checked),
        (Shape::Word(words), Value::Text(text)) => word(place, text, words, checked),
        (Shape::Whole(least, most), Value::Int(_) | Value::Float(_)) => {
            range(place, *least, *most, checked);
        }
        (Shape::Retention, Value::Int(_) | Value::Float(_)) => retention(place, checked),
        (Shape::List(shape), Value::List(items)) => self::items(place, items, shape, checked),
        (Shape::Object(shape), Value::Map(_)) => object(place, shape, checked),
        (Shape::Either(shapes), _) => match shapes.iter().find(|shape| shape.is_for(&place.node.value)) {
            Some(shape) => check(place, shape, checked),
            None => wrong_type(place, shape, checked),
        },
        _ => wrong_type(place, shape, checked),
    }
}

impl Shape {
    /// Whether a value has the type that this asks for.
    fn is_for(&self, value: &Value) -> bool {
        match self {
            Self::Any => true,
            Self::Bool => matches!(value, Value::Bool(_)),
            Self::Text(..) | Self::Word(_) | Self::RoleArn => matches!(value, Value::Text(_)),
            Self::Whole(..) | Self::Retention => matches!(value, Value::Int(_) | Value::Float(_)),
            Self::List(_) => matches!(value, Value::List(_)),
            Self::Object(_) => matches!(value, Value::Map(_)),
            Self::Either(shapes) => shapes.iter().any(|shape| shape.is_for(value)),
        }
    }

    /// What is expected, for messages.
    fn expected(&self) -> String {
        match self {
            Self::Any => String::from("anything"),
            Self::Bool => String::from("true or false"),
            Self::Text(..) | Self::Word(_) | Self::RoleArn => String::from("text"),
            Self::Whole(..) | Self::Retention => String::from("a whole number"),
            Self::List(_) => String::from("a list"),
            Self::Object(_) => String::from("an object"),
            Self::Either(shapes) => {
                let each: Vec<String> = shapes.iter().map(Self::expected).collect();
                each.join(" or ")
            }
        }
    }

    /// How the expected type is written.
    fn written(&self) -> &'static str {
        match self {
            Self::Any => "any value",
            Self::Bool => "write true or false, without quotes",
            Self::Text(..) | Self::Word(_) | Self::RoleArn => "write it in double quotes",
            Self::Whole(..) | Self::Retention => "write digits only, without quotes",
            Self::List(_) => "put it in brackets: [ … ]",
            Self::Object(_) => "write it as { \"field\": value }",
            Self::Either(shapes) => shapes.first().map_or("any value", Self::written),
        }
    }
}

fn wrong_type(place: Place<'_>, shape: &Shape, checked: &mut Checked) {
    let message = format!("{} is expected, this is {}", shape.expected(), what(place.node));
    checked.error(place.node.span, place.path, message, shape.written());
}

fn length(place: Place<'_>, text: &str, least: usize, most: usize, checked: &mut Checked) {
    let count = text.chars().count();
    if count < least {
        let message = match least {
            1 => String::from("this may not be empty"),
            _ => format!("at least {least} characters are expected, this has {count}"),
        };
        checked.error(place.node.span, place.path, message, "fill it in, or remove the field");
    } else if count > most {
        let message = format!("at most {most} characters are allowed, this has {count}");
        checked.error(place.node.span, place.path, message, "shorten it");
    }
}

fn role_arn(place: Place<'_>, text: &str, checked: &mut Checked) {
    let filled_in = text
        .strip_prefix("${")
        .and_then(|rest| rest.strip_suffix('}'))
        .is_some_and(|name| !name.is_empty() && !name.contains('\n'));
    if filled_in {
        length(place, text, 0, 2048, checked);
        return;
    }
    if text.chars().count() < 20 {
        let message = format!("`{}` is not the ARN of a role", shown(text));
        checked.error(place.node.span, place.path, message, "as in arn:aws:iam::111122223333:role/name");
        return;
    }
    length(place, text, 20, 2048, checked);
}

fn word(place: Place<'_>, text: &str, words: &[&'static str], checked: &mut Checked) {
    if words.contains(&text) {
        return;
    }
    let help = did_you_mean(text, words.iter().copied()).unwrap_or_else(|| match words {
        [only] => format!("take `{only}`"),
        _ => format!("take one of {}", list(words)),
    });
    checked.error(place.node.span, place.path, format!("`{}` is no choice here", shown(text)), help);
}

/// The whole number that a value is. The agent takes `60.0` for one.
pub(super) fn whole(value: &Value) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match value {
        Value::Int(number) => Some(*number),
        #[expect(clippy::cast_possible_truncation, reason = "whole and within what a float holds exactly")]
        Value::Float(number) if number.fract() == 0.0 && number.abs() <= EXACT => Some(*number as i64),
        _ => None,
    }
}

fn range(place: Place<'_>, least: i64, most: i64, checked: &mut Checked) {
    let bounds = match (least, most) {
        (least, i64::MAX) => format!("{least} or more"),
        (least, most) => format!("{least} to {most}"),
    };
    match (whole(&place.node.value), &place.node.value) {
        (Some(number), _) if (least..=most).contains(&number) => {}
        (Some(number), _) => {
            let message = format!("{number} is out of range");
            checked.error(place.node.span, place.path, message, format!("take {bounds}"));
        }
        // Beyond what a float holds exactly every number is whole.
        (None, Value::Float(number)) if number.fract() == 0.0 => {
            if *number < 0.0 || most != i64::MAX {
                let help = format!("take {bounds}");
                checked.error(place.node.span, place.path, String::from("this is out of range"), help);
            }
        }
        (None, _) => {
            let message = String::from("a whole number is expected, this has a fraction");
            checked.error(place.node.span, place.path, message, format!("take {bounds}"));
        }
    }
}

fn retention(place: Place<'_>, checked: &mut Checked) {
    use crate::model::desired::{RETENTION_DAYS, nearest_retention};
    let days = whole(&place.node.value);
    if days.is_some_and(|days| days == -1 || RETENTION_DAYS.iter().any(|offered| i64::from(*offered) == days))
    {
        return;
    }
    match days {
        Some(days) => {
            let message = format!("CloudWatch Logs does not offer {days} days");
            checked.error(place.node.span, place.path, message, nearest_retention(days));
        }
        None => {
            let message = String::from("a whole number of days is expected");
            checked.error(place.node.span, place.path, message, "as in 30, or -1 to leave the group alone");
        }
    }
}

fn items(place: Place<'_>, items: &[Node], shape: &List, checked: &mut Checked) {
    if items.len() < shape.least {
        checked.error(
            place.node.span,
            place.path,
            String::from("this list is empty"),
            "give it an item, or remove it",
        );
    }
    if items.len() > shape.most {
        let message = format!("this list has {} items, more than {}", items.len(), shape.most);
        checked.error(place.node.span, place.path, message, "remove some");
    }
    let mut seen: BTreeMap<String, (usize, Span)> = BTreeMap::new();
    for (index, item) in items.iter().enumerate() {
        let path = place.path.item(index);
        let here = Place { path: &path, named: item.span, node: item };
        check(here, &shape.of, checked);
        if !shape.unique || checked.is_full() {
            continue;
        }
        if let Some((first, at)) = seen.get(&canonical(item)) {
            let message = format!("this is the same as item {first}{}", checked.place_of(*at));
            checked.error(item.span, &path, message, "the agent refuses equal items: remove one");
        } else {
            seen.insert(canonical(item), (index, item.span));
        }
    }
}

/// The value as text that is equal for equal values.
pub(super) fn canonical(node: &Node) -> String {
    fn levelled(node: &Node) -> Node {
        let value = match (&node.value, whole(&node.value)) {
            (_, Some(number)) => Value::Int(number),
            (Value::List(items), _) => Value::List(items.iter().map(levelled).collect()),
            (Value::Map(entries), _) => {
                Value::Map(entries.iter().map(|(key, node)| (key.clone(), levelled(node))).collect())
            }
            (value, _) => value.clone(),
        };
        Node { value, span: node.span }
    }
    levelled(node).to_json().to_string()
}

fn object(place: Place<'_>, shape: &Object, checked: &mut Checked) {
    for name in shape.required {
        if place.node.get(name).is_none() {
            let message = format!("the field `{name}` is missing");
            checked.error(place.named, place.path, message, format!("add `{name}`: the agent asks for it"));
        }
    }
    if !shape.any_of.is_empty() && !shape.any_of.iter().any(|name| place.node.get(name).is_some()) {
        let message = format!("none of {} is here", list(shape.any_of));
        checked.error(place.named, place.path, message, "the agent asks for one of them");
    }
    // Of a repeated key the agent takes the last.
    let entries = place.node.entries();
    let last: BTreeMap<&str, usize> =
        entries.iter().enumerate().map(|(index, (key, _))| (key.text.as_str(), index)).collect();
    let count = last.len();
    for (index, (key, node)) in entries.iter().enumerate() {
        if last.get(key.text.as_str()) != Some(&index) {
            continue;
        }
        let path = place.path.key(&key.text);
        let here = Place { path: &path, named: key.span, node };
        match (shape.fields.iter().find(|(name, _)| *name == key.text), &shape.others) {
            (Some((_, shape)), _) => check(here, shape, checked),
            (None, Others::Free) => {}
            (None, Others::Each(shape)) => check(here, shape, checked),
            (None, Others::Refused) => unknown(here, &key.text, shape, checked),
        }
    }
    if count < shape.least {
        checked.error(
            place.node.span,
            place.path,
            String::from("this object is empty"),
            "give it a field, or remove it",
        );
    }
    if count > shape.most {
        let message = format!("this object has {count} fields, more than {}", shape.most);
        checked.error(place.node.span, place.path, message, "remove some");
    }
}

fn unknown(place: Place<'_>, name: &str, shape: &Object, checked: &mut Checked) {
    if checked.is_full() {
        return;
    }
    let names: Vec<&str> = shape.fields.iter().map(|(name, _)| *name).collect();
    let help = did_you_mean(name, names.iter().copied())
        .unwrap_or_else(|| format!("the fields here are {}", list(&names)));
    checked.error(place.named, place.path, String::from("the agent knows no such field here"), help);
}
