//! Where in a configuration something stands: `logs.logs_collected.files.collect_list[2].file_path`.

use std::fmt;

/// A path from the root. Each step lives on the stack of the function that took it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Path<'a> {
    before: Option<&'a Path<'a>>,
    step: Step<'a>,
}

#[derive(Clone, Copy, Debug)]
enum Step<'a> {
    Root,
    Key(&'a str),
    Item(usize),
}

impl<'a> Path<'a> {
    /// The configuration itself.
    pub const ROOT: Path<'static> = Path { before: None, step: Step::Root };

    /// One step into an object.
    pub fn key(&'a self, key: &'a str) -> Path<'a> {
        Path { before: Some(self), step: Step::Key(key) }
    }

    /// One step into a list; the first item is 0.
    pub fn item(&'a self, index: usize) -> Path<'a> {
        Path { before: Some(self), step: Step::Item(index) }
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const LONGEST_KEY: usize = 60;
        let first = self.before.is_none_or(|before| matches!(before.step, Step::Root));
        if let Some(before) = self.before {
            before.fmt(f)?;
        }
        match self.step {
            Step::Root => Ok(()),
            Step::Item(index) => write!(f, "[{index}]"),
            Step::Key(key) => {
                let plain = key.chars().all(|c| c.is_alphanumeric() || "_-".contains(c)) && !key.is_empty();
                let shown: String = key.chars().take(LONGEST_KEY).collect();
                let more = if shown.len() < key.len() { "…" } else { "" };
                match (plain, first) {
                    (true, true) => write!(f, "{shown}{more}"),
                    (true, false) => write!(f, ".{shown}{more}"),
                    (false, _) => write!(f, "[\"{shown}{more}\"]"),
                }
            }
        }
    }
}
