//! parameters

/// parameters
#[derive(Clone, Debug, Default)]
pub struct Parameters;
