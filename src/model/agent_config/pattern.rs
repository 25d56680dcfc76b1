//! Whether Go's `regexp` compiles an expression: the agent compiles filters and line patterns with it.
//!
//! Go differs from other engines in both directions. It refuses `\d{2}+` and counts above 1000, and it takes
//! `a{`, `[[]` and `\Q…\E`. So this follows Go's own grammar (`regexp/syntax`) instead of asking another engine.
//! It only reads: it never matches.

use std::collections::BTreeSet;

/// What is known about an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Go compiles it.
    Fine,
    /// It depends on names that this does not know, such as `\p{…}`.
    Doubtful(String),
    /// Go refuses it, for this reason.
    Wrong(String),
}

/// The largest count in `{…}`, nested counts multiplied (Go's `repeatIsValid`).
const MOST_REPEATS: u64 = 1000;

/// Judges an expression.
pub(super) fn judge(expression: &str) -> Verdict {
    let mut reader = Reader {
        chars: expression.chars().collect(),
        at: 0,
        groups: Vec::new(),
        operand: None,
        weight: 1,
        names: BTreeSet::new(),
        doubt: None,
    };
    match reader.read() {
        Err(why) => Verdict::Wrong(why),
        Ok(()) => reader.doubt.map_or(Verdict::Fine, Verdict::Doubtful),
    }
}

struct Reader {
    chars: Vec<char>,
    at: usize,
    /// For each open group, the largest product of counts before it.
    groups: Vec<u64>,
    /// The product of counts of what a repetition would repeat now; none where there is nothing.
    operand: Option<u64>,
    /// The largest product of counts in this group.
    weight: u64,
    names: BTreeSet<String>,
    doubt: Option<String>,
}

type Outcome = Result<(), String>;

impl Reader {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    fn starts_with(&self, text: &str) -> bool {
        text.chars().enumerate().all(|(ahead, c)| self.peek(ahead) == Some(c))
    }

    fn read(&mut self) -> Outcome {
        let mut repeated = false;
        while let Some(c) = self.peek(0) {
            let mut is_repetition = false;
            match c {
                '(' if self.peek(1) == Some('?') => self.flags()?,
                '(' => {
                    self.at += 1;
                    self.open();
                }
                ')' => self.close()?,
                '|' => {
                    self.at += 1;
                    self.operand = None;
                }
                '[' => {
                    self.class()?;
                    self.found(1);
                }
                '*' | '+' | '?' => {
                    self.at += 1;
                    is_repetition = true;
                    self.repetition(&c.to_string(), repeated)?;
                }
                '{' => is_repetition = self.count(repeated)?,
                '\\' => self.backslash()?,
                _ => {
                    self.at += 1;
                    self.found(1);
                }
            }
            repeated = is_repetition;
        }
        if self.groups.is_empty() { Ok(()) } else { Err(String::from("a `)` is missing")) }
    }

    fn found(&mut self, weight: u64) {
        self.operand = Some(weight);
        self.weight = self.weight.max(weight);
    }

    fn open(&mut self) {
        self.groups.push(self.weight);
        self.weight = 1;
        self.operand = None;
    }

    fn close(&mut self) -> Outcome {
        self.at += 1;
        let before = self.groups.pop().ok_or_else(|| String::from("a `)` has no `(`"))?;
        let inside = self.weight;
        self.weight = before;
        self.found(inside);
        Ok(())
    }

    /// After `*`, `+`, `?` or `{…}`: an optional `?`, and whether there is something to repeat.
    fn repetition(&mut self, shown: &str, repeated: bool) -> Outcome {
        if self.peek(0) == Some('?') {
            self.at += 1;
        }
        if repeated {
            return Err(format!("`{shown}` follows another repetition"));
        }
        if self.operand.is_none() {
            return Err(format!("`{shown}` has nothing to repeat"));
        }
        Ok(())
    }

    /// `{2}`, `{2,}`, `{2,5}`. Anything else is plain text for Go; says whether it was a count.
    fn count(&mut self, repeated: bool) -> Result<bool, String> {
        let Some((least, most, length)) = self.braces() else {
            self.at += 1;
            self.found(1);
            return Ok(false);
        };
        let shown: String = self.chars[self.at..self.at + length].iter().collect();
        let too_many = |count: u64| count > MOST_REPEATS;
        if too_many(least) || most.is_some_and(|most| too_many(most) || most < least) {
            return Err(format!("the count `{shown}` is not possible: Go has at most {MOST_REPEATS}"));
        }
        self.at += length;
        let inside = self.operand.unwrap_or(1);
        self.repetition(&shown, repeated)?;
        let times = most.unwrap_or(least);
        let weight = inside.saturating_mul(times.max(1));
        if (least >= 2 || times >= 2) && weight > MOST_REPEATS {
            return Err(format!("the count `{shown}` makes more than {MOST_REPEATS} repetitions in all"));
        }
        self.found(if times == 0 { 1 } else { weight });
        Ok(true)
    }

    /// The counts of `{…}` here, and how long it is; none if it is no count.
    fn braces(&self) -> Option<(u64, Option<u64>, usize)> {
        let (least, mut ahead) = self.digits(1)?;
        let most = if self.peek(ahead) == Some(',') {
            ahead += 1;
            if self.peek(ahead) == Some('}') {
                None
            } else {
                let (most, after) = self.digits(ahead)?;
                ahead = after;
                Some(most)
            }
        } else {
            Some(least)
        };
        (self.peek(ahead) == Some('}')).then_some((least, most, ahead + 1))
    }

    /// A number without leading zeros.
    fn digits(&self, from: usize) -> Option<(u64, usize)> {
        let mut ahead = from;
        let mut number: u64 = 0;
        while let Some(digit) = self.peek(ahead).filter(char::is_ascii_digit) {
            number = number.saturating_mul(10).saturating_add(u64::from(digit.to_digit(10)?));
            ahead += 1;
        }
        let leading_zero = self.peek(from) == Some('0') && ahead - from > 1;
        (ahead > from && !leading_zero).then_some((number, ahead))
    }

    /// `(?P<name>`, `(?<name>`, `(?i)`, `(?i:`.
    fn flags(&mut self) -> Outcome {
        if self.starts_with("(?P<") || self.starts_with("(?<") {
            return self.named();
        }
        let start = self.at;
        self.at += 2;
        let (mut negative, mut any_after_minus) = (false, false);
        loop {
            let c = self.peek(0);
            self.at += 1;
            match c {
                Some('i' | 'm' | 's' | 'U') => any_after_minus = true,
                Some('-') if !negative => (negative, any_after_minus) = (true, false),
                Some(end @ (':' | ')')) if !negative || any_after_minus => {
                    if end == ':' {
                        self.open();
                    }
                    return Ok(());
                }
                None => return Err(String::from("a `)` is missing")),
                _ => {
                    let end = self.at.min(self.chars.len());
                    let shown: String = self.chars[start..end].iter().collect();
                    return Err(format!("Go knows no `{shown}`: it has no look-around and no such flag"));
                }
            }
        }
    }

    fn named(&mut self) -> Outcome {
        let begin = if self.peek(2) == Some('P') { 4 } else { 3 };
        let rest = &self.chars[self.at + begin..];
        let name: String = rest.iter().take_while(|c| c.is_ascii_alphanumeric() || **c == '_').collect();
        if name.is_empty() || rest.get(name.len()) != Some(&'>') {
            return Err(String::from(
                "a group's name is letters, digits and `_` between `(?P<` and `>`; Go has no look-behind",
            ));
        }
        self.at += begin + name.len() + 1;
        if !self.names.insert(name.clone()) {
            return Err(format!("two groups are named `{name}`"));
        }
        self.open();
        Ok(())
    }

    fn backslash(&mut self) -> Outcome {
        match self.peek(1) {
            Some('A' | 'b' | 'B' | 'z') => self.at += 2,
            Some('Q') => return self.quoted(),
            Some('d' | 'D' | 's' | 'S' | 'w' | 'W') => self.at += 2,
            Some('p' | 'P') => self.unicode_class()?,
            _ => {
                self.escape()?;
            }
        }
        self.found(1);
        Ok(())
    }

    /// `\Q…\E`: plain text up to the end mark, or to the end.
    fn quoted(&mut self) -> Outcome {
        self.at += 2;
        while self.at < self.chars.len() {
            if self.starts_with("\\E") {
                self.at += 2;
                return Ok(());
            }
            self.at += 1;
            self.found(1);
        }
        Ok(())
    }

    fn unicode_class(&mut self) -> Outcome {
        const KNOWN: [&str; 37] = [
            "C", "Cc", "Cf", "Co", "Cs", "L", "Ll", "Lm", "Lo", "Lt", "Lu", "M", "Mc", "Me", "Mn", "N", "Nd",
            "Nl", "No", "P", "Pc", "Pd", "Pe", "Pf", "Pi", "Po", "Ps", "S", "Sc", "Sk", "Sm", "So", "Z",
            "Zl", "Zp", "Zs", "Any",
        ];
        self.at += 2;
        let name: String = match self.peek(0) {
            Some('{') => {
                let rest = &self.chars[self.at + 1..];
                let end = rest.iter().position(|c| *c == '}');
                let end = end.ok_or_else(|| String::from("`\\p{` has no `}`"))?;
                self.at += end + 2;
                rest_text(&self.chars, self.at - end - 1, end)
            }
            Some(c) => {
                self.at += 1;
                c.to_string()
            }
            None => return Err(String::from("`\\p` needs the name of a class")),
        };
        let name = name.trim_start_matches('^');
        if !KNOWN.contains(&name) {
            self.doubt
                .get_or_insert_with(|| format!("whether Go knows the class `\\p{{{name}}}` is not known"));
        }
        Ok(())
    }

    /// An escape that stands for one character.
    fn escape(&mut self) -> Result<char, String> {
        self.at += 1;
        let Some(c) = self.peek(0) else {
            return Err(String::from("it ends with a single backslash"));
        };
        self.at += 1;
        let wrong = || format!("Go knows no escape `\\{c}`");
        match c {
            '1'..='7' if !matches!(self.peek(0), Some('0'..='7')) => {
                Err(format!("Go has no reference to a group such as `\\{c}`"))
            }
            '0'..='7' => {
                let mut code = c.to_digit(8).unwrap_or(0);
                for _ in 0..2 {
                    let Some(digit) = self.peek(0).and_then(|c| c.to_digit(8)) else { break };
                    code = code * 8 + digit;
                    self.at += 1;
                }
                char::from_u32(code).ok_or_else(wrong)
            }
            'x' => self.hexadecimal().ok_or_else(wrong),
            'a' => Ok('\u{7}'),
            'f' => Ok('\u{c}'),
            'n' => Ok('\n'),
            'r' => Ok('\r'),
            't' => Ok('\t'),
            'v' => Ok('\u{b}'),
            c if c.is_ascii() && !c.is_ascii_alphanumeric() => Ok(c),
            _ => Err(wrong()),
        }
    }

    /// The digits of `\x7f` or `\x{10ffff}`.
    fn hexadecimal(&mut self) -> Option<char> {
        let braces = self.peek(0) == Some('{');
        self.at += usize::from(braces);
        let (mut code, mut count) = (0_u32, 0);
        while let Some(digit) = self.peek(0).filter(|_| braces || count < 2).and_then(|c| c.to_digit(16)) {
            code = code.checked_mul(16)?.checked_add(digit).filter(|code| *code <= 0x0010_ffff)?;
            self.at += 1;
            count += 1;
        }
        if braces {
            (count > 0 && self.peek(0) == Some('}')).then_some(())?;
            self.at += 1;
        } else if count < 2 {
            return None;
        }
        // Go takes the surrogates as well; for the order of a range any stand-in near them does.
        Some(char::from_u32(code).unwrap_or('\u{d7ff}'))
    }

    fn class(&mut self) -> Outcome {
        self.at += 1;
        self.at += usize::from(self.peek(0) == Some('^'));
        let mut first = true;
        loop {
            match self.peek(0) {
                None => return Err(String::from("a `]` is missing")),
                Some(']') if !first => {
                    self.at += 1;
                    return Ok(());
                }
                Some('[') if self.peek(1) == Some(':') && self.named_class()? => {}
                Some('\\') if matches!(self.peek(1), Some('p' | 'P')) => self.unicode_class()?,
                Some('\\') if matches!(self.peek(1), Some('d' | 'D' | 's' | 'S' | 'w' | 'W')) => self.at += 2,
                Some(_) => self.range()?,
            }
            first = false;
        }
    }

    /// `[:alpha:]`. Without its end it is plain text; says whether it was one.
    fn named_class(&mut self) -> Result<bool, String> {
        const KNOWN: [&str; 14] = [
            "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct",
            "space", "upper", "word", "xdigit",
        ];
        let rest = &self.chars[self.at + 2..];
        let Some(end) = rest.windows(2).position(|pair| pair == [':', ']']) else {
            return Ok(false);
        };
        let name = rest_text(&self.chars, self.at + 2, end);
        if !KNOWN.contains(&name.trim_start_matches('^')) {
            return Err(format!("Go knows no class `[:{name}:]`"));
        }
        self.at += end + 4;
        Ok(true)
    }

    fn range(&mut self) -> Outcome {
        let low = self.class_char()?;
        if self.peek(0) == Some('-') && self.peek(1).is_some_and(|c| c != ']') {
            self.at += 1;
            let high = self.class_char()?;
            if high < low {
                return Err(format!("the range `{low}-{high}` runs backwards"));
            }
        }
        Ok(())
    }

    fn class_char(&mut self) -> Result<char, String> {
        match self.peek(0) {
            None => Err(String::from("a `]` is missing")),
            Some('\\') => self.escape(),
            Some(c) => {
                self.at += 1;
                Ok(c)
            }
        }
    }
}

fn rest_text(chars: &[char], from: usize, length: usize) -> String {
    chars.iter().skip(from).take(length).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_go_compiles_is_fine() {
        for good in [
            "",
            "a|b|",
            "^\\d{4}-\\d{2}",
            "a{",
            "a{,5}",
            "a{2",
            "a{01}",
            "x{2,}?",
            "[[]",
            "[]a]",
            "[^]a]",
            "[a-]",
            "[-a]",
            "[\\]-a]",
            "(?i)error",
            "(?i:a)b",
            "(?P<n>a)",
            "(?<n>a)",
            "\\Qa+*\\E",
            "\\Q(",
            "\\x41\\x{263a}",
            "\\012",
            "\\.\\/\\_\\<",
            "[[:alpha:][:^digit:]]",
            "[[:a]",
            "\\pL\\p{Lu}",
            "(a{10}){100}",
            "(?s-i)a",
            "^*",
            "()*",
            "\\b?",
            "é+",
            "(?)a",
            "[\\d\\-a]",
            "}{",
            "a{1000}",
        ] {
            assert_eq!(judge(good), Verdict::Fine, "{good}");
        }
    }

    #[test]
    fn what_go_refuses_is_wrong() {
        for bad in [
            "(",
            ")",
            "a)",
            "(a",
            "[",
            "[a",
            "[]",
            "[^]",
            "*",
            "+a",
            "a**",
            "a+*",
            "a{2}+",
            "\\d{2}{3}",
            "|*",
            "(*a)",
            "a{1001}",
            "a{2,1}",
            "(a{100}){100}",
            "\\",
            "\\1",
            "\\8",
            "\\y",
            "\\C",
            "\\Z",
            "(?=a)",
            "(?!a)",
            "(?<=a)",
            "(?<!a)",
            "(?P<a b>x)",
            "(?P<n>a)(?P<n>b)",
            "(?P=n)",
            "(?i-)",
            "(?x)a",
            "[z-a]",
            "[a-\\d]",
            "[[:alfa:]]",
            "\\x4",
            "\\x{110000}",
            "\\x{}",
            "\\p{L",
            "\\p",
            "(?",
            "(?>a)",
            "[\\",
            "[a-\\",
            "\\é",
        ] {
            assert!(matches!(judge(bad), Verdict::Wrong(_)), "{bad}");
        }
        assert!(matches!(judge("\\p{Klingon}"), Verdict::Doubtful(_)));
    }
}
