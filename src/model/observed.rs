//! What the world was last seen to be: a cache of facts, each with its age.
//!
//! A fact is known, absent, or unknown with a reason; never just missing. Absence is only ever read from a
//! complete listing or a direct answer. Nothing here decides anything.

mod arrivals;
mod facts;
mod listing;
mod reading;
mod take;
mod touch;
mod traffic;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

pub use arrivals::{AlarmState, Arrival, Arrivals, LOOK_BACK, MetricKey};
pub use facts::{
    Association, Command, CommandStatus, Document, FlowLog, Identity, Instance, InstanceState, Interface,
    Invocation, InvocationStatus, LogGroup, ManagedNode, Network, Parameter, Ping, Platform, Profile, Role,
    StepResult,
};
pub use listing::Listing;
pub use reading::Reading;
pub use traffic::Running;

use super::failure::Failure;
use super::probe::Probe;
use super::question::Question;
use super::tags::Tags;

/// Everything known about one scope.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    /// Whose credentials we use, and where.
    pub identity: Reading<Identity>,
    /// Managed nodes, by id.
    pub nodes: Listing<ManagedNode>,
    /// Tags of on-premises nodes, by id.
    pub node_tags: BTreeMap<Arc<str>, Reading<Tags>>,
    /// EC2 instances, by id.
    pub instances: Listing<Instance>,
    /// VPCs, by id.
    pub vpcs: Listing<Network>,
    /// Subnets, by id.
    pub subnets: Listing<Network>,
    /// Network interfaces, by id.
    pub interfaces: Listing<Interface>,
    /// Flow logs, by id.
    pub flow_logs: Listing<FlowLog>,
    /// Commands with our marker, by id: every one that is still under way, and the latest that are not.
    pub commands: BTreeMap<Arc<str>, Command>,
    /// When the last complete listing of each document's commands began.
    pub commands_read: BTreeMap<Arc<str>, Timestamp>,
    /// What each node last said, by node id.
    pub on_nodes: BTreeMap<Arc<str>, OnNode>,
    /// Parameters, by name.
    pub parameters: BTreeMap<Arc<str>, Reading<Parameter>>,
    /// Their tiers, by name.
    pub parameter_tiers: BTreeMap<Arc<str>, Reading<Arc<str>>>,
    /// Their tags, by name.
    pub parameter_tags: BTreeMap<Arc<str>, Reading<Tags>>,
    /// The names of the parameters that carry our installation's tag.
    pub owned_parameters: Reading<Vec<Arc<str>>>,
    /// SSM documents, by name.
    pub documents: BTreeMap<Arc<str>, Reading<Document>>,
    /// State Manager associations, by document.
    pub associations: BTreeMap<Arc<str>, Reading<Vec<Association>>>,
    /// Log groups, by name.
    pub log_groups: BTreeMap<Arc<str>, Reading<LogGroup>>,
    /// Their tags, by name.
    pub log_group_tags: BTreeMap<Arc<str>, Reading<Tags>>,
    /// The newest event in each stream that was asked for, by group.
    pub group_arrivals: BTreeMap<Arc<str>, Reading<Arrivals>>,
    /// The values of a dimension that sent a metric in the last three hours.
    pub active_metrics: BTreeMap<MetricKey, Reading<BTreeSet<Arc<str>>>>,
    /// Alarms, by name.
    pub alarms: BTreeMap<Arc<str>, Reading<AlarmState>>,
    /// Roles, by name.
    pub roles: BTreeMap<Arc<str>, Reading<Role>>,
    /// Instance profiles, by name.
    pub profiles: BTreeMap<Arc<str>, Reading<Profile>>,
    /// What could not be read, by question, until it can be.
    pub failures: BTreeMap<Question, (Timestamp, Failure)>,
}

/// What one node last said of itself, through our commands.
#[derive(Clone, Debug, Default)]
pub struct OnNode {
    /// The last probe that could be read, and when it finished.
    pub probe: Option<(Timestamp, Arc<Probe>)>,
    /// The last result of each kind of step, newest by finish.
    pub results: BTreeMap<super::action::Step, StepResult>,
}

impl Observed {
    /// How many commands of ours have not ended.
    pub fn commands_under_way(&self) -> usize {
        self.commands.values().filter(|command| command.status == CommandStatus::UnderWay).count()
    }

    /// Whether a command of ours has not ended.
    pub fn has_commands_under_way(&self) -> bool {
        self.commands.values().any(|command| command.status == CommandStatus::UnderWay)
    }
}
