//! Space-delimited patterns: `[ip, user, ..., status = 5*, bytes]`.

use super::condition::{self, Condition, Test, compare};
use super::lexer::{Token, tokens};

/// The columns that a message must have, and what is asked of them.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Columns {
    /// Before the `...`, or all.
    head: Vec<Column>,
    /// After the `...`; `None` without one.
    tail: Option<Vec<Column>>,
}

/// What is asked of one column; `None` = anything.
type Column = Option<Condition<()>>;

pub(super) fn parse(text: &str) -> Result<Columns, String> {
    let (mut head, mut tail) = (Vec::new(), None);
    for part in split(text) {
        if part.trim() == "..." {
            if tail.replace(Vec::new()).is_some() {
                return Err("`...` may stand only once".to_owned());
            }
            continue;
        }
        let column = column(part)?;
        tail.as_mut().unwrap_or(&mut head).push(column);
    }
    Ok(Columns { head, tail })
}

/// Splits at the commas outside quotation marks.
fn split(text: &str) -> Vec<&str> {
    let mut inside = false;
    text.split(move |each| {
        inside ^= each == '"';
        each == ',' && !inside
    })
    .collect()
}

fn column(text: &str) -> Result<Column, String> {
    let tokens = tokens(text)?;
    let name = tokens.iter().find_map(|token| match token {
        Token::Word(name) => Some(name.clone()),
        _ => None,
    });
    let Some(name) = name else { return Err(format!("`{text}` names no column")) };
    if tokens.len() == 1 {
        return Ok(None);
    }
    let only = |left: &str| {
        if left == name { Ok(()) } else { Err(format!("`{left}` stands in the column `{name}`")) }
    };
    condition::parse(&tokens, &only).map(Some)
}

impl Columns {
    pub(super) fn matches(&self, message: &str) -> bool {
        let fields = fields(message);
        let tail = self.tail.as_deref().unwrap_or_default();
        let needed = self.head.len() + tail.len();
        let fits = if self.tail.is_some() { fields.len() >= needed } else { fields.len() == needed };
        let last = fields.iter().skip(fields.len().saturating_sub(tail.len()));
        fits && self.head.iter().zip(&fields).all(holds) && tail.iter().zip(last).all(holds)
    }
}

fn holds((column, field): (&Column, &&str)) -> bool {
    let test = |(): &(), test: &Test| match test {
        Test::Compare(how, with) => compare(*how, field, field.parse().ok(), with),
        // A column has no type, and is never missing.
        Test::IsNull | Test::Is(_) | Test::NotExists => false,
    };
    column.as_ref().is_none_or(|condition| condition.holds(&test))
}

/// The fields of a message: words, or what stands between quotation marks or brackets.
fn fields(message: &str) -> Vec<&str> {
    let mut fields = Vec::new();
    let mut rest = message.trim_start();
    while let Some(first) = rest.chars().next() {
        let close = match first {
            '"' => Some('"'),
            '[' => Some(']'),
            _ => None,
        };
        let enclosed = close.and_then(|close| rest[1..].split_once(close));
        let (field, after) = enclosed.or_else(|| rest.split_once(char::is_whitespace)).unwrap_or((rest, ""));
        fields.push(field);
        rest = after.trim_start();
    }
    fields
}
