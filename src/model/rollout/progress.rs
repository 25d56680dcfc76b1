//! How far a rollout is, for those who look.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What a rollout is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// The release is reaching nodes, or bakes on them.
    #[default]
    Rolling,
    /// No further node begins: a person paused it.
    Paused,
    /// No further node begins before the next window opens.
    OutsideWindow,
    /// The release was rejected; its nodes go back, or went.
    Halted,
    /// Every node has it, and it is what later rollouts go back to.
    Stable,
}

/// How far a rollout is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// What it is doing.
    pub phase: Phase,
    /// What the document asks for now.
    pub release: String,
    /// What a halt goes back to.
    pub stable: Option<String>,
    /// The stage that is under way, from 1, of how many.
    pub stage: (u32, u32),
    /// How many nodes may have the release in this stage.
    pub limit: u32,
    /// How many it brings something new to.
    pub total: u32,
    /// How many have it, or were sent it.
    pub touched: u32,
    /// How many of these stayed healthy for the whole bake.
    pub healthy: u32,
    /// How many of these bake.
    pub baking: u32,
    /// How many of these failed in a way that the release can cause.
    pub failed: u32,
    /// More failures than this halt it, in this stage.
    pub tolerated: u32,
    /// When it will be over, as far as that can be told.
    pub eta: Option<Timestamp>,
    /// Why it is halted, for a person.
    pub why: Option<Arc<str>>,
}
