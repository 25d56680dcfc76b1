//! The query protocols: forms in, XML out. EC2 has its own dialect; IAM and STS share the other.
//!
//! `ResourceId.1=a&ResourceId.2=b` becomes `{"ResourceId": ["a", "b"]}`, `Filter.1.Name=x` becomes
//! `{"Filter": [{"Name": "x"}]}`; IAM's `Tags.member.1.Key` loses its `member`. Every leaf is a string.
//! Outputs are JSON with the element names of the wire (`flowLogSet`), and lists become `<item>` or `<member>`.

use quick_xml::escape::escape;
use serde_json::{Map, Value};

use super::{AwsError, Outcome, Response, Service, Target};

const CONTENT_TYPE: &str = "text/xml;charset=UTF-8";

/// Finds service and operation in a form body, by the `Version` that each service's API has.
pub(super) fn target(body: &[u8]) -> Option<(Service, String)> {
    let field = |wanted: &str| {
        form_urlencoded::parse(body).find(|(name, _)| name == wanted).map(|(_, value)| value.into_owned())
    };
    let service = match field("Version")?.as_str() {
        "2016-11-15" => Service::Ec2,
        "2010-05-08" => Service::Iam,
        "2011-06-15" => Service::Sts,
        _ => return None,
    };
    Some((service, field("Action")?))
}

/// Turns a form into JSON.
pub(super) fn input(body: &[u8]) -> Value {
    let mut root = Value::Object(Map::new());
    for (name, value) in form_urlencoded::parse(body) {
        if name == "Action" || name == "Version" {
            continue;
        }
        let path: Vec<&str> = name.split('.').filter(|part| *part != "member").collect();
        put(&mut root, &path, &value);
    }
    close(root)
}

/// Puts a leaf at `path`; numbers in the path are keys until [`close`] makes them lists.
fn put(at: &mut Value, path: &[&str], leaf: &str) {
    let Some((first, rest)) = path.split_first() else {
        *at = Value::String(leaf.to_owned());
        return;
    };
    if !at.is_object() {
        *at = Value::Object(Map::new());
    }
    if let Value::Object(members) = at {
        put(members.entry((*first).to_owned()).or_insert(Value::Null), rest, leaf);
    }
}

/// Turns every object whose keys are all numbers into the list it stands for.
fn close(value: Value) -> Value {
    let Value::Object(members) = value else { return value };
    let numbered: Option<Vec<u64>> = members.keys().map(|key| key.parse().ok()).collect();
    match numbered {
        Some(numbers) if !numbers.is_empty() => {
            let mut items: Vec<(u64, Value)> =
                numbers.into_iter().zip(members.into_iter().map(|(_, item)| close(item))).collect();
            items.sort_by_key(|(number, _)| *number);
            items.into_iter().map(|(_, item)| item).collect()
        }
        _ => members.into_iter().map(|(key, item)| (key, close(item))).collect(),
    }
}

/// Writes a reply in the service's dialect.
pub(super) fn reply(target: &Target, request_id: &str, outcome: &Outcome) -> Response {
    let (status, body) = match (outcome, target.service) {
        (Ok(output), Service::Ec2) => (200, ec2_success(&target.operation, request_id, output)),
        (Ok(output), service) => (200, query_success(service, &target.operation, request_id, output)),
        (Err(error), Service::Ec2) => (error.status, ec2_error(request_id, error)),
        (Err(error), service) => (error.status, query_error(service, request_id, error)),
    };
    Response {
        status,
        content_type: CONTENT_TYPE,
        request_id: request_id.to_owned(),
        body: body.into_bytes(),
    }
}

fn ec2_success(operation: &str, request_id: &str, output: &Value) -> String {
    let body = elements(output, "item");
    format!(
        "<{operation}Response xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>{request_id}</requestId>{body}</{operation}Response>"
    )
}

fn ec2_error(request_id: &str, error: &AwsError) -> String {
    let (code, message) = (escape(error.code.as_str()), escape(error.message.as_str()));
    format!(
        "<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors><RequestID>{request_id}</RequestID></Response>"
    )
}

fn query_success(service: Service, operation: &str, request_id: &str, output: &Value) -> String {
    let (namespace, body) = (namespace(service), elements(output, "member"));
    format!(
        "<{operation}Response xmlns=\"{namespace}\"><{operation}Result>{body}</{operation}Result><ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{operation}Response>"
    )
}

fn query_error(service: Service, request_id: &str, error: &AwsError) -> String {
    let (namespace, code, message) =
        (namespace(service), escape(error.code.as_str()), escape(error.message.as_str()));
    let kind = if error.status >= 500 { "Receiver" } else { "Sender" };
    format!(
        "<ErrorResponse xmlns=\"{namespace}\"><Error><Type>{kind}</Type><Code>{code}</Code><Message>{message}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>"
    )
}

const fn namespace(service: Service) -> &'static str {
    match service {
        Service::Sts => "https://sts.amazonaws.com/doc/2011-06-15/",
        _ => "https://iam.amazonaws.com/doc/2010-05-08/",
    }
}

fn elements(value: &Value, list_item: &str) -> String {
    let mut text = String::new();
    write_elements(&mut text, value, list_item);
    text
}

/// Into one text, however deep the value is: large listings are most of what the simulator says.
fn write_elements(text: &mut String, value: &Value, list_item: &str) {
    match value {
        Value::Null => {}
        Value::Bool(flag) => text.push_str(if *flag { "true" } else { "false" }),
        Value::Number(number) => text.push_str(&number.to_string()),
        Value::String(said) => text.push_str(&escape(said.as_str())),
        Value::Array(items) => {
            for item in items {
                write_element(text, list_item, item, list_item);
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                write_element(text, name, member, list_item);
            }
        }
    }
}

fn write_element(text: &mut String, name: &str, value: &Value, list_item: &str) {
    if value.is_null() {
        return;
    }
    for part in ["<", name, ">"] {
        text.push_str(part);
    }
    write_elements(text, value, list_item);
    for part in ["</", name, ">"] {
        text.push_str(part);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn forms_become_json() {
        let form = b"Action=CreateFlowLogs&Version=2016-11-15&ResourceId.1=vpc-1&ResourceId.2=vpc-2&TagSpecification.1.Tag.1.Key=a&Tags.member.1.Key=b";
        let expected = json!({
            "ResourceId": ["vpc-1", "vpc-2"],
            "TagSpecification": [{ "Tag": [{ "Key": "a" }] }],
            "Tags": [{ "Key": "b" }],
        });
        assert_eq!(input(form), expected);
    }

    #[test]
    fn outputs_become_xml() {
        let output = json!({ "flowLogSet": [{ "flowLogId": "fl-1", "logGroupName": null, "name": "<&>" }] });
        assert_eq!(
            elements(&output, "item"),
            "<flowLogSet><item><flowLogId>fl-1</flowLogId><name>&lt;&amp;&gt;</name></item></flowLogSet>"
        );
    }
}
