//! Which interfaces could have traffic, by the network that they are in.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{InstanceState, Interface, Observed};

/// The most interfaces of one network that are looked at. AWS writes a record for every running interface and
/// interval, even where there was no traffic (`NODATA`), so a single one tells whether a flow log delivers; three
/// allow for some that have just come or gone. Asking for every interface of a large network would cost as many
/// calls.
const SAMPLE: usize = 3;

/// A few running interfaces of each VPC, of each subnet, and each interface itself, by id.
#[derive(Clone, Debug, Default)]
pub struct Running<'a>(BTreeMap<&'a str, Vec<&'a Arc<str>>>);

impl<'a> Running<'a> {
    /// A few of those in this VPC or subnet, or the interface of this id, always the same ones while they run.
    pub fn on(&self, network: &str) -> &[&'a Arc<str>] {
        self.0.get(network).map(Vec::as_slice).unwrap_or_default()
    }
}

impl Observed {
    /// The interfaces that run, as far as they are listed.
    pub fn running_interfaces(&self) -> Running<'_> {
        let mut running = Running::default();
        for (id, interface) in self.interfaces.iter().filter(|(_, interface)| self.runs(interface)) {
            for network in [&interface.vpc, &interface.subnet, id] {
                let sample = running.0.entry(network).or_default();
                if sample.len() < SAMPLE {
                    sample.push(id);
                }
            }
        }
        running
    }

    /// The interfaces of a stopped instance stay attached to it, and have no records.
    fn runs(&self, interface: &Interface) -> bool {
        let instance = interface.instance.as_ref().and_then(|id| self.instances.get(id));
        interface.in_use && instance.is_none_or(|instance| instance.state == InstanceState::Running)
    }
}
