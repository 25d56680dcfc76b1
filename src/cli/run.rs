//! `watchkeeper run [DIR]`: keep the estate as the folder says.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args as ClapArgs;
use jiff::SignedDuration;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::metrics::{self, MetricsTo};
use super::options::{AwsArgs, Connected, FolderArg, RuleArgs, duration, socket, std_duration};
use super::sinks::{FLUSHED_WITHIN, For, SinkArgs};
use crate::clock::Clock;
use crate::controller::{Controller, End, Options, Until};
use crate::journal::{Journal, Style};
use crate::model::story::Stories;
use crate::pass::{Mode, Passed, Scope};
use crate::serve::{self, Guard, Told};
use crate::sim::Sim;
use crate::sim::scenario::Breakage;
use crate::sim::world::Place;
use crate::source::{Heartbeat, Source};

/// How long `--until-ready` waits where it is not said.
const READY_WITHIN: &str = "1h";

/// The options of `run`.
#[derive(Debug, ClapArgs)]
pub struct Args {
    #[command(flatten)]
    folder: FolderArg,
    #[command(flatten)]
    aws: AwsArgs,
    #[command(flatten)]
    rules: RuleArgs,
    #[command(flatten)]
    sinks: SinkArgs,
    /// Run one pass, then stop
    #[arg(long, conflicts_with = "until_ready")]
    once: bool,
    /// Stop when every object is Ready; fail when that takes longer than TIMEOUT
    #[arg(long, value_name = "TIMEOUT", num_args = 0..=1, require_equals = true, default_missing_value = READY_WITHIN, value_parser = duration)]
    until_ready: Option<SignedDuration>,
    /// Change nothing, probe nothing; only say what would be done
    #[arg(long)]
    dry_run: bool,
    /// How events are printed: for people on a terminal, as JSON lines otherwise
    #[arg(long, value_enum, default_value_t = Output::Auto)]
    output: Output,
    /// Where the page, `status`, `events` and health checks are answered. `none` answers nowhere
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: String,
    /// Only who brings the token in this file may read: 16 characters or more. Needed beyond loopback
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Let everyone read who can reach the address
    #[arg(long, conflicts_with = "token_file")]
    read_only_public: bool,
    /// Where metrics go, besides `/metrics` under the address of --listen
    #[arg(long, value_enum, default_value_t = MetricsTo::None)]
    metrics: MetricsTo,
    /// A file that is touched whenever the folder's sync has looked and succeeded, whether or not anything changed
    #[arg(long, value_name = "FILE")]
    source_heartbeat: Option<PathBuf>,
    /// How old that file may be before the sync counts as stopped
    #[arg(long, default_value = "10m", value_parser = std_duration)]
    source_max_age: Duration,
}

/// How events are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Output {
    /// For people on a terminal, as JSON lines otherwise
    Auto,
    /// For people
    Human,
    /// As JSON lines
    Json,
}

/// Runs the command.
///
/// # Errors
/// When AWS cannot be reached at all, or the folder cannot be read.
pub async fn main(args: Args) -> anyhow::Result<u8> {
    let Connected { clients, clock, sim } = args.aws.connect().await?;
    let journal = Journal::new(args.style());
    let rules = args.rules.rules(args.aws.is_simulated());
    let (interval, installation) = (rules.interval, rules.installation.clone());
    let heartbeat =
        args.source_heartbeat.clone().map(|file| Heartbeat { file, max_age: args.source_max_age });
    let source = Source::new(args.folder.folder.clone(), heartbeat);
    let of = For {
        clients: &clients,
        installation: &installation,
        seed: args.aws.simulation.seed,
        is_passing: sim.is_some(),
        only_looks: args.dry_run,
    };
    let sinks = args.sinks.start(&journal, of)?;
    let mut scope = Scope::new(clients.clone(), rules, clock.now());
    scope.stories = args.sinks.restored(&sinks, of).await.map(Stories::restored).unwrap_or_default();
    let folder = args.folder.folder.clone();
    let controller = Controller::new(folder, source, scope, clock.clone(), journal.clone(), args.options());
    let events = journal.clone();
    let controller = args.sinks.keep(controller, &sinks, of);

    let stop = CancellationToken::new();
    let tasks = TaskTracker::new();
    stop_on_signals(&stop)?;
    if !args.once {
        let questions = controller.questions();
        let (pictures, metrics) = (controller.pictures(), controller.metrics());
        let told = Told { pictures, journal, questions, metrics, clock: clock.clone(), interval };
        listen(&args, told, &tasks, &stop).await?;
    }
    if args.metrics == MetricsTo::Emf {
        tasks.spawn(metrics::tell_cloudwatch(controller.metrics(), events, clock.clone(), stop.clone()));
    }
    if let (Some(sim), Some(every)) = (sim, args.aws.simulation.drift) {
        tasks.spawn(break_things(sim, clock, every, stop.clone()));
    }
    let end = controller.run(&stop).await.context("the folder of desired state cannot be read");
    stop.cancel();
    tasks.close();
    tasks.wait().await;
    sinks.close(FLUSHED_WITHIN).await;
    Ok(conclude(&end?, &args))
}

impl Args {
    fn style(&self) -> Style {
        use std::io::IsTerminal as _;
        let human = Style::Human { colour: super::is_colour() };
        match self.output {
            Output::Human => human,
            Output::Json => Style::Json,
            Output::Auto if std::io::stdout().is_terminal() => human,
            Output::Auto => Style::Json,
        }
    }

    fn options(&self) -> Options {
        let until = match self.until_ready {
            Some(within) => Until::Ready(Some(within)),
            None if self.once => Until::OnePass,
            None => Until::Stopped,
        };
        Options {
            mode: if self.dry_run { Mode::DryRun } else { Mode::Enforce },
            until,
            waits_for_folder: until == Until::Stopped && self.source_heartbeat.is_some(),
            seed: self.aws.simulation.seed,
        }
    }
}

/// SIGTERM and Ctrl-C ask to stop; a second one is the system's to deal with.
fn stop_on_signals(stop: &CancellationToken) -> anyhow::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate()).context("signals cannot be caught")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("signals cannot be caught")?;
    let stop = stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("asked to stop: finishing the call in hand");
        stop.cancel();
    });
    Ok(())
}

/// A controller that cannot be asked still works; it says so and goes on. One that would tell strangers does not begin.
async fn listen(
    args: &Args,
    told: Told,
    tasks: &TaskTracker,
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    let address = &args.listen;
    if address == "none" {
        return Ok(());
    }
    let address = socket(address)?;
    let token = args.token_file.as_deref().map(serve::token).transpose()?;
    let guard = Guard::at(address, token.as_deref(), args.read_only_public)?;
    match TcpListener::bind(address).await {
        Ok(listener) => {
            let stop = stop.clone();
            tasks.spawn(async move {
                if let Err(error) = serve::serve_to(guard, told, listener, stop).await {
                    tracing::error!(%error, "the page, status and events are answered no longer");
                }
            });
        }
        Err(error) => {
            tracing::warn!(%address, %error, "the page, `status` and `events` cannot be answered: is another controller running? Choose another address with --listen");
        }
    }
    Ok(())
}

/// `--drift`: something goes wrong every so often.
async fn break_things(sim: Sim, clock: Clock, every: SignedDuration, stop: CancellationToken) {
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = clock.sleep(every.unsigned_abs()) => {}
        }
        let broken = sim.world(|world| {
            let which = world.rng.usize(..Breakage::ALL.len());
            Breakage::ALL[which].strike(world, &Place::default_place())
        });
        if let Some(broken) = broken {
            eprintln!("{} ☠ somebody {broken}", clock.now().strftime("%H:%M:%S"));
        }
    }
}

fn conclude(end: &End, args: &Args) -> u8 {
    match end {
        End::Stopped => 0,
        End::TimedOut(status) => {
            eprintln!("Not ready in time: {} of {} objects are.", status.ready_count(), status.objects.len());
            for standing in
                status.objects.iter().filter(|standing| standing.ready != crate::model::status::Truth::True)
            {
                eprintln!("  {}  {}  {}", standing.object, standing.reason, standing.message);
            }
            1
        }
        End::Done(passed) => {
            eprintln!("{}", summary(passed, args));
            u8::from(args.until_ready.is_some() && !passed.status.is_ready())
        }
    }
}

fn summary(passed: &Passed, args: &Args) -> String {
    let status = &passed.status;
    let ready = format!("{} of {} objects are Ready", status.ready_count(), status.objects.len());
    let aside: u32 = status.objects.iter().flat_map(|standing| standing.set_aside.values()).sum();
    let aside = match aside {
        0 => String::new(),
        1 => "; 1 node cannot be managed (see the events above)".to_owned(),
        more => format!("; {more} nodes cannot be managed (see the events above)"),
    };
    let did = match (passed.changes(), args.dry_run, passed.plan.actions.len()) {
        (_, true, 0) => "Nothing would be changed. ".to_owned(),
        (_, true, more) => format!("{more} actions would be taken (see `watchkeeper plan`). "),
        (0, ..) if args.once => "Nothing was changed. ".to_owned(),
        (changes, ..) if args.once => format!("{changes} changes were begun. "),
        _ => String::new(),
    };
    format!("{did}{ready}{aside}.")
}
