//! Listings in pages, with opaque tokens.
//!
//! A token holds an offset and a check value, so that a token nobody handed out is refused. Every page that
//! has rows moves on; an empty page (AWS sends those) carries a token to the same place, and the next page moves on.

/// Mixed into the check value, so that tokens of other tools do not fit by accident.
const MIX: u64 = 0x9e37_79b9_7f4a_7c15;

/// The page of `rows` that begins at `token` and holds at most `size` rows, and the token of the next page.
///
/// `None` means that `token` is not one of ours: answer with the service's own error. A token past the end
/// (rows vanished since) gives an empty last page.
pub fn page<'a, T>(rows: &'a [T], token: Option<&str>, size: usize) -> Option<(&'a [T], Option<String>)> {
    let from = match token {
        Some(token) => offset(token)?.min(rows.len()),
        None => 0,
    };
    let to = from.saturating_add(size).min(rows.len());
    let next = (to < rows.len()).then(|| encode(to));
    Some((&rows[from..to], next))
}

fn encode(offset: usize) -> String {
    let offset = offset as u64;
    format!("{:016x}{offset:08x}", check(offset))
}

fn offset(token: &str) -> Option<usize> {
    let (checked, offset) = token.split_at_checked(16)?;
    let offset = u64::from_str_radix(offset, 16).ok()?;
    (u64::from_str_radix(checked, 16).ok()? == check(offset)).then_some(offset)?.try_into().ok()
}

const fn check(offset: u64) -> u64 {
    (offset ^ MIX).wrapping_mul(MIX).rotate_left(29)
}

#[cfg(test)]
mod tests {
    use super::page;

    #[test]
    fn pages_cover_every_row_once() {
        let rows: Vec<u32> = (0..7).collect();
        let (mut seen, mut token) = (Vec::new(), None);
        // The second page is empty, as AWS's may be.
        for size in [3, 0, 3, 3] {
            let (part, next) = page(&rows, token.as_deref(), size).expect("our own token");
            seen.extend_from_slice(part);
            token = next;
        }
        assert_eq!((seen, token), (rows, None));
    }

    #[test]
    fn foreign_tokens_are_refused() {
        for token in ["", "1", "0000000000000000", "000000000000000000000003", "größer als sechzehn"] {
            assert_eq!(page(&[1, 2, 3], Some(token), 1), None, "{token}");
        }
    }

    #[test]
    fn a_list_that_shrank_ends() {
        let (_, next) = page(&[1, 2, 3], None, 2).expect("no token");
        assert_eq!(page(&[1], next.as_deref(), 2), Some((&[][..], None)));
    }
}
