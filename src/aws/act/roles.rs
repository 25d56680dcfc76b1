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
use crate::model::action::{Action, CreateRole, Done, TagMap};
use crate::model::failure::{Class, Failure};

/// Any action on a role or a profile.
pub(super) async fn change(clients: &Clients, action: &Action) -> Result<Done, Failure> {
    match action {
        Action::CreateRole(create) => create_role(clients, create).await,
        Action::SetTrust(role, document) => {
            let request = clients.iam.update_assume_role_policy().role_name(&**role);
            let request = request.policy_document(encode(document));
            clients.call(SET_TRUST, request.send()).await.map(|reply| done(&reply))
        }
        Action::UpdateRole(role, description, session) => {
            let description = description.as_deref().map(str::to_owned);
            let request = clients.iam.update_role().role_name(&**role).set_description(description);
            let request = request.set_max_session_duration(*session);
            clients.call(UPDATE_ROLE, request.send()).await.map(|reply| done(&reply))
        }
        Action::SetBoundary(role, policy) => {
            let request = clients.iam.put_role_permissions_boundary().role_name(&**role);
            let request = request.permissions_boundary(&**policy);
            clients.call(PUT_BOUNDARY, request.send()).await.map(|reply| done(&reply))
        }
        Action::AttachPolicy(role, policy) => {
            let request = clients.iam.attach_role_policy().role_name(&**role).policy_arn(&**policy);
            clients.call(ATTACH_POLICY, request.send()).await.map(|reply| done(&reply))
        }
        Action::DetachPolicy(role, policy) => detach(clients, role, policy).await,
        Action::PutInlinePolicy(role, name, document) => {
            let request = clients.iam.put_role_policy().role_name(&**role).policy_name(&**name);
            let request = request.policy_document(encode(document));
            clients.call(PUT_INLINE, request.send()).await.map(|reply| done(&reply))
        }
        Action::DeleteInlinePolicy(role, name) => delete_inline(clients, role, name).await,
        Action::TagRole(role, to_write) => {
            let tags = tags(to_write).map_err(|why| unsendable(TAG_ROLE.call, why))?;
            let request = clients.iam.tag_role().role_name(&**role).set_tags(Some(tags));
            clients.call(TAG_ROLE, request.send()).await.map(|reply| done(&reply))
        }
        Action::DeleteRole(role) => delete_role(clients, role).await,
        Action::CreateProfile(name, tags) => create_profile(clients, name, tags).await,
        Action::AddRoleToProfile(profile, role) => {
            let request = clients.iam.add_role_to_instance_profile();
            let request = request.instance_profile_name(&**profile).role_name(&**role);
            clients.call(ADD_ROLE_TO_PROFILE, request.send()).await.map(|reply| done(&reply))
        }
        other => Err(unsendable("iam", format!("{other:?} is no change of a role"))),
    }
}

async fn create_role(clients: &Clients, create: &CreateRole) -> Result<Done, Failure> {
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

async fn create_profile(clients: &Clients, name: &str, to_write: &TagMap) -> Result<Done, Failure> {
    let tags = tags(to_write).map_err(|why| unsendable(CREATE_PROFILE.call, why))?;
    let request = clients.iam.create_instance_profile().instance_profile_name(name);
    let request = request.set_tags((!tags.is_empty()).then_some(tags));
    clients.call(CREATE_PROFILE, request.send()).await.map(|reply| done(&reply))
}

async fn detach(clients: &Clients, role: &str, policy: &str) -> Result<Done, Failure> {
    let request = clients.iam.detach_role_policy().role_name(role).policy_arn(policy);
    clients.call(DETACH_POLICY, request.send()).await.map(|reply| done(&reply))
}

async fn delete_inline(clients: &Clients, role: &str, name: &str) -> Result<Done, Failure> {
    let request = clients.iam.delete_role_policy().role_name(role).policy_name(name);
    clients.call(DELETE_INLINE, request.send()).await.map(|reply| done(&reply))
}

/// AWS deletes only a role on which nothing hangs any more. Profiles come first: instances lose the role while
/// it is still whole, rather than keep one that can do less and less.
async fn delete_role(clients: &Clients, role: &str) -> Result<Done, Failure> {
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
