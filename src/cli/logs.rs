//! `watchkeeper logs GROUP`: the last look at the data itself.
//!
//! Lines come from machines that may be hostile: on a terminal no control character of theirs is let through.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{anyhow, bail};
use clap::Args as ClapArgs;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::options::{AwsArgs, duration};
use super::plan::Output;
use crate::aws::log_events::{Line, Pages, Search, group_names};
use crate::aws::{Clients, observe};
use crate::journal::escaped;
use crate::model::alike::alike;
use crate::model::failure::{Class, Failure};
use crate::model::observed::{LogGroup, Observed, Reading};
use crate::model::question::Question;

/// How often `-f` looks for new events.
const POLL: Duration = Duration::from_secs(5);
/// How late an event may come and still be shown by `-f`: flow logs deliver a record up to ten minutes after its time.
const LATE: SignedDuration = SignedDuration::from_mins(15);
/// From so many events within that time on, reading all of them again with every look would take too long …
const BUSY: usize = 20_000;
/// … and only this much is read again.
const LATE_WHEN_BUSY: SignedDuration = SignedDuration::from_mins(1);
/// How many names are offered.
const OFFERED: usize = 5;

/// The options of `logs`.
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// The log group
    group: String,
    /// Only the stream of this name, or the streams whose names begin with it: a node's id, a network interface's
    #[arg(long, value_name = "NODE")]
    stream: Option<String>,
    /// Only those of the last while, such as 2h
    #[arg(long, default_value = "10m", value_parser = duration)]
    since: SignedDuration,
    /// Only events that match this filter pattern of CloudWatch Logs, such as `ERROR` or `"connection reset"`
    #[arg(long, value_name = "PATTERN")]
    filter: Option<String>,
    /// Go on with new events as they come
    #[arg(short, long)]
    follow: bool,
    #[command(flatten)]
    aws: AwsArgs,
    /// How to print them; JSON is one object a line
    #[arg(short, long, value_enum, default_value_t = Output::Text)]
    output: Output,
}

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Which events.
    pub search: Search,
    /// Go on with new ones as they come.
    pub follow: bool,
    /// How to print them.
    pub output: Output,
    /// Whether they are printed on a terminal.
    pub is_terminal: bool,
}

/// Runs the command.
///
/// # Errors
/// When there is no such group, or AWS does not let it be read.
pub async fn main(args: Args) -> anyhow::Result<u8> {
    use std::io::IsTerminal as _;
    let clients = args.aws.connect().await?.clients;
    let since = clients.clock().now() - args.since;
    let search = Search { group: args.group, stream: args.stream, pattern: args.filter, since };
    let is_terminal = std::io::stdout().is_terminal();
    let asked = Asked { search, follow: args.follow, output: args.output, is_terminal };
    let stop = CancellationToken::new();
    let asked_to_stop = stop.clone();
    tokio::spawn(async move {
        // Without the signal there is nothing to end early.
        if tokio::signal::ctrl_c().await.is_ok() {
            asked_to_stop.cancel();
        }
    });
    let printed = Box::pin(run(&clients, asked, &mut std::io::stdout(), &stop)).await?;
    if printed == 0 && !stop.is_cancelled() {
        eprintln!("No event since {since:.0}.");
    }
    Ok(0)
}

/// Prints events, oldest first, until there are no more; with `follow`, until `stop`. How many they were.
///
/// # Errors
/// When there is no such group, or AWS does not let it be read.
pub async fn run(
    clients: &Clients,
    mut asked: Asked,
    out: &mut (impl Write + Send),
    stop: &CancellationToken,
) -> anyhow::Result<usize> {
    check(clients, &asked.search).await?;
    let (mut seen, mut printed) = (Seen::default(), 0);
    loop {
        match round(clients, &asked, &mut seen, out, stop).await {
            Ok(Round { lines, is_open: false }) => return Ok(printed + lines),
            Ok(Round { lines, is_open: true }) => printed += lines,
            Err(why) if asked.follow && passes(&why) => tracing::warn!(%why, "tried again in a moment"),
            Err(why) => return Err(anyhow!("{} failed with {why}", why.call)),
        }
        if !asked.follow {
            return Ok(printed);
        }
        asked.search.since = seen.read_again_from(asked.search.since);
        tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(printed),
            () = clients.clock().sleep(POLL) => {}
        }
    }
}

/// What one look at the group gave.
struct Round {
    lines: usize,
    /// Whether anybody still reads.
    is_open: bool,
}

async fn round(
    clients: &Clients,
    asked: &Asked,
    seen: &mut Seen,
    out: &mut (impl Write + Send),
    stop: &CancellationToken,
) -> Result<Round, Failure> {
    let mut pages = Pages::new(clients);
    let mut lines = 0;
    loop {
        let page = tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(Round { lines, is_open: false }),
            page = pages.next(clients, &asked.search) => page?,
        };
        let Some(page) = page else { return Ok(Round { lines, is_open: true }) };
        for line in page {
            if asked.follow && !seen.is_new(&line) {
                continue;
            }
            lines += 1;
            // A closed pipe (`| head`) ends the command without fuss.
            if out.write_all(shown(&line, asked).as_bytes()).is_err() {
                return Ok(Round { lines, is_open: false });
            }
        }
        // What is there is shown at once; that it cannot be is noticed with the next line.
        let _ = out.flush();
    }
}

/// Whether the same call may well succeed in a moment.
const fn passes(why: &Failure) -> bool {
    matches!(why.class, Class::Throttled | Class::Ambiguous | Class::NotReady | Class::Conflict)
}

fn shown(line: &Line, asked: &Asked) -> String {
    if asked.output == Output::Json {
        let Line { at, stream, message, .. } = line;
        return format!("{}\n", json!({ "time": at, "stream": stream, "message": message }));
    }
    let message = line.message.trim_end_matches(['\r', '\n']);
    let mut text = String::new();
    let mut rest = message.lines();
    let first = rest.next().unwrap_or_default();
    let let_through = |text: &str| if asked.is_terminal { escaped(text) } else { text.to_owned() };
    let _ = writeln!(text, "{:.3} {} {}", line.at, let_through(&line.stream), let_through(first));
    for line in rest {
        // An event of several lines, such as a stack trace, is seen to be one.
        let _ = writeln!(text, "    {}", let_through(line));
    }
    text
}

/// The events that were shown and may come again, since late ones are looked for.
#[derive(Debug, Default)]
struct Seen {
    by_id: BTreeMap<Arc<str>, Timestamp>,
    newest: Option<Timestamp>,
}

impl Seen {
    fn is_new(&mut self, line: &Line) -> bool {
        self.newest = self.newest.max(Some(line.at));
        self.by_id.insert(line.id.clone(), line.at).is_none()
    }

    /// From when on events are read again, and forgets those from before.
    fn read_again_from(&mut self, since: Timestamp) -> Timestamp {
        let Some(newest) = self.newest else { return since };
        let late = if self.by_id.len() > BUSY { LATE_WHEN_BUSY } else { LATE };
        let from = since.max(newest - late);
        self.by_id.retain(|_, at| *at >= from);
        from
    }
}

/// Says what is wrong with the group before anything is read from it.
async fn check(clients: &Clients, search: &Search) -> anyhow::Result<()> {
    let name: Arc<str> = search.group.as_str().into();
    let mut observed = Observed::default();
    let questions = vec![Question::LogGroup(name.clone())];
    for answer in Box::pin(observe(clients, "", questions, &CancellationToken::new())).await {
        observed.take(answer);
    }
    match observed.log_groups.get(&name) {
        Some(Reading::Known { value, .. }) => check_class(value, search, clients.clock().now()),
        Some(Reading::Absent { .. }) => {
            let names = group_names(clients).await.unwrap_or_default();
            let alike = alike(&name, names.iter().map(String::as_str), OFFERED);
            let hint = match alike.as_slice() {
                [] => "none has a name like it".to_owned(),
                names => format!("there is {}", names.join(", ")),
            };
            bail!("there is no log group {} in {}: {hint}", escaped(&name), clients.region())
        }
        // Whoever may read events need not be allowed to list groups.
        _ => Ok(()),
    }
}

fn check_class(group: &LogGroup, search: &Search, now: Timestamp) -> anyhow::Result<()> {
    let name = &group.name;
    match &*group.class {
        "INFREQUENT_ACCESS" => bail!(
            "log group {name} is of the Infrequent Access class, which only Logs Insights can read. For the same time:\n  \
             aws logs start-query --log-group-name '{name}' --start-time {} --end-time {} \\\n    \
             --query-string 'fields @timestamp, @logStream, @message | sort @timestamp'\n  \
             aws logs get-query-results --query-id ID",
            search.since.as_second(),
            now.as_second()
        ),
        "DELIVERY" => bail!(
            "log group {name} is of the Delivery class: its events go to their destination and cannot be read here"
        ),
        _ => Ok(()),
    }
}
