//! Why: the closed list of words that events, conditions, the CLI and metrics share.
//!
//! Each reason is one row of one table: what it is called, what it asks of whom, which sort of concern it is, what it means, and what a
//! person should do. Nothing else in the program may invent a reason.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a reason asks for, and of whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Nature {
    /// Nothing is wrong.
    Fine,
    /// Worth knowing; nobody has to do anything, and it does not hold `Ready` back.
    Note,
    /// Watchkeeper is at it, or will be by itself in a moment.
    Converging,
    /// This node cannot be managed as it is; the rest goes on, and `Ready` counts without it.
    SetAside,
    /// Something keeps failing. Watchkeeper goes on trying; a person should look.
    Fault,
    /// Watchkeeper could go on but must not without a person's word.
    Held,
}

/// Which sort of concern something is: the five of network management (ISO's FCAPS), by which people route what they read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Category {
    /// Something does not work, or nobody can tell.
    Faults,
    /// Something is not as it was written down, or is being made so.
    Configuration,
    /// Permissions and ownership.
    Security,
    /// What is kept, and what it costs.
    Accounting,
    /// How fast work gets done.
    Performance,
}

impl Category {
    /// Every category.
    pub const ALL: [Self; 5] =
        [Self::Faults, Self::Configuration, Self::Security, Self::Accounting, Self::Performance];

    /// The word itself.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Faults => "faults",
            Self::Configuration => "configuration",
            Self::Security => "security",
            Self::Accounting => "accounting",
            Self::Performance => "performance",
        }
    }
}

macro_rules! reasons {
    ($($word:ident, $nature:ident, $category:ident, $means:literal, $next:literal;)*) => {
        /// Why something is as it is.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum Reason {
            $(#[doc = $means] $word,)*
        }

        impl Reason {
            /// Every reason.
            pub const ALL: &[Self] = &[$(Self::$word,)*];

            /// The word itself.
            pub const fn word(self) -> &'static str {
                match self { $(Self::$word => stringify!($word),)* }
            }

            /// What it asks for, and of whom.
            pub const fn nature(self) -> Nature {
                match self { $(Self::$word => Nature::$nature,)* }
            }

            /// The sort of concern that it is.
            pub const fn category(self) -> Category {
                match self { $(Self::$word => Category::$category,)* }
            }

            /// What it means, in one sentence.
            pub const fn means(self) -> &'static str {
                match self { $(Self::$word => $means,)* }
            }

            /// What a person should do, where a person must act.
            pub const fn next(self) -> Option<&'static str> {
                let text = match self { $(Self::$word => $next,)* };
                if text.is_empty() { None } else { Some(text) }
            }
        }
    };
}

reasons! {
    Converged, Fine, Configuration, "Everything is as the document says.", "";
    Disabled, Fine, Accounting, "The document switches this off for now.", "";
    NoTraffic, Note, Faults, "No running interface is there, so nothing can be delivered.", "";
    OwnedElsewhere, Note, Configuration, "A resource shared from another account is its owner's to configure.", "";
    ForeignFlowLog, Note, Configuration, "Somebody else's flow log writes to the same log group with other settings.", "If it should be replaced, set `adopt: true` on the FlowLog; otherwise leave it.";
    ReplacedWithGap, Note, Faults, "AWS refused an overlapping flow log, so the old one was deleted first: records of a few minutes are missing.", "";
    Retained, Note, Accounting, "Its document is gone; it was kept, since `deletion: delete` was not set or something still needs it.", "Delete it by hand if it is no longer wanted, or restore its document.";
    TelemetryUnknown, Note, Faults, "Whether telemetry arrives could not be read, so it is neither proven nor missing.", "Give Watchkeeper's own role the permission that the message names (deploy/iam), if AWS denied it.";
    CompetingAssociation, Note, Configuration, "A State Manager association works on the same package or configuration.", "Remove the association, or exclude its nodes: two masters undo each other's work.";

    Missing, Converging, Configuration, "It is not there, and is being made.", "";
    Drift, Converging, Configuration, "It differs from the document, and is being corrected.", "";
    InProgress, Converging, Configuration, "A command is under way on the node.", "";
    NotProbed, Converging, Faults, "The node has not been read lately; a probe is due.", "";
    Settling, Converging, Performance, "A write was just made, perhaps by the process before this one, and does not show yet; it is not repeated meanwhile.", "";
    Retrying, Converging, Faults, "AWS was not ready for it yet; it is tried again in a moment.", "";
    Batching, Converging, Performance, "Waiting a moment for more nodes, to share one command.", "";
    MaxConcurrency, Converging, Performance, "As many nodes as allowed are being changed already.", "";
    ChangeBudget, Converging, Performance, "This pass has made as many changes as it may; the rest comes in the next ones.", "";
    DependencyNotReady, Converging, Configuration, "Something that this document refers to is not ready yet.", "";
    AwaitingTelemetry, Converging, Faults, "The agent runs; what it sends has not been seen yet.", "";
    AwaitingRecords, Converging, Faults, "The flow log is made, and no records of it have been seen yet.", "";
    Starting, Converging, Faults, "The machine is starting.", "";
    RolloutInProgress, Converging, Configuration, "A new release is reaching the nodes stage by stage.", "";
    OutsideWindow, Converging, Configuration, "No further node may begin before the document's next window opens.", "";
    Recording, Converging, Configuration, "What a rollout has proven, or disproven, is being written down.", "";
    Reverting, Converging, Faults, "The node had a release that was rejected, and goes back to the stable one.", "";
    NotRead, Converging, Faults, "AWS has not been asked yet.", "";

    NotRegistered, SetAside, Faults, "The instance runs but SSM does not know it: no SSM agent, or no way to the SSM endpoints.", "Check that the SSM agent runs on it and that it can reach the ssm, ssmmessages and ec2messages endpoints.";
    ConnectionLost, SetAside, Faults, "The node's SSM agent has stopped reporting.", "Check the node itself and its SSM agent (`systemctl status amazon-ssm-agent`), then its way to the SSM endpoints.";
    NoInstanceProfile, SetAside, Security, "The instance has no instance profile, so SSM cannot manage it.", "Attach one, or let an IamRole document do it with `attachTo`.";
    ProfileLacksPermissions, SetAside, Security, "The instance profile's role does not let the SSM agent in.", "Attach AmazonSSMManagedInstanceCore to its role.";
    InstanceStopped, SetAside, Faults, "The instance is stopped.", "";
    UnsupportedPlatform, SetAside, Configuration, "The node's platform is none that the CloudWatch agent or this document has something for.", "Exclude the node, or give the document a configuration for its platform.";
    AgentTooOld, SetAside, Configuration, "The node's SSM agent is too old to install packages.", "Update the SSM agent (document AWS-UpdateSSMAgent).";
    ForeignConfiguration, SetAside, Configuration, "The node has configuration files that are not Watchkeeper's; configuring would delete them.", "Merge them into the AgentConfig, then set `onForeignConfig: replace`.";
    ForeignInstall, SetAside, Configuration, "The agent was not installed by SSM, so its version is not Watchkeeper's to change.", "Remove the rpm or deb package, or exclude the node.";

    SinkFailing, SetAside, Faults, "A place that events go to does not take them; they wait in its buffer.", "Correct its address, token or permission. Nothing is lost while the buffer has room.";

    CommandFailed, Fault, Faults, "The node ran the command and it failed.", "Read the output below; it is tried again by itself, ever more slowly.";
    NotDelivered, Fault, Faults, "The command never ran on the node.", "Check the node's SSM agent; it is tried again by itself.";
    CommandTimedOut, Fault, Faults, "The node took the command and was not heard of in time; its state is unknown and it is probed.", "Check that the node is alive.";
    TelemetryMissing, Fault, Faults, "The agent runs with its configuration, and what it should send does not arrive.", "If it stopped with the last change, look at that first. Else check the instance role's permissions (CloudWatchAgentServerPolicy), the node's way to the monitoring and logs endpoints, and the agent's own log.";
    RolloutFailure, Fault, Faults, "The node has the new release and is not healthy with it.", "Read the message. If more nodes fail than `maxFailures` allows, the rollout halts and goes back by itself.";
    DeliveryFailed, Fault, Faults, "The flow log is active but delivers nothing.", "Check the delivery role's permissions and trust, and the log group's quota.";
    NoRecords, Fault, Faults, "Interfaces are in use, and no records of them come.", "Look at the flow log's delivery status in the VPC console, then at the delivery role's permissions on the log group.";
    AccessDenied, Fault, Security, "AWS does not let Watchkeeper do this.", "Give Watchkeeper's own role the permission that the message names (deploy/iam); if it speaks of credentials or tokens, look at those.";
    Throttled, Fault, Performance, "AWS answers that calls come too fast; they are slowed down.", "If it lasts, ask who else calls this API in the account, or have its quota raised.";
    QuotaReached, Fault, Accounting, "A quota of the account is reached.", "Have the quota raised, or make room.";
    CallFailed, Fault, Faults, "An AWS call failed.", "It is tried again by itself, ever more slowly. Read AWS's message.";
    Unreadable, Fault, Faults, "AWS could not be read, so nothing is known and nothing is done.", "Read AWS's message; it is tried again by itself.";
    PassOverdue, Fault, Faults, "No pass has ended for too long: what was known is too old to be taken for true.", "See whether the controller runs and what its log says; restart it if it hangs.";
    InvalidDocument, Fault, Configuration, "A document in the folder has mistakes; its last good version stays in force, where this process has seen one.", "Run `watchkeeper validate` and correct it.";
    SourceStale, Fault, Faults, "The folder cannot be read anew, or its sync has stopped: Watchkeeper goes on with what it has.", "Look at the folder, then at the git-sync sidecar.";

    NotOwned, Held, Security, "It exists without Watchkeeper's tag, or with another owner's, so it is not touched.", "Set `adopt: true` on the document to take it over, or change the document.";
    Conflict, Held, Configuration, "Two documents claim the same thing, so neither acts.", "Make their selectors exclude each other.";
    DataLoss, Held, Accounting, "Lower retention destroys log events for ever.", "Set `allowDataLoss: true` on the document if that is meant.";
    ProbeMissing, Held, Configuration, "The document Watchkeeper-Probe is missing or is not the one that this version needs.", "Run `watchkeeper install-probe` in this account and Region.";
    HiddenByAccountPolicy, Held, Accounting, "An account-level retention policy hides the group's own retention: setting it would have no visible effect.", "Remove the account policy, or the retention from the document.";
    ImmutableField, Held, Configuration, "AWS cannot change this after creation.", "Change the document, or make the thing anew by hand.";
    Contested, Held, Configuration, "It was corrected again and again: somebody else keeps writing it.", "Find the other writer. Watchkeeper goes on correcting, ever more slowly.";
    NotPermitted, Held, Security, "The folder asks for more than Watchkeeper's own flags allow.", "Change the document, or start Watchkeeper with the matching --permit flag. A boundary that is required goes into `permissionsBoundary`.";
    SuspiciousShrink, Held, Configuration, "Far fewer documents than what Watchkeeper owns in the world: nothing is deleted.", "If it is meant, start Watchkeeper with --confirm-shrink and the revision.";
    RolloutHalted, Held, Faults, "The new release harmed nodes: it was stopped, and its nodes go back to the stable one.", "Read the first node's output, correct the file and commit it. If the release is good, `watchkeeper rollout retry NAME` tries it again.";
    NoStableVersion, Held, Faults, "The new release harmed nodes and was stopped; there is none before it to go back to.", "Correct the file and commit it; `watchkeeper rollout retry NAME` tries the same release again.";
    RolloutUndone, Held, Configuration, "A person took the release back: its nodes go back to the stable one.", "Commit another file; `watchkeeper rollout retry NAME` tries the same release again.";
    AlarmRinging, Held, Faults, "A CloudWatch alarm that the document's `abortOn` names rings, or does not exist: no further node begins.", "Look at the alarm; if it has nothing to do with the rollout, or does not exist, correct `abortOn`.";
    RolloutPaused, Held, Configuration, "A person paused the rollout: no further node begins.", "`watchkeeper rollout resume NAME` when it may go on.";
    StateUnreadable, Held, Faults, "The parameter that keeps an object's rollouts holds something that Watchkeeper did not write.", "Restore its last good version from the parameter's history, or delete it: then nothing counts as stable.";
    Paused, Held, Configuration, "The document says `management: paused`.", "";
    Observing, Held, Configuration, "The document says `management: observe`: drift is reported and left.", "";
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}
