//! `watchkeeper verify NODE|VPC|OBJECT…`: is it right, now? Everything that concerns it is read afresh.
//!
//! It needs no running controller, and changes nothing but to probe nodes whose documents allow that.

mod look;

use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::{Context as _, anyhow, bail};
use clap::Args as ClapArgs;
use serde::Serialize;

use super::options::{AwsArgs, RuleArgs};
use super::plan::Output;
use crate::journal::harmless;
use crate::model::alike::alike;
use crate::model::desired::{Desired, ObjectRef};
use crate::model::explain::Subject;
use crate::model::verify::{Check, Verdict};
use crate::source::Source;

pub use look::look;

/// Exit code when something is not ok, or not known to be.
const NOT_OK: u8 = 3;
/// How many names are offered in place of one that is not known.
const OFFERED: usize = 4;

/// The options of `verify`.
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// Nodes (`i-…`, `mi-…`), networks (`vpc-…`, `subnet-…`, `eni-…`) or objects (`Kind/name` or a name)
    #[arg(required = true, value_name = "NODE|VPC|OBJECT")]
    what: Vec<String>,
    /// The folder of desired state
    #[arg(long, default_value = "desired-state")]
    folder: PathBuf,
    #[command(flatten)]
    aws: AwsArgs,
    #[command(flatten)]
    rules: RuleArgs,
    /// How to print it
    #[arg(short, long, value_enum, default_value_t = Output::Text)]
    output: Output,
}

/// One subject with its checks.
#[derive(Clone, Debug, Serialize)]
pub struct Verified {
    /// What was checked.
    pub subject: Subject,
    /// What came of it.
    pub checks: Vec<Check>,
}

/// Runs the command.
///
/// # Errors
/// When there is no such thing, or AWS cannot be reached at all.
pub async fn main(args: Args) -> anyhow::Result<u8> {
    let mut source = Source::new(args.folder.clone(), None);
    source.refresh().await.context("the folder of desired state cannot be read (name it with --folder)")?;
    let desired = source.desired();
    let subjects: Vec<Subject> =
        args.what.iter().map(|word| subject(desired, word)).collect::<anyhow::Result<_>>()?;
    let clients = args.aws.connect().await?.clients;
    let rules = args.rules.rules(args.aws.is_simulated());
    let verified = look(&clients, &rules, desired, &subjects).await;
    match args.output {
        Output::Text => super::print(&text(&verified)),
        Output::Json => super::print(&format!("{}\n", serde_json::to_string_pretty(&verified)?)),
    }
    Ok(exit_code(&verified))
}

/// 0 when everything is ok.
pub fn exit_code(verified: &[Verified]) -> u8 {
    let is_ok = |check: &Check| check.verdict == Verdict::Ok;
    if verified.iter().flat_map(|one| &one.checks).all(is_ok) { 0 } else { NOT_OK }
}

/// What `word` names: an id by its prefix, else an object of the folder.
///
/// # Errors
/// When it names nothing, or several objects.
pub fn subject(desired: &Desired, word: &str) -> anyhow::Result<Subject> {
    let begins = |prefixes: &[&str]| prefixes.iter().any(|prefix| word.starts_with(prefix));
    let named = |id: &&ObjectRef| id.to_string() == word || *id.name == *word;
    let meant: Vec<&ObjectRef> = desired.objects.keys().filter(named).collect();
    match meant.as_slice() {
        [one] => Ok(Subject::Object((*one).clone())),
        [] if begins(&["i-", "mi-"]) => Ok(Subject::Node(word.into())),
        [] if begins(&["vpc-", "subnet-", "eni-"]) => Ok(Subject::Network(word.into())),
        [] => {
            let names: Vec<String> = desired.objects.keys().map(ToString::to_string).collect();
            let names = names.iter().flat_map(|name| [Some(&**name), name.split('/').nth(1)]).flatten();
            let alike = alike(word, names, OFFERED);
            let hint = if alike.is_empty() {
                "`watchkeeper validate` lists the objects".to_owned()
            } else {
                format!("did you mean {}?", alike.join(" or "))
            };
            Err(anyhow!("`{}` is no id, and no object of the folder: {hint}", harmless(word)))
        }
        several => {
            let names: Vec<String> = several.iter().map(ToString::to_string).collect();
            bail!("`{}` may be {}: say which", harmless(word), names.join(" or "))
        }
    }
}

/// For people: one line a check.
pub fn text(verified: &[Verified]) -> String {
    let mut out = String::new();
    for Verified { subject, checks } in verified {
        let _ = writeln!(out, "{subject}");
        for Check { verdict, what, why } in checks {
            let verdict = match verdict {
                Verdict::Ok => "ok",
                Verdict::Not => "not ok",
                Verdict::Unknown => "unknown",
            };
            let _ = writeln!(out, "  {verdict:<8} {what}  {}", harmless(why));
        }
    }
    out
}
