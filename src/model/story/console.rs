//! Where in the AWS console to look.

use crate::model::desired::{Desired, ObjectRef, Spec};
use crate::model::event::Event;
use crate::model::reason::Nature;

/// The page that shows best what `event` is about; `None` where the account or the thing is not known.
///
/// Addresses as the console itself shows them; AWS promises none of them.
pub(super) fn link(desired: &Desired, event: &Event) -> Option<String> {
    let region = Region::known(&event.region)?;
    let command =
        event.commands.last().map(|id| region.page(&format!("systems-manager/run-command/{}", encoded(id))));
    // What failed is best read where it ran.
    if event.reason.nature() == Nature::Fault && command.is_some() {
        return command;
    }
    let subject = match event.subjects.as_slice() {
        [only] => of_subject(&region, only),
        _ => None,
    };
    subject.or_else(|| of_object(&region, desired, event.object.as_ref()?)).or(command)
}

/// A Region with its console.
struct Region<'a> {
    name: &'a str,
    host: &'static str,
}

impl<'a> Region<'a> {
    /// None for a word that is no Region's name: it would lead elsewhere.
    fn known(name: &'a str) -> Option<Self> {
        let is_name =
            name.contains('-') && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        let host = if name.starts_with("cn-") {
            "console.amazonaws.cn"
        } else if name.starts_with("us-gov-") {
            "console.amazonaws-us-gov.com"
        } else {
            "console.aws.amazon.com"
        };
        is_name.then_some(Self { name, host })
    }

    /// A page of this Region.
    fn page(&self, path: &str) -> String {
        let Self { name, host } = self;
        let (path, fragment) =
            path.split_once('#').map_or((path, String::new()), |(path, at)| (path, format!("#{at}")));
        format!("https://{name}.{host}/{path}?region={name}{fragment}")
    }
}

fn of_subject(region: &Region<'_>, id: &str) -> Option<String> {
    let (kind, rest) = id.split_once('-')?;
    if rest.is_empty() || !rest.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return None;
    }
    Some(region.page(&match kind {
        "i" => format!("ec2/home#InstanceDetails:instanceId={id}"),
        "mi" => format!("systems-manager/fleet-manager/managed-nodes/{id}/general"),
        "vpc" => format!("vpcconsole/home#VpcDetails:VpcId={id}"),
        "subnet" => format!("vpcconsole/home#SubnetDetails:subnetId={id}"),
        "eni" => format!("ec2/home#NetworkInterface:networkInterfaceId={id}"),
        _ => return None,
    }))
}

fn of_object(region: &Region<'_>, desired: &Desired, id: &ObjectRef) -> Option<String> {
    Some(match &desired.get(id)?.spec {
        Spec::AgentConfig(config) => {
            region.page(&format!("systems-manager/parameters/{}/description", encoded(&config.parameter)))
        }
        Spec::LogGroup(group) => {
            region.page(&format!("cloudwatch/home#logsV2:log-groups/log-group/{}", twice(&group.log_group)))
        }
        Spec::IamRole(role) => {
            format!("https://{}/iam/home#/roles/details/{}", region.host, encoded(&role.role_name))
        }
        Spec::CloudWatchAgent(_) => region.page("systems-manager/fleet-manager/managed-nodes"),
        Spec::FlowLog(_) => region.page("vpcconsole/home#vpcs:"),
        Spec::Account(_) => return None,
    })
}

fn encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

/// Names in the fragment of CloudWatch's pages are encoded twice, with `$` for the second `%`.
fn twice(text: &str) -> String {
    encoded(&encoded(text)).replace('%', "$")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_by_subject() {
        let region = Region::known("eu-west-1").expect("a Region");
        let cases = [
            (
                "i-0abc",
                Some(
                    "https://eu-west-1.console.aws.amazon.com/ec2/home?region=eu-west-1#InstanceDetails:instanceId=i-0abc",
                ),
            ),
            (
                "vpc-1",
                Some(
                    "https://eu-west-1.console.aws.amazon.com/vpcconsole/home?region=eu-west-1#VpcDetails:VpcId=vpc-1",
                ),
            ),
            (
                "mi-0abc",
                Some(
                    "https://eu-west-1.console.aws.amazon.com/systems-manager/fleet-manager/managed-nodes/mi-0abc/general?region=eu-west-1",
                ),
            ),
            ("i-\"><script>", None),
            ("ExampleCorpVPC", None),
        ];
        for (id, expected) in cases {
            assert_eq!(of_subject(&region, id).as_deref(), expected, "{id}");
        }
    }

    #[test]
    fn each_partition_has_its_console() {
        let page = |name| Region::known(name).map(|region| region.page("x"));
        assert_eq!(
            page("cn-north-1").as_deref(),
            Some("https://cn-north-1.console.amazonaws.cn/x?region=cn-north-1")
        );
        let gov = "https://us-gov-west-1.console.amazonaws-us-gov.com/x?region=us-gov-west-1";
        assert_eq!(page("us-gov-west-1").as_deref(), Some(gov));
        assert_eq!(page("unknown"), None);
        assert_eq!(page("evil.example/us-east-1"), None);
    }

    #[test]
    fn a_group_in_a_fragment_is_encoded_twice() {
        assert_eq!(twice("/aws/x y"), "$252Faws$252Fx$2520y");
    }
}
