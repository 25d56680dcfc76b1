//! documents

/// documents
#[derive(Clone, Debug, Default)]
pub struct Documents;
