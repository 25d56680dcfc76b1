//! Gives instances their profiles.

use aws_sdk_ec2::types::IamInstanceProfileSpecification;

use super::done;
use crate::aws::apis::ASSOCIATE_PROFILE;
use crate::aws::connect::Clients;
use crate::model::action::Done;
use crate::model::failure::Failure;

/// `ec2:AssociateIamInstanceProfile`. AWS refuses it where there is a profile already: none is ever replaced.
pub(super) async fn associate_profile(
    clients: &Clients,
    instance: &str,
    profile: &str,
) -> Result<Done, Failure> {
    let profile = IamInstanceProfileSpecification::builder().name(profile).build();
    let request =
        clients.ec2.associate_iam_instance_profile().instance_id(instance).iam_instance_profile(profile);
    clients.call(ASSOCIATE_PROFILE, request.send()).await.map(|reply| done(&reply))
}
