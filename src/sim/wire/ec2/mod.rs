//! ec2

use super::Operation;

/// The operations that this simulator implements.
pub const OPERATIONS: &[Operation] = &[];
