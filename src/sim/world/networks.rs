//! networks

/// networks
#[derive(Clone, Debug, Default)]
pub struct Networks;
