//! Large estates of bare machines.

use super::{BASE_PROFILE, base_profile, launch, network, tags};
use crate::sim::world::{Place, World};

/// Every fifth machine runs Windows.
const WINDOWS_SHARE: usize = 5;

/// Builds `nodes` machines, spread over `vpcs` networks.
pub(super) fn build(world: &mut World, place: &Place, nodes: usize, vpcs: usize) {
    base_profile(world, place);
    for vpc in 0..vpcs {
        let block = vpc % 250;
        let name = format!("vpc-{vpc}");
        let of_vpc = tags(&[("Name", &name), ("Application", "ExampleCorp")]);
        let (_, subnet) =
            network(world, place, &format!("10.{block}.0.0/16"), &format!("10.{block}.0.0/17"), of_vpc);
        // The first networks take what does not divide.
        let here = nodes / vpcs + usize::from(vpc < nodes % vpcs);
        let windows = here / WINDOWS_SHARE;
        let of_nodes = tags(&[("Name", &format!("node-of-{name}")), ("Application", "ExampleCorp")]);
        for (is_windows, count) in [(true, windows), (false, here - windows)] {
            if count > 0 {
                launch(world, place, &subnet, is_windows, Some(BASE_PROFILE), count, of_nodes.clone());
            }
        }
    }
}
