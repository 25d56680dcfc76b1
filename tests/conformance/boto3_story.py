"""A person's story with boto3: an estate from nothing, the agent on it, its logs read, then things broken.

    AWS_ENDPOINT_URL=http://127.0.0.1:PORT AWS_DEFAULT_REGION=us-east-1 \
    AWS_ACCESS_KEY_ID=AKIA111122223333SIMU AWS_SECRET_ACCESS_KEY=secret python boto3_story.py

Needs boto3 and a simulator whose estate is empty. Every step asserts what it led to. A higher `--speed` of
the simulator makes the waits shorter; nothing depends on it.
"""

import json
import time

import boto3
import botocore.exceptions

from estate import AGENT, EC2_TRUST, LOGS, VPC_TRUST, until

ec2, iam, logs, ssm, sts = (boto3.client(name) for name in ("ec2", "iam", "logs", "ssm", "sts"))
CONFIG = "AmazonCloudWatch-ExampleCorpConfig"
APPLICATION = {"Key": "Application", "Value": "ExampleCorp"}
UNDER_WAY = ("Pending", "InProgress", "Cancelling", "Delayed")
HOUR = 3_600_000


def step(text):
    print(f"- {text}", flush=True)


def refused(call, *codes):
    """Asserts that a call is refused with one of these codes."""
    try:
        call()
    except botocore.exceptions.ClientError as error:
        assert error.response["Error"]["Code"] in codes, error
        return
    raise AssertionError(f"not refused with {codes}")


def eventually(what, call, *codes):
    """Repeats a call while it is refused with one of these codes: AWS's own answer to objects that are too new."""
    for _ in range(120):
        try:
            return call()
        except botocore.exceptions.ClientError as error:
            if error.response["Error"]["Code"] not in codes:
                raise
            time.sleep(0.5)
    raise AssertionError(f"{what}: still refused")


def make_roles():
    step("roles for the agent and for flow logs, and a profile")
    assert sts.get_caller_identity()["Account"] == "111122223333"
    flow = iam.create_role(RoleName="flow-logs", AssumeRolePolicyDocument=json.dumps(VPC_TRUST))["Role"]["Arn"]
    iam.put_role_policy(RoleName="flow-logs", PolicyName="logs", PolicyDocument=json.dumps(LOGS))
    iam.create_role(RoleName="agent", AssumeRolePolicyDocument=json.dumps(EC2_TRUST))
    for policy in ("CloudWatchAgentServerPolicy", "AmazonSSMManagedInstanceCore"):
        iam.attach_role_policy(RoleName="agent", PolicyArn=f"arn:aws:iam::aws:policy/{policy}")
    iam.create_instance_profile(InstanceProfileName="agent")
    iam.add_role_to_instance_profile(InstanceProfileName="agent", RoleName="agent")
    roles = iam.get_instance_profile(InstanceProfileName="agent")["InstanceProfile"]["Roles"]
    assert [role["RoleName"] for role in roles] == ["agent"]
    return flow


def make_nodes():
    step("a VPC, a subnet, three instances that become managed nodes")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]
    run = lambda: ec2.run_instances(
        ImageId="ami-0123456789abcdef0", InstanceType="t3.micro", MinCount=3, MaxCount=3, SubnetId=subnet,
        IamInstanceProfile={"Name": "agent"},
        TagSpecifications=[{"ResourceType": "instance", "Tags": [APPLICATION]}])
    made = eventually("the new profile", run, "InvalidParameterValue")
    nodes = sorted(instance["InstanceId"] for instance in made["Instances"])
    online = lambda: sorted(
        node["InstanceId"]
        for page in ssm.get_paginator("describe_instance_information").paginate()
        for node in page["InstanceInformationList"] if node["PingStatus"] == "Online")
    assert until(online, lambda seen: seen == nodes) == nodes
    return vpc, nodes


def run_command(document, parameters, nodes):
    """Sends a command to the tagged nodes and waits for its end; the invocations by node."""
    sent = ssm.send_command(
        DocumentName=document, Parameters=parameters, TimeoutSeconds=600,
        Targets=[{"Key": f"tag:{APPLICATION['Key']}", "Values": [APPLICATION["Value"]]}])["Command"]
    listed = lambda: ssm.list_command_invocations(CommandId=sent["CommandId"], Details=True)["CommandInvocations"]
    ended = lambda found: len(found) == len(nodes) and all(each["Status"] not in UNDER_WAY for each in found)
    found = until(listed, ended)
    assert sorted(each["InstanceId"] for each in found) == nodes, found
    return sent, {each["InstanceId"]: each for each in found}


def configure(nodes):
    return run_command("AmazonCloudWatch-ManageAgent", {
        "action": ["configure"], "mode": ["ec2"], "optionalConfigurationSource": ["ssm"],
        "optionalConfigurationLocation": [CONFIG], "optionalRestart": ["yes"]}, nodes)


def install_agent(nodes):
    step("the agent is installed and configured")
    _, found = run_command("AWS-ConfigureAWSPackage", {"action": ["Install"], "name": ["AmazonCloudWatchAgent"]}, nodes)
    assert {each["Status"] for each in found.values()} == {"Success"}, found
    version = ssm.put_parameter(Name=CONFIG, Value=json.dumps(AGENT), Type="String")["Version"]
    assert version == 1
    sent, found = configure(nodes)
    assert {each["Status"] for each in found.values()} == {"Success"}, found
    return int(sent["RequestedDateTime"].timestamp() * 1000)


def events(group, start, **more):
    pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group, startTime=start, **more)
    return [event for page in pages for event in page["events"]]


def read_application_log(nodes, now):
    step("application.log arrives from every node, and a filter finds a part of the last two hours")
    exists = lambda: [group["logGroupName"] for group in
                      logs.describe_log_groups(logGroupNamePrefix="application.log")["logGroups"]]
    assert until(exists, bool) == ["application.log"]
    start = now - 2 * HOUR
    writers = lambda: {event["logStreamName"] for event in events("application.log", start)}
    assert until(writers, lambda seen: len(seen) == len(nodes)) == set(nodes)
    served = until(lambda: events("application.log", start, filterPattern="{ $.status = 200 }"), bool)
    assert served and all(json.loads(event["message"])["status"] == 200 for event in served)
    times = [event["timestamp"] for event in served]
    assert times == sorted(times) and times[0] >= start


def make_flow_log(vpc, role):
    step("a flow log of the VPC delivers records")
    make = lambda: ec2.create_flow_logs(
        ResourceIds=[vpc], ResourceType="VPC", TrafficType="ALL", LogGroupName="ExampleCorpVPC",
        DeliverLogsPermissionArn=role, MaxAggregationInterval=60)
    made = eventually("the new role", make, "InvalidParameter")
    assert made["Unsuccessful"] == [] and len(made["FlowLogIds"]) == 1, made
    # By filter: a new id may not be known yet, and asking for an unknown id is an error.
    mine = [{"Name": "resource-id", "Values": [vpc]}]
    logs_of = lambda: ec2.describe_flow_logs(Filters=mine)["FlowLogs"]
    found = until(logs_of, lambda found: found and found[0].get("DeliverLogsStatus") == "SUCCESS")
    assert found[0]["FlowLogStatus"] == "ACTIVE", found
    refused(lambda: logs.put_retention_policy(logGroupName="ExampleCorpVPC", retentionInDays=2),
            "InvalidParameterException", "ResourceNotFoundException")


def break_things(nodes):
    step("a bad configuration fails on the nodes; the good one heals them")
    ssm.put_parameter(Name=CONFIG, Value="{ not JSON", Type="String", Overwrite=True)
    _, found = configure(nodes)
    assert {each["Status"] for each in found.values()} == {"Failed"}, found
    ssm.put_parameter(Name=CONFIG, Value=json.dumps(AGENT), Type="String", Overwrite=True)
    _, found = configure(nodes)
    assert {each["Status"] for each in found.values()} == {"Success"}, found

    step("a protected group stays; an unprotected one is deleted, and the agents bring it back empty")
    logs.create_log_group(logGroupName="protected", deletionProtectionEnabled=True)
    refused(lambda: logs.delete_log_group(logGroupName="protected"), "ValidationException")
    logs.put_retention_policy(logGroupName="application.log", retentionInDays=30)
    logs.delete_log_group(logGroupName="application.log")
    groups = lambda: logs.describe_log_groups(logGroupNamePrefix="application.log")["logGroups"]
    back = until(groups, lambda found: found and "retentionInDays" not in found[0])
    assert back and "retentionInDays" not in back[0], back

    step("wrong requests are refused in AWS's words")
    refused(lambda: ssm.send_command(DocumentName="Missing", InstanceIds=nodes[:1]), "InvalidDocument")
    refused(lambda: ssm.send_command(DocumentName="AWS-RunShellScript", InstanceIds=["i-00000000000000000"],
                                     Parameters={"commands": ["true"]}), "InvalidInstanceId")
    refused(lambda: ssm.get_parameter(Name="missing"), "ParameterNotFound")
    refused(lambda: iam.get_role(RoleName="missing"), "NoSuchEntity")
    refused(lambda: iam.delete_role(RoleName="agent"), "DeleteConflict")


def main():
    role = make_roles()
    vpc, nodes = make_nodes()
    now = install_agent(nodes)
    read_application_log(nodes, now)
    make_flow_log(vpc, role)
    break_things(nodes)
    print("The story ends well.")


if __name__ == "__main__":
    main()
