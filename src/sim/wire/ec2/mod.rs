//! EC2's operations. The rules are in `world`; here are names, members and XML shapes.

mod flow_logs;
mod instances;
mod listing;
mod networks;
mod profiles;
mod tags;

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{AwsError, Operation, Outcome, Rate, Service, input};
use crate::sim::world::{Place, World};

type Run = fn(&mut World, &Place, Value) -> Outcome;

// Documented buckets (Amazon EC2 Developer Guide, "Request throttling for the Amazon EC2 API"). The smaller one
// of unfiltered, unpaged listings is not told apart.
const LISTING: Option<Rate> = Rate::bucket(100.0, 20.0);
const CHANGE: Option<Rate> = Rate::bucket(50.0, 5.0);
const TAGGING: Option<Rate> = Rate::bucket(100.0, 10.0);
const PROFILE: Option<Rate> = Rate::bucket(100.0, 5.0);

const fn reads(name: &'static str, run: Run) -> Operation {
    Operation { name, rate: LISTING, writes: false, run }
}

const fn writes(name: &'static str, rate: Option<Rate>, run: Run) -> Operation {
    Operation { name, rate, writes: true, run }
}

/// The operations that this simulator implements.
pub const OPERATIONS: &[Operation] = &[
    writes("CreateVpc", CHANGE, networks::create_vpc),
    reads("DescribeVpcs", networks::describe_vpcs),
    writes("CreateSubnet", CHANGE, networks::create_subnet),
    reads("DescribeSubnets", networks::describe_subnets),
    reads("DescribeNetworkInterfaces", networks::describe_interfaces),
    writes("RunInstances", CHANGE, instances::run),
    writes("StartInstances", CHANGE, instances::start),
    writes("StopInstances", CHANGE, instances::stop),
    writes("TerminateInstances", CHANGE, instances::terminate),
    reads("DescribeInstances", instances::describe),
    writes("AssociateIamInstanceProfile", PROFILE, profiles::associate),
    writes("ReplaceIamInstanceProfileAssociation", PROFILE, profiles::replace),
    writes("DisassociateIamInstanceProfile", PROFILE, profiles::disassociate),
    reads("DescribeIamInstanceProfileAssociations", profiles::describe),
    writes("CreateFlowLogs", CHANGE, flow_logs::create),
    writes("DeleteFlowLogs", CHANGE, flow_logs::delete),
    reads("DescribeFlowLogs", flow_logs::describe),
    writes("CreateTags", TAGGING, tags::create),
    writes("DeleteTags", TAGGING, tags::delete),
    reads("DescribeTags", tags::describe),
];

fn read<T: DeserializeOwned>(value: Value) -> Result<T, AwsError> {
    input::read(Service::Ec2, value)
}

/// Call when everything is checked and nothing is changed: a dry run ends here.
fn end_dry_run(asked: bool) -> Result<(), AwsError> {
    if asked {
        let message = "Request would have succeeded, but DryRun flag is set.";
        return Err(AwsError::new("DryRunOperation", message).with_status(412));
    }
    Ok(())
}

fn invalid(message: impl Into<String>) -> AwsError {
    AwsError::new("InvalidParameterValue", message)
}

fn missing(member: &str) -> AwsError {
    AwsError::new("MissingParameter", format!("The request must contain the parameter {member}"))
}

/// EC2's times have milliseconds.
fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}
