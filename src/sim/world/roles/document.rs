//! Policy documents: checked as IAM checks them on the way in, and evaluated.
//!
//! Evaluation knows Effect, Action, Resource and Principal with their `Not` forms where IAM allows them, and
//! one condition: `StringEquals` on `sts:ExternalId`. Every other condition is ignored: it counts as met in
//! an Allow and as not met in a Deny.

use serde_json::Value;

use super::super::wildcard;
use crate::sim::wire::AwsError;

/// A parsed document.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    statements: Vec<Statement>,
}

#[derive(Clone, Debug, PartialEq)]
struct Statement {
    allow: bool,
    actions: Patterns,
    resources: Patterns,
    /// Kind (`AWS`, `Service`, …) and value.
    principals: Vec<(String, String)>,
    condition: Value,
}

#[derive(Clone, Debug, PartialEq)]
enum Patterns {
    Any(Vec<String>),
    AllBut(Vec<String>),
}

/// Which of the two kinds of document is meant; they may not hold each other's members.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Permissions,
    Trust,
}

impl Document {
    /// Reads what a role may do.
    ///
    /// # Errors
    /// `MalformedPolicyDocument`.
    pub fn permissions(text: &str) -> Result<Self, AwsError> {
        Self::parse(text, Kind::Permissions)
    }

    /// Reads who may assume a role.
    ///
    /// # Errors
    /// `MalformedPolicyDocument`.
    pub fn trust(text: &str) -> Result<Self, AwsError> {
        Self::parse(text, Kind::Trust)
    }

    fn parse(text: &str, kind: Kind) -> Result<Self, AwsError> {
        let root: Value =
            serde_json::from_str(text).map_err(|_| malformed("This policy contains invalid Json"))?;
        let members = root.as_object().ok_or_else(|| malformed("Syntax errors in policy."))?;
        for (name, value) in members {
            let fits = match name.as_str() {
                "Version" => matches!(value.as_str(), Some("2012-10-17" | "2008-10-17")),
                "Id" => value.is_string(),
                "Statement" => true,
                _ => false,
            };
            if !fits {
                return Err(malformed("Syntax errors in policy."));
            }
        }
        let statements = match members.get("Statement") {
            Some(Value::Array(items)) if !items.is_empty() => items.iter().collect(),
            Some(one @ Value::Object(_)) => vec![one],
            _ => return Err(malformed("Syntax errors in policy.")),
        };
        let statements = statements.into_iter().map(|value| Statement::parse(value, kind));
        Ok(Self { statements: statements.collect::<Result<_, _>>()? })
    }

    /// What this document says of an action on a resource: allowed, denied, or nothing.
    pub fn verdict(&self, action: &str, resource: &str) -> Option<bool> {
        let speaks = |statement: &&Statement| {
            statement.covers_action(action)
                && statement.resources.cover(|pattern| wildcard::fits(pattern, resource))
                && statement.counts()
        };
        decide(self.statements.iter().filter(speaks))
    }

    /// Whether `service`, such as `ec2.amazonaws.com`, may assume the role.
    pub fn trusts_service(&self, service: &str) -> bool {
        let speaks = |statement: &&Statement| {
            statement.covers_action("sts:AssumeRole")
                && statement.counts()
                && statement.principals.iter().any(|(kind, value)| {
                    value == "*" || (kind == "Service" && value.eq_ignore_ascii_case(service))
                })
        };
        decide(self.statements.iter().filter(speaks)) == Some(true)
    }

    /// Whether callers of `account` may assume the role when they send `external_id`.
    ///
    /// The simulator knows its callers by account alone, so a principal that names one role or user of an
    /// account trusts that whole account.
    pub fn trusts_account(&self, account: &str, external_id: Option<&str>) -> bool {
        let speaks = |statement: &&Statement| {
            statement.covers_action("sts:AssumeRole")
                && statement.principals.iter().any(|(kind, value)| kind == "AWS" && names(value, account))
                && statement.counts()
                && statement.external_id_fits(external_id)
        };
        decide(self.statements.iter().filter(speaks)) == Some(true)
    }

    /// The ARNs of the roles that this document trusts by name.
    pub fn trusted_roles(&self) -> impl Iterator<Item = &str> {
        let all = self.statements.iter().flat_map(|statement| &statement.principals);
        all.filter(|(kind, value)| kind == "AWS" && value.contains(":role/")).map(|(_, value)| value.as_str())
    }
}

/// An explicit Deny wins over any Allow.
fn decide<'a>(speaking: impl Iterator<Item = &'a Statement>) -> Option<bool> {
    speaking.map(|statement| statement.allow).min()
}

/// Whether an `AWS` principal names `account`, or one in it.
fn names(principal: &str, account: &str) -> bool {
    principal == "*" || principal == account || principal.split(':').nth(4) == Some(account)
}

impl Statement {
    fn parse(value: &Value, kind: Kind) -> Result<Self, AwsError> {
        let members = value.as_object().ok_or_else(|| malformed("Syntax errors in policy."))?;
        for name in members.keys() {
            let known = match name.as_str() {
                "Sid" | "Effect" | "Action" | "NotAction" | "Condition" => true,
                "Resource" | "NotResource" => kind == Kind::Permissions,
                "Principal" => kind == Kind::Trust,
                _ => false,
            };
            if !known {
                return Err(malformed(format!("Has prohibited field {name}")));
            }
        }
        let allow = match members.get("Effect").and_then(Value::as_str) {
            Some("Allow") => true,
            Some("Deny") => false,
            _ => return Err(malformed("Syntax errors in policy.")),
        };
        let resources = match kind {
            Kind::Permissions => Patterns::parse(value, "Resource", "NotResource")?,
            Kind::Trust => Patterns::Any(vec!["*".to_owned()]),
        };
        let principals = match kind {
            Kind::Permissions => Vec::new(),
            Kind::Trust => principals(members.get("Principal"))?,
        };
        let condition = members.get("Condition").cloned().unwrap_or(Value::Null);
        if !condition.is_null() && !condition.is_object() {
            return Err(malformed("Syntax errors in policy."));
        }
        let actions = Patterns::parse(value, "Action", "NotAction")?;
        let statement = Self { allow, actions, resources, principals, condition };
        statement.check_actions()
    }

    fn check_actions(self) -> Result<Self, AwsError> {
        let (Patterns::Any(names) | Patterns::AllBut(names)) = &self.actions;
        match names.iter().find(|name| *name != "*" && !name.contains(':')) {
            Some(_) => {
                Err(malformed("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."))
            }
            None => Ok(self),
        }
    }

    fn covers_action(&self, action: &str) -> bool {
        let action = action.to_ascii_lowercase();
        self.actions.cover(|pattern| wildcard::fits(&pattern.to_ascii_lowercase(), &action))
    }

    fn counts(&self) -> bool {
        self.allow || self.condition.is_null()
    }

    fn external_id_fits(&self, sent: Option<&str>) -> bool {
        let wanted = self.condition.get("StringEquals").and_then(|tests| tests.get("sts:ExternalId"));
        wanted.is_none_or(|wanted| {
            let values = texts(wanted).unwrap_or_default();
            sent.is_some_and(|sent| values.iter().any(|value| value == sent))
        })
    }
}

impl Patterns {
    fn parse(statement: &Value, any: &str, all_but: &str) -> Result<Self, AwsError> {
        let read = |value: &Value| {
            texts(value)
                .filter(|texts| !texts.is_empty())
                .ok_or_else(|| malformed("Syntax errors in policy."))
        };
        match (statement.get(any), statement.get(all_but)) {
            (Some(value), None) => Ok(Self::Any(read(value)?)),
            (None, Some(value)) => Ok(Self::AllBut(read(value)?)),
            (None, None) => Err(malformed(format!("Policy statement must contain {}s.", any.to_lowercase()))),
            (Some(_), Some(_)) => Err(malformed("Syntax errors in policy.")),
        }
    }

    fn cover(&self, fits: impl Fn(&str) -> bool) -> bool {
        match self {
            Self::Any(patterns) => patterns.iter().any(|pattern| fits(pattern)),
            Self::AllBut(patterns) => !patterns.iter().any(|pattern| fits(pattern)),
        }
    }
}

fn principals(value: Option<&Value>) -> Result<Vec<(String, String)>, AwsError> {
    match value {
        Some(Value::String(text)) if text == "*" => Ok(vec![("AWS".to_owned(), text.clone())]),
        Some(Value::Object(kinds)) if !kinds.is_empty() => {
            let mut all = Vec::new();
            for (kind, values) in kinds {
                let known = matches!(kind.as_str(), "AWS" | "Service" | "Federated" | "CanonicalUser");
                let values =
                    texts(values).filter(|_| known).ok_or_else(|| malformed("Syntax errors in policy."))?;
                all.extend(values.into_iter().map(|value| (kind.clone(), value)));
            }
            Ok(all)
        }
        Some(_) => Err(malformed("Syntax errors in policy.")),
        None => Err(malformed("Missing required field Principal")),
    }
}

/// One text or a list of them.
fn texts(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::String(text) => Some(vec![text.clone()]),
        Value::Array(items) => items.iter().map(|item| item.as_str().map(str::to_owned)).collect(),
        _ => None,
    }
}

pub(super) fn malformed(message: impl Into<String>) -> AwsError {
    AwsError::new("MalformedPolicyDocument", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_checked() {
        let cases = [
            ("{", "This policy contains invalid Json"),
            ("[]", "Syntax errors in policy."),
            (r#"{"Statement":[]}"#, "Syntax errors in policy."),
            (r#"{"Version":"2020-01-01","Statement":{}}"#, "Syntax errors in policy."),
            (
                r#"{"Statement":{"Effect":"Allow","Action":"logs:*","Principal":"*","Resource":"*"}}"#,
                "Has prohibited field Principal",
            ),
            (
                r#"{"Statement":{"Effect":"Allow","Action":"logs:*"}}"#,
                "Policy statement must contain resources.",
            ),
            (
                r#"{"Statement":{"Effect":"Allow","Action":"PutLogEvents","Resource":"*"}}"#,
                "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
            ),
        ];
        for (text, expected) in cases {
            let error = Document::permissions(text).expect_err(text);
            assert_eq!((error.code.as_str(), error.message.as_str()), ("MalformedPolicyDocument", expected));
        }
        let trust = r#"{"Statement":{"Effect":"Allow","Action":"sts:AssumeRole"}}"#;
        assert_eq!(Document::trust(trust), Err(malformed("Missing required field Principal")));
    }

    #[test]
    fn a_deny_wins_and_silence_is_silence() {
        let text = r#"{"Statement":[
            {"Effect":"Allow","Action":["logs:*"],"Resource":"*"},
            {"Effect":"Deny","NotAction":"logs:Create*","Resource":"arn:aws:logs:*:*:log-group:secret:*"}]}"#;
        let document = Document::permissions(text).expect("a good document");
        let (open, secret) =
            ("arn:aws:logs:us-east-1:1:log-group:open:*", "arn:aws:logs:us-east-1:1:log-group:secret:*");
        assert_eq!(document.verdict("logs:PutLogEvents", open), Some(true));
        assert_eq!(document.verdict("LOGS:putlogevents", open), Some(true));
        assert_eq!(document.verdict("logs:PutLogEvents", secret), Some(false));
        assert_eq!(document.verdict("logs:CreateLogStream", secret), Some(true));
        assert_eq!(document.verdict("ec2:DescribeTags", open), None);
    }

    #[test]
    fn accounts_are_trusted_by_number_arn_and_external_id() {
        let trust = |principal: &str, condition: &str| {
            let text = format!(
                r#"{{"Statement":{{"Effect":"Allow","Principal":{principal},"Action":"sts:AssumeRole"{condition}}}}}"#
            );
            Document::trust(&text).expect("a good document")
        };
        let id = r#","Condition":{"StringEquals":{"sts:ExternalId":"secret"}}"#;
        let cases = [
            (r#"{"AWS":"111122223333"}"#, "", None, true),
            (r#"{"AWS":["arn:aws:iam::111122223333:root"]}"#, "", None, true),
            (r#"{"AWS":"arn:aws:iam::111122223333:role/W"}"#, "", None, true),
            (r#"{"AWS":"444455556666"}"#, "", None, false),
            (r#"{"Service":"ec2.amazonaws.com"}"#, "", None, false),
            (r#""*""#, id, None, false),
            (r#""*""#, id, Some("wrong"), false),
            (r#""*""#, id, Some("secret"), true),
        ];
        for (principal, condition, sent, expected) in cases {
            let document = trust(principal, condition);
            assert_eq!(document.trusts_account("111122223333", sent), expected, "{principal} {sent:?}");
        }
    }
}
