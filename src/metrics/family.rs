//! The one model that every format is written from: families of samples.

use super::catalogue::{Def, Kind};

/// One family with its samples.
#[derive(Clone, Debug, PartialEq)]
pub struct Family {
    /// Which.
    pub def: &'static Def,
    /// Its samples, in a stable order. None: nothing is known of it now.
    pub samples: Vec<Sample>,
}

/// One series of a family, now.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// The values of the family's labels, in its order. They may hold any text.
    pub labels: Vec<String>,
    /// The number, or numbers.
    pub value: Value,
}

/// What a sample is.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// One number.
    Number(f64),
    /// Counted observations.
    Counted(Counted),
}

/// Observations, counted by size.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Counted {
    /// For each upper bound, how many lay at or below it and above the one before; then those above all bounds.
    pub counts: Vec<u64>,
    /// All observations together.
    pub sum: f64,
}

impl Counted {
    /// Takes one observation in.
    pub fn observe(&mut self, bounds: &[f64], value: f64) {
        // A clock that steps back makes no negative duration.
        let value = value.max(0.0);
        self.counts.resize(bounds.len() + 1, 0);
        let at = bounds.iter().position(|bound| value <= *bound).unwrap_or(bounds.len());
        self.counts[at] += 1;
        self.sum += value;
    }

    /// How many observations there were.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }
}

impl Family {
    /// A family without samples.
    pub const fn new(def: &'static Def) -> Self {
        Self { def, samples: Vec::new() }
    }

    /// A family with one sample that has no labels.
    pub fn single(def: &'static Def, value: f64) -> Self {
        let mut family = Self::new(def);
        family.add([""; 0], value);
        family
    }

    /// Adds a sample. `labels` are as many as the family has.
    pub fn add<const N: usize>(&mut self, labels: [&str; N], value: f64) {
        debug_assert_eq!(N, self.def.labels.len(), "{}", self.def.name);
        let labels = labels.into_iter().map(str::to_owned).collect();
        self.samples.push(Sample { labels, value: Value::Number(value) });
    }

    /// Adds counted observations. `labels` are as many as the family has.
    pub fn add_counted<const N: usize>(&mut self, labels: [&str; N], counted: Counted) {
        debug_assert!(matches!(self.def.kind, Kind::Histogram(_)), "{}", self.def.name);
        let labels = labels.into_iter().map(str::to_owned).collect();
        self.samples.push(Sample { labels, value: Value::Counted(counted) });
    }
}

/// A count as the formats have it. Exact up to 2⁵³.
#[expect(clippy::cast_precision_loss, reason = "counts here stay far below 2⁵³")]
pub const fn number(count: u64) -> f64 {
    count as f64
}
