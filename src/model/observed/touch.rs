//! Forgetting how fresh a fact is, because something of ours has just changed it.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::{Observed, Reading};
use crate::model::action::Action;

impl Observed {
    /// Makes everything due that `action` may have changed. Values stay until they are read again.
    pub fn touch(&mut self, action: &Action) {
        match action {
            Action::SendCommand(_) | Action::CancelCommand(_) => {}
            Action::LabelParameter(name, _, label) | Action::UnlabelParameter(name, _, label) => {
                age(&mut self.parameters, &format!("{name}:{label}").into());
            }
            Action::CreateParameter(put) | Action::OverwriteParameter(put) => {
                age(&mut self.parameters, &put.name);
                age(&mut self.parameter_tags, &put.name);
                age(&mut self.parameter_tiers, &put.name);
            }
            Action::TagParameter(name, _) => age(&mut self.parameter_tags, name),
            Action::DeleteParameter(name) => {
                age(&mut self.parameters, name);
                age(&mut self.parameter_tags, name);
                age_one(&mut self.owned_parameters);
            }
            Action::CreateLogGroup(group) => {
                age(&mut self.log_groups, &group.name);
                age(&mut self.log_group_tags, &group.name);
            }
            Action::SetRetention(name, _) | Action::SetLogGroupKey(name, _) => {
                age(&mut self.log_groups, name);
            }
            Action::TagLogGroup { name, .. } => age(&mut self.log_group_tags, name),
            Action::DeleteLogGroup(name) => {
                age(&mut self.log_groups, name);
                self.log_group_tags.remove(name);
            }
            Action::CreateFlowLogs(_) | Action::DeleteFlowLogs(_) | Action::TagFlowLogs(..) => {
                self.flow_logs.touch();
            }
            Action::CreateRole(role) => age(&mut self.roles, &role.name),
            Action::SetTrust(name, _)
            | Action::UpdateRole(name, ..)
            | Action::SetBoundary(name, _)
            | Action::AttachPolicy(name, _)
            | Action::DetachPolicy(name, _)
            | Action::PutInlinePolicy(name, ..)
            | Action::DeleteInlinePolicy(name, _)
            | Action::TagRole(name, _)
            | Action::DeleteRole(name) => age(&mut self.roles, name),
            Action::CreateProfile(name, _) | Action::AddRoleToProfile(name, _) => {
                age(&mut self.profiles, name);
            }
            Action::AssociateProfile(..) => self.instances.touch(),
        }
    }
}

fn age<T>(readings: &mut BTreeMap<Arc<str>, Reading<T>>, name: &Arc<str>) {
    if let Some(reading) = readings.get_mut(name) {
        age_one(reading);
    }
}

fn age_one<T>(reading: &mut Reading<T>) {
    match reading {
        Reading::Known { at, .. } | Reading::Absent { at } | Reading::Unknown { at, .. } => {
            *at = Timestamp::UNIX_EPOCH;
        }
        Reading::NotAsked => {}
    }
}
