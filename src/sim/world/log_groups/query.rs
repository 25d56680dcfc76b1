//! Logs Insights: queries that run for a while and are then read.
//!
//! Of the language there is what people use for a first look, and the one aggregation that tells who still writes:
//!
//! ```text
//! fields @timestamp, @message | filter @logStream = "i-…" | filter @message like "ERROR" | sort @timestamp desc | limit 20
//! stats max(@timestamp) as newest by @logStream | limit 10000
//! ```
//!
//! Anything else is refused, never half understood.

use jiff::{SignedDuration, Timestamp};

use super::read::{Event, Reading, Which};
use super::{LogGroup, LogGroups};
use crate::sim::wire::AwsError;

/// Rows where neither the query nor the call says.
const USUAL_ROWS: usize = 10_000;
/// What can be shown of an event.
const FIELDS: [&str; 4] = ["@timestamp", "@message", "@logStream", "@ingestionTime"];

/// One query that was started.
#[derive(Clone, Debug)]
pub struct Query {
    /// The groups, which all exist.
    pub groups: Vec<String>,
    /// What to find.
    pub pipeline: Pipeline,
    /// Events at or after this time in milliseconds,
    pub from: i64,
    /// and at or before this one.
    pub to: i64,
    /// When it was started.
    pub started: Timestamp,
    /// How long it runs.
    pub runs: SignedDuration,
    /// When somebody stopped it.
    pub stopped: Option<Timestamp>,
}

/// What a query finds, read from its text.
#[derive(Clone, Debug, PartialEq)]
pub struct Pipeline {
    what: What,
    filters: Vec<Filter>,
    limit: Option<usize>,
}

#[derive(Clone, Debug, PartialEq)]
enum What {
    /// These fields of single events.
    Events { fields: Vec<&'static str>, oldest_first: bool },
    /// The newest event of each stream, under this name.
    Newest { name: String },
}

#[derive(Clone, Debug, PartialEq)]
enum Filter {
    Stream(String),
    Contains(String),
}

/// One row: fields with their values.
pub type Row = Vec<(String, String)>;

/// What a finished query found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// The rows.
    pub rows: Vec<Row>,
    /// How many events matched.
    pub matched: usize,
}

impl Pipeline {
    /// Reads a query. `limit` is the call's own.
    ///
    /// # Errors
    /// What is not understood.
    pub fn parse(text: &str, limit: Option<usize>) -> Result<Self, String> {
        let mut pipeline = Self {
            what: What::Events { fields: FIELDS[..2].to_vec(), oldest_first: false },
            filters: Vec::new(),
            limit,
        };
        for command in text.split('|').map(str::trim).filter(|command| !command.is_empty()) {
            pipeline.command(command).ok_or_else(|| format!("unexpected symbol found in `{command}`"))?;
        }
        Ok(pipeline)
    }

    fn command(&mut self, command: &str) -> Option<()> {
        let (word, rest) = command.split_once(char::is_whitespace)?;
        let rest = rest.trim();
        match (word, &mut self.what) {
            ("fields" | "display", What::Events { fields, .. }) => {
                let known = |name: &str| FIELDS.into_iter().find(|field| *field == name.trim());
                *fields = rest.split(',').map(known).collect::<Option<_>>()?;
            }
            ("sort", What::Events { oldest_first, .. }) => {
                *oldest_first = match rest.strip_prefix("@timestamp")?.trim() {
                    "" | "asc" => true,
                    "desc" => false,
                    _ => return None,
                };
            }
            ("filter", What::Events { .. }) => self.filters.push(Filter::read(rest)?),
            ("limit", _) => {
                let limit: usize = rest.parse().ok()?;
                self.limit = Some(self.limit.map_or(limit, |outer| outer.min(limit)));
            }
            ("stats", What::Events { .. }) => {
                let name = rest.strip_prefix("max(@timestamp)")?.trim().strip_suffix("by @logStream")?.trim();
                let name = if name.is_empty() { "max(@timestamp)" } else { name.strip_prefix("as ")?.trim() };
                self.what = What::Newest { name: name.to_owned() };
            }
            _ => return None,
        }
        Some(())
    }

    fn run(&self, group: &LogGroup, base: &Reading) -> Outcome {
        let limit = self.limit.unwrap_or(USUAL_ROWS);
        match &self.what {
            What::Newest { name } => self.newest(group, base, name, limit),
            What::Events { fields, oldest_first } => {
                let reading = Reading { backwards: !oldest_first, ..base.clone() };
                let found = group.read(&reading).filter(|event| self.takes(event));
                let show = |event: Event<'_>| {
                    fields.iter().map(|name| ((*name).to_owned(), field(&event, name))).collect::<Row>()
                };
                let rows: Vec<Row> = found.take(limit).map(show).collect();
                Outcome { matched: rows.len(), rows }
            }
        }
    }

    fn newest(&self, group: &LogGroup, base: &Reading, name: &str, limit: usize) -> Outcome {
        let of_stream = |stream: &String| {
            let which = Which::Named(vec![stream.clone()]);
            let mut events = group.read(&Reading { which, backwards: true, ..base.clone() });
            let newest = events.find(|event| self.takes(event))?;
            Some(vec![("@logStream".to_owned(), stream.clone()), (name.to_owned(), newest.time.to_string())])
        };
        let rows: Vec<Row> = group.streams.keys().filter_map(of_stream).take(limit).collect();
        Outcome { matched: rows.len(), rows }
    }

    fn takes(&self, event: &Event<'_>) -> bool {
        self.filters.iter().all(|filter| match filter {
            Filter::Stream(name) => event.stream == name,
            Filter::Contains(text) => event.message().contains(text.as_str()),
        })
    }
}

impl Filter {
    fn read(text: &str) -> Option<Self> {
        let quoted = |text: &str| {
            let inner = text.trim().strip_prefix(['"', '\''])?.strip_suffix(['"', '\''])?;
            (!inner.contains(['"', '\''])).then(|| inner.to_owned())
        };
        if let Some(rest) = text.strip_prefix("@logStream") {
            return quoted(rest.trim().strip_prefix('=')?).map(Self::Stream);
        }
        let wanted = text.strip_prefix("@message")?.trim().strip_prefix("like")?.trim();
        // A pattern between slashes, as long as it is plain text.
        let plain = wanted.strip_prefix('/').and_then(|wanted| wanted.strip_suffix('/'));
        let plain =
            plain.filter(|text| text.chars().all(|each| each.is_alphanumeric() || " _-:".contains(each)));
        plain.map(str::to_owned).or_else(|| quoted(wanted)).map(Self::Contains)
    }
}

fn field(event: &Event<'_>, name: &str) -> String {
    match name {
        "@message" => event.message(),
        "@logStream" => event.stream.to_owned(),
        "@ingestionTime" => moment(event.ingested()),
        _ => moment(event.time),
    }
}

/// A moment as results have it: `2026-01-01 00:00:00.000`.
fn moment(millis: i64) -> String {
    let at = Timestamp::from_millisecond(millis).unwrap_or_default();
    at.strftime("%Y-%m-%d %H:%M:%S.%3f").to_string()
}

impl Query {
    /// AWS's word for how far it is at `now`.
    pub fn status(&self, now: Timestamp) -> &'static str {
        let ends = self.started + self.runs;
        match self.stopped {
            Some(stopped) if stopped < ends => "Cancelled",
            _ if now >= ends => "Complete",
            _ => "Running",
        }
    }
}

impl LogGroups {
    /// Starts a query under `id`.
    ///
    /// # Errors
    /// `ResourceNotFoundException` when a group is missing.
    pub fn start_query(&mut self, id: &str, query: Query) -> Result<(), AwsError> {
        query.groups.iter().try_for_each(|group| self.group(group).map(drop))?;
        self.queries.insert(id.to_owned(), query);
        Ok(())
    }

    /// A query.
    ///
    /// # Errors
    /// `ResourceNotFoundException`.
    pub fn query(&mut self, id: &str) -> Result<&mut Query, AwsError> {
        let missing = || AwsError::new("ResourceNotFoundException", "The specified query does not exist.");
        self.queries.get_mut(id).ok_or_else(missing)
    }

    /// What a query finds: the events that had arrived when it began.
    pub fn results(&self, query: &Query) -> Outcome {
        let mut all = Outcome::default();
        for name in &query.groups {
            let Some(group) = self.groups.get(name) else { continue };
            let floor = self.floor(query.started, name).as_millisecond();
            let base = Reading {
                which: Which::All,
                from: query.from.max(floor),
                to: query.to.saturating_add(1),
                arrived_by: query.started.as_millisecond(),
                after: None,
                backwards: true,
            };
            let found = query.pipeline.run(group, &base);
            all.matched += found.matched;
            all.rows.extend(found.rows);
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_understood_and_what_is_refused() {
        let good = [
            "fields @timestamp, @message",
            "fields @message | filter @message like /ERROR/ | sort @timestamp desc | limit 20",
            "filter @logStream = \"i-1\"",
            "stats max(@timestamp) as newest by @logStream | limit 10000",
        ];
        for text in good {
            assert!(Pipeline::parse(text, None).is_ok(), "{text}");
        }
        let bad = [
            "fields @nonsense",
            "stats count(*) by @logStream",
            "filter @message like /a.*b/",
            "limit many",
            "select *",
        ];
        for text in bad {
            assert!(Pipeline::parse(text, None).is_err(), "{text}");
        }
    }
}
