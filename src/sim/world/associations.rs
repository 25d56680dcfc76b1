//! associations

/// associations
#[derive(Clone, Debug, Default)]
pub struct Associations;
