//! The SDK's values in the model's words.

use std::collections::BTreeSet;
use std::sync::Arc;

use aws_smithy_types::DateTime;
use jiff::Timestamp;

use crate::model::tags::Tags;

/// A text that AWS may leave out; then it is empty.
pub(super) fn text(value: Option<&str>) -> Arc<str> {
    value.unwrap_or_default().into()
}

/// A text that AWS may leave out, or leave empty.
pub(super) fn some_text(value: Option<&str>) -> Option<Arc<str>> {
    value.filter(|value| !value.is_empty()).map(Into::into)
}

/// A moment, if it is one.
pub(super) fn time(value: Option<&DateTime>) -> Option<Timestamp> {
    value.and_then(|value| Timestamp::new(value.secs(), i32::try_from(value.subsec_nanos()).ok()?).ok())
}

/// A moment in Unix milliseconds, as CloudWatch Logs gives it.
pub(super) fn millis(value: Option<i64>) -> Option<Timestamp> {
    value.and_then(|value| Timestamp::from_millisecond(value).ok())
}

/// What follows the last `/` of an ARN: the name of an instance profile, whatever its path.
pub(super) fn last_part(arn: &str) -> Arc<str> {
    arn.rsplit('/').next().unwrap_or(arn).into()
}

/// Words that come again and again in a listing, kept once: zones, platforms, tag keys. A hundred thousand
/// nodes would otherwise take some hundred megabytes.
#[derive(Default)]
pub(super) struct Words(BTreeSet<Arc<str>>);

impl Words {
    pub(super) fn word(&mut self, word: Option<&str>) -> Arc<str> {
        let word = word.unwrap_or_default();
        if let Some(known) = self.0.get(word) {
            return known.clone();
        }
        let new: Arc<str> = word.into();
        self.0.insert(new.clone());
        new
    }

    pub(super) fn some_word(&mut self, word: Option<&str>) -> Option<Arc<str>> {
        word.filter(|word| !word.is_empty()).map(|word| self.word(Some(word)))
    }

    pub(super) fn tags<'a>(
        &mut self,
        pairs: impl IntoIterator<Item = (Option<&'a str>, Option<&'a str>)>,
    ) -> Tags {
        pairs.into_iter().map(|(key, value)| (self.word(key), self.word(value))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_kept_once() {
        let mut words = Words::default();
        assert!(Arc::ptr_eq(&words.word(Some("us-east-1a")), &words.word(Some("us-east-1a"))));
        assert_eq!(words.some_word(Some("")), None);
    }

    #[test]
    fn a_profile_has_its_name_whatever_its_path() {
        assert_eq!(&*last_part("arn:aws:iam::111122223333:instance-profile/team/web"), "web");
    }
}
