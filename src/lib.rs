//! Watchkeeper keeps the telemetry of an AWS estate converged.
//!
//! People write what they want in a folder of YAML that a git-sync keeps up to date; one long-running program
//! compares it, over and over, with what the accounts and machines really have, and issues idempotent Run
//! Commands and API calls until they agree. This page is the shape of the whole.
//!
//! # The way through one pass
//!
//! ```text
//!  desired-state/            AWS (SSM, EC2, Logs, CloudWatch, IAM, STS)
//!       │ load                    │ observe ◀── ask()
//!       ▼                         ▼                      clock, memory
//!    Desired ───────────────▶  plan()  ◀────────────────────┘
//!                               │  pure, synchronous, total
//!                               ▼
//!                             Plan ──act──▶ AWS ──▶ Outcomes ──report──▶ events · status · next Memory
//! ```
//!
//! [`pass`] is these steps in one function. Its loop is [`controller`]; [`source`] is the folder over time.
//!
//! # Where things are
//!
//! | room | what it is for | what it must not do |
//! |---|---|---|
//! | [`model`] | everything that is known and decided, as values and functions of values | I/O, time, chance, logging, AWS |
//! | [`aws`] | the only place that names the SDK: answers questions, carries out actions | decide |
//! | [`sim`] | a pretend AWS, for the demonstration and for most tests | know `model` or `aws` |
//! | [`load`] | the folder → bytes | read meaning into them |
//! | [`clock`] | the only room with time | – |
//! | [`metrics`] | the picture, the calls and the loop as numbers for machines | decide, or change anything |
//! | [`journal`] | events kept, printed and brought to files, log groups and webhooks; what outlives the process | make events, or decide |
//! | [`serve`] | the page, status, events, metrics and health over HTTP | change anything |
//! | [`cli`] | one file per command; it joins the rooms | be imported by them |
//!
//! # Kinds, subjects, actions
//!
//! `model/desired` and `model/plan` go by **kind**, what a person writes. `aws` and `sim/world` go by **subject**,
//! what AWS has. This table joins the two:
//!
//! | kind | subjects that it reads | actions that it takes |
//! |---|---|---|
//! | `AgentConfig` | parameters | create, overwrite, tag, delete a parameter |
//! | `CloudWatchAgent` | nodes, instances, commands, documents, parameters, log groups, roles, arrival, metrics, alarms | `SendCommand`: probe, install, configure, start, uninstall; `CancelCommand`; write and label parameters |
//! | `FlowLog` | flow logs, networks, roles, log groups, arrival | create, tag, delete flow logs |
//! | `LogGroup` | log groups | create, tag, set retention and key, delete a group |
//! | `IamRole` | roles, instances | create, trust, policies, boundary, profile, associate |
//! | `Account` | – | – (labels select which documents apply) |
//!
//! # Where each decision's evidence lives
//!
//! There is no database. Losing [`Memory`](model::memory::Memory) costs time, never correctness.
//!
//! | decision | evidence | if the process forgets |
//! |---|---|---|
//! | is it as wanted? | the world, read again in every pass | nothing is lost |
//! | whose is it? | the tag `watchkeeper:owner` on the thing itself | nothing is lost |
//! | may it go when its document goes? | the tag `watchkeeper:deletion` on the thing itself | nothing is lost |
//! | which groups and roles of ours have no document any more? | the last reading of their tags: AWS lists neither by tag | they stay, unsaid, until somebody deletes them |
//! | has this command been sent? | its comment, in AWS's own command history | it waits until a listing must show it |
//! | which configuration does a node run? | the last probe's output, in AWS's own command history | nothing is probed again |
//! | how far is a rollout? | the nodes: their probes, the commands that they were sent, what arrives from them | nothing is lost |
//! | what is stable, what was rejected, is it paused? | the parameter `/watchkeeper/<installation>/<object>` | nothing is lost |
//! | does a node's telemetry arrive? | its log streams and metrics, read again | it is read again |
//! | was this write tried lately, in vain? | `Memory`: attempts | it is tried again at once, once |
//! | does somebody else keep writing it? | `Memory`: corrections | `Contested` is noticed some corrections later |
//! | which causes were told already? | `stories.json` beside the buffers of the sinks; the last snapshot in the log group | what is open is told again |
//! | was this untagged group ours before it vanished? | `Memory`: ours | it is `NotOwned` until adopted |
//!
//! # Invariants
//!
//! - All safety rules are in [`model::plan`]; the executor chooses nothing.
//! - Known, absent and unknown are three answers ([`model::observed::Reading`]); nothing destructive rests on unknown.
//! - A release that harms nodes is written down as rejected, and read back, before anything goes back: reverting erases
//!   the evidence.
//! - `SendCommand` has no client token, so it is never repeated on doubt: what may have been sent is waited for.
//! - No trait of ours wraps AWS. A test swaps the HTTP client and the clock, so that real serialisation, signing,
//!   retries and paging always run.
//! - Time, environment and chance have rooms of their own; `clippy.toml` and `tests/it/tidy.rs` hold that.

pub mod aws;
pub mod backoff;
pub mod cli;
pub mod clock;
pub mod controller;
pub mod journal;
pub mod load;
pub mod metrics;
pub mod model;
pub mod pass;
pub mod serve;
pub mod sim;
pub mod source;
