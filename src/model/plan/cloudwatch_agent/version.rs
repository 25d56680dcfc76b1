//! Agent versions, which AWS writes in more than one form.

/// Whether two version strings mean the same version.
///
/// The package's version may be `1.300071.0` where the agent says `1.300071.0b1234`: the build counts only where
/// both name one, or nodes would be reinstalled for ever.
pub(super) fn same(left: &str, right: &str) -> bool {
    let (left, left_build) = split(left);
    let (right, right_build) = split(right);
    left == right && (left_build.is_empty() || right_build.is_empty() || left_build == right_build)
}

fn split(version: &str) -> (&str, &str) {
    let version = version.trim().trim_start_matches('v');
    let end = version.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(version.len());
    let (number, build) = version.split_at(end);
    (number.trim_end_matches('.'), build.trim_start_matches(['b', '-', '+']))
}

/// Whether `version` is at least `least`, by their numbers.
pub(super) fn at_least(version: &str, least: &str) -> bool {
    let numbers =
        |text: &str| -> Vec<u64> { split(text).0.split('.').filter_map(|part| part.parse().ok()).collect() };
    numbers(version) >= numbers(least)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_one_version_are_the_same() {
        for (left, right, expected) in [
            ("1.300071.0", "1.300071.0b1234", true),
            ("1.300071.0b1234", "1.300071.0b1234", true),
            ("1.300071.0b1234", "1.300071.0b1235", false),
            ("1.300071.0", "1.300071.1", false),
            ("1.30007.0", "1.300071.0", false),
            ("1.247360.0-1\n", "1.247360.0", true),
        ] {
            assert_eq!(same(left, right), expected, "{left} and {right}");
        }
    }

    #[test]
    fn versions_are_compared_by_number() {
        assert!(at_least("3.3.2746.0", "3.3.2746.0"));
        assert!(at_least("3.10.0.0", "3.9.9.9"));
        assert!(!at_least("2.2.92.0", "2.2.93.0"));
    }
}
