//! What the operator of Watchkeeper, not the folder, decides: limits, patience, permissions.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::SignedDuration;

use super::desired::Amount;

/// Where the runbook is, unless the operator keeps a copy elsewhere.
pub const RUNBOOK: &str = concat!(env!("CARGO_PKG_REPOSITORY"), "/blob/main/docs/runbook.md");

/// The controller's own settings, from its command line.
#[derive(Clone, Debug)]
pub struct Rules {
    /// The name of this Watchkeeper and all that it owns.
    pub installation: Arc<str>,
    /// How long a listing is good: the time between two passes when nothing is under way.
    pub interval: SignedDuration,
    /// How long a node's probe is good.
    pub probe_interval: SignedDuration,
    /// How long a write may take to show.
    pub settle: Settle,
    /// How long a command that is not full waits for more nodes.
    pub batch_wait: SignedDuration,
    /// The most changes that one pass may make.
    pub max_changes: u32,
    /// … and the most as a share of the nodes in the estate, where that is more than `max_changes`.
    pub max_change_share: Amount,
    /// What a folder may ask for in IAM besides the presets.
    pub permitted: Permitted,
    /// The revision whose deletions a person has confirmed.
    pub confirmed: Option<Arc<str>>,
    /// Where people find the runbook: events link to its sections.
    pub runbook: Arc<str>,
}

/// How long a write of ours may take to show in what AWS tells, by API. The write is not repeated before.
#[derive(Clone, Copy, Debug)]
pub struct Settle {
    /// `SendCommand` in `ListCommands`: seen to take seconds.
    pub commands: SignedDuration,
    /// EC2: documented as eventually consistent, seconds to minutes.
    pub ec2: SignedDuration,
    /// Logs and Parameter Store: usually at once.
    pub regional: SignedDuration,
    /// IAM: replicated over the world.
    pub iam: SignedDuration,
}

impl Settle {
    /// The shortest of them: how soon a write of any kind may be worth looking at.
    pub fn soonest(&self) -> SignedDuration {
        self.commands.min(self.ec2).min(self.regional).min(self.iam)
    }

    /// For AWS itself.
    pub const AWS: Self = Self {
        commands: SignedDuration::from_secs(30),
        ec2: SignedDuration::from_secs(30),
        regional: SignedDuration::from_secs(10),
        iam: SignedDuration::from_secs(15),
    };

    /// For the simulator, whose lag is a second.
    pub const SIMULATOR: Self = Self {
        commands: SignedDuration::from_secs(2),
        ec2: SignedDuration::from_secs(2),
        regional: SignedDuration::from_secs(2),
        iam: SignedDuration::from_secs(2),
    };
}

/// What a folder may ask for in IAM besides the presets. The folder is not the administrator.
#[derive(Clone, Debug, Default)]
pub struct Permitted {
    /// Managed policies, by name or ARN.
    pub policies: BTreeSet<Arc<str>>,
    /// Services that a role may trust, such as `ec2.amazonaws.com`.
    pub services: BTreeSet<Arc<str>>,
    /// Whether inline policies and principals other than services are allowed.
    pub documents: bool,
    /// The permissions boundary that every role other than a preset must carry.
    pub boundary: Option<Arc<str>>,
}

impl Rules {
    /// The settings for AWS, for `installation`, where the command line says nothing else.
    pub fn new(installation: &str) -> Self {
        Self {
            installation: installation.into(),
            interval: SignedDuration::from_secs(60),
            probe_interval: SignedDuration::from_mins(30),
            settle: Settle::AWS,
            batch_wait: SignedDuration::from_secs(30),
            max_changes: 200,
            max_change_share: Amount::Percent(2_500),
            permitted: Permitted::default(),
            confirmed: None,
            runbook: RUNBOOK.into(),
        }
    }

    /// The settings for the simulator.
    pub fn for_simulator(installation: &str) -> Self {
        Self {
            settle: Settle::SIMULATOR,
            batch_wait: SignedDuration::from_secs(10),
            ..Self::new(installation)
        }
    }
}
