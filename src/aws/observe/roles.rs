//! IAM roles with everything that hangs on them, and instance profiles.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::absent_if_not_found;
use crate::aws::apis::{GET_INLINE, GET_PROFILE, GET_ROLE, LIST_ATTACHED, LIST_INLINE};
use crate::aws::connect::Clients;
use crate::aws::error::nonsense;
use crate::aws::paging::all_pages;
use crate::aws::policy_text::decode;
use crate::aws::values::some_text;
use crate::model::failure::Failure;
use crate::model::observed::{Profile, Role};
use crate::model::question::PolicyDocument;

pub(super) async fn one(clients: &Clients, name: &str) -> Result<Option<Role>, Failure> {
    let request = clients.iam.get_role().role_name(name);
    let Some(reply) = absent_if_not_found(clients.call(GET_ROLE, request.send()).await)? else {
        return Ok(None);
    };
    let row = reply.role.ok_or_else(|| nonsense(GET_ROLE.call, "AWS found the role and left it out"))?;
    Ok(Some(Role {
        name: row.role_name().into(),
        arn: row.arn().into(),
        id: row.role_id().into(),
        trust: decode(row.assume_role_policy_document().unwrap_or_default()),
        description: some_text(row.description()),
        max_session: row.max_session_duration(),
        boundary: row
            .permissions_boundary()
            .and_then(|boundary| some_text(boundary.permissions_boundary_arn())),
        attached: attached(clients, name).await?,
        inline: inline(clients, name).await?,
        tags: row.tags().iter().map(|tag| (tag.key(), tag.value())).collect(),
    }))
}

/// The ARNs of the managed policies of a role.
pub(in crate::aws) async fn attached(clients: &Clients, role: &str) -> Result<Vec<Arc<str>>, Failure> {
    all_pages(LIST_ATTACHED, |marker| async move {
        let request = clients.iam.list_attached_role_policies().role_name(role).set_marker(marker);
        let reply = clients.call(LIST_ATTACHED, request.send()).await?;
        let arns = reply.attached_policies().iter().filter_map(|policy| some_text(policy.policy_arn()));
        Ok((arns.collect(), reply.marker.clone().filter(|_| reply.is_truncated)))
    })
    .await
}

/// The names of the inline policies of a role.
pub(in crate::aws) async fn inline_names(clients: &Clients, role: &str) -> Result<Vec<Arc<str>>, Failure> {
    all_pages(LIST_INLINE, |marker| async move {
        let request = clients.iam.list_role_policies().role_name(role).set_marker(marker);
        let reply = clients.call(LIST_INLINE, request.send()).await?;
        let names = reply.policy_names().iter().map(|name| name.as_str().into());
        Ok((names.collect(), reply.marker.clone().filter(|_| reply.is_truncated)))
    })
    .await
}

async fn inline(clients: &Clients, role: &str) -> Result<BTreeMap<Arc<str>, PolicyDocument>, Failure> {
    let mut documents = BTreeMap::new();
    for name in inline_names(clients, role).await? {
        let request = clients.iam.get_role_policy().role_name(role).policy_name(&*name);
        let reply = clients.call(GET_INLINE, request.send()).await?;
        documents.insert(name, decode(reply.policy_document()));
    }
    Ok(documents)
}

pub(super) async fn profile(clients: &Clients, name: &str) -> Result<Option<Profile>, Failure> {
    let request = clients.iam.get_instance_profile().instance_profile_name(name);
    let reply = absent_if_not_found(clients.call(GET_PROFILE, request.send()).await)?;
    Ok(reply.and_then(|reply| reply.instance_profile).map(|row| Profile {
        name: row.instance_profile_name().into(),
        arn: row.arn().into(),
        roles: row.roles().iter().map(|role| role.role_name().into()).collect(),
        tags: row.tags().iter().map(|tag| (tag.key(), tag.value())).collect(),
    }))
}
