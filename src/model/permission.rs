//! What a folder may ask for in IAM. The folder is not the administrator: presets are always allowed, anything
//! else only where the controller's own flags say so.

use serde_json::Value;

use super::desired::{IamRole, Preset};
use super::rules::Permitted;

/// Why `role` asks for more than is permitted; `None` when it does not.
pub fn refused(permitted: &Permitted, role: &IamRole) -> Option<String> {
    let preset = role.preset.map(Preset::managed_policies).unwrap_or_default();
    let mut extra = role.managed_policies.iter().filter(|policy| !preset.contains(&policy.as_str()));
    if let Some(policy) = extra.find(|policy| !permitted.policies.contains(policy.as_str())) {
        return Some(format!("policy {policy} is not among those that --permit-policy names"));
    }
    if !role.inline_policies.is_empty() && !permitted.documents {
        return Some("inline policies of its own need --permit-documents".to_owned());
    }
    if let Some(who) = role.trust.as_ref().and_then(|trust| untrusted(permitted, trust)) {
        return Some(who);
    }
    let needs_boundary =
        role.trust.is_some() || !role.managed_policies.is_empty() || !role.inline_policies.is_empty();
    match &permitted.boundary {
        Some(boundary) if needs_boundary && role.permissions_boundary.as_deref() != Some(boundary) => Some(
            format!("every role that is more than a preset must carry the permissions boundary {boundary}"),
        ),
        _ => None,
    }
}

fn untrusted(permitted: &Permitted, trust: &Value) -> Option<String> {
    if permitted.documents {
        return None;
    }
    let statements = match trust.get("Statement") {
        Some(Value::Array(list)) => list.iter().collect(),
        Some(single) => vec![single],
        None => Vec::new(),
    };
    for statement in statements {
        let Some(principals) = statement.get("Principal").and_then(Value::as_object) else {
            return Some("a trust policy for everybody needs --permit-documents".to_owned());
        };
        for (kind, who) in principals {
            let services: Vec<&str> = match who {
                Value::String(one) => vec![one],
                Value::Array(list) => list.iter().filter_map(Value::as_str).collect(),
                _ => Vec::new(),
            };
            if kind != "Service" {
                return Some(format!("trusting principals of kind {kind} needs --permit-documents"));
            }
            if let Some(service) = services.into_iter().find(|service| !permitted.services.contains(*service))
            {
                return Some(format!("service {service} is not among those that --permit-service names"));
            }
        }
    }
    None
}
