//! Splits conditions into tokens.

use super::terms::quoted;

/// One token of a condition.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    Open,
    Close,
    And,
    Or,
    Compare(Comparison),
    /// In quotation marks, without them.
    Quoted(String),
    /// Anything else: a selector, a column, a number, a bare value, a keyword.
    Word(String),
}

/// How two values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

const SYMBOLS: &[(&str, Token)] = &[
    ("&&", Token::And),
    ("||", Token::Or),
    ("!=", Token::Compare(Comparison::NotEqual)),
    ("<=", Token::Compare(Comparison::LessOrEqual)),
    (">=", Token::Compare(Comparison::GreaterOrEqual)),
    ("<", Token::Compare(Comparison::Less)),
    (">", Token::Compare(Comparison::Greater)),
    ("=", Token::Compare(Comparison::Equal)),
    ("(", Token::Open),
    (")", Token::Close),
];

pub(super) fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (token, after) = token(rest)?;
        tokens.push(token);
        rest = after.trim_start();
    }
    Ok(tokens)
}

fn token(text: &str) -> Result<(Token, &str), String> {
    if let Some(inner) = text.strip_prefix('"') {
        let (content, rest) = quoted(inner)?;
        return Ok((Token::Quoted(content), rest));
    }
    if text.starts_with('%') {
        return Err("regular expressions are not supported here".to_owned());
    }
    for (symbol, token) in SYMBOLS {
        if let Some(rest) = text.strip_prefix(symbol) {
            return Ok((token.clone(), rest));
        }
    }
    let end =
        text.find(|each: char| each.is_whitespace() || "&|!<>=()\"".contains(each)).unwrap_or(text.len());
    if end == 0 {
        return Err(format!("`{text}` is not understood"));
    }
    let (word, rest) = text.split_at(end);
    Ok((Token::Word(word.to_owned()), rest))
}
