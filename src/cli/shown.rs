//! The picture that `status` and `coverage` show: a running controller's.

use anyhow::Context as _;
use clap::Args as ClapArgs;

use super::client;
use crate::model::picture::Picture;

/// Where the picture comes from.
#[derive(Debug, ClapArgs)]
pub struct From {
    /// The running controller
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    server: String,
}

impl From {
    /// The picture as it must be read now.
    ///
    /// # Errors
    /// When no controller answers.
    pub async fn picture(&self) -> anyhow::Result<Picture> {
        let told = client::get(&self.server, "/v1/picture").await.context(client::NO_CONTROLLER)?;
        serde_json::from_str(&told).context("what answers there is no controller of this version")
    }
}
