//! instances

use std::collections::BTreeMap;

/// instances
#[derive(Clone, Debug, Default)]
pub struct Instances {
    /// By id.
    pub instances: BTreeMap<String, Instance>,
    /// Profile name by instance.
    pub profiles: BTreeMap<String, String>,
}

/// One instance.
#[derive(Clone, Debug)]
pub struct Instance {
    /// `i-…`.
    pub id: String,
    /// Where it is in its life.
    pub state: State,
    /// `windows`, or none.
    pub platform: Option<String>,
    /// The address.
    pub private_ip: String,
    /// Tags.
    pub tags: BTreeMap<String, String>,
}

/// Where an instance is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// Coming up.
    Pending,
    /// Up.
    Running,
    /// Going down for good.
    ShuttingDown,
    /// Gone, but still listed.
    Terminated,
    /// Going down.
    Stopping,
    /// Down.
    Stopped,
}

impl Instances {
    /// The profile's name.
    pub fn profile_of(&self, id: &str) -> Option<&str> {
        self.profiles.get(id).map(String::as_str)
    }
}

/// What will happen.
#[derive(Clone, Debug)]
pub enum Due {}

pub(super) fn happen(_world: &mut super::World, _place: &super::Place, due: Due) {
    match due {}
}
