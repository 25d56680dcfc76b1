//! Listings of several pages.
//!
//! The token alone says whether there is more: an empty page with a token goes on. A listing that breaks off is
//! a failure, since half a listing proves no absence, and so is one that runs in a circle.

use std::collections::BTreeSet;

use super::apis::Api;
use super::error::nonsense;
use crate::model::failure::Failure;

/// The tokens of one listing, so that none is followed twice.
#[derive(Debug)]
pub(super) struct Tokens {
    api: Api,
    seen: BTreeSet<String>,
}

impl Tokens {
    pub(super) const fn new(api: Api) -> Self {
        Self { api, seen: BTreeSet::new() }
    }

    /// The token of the next page, or `None` when that was the last.
    pub(super) fn follow(&mut self, token: Option<String>) -> Result<Option<String>, Failure> {
        // EC2 has been seen to end a listing with an empty token.
        let Some(token) = token.filter(|token| !token.is_empty()) else { return Ok(None) };
        if self.seen.insert(token.clone()) {
            Ok(Some(token))
        } else {
            Err(nonsense(self.api.call, "the listing runs in a circle: a page token came twice"))
        }
    }
}

/// All rows of a listing of `api`, from every page. `page` asks for the page of a token: its rows, and the next token.
pub(super) async fn all_pages<T, F>(
    api: Api,
    mut page: impl FnMut(Option<String>) -> F,
) -> Result<Vec<T>, Failure>
where
    F: Future<Output = Result<(Vec<T>, Option<String>), Failure>>,
{
    let mut tokens = Tokens::new(api);
    let mut all = Vec::new();
    let mut token = None;
    loop {
        let (rows, next) = page(token).await?;
        all.extend(rows);
        token = tokens.follow(next)?;
        if token.is_none() {
            return Ok(all);
        }
    }
}
