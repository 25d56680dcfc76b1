//! State Manager: associations of AWS's documents with targets, run at a steady rate.
//!
//! They are here so that a competing one really competes: each run is a command to its targets. Only `rate(…)`
//! schedules run more than once; a `cron(…)` one runs when it is made and then stays quiet.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::commands::{self, Selector, Send};
use super::{Place, World};
use crate::sim::wire::AwsError;

/// All associations of a Region.
#[derive(Clone, Debug, Default)]
pub struct Associations {
    /// By id.
    pub associations: BTreeMap<String, Association>,
}

/// One association.
#[derive(Clone, Debug)]
pub struct Association {
    /// A UUID.
    pub id: String,
    /// What a person calls it.
    pub name: Option<String>,
    /// The document.
    pub document: String,
    /// Its version, such as `$DEFAULT`.
    pub document_version: Option<String>,
    /// Which nodes.
    pub targets: Vec<Selector>,
    /// The document's parameters.
    pub parameters: BTreeMap<String, Vec<String>>,
    /// Such as `rate(30 minutes)`.
    pub schedule: Option<String>,
    /// When it was made.
    pub created: Timestamp,
    /// When it last ran.
    pub last_run: Option<Timestamp>,
}

/// Makes an association and runs it at once, as State Manager does.
///
/// # Errors
/// `InvalidDocument`, `InvalidParameters`, `InvalidSchedule`.
pub fn create(world: &mut World, place: &Place, mut wanted: Association) -> Result<Association, AwsError> {
    let document = world.region(place).documents.get(&wanted.document)?;
    let version = document.version(wanted.document_version.as_deref())?;
    version
        .content
        .arguments(&wanted.parameters)
        .map_err(|message| AwsError::new("InvalidParameters", message))?;
    if let Some(schedule) = &wanted.schedule
        && interval(schedule).is_none()
        && !schedule.starts_with("cron(")
    {
        return Err(AwsError::new("InvalidSchedule", format!("Invalid schedule expression: {schedule}")));
    }
    wanted.id = world.uuid();
    wanted.created = world.now();
    world.region(place).associations.associations.insert(wanted.id.clone(), wanted.clone());
    let due = commands::Due::Associate { association: wanted.id.clone() };
    world.later(place, SignedDuration::from_secs(5), super::Due::Command(due));
    Ok(wanted)
}

/// Runs an association, and puts its next run on the agenda.
pub(super) fn run(world: &mut World, place: &Place, id: &str) {
    let now = world.now();
    let Some(association) = world.region(place).associations.associations.get_mut(id) else { return };
    association.last_run = Some(now);
    let again = association.schedule.as_deref().and_then(interval);
    let send = Send {
        document: association.document.clone(),
        version: association.document_version.clone(),
        targets: association.targets.clone(),
        parameters: association.parameters.clone(),
        hidden: true,
        ..Send::default()
    };
    // A refused run is the association's own failure; State Manager tries again at the next.
    let _ = commands::send(world, place, send);
    if let Some(wait) = again {
        let due = commands::Due::Associate { association: id.to_owned() };
        world.later(place, wait, super::Due::Command(due));
    }
}

/// The interval of `rate(30 minutes)`. At least half an hour, as State Manager has it.
fn interval(schedule: &str) -> Option<SignedDuration> {
    let (count, unit) = schedule.strip_prefix("rate(")?.strip_suffix(')')?.split_once(' ')?;
    let count: i64 = count.parse().ok().filter(|count| *count > 0)?;
    let seconds = match unit {
        "minute" | "minutes" => 60,
        "hour" | "hours" => 3600,
        "day" | "days" => 86_400,
        _ => return None,
    };
    Some(SignedDuration::from_secs(count.checked_mul(seconds)?)).filter(|wait| wait.as_secs() >= 1800)
}
