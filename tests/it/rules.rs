//! The safety rules that only rare worlds call upon, each on plain data: what may be done, and what is said instead.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use watchkeeper::model::action::Action;
use watchkeeper::model::desired::{Amount, Desired, ObjectRef};
use watchkeeper::model::memory::{Change, Memory};
use watchkeeper::model::observed::{FlowLog, Identity, LogGroup, Network, Observed, Reading, Role};
use watchkeeper::model::plan::{Known, Plan, plan};
use watchkeeper::model::reason::Reason;
use watchkeeper::model::rules::Rules;
use watchkeeper::model::tags::Tags;

use crate::estate::desired;

const ACCOUNT: &str = "111122223333";
const ROLE: &str = "arn:aws:iam::111122223333:role/ExampleCorp-FlowLogsRole";
const FORMAT: &str = watchkeeper::model::desired::DEFAULT_LOG_FORMAT;
const CAPTURE: &str = "
apiVersion: watchkeeper/v1
kind: FlowLog
metadata: { name: vpc }
spec: { vpcs: { all: true }, traffic: ALL, logGroup: Flows, role: \"arn:aws:iam::111122223333:role/ExampleCorp-FlowLogsRole\" }
";

/// A world at one moment, to which a case adds what it is about.
struct Case {
    desired: Desired,
    observed: Observed,
    memory: Memory,
    rules: Rules,
    now: Timestamp,
}

impl Case {
    fn new(yaml: &str) -> Self {
        let now: Timestamp = "2026-03-02T09:00:00Z".parse().expect("a timestamp");
        let mut observed = Observed::default();
        let identity = Identity {
            account: ACCOUNT.into(),
            region: "us-east-1".into(),
            partition: "aws".into(),
            arn: "arn:aws:sts::111122223333:assumed-role/Watchkeeper/test".into(),
        };
        observed.identity = Reading::Known { value: identity, at: now };
        let memory = Memory::new(now - SignedDuration::from_hours(24));
        Self { desired: desired(yaml), observed, memory, rules: Rules::for_simulator("test"), now }
    }

    fn plan(&self) -> Plan {
        let Self { desired, observed, memory, rules, now } = self;
        plan(Known { desired, observed, memory, rules, begun: *now, now: *now })
    }

    /// A group of ours, made a year ago.
    fn group(&mut self, retention_days: Option<i32>, account_policy: Option<&str>) {
        let group = LogGroup {
            name: "A".into(),
            arn: "arn:aws:logs:us-east-1:111122223333:log-group:A".into(),
            retention_days,
            class: "STANDARD".into(),
            kms_key: None,
            account_policy: account_policy.map(Into::into),
            created: Some(self.now - SignedDuration::from_hours(365 * 24)),
        };
        self.observed.log_groups.insert("A".into(), Reading::Known { value: group, at: self.now });
        let tags = tags("test/LogGroup/a");
        self.observed.log_group_tags.insert("A".into(), Reading::Known { value: tags, at: self.now });
    }

    fn vpc(&mut self, owner: &str) {
        let vpc =
            Network { id: "vpc-1".into(), vpc: "vpc-1".into(), owner: owner.into(), tags: Tags::default() };
        self.observed.vpcs.take([(vpc.id.clone(), vpc)], self.now, self.now);
    }

    /// Flow logs on the one VPC that all do what the document says, oldest first, with whose each is.
    fn flow_logs(&mut self, owners: &[(&str, Option<&str>)]) {
        let rows: Vec<FlowLog> = owners
            .iter()
            .zip(1..)
            .map(|((id, owner), hours)| FlowLog {
                id: (*id).into(),
                resource: "vpc-1".into(),
                active: true,
                traffic: "ALL".into(),
                destination_type: "cloud-watch-logs".into(),
                log_group: Some("Flows".into()),
                role_arn: Some(ROLE.into()),
                format: FORMAT.into(),
                interval: 600,
                deliver_status: Some("SUCCESS".into()),
                deliver_error: None,
                created: Some(self.now - SignedDuration::from_hours(24 - hours)),
                tags: owner.map(tags).unwrap_or_default(),
            })
            .collect();
        self.observed.flow_logs.take(rows.into_iter().map(|row| (row.id.clone(), row)), self.now, self.now);
    }
}

fn tags(owner: &str) -> Tags {
    Tags::from_iter([
        ("watchkeeper:owner", owner),
        ("watchkeeper:installation", "test"),
        ("watchkeeper:deletion", "retain"),
    ])
}

fn group_desired(more: &str) -> String {
    format!(
        "apiVersion: watchkeeper/v1\nkind: LogGroup\nmetadata: {{ name: a }}\nspec: {{ logGroup: A{more} }}\n"
    )
}

fn says(plan: &Plan, reason: Reason) -> bool {
    plan.findings.iter().any(|finding| finding.reason == reason)
}

#[test]
fn what_others_gave_a_role_of_ours_is_taken_away_only_where_the_document_says_exclusive() {
    for (more, is_taken) in [("", false), (", exclusive: true", true)] {
        let mut case = Case::new(&format!(
            "apiVersion: watchkeeper/v1\nkind: IamRole\nmetadata: {{ name: r }}\nspec: {{ roleName: R, preset: FlowLogs{more} }}\n"
        ));
        let role = Role {
            name: "R".into(),
            arn: "arn:aws:iam::111122223333:role/R".into(),
            id: "AROA1".into(),
            trust: serde_json::Value::Null,
            description: None,
            max_session: None,
            boundary: None,
            attached: vec!["arn:aws:iam::aws:policy/ReadOnlyAccess".into()],
            inline: BTreeMap::from([("Theirs".into(), serde_json::Value::Null)]),
            tags: tags("test/IamRole/r"),
        };
        case.observed.roles.insert("R".into(), Reading::Known { value: role, at: case.now });
        let plan = case.plan();
        let taken = plan.actions.iter().filter(|planned| {
            matches!(&planned.action, Action::DetachPolicy(..) | Action::DeleteInlinePolicy(..))
        });
        assert_eq!(taken.count(), if is_taken { 2 } else { 0 }, "{:?}", plan.actions);
        assert!(!plan.actions.is_empty(), "what is ours is mended");
    }
}

#[test]
fn lower_retention_destroys_and_needs_a_word() {
    let cases = [
        (None, ", retentionDays: 30", true),
        (Some(90), ", retentionDays: 30", true),
        (Some(7), ", retentionDays: 30", false),
        (Some(7), ", retentionDays: never", false),
        (Some(90), ", retentionDays: 30, allowDataLoss: true", false),
    ];
    for (have, want, is_held) in cases {
        let mut case = Case::new(&group_desired(want));
        case.group(have, None);
        let plan = case.plan();
        assert_eq!(says(&plan, Reason::DataLoss), is_held, "{have:?} {want}");
        assert_eq!(plan.actions.is_empty(), is_held, "{have:?} {want}: {:?}", plan.actions);
    }
}

#[test]
fn a_retention_that_an_account_policy_hides_is_not_set_again_and_again() {
    let mut case = Case::new(&group_desired(", retentionDays: 30"));
    case.group(Some(7), Some("whole-account"));
    let plan = case.plan();
    assert!(says(&plan, Reason::HiddenByAccountPolicy));
    assert!(plan.actions.is_empty(), "{:?}", plan.actions);
}

#[test]
fn what_somebody_else_keeps_writing_is_corrected_ever_more_slowly() {
    for (corrections, is_contested) in [(3, false), (4, true), (9, true)] {
        let mut case = Case::new(&group_desired(", retentionDays: 30"));
        case.group(Some(7), None);
        let times = vec![case.now - SignedDuration::from_secs(30); corrections];
        case.memory.corrections.insert(Change::new("A", "retention 30 days"), times);
        let plan = case.plan();
        assert_eq!(says(&plan, Reason::Contested), is_contested, "{corrections}");
        assert_eq!(plan.actions.is_empty(), is_contested, "{corrections}");
        case.now += SignedDuration::from_mins(31);
        assert!(!case.plan().actions.is_empty(), "{corrections}: it is never given up");
    }
}

#[test]
fn a_pass_makes_no_more_changes_than_its_budget_and_says_what_waits() {
    let groups = ["a", "b", "c"].map(|name| {
        format!("apiVersion: watchkeeper/v1\nkind: LogGroup\nmetadata: {{ name: {name} }}\nspec: {{ logGroup: {name} }}\n")
    });
    let mut case = Case::new(&groups.join("---\n"));
    for name in ["a", "b", "c"] {
        case.observed.log_groups.insert(name.into(), Reading::Absent { at: case.now });
    }
    (case.rules.max_changes, case.rules.max_change_share) = (2, Amount::Percent(0));
    let plan = case.plan();
    assert_eq!(plan.actions.len(), 2);
    let waits = plan.findings.iter().filter(|finding| finding.reason == Reason::ChangeBudget);
    assert_eq!(waits.filter_map(|finding| finding.object.clone()).collect::<Vec<ObjectRef>>().len(), 1);
}

#[test]
fn of_flow_logs_that_do_the_same_only_spare_ones_of_ours_go() {
    let (ours, theirs) = (Some("test/FlowLog/vpc"), Some("other/FlowLog/vpc"));
    type Logs<'a> = &'a [(&'a str, Option<&'a str>)];
    let cases: [(Logs<'_>, &[&str]); 5] = [
        (&[("fl-1", ours)], &[]),
        (&[("fl-1", ours), ("fl-2", None)], &[]),
        (&[("fl-1", None), ("fl-2", theirs)], &[]),
        (&[("fl-1", ours), ("fl-2", ours)], &["fl-2"]),
        (&[("fl-1", theirs), ("fl-2", ours), ("fl-3", None)], &[]),
    ];
    for (rows, gone) in cases {
        let mut case = Case::new(CAPTURE);
        case.vpc(ACCOUNT);
        case.flow_logs(rows);
        let plan = case.plan();
        let deleted: Vec<&str> = plan
            .actions
            .iter()
            .flat_map(|planned| match &planned.action {
                Action::DeleteFlowLogs(ids) => ids.iter().map(|id| &**id).collect::<Vec<_>>(),
                other => panic!("{rows:?}: {other:?}"),
            })
            .collect();
        assert_eq!(deleted, gone, "{rows:?}");
    }
}

#[test]
fn a_network_that_another_account_shares_is_its_owners_to_capture() {
    for (owner, is_ours) in [(ACCOUNT, true), ("444455556666", false)] {
        let mut case = Case::new(CAPTURE);
        case.vpc(owner);
        case.flow_logs(&[]);
        let plan = case.plan();
        assert_eq!(!plan.actions.is_empty(), is_ours, "{owner}: {:?}", plan.actions);
        assert_eq!(says(&plan, Reason::OwnedElsewhere), !is_ours, "{owner}");
    }
}
