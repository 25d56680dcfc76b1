//! Which networks a document selects.

use std::sync::Arc;

use crate::model::desired::{NetworkSelector, ObjectRef, Target};
use crate::model::finding::Finding;
use crate::model::observed::{Interface, Listing, Network as Observed};
use crate::model::plan::Known;
use crate::model::reason::Reason;
use crate::model::tags::Tags;

/// One selected network.
#[derive(Clone, Debug)]
pub(super) struct Network {
    /// Its id.
    pub id: Arc<str>,
    /// AWS's word for what it is (`ResourceType`).
    pub kind: &'static str,
    /// Whether it belongs to another account.
    pub is_shared: bool,
}

/// Why the networks cannot be told.
#[derive(Debug)]
pub(super) struct NotTold(Reason, String);

impl NotTold {
    /// As a finding of `object`.
    pub fn of_object(self, object: &ObjectRef) -> Finding {
        Finding::of(object, self.0, self.1)
    }
}

/// Every network that `target` selects.
pub(super) fn selected(known: &Known<'_>, target: &Target) -> Result<Vec<Network>, NotTold> {
    let observed = known.observed;
    let mut all = Vec::new();
    if let Some(selector) = &target.vpcs {
        all.extend(rows(known, selector, &observed.vpcs, "VPC", "VPCs")?);
    }
    if let Some(selector) = &target.subnets {
        all.extend(rows(known, selector, &observed.subnets, "Subnet", "subnets")?);
    }
    if let Some(selector) = &target.network_interfaces {
        all.extend(rows(known, selector, &observed.interfaces, "NetworkInterface", "network interfaces")?);
    }
    Ok(all)
}

/// What all selectable networks have in common.
trait Selectable {
    fn owner(&self) -> &Arc<str>;
    fn tags(&self) -> &Tags;
}

impl Selectable for Observed {
    fn owner(&self) -> &Arc<str> {
        &self.owner
    }

    fn tags(&self) -> &Tags {
        &self.tags
    }
}

impl Selectable for Interface {
    fn owner(&self) -> &Arc<str> {
        &self.owner
    }

    fn tags(&self) -> &Tags {
        &self.tags
    }
}

fn rows<T: Selectable>(
    known: &Known<'_>,
    selector: &NetworkSelector,
    listing: &Listing<T>,
    kind: &'static str,
    plural: &str,
) -> Result<Vec<Network>, NotTold> {
    if !listing.is_current(known.now) {
        return Err(match listing.failure() {
            Some(why) => NotTold(Reason::Unreadable, format!("the {plural} could not be listed: {why}")),
            None => NotTold(Reason::NotRead, format!("the {plural} have not been listed yet")),
        });
    }
    let account = known.observed.identity.known().map(|identity| &identity.account);
    let network = |id: &Arc<str>, row: &T| Network {
        id: id.clone(),
        kind,
        is_shared: account.is_some_and(|account| !row.owner().is_empty() && row.owner() != account),
    };
    Ok(listing
        .iter()
        .filter(|(id, row)| selector.matches(id, row.tags()))
        .map(|(id, row)| network(id, row))
        .collect())
}
