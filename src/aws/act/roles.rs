//! Changes IAM roles and instance profiles.

use aws_sdk_iam::error::BuildError;
use aws_sdk_iam::types::Tag;

use super::done;
use crate::aws::apis::{
    ADD_ROLE_TO_PROFILE, ATTACH_POLICY, CREATE_PROFILE, CREATE_ROLE, DELETE_INLINE, DELETE_ROLE,
    DETACH_POLICY, LIST_PROFILES_OF_ROLE, PUT_BOUNDARY, PUT_INLINE, REMOVE_ROLE_FROM_PROFILE, SET_TRUST,
    TAG_ROLE, UPDATE_ROLE,
};
use crate::aws::connect::Clients;
use crate::aws::error::unsendable;
use crate::aws::observe::{attached_policies, inline_policies};
use crate::aws::paging::all_pages;
use crate::aws::policy_text::encode;
use crate::model::action::{CreateRole, Done, TagMap};
use crate::model::failure::{Class, Failure};
use crate::model::question::PolicyDocument;

/// `iam:UpdateAssumeRolePolicy`.
pub(super) async fn set_trust(
    clients: &Clients,
    role: &str,
    trust: &PolicyDocument,
) -> Result<Done, Failure> {
    let request = clients.iam.update_assume_role_policy().role_name(role).policy_document(encode(trust));
    clients.call(SET_TRUST, request.send()).await.map(|reply| done(&reply))
}

/// `iam:UpdateRole`.
pub(super) async fn update(
    clients: &Clients,
    role: &str,
    description: Option<&str>,
    max_session: Option<i32>,
) -> Result<Done, Failure> {
    let request = clients.iam.update_role().role_name(role).set_max_session_duration(max_session);
    let request = request.set_description(description.map(str::to_owned));
    clients.call(UPDATE_ROLE, request.send()).await.map(|reply| done(&reply))
}

/// `iam:PutRolePermissionsBoundary`.
pub(super) async fn set_boundary(clients: &Clients, role: &str, policy: &str) -> Result<Done, Failure> {
    let request = clients.iam.put_role_permissions_boundary().role_name(role).permissions_boundary(policy);
    clients.call(PUT_BOUNDARY, request.send()).await.map(|reply| done(&reply))
}

/// `iam:AttachRolePolicy`.
pub(super) async fn attach(clients: &Clients, role: &str, policy: &str) -> Result<Done, Failure> {
    let request = clients.iam.attach_role_policy().role_name(role).policy_arn(policy);
    clients.call(ATTACH_POLICY, request.send()).await.map(|reply| done(&reply))
}

/// `iam:PutRolePolicy`.
pub(super) async fn put_inline(
    clients: &Clients,
    role: &str,
    name: &str,
    document: &PolicyDocument,
) -> Result<Done, Failure> {
    let request = clients.iam.put_role_policy().role_name(role).policy_name(name);
    let request = request.policy_document(encode(document));
    clients.call(PUT_INLINE, request.send()).await.map(|reply| done(&reply))
}

/// `iam:TagRole`.
pub(super) async fn tag(clients: &Clients, role: &str, to_write: &TagMap) -> Result<Done, Failure> {
    let tags = tags(to_write).map_err(|why| unsendable(TAG_ROLE.call, why))?;
    let request = clients.iam.tag_role().role_name(role).set_tags(Some(tags));
    clients.call(TAG_ROLE, request.send()).await.map(|reply| done(&reply))
}

/// `iam:AddRoleToInstanceProfile`.
pub(super) async fn add_to_profile(clients: &Clients, profile: &str, role: &str) -> Result<Done, Failure> {
    let request = clients.iam.add_role_to_instance_profile().instance_profile_name(profile).role_name(role);
    clients.call(ADD_ROLE_TO_PROFILE, request.send()).await.map(|reply| done(&reply))
}

/// `iam:CreateRole`. One that exists is a failure of class `Exists`.
pub(super) async fn create(clients: &Clients, create: &CreateRole) -> Result<Done, Failure> {
    let tags = tags(&create.tags).map_err(|why| unsendable(CREATE_ROLE.call, why))?;
    let request = clients
        .iam
        .create_role()
        .role_name(&*create.name)
        .path(&*create.path)
        .assume_role_policy_document(encode(&create.trust))
        .set_description(create.description.as_deref().map(str::to_owned))
        .set_max_session_duration(create.max_session)
        .set_permissions_boundary(create.boundary.as_deref().map(str::to_owned))
        .set_tags((!tags.is_empty()).then_some(tags));
    clients.call(CREATE_ROLE, request.send()).await.map(|reply| done(&reply))
}

/// `iam:CreateInstanceProfile`. One that exists is a failure of class `Exists`.
pub(super) async fn create_profile(
    clients: &Clients,
    name: &str,
    to_write: &TagMap,
) -> Result<Done, Failure> {
    let tags = tags(to_write).map_err(|why| unsendable(CREATE_PROFILE.call, why))?;
    let request = clients.iam.create_instance_profile().instance_profile_name(name);
    let request = request.set_tags((!tags.is_empty()).then_some(tags));
    clients.call(CREATE_PROFILE, request.send()).await.map(|reply| done(&reply))
}

/// `iam:DetachRolePolicy`.
pub(super) async fn detach(clients: &Clients, role: &str, policy: &str) -> Result<Done, Failure> {
    let request = clients.iam.detach_role_policy().role_name(role).policy_arn(policy);
    clients.call(DETACH_POLICY, request.send()).await.map(|reply| done(&reply))
}

/// `iam:DeleteRolePolicy`.
pub(super) async fn delete_inline(clients: &Clients, role: &str, name: &str) -> Result<Done, Failure> {
    let request = clients.iam.delete_role_policy().role_name(role).policy_name(name);
    clients.call(DELETE_INLINE, request.send()).await.map(|reply| done(&reply))
}

/// `iam:DeleteRole`.
///
/// AWS deletes only a role on which nothing hangs any more. Profiles come first: instances lose the role while
/// it is still whole, rather than keep one that can do less and less.
pub(super) async fn delete(clients: &Clients, role: &str) -> Result<Done, Failure> {
    for profile in profiles_of(clients, role).await? {
        let request = clients.iam.remove_role_from_instance_profile();
        let request = request.instance_profile_name(profile).role_name(role);
        gone(clients.call(REMOVE_ROLE_FROM_PROFILE, request.send()).await)?;
    }
    for policy in inline_policies(clients, role).await? {
        gone(delete_inline(clients, role, &policy).await)?;
    }
    for policy in attached_policies(clients, role).await? {
        gone(detach(clients, role, &policy).await)?;
    }
    let request = clients.iam.delete_role().role_name(role);
    clients.call(DELETE_ROLE, request.send()).await.map(|reply| done(&reply))
}

/// Somebody else may have taken it away meanwhile.
fn gone<T>(removed: Result<T, Failure>) -> Result<(), Failure> {
    match removed {
        Err(failure) if failure.class != Class::NotFound => Err(failure),
        _ => Ok(()),
    }
}

async fn profiles_of(clients: &Clients, role: &str) -> Result<Vec<String>, Failure> {
    all_pages(LIST_PROFILES_OF_ROLE, |marker| async move {
        let request = clients.iam.list_instance_profiles_for_role().role_name(role).set_marker(marker);
        let reply = clients.call(LIST_PROFILES_OF_ROLE, request.send()).await?;
        let names =
            reply.instance_profiles().iter().map(|profile| profile.instance_profile_name().to_owned());
        Ok((names.collect(), reply.marker.clone().filter(|_| reply.is_truncated)))
    })
    .await
}

fn tags(tags: &TagMap) -> Result<Vec<Tag>, BuildError> {
    tags.iter().map(|(key, value)| Tag::builder().key(&**key).value(&**value).build()).collect()
}
