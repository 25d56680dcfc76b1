//! The fields of an address's query: known ones only, each at most once, none too long; everything else is said to be wrong.

use std::collections::BTreeMap;

use axum::http::Uri;

use super::problem::Problem;
use super::text;

/// The longest value, in bytes.
const LONGEST: usize = 256;

/// The fields that are not empty: a form sends the empty ones too.
#[derive(Clone, Debug, Default)]
pub(super) struct Query {
    fields: BTreeMap<String, String>,
}

impl Query {
    /// The query of an address that may have the fields `known`.
    pub(super) fn of(uri: &Uri, known: &[&str]) -> Result<Self, Problem> {
        let mut fields = BTreeMap::new();
        for (name, value) in form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()) {
            let shown = text::line(&name, 40);
            if !known.contains(&&*name) {
                let known = known.join(", ");
                return Err(Problem::bad_request(format!(
                    "There is no filter `{shown}`; there are {known}."
                )));
            }
            if value.len() > LONGEST {
                return Err(Problem::bad_request(format!("`{shown}` is longer than {LONGEST} bytes.")));
            }
            if value.trim().is_empty() {
                continue;
            }
            if fields.insert(name.into_owned(), value.trim().to_owned()).is_some() {
                return Err(Problem::bad_request(format!("`{shown}` stands twice in the address.")));
            }
        }
        Ok(Self { fields })
    }

    /// What stands in a field; empty if nothing does.
    pub(super) fn text(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", String::as_str)
    }

    /// The one of `choices` whose word stands in a field, in whatever case.
    pub(super) fn choice<T: Copy>(
        &self,
        name: &str,
        choices: &[T],
        word: impl Fn(T) -> &'static str,
    ) -> Result<Option<T>, Problem> {
        let Some(given) = self.fields.get(name) else { return Ok(None) };
        let found = choices.iter().copied().find(|choice| word(*choice).eq_ignore_ascii_case(given));
        found.map(Some).ok_or_else(|| {
            let words: Vec<&str> = choices.iter().map(|choice| word(*choice)).collect();
            let (given, words) = (text::line(given, 60), words.join(", "));
            Problem::bad_request(format!("`{given}` is no {name}. Choose one of: {words}."))
        })
    }

    /// The number in a field.
    pub(super) fn number(&self, name: &str) -> Result<Option<u64>, Problem> {
        let Some(given) = self.fields.get(name) else { return Ok(None) };
        let wrong = |_| Problem::bad_request(format!("`{}` is no number for {name}.", text::line(given, 60)));
        given.parse().map(Some).map_err(wrong)
    }

    /// The fields, with one of them changed.
    pub(super) fn with(&self, name: &str, value: &str) -> Vec<(String, String)> {
        let mut fields = self.fields.clone();
        fields.insert(name.to_owned(), value.to_owned());
        fields.into_iter().collect()
    }

    /// Whether anything is asked for.
    pub(super) fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }
}
