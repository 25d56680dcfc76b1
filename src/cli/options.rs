//! Options that several commands share: which AWS, which rules.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Args;
use jiff::{SignedDuration, Timestamp};

use crate::aws::Clients;
use crate::aws::connect;
use crate::cli::client::{self, Server};
use crate::clock::Clock;
use crate::model::desired::Amount;
use crate::model::probe;
use crate::model::rules::{Permitted, RUNBOOK, Rules};
use crate::sim::Sim;
use crate::sim::connector::Connector;
use crate::sim::scenario::{self, Scenario};
use crate::sim::world::{DEFAULT_ACCOUNT, DEFAULT_REGION, Place};

/// Which AWS to work on.
#[derive(Clone, Debug, Args)]
pub struct AwsArgs {
    /// Work on a simulated AWS: in this process, or the one that `watchkeeper simulate` runs at URL
    #[arg(long, value_name = "URL", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    pub sim: Option<String>,
    /// How a simulated AWS in this process is made.
    #[command(flatten)]
    pub simulation: SimArgs,
    /// The AWS Region, where the environment and the profile say nothing else
    #[arg(long)]
    pub region: Option<String>,
    /// The profile of the AWS configuration files
    #[arg(long)]
    pub profile: Option<String>,
}

/// How a simulated AWS is made.
#[derive(Clone, Debug, Args)]
pub struct SimArgs {
    /// The simulated estate
    #[arg(long, value_enum, default_value_t = ScenarioName::ExampleCorp)]
    pub scenario: ScenarioName,
    /// With `--scenario fleet`: how many instances
    #[arg(long, default_value_t = 200)]
    pub nodes: usize,
    /// With `--scenario fleet`: how many VPCs
    #[arg(long, default_value_t = 4)]
    pub vpcs: usize,
    /// How many times faster than the wall clock simulated time passes
    #[arg(long, default_value_t = 60.0, value_parser = speed)]
    pub speed: f64,
    /// Equal seeds give equal simulated estates
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Break something at random at this interval of simulated time, such as 20s
    #[arg(long, value_parser = duration)]
    pub drift: Option<SignedDuration>,
}

/// The simulated estates by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum ScenarioName {
    /// A dozen machines of every sort
    ExampleCorp,
    /// Many bare machines
    Fleet,
    /// Nothing
    Empty,
}

/// What the operator, not the folder, decides.
#[derive(Clone, Debug, Args)]
pub struct RuleArgs {
    /// The name of this Watchkeeper and all that it owns
    #[arg(long, default_value = "default", value_parser = installation)]
    pub installation: String,
    /// The time between two passes when nothing is under way
    #[arg(long, default_value = "60s", value_parser = duration)]
    pub interval: SignedDuration,
    /// How long what a node said of itself is good
    #[arg(long, default_value = "30m", value_parser = duration)]
    pub probe_interval: SignedDuration,
    /// The most changes that one pass may make, unless a quarter of the nodes is more
    #[arg(long, default_value_t = 200)]
    pub max_changes: u32,
    /// Let the folder attach this managed policy (name or ARN); may be repeated
    #[arg(long, value_name = "POLICY")]
    pub permit_policy: Vec<String>,
    /// Let the folder trust this service, such as ec2.amazonaws.com; may be repeated
    #[arg(long, value_name = "SERVICE")]
    pub permit_service: Vec<String>,
    /// Let the folder write inline policies and any trust policy
    #[arg(long)]
    pub permit_documents: bool,
    /// Every role that is more than a preset must carry this permissions boundary
    #[arg(long, value_name = "ARN")]
    pub require_boundary: Option<String>,
    /// Delete what this revision of the folder no longer names, however much it is
    #[arg(long, value_name = "REVISION")]
    pub confirm_shrink: Option<String>,
    /// Where people find the runbook: events link to its sections
    #[arg(long, value_name = "URL", default_value = RUNBOOK)]
    pub runbook: String,
}

/// The folder of desired state.
#[derive(Clone, Debug, Args)]
pub struct FolderArg {
    /// The folder of desired state, or git-sync's link to it
    #[arg(default_value = "desired-state")]
    pub folder: PathBuf,
}

/// An AWS to work on, with the time it lives in.
#[derive(Debug)]
pub struct Connected {
    /// Its clients.
    pub clients: Clients,
    /// Its time.
    pub clock: Clock,
    /// The simulator, if it runs in this process.
    pub sim: Option<Sim>,
}

impl AwsArgs {
    /// Connects.
    ///
    /// # Errors
    /// When there is nobody to connect to, or with.
    pub async fn connect(&self) -> anyhow::Result<Connected> {
        match self.sim.as_deref() {
            Some("") => Ok(self.simulation.in_process()),
            Some(url) => self.simulated_at(url).await,
            None => {
                let clock = Clock::wall();
                let clients = connect::from_environment(&clock, self.environment()).await?;
                Ok(Connected { clients, clock, sim: None })
            }
        }
    }

    fn environment(&self) -> connect::Options {
        connect::Options { profile: self.profile.clone(), region: self.region.clone(), endpoint_url: None }
    }

    async fn simulated_at(&self, url: &str) -> anyhow::Result<Connected> {
        let told = client::get(&Server::at(url), "/clock")
            .await
            .context("no simulator answers there: start one with `watchkeeper simulate`")?;
        let (now, speed) =
            told.trim().split_once(' ').context("what answers there is no simulator of Watchkeeper")?;
        let clock = Clock::pretended(now.parse()?, speed.parse()?);
        let clients = connect::at_endpoint(
            &clock,
            url,
            &Place::access_key(DEFAULT_ACCOUNT),
            self.region.as_deref().unwrap_or(DEFAULT_REGION),
        );
        Ok(Connected { clients, clock, sim: None })
    }

    /// Whether it is a simulator's time and lag that count.
    pub fn is_simulated(&self) -> bool {
        self.sim.is_some()
    }
}

impl SimArgs {
    /// The estate.
    pub fn scenario(&self) -> Scenario {
        match self.scenario {
            ScenarioName::ExampleCorp => Scenario::ExampleCorp,
            ScenarioName::Fleet => Scenario::Fleet { nodes: self.nodes, vpcs: self.vpcs },
            ScenarioName::Empty => Scenario::Empty,
        }
    }

    /// A simulator that has just begun.
    pub fn start(&self) -> Sim {
        let now = Clock::wall().now();
        // Whole seconds make prettier events.
        let epoch = Timestamp::from_second(now.as_second()).unwrap_or(now);
        let world = scenario::build(self.scenario(), self.seed, epoch);
        Sim::new(world, Clock::pretended(epoch, self.speed))
    }

    fn in_process(&self) -> Connected {
        let sim = self.start();
        install_probe(&sim);
        let clock = sim.clock().clone();
        let key = Place::access_key(DEFAULT_ACCOUNT);
        let clients =
            connect::with_http(Connector::new(sim.clone()), &clock, &key, DEFAULT_REGION, "simulator");
        Connected { clients, clock, sim: Some(sim) }
    }
}

/// In a simulated account the stack that makes the probe document has already been set up.
pub fn install_probe(sim: &Sim) {
    sim.world(|world| {
        let place = Place::default_place();
        let now = world.now();
        let documents = &mut world.region(&place).documents;
        let made =
            documents.create(now, &place.account, probe::NAME, &probe::content(), None, BTreeMap::new());
        debug_assert!(made.is_ok(), "the probe document is one that SSM takes");
    });
}

impl RuleArgs {
    /// The rules.
    pub fn rules(&self, simulated: bool) -> Rules {
        let base =
            if simulated { Rules::for_simulator(&self.installation) } else { Rules::new(&self.installation) };
        let names = |names: &[String]| names.iter().map(|name| name.as_str().into()).collect();
        Rules {
            interval: self.interval,
            probe_interval: self.probe_interval,
            max_changes: self.max_changes,
            max_change_share: Amount::Percent(2_500),
            permitted: Permitted {
                policies: names(&self.permit_policy),
                services: names(&self.permit_service),
                documents: self.permit_documents,
                boundary: self.require_boundary.as_deref().map(Into::into),
            },
            confirmed: self.confirm_shrink.as_deref().map(Into::into),
            runbook: self.runbook.as_str().into(),
            ..base
        }
    }
}

/// A span of time as people write it: `90s`, `5m`, `1h`.
pub fn duration(text: &str) -> Result<SignedDuration, String> {
    match text.parse::<SignedDuration>() {
        Ok(duration) if duration > SignedDuration::ZERO => Ok(duration),
        _ => Err(format!("`{text}` is no time span: write a number and a unit, such as 90s, 5m or 1h")),
    }
}

/// The same as the standard library's.
pub fn std_duration(text: &str) -> Result<Duration, String> {
    duration(text).map(SignedDuration::unsigned_abs)
}

fn speed(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(speed) if (0.01..=3600.0).contains(&speed) => Ok(speed),
        _ => Err(format!("`{text}` is no speed: write a number from 0.01 to 3600")),
    }
}

/// Short, since it goes into every command's comment and every tag.
pub fn installation(text: &str) -> Result<String, String> {
    let fits = (1..=16).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if fits { Ok(text.to_owned()) } else { Err("1 to 16 of a–z, 0–9 and -".to_owned()) }
}

/// The name of a log group (API reference of `CreateLogGroup`).
pub fn group_name(text: &str) -> Result<String, String> {
    let fits = (1..=512).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_/#".contains(&byte))
        && !text.starts_with("aws/");
    if fits { Ok(text.to_owned()) } else { Err("1 to 512 of A–Z, a–z, 0–9 and . - _ / #".to_owned()) }
}

/// An address to listen at.
pub fn socket(address: &str) -> anyhow::Result<std::net::SocketAddr> {
    address.parse().with_context(|| format!("`{address}` is no address: write one such as 127.0.0.1:8080"))
}

/// Refuses addresses that others can reach.
pub fn loopback(address: &str) -> anyhow::Result<std::net::SocketAddr> {
    let address = socket(address)?;
    if !crate::sim::server::is_loopback(address) {
        bail!("{address} can be reached from outside; only loopback addresses such as 127.0.0.1 are allowed");
    }
    Ok(address)
}
