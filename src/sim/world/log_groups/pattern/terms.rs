//! Unstructured patterns: `ERROR`, `"two words"`, `-not this`, `?this ?or this`.

/// Words that a message must, may not, or should have.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Terms {
    required: Vec<String>,
    excluded: Vec<String>,
    any: Vec<String>,
}

impl Terms {
    /// Terms with `?` count only where there is no plain term beside them, as on AWS.
    pub(super) fn matches(&self, message: &str) -> bool {
        let has = |term: &String| message.contains(term.as_str());
        let enough = self.any.is_empty() || !self.required.is_empty() || self.any.iter().any(has);
        enough && self.required.iter().all(has) && !self.excluded.iter().any(has)
    }
}

pub(super) fn parse(text: &str) -> Result<Terms, String> {
    let mut terms = Terms::default();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (list, after) = match rest.as_bytes().first() {
            Some(b'-') => (&mut terms.excluded, &rest[1..]),
            Some(b'?') => (&mut terms.any, &rest[1..]),
            _ => (&mut terms.required, rest),
        };
        let (term, after) = term(after)?;
        list.push(term);
        rest = after.trim_start();
    }
    Ok(terms)
}

fn term(text: &str) -> Result<(String, &str), String> {
    if let Some(inner) = text.strip_prefix('"') {
        return quoted(inner);
    }
    let end = text.find(char::is_whitespace).unwrap_or(text.len());
    let (term, rest) = text.split_at(end);
    // Anything but letters, digits and underscores has to be quoted.
    if term.is_empty() || !term.chars().all(|each| each.is_alphanumeric() || each == '_') {
        return Err(format!("the term `{term}` has to be in quotation marks"));
    }
    Ok((term.to_owned(), rest))
}

/// Reads up to the closing quotation mark; `\"` and `\\` stand for themselves.
pub(super) fn quoted(text: &str) -> Result<(String, &str), String> {
    let mut content = String::new();
    let mut chars = text.char_indices();
    while let Some((at, each)) = chars.next() {
        match each {
            '"' => return Ok((content, &text[at + 1..])),
            '\\' => content.extend(chars.next().map(|(_, escaped)| escaped)),
            other => content.push(other),
        }
    }
    Err("a quotation mark is not closed".to_owned())
}
