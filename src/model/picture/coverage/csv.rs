//! Coverage for spreadsheets.

use std::borrow::Cow;

use super::{Coverage, Line};
use crate::model::picture::Picture;

const HEADER: &str = "account,region,kind,id,name,category,signal,what,reason,why\r\n";

impl Picture {
    /// Every signal as a row of CSV (RFC 4180).
    pub fn coverage_csv(&self) -> String {
        let Coverage { lines, .. } = &self.coverage;
        let mut csv = HEADER.to_owned();
        for line in lines {
            self.row(line, &mut csv);
        }
        csv
    }

    fn row(&self, line: &Line, csv: &mut String) {
        let Line { id, sort, category, what, signal, reason, why } = line;
        let name = self.part(id).map_or("", |part| &*part.name);
        let reason = reason.map_or("", |reason| reason.word());
        let (account, region) = (&*self.status.account, &*self.status.region);
        let cells =
            [account, region, sort.word(), id, name, category.word(), signal.word(), what, reason, why];
        for (at, text) in cells.into_iter().enumerate() {
            if at > 0 {
                csv.push(',');
            }
            csv.push_str(&cell(text));
        }
        csv.push_str("\r\n");
    }
}

/// One cell, on one line. Spreadsheets take a text that begins like a formula for one and run it, and names come from
/// anybody: such a text gets an apostrophe before it.
fn cell(text: &str) -> Cow<'_, str> {
    let text: Cow<'_, str> = if text.contains(char::is_control) {
        text.replace(char::is_control, " ").into()
    } else {
        text.into()
    };
    let is_formula = text.trim_start().starts_with(['=', '+', '-', '@']);
    if !is_formula && !text.contains([',', '"', ';']) {
        return text;
    }
    let guard = if is_formula { "'" } else { "" };
    Cow::Owned(format!("\"{guard}{}\"", text.replace('"', "\"\"")))
}

#[cfg(test)]
mod tests {
    use super::cell;

    #[test]
    fn cells_hold_any_text_and_no_formula() {
        let cases = [
            ("web-1", "web-1"),
            ("", ""),
            ("a,b", "\"a,b\""),
            ("say \"hi\"\nthere", "\"say \"\"hi\"\" there\""),
            ("\u{1b}[31m", " [31m"),
            (" \t=1+1", "\"'  =1+1\""),
            ("=HYPERLINK(\"http://x\")", "\"'=HYPERLINK(\"\"http://x\"\")\""),
            ("@cmd", "\"'@cmd\""),
            ("-1+1", "\"'-1+1\""),
        ];
        for (text, expected) in cases {
            assert_eq!(cell(text), expected);
        }
    }
}
