//! Families as text: the format of Prometheus 0.0.4, and OpenMetrics 1.0.
//!
//! Both come from one model. They differ in what a counter's and an info's family is called, in units, and in how the
//! text ends: <https://prometheus.io/docs/instrumenting/exposition_formats/> and
//! <https://github.com/prometheus/OpenMetrics/blob/v1.0.0/specification/OpenMetrics.md>.

use std::fmt::Write as _;

use super::catalogue::{Def, Kind};
use super::family::{Counted, Family, Sample, Value, number};

/// How families are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// What Prometheus has always read; `promtool check metrics` reads only this.
    Prometheus,
    /// The standard that came of it.
    OpenMetrics,
}

impl Format {
    /// What a reader's `Accept` header asks for. Whoever asks for neither gets Prometheus's.
    pub fn accepted(header: &str) -> Self {
        let mut open = 0.0;
        let mut plain: f64 = 0.0;
        for range in header.split(',') {
            let mut parts = range.split(';').map(str::trim);
            let kind = parts.next().unwrap_or_default().to_ascii_lowercase();
            let parameters: Vec<&str> = parts.collect();
            let of =
                |name: &str| parameters.iter().find_map(|part| part.strip_prefix(name)?.strip_prefix('='));
            let weight = of("q").map_or(1.0, |q| q.trim().parse().unwrap_or(0.0));
            let is_ours = of("version").is_none_or(|version| version.trim_matches('"') == "1.0.0");
            match kind.as_str() {
                "application/openmetrics-text" if is_ours => open = f64::max(open, weight),
                "text/plain" | "text/*" => plain = plain.max(weight),
                _ => {}
            }
        }
        if open > 0.0 && open >= plain { Self::OpenMetrics } else { Self::Prometheus }
    }

    /// The media type of the text.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }

    /// Writes `families`. One of which nothing is known now is left out.
    pub fn write(self, families: &[Family]) -> String {
        let mut out = String::new();
        for family in families.iter().filter(|family| !family.samples.is_empty()) {
            self.head(&mut out, family.def);
            for sample in &family.samples {
                samples(&mut out, family.def, sample);
            }
        }
        if self == Self::OpenMetrics {
            out.push_str("# EOF\n");
        }
        out
    }

    fn head(self, out: &mut String, def: &Def) {
        let kind = match (self, def.kind) {
            (_, Kind::Counter) => "counter",
            (_, Kind::Histogram(_)) => "histogram",
            (Self::OpenMetrics, Kind::Info) => "info",
            (_, Kind::Gauge | Kind::Info) => "gauge",
        };
        let full = def.full_name();
        let name = if self == Self::OpenMetrics { def.name } else { &full };
        let _ = writeln!(out, "# HELP {name} {}\n# TYPE {name} {kind}", def.help);
        if let (Self::OpenMetrics, Some(unit)) = (self, def.unit()) {
            let _ = writeln!(out, "# UNIT {name} {unit}");
        }
    }
}

fn samples(out: &mut String, def: &Def, sample: &Sample) {
    match (&sample.value, def.kind) {
        (Value::Counted(counted), Kind::Histogram(bounds)) => {
            histogram(out, def, &sample.labels, bounds, counted);
        }
        (Value::Counted(counted), _) => line(out, &def.full_name(), def, &sample.labels, None, counted.sum),
        (Value::Number(value), _) => line(out, &def.full_name(), def, &sample.labels, None, *value),
    }
}

fn histogram(out: &mut String, def: &Def, labels: &[String], bounds: &[f64], counted: &Counted) {
    let mut below = 0;
    let bucket = format!("{}_bucket", def.name);
    for (at, bound) in bounds.iter().enumerate() {
        below += counted.counts.get(at).copied().unwrap_or(0);
        // OpenMetrics wants `1.0`, and both formats should give the same series.
        line(out, &bucket, def, labels, Some(&format!("{bound:?}")), number(below));
    }
    let all = number(counted.count());
    line(out, &bucket, def, labels, Some("+Inf"), all);
    line(out, &format!("{}_count", def.name), def, labels, None, all);
    line(out, &format!("{}_sum", def.name), def, labels, None, counted.sum);
}

fn line(out: &mut String, name: &str, def: &Def, labels: &[String], bound: Option<&str>, value: f64) {
    out.push_str(name);
    let pairs = def.labels.iter().copied().zip(labels.iter().map(String::as_str));
    let pairs = pairs.chain(bound.map(|bound| ("le", bound)));
    for (at, (label, text)) in pairs.enumerate() {
        let _ = write!(out, "{}{label}=\"{}\"", if at == 0 { '{' } else { ',' }, escaped(text));
    }
    if !def.labels.is_empty() || bound.is_some() {
        out.push('}');
    }
    let _ = writeln!(out, " {}", shown(value));
}

/// Any text as a label's value. The formats take every character once these three are escaped.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

fn shown(value: f64) -> String {
    if value.is_nan() {
        "NaN".to_owned()
    } else if value.is_infinite() {
        if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned()
    } else {
        value.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::catalogue::{API_CALLS, BUILD, LAST_PASS_AGE, NODES, RECONCILE_TIME};

    fn families() -> Vec<Family> {
        let mut calls = Family::new(&API_CALLS);
        calls.add(["ssm:\"Send\"\nCommand\\", "ok"], 3.0);
        let mut build = Family::new(&BUILD);
        build.add(["1.2.3"], 1.0);
        let mut time = Family::new(&RECONCILE_TIME);
        let mut counted = Counted::default();
        let Kind::Histogram(bounds) = RECONCILE_TIME.kind else { panic!("a histogram") };
        for value in [0.1, 0.2, 7_000.0] {
            counted.observe(bounds, value);
        }
        time.add_counted([], counted);
        vec![build, Family::single(&LAST_PASS_AGE, 1.5), Family::new(&NODES), calls, time]
    }

    #[test]
    fn prometheus() {
        let text = Format::Prometheus.write(&families());
        let expected = "# HELP watchkeeper_build_info The version of the program.\n\
            # TYPE watchkeeper_build_info gauge\nwatchkeeper_build_info{version=\"1.2.3\"} 1\n\
            # HELP watchkeeper_last_pass_age_seconds How long ago the last pass ended.\n\
            # TYPE watchkeeper_last_pass_age_seconds gauge\nwatchkeeper_last_pass_age_seconds 1.5\n";
        assert!(text.starts_with(expected), "{text}");
        let hostile =
            "watchkeeper_aws_api_calls_total{api=\"ssm:\\\"Send\\\"\\nCommand\\\\\",outcome=\"ok\"} 3\n";
        assert!(text.contains(hostile), "{text}");
        for line in [
            "watchkeeper_reconcile_time_seconds_bucket{le=\"0.1\"} 1\n",
            "watchkeeper_reconcile_time_seconds_bucket{le=\"600.0\"} 2\n",
            "watchkeeper_reconcile_time_seconds_bucket{le=\"+Inf\"} 3\n",
            "watchkeeper_reconcile_time_seconds_count 3\n",
        ] {
            assert!(text.contains(line), "{line}{text}");
        }
        assert!(!text.contains("watchkeeper_nodes") && !text.contains("# EOF"), "{text}");
    }

    #[test]
    fn open_metrics() {
        let text = Format::OpenMetrics.write(&families());
        for part in [
            "# TYPE watchkeeper_build info\nwatchkeeper_build_info{version=\"1.2.3\"} 1\n",
            "# TYPE watchkeeper_aws_api_calls counter\nwatchkeeper_aws_api_calls_total{",
            "# UNIT watchkeeper_last_pass_age_seconds seconds\n",
        ] {
            assert!(text.contains(part), "{part}{text}");
        }
        assert!(text.ends_with("# EOF\n"));
    }

    #[test]
    fn the_header_chooses() {
        let prometheus = "application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
        for (header, format) in [
            ("", Format::Prometheus),
            ("*/*", Format::Prometheus),
            ("text/plain", Format::Prometheus),
            ("application/openmetrics-text; version=1.0.0", Format::OpenMetrics),
            (prometheus, Format::OpenMetrics),
            ("application/openmetrics-text; version=1.0.0; q=0.1, text/plain; q=0.9", Format::Prometheus),
            ("application/openmetrics-text; version=2.0.0", Format::Prometheus),
            ("application/openmetrics-text; q=0", Format::Prometheus),
            ("application/openmetrics-text; q=nonsense", Format::Prometheus),
        ] {
            assert_eq!(Format::accepted(header), format, "{header}");
        }
    }
}
