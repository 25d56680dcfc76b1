//! The estate: accounts, their Regions, and what is in them, by subject.
//!
//! Pure: told the time by [`World::advance`], with chance from one seed and nothing from outside. What
//! happens later (a command reaches a node, a role becomes assumable) waits in an agenda and happens in
//! order when time reaches it, so a world that is left alone for an hour and one that is asked every second
//! end up the same.

pub mod associations;
pub mod commands;
pub mod documents;
pub mod flow_logs;
pub mod instances;
pub mod log_groups;
pub mod metrics;
pub mod networks;
pub mod nodes;
pub mod parameters;
pub mod roles;
pub mod throttle;
pub mod wildcard;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::wire::{Rate, Target};

/// The account that a signature without an account of its own belongs to.
pub const DEFAULT_ACCOUNT: &str = "111122223333";
/// The Region that a signature without a Region belongs to.
pub const DEFAULT_REGION: &str = "us-east-1";

/// One account in one Region.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Twelve digits.
    pub account: String,
    /// Such as `us-east-1`.
    pub region: String,
}

/// How this world behaves in time. All of AWS's own delays that a client can notice.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How long a listing may not show a write yet.
    pub listing_lag: SignedDuration,
    /// How long a new or changed role cannot be assumed yet.
    pub iam_lag: SignedDuration,
    /// How long a command takes to reach a node.
    pub delivery: SignedDuration,
    /// How long a step takes on a node, on average.
    pub step: SignedDuration,
    /// How long after the end of an aggregation interval flow-log records arrive.
    pub flow_log_delay: SignedDuration,
    /// How long a new metric takes to be listed; AWS says up to fifteen minutes.
    pub metric_lag: SignedDuration,
    /// How long a query of Logs Insights runs.
    pub query: SignedDuration,
    /// Whether calls are throttled at the documented rates.
    pub throttling: bool,
    /// Whether one unknown resource rejects a whole `CreateFlowLogs` instead of being listed as unsuccessful.
    pub flow_logs_all_or_nothing: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listing_lag: SignedDuration::from_secs(1),
            iam_lag: SignedDuration::from_secs(8),
            delivery: SignedDuration::from_secs(1),
            step: SignedDuration::from_secs(6),
            flow_log_delay: SignedDuration::from_secs(60),
            metric_lag: SignedDuration::from_mins(2),
            query: SignedDuration::from_secs(2),
            throttling: true,
            flow_logs_all_or_nothing: false,
        }
    }
}

/// The whole estate.
#[derive(Clone, Debug)]
pub struct World {
    /// How this world behaves in time.
    pub settings: Settings,
    /// By account number.
    pub accounts: BTreeMap<String, Account>,
    /// Chance. One source, so that one seed gives one history.
    pub rng: fastrand::Rng,
    now: Timestamp,
    agenda: BTreeMap<(Timestamp, u64), (Place, Due)>,
    next_number: u64,
    calls: Vec<CallRecord>,
    buckets: throttle::Buckets,
    cut_next_page: bool,
}

/// One account.
#[derive(Clone, Debug, Default)]
pub struct Account {
    /// Roles, policies and instance profiles: the same in every Region.
    pub iam: roles::Iam,
    /// By name, such as `us-east-1`.
    pub regions: BTreeMap<String, Region>,
}

/// What an account has in one Region.
#[derive(Clone, Debug, Default)]
pub struct Region {
    /// VPCs, subnets, network interfaces.
    pub networks: networks::Networks,
    /// EC2 instances and their profile associations.
    pub instances: instances::Instances,
    /// Flow logs.
    pub flow_logs: flow_logs::FlowLogs,
    /// SSM managed nodes, with what is on them.
    pub nodes: nodes::Nodes,
    /// Run Command.
    pub commands: commands::Commands,
    /// SSM documents.
    pub documents: documents::Documents,
    /// State Manager associations.
    pub associations: associations::Associations,
    /// Parameter Store.
    pub parameters: parameters::Parameters,
    /// Log groups, streams, and who writes into them.
    pub log_groups: log_groups::LogGroups,
    /// Metrics, and alarms.
    pub metrics: metrics::Metrics,
}

/// Something that will happen, by subject.
#[derive(Clone, Debug)]
pub enum Due {
    /// A command moves on.
    Command(commands::Due),
    /// Something happens on a node.
    Node(nodes::Due),
    /// Something happens to an instance.
    Instance(instances::Due),
    /// Something happens to a flow log.
    FlowLog(flow_logs::Due),
}

/// One line of the world's call log, the canonical history of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct CallRecord {
    /// When it was answered.
    pub at: Timestamp,
    /// For which account and Region.
    pub place: Place,
    /// Such as `ssm`.
    pub service: &'static str,
    /// Such as `SendCommand`.
    pub operation: String,
    /// Whether it is an operation that writes.
    pub writes: bool,
    /// The error code it was answered with.
    pub error: Option<String>,
}

impl Place {
    /// The place where an unsigned request ends up.
    pub fn default_place() -> Self {
        Self { account: DEFAULT_ACCOUNT.to_owned(), region: DEFAULT_REGION.to_owned() }
    }

    /// The place that a SigV4 `Authorization` header names.
    ///
    /// The Region stands in the credential scope. The account is read from the access key: the simulator's
    /// keys are `AKIA` or `ASIA`, then the account's twelve digits; any other key belongs to the default account.
    pub fn of_signature(authorization: &str) -> Self {
        let mut place = Self::default_place();
        let Some((_, after)) = authorization.split_once("Credential=") else { return place };
        let scope = after.split([',', ' ']).next().unwrap_or_default();
        let mut parts = scope.split('/');
        let key = parts.next().unwrap_or_default();
        if let Some(account) = key.get(4..16)
            && account.bytes().all(|byte| byte.is_ascii_digit())
        {
            account.clone_into(&mut place.account);
        }
        if let Some(region) = parts.nth(1).filter(|region| !region.is_empty()) {
            region.clone_into(&mut place.region);
        }
        place
    }

    /// The access key whose signatures belong to `account`.
    pub fn access_key(account: &str) -> String {
        format!("AKIA{account}SIMU")
    }
}

impl Region {
    /// A node's tags: an instance's are EC2's, an on-premises machine has its own.
    pub fn tags_of<'a>(&'a self, node: &'a nodes::Node) -> &'a BTreeMap<String, String> {
        self.instances.instances.get(&node.id).map_or(&node.tags, |instance| &instance.tags)
    }
}

impl World {
    /// An empty world. Equal seeds and equal calls give equal histories.
    pub fn new(seed: u64, now: Timestamp) -> Self {
        Self {
            settings: Settings::default(),
            accounts: BTreeMap::new(),
            rng: fastrand::Rng::with_seed(seed),
            now,
            agenda: BTreeMap::new(),
            next_number: 0,
            calls: Vec::new(),
            buckets: throttle::Buckets::default(),
            cut_next_page: false,
        }
    }

    /// What time it is in this world.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Lets everything happen that is due by `now`. Time never runs backwards.
    pub fn advance(&mut self, now: Timestamp) {
        while let Some(entry) = self.agenda.first_entry() {
            if entry.key().0 > now {
                break;
            }
            let ((at, _), (place, due)) = entry.remove_entry();
            self.now = self.now.max(at);
            self.happen(&place, due);
        }
        self.now = self.now.max(now);
    }

    /// When the next thing is due, if anything is.
    pub fn next_due(&self) -> Option<Timestamp> {
        self.agenda.keys().next().map(|(at, _)| *at)
    }

    /// Puts something on the agenda.
    pub fn later(&mut self, place: &Place, wait: SignedDuration, due: Due) {
        let number = self.number();
        self.agenda.insert((self.now + wait.max(SignedDuration::ZERO), number), (place.clone(), due));
    }

    fn happen(&mut self, place: &Place, due: Due) {
        match due {
            Due::Command(due) => commands::happen(self, place, due),
            Due::Node(due) => nodes::happen(self, place, due),
            Due::Instance(due) => instances::happen(self, place, due),
            Due::FlowLog(due) => flow_logs::happen(self, place, due),
        }
    }

    /// An account, made when it is first named.
    pub fn account(&mut self, place: &Place) -> &mut Account {
        self.accounts.entry(place.account.clone()).or_default()
    }

    /// A Region of an account, made when it is first named.
    pub fn region(&mut self, place: &Place) -> &mut Region {
        let now = self.now;
        let region = self.account(place).regions.entry(place.region.clone()).or_default();
        // Log lines are made when they are read; the groups that they bring back must be there by then.
        region.log_groups.settle(now);
        region
    }

    /// The next number of a sequence that never repeats.
    pub fn number(&mut self) -> u64 {
        self.next_number += 1;
        self.next_number
    }

    /// A new id such as `fl-0123456789abcdef0`.
    pub fn id(&mut self, prefix: &str) -> String {
        let high = self.rng.u64(..);
        let low = self.rng.u8(..16);
        format!("{prefix}-{high:016x}{low:x}")
    }

    /// A new UUID, as command ids and request ids have.
    pub fn uuid(&mut self) -> String {
        let (a, b) = (self.rng.u64(..), self.rng.u64(..));
        format!(
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            a >> 32,
            (a >> 16) & 0xffff,
            a & 0xfff,
            0x8000 | ((b >> 48) & 0x3fff),
            b & 0xffff_ffff_ffff
        )
    }

    /// A request id. Drawn from the sequence, not from chance, so that looking does not change what happens.
    pub(crate) fn request_id(&mut self) -> String {
        format!("{:08x}-0000-4000-8000-000000000000", self.number())
    }

    /// Whether a call may pass at its documented rate.
    pub(crate) fn admit(&mut self, target: &Target, operation: &'static str, rate: Rate) -> bool {
        !self.settings.throttling || self.buckets.take(self.now, target, operation, rate)
    }

    /// Makes the next listing return fewer rows than it could.
    pub(crate) fn cut_next_page(&mut self) {
        self.cut_next_page = true;
    }

    /// How many rows the listing in hand may return, where it would return `full`. Every listing asks this once.
    pub fn page_size(&mut self, full: usize) -> usize {
        if std::mem::take(&mut self.cut_next_page) { self.rng.usize(..=full.min(3)) } else { full }
    }

    pub(crate) fn record(&mut self, call: CallRecord) {
        // A short page that the spoiled call did not use must not spoil the next one.
        self.cut_next_page = false;
        self.calls.push(call);
    }

    /// Every call so far, oldest first.
    pub fn calls(&self) -> &[CallRecord] {
        &self.calls
    }

    /// Forgets the calls so far, so that a test can count from here.
    pub fn forget_calls(&mut self) {
        self.calls.clear();
    }
}
