//! The command line: one file per command. Only here and in `main.rs` may errors be `anyhow`.

pub mod validate;
