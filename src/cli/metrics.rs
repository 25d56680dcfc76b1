//! `run --metrics emf`: metrics for those who have no Prometheus.
//!
//! They go to standard output as CloudWatch's Embedded Metric Format, among the events: ECS's log driver carries both to
//! CloudWatch Logs, which makes metrics of them without any call of ours.

use std::io::Write as _;
use std::time::Duration;

use clap::ValueEnum;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::journal::Journal;
use crate::metrics::{Metrics, emf};

/// Where metrics go by themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum MetricsTo {
    /// Nowhere
    None,
    /// To standard output every minute, in CloudWatch's Embedded Metric Format
    Emf,
}

/// Prints the metrics every minute, until `stop`.
pub async fn tell_cloudwatch(metrics: Metrics, journal: Journal, clock: Clock, stop: CancellationToken) {
    let mut writer = emf::Writer::default();
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = clock.sleep(Duration::from_secs(emf::EVERY_SECONDS)) => {}
        }
        let Some(place) = metrics.place() else { continue };
        let documents = writer.documents(&metrics.families(&journal.sinks()), &place);
        let lines: String = documents.iter().map(|document| format!("{document}\n")).collect();
        // In one piece, so that no event's line comes between. Who closed the pipe does not read this anyway.
        let _ = std::io::stdout().lock().write_all(lines.as_bytes());
    }
}
