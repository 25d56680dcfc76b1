//! EC2 instances.

use std::sync::Arc;

use aws_sdk_ec2::types::{Filter, Instance as Row, InstanceStateName, PlatformValues, Reservation};

use crate::aws::apis::DESCRIBE_INSTANCES;
use crate::aws::connect::Clients;
use crate::aws::paging::all_pages;
use crate::aws::values::{Words, last_part, text, time};
use crate::model::failure::Failure;
use crate::model::observed::{Instance, InstanceState};

/// The most that AWS gives in one page. It also makes the call a paginated one, whose bucket is twice as large.
const PAGE: i32 = 1000;

/// Every instance but the terminated ones, which linger in the listing for up to an hour.
pub(super) async fn all(clients: &Clients) -> Result<Vec<Instance>, Failure> {
    let api = DESCRIBE_INSTANCES;
    let mut words = Words::default();
    let rows = all_pages(api, |token| async move {
        let request = clients.ec2.describe_instances().max_results(PAGE).set_next_token(token);
        let reply = clients.call(api, request.send()).await?;
        let reservations = reply.reservations.unwrap_or_default();
        let rows: Vec<Row> =
            reservations.into_iter().flat_map(|one| one.instances.unwrap_or_default()).collect();
        Ok((rows, reply.next_token))
    })
    .await?;
    let instances = rows.iter().map(|row| instance(row, &mut words));
    Ok(instances.filter(|instance| instance.state != InstanceState::Terminated).collect())
}

/// Only those of these ids. Others are left out: a filter, unlike a list of ids, makes no error of them.
pub(super) async fn some(clients: &Clients, ids: &[Arc<str>]) -> Result<Vec<Instance>, Failure> {
    let ids = ids.iter().map(ToString::to_string).collect();
    let filter = Filter::builder().name("instance-id").set_values(Some(ids)).build();
    let request = clients.ec2.describe_instances().filters(filter);
    let reply = clients.call(DESCRIBE_INSTANCES, request.send()).await?;
    let mut words = Words::default();
    let rows = reply.reservations().iter().flat_map(Reservation::instances);
    let instances = rows.map(|row| instance(row, &mut words));
    Ok(instances.filter(|instance| instance.state != InstanceState::Terminated).collect())
}

fn instance(row: &Row, words: &mut Words) -> Instance {
    let profile = row.iam_instance_profile().and_then(|profile| profile.arn()).map(last_part);
    Instance {
        id: text(row.instance_id()),
        state: state(row.state().and_then(|state| state.name())),
        windows: row.platform() == Some(&PlatformValues::Windows),
        profile: words.some_word(profile.as_deref()),
        vpc: words.some_word(row.vpc_id()),
        zone: words.word(row.placement().and_then(|placement| placement.availability_zone())),
        launched: time(row.launch_time()),
        tags: words.tags(row.tags().iter().map(|tag| (tag.key(), tag.value()))),
    }
}

const fn state(name: Option<&InstanceStateName>) -> InstanceState {
    match name {
        Some(InstanceStateName::Running) => InstanceState::Running,
        Some(InstanceStateName::ShuttingDown | InstanceStateName::Terminated) => InstanceState::Terminated,
        Some(InstanceStateName::Stopping | InstanceStateName::Stopped) => InstanceState::Stopped,
        // Nothing said, or a word that we do not know: not running yet.
        _ => InstanceState::Pending,
    }
}
