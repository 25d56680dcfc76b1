//! CloudWatch: metrics that agents and clients send, and alarms.
//!
//! Nobody stores ten thousand nodes' data points: an agent's stay is remembered with the times between which it
//! sent, and points are made when somebody reads. What a client put is kept as it is. Alarms are not evaluated:
//! their state is what `SetAlarmState` last said.

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::log_groups::read::Fnv;

/// How long a metric without new data is still listed (docs: `ListMetrics`, two weeks).
const LISTED_FOR: SignedDuration = SignedDuration::from_hours(14 * 24);
/// What `RecentlyActive=PT3H` means.
const RECENT: SignedDuration = SignedDuration::from_hours(3);

/// Names and values, in order.
pub type Dimensions = BTreeMap<String, String>;

/// All metrics and alarms of a Region.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    /// By name.
    pub alarms: BTreeMap<String, Alarm>,
    stored: BTreeMap<Series, BTreeMap<i64, f64>>,
    /// Every emission there was: nodes with the same configuration share it.
    emissions: Vec<Arc<Emission>>,
    /// What agents send, by node.
    stays: BTreeMap<String, Vec<Stay>>,
}

/// One metric with its dimensions.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Series {
    /// The namespace.
    pub namespace: String,
    /// The metric's name.
    pub name: String,
    /// Its dimensions.
    pub dimensions: Dimensions,
}

/// What an agent sends, over and over: shared by all nodes with the same configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct Emission {
    /// The namespace.
    pub namespace: String,
    /// The dimensions that name the node, where the configuration appends them; none: its host name.
    pub appended: Vec<String>,
    /// How often.
    pub every: SignedDuration,
    /// The metrics, each with the dimensions that do not depend on the node.
    pub metrics: Vec<(String, Dimensions)>,
}

/// One time that an agent was up.
#[derive(Clone, Debug)]
struct Stay {
    emission: Arc<Emission>,
    node: Dimensions,
    since: Timestamp,
    until: Option<Timestamp>,
}

/// One alarm.
#[derive(Clone, Debug)]
pub struct Alarm {
    /// What was put, in the words of the service model.
    pub config: serde_json::Map<String, serde_json::Value>,
    /// `OK`, `ALARM` or `INSUFFICIENT_DATA`.
    pub state: String,
    /// Why.
    pub reason: String,
    /// When the configuration last changed.
    pub configured: Timestamp,
    /// When the state last changed.
    pub changed: Timestamp,
}

/// Which series to list.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Only of this namespace.
    pub namespace: Option<String>,
    /// Only of this name.
    pub name: Option<String>,
    /// Only with these dimensions, each with this value or any.
    pub dimensions: Vec<(String, Option<String>)>,
    /// Only with data in the last three hours.
    pub recent: bool,
}

impl Metrics {
    /// The one copy of this emission.
    pub fn shared(&mut self, emission: Emission) -> Arc<Emission> {
        if let Some(known) = self.emissions.iter().find(|known| ***known == emission) {
            return known.clone();
        }
        let new = Arc::new(emission);
        self.emissions.push(new.clone());
        new
    }

    /// Lets the agent of `node` send from now on, in place of what it sent before.
    pub fn attach(&mut self, now: Timestamp, node: &str, emission: &Arc<Emission>, dimensions: Dimensions) {
        let stays = self.stays.entry(node.to_owned()).or_default();
        if let Some(stay) = stays.last_mut().filter(|stay| stay.until.is_none()) {
            if Arc::ptr_eq(&stay.emission, emission) && stay.node == dimensions {
                return;
            }
            stay.until = Some(now);
        }
        stays.push(Stay { emission: emission.clone(), node: dimensions, since: now, until: None });
    }

    /// Ends what the agent of `node` sends.
    pub fn detach(&mut self, now: Timestamp, node: &str) {
        if let Some(stay) = self.stays.get_mut(node).and_then(|stays| stays.last_mut()) {
            stay.until.get_or_insert(now);
        }
    }

    /// Keeps a data point of a client.
    pub fn put(&mut self, series: Series, at: Timestamp, value: f64) {
        self.stored.entry(series).or_default().insert(at.as_millisecond(), value);
    }

    /// The series that a listing shows at `now`, in order: those with data that are at least `lag` old.
    pub fn list(&self, now: Timestamp, lag: SignedDuration, wanted: &Wanted) -> Vec<Series> {
        let since = now - if wanted.recent { RECENT } else { LISTED_FOR };
        let is_shown = |first: Timestamp, last: Timestamp| first + lag <= now && last >= since;
        let mut found: Vec<Series> = Vec::new();
        for stay in self.stays.values().flatten() {
            if stay.sends(now).is_some_and(|(first, last)| is_shown(first, last)) {
                found.extend(stay.series(wanted));
            }
        }
        for (series, points) in self.stored.iter().filter(|(series, _)| wanted.takes(series)) {
            let at =
                |point: Option<(&i64, &f64)>| point.and_then(|(at, _)| Timestamp::from_millisecond(*at).ok());
            if let (Some(first), Some(last)) = (at(points.first_key_value()), at(points.last_key_value()))
                && is_shown(first, last)
            {
                found.push(series.clone());
            }
        }
        found.sort();
        found.dedup();
        found
    }

    /// The data points of one series at or after `from` and before `to`, both in milliseconds, up to `now`.
    pub fn points(&self, series: &Series, from: i64, to: i64, now: Timestamp) -> Vec<(i64, f64)> {
        let to = to.min(now.as_millisecond().saturating_add(1));
        let mut points: BTreeMap<i64, f64> = BTreeMap::new();
        if let Some(stored) = self.stored.get(series).filter(|_| from < to) {
            points.extend(stored.range(from..to).map(|(at, value)| (*at, *value)));
        }
        let wanted = Wanted {
            namespace: Some(series.namespace.clone()),
            name: Some(series.name.clone()),
            ..Wanted::default()
        };
        for stay in
            self.stays.values().flatten().filter(|stay| stay.series(&wanted).any(|each| each == *series))
        {
            points.extend(stay.times(from, to).map(|at| (at, value(series, at))));
        }
        points.into_iter().collect()
    }
}

impl Wanted {
    fn takes(&self, series: &Series) -> bool {
        self.namespace.as_ref().is_none_or(|wanted| *wanted == series.namespace)
            && self.name.as_ref().is_none_or(|wanted| *wanted == series.name)
            && self.dimensions.iter().all(|(name, value)| {
                let found = series.dimensions.get(name);
                found.is_some_and(|found| value.as_ref().is_none_or(|value| value == found))
            })
    }
}

impl Stay {
    /// When its first and its last points so far are of, if it has any.
    fn sends(&self, now: Timestamp) -> Option<(Timestamp, Timestamp)> {
        let first = self.since + self.emission.every;
        let end = self.until.unwrap_or(now).min(now);
        (first <= end).then_some((first, end))
    }

    /// Its series, as far as they are wanted.
    fn series<'a>(&'a self, wanted: &'a Wanted) -> impl Iterator<Item = Series> + 'a {
        let is_named = |name: &str| wanted.name.as_ref().is_none_or(|wanted| wanted == name);
        let emission = &*self.emission;
        let mine = wanted.namespace.as_ref().is_none_or(|wanted| *wanted == emission.namespace);
        let metrics = emission.metrics.iter().filter(move |(name, _)| mine && is_named(name));
        let series = metrics.map(|(name, own)| Series {
            namespace: emission.namespace.clone(),
            name: name.clone(),
            dimensions: self
                .node
                .iter()
                .chain(own)
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
        });
        series.filter(|series| wanted.takes(series))
    }

    /// When it sent between two moments, in milliseconds.
    fn times(&self, from: i64, to: i64) -> impl Iterator<Item = i64> {
        let every = i64::try_from(self.emission.every.as_millis()).unwrap_or(i64::MAX).max(1);
        let since = self.since.as_millisecond();
        let to = to.min(self.until.map_or(i64::MAX, |until| until.as_millisecond().saturating_add(1)));
        // One past the last point before `from`; the first point comes one interval after the start.
        let passed = from.saturating_sub(since).saturating_sub(1).div_euclid(every).max(0);
        let first = since.saturating_add(every.saturating_mul(passed + 1));
        std::iter::successors(Some(first), move |at| at.checked_add(every)).take_while(move |at| *at < to)
    }
}

/// A value between 0 and 100 that belongs to one moment of one series: the same whenever it is read.
fn value(series: &Series, at: i64) -> f64 {
    let mut hasher = Fnv::default();
    (series, at).hash(&mut hasher);
    fastrand::Rng::with_seed(hasher.finish()).f64() * 100.0
}
