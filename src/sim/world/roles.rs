//! roles

/// roles
#[derive(Clone, Debug, Default)]
pub struct Iam;
