//! Listings in pages, with opaque tokens.
//!
//! A token holds an offset, how many pages came before, and a check value, so that a token nobody handed out is
//! refused. An empty page (AWS sends those) is followed from the same offset, but by another token: clients
//! take a token that comes twice for the end.

/// Mixed into the check value, so that tokens of other tools do not fit by accident.
const MIX: u64 = 0x9e37_79b9_7f4a_7c15;

/// Where the next page begins.
#[derive(Clone, Copy, Default)]
struct Place {
    offset: u32,
    pages: u32,
}

/// The page of `rows` that begins at `token` and holds at most `size` rows, and the token of the next page.
///
/// `None` means that `token` is not one of ours: answer with the service's own error. A token past the end
/// (rows vanished since) gives an empty last page.
pub fn page<'a, T>(rows: &'a [T], token: Option<&str>, size: usize) -> Option<(&'a [T], Option<String>)> {
    let place = match token {
        Some(token) => Place::read(token)?,
        None => Place::default(),
    };
    let from = usize::try_from(place.offset).ok()?.min(rows.len());
    let to = from.saturating_add(size).min(rows.len());
    let offset = u32::try_from(to).ok()?;
    let next = (to < rows.len()).then(|| Place { offset, pages: place.pages.wrapping_add(1) }.write());
    Some((&rows[from..to], next))
}

impl Place {
    fn write(self) -> String {
        format!("{:016x}{:08x}{:08x}", self.check(), self.offset, self.pages)
    }

    fn read(token: &str) -> Option<Self> {
        let (check, rest) = token.split_at_checked(16)?;
        let (offset, pages) = rest.split_at_checked(8)?;
        let place = Self {
            offset: u32::from_str_radix(offset, 16).ok()?,
            pages: u32::from_str_radix(pages, 16).ok()?,
        };
        (u64::from_str_radix(check, 16).ok()? == place.check()).then_some(place)
    }

    fn check(self) -> u64 {
        let both = (u64::from(self.offset) << 32) | u64::from(self.pages);
        (both ^ MIX).wrapping_mul(MIX).rotate_left(29)
    }
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
            assert!(next.is_none() || next != token, "a token came twice");
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
