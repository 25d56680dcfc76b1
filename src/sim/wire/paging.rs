//! Pages of a listing that is in memory.

/// The page of `rows` that `token` stands for, of at most `size` rows, with the token of the next page if there
/// is one. `None` when the token is not one of ours.
pub fn page<'a, T>(rows: &'a [T], token: Option<&str>, size: usize) -> Option<(&'a [T], Option<String>)> {
    let start = token.map_or(Ok(0), str::parse::<usize>).ok()?.min(rows.len());
    let end = start.saturating_add(size).min(rows.len());
    let next = (end < rows.len()).then(|| end.to_string());
    Some((&rows[start..end], next))
}
