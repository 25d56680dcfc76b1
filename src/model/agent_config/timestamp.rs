//! `timestamp_format`: strftime-like codes, of which the agent knows some and takes the rest for plain text.

/// Codes that the agent knows, each with the expression that it finds it by (AWS-FACTS §3.4; the translator's
/// `ruleTimestampFormat`).
const CODES: [(&str, &str); 21] = [
    ("%B", "\\w{7}"),
    ("%b", "\\w{3}"),
    ("%-m", "\\s{0,1}\\d{1,2}"),
    ("%m", "\\s{0,1}\\d{1,2}"),
    ("%A", "\\w{6,9}"),
    ("%a", "\\w{3}"),
    ("%-d", "\\s{0,1}\\d{1,2}"),
    ("%d", "\\s{0,1}\\d{1,2}"),
    ("%H", "\\d{2}"),
    ("%-I", "\\d{1,2}"),
    ("%I", "\\d{2}"),
    ("%-M", "\\d{1,2}"),
    ("%M", "\\d{2}"),
    ("%-S", "\\d{1,2}"),
    ("%S", "\\d{2}"),
    ("%Y", "\\d{4}"),
    ("%y", "\\d{2}"),
    ("%p", "\\w{2}"),
    ("%Z", "\\w{3}"),
    ("%z", "[\\+-]\\d{4}"),
    ("%f", "(\\d{1,9})"),
];

/// What the agent makes of a format.
pub(super) struct Reading {
    /// The expression that it looks for.
    pub expression: String,
    /// Codes that it does not know, as written, each once.
    pub unknown: Vec<String>,
    /// Whether it knows any code at all.
    pub any_code: bool,
}

/// Reads a format as the agent's translator does.
pub(super) fn read(format: &str) -> Reading {
    let mut reading = Reading { expression: String::from("("), unknown: Vec::new(), any_code: false };
    let mut rest = format;
    while let Some(c) = rest.chars().next() {
        if let Some((code, expression)) = CODES.iter().find(|(code, _)| rest.starts_with(code)) {
            reading.expression.push_str(expression);
            reading.any_code = true;
            rest = &rest[code.len()..];
            continue;
        }
        if c == '%' {
            note_unknown(rest, &mut reading.unknown);
        }
        // The translator escapes these and no others: a `+` or a `\` keeps its meaning.
        if "^.*?|[](){}$".contains(c) {
            reading.expression.push('\\');
        }
        reading.expression.push(c);
        rest = &rest[c.len_utf8()..];
    }
    reading.expression.push(')');
    reading
}

fn note_unknown(rest: &str, unknown: &mut Vec<String>) {
    let length = if rest[1..].starts_with('-') { 3 } else { 2 };
    let code: String = rest.chars().take(length).collect();
    if !unknown.contains(&code) {
        unknown.push(code);
    }
}

/// The codes, for messages.
pub(super) fn codes() -> String {
    let codes: Vec<&str> = CODES.iter().map(|(code, _)| *code).collect();
    codes.join(" ")
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn a_format_becomes_the_expression_that_the_agent_looks_for() {
        let reading = read("[%Y-%m-%d] %T");
        assert_eq!(reading.expression, "(\\[\\d{4}-\\s{0,1}\\d{1,2}-\\s{0,1}\\d{1,2}\\] %T)");
        assert_eq!((reading.unknown, reading.any_code), (vec![String::from("%T")], true));
    }
}
