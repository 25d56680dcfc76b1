"""Checks the IAM policies in deploy/ against the code, the documentation, and parliament.

    python .ci/policies.py            from the root of the repository; needs parliament and PyYAML

- The controller is granted every call in src/aws/apis.rs, and nothing else.
- Every statement of the controller's policy is explained in docs/deploy.md.
- parliament, which knows AWS's own list of actions, resources and conditions, finds nothing.
"""

import json
import pathlib
import re
import sys

import parliament
import yaml

PERMISSIONS = pathlib.Path("deploy/iam/permissions.yaml")
SERVICE = pathlib.Path("deploy/watchkeeper.yaml")

# Anybody may ask who they are.
NEEDS_NO_PERMISSION = {"sts:GetCallerIdentity"}
# Never called by these names: AWS asks for them where a role is handed over, or a new profile carries tags.
IMPLIED = {"iam:PassRole", "iam:TagInstanceProfile"}
# Called by `install-probe` only, which a person runs.
INSTALL_PROBE = {"ssm:CreateDocument", "ssm:UpdateDocument", "ssm:UpdateDocumentDefaultVersion"}
# AWS checks these calls once for each resource that they name. parliament wants all types of resource in one
# statement, but each type has a condition of its own.
ONE_TYPE_AT_A_TIME = {"SendToNodes", "MakeFlowLogsOnNetworks"}

AWS = {"AWS::Partition": "aws", "AWS::Region": "us-east-1", "AWS::AccountId": "111122223333"}
# For parameters that have no default, or none that fits its place.
PARAMETERS = {
    "GitCredentialsSecretArn": "arn:aws:secretsmanager:us-east-1:111122223333:secret:git-AbCdEf",
    "WebhookSecretArn": "arn:aws:secretsmanager:us-east-1:111122223333:secret:webhook-AbCdEf",
    "PermissionsBoundaryArn": "arn:aws:iam::111122223333:policy/boundary",
}
ABSENT = object()


class Template(yaml.SafeLoader):
    """YAML with CloudFormation's short forms, read as {"!Name": value}."""


def short_form(loader, name, node):
    read = {"scalar": loader.construct_scalar}.get(node.id)
    value = read(node) if read else loader.construct_sequence(node, deep=True)
    return {f"!{name}": value}


Template.add_multi_constructor("!", short_form)


def resolved(value, names, taken):
    """The value as CloudFormation would make it. Every condition goes the way `taken` says."""
    if isinstance(value, list):
        items = [resolved(item, names, taken) for item in value]
        return [item for item in items if item is not ABSENT]
    if not isinstance(value, dict):
        return value
    if "!Ref" in value:
        name = value["!Ref"]
        return ABSENT if name == "AWS::NoValue" else names.get(name, f"arn:aws:iam::111122223333:policy/{name}")
    if "!Sub" in value:
        return re.sub(r"\$\{([^}]+)\}", lambda match: names[match[1]], value["!Sub"])
    if "!If" in value:
        _, yes, no = value["!If"]
        return resolved(yes if taken else no, names, taken)
    return {key: resolved(item, names, taken) for key, item in value.items()}


def policies(path, taken):
    """Every policy document of a template, by the logical name of what holds it."""
    template = yaml.load(path.read_text(), Template)
    defaults = {name: str(given.get("Default", name)) for name, given in template["Parameters"].items()}
    names = {**defaults, **PARAMETERS, **AWS}
    for logical, resource in template["Resources"].items():
        properties = resource.get("Properties", {})
        for inline in properties.get("Policies", []):
            yield logical, resolved(inline["PolicyDocument"], names, taken)
        if "PolicyDocument" in properties:
            yield logical, resolved(properties["PolicyDocument"], names, taken)


def granted(document):
    actions = (statement["Action"] for statement in document["Statement"])
    return {action for some in actions for action in ([some] if isinstance(some, str) else some)}


def compare(what, have, want):
    for action in sorted(want - have):
        yield f"{what}: {action} is called and not granted"
    for action in sorted(have - want):
        yield f"{what}: {action} is granted and never called"


def against_the_code():
    calls = set(re.findall(r'Api::new\("([a-z0-9]+:\w+)"', pathlib.Path("src/aws/apis.rs").read_text()))
    documents = dict(policies(PERMISSIONS, taken=False))
    wanted = (calls - NEEDS_NO_PERMISSION - INSTALL_PROBE) | IMPLIED
    yield from compare("the controller", granted(documents["Controller"]), wanted)
    documents = dict(policies(PERMISSIONS, taken=True))
    yield from compare("install-probe", granted(documents["InstallProbe"]), INSTALL_PROBE | {"ssm:DescribeDocument"})


def against_the_documentation():
    text = pathlib.Path("docs/deploy.md").read_text()
    for statement in dict(policies(PERMISSIONS, taken=True))["Controller"]["Statement"]:
        if f"`{statement['Sid']}`" not in text:
            yield f"docs/deploy.md does not say what {statement['Sid']} is for"


def expected(issue, logical, statement):
    # A boundary grants nothing, so that its stars are no danger.
    by_the_boundary = issue == "RESOURCE_STAR" and logical == "Boundary"
    return by_the_boundary or (issue == "RESOURCE_MISMATCH" and statement in ONE_TYPE_AT_A_TIME)


def against_parliament():
    for path in (PERMISSIONS, SERVICE):
        for taken in (True, False):
            for logical, document in policies(path, taken):
                for statement in document["Statement"]:
                    text = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
                    for finding in parliament.analyze_policy_string(text).findings:
                        if not expected(finding.issue, logical, statement["Sid"]):
                            yield f"{path} {logical} {statement['Sid']}: {finding.issue} {finding.detail}"


def main():
    complaints = [*against_the_code(), *against_the_documentation(), *against_parliament()]
    for complaint in dict.fromkeys(complaints):
        print(complaint)
    if complaints:
        sys.exit(1)
    print("Every call is granted, nothing else is, and everything is explained.")


if __name__ == "__main__":
    main()
