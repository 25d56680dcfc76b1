//! `watchkeeper plan [DIR]`: what would be done and why, and what is waiting and why.

use std::fmt::Write as _;

use anyhow::{Context as _, bail};
use clap::Args as ClapArgs;
use tokio_util::sync::CancellationToken;

use super::options::{AwsArgs, Connected, FolderArg, RuleArgs};
use crate::journal::harmless;
use crate::model::finding::{Drift, Finding};
use crate::model::plan::Plan;
use crate::model::reason::{Nature, Reason};
use crate::model::status::{Status, Truth};
use crate::model::story::describe;
use crate::pass::{Mode, Scope};
use crate::source::Source;

/// The options of `plan`.
#[derive(Debug, ClapArgs)]
pub struct Args {
    #[command(flatten)]
    folder: FolderArg,
    #[command(flatten)]
    aws: AwsArgs,
    #[command(flatten)]
    rules: RuleArgs,
    /// How to print it
    #[arg(short, long, value_enum, default_value_t = Output::Text)]
    output: Output,
}

/// How a plan is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Output {
    /// For people
    Text,
    /// For programs
    Json,
}

/// Exit code when there are changes to make, as `terraform plan -detailed-exitcode` has it.
const CHANGES: u8 = 2;

/// Runs the command.
///
/// # Errors
/// When AWS cannot be reached at all, or the folder cannot be read.
pub async fn main(args: Args) -> anyhow::Result<u8> {
    let Connected { clients, clock, .. } = args.aws.connect().await?;
    let mut source = Source::new(args.folder.folder.clone(), None);
    let said = source.refresh().await.context("the folder of desired state cannot be read")?;
    if source.problems().iter().any(crate::model::desired::Problem::is_error) {
        let folder = args.folder.folder.display();
        for problem in source.problems().iter().filter(|problem| problem.is_error()) {
            eprintln!("{problem}");
        }
        bail!("{folder} has mistakes: run `watchkeeper validate {folder}`");
    }
    let mut scope = Scope::new(clients, args.rules.rules(args.aws.is_simulated()), clock.now());
    // Nothing is sent, so nothing has to settle before it may be: the plan shows what a running controller would do.
    let settled = scope.rules.settle.commands + jiff::SignedDuration::from_secs(1);
    scope.memory.started = clock.now() - settled;
    let passed = scope.pass(source.desired(), said, Mode::DryRun, &clock, &CancellationToken::new()).await;
    match args.output {
        Output::Text => super::print(&text(&passed.plan, &passed.status)),
        Output::Json => super::print(&format!("{}\n", serde_json::to_string_pretty(&passed.plan)?)),
    }
    Ok(exit_code(&passed.plan, &passed.status))
}

fn exit_code(plan: &Plan, status: &Status) -> u8 {
    let is_unknown = status.objects.iter().any(|standing| standing.ready == Truth::Unknown);
    if !plan.actions.is_empty() { CHANGES } else { u8::from(is_unknown) }
}

fn text(plan: &Plan, status: &Status) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "{} {} at {}\n", status.account, status.region, status.revision);
    actions(&mut out, plan);
    waiting(&mut out, plan);
    let right: Vec<String> = status
        .objects
        .iter()
        .filter(|standing| standing.ready == Truth::True)
        .map(|standing| standing.object.to_string())
        .collect();
    if !right.is_empty() {
        let _ = writeln!(out, "Right: {}", right.join(", "));
    }
    if plan.actions.is_empty() {
        let is_unknown = status.objects.iter().any(|standing| standing.ready == Truth::Unknown);
        let said = if is_unknown {
            "Not everything could be read, so nothing is planned for it."
        } else {
            "Nothing to do."
        };
        let _ = writeln!(out, "{said}");
    }
    out
}

fn actions(out: &mut String, plan: &Plan) {
    for planned in &plan.actions {
        let object = planned.object.as_ref().map_or_else(|| "probe".to_owned(), ToString::to_string);
        let _ = writeln!(out, "+ {object}: {}", describe(&planned.action, planned.changes.len()));
        let _ = writeln!(out, "    because {}", harmless(&planned.why));
        for (subject, drift) in planned.drift.iter().take(10) {
            drifts(out, subject, drift);
        }
        if planned.drift.len() > 10 {
            let _ = writeln!(out, "    … and {} more", planned.drift.len() - 10);
        }
    }
    if !plan.actions.is_empty() {
        let probes = plan.actions.iter().filter(|planned| planned.reason == Reason::NotProbed).count();
        let note = if probes > 0 { "; nodes are judged once they have been probed" } else { "" };
        let _ = writeln!(out, "\n{} actions would be taken now{note}.\n", plan.actions.len());
    }
}

fn drifts(out: &mut String, subject: &str, drift: &[Drift]) {
    for field in drift {
        let (have, want) = (harmless(&field.have), harmless(&field.want));
        let _ = writeln!(out, "    {}: {} {have} → {want}", harmless(subject), field.field);
    }
}

fn waiting(out: &mut String, plan: &Plan) {
    let is_done_now = |finding: &Finding| matches!(finding.reason, Reason::Missing | Reason::Drift);
    let waits: Vec<&Finding> = plan
        .findings
        .iter()
        .filter(|finding| !is_done_now(finding) && finding.reason.nature() != Nature::Fine)
        .collect();
    for finding in &waits {
        let object = finding.object.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string);
        let _ = writeln!(out, "· {object}: {}: {}", finding.reason, harmless(&finding.to_string()));
        drifts(out, finding.subject.as_deref().unwrap_or(""), &finding.drift);
        if let Some(next) = finding.reason.next() {
            let _ = writeln!(out, "    → {next}");
        }
    }
    if !waits.is_empty() {
        out.push('\n');
    }
}
