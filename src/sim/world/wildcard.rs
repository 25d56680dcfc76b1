//! Patterns with `*` (any run of characters) and `?` (any one), as IAM policies and EC2 filters use them.

/// Whether the whole of `text` fits `pattern`. Case matters.
///
/// Runs in time proportional to the product of both lengths, whatever the pattern.
pub fn fits(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut at_pattern, mut at_text) = (0, 0);
    // Where to go on from when a guess at the last `*` was too short: after the star, and one character later.
    let mut retry: Option<(usize, usize)> = None;
    while at_text < text.len() {
        match pattern.get(at_pattern) {
            Some(b'*') => {
                at_pattern += 1;
                retry = Some((at_pattern, at_text));
            }
            Some(&wanted) if wanted == b'?' || wanted == text[at_text] => {
                at_pattern += 1;
                at_text += 1;
            }
            _ => {
                let Some((star, from)) = retry else { return false };
                at_pattern = star;
                at_text = from + 1;
                retry = Some((star, at_text));
            }
        }
    }
    pattern[at_pattern..].iter().all(|left| *left == b'*')
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn patterns_fit_whole_texts() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("logs:*", "logs:PutLogEvents", true),
            ("logs:Put*Events", "logs:PutLogEvents", true),
            ("logs:Put?ogEvents", "logs:PutLogEvents", true),
            ("logs:Put", "logs:PutLogEvents", false),
            ("*:log-group:A*:*", "arn:aws:logs:us-east-1:1:log-group:App:x", true),
            ("*:log-group:B*", "arn:aws:logs:us-east-1:1:log-group:App", false),
            ("a*b*c", "aXbXbXc", true),
            ("", "", true),
            ("", "a", false),
        ] {
            assert_eq!(fits(pattern, text), expected, "{pattern} on {text}");
        }
    }
}
