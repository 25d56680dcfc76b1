//! CloudWatch Logs filter patterns: unstructured terms, JSON conditions, space-delimited columns.
//!
//! Written from the AWS page on filter pattern syntax. Regular expressions (`%…%`) are refused, since nothing
//! here needs them; everything else of the language that a person types is understood.

mod columns;
mod condition;
mod json;
mod lexer;
mod terms;

use columns::Columns;
use condition::Condition;
use json::Selector;
use terms::Terms;

/// A pattern that was understood.
#[derive(Clone, Debug, PartialEq)]
pub struct Pattern(Kind);

#[derive(Clone, Debug, PartialEq)]
enum Kind {
    Terms(Terms),
    Json(Condition<Selector>),
    Columns(Columns),
}

impl Pattern {
    /// Reads a pattern. An empty one matches everything.
    ///
    /// # Errors
    /// A sentence about what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let kind = if let Some(inner) = bracketed(text, '{', '}')? {
            Kind::Json(json::parse(inner)?)
        } else if let Some(inner) = bracketed(text, '[', ']')? {
            Kind::Columns(columns::parse(inner)?)
        } else {
            Kind::Terms(terms::parse(text)?)
        };
        Ok(Self(kind))
    }

    /// Whether a message matches.
    pub fn matches(&self, message: &str) -> bool {
        match &self.0 {
            Kind::Terms(terms) => terms.matches(message),
            Kind::Json(condition) => json::matches(condition, message),
            Kind::Columns(columns) => columns.matches(message),
        }
    }
}

fn bracketed(text: &str, open: char, close: char) -> Result<Option<&str>, String> {
    let Some(rest) = text.strip_prefix(open) else { return Ok(None) };
    rest.strip_suffix(close).map(Some).ok_or_else(|| format!("`{open}` is not closed"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = r#"{"level":"ERROR","status":503,"path":"/checkout","user":null,"ok":true,"tags":["a","b"],"error":{"type":"UpstreamError"}}"#;
    const ACCESS: &str = r#"198.51.100.7 - - [10/Jan/2026:13:55:36 +0000] "GET /cart HTTP/1.1" 503 2326"#;

    #[test]
    fn patterns_match_as_aws_documents() {
        let cases = [
            ("", "anything", true),
            ("ERROR", "an ERROR here", true),
            ("error", "an ERROR here", false),
            ("ERROR here", "here an ERROR", true),
            ("ERROR there", "here an ERROR", false),
            ("\"an ERROR\"", "here an ERROR", true),
            ("\"say \\\"hi\\\"\"", "they say \"hi\"", true),
            ("ERROR -here", "here an ERROR", false),
            ("-WARN", "an ERROR", true),
            ("?WARN ?ERROR", "an ERROR", true),
            ("?WARN ?INFO", "an ERROR", false),
            ("ERROR ?INFO", "an ERROR", true),
            ("{ $.level = \"ERROR\" }", LINE, true),
            ("{ $.level = ERROR }", LINE, true),
            ("{$.level=\"E*\"}", LINE, true),
            ("{ $.level = \"*R\" && $.path = \"/check*t\" }", LINE, true),
            ("{ $.level = \"W*\" }", LINE, false),
            ("{ $.level != \"INFO\" }", LINE, true),
            ("{ $.status >= 500 }", LINE, true),
            ("{ $.status > 503 || $.status < 5.03e2 }", LINE, false),
            ("{ $.status = 50* }", LINE, true),
            ("{ ($.status = 404 || $.status = 503) && $.level = \"ERROR\" }", LINE, true),
            ("{ $.user IS NULL }", LINE, true),
            ("{ $.ok IS TRUE }", LINE, true),
            ("{ $.ok is false }", LINE, false),
            ("{ $.missing NOT EXISTS }", LINE, true),
            ("{ $.missing != 1 }", LINE, false),
            ("{ $.tags[1] = \"b\" }", LINE, true),
            ("{ $.tags[*] = \"b\" }", LINE, true),
            ("{ $.tags[2] = \"b\" }", LINE, false),
            ("{ $.error.type = \"Upstream*\" }", LINE, true),
            ("{ $.['level'] = \"ERROR\" }", LINE, true),
            ("{ $.level = \"ERROR\" }", "not JSON", false),
            ("[ip, id, user, time, request, status=5*, bytes]", ACCESS, true),
            ("[ip, id, user, time, request = *cart*, status = 503, bytes > 2000]", ACCESS, true),
            ("[ip, ..., status = 404 || status = 503, bytes]", ACCESS, true),
            ("[ip, ..., status != 503 && status != 404, bytes]", ACCESS, false),
            ("[ip, id]", ACCESS, false),
            ("[ip, ...]", ACCESS, true),
        ];
        for (pattern, message, expected) in cases {
            let parsed = Pattern::parse(pattern).unwrap_or_else(|error| panic!("{pattern}: {error}"));
            assert_eq!(parsed.matches(message), expected, "{pattern} on {message}");
        }
    }

    #[test]
    fn malformed_patterns_are_refused() {
        let cases = [
            "{ $.level = ",
            "{ $.level }",
            "{ level = \"ERROR\" }",
            "{ $.level = \"ERROR\" && }",
            "{ ($.level = \"ERROR\" }",
            "{ $.level = \"ERROR }",
            "{ $.level == \"ERROR\" }",
            "{ $.a = 1 } x",
            "{}",
            "[ip, id",
            "[ip = 1 && other = 2]",
            "[..., ip, ...]",
            "\"open",
            "a:b",
            "{ $.level = %ERR% }",
            "%ERR%",
            "-",
        ];
        for pattern in cases {
            assert!(Pattern::parse(pattern).is_err(), "{pattern} was accepted");
        }
    }
}
