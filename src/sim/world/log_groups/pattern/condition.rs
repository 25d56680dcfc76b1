//! Conditions with `&&`, `||` and parentheses, over whatever the left sides select.

use super::lexer::{Comparison, Token};

/// How deep parentheses may nest. A pattern has at most 1,024 characters; this keeps the stack small.
const MAX_DEPTH: usize = 64;

/// A condition over things that `S` selects.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Condition<S> {
    All(Vec<Self>),
    Any(Vec<Self>),
    Test(S, Test),
}

/// What is asked of a selected value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Test {
    Compare(Comparison, Operand),
    IsNull,
    Is(bool),
    NotExists,
}

/// The right side of a comparison.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Operand {
    Number(f64),
    /// Text in which `*` stands for anything.
    Text(String),
}

impl<S> Condition<S> {
    /// Whether it holds, where `test` decides a single test.
    pub(super) fn holds(&self, test: &impl Fn(&S, &Test) -> bool) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.holds(test)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(test)),
            Self::Test(selector, what) => test(selector, what),
        }
    }
}

/// Reads a condition; `select` reads a left side.
pub(super) fn parse<S>(
    tokens: &[Token],
    select: &impl Fn(&str) -> Result<S, String>,
) -> Result<Condition<S>, String> {
    let mut parser = Parser { tokens, depth: 0, select };
    let condition = parser.any()?;
    match parser.tokens.first() {
        None => Ok(condition),
        Some(left) => Err(format!("{left:?} comes after the end of the condition")),
    }
}

struct Parser<'a, F> {
    tokens: &'a [Token],
    depth: usize,
    select: &'a F,
}

impl<S, F: Fn(&str) -> Result<S, String>> Parser<'_, F> {
    fn any(&mut self) -> Result<Condition<S>, String> {
        let mut parts = vec![self.all()?];
        while self.take(&Token::Or) {
            parts.push(self.all()?);
        }
        Ok(Condition::Any(parts))
    }

    fn all(&mut self) -> Result<Condition<S>, String> {
        let mut parts = vec![self.one()?];
        while self.take(&Token::And) {
            parts.push(self.one()?);
        }
        Ok(Condition::All(parts))
    }

    fn one(&mut self) -> Result<Condition<S>, String> {
        if !self.take(&Token::Open) {
            return self.test();
        }
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err("the parentheses are too deep".to_owned());
        }
        let inner = self.any()?;
        self.depth -= 1;
        if self.take(&Token::Close) { Ok(inner) } else { Err("a parenthesis is not closed".to_owned()) }
    }

    fn test(&mut self) -> Result<Condition<S>, String> {
        let Token::Word(left) = self.next("a selector")? else {
            return Err("a selector is missing".to_owned());
        };
        let selector = (self.select)(&left)?;
        let test = match self.next("a comparison")? {
            Token::Compare(how) => Test::Compare(how, self.operand()?),
            Token::Word(word) => self.keyword(&word)?,
            other => return Err(format!("{other:?} is no comparison")),
        };
        Ok(Condition::Test(selector, test))
    }

    fn keyword(&mut self, first: &str) -> Result<Test, String> {
        let Token::Word(second) = self.next("a keyword")? else {
            return Err(format!("`{first}` needs a keyword after it"));
        };
        match (first.to_ascii_uppercase().as_str(), second.to_ascii_uppercase().as_str()) {
            ("IS", "NULL") => Ok(Test::IsNull),
            ("IS", "TRUE") => Ok(Test::Is(true)),
            ("IS", "FALSE") => Ok(Test::Is(false)),
            ("NOT", "EXISTS") => Ok(Test::NotExists),
            _ => Err(format!("`{first} {second}` is not understood")),
        }
    }

    fn operand(&mut self) -> Result<Operand, String> {
        match self.next("a value")? {
            Token::Quoted(text) => Ok(Operand::Text(text)),
            Token::Word(word) => Ok(word.parse().map_or(Operand::Text(word), Operand::Number)),
            other => Err(format!("{other:?} is no value")),
        }
    }

    fn next(&mut self, wanted: &str) -> Result<Token, String> {
        let (first, rest) = self.tokens.split_first().ok_or_else(|| format!("{wanted} is missing"))?;
        self.tokens = rest;
        Ok(first.clone())
    }

    fn take(&mut self, token: &Token) -> bool {
        let found = self.tokens.first() == Some(token);
        if found {
            self.tokens = &self.tokens[1..];
        }
        found
    }
}

/// Compares a value, given as text and, if it is one, as a number.
pub(super) fn compare(how: Comparison, text: &str, number: Option<f64>, with: &Operand) -> bool {
    match (with, how) {
        (Operand::Number(with), _) => number.is_some_and(|number| ordered(how, number, *with)),
        (Operand::Text(glob), Comparison::Equal) => matches_glob(glob, text),
        (Operand::Text(glob), Comparison::NotEqual) => !matches_glob(glob, text),
        // Text has no order in this language.
        (Operand::Text(_), _) => false,
    }
}

fn ordered(how: Comparison, left: f64, right: f64) -> bool {
    let order = left.partial_cmp(&right);
    match how {
        Comparison::Equal => order.is_some_and(std::cmp::Ordering::is_eq),
        Comparison::NotEqual => order.is_some_and(std::cmp::Ordering::is_ne),
        Comparison::Less => order.is_some_and(std::cmp::Ordering::is_lt),
        Comparison::LessOrEqual => order.is_some_and(std::cmp::Ordering::is_le),
        Comparison::Greater => order.is_some_and(std::cmp::Ordering::is_gt),
        Comparison::GreaterOrEqual => order.is_some_and(std::cmp::Ordering::is_ge),
    }
}

/// Whether `text` matches `glob`, in which `*` stands for any text.
fn matches_glob(glob: &str, text: &str) -> bool {
    let Some((head, rest)) = glob.split_once('*') else { return glob == text };
    let Some(mut text) = text.strip_prefix(head) else { return false };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let tail = parts.pop().unwrap_or_default();
    for part in parts {
        let Some((_, after)) = text.split_once(part) else { return false };
        text = after;
    }
    text.ends_with(tail)
}
