//! STS: who am I, and the keys of a role in another account.

use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::{Value, json};

use super::iam::time;
use super::{AwsError, Operation, Outcome, Rate, Service, input};
use crate::sim::world::roles::{CALLER_ROLE, Role, partition};
use crate::sim::world::{Place, World};

/// The operations that this simulator implements.
pub const OPERATIONS: &[Operation] = &[
    Operation { name: "GetCallerIdentity", rate: RATE, writes: false, run: get_caller_identity },
    // It hands out keys and changes nothing.
    Operation { name: "AssumeRole", rate: RATE, writes: false, run: assume_role },
];

/// 600 a second for each account and Region (IAM User Guide, "IAM and AWS STS quotas").
const RATE: Option<Rate> = Rate::shared("sts", 600.0);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

fn get_caller_identity(_: &mut World, place: &Place, value: Value) -> Outcome {
    let Nothing {} = input::read(Service::Sts, value)?;
    Ok(json!({
        "UserId": format!("AROA{}SIMUL:simulated", place.account),
        "Account": place.account,
        "Arn": caller_arn(place),
    }))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct AssumeRole {
    role_arn: String,
    role_session_name: String,
    #[serde(default)]
    external_id: Option<String>,
    #[serde(default, deserialize_with = "input::number")]
    duration_seconds: Option<i64>,
}

fn assume_role(world: &mut World, place: &Place, value: Value) -> Outcome {
    let input: AssumeRole = input::read(Service::Sts, value)?;
    check(&input)?;
    let (now, lag) = (world.now(), world.settings.iam_lag);
    let account = input.role_arn.split(':').nth(4).unwrap_or_default();
    let role = world.accounts.get(account).and_then(|account| account.iam.role_by_arn(&input.role_arn));
    let Some(role) = role.filter(|role| {
        role.settled(now, lag)
            && role.trust.document.trusts_account(&place.account, input.external_id.as_deref())
    }) else {
        return Err(denied(place, &input.role_arn));
    };
    let seconds = input.duration_seconds.unwrap_or(3600);
    if seconds > role.max_session {
        let message = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.";
        return Err(AwsError::validation(Service::Sts, message));
    }
    let expires = time(now + SignedDuration::from_secs(seconds));
    Ok(session(role, account, place, &input.role_session_name, &expires))
}

/// Keys whose signatures belong to the role's account: `Place::of_signature` reads it from the access key.
fn session(role: &Role, account: &str, place: &Place, name: &str, expires: &str) -> Value {
    let arn = format!("arn:{}:sts::{account}:assumed-role/{}/{name}", partition(&place.region), role.name);
    json!({
        "Credentials": {
            "AccessKeyId": format!("ASIA{account}SIMU"),
            "SecretAccessKey": "simulated-secret-access-key-of-no-value0",
            "SessionToken": format!("simulated-session-of-{}", role.id),
            "Expiration": expires,
        },
        "AssumedRoleUser": { "AssumedRoleId": format!("{}:{name}", role.id), "Arn": arn },
    })
}

fn check(input: &AssumeRole) -> Result<(), AwsError> {
    let symbols = |text: &str, more: &str| {
        text.chars().all(|symbol| symbol.is_ascii_alphanumeric() || more.contains(symbol))
    };
    let name = &input.role_session_name;
    if !(2..=64).contains(&name.len()) || !symbols(name, "_+=,.@-") {
        return Err(constraint(
            "roleSessionName",
            name,
            "Member must satisfy regular expression pattern: [\\w+=,.@-]{2,64}",
        ));
    }
    if let Some(id) = &input.external_id
        && (!(2..=1224).contains(&id.len()) || !symbols(id, "_+=,.@:/-"))
    {
        return Err(constraint(
            "externalId",
            id,
            "Member must satisfy regular expression pattern: [\\w+=,.@:\\/-]{2,1224}",
        ));
    }
    if let Some(seconds) = input.duration_seconds.filter(|seconds| !(900..=43_200).contains(seconds)) {
        let rule = "Member must have value between 900 and 43200";
        return Err(constraint("durationSeconds", &seconds.to_string(), rule));
    }
    Ok(())
}

fn constraint(member: &str, value: &str, rule: &str) -> AwsError {
    let message = format!(
        "1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: {rule}"
    );
    AwsError::validation(Service::Sts, message)
}

fn caller_arn(place: &Place) -> String {
    let partition = partition(&place.region);
    format!("arn:{partition}:sts::{}:assumed-role/{CALLER_ROLE}/simulated", place.account)
}

/// AWS says the same whether the role is missing or does not trust the caller.
fn denied(place: &Place, role_arn: &str) -> AwsError {
    let message = format!(
        "User: {} is not authorized to perform: sts:AssumeRole on resource: {role_arn}",
        caller_arn(place)
    );
    AwsError::new("AccessDenied", message).with_status(403)
}
