//! The picture that `status` and `coverage` show: a running controller's, or the last one in the log group.

use anyhow::Context as _;
use clap::Args as ClapArgs;

use super::client::{self, Server};
use super::from_logs::FromArgs;
use crate::model::picture::Picture;

/// Where the picture comes from.
#[derive(Debug, ClapArgs)]
pub struct Source {
    #[command(flatten)]
    server: Server,
    #[command(flatten)]
    from: FromArgs,
}

impl Source {
    /// The picture as it must be read now. How old a snapshot is, is said on standard error.
    ///
    /// # Errors
    /// When no controller answers, or none has left a snapshot.
    pub async fn picture(&self) -> anyhow::Result<Picture> {
        if let Some((_, latest)) = self.from.latest().await? {
            eprintln!("{}", latest.says());
            return Ok(latest.snapshot.picture);
        }
        let told = client::get(&self.server, "/v1/picture").await?;
        serde_json::from_str(&told).context("what answers there is no controller of this version")
    }
}
