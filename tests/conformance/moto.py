"""The controller against moto: an estate converges, stays as it is, is broken, and is healed.

    AWS_ENDPOINT_URL=http://127.0.0.1:PORT python moto.py WATCHKEEPER FOLDER

`moto.sh` starts the server and calls this. FOLDER is made here. Every step looks at the resulting world with
boto3, never at what the controller says, but for the one sentence that nothing was changed.
"""

import copy
import json
import pathlib
import subprocess
import sys

import boto3

from estate import EC2_TRUST, VPC_TRUST

ec2, iam, logs, ssm = (boto3.client(name) for name in ("ec2", "iam", "logs", "ssm"))

PARAMETER, GROUP, VPC_GROUP = "AmazonCloudWatch-peers", "peers-application", "peers-vpc"
FLOW_ROLE, NODE_ROLE = "peers-flow-logs", "peers-instances"
CONFIG = '{ "agent": {"run_as_user": "cwagent"},\n  "metrics": {"metrics_collected": {"mem": {"measurement": ["mem_used_percent"]}}} }\n'
POLICIES = {
    f"arn:aws:iam::aws:policy/{name}" for name in ("CloudWatchAgentServerPolicy", "AmazonSSMManagedInstanceCore")
}
DESIRED = f"""
apiVersion: watchkeeper/v1
kind: AgentConfig
metadata: {{ name: peers }}
spec: {{ parameter: {PARAMETER}, configFile: peers.json }}
---
apiVersion: watchkeeper/v1
kind: LogGroup
metadata: {{ name: application }}
spec: {{ logGroup: {GROUP}, retentionDays: 30 }}
---
apiVersion: watchkeeper/v1
kind: LogGroup
metadata: {{ name: vpc }}
spec: {{ logGroup: {VPC_GROUP}, retentionDays: 14 }}
---
apiVersion: watchkeeper/v1
kind: IamRole
metadata: {{ name: flow-logs }}
spec: {{ roleName: {FLOW_ROLE}, preset: FlowLogs }}
---
apiVersion: watchkeeper/v1
kind: IamRole
metadata: {{ name: instances }}
spec: {{ roleName: {NODE_ROLE}, preset: CloudWatchAgentServer }}
---
apiVersion: watchkeeper/v1
kind: FlowLog
metadata: {{ name: vpc }}
spec:
  vpcs: {{ matchTags: {{ Application: ExampleCorp }} }}
  traffic: ALL
  logGroup: {VPC_GROUP}
  role: flow-logs
  maxAggregationInterval: 60
"""


class Controller:
    """Watchkeeper, as a person or a container would run it."""

    def __init__(self, binary, folder):
        self.binary, self.folder = binary, folder
        folder.mkdir(parents=True)
        (folder / "peers.yaml").write_text(DESIRED, encoding="utf-8")
        (folder / "peers.json").write_text(CONFIG, encoding="utf-8")

    def run(self, *options):
        """Runs it until it ends by itself; what it printed. It must end well."""
        command = [self.binary, "run", self.folder, "--interval", "2s", "--listen", "none", *options]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=170)
        assert ran.returncode == 0, f"exit code {ran.returncode}\n{ran.stdout}\n{ran.stderr}"
        return ran.stdout + ran.stderr

    def converge(self):
        self.run("--until-ready=150s")

    def expect_nothing_to_do(self):
        printed = self.run("--once")
        assert "Nothing was changed." in printed, printed


def step(text):
    print(f"- {text}", flush=True)


def pairs(tags):
    return {tag["Key"]: tag["Value"] for tag in tags}


def owner(of):
    """The tag by which the controller knows what is its own."""
    return f"default/{of}"


def groups():
    found = {}
    for row in logs.describe_log_groups(logGroupNamePrefix="peers-")["logGroups"]:
        tags = logs.list_tags_for_resource(resourceArn=row["arn"].removesuffix(":*"))["tags"]
        found[row["logGroupName"]] = (row.get("retentionInDays"), tags.get("watchkeeper:owner"))
    return found


def role(name):
    row = iam.get_role(RoleName=name)["Role"]
    inline = iam.list_role_policies(RoleName=name)["PolicyNames"]
    return {
        "trust": row["AssumeRolePolicyDocument"],
        "owner": pairs(row["Tags"]).get("watchkeeper:owner"),
        "attached": {policy["PolicyArn"] for policy in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]},
        "inline": {each: iam.get_role_policy(RoleName=name, PolicyName=each)["PolicyDocument"] for each in inline},
    }


def profile():
    row = iam.get_instance_profile(InstanceProfileName=NODE_ROLE)["InstanceProfile"]
    return [each["RoleName"] for each in row["Roles"]]


def flow_logs(vpc):
    return ec2.describe_flow_logs(Filters=[{"Name": "resource-id", "Values": [vpc]}])["FlowLogs"]


def world(vpcs):
    """All that the controller looks after, ids and versions included: equal worlds mean that nothing was written."""
    parameter = ssm.get_parameter(Name=PARAMETER)["Parameter"]
    tags = ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId=PARAMETER)["TagList"]
    return copy.deepcopy({
        "parameter": (parameter["Value"], parameter["Type"], parameter["Version"], pairs(tags)),
        "tier": ssm.describe_parameters(ParameterFilters=[{"Key": "Name", "Values": [PARAMETER]}])["Parameters"][0]["Tier"],
        "groups": groups(),
        "roles": {name: role(name) for name in (FLOW_ROLE, NODE_ROLE)},
        "profile": profile(),
        "flow logs": {vpc: flow_logs(vpc) for vpc in vpcs},
    })


def make_vpcs():
    step("two tagged VPCs, and one that nobody asked for")
    made = []
    for number, tags in enumerate(([("Application", "ExampleCorp")], [("Application", "ExampleCorp")], [("Name", "other")])):
        vpc = ec2.create_vpc(CidrBlock=f"10.{number}.0.0/16")["Vpc"]["VpcId"]
        ec2.create_tags(Resources=[vpc], Tags=[{"Key": key, "Value": value} for key, value in tags])
        made.append(vpc)
    return made


def check(vpcs, untouched):
    """Everything is as DESIRED says, in every field."""
    value, kind, _, tags = world(vpcs)["parameter"]
    assert (value, kind) == (CONFIG, "String"), (value, kind)
    assert tags["watchkeeper:owner"] == owner("AgentConfig/peers"), tags
    assert world(vpcs)["tier"] == "Standard"
    assert groups() == {GROUP: (30, owner("LogGroup/application")), VPC_GROUP: (14, owner("LogGroup/vpc"))}, groups()
    flow, node = role(FLOW_ROLE), role(NODE_ROLE)
    assert (flow["trust"], flow["owner"]) == (VPC_TRUST, owner("IamRole/flow-logs")), flow
    assert flow["attached"] == set() and list(flow["inline"]) == ["FlowLogs"], flow
    actions = flow["inline"]["FlowLogs"]["Statement"][0]["Action"]
    assert "logs:PutLogEvents" in actions and "logs:CreateLogGroup" in actions, actions
    assert (node["trust"], node["owner"]) == (EC2_TRUST, owner("IamRole/instances")), node
    assert node["attached"] == POLICIES and node["inline"] == {}, node
    assert profile() == [NODE_ROLE], profile()
    for vpc in vpcs:
        check_flow_log(vpc)
    assert flow_logs(untouched) == []


def check_flow_log(vpc):
    rows = flow_logs(vpc)
    assert len(rows) == 1, rows
    wanted = {
        "TrafficType": "ALL",
        "LogDestinationType": "cloud-watch-logs",
        "LogGroupName": VPC_GROUP,
        "DeliverLogsPermissionArn": iam.get_role(RoleName=FLOW_ROLE)["Role"]["Arn"],
        "MaxAggregationInterval": 60,
        "FlowLogStatus": "ACTIVE",
    }
    have = {field: rows[0].get(field) for field in wanted}
    assert have == wanted, have
    assert pairs(rows[0]["Tags"])["watchkeeper:owner"] == owner("FlowLog/vpc"), rows[0]


def breakages(vpc):
    """What somebody does to the estate: a sentence, and the deed."""
    statement = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    everything = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    return [
        ("the parameter is edited", lambda: ssm.put_parameter(Name=PARAMETER, Value="{}", Type="String", Overwrite=True)),
        ("the retention is shortened", lambda: logs.put_retention_policy(logGroupName=GROUP, retentionInDays=7)),
        ("a log group is deleted", lambda: logs.delete_log_group(logGroupName=VPC_GROUP)),
        ("a policy is detached", lambda: iam.detach_role_policy(RoleName=NODE_ROLE, PolicyArn=min(POLICIES))),
        ("the trust is edited", lambda: iam.update_assume_role_policy(
            RoleName=NODE_ROLE, PolicyDocument=json.dumps(VPC_TRUST))),
        ("an inline policy is edited", lambda: iam.put_role_policy(
            RoleName=FLOW_ROLE, PolicyName="FlowLogs", PolicyDocument=everything)),
        ("the profile loses its role", lambda: iam.remove_role_from_instance_profile(
            InstanceProfileName=NODE_ROLE, RoleName=NODE_ROLE)),
        ("a flow log is deleted", lambda: ec2.delete_flow_logs(FlowLogIds=[flow_logs(vpc)[0]["FlowLogId"]])),
    ]


def supersede(vpc):
    """A flow log of ours that captures only rejected traffic, in place of the right one."""
    right = flow_logs(vpc)[0]
    ec2.delete_flow_logs(FlowLogIds=[right["FlowLogId"]])
    made = ec2.create_flow_logs(
        ResourceIds=[vpc], ResourceType="VPC", TrafficType="REJECT", LogGroupName=VPC_GROUP,
        DeliverLogsPermissionArn=right["DeliverLogsPermissionArn"], MaxAggregationInterval=60,
        TagSpecifications=[{"ResourceType": "vpc-flow-log", "Tags": right["Tags"]}])
    assert made["Unsuccessful"] == [] and len(made["FlowLogIds"]) == 1, made


def main():
    controller = Controller(sys.argv[1], pathlib.Path(sys.argv[2]))
    *vpcs, untouched = make_vpcs()
    step("a bare estate converges")
    controller.converge()
    check(vpcs, untouched)

    step("a new process changes nothing")
    before = world(vpcs)
    controller.expect_nothing_to_do()
    assert world(vpcs) == before, (before, world(vpcs))

    for what, deed in breakages(vpcs[0]):
        step(f"{what}")
        deed()
    step("all of it is healed")
    controller.converge()
    check(vpcs, untouched)

    step("a flow log that differs is replaced, though moto allows no second one beside it")
    supersede(vpcs[1])
    controller.converge()
    check(vpcs, untouched)
    controller.expect_nothing_to_do()
    print("The controller and moto agree.")


if __name__ == "__main__":
    main()
