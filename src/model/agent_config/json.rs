//! JSON text → a tree that knows where everything stands.
//!
//! Takes what Go's `encoding/json` takes, since that is what the agent reads with, and nothing more. Repeated
//! keys stay in the tree. Depth is bounded, so no text can exhaust the stack.

use std::str::Chars;

use crate::model::desired::problem::Span;
use crate::model::desired::yaml::{Key, Node, Value};

/// Nesting beyond this is refused. Real configurations stay below twelve.
const MAX_DEPTH: usize = 64;

/// Why a text is not JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NotJson {
    /// Where the reader gave up.
    pub at: Span,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: &'static str,
}

/// Reads one value that is the whole text.
pub(super) fn read(text: &str) -> Result<Node, NotJson> {
    let mut reader = Reader { rest: text.chars(), line: 1, column: 1 };
    if reader.peek() == Some('\u{feff}') {
        let message = "the file begins with a byte order mark, which the agent does not read";
        return Err(reader.wrong(message, "save it as UTF-8 without BOM"));
    }
    reader.skip_space();
    if reader.peek().is_none() {
        return Err(reader.wrong("there is nothing here", "write the configuration as a JSON object: { … }"));
    }
    let node = reader.value(0)?;
    reader.skip_space();
    match reader.peek() {
        None => Ok(node),
        Some(_) => Err(reader.wrong(
            "something follows the end of the configuration",
            "a file holds one JSON object: remove the rest, or look for a brace too many before it",
        )),
    }
}

struct Reader<'t> {
    rest: Chars<'t>,
    line: u32,
    column: u32,
}

impl Reader<'_> {
    fn peek(&self) -> Option<char> {
        self.rest.clone().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.rest.next()?;
        if c == '\n' {
            self.line = self.line.saturating_add(1);
            self.column = 1;
        } else {
            self.column = self.column.saturating_add(1);
        }
        Some(c)
    }

    fn eat(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        if found {
            self.next();
        }
        found
    }

    fn here(&self) -> Span {
        Span { line: self.line, column: self.column, length: 1 }
    }

    /// From `start`, which is on this line, to here.
    fn since(&self, start: Span) -> Span {
        Span { length: self.column.saturating_sub(start.column).max(1), ..start }
    }

    fn wrong(&self, message: impl Into<String>, help: &'static str) -> NotJson {
        NotJson { at: self.here(), message: message.into(), help }
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(' ' | '\t' | '\r' | '\n')) {
            self.next();
        }
    }

    fn value(&mut self, depth: usize) -> Result<Node, NotJson> {
        let start = self.here();
        if depth > MAX_DEPTH {
            return Err(self.wrong(
                format!("this nests deeper than {MAX_DEPTH} levels"),
                "no part of an agent configuration is that deep: remove some",
            ));
        }
        let value = match self.peek() {
            Some('{') => return self.object(depth),
            Some('[') => return self.list(depth),
            Some('"') => Value::Text(self.string()?),
            Some('-' | '0'..='9') => self.number()?,
            Some(c) if c.is_alphabetic() => self.word()?,
            Some(c) => return Err(self.no_value(c)),
            None => return Err(self.ends()),
        };
        Ok(Node { value, span: self.since(start) })
    }

    fn no_value(&self, c: char) -> NotJson {
        let help = match c {
            '\'' => "JSON has double quotes only",
            '/' | '#' => "JSON has no comments: remove it",
            ',' | ':' | '}' | ']' => "write the missing value, or remove the comma before it",
            _ => "a value is \"text\", a number, true, false, null, [ … ] or { … }",
        };
        self.wrong(format!("a value is expected here, this is `{c}`"), help)
    }

    fn ends(&self) -> NotJson {
        self.wrong("the text ends in the middle", "close every quote, brace and bracket")
    }

    fn object(&mut self, depth: usize) -> Result<Node, NotJson> {
        let span = self.here();
        self.next();
        let mut entries = Vec::new();
        self.skip_space();
        if self.eat('}') {
            return Ok(Node { value: Value::Map(entries), span });
        }
        loop {
            let key = self.key(!entries.is_empty())?;
            self.skip_space();
            if !self.eat(':') {
                return Err(self.peek().map_or_else(
                    || self.ends(),
                    |c| self.wrong(format!("a `:` is expected here, this is `{c}`"), "write \"key\": value"),
                ));
            }
            self.skip_space();
            let node = self.value(depth + 1)?;
            entries.push((key, node));
            self.skip_space();
            if self.eat('}') {
                return Ok(Node { value: Value::Map(entries), span });
            }
            self.comma('}')?;
        }
    }

    fn key(&mut self, after_comma: bool) -> Result<Key, NotJson> {
        let start = self.here();
        match self.peek() {
            Some('"') => {
                let text = self.string()?;
                Ok(Key { text, span: self.since(start) })
            }
            Some('}') if after_comma => {
                Err(self
                    .wrong("a comma stands before this `}`", "remove the comma: JSON has none at the end"))
            }
            Some('/' | '#') => Err(self.wrong("JSON has no comments", "remove it")),
            Some(c) => {
                Err(self
                    .wrong(format!("a key is expected here, this is `{c}`"), "keys stand in double quotes"))
            }
            None => Err(self.ends()),
        }
    }

    fn list(&mut self, depth: usize) -> Result<Node, NotJson> {
        let span = self.here();
        self.next();
        let mut items = Vec::new();
        self.skip_space();
        if self.eat(']') {
            return Ok(Node { value: Value::List(items), span });
        }
        loop {
            if self.peek() == Some(']') {
                return Err(self
                    .wrong("a comma stands before this `]`", "remove the comma: JSON has none at the end"));
            }
            items.push(self.value(depth + 1)?);
            self.skip_space();
            if self.eat(']') {
                return Ok(Node { value: Value::List(items), span });
            }
            self.comma(']')?;
        }
    }

    /// The comma between two entries, and the space after it.
    fn comma(&mut self, end: char) -> Result<(), NotJson> {
        if !self.eat(',') {
            return Err(self.peek().map_or_else(
                || self.ends(),
                |c| {
                    self.wrong(
                        format!("a `,` or `{end}` is expected here, this is `{c}`"),
                        "a comma may be missing before it",
                    )
                },
            ));
        }
        self.skip_space();
        Ok(())
    }

    fn string(&mut self) -> Result<String, NotJson> {
        self.next();
        let mut text = String::new();
        loop {
            match self.peek() {
                None => return Err(self.ends()),
                Some('"') => {
                    self.next();
                    return Ok(text);
                }
                Some('\\') => text.push(self.escape()?),
                Some(c) if c < ' ' => {
                    return Err(self.wrong(
                        "a line break or another control character stands inside a text",
                        "close the quote before it, or write it as an escape: \\n, \\t",
                    ));
                }
                Some(c) => {
                    text.push(c);
                    self.next();
                }
            }
        }
    }

    fn escape(&mut self) -> Result<char, NotJson> {
        let at = self.here();
        self.next();
        let c = match self.next() {
            Some(c @ ('"' | '\\' | '/')) => c,
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('u') => return self.unicode(at),
            Some(c) => {
                let help = "a backslash itself is written twice, as in \"\\\\d\" or \"C:\\\\logs\"";
                return Err(NotJson { at, message: format!("JSON has no escape `\\{c}`"), help });
            }
            None => return Err(self.ends()),
        };
        Ok(c)
    }

    fn unicode(&mut self, at: Span) -> Result<char, NotJson> {
        let first = self.hex(at)?;
        if !(0xd800..0xdc00).contains(&first) {
            return Ok(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        // Half of a pair alone becomes the replacement character, as Go has it.
        let mut ahead = self.rest.clone();
        if (ahead.next(), ahead.next()) != (Some('\\'), Some('u')) {
            return Ok(char::REPLACEMENT_CHARACTER);
        }
        let code: String = ahead.take(4).collect();
        let second = u32::from_str_radix(&code, 16).unwrap_or(0);
        if !(0xdc00..0xe000).contains(&second) {
            return Ok(char::REPLACEMENT_CHARACTER);
        }
        for _ in 0..6 {
            self.next();
        }
        let code = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
        Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn hex(&mut self, at: Span) -> Result<u32, NotJson> {
        let mut code = 0;
        for _ in 0..4 {
            let Some(digit) = self.peek().and_then(|c| c.to_digit(16)) else {
                let message = String::from("`\\u` needs four hexadecimal digits");
                return Err(NotJson { at, message, help: "as in \\u00e9" });
            };
            code = code * 16 + digit;
            self.next();
        }
        Ok(code)
    }

    fn word(&mut self) -> Result<Value, NotJson> {
        let start = self.here();
        let mut word = String::new();
        while let Some(c) = self.peek().filter(|c| c.is_alphanumeric() || *c == '_') {
            word.push(c);
            self.next();
        }
        match word.as_str() {
            "true" => Ok(Value::Bool(true)),
            "false" => Ok(Value::Bool(false)),
            "null" => Ok(Value::Null),
            _ => {
                let shown: String = word.chars().take(40).collect();
                let help = match word.to_lowercase().as_str() {
                    "true" | "false" | "null" => "JSON writes true, false and null in small letters",
                    "none" => "JSON writes null",
                    "nan" | "infinity" | "inf" => "JSON has no such number",
                    _ => "text stands in double quotes",
                };
                Err(NotJson { at: self.since(start), message: format!("JSON has no word `{shown}`"), help })
            }
        }
    }

    fn number(&mut self) -> Result<Value, NotJson> {
        let start = self.here();
        let mut text = String::new();
        while let Some(c) = self.peek().filter(|c| matches!(c, '0'..='9' | '-' | '+' | '.' | 'e' | 'E')) {
            text.push(c);
            self.next();
        }
        let at = self.since(start);
        if !is_number(&text) {
            let message = String::from("this is not how JSON writes a number");
            return Err(NotJson {
                at,
                message,
                help: "as in 60, -1 or 0.5; other text stands in double quotes",
            });
        }
        if let Ok(whole) = text.parse::<i64>() {
            return Ok(Value::Int(whole));
        }
        match text.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(Value::Float(number)),
            _ => {
                let message = String::from("this number is too large for the agent");
                Err(NotJson { at, message, help: "no setting of the agent needs more than six digits" })
            }
        }
    }
}

/// Whether the text is a number by RFC 8259: no leading zeros, digits on both sides of the point.
fn is_number(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let text = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let sign = |text: &str| digits(text.strip_prefix(['+', '-']).unwrap_or(text));
    digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent.is_none_or(sign)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_characters() {
        let tree = read("{\n  \"ä\": [1, \"\\ud83d\\ude00\"]\n}").expect("JSON");
        let list = tree.get("ä").expect("the key");
        assert_eq!((tree.entries()[0].0.span.line, tree.entries()[0].0.span.column), (2, 3));
        assert_eq!(list.items()[1].text(), Some("😀"));
        assert_eq!(list.items()[1].span, Span { line: 2, column: 12, length: 14 });
    }

    #[test]
    fn numbers_are_as_the_standard_has_them() {
        for good in ["0", "-0", "10", "1.0", "1e5", "1E+5", "0.5e-3"] {
            assert!(is_number(good), "{good}");
        }
        for bad in ["", "-", "01", ".5", "1.", "1e", "1e+", "+1", "1.2.3", "--1"] {
            assert!(!is_number(bad), "{bad}");
        }
    }
}
