//! pure model

pub mod probe;
