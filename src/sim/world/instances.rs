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
    /// Such as `running`.
    pub state: String,
    /// `windows`, or none.
    pub platform: Option<String>,
    /// The address.
    pub private_ip: String,
    /// Tags.
    pub tags: BTreeMap<String, String>,
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
