//! Names that are like one that is not there: what a person may have meant.

/// How like a name must be (Jaro-Winkler).
const ALIKE: f64 = 0.75;

/// Those of `names` that are most like `written`, the likest first, `most` of them. A name that contains what was
/// written comes first.
pub fn alike<'a>(written: &str, names: impl IntoIterator<Item = &'a str>, most: usize) -> Vec<String> {
    let folded = written.to_lowercase();
    let mut scored: Vec<(f64, &str)> = names
        .into_iter()
        .map(|name| {
            let other = name.to_lowercase();
            let is_part = folded.len() > 2 && other.contains(&folded);
            (if is_part { 1.0 } else { strsim::jaro_winkler(&folded, &other) }, name)
        })
        .filter(|(score, name)| *score >= ALIKE && !name.is_empty())
        .collect();
    scored.sort_by(|(a, left), (b, right)| b.total_cmp(a).then_with(|| left.cmp(right)));
    scored.dedup();
    scored.into_iter().map(|(_, name)| name.to_owned()).take(most).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_likest_come_first_and_strangers_not_at_all() {
        let names = ["ExampleCorpVPC", "example-corp-web", "/aws/lambda/mail", "ExampleCorpVPC-old"];
        assert_eq!(alike("ExampelCorpVPC", names, 1), ["ExampleCorpVPC"]);
        assert_eq!(alike("corp-web", names, 5)[0], "example-corp-web");
        assert!(alike("zzz", names, 5).is_empty());
    }
}
