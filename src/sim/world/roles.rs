//! roles

use std::collections::BTreeMap;

/// roles
#[derive(Clone, Debug, Default)]
pub struct Iam {
    /// By profile.
    pub roles: BTreeMap<String, Role>,
}

/// One role.
#[derive(Clone, Debug, Default)]
pub struct Role {
    /// The name.
    pub name: String,
    /// Allowed actions.
    pub actions: Vec<String>,
}

impl Iam {
    /// The role in a profile.
    pub fn profile_role(&self, profile: &str) -> Option<&Role> {
        self.roles.get(profile)
    }
}

impl Role {
    /// Whether it allows an action.
    pub fn allows(&self, action: &str, _resource: &str) -> bool {
        self.actions.iter().any(|allowed| allowed == "*" || allowed == action)
    }
}
