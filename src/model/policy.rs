//! IAM policy documents compared by meaning.
//!
//! AWS keeps documents as they were written, and people write the same thing in many ways. Two documents mean
//! the same when they are equal after: single values and one-element lists are one thing; lists of actions,
//! resources, principals and condition values are sets; numbers and truth values in conditions are their
//! text; `"Principal": "*"` is `{"AWS": "*"}`; an account id is its root ARN; action names have no case. A missing
//! `Version` is `2008-10-17`, which is not `2012-10-17`. (User guide of IAM, policy elements.)

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// Whether two documents mean the same.
pub fn same(left: &Value, right: &Value) -> bool {
    canonical(left) == canonical(right)
}

/// A document in a form in which equal meanings are equal values. What is no policy is left as it is.
pub fn canonical(document: &Value) -> Value {
    let Some(members) = document.as_object() else { return document.clone() };
    let mut out: BTreeMap<String, Value> = BTreeMap::new();
    for (name, member) in members {
        let member = match name.as_str() {
            "Statement" => Value::Array(sorted(as_list(member).iter().map(statement).collect())),
            _ => member.clone(),
        };
        out.insert(name.clone(), member);
    }
    out.entry("Version".to_owned()).or_insert_with(|| json!("2008-10-17"));
    json!(out)
}

fn statement(statement: &Value) -> Value {
    let Some(members) = statement.as_object() else { return statement.clone() };
    let mut out: BTreeMap<String, Value> = BTreeMap::new();
    for (name, member) in members {
        let member = match name.as_str() {
            "Action" | "NotAction" => set(member, str::to_lowercase),
            "Resource" | "NotResource" => set(member, str::to_owned),
            "Principal" | "NotPrincipal" => principal(member),
            "Condition" => condition(member),
            _ => member.clone(),
        };
        out.insert(name.clone(), member);
    }
    json!(out)
}

fn principal(principal: &Value) -> Value {
    if principal == "*" {
        return json!({ "AWS": ["*"] });
    }
    let Some(members) = principal.as_object() else { return principal.clone() };
    let of_kind = |(kind, who): (&String, &Value)| {
        let who = if kind == "AWS" { set(who, root_arn) } else { set(who, str::to_owned) };
        (kind.clone(), who)
    };
    json!(members.iter().map(of_kind).collect::<BTreeMap<String, Value>>())
}

fn condition(condition: &Value) -> Value {
    let Some(operators) = condition.as_object() else { return condition.clone() };
    let mut out: BTreeMap<String, Value> = BTreeMap::new();
    for (operator, keys) in operators {
        let keys = match keys.as_object() {
            // Condition keys have no case.
            Some(keys) => {
                let keys = keys.iter().map(|(key, values)| (key.to_lowercase(), set(values, str::to_owned)));
                json!(keys.collect::<BTreeMap<String, Value>>())
            }
            None => keys.clone(),
        };
        out.insert(operator.clone(), keys);
    }
    json!(out)
}

fn root_arn(who: &str) -> String {
    let is_account = who.len() == 12 && who.bytes().all(|byte| byte.is_ascii_digit());
    if is_account { format!("arn:aws:iam::{who}:root") } else { who.to_owned() }
}

fn set(values: &Value, normal: impl Fn(&str) -> String) -> Value {
    let texts = as_list(values).into_iter().map(|value| match value {
        Value::String(text) => json!(normal(&text)),
        Value::Bool(_) | Value::Number(_) => json!(value.to_string()),
        other => other,
    });
    let mut texts = sorted(texts.collect());
    texts.dedup();
    Value::Array(texts)
}

fn as_list(value: &Value) -> Vec<Value> {
    match value {
        Value::Array(items) => items.clone(),
        single => vec![single.clone()],
    }
}

fn sorted(mut values: Vec<Value>) -> Vec<Value> {
    values.sort_by_cached_key(ToString::to_string);
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statement_with(member: &str, value: Value) -> Value {
        let mut statement = json!({ "Effect": "Allow", "Action": "a:B", "Resource": "*" });
        statement[member] = value;
        json!({ "Version": "2012-10-17", "Statement": statement })
    }

    #[test]
    fn documents_that_mean_the_same_are_the_same() {
        let same_pairs = [
            (statement_with("Action", json!("a:B")), statement_with("Action", json!(["A:b"]))),
            (
                statement_with("Action", json!(["a:B", "a:C"])),
                statement_with("Action", json!(["a:C", "a:B", "a:b"])),
            ),
            (statement_with("Principal", json!("*")), statement_with("Principal", json!({ "AWS": "*" }))),
            (
                statement_with("Principal", json!({ "AWS": "111122223333" })),
                statement_with("Principal", json!({ "AWS": ["arn:aws:iam::111122223333:root"] })),
            ),
            (
                statement_with("Condition", json!({ "Bool": { "aws:SecureTransport": true } })),
                statement_with("Condition", json!({ "Bool": { "aws:securetransport": ["true"] } })),
            ),
        ];
        for (left, right) in same_pairs {
            assert!(same(&left, &right), "{left} and {right} mean the same");
        }
    }

    #[test]
    fn documents_that_mean_different_things_differ() {
        let different = [
            (statement_with("Action", json!("a:B")), statement_with("Action", json!("a:C"))),
            (statement_with("Resource", json!("arn:x")), statement_with("Resource", json!("ARN:X"))),
            (json!({ "Statement": [] }), json!({ "Version": "2012-10-17", "Statement": [] })),
            (statement_with("Effect", json!("Allow")), statement_with("Effect", json!("Deny"))),
        ];
        for (left, right) in different {
            assert!(!same(&left, &right), "{left} and {right} differ");
        }
    }
}
