//! A write that may not show yet is not repeated: decided on plain data.

use jiff::{SignedDuration, Timestamp};
use watchkeeper::model::finding::Finding;
use watchkeeper::model::memory::{Attempts, Change, Memory};
use watchkeeper::model::observed::{Observed, Reading};
use watchkeeper::model::plan::{Known, Plan, plan};
use watchkeeper::model::reason::Reason;
use watchkeeper::model::rules::Rules;

use crate::estate::desired;

const GROUP: &str = "
apiVersion: watchkeeper/v1
kind: LogGroup
metadata: { name: a }
spec: { logGroup: A }
";

/// A group was created at second 0 and is expected to show by second 2. The pass began to observe at second
/// `begun` and did not see it; it is second 9 now.
fn planned(begun: i64) -> Plan {
    let epoch: Timestamp = "2026-01-01T00:00:00Z".parse().expect("a timestamp");
    let at = |second: i64| epoch + SignedDuration::from_secs(second);
    let mut observed = Observed::default();
    observed.log_groups.insert("A".into(), Reading::Absent { at: at(begun) });
    let mut memory = Memory::new(epoch);
    let created = Attempts { count: 1, last: epoch, expected_until: at(2), failure: None };
    memory.attempts.insert(Change::new("A", "create"), created);
    let (desired, rules) = (desired(GROUP), Rules::for_simulator("test"));
    plan(Known {
        desired: &desired,
        observed: &observed,
        memory: &memory,
        rules: &rules,
        begun: at(begun),
        now: at(9),
    })
}

#[test]
fn a_reading_from_before_a_write_must_show_proves_nothing_however_late_it_is() {
    let plan = planned(1);
    assert!(plan.actions.is_empty(), "{:#?}", plan.actions);
    assert!(
        plan.findings.iter().any(|finding: &Finding| finding.reason == Reason::Settling),
        "{:#?}",
        plan.findings
    );
}

#[test]
fn a_reading_from_after_that_proves_that_the_write_had_no_effect() {
    let plan = planned(3);
    assert!(!plan.findings.iter().any(|finding| finding.reason == Reason::Settling), "{:#?}", plan.findings);
}
