"""The walk through all operations: an estate is built, looked at, changed and taken down through the API.

Each part stands for one subject and leaves behind what later parts need in `walk.made`.
"""

import json
import time

VPC_TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "vpc-flow-logs.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ],
}
ACCOUNT_TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:root"}, "Action": "sts:AssumeRole"}
    ],
}
EC2_TRUST = json.loads(json.dumps(VPC_TRUST).replace("vpc-flow-logs", "ec2"))
LOGS = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "logs:*", "Resource": "*"}],
}
AGENT = {"logs": {"logs_collected": {"files": {"collect_list": [
    {"file_path": "/var/log/application.log", "log_group_name": "application.log", "log_stream_name": "{instance_id}"}
]}}}}
DOCUMENT = {
    "schemaVersion": "2.2",
    "description": "Does nothing",
    "mainSteps": [
        {"action": "aws:runShellScript", "name": "nothing", "inputs": {"runCommand": ["true"]}}
    ],
}
# Longer than any lag that the simulator has at speed 1 (a flow log's first records take two minutes), with some room.
PATIENCE_SECONDS = 240


def until(ask, good):
    """Asks until the answer is good, or patience ends; the last answer."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        answer = ask()
        if good(answer) or time.monotonic() > deadline:
            return answer
        time.sleep(0.5)


def identity(walk):
    walk.made = {}
    walk.call("sts", "GetCallerIdentity")


def roles(walk):
    iam = lambda operation, **parameters: walk.call("iam", operation, **parameters)
    for name, trust in (("flow-logs", VPC_TRUST), ("agent", EC2_TRUST)):
        iam("CreateRole", RoleName=name, AssumeRolePolicyDocument=json.dumps(trust), Tags=[{"Key": "a", "Value": "b"}])
        iam("PutRolePolicy", RoleName=name, PolicyName="logs", PolicyDocument=json.dumps(LOGS))
        walk.made[name] = iam("GetRole", RoleName=name)["Role"]["Arn"]
    iam("ListRoles")
    iam("UpdateRole", RoleName="agent", Description="of the agent", MaxSessionDuration=3600)
    iam("UpdateAssumeRolePolicy", RoleName="agent", PolicyDocument=json.dumps(EC2_TRUST))
    iam("TagRole", RoleName="agent", Tags=[{"Key": "c", "Value": "d"}])
    iam("UntagRole", RoleName="agent", TagKeys=["a"])
    iam("ListRoleTags", RoleName="agent")
    iam("GetRolePolicy", RoleName="agent", PolicyName="logs")
    iam("ListRolePolicies", RoleName="agent")
    for policy in ("CloudWatchAgentServerPolicy", "AmazonSSMManagedInstanceCore"):
        iam("AttachRolePolicy", RoleName="agent", PolicyArn=f"arn:aws:iam::aws:policy/{policy}")
    attached = "arn:aws:iam::aws:policy/CloudWatchAgentServerPolicy"
    iam("ListAttachedRolePolicies", RoleName="agent")
    policy = iam("GetPolicy", PolicyArn=attached)
    version = policy.get("Policy", {}).get("DefaultVersionId", "v1")
    iam("GetPolicyVersion", PolicyArn=attached, VersionId=version)
    iam("ListPolicies")
    iam("PutRolePermissionsBoundary", RoleName="flow-logs", PermissionsBoundary=attached)
    iam("DeleteRolePermissionsBoundary", RoleName="flow-logs")
    for name in ("agent", "spare"):
        iam("CreateInstanceProfile", InstanceProfileName=name)
        iam("AddRoleToInstanceProfile", InstanceProfileName=name, RoleName="agent")
    iam("GetInstanceProfile", InstanceProfileName="agent")
    iam("ListInstanceProfiles")
    iam("ListInstanceProfilesForRole", RoleName="agent")
    iam("TagInstanceProfile", InstanceProfileName="agent", Tags=[{"Key": "a", "Value": "b"}])
    iam("ListInstanceProfileTags", InstanceProfileName="agent")
    iam("UntagInstanceProfile", InstanceProfileName="agent", TagKeys=["a"])


def network(walk):
    ec2 = lambda operation, **parameters: walk.call("ec2", operation, **parameters)
    vpc = ec2("CreateVpc", CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2("CreateSubnet", VpcId=vpc, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]
    time.sleep(15)  # a new profile is not usable at once
    tags = [{"ResourceType": "instance", "Tags": [{"Key": "Application", "Value": "ExampleCorp"}]}]
    run = ec2("RunInstances", ImageId="ami-0123456789abcdef0", InstanceType="t3.micro", MinCount=2, MaxCount=2,
              SubnetId=subnet, IamInstanceProfile={"Name": "agent"}, TagSpecifications=tags)
    walk.made["nodes"] = nodes = [instance["InstanceId"] for instance in run["Instances"]]
    walk.made["vpc"] = vpc
    running = lambda answer: all(
        instance["State"]["Name"] == "running"
        for reservation in answer.get("Reservations", []) for instance in reservation["Instances"])
    until(lambda: ec2("DescribeInstances", InstanceIds=nodes), running)
    for listing in ("DescribeVpcs", "DescribeSubnets", "DescribeNetworkInterfaces", "DescribeTags",
                    "DescribeRegions", "DescribeAvailabilityZones", "DescribeInstances"):
        ec2(listing)
    ec2("CreateTags", Resources=[vpc, subnet], Tags=[{"Key": "a", "Value": "b"}])
    ec2("DescribeTags", Filters=[{"Name": "resource-id", "Values": [vpc]}])
    ec2("DeleteTags", Resources=[subnet], Tags=[{"Key": "a"}])
    profiles(ec2, nodes[1])


def profiles(ec2, node):
    ask = lambda: ec2("DescribeIamInstanceProfileAssociations", Filters=[{"Name": "instance-id", "Values": [node]}])
    found = until(ask, lambda answer: answer.get("IamInstanceProfileAssociations"))
    association = found["IamInstanceProfileAssociations"][0]["AssociationId"]
    replaced = ec2("ReplaceIamInstanceProfileAssociation", AssociationId=association,
                   IamInstanceProfile={"Name": "spare"})
    association = replaced["IamInstanceProfileAssociation"]["AssociationId"]
    ec2("DisassociateIamInstanceProfile", AssociationId=association)
    time.sleep(5)
    ec2("AssociateIamInstanceProfile", InstanceId=node, IamInstanceProfile={"Name": "agent"})


def flow_logs(walk):
    ec2 = lambda operation, **parameters: walk.call("ec2", operation, **parameters)
    made = ec2("CreateFlowLogs", ResourceIds=[walk.made["vpc"]], ResourceType="VPC", TrafficType="ALL",
               LogGroupName="ExampleCorpVPC", DeliverLogsPermissionArn=walk.made["flow-logs"],
               MaxAggregationInterval=60, ClientToken="conformance")
    if made.get("Unsuccessful"):
        walk.complaints.append(f"ec2 CreateFlowLogs: {made['Unsuccessful']}")
    until(lambda: ec2("DescribeFlowLogs"), lambda answer: answer.get("FlowLogs"))
    ec2("DeleteFlowLogs", FlowLogIds=made["FlowLogIds"])


def parameters(walk):
    ssm = lambda operation, **inputs: walk.call("ssm", operation, **inputs)
    name = "AmazonCloudWatch-ExampleCorpConfig"
    ssm("PutParameter", Name=name, Value=json.dumps(AGENT), Type="String", Tags=[{"Key": "a", "Value": "b"}])
    ssm("PutParameter", Name=name, Value=json.dumps(AGENT) + " ", Type="String", Overwrite=True)
    for extra in ("/a/b", "/a/c", "/a/d"):
        ssm("PutParameter", Name=extra, Value="x", Type="SecureString" if extra == "/a/d" else "String")
        time.sleep(0.4)  # three a second
    ssm("GetParameter", Name=f"{name}:1")
    ssm("GetParameters", Names=[name, "missing"], WithDecryption=True)
    ssm("GetParametersByPath", Path="/a", Recursive=True)
    ssm("LabelParameterVersion", Name=name, ParameterVersion=1, Labels=["stable"])
    ssm("GetParameterHistory", Name=name)
    ssm("UnlabelParameterVersion", Name=name, ParameterVersion=1, Labels=["stable"])
    ssm("DescribeParameters")
    ssm("AddTagsToResource", ResourceType="Parameter", ResourceId=name, Tags=[{"Key": "c", "Value": "d"}])
    ssm("ListTagsForResource", ResourceType="Parameter", ResourceId=name)
    ssm("RemoveTagsFromResource", ResourceType="Parameter", ResourceId=name, TagKeys=["c"])
    ssm("DeleteParameter", Name="/a/b")
    ssm("DeleteParameters", Names=["/a/c", "missing"])


def documents(walk):
    ssm = lambda operation, **inputs: walk.call("ssm", operation, **inputs)
    name = "Conformance-Nothing"
    ssm("CreateDocument", Name=name, Content=json.dumps(DOCUMENT), DocumentType="Command", DocumentFormat="JSON")
    changed = json.dumps({**DOCUMENT, "description": "Still does nothing"})
    ssm("UpdateDocument", Name=name, Content=changed, DocumentVersion="$LATEST")
    ssm("UpdateDocumentDefaultVersion", Name=name, DocumentVersion="2")
    for each in (name, "AmazonCloudWatch-ManageAgent", "AWS-ConfigureAWSPackage", "AmazonCloudWatchAgent"):
        ssm("DescribeDocument", Name=each)
    ssm("GetDocument", Name=name)
    ssm("ListDocuments")
    ssm("ListDocumentVersions", Name=name)
    ssm("DeleteDocument", Name=name)


def commands(walk):
    ssm = lambda operation, **inputs: walk.call("ssm", operation, **inputs)
    nodes = walk.made["nodes"]
    online = lambda answer: len(answer.get("InstanceInformationList", [])) >= len(nodes)
    until(lambda: ssm("DescribeInstanceInformation"), online)
    sent = ssm("SendCommand", DocumentName="AWS-ConfigureAWSPackage", InstanceIds=nodes, TimeoutSeconds=600,
               Comment="conformance", Parameters={"action": ["Install"], "name": ["AmazonCloudWatchAgent"]})
    command = sent["Command"]["CommandId"]
    ended = lambda answer: any(each["Status"] not in ("Pending", "InProgress") for each in answer.get("Commands", []))
    until(lambda: ssm("ListCommands", CommandId=command), ended)
    ssm("ListCommands")
    ssm("ListCommandInvocations", CommandId=command, Details=True)
    ssm("GetCommandInvocation", CommandId=command, InstanceId=nodes[0], PluginName="configurePackage")
    configure = {"action": ["configure"], "mode": ["ec2"], "optionalConfigurationSource": ["ssm"],
                 "optionalConfigurationLocation": ["AmazonCloudWatch-ExampleCorpConfig"], "optionalRestart": ["yes"]}
    sent = ssm("SendCommand", DocumentName="AmazonCloudWatch-ManageAgent", Parameters=configure,
               Targets=[{"Key": "tag:Application", "Values": ["ExampleCorp"]}], TimeoutSeconds=600)
    ssm("CancelCommand", CommandId=sent["Command"]["CommandId"])


def associations(walk):
    ssm = lambda operation, **inputs: walk.call("ssm", operation, **inputs)
    made = ssm("CreateAssociation", Name="AWS-ConfigureAWSPackage", ScheduleExpression="rate(1 day)",
               Targets=[{"Key": "InstanceIds", "Values": walk.made["nodes"]}],
               Parameters={"action": ["Install"], "name": ["AmazonCloudWatchAgent"]})
    ssm("ListAssociations")
    association = made["AssociationDescription"]["AssociationId"]
    ssm("DescribeAssociation", AssociationId=association)
    ssm("DeleteAssociation", AssociationId=association)


def logs(walk):
    call = lambda operation, **inputs: walk.call("logs", operation, **inputs)
    group = "conformance"
    key = "arn:aws:kms:us-east-1:111122223333:key/00000000-0000-4000-8000-000000000000"
    call("CreateLogGroup", logGroupName=group, tags={"a": "b"}, deletionProtectionEnabled=True)
    call("PutRetentionPolicy", logGroupName=group, retentionInDays=7)
    call("AssociateKmsKey", logGroupName=group, kmsKeyId=key)
    shown = until(lambda: call("DescribeLogGroups", logGroupNamePrefix=group), lambda answer: answer.get("logGroups"))
    call("DescribeLogGroups", logGroupNamePattern=group)
    arn = shown["logGroups"][0]["logGroupArn"]
    call("TagResource", resourceArn=arn, tags={"c": "d"})
    call("ListTagsForResource", resourceArn=arn)
    call("UntagResource", resourceArn=arn, tagKeys=["a"])
    call("CreateLogStream", logGroupName=group, logStreamName="own")
    log_events(call, group, shown["logGroups"][0]["creationTime"])
    call("DeleteLogStream", logGroupName=group, logStreamName="own")
    call("DeleteRetentionPolicy", logGroupName=group)
    call("DisassociateKmsKey", logGroupName=group)
    call("PutLogGroupDeletionProtection", logGroupIdentifier=group, deletionProtectionEnabled=False)
    call("DeleteLogGroup", logGroupName=group)


def log_events(call, group, now):
    """Puts and reads events, a refused one among them. `now` is about the simulated time, in milliseconds."""
    batch = [{"timestamp": now + ahead, "message": f"event {ahead}"} for ahead in (-1000, 0, 3 * 3_600_000)]
    call("PutLogEvents", logGroupName=group, logStreamName="own", logEvents=batch)
    call("GetLogEvents", logGroupName=group, logStreamName="own", startFromHead=True)
    call("FilterLogEvents", logGroupName=group, filterPattern="event", limit=1)
    for order in ("LogStreamName", "LastEventTime"):
        call("DescribeLogStreams", logGroupName=group, orderBy=order)


def queries(walk):
    call = lambda operation, **inputs: walk.call("logs", operation, **inputs)
    group = "conformance-queries"
    call("CreateLogGroup", logGroupName=group)
    call("CreateLogStream", logGroupName=group, logStreamName="own")
    now = until(lambda: call("DescribeLogGroups", logGroupNamePrefix=group), lambda answer: answer.get("logGroups"))
    now = now["logGroups"][0]["creationTime"]
    call("PutLogEvents", logGroupName=group, logStreamName="own", logEvents=[{"timestamp": now, "message": "event"}])
    asked = {"logGroupName": group, "startTime": now // 1000 - 60, "endTime": now // 1000 + 60}
    for text in ("fields @timestamp, @message | sort @timestamp desc | limit 5",
                 "stats max(@timestamp) as newest by @logStream"):
        query = call("StartQuery", queryString=text, **asked)["queryId"]
        done = until(lambda: call("GetQueryResults", queryId=query), lambda answer: answer.get("status") != "Running")
        if len(done.get("results", [])) != 1:
            walk.complaints.append(f"logs StartQuery: `{text}` found {done}")
    call("StopQuery", queryId=call("StartQuery", queryString="fields @message", **asked)["queryId"])
    call("DeleteLogGroup", logGroupName=group)


def metrics(walk):
    call = lambda operation, **inputs: walk.call("cloudwatch", operation, **inputs)
    here = {"Namespace": "Conformance", "MetricName": "latency"}
    host = [{"Name": "host", "Value": "web-1"}]
    datum = {"MetricName": "latency", "Dimensions": host, "Value": 2.5, "Unit": "Milliseconds"}
    call("PutMetricData", Namespace="Conformance", MetricData=[datum])
    listed = until(lambda: call("ListMetrics", RecentlyActive="PT3H", Dimensions=[{"Name": "host"}], **here),
                   lambda answer: answer.get("Metrics"))
    if not listed.get("Metrics"):
        walk.complaints.append("cloudwatch ListMetrics: what was put is never listed")
    span = {"StartTime": 1_700_000_000, "EndTime": 4_000_000_000}
    call("GetMetricStatistics", Dimensions=host, Period=86400, Statistics=["Average", "SampleCount"], **span, **here)
    stat = {"Metric": {"Dimensions": host, **here}, "Period": 86400, "Stat": "Maximum"}
    call("GetMetricData", MetricDataQueries=[{"Id": "a", "MetricStat": stat}], **span)
    call("PutMetricAlarm", AlarmName="slow", Statistic="Average", Period=60, EvaluationPeriods=1, Threshold=100.0,
         ComparisonOperator="GreaterThanThreshold", Dimensions=host, **here)
    call("SetAlarmState", AlarmName="slow", StateValue="ALARM", StateReason="conformance")
    shown = call("DescribeAlarms", AlarmNames=["slow", "missing"], AlarmTypes=["MetricAlarm", "CompositeAlarm"])
    if [alarm["StateValue"] for alarm in shown.get("MetricAlarms", [])] != ["ALARM"]:
        walk.complaints.append(f"cloudwatch DescribeAlarms: {shown}")
    call("DescribeAlarms", AlarmNamePrefix="s", StateValue="ALARM", MaxRecords=1)
    call("DeleteAlarms", AlarmNames=["slow"])


def other_account(walk):
    made = walk.call("iam", "CreateRole", RoleName="reader", AssumeRolePolicyDocument=json.dumps(ACCOUNT_TRUST))
    assume = {"RoleArn": made["Role"]["Arn"], "RoleSessionName": "conformance"}
    # A new role cannot be assumed at once.
    until(lambda: walk.call("sts", "AssumeRole", accept="AccessDenied", **assume), lambda answer: "Credentials" in answer)
    walk.call("iam", "DeleteRole", RoleName="reader")


def taking_down(walk):
    ec2 = lambda operation, **parameters: walk.call("ec2", operation, **parameters)
    iam = lambda operation, **parameters: walk.call("iam", operation, **parameters)
    nodes = walk.made["nodes"]
    state = lambda wanted: until(
        lambda: ec2("DescribeInstances", InstanceIds=nodes[:1]),
        lambda answer: answer["Reservations"][0]["Instances"][0]["State"]["Name"] == wanted)
    ec2("StopInstances", InstanceIds=nodes[:1])
    state("stopped")
    ec2("StartInstances", InstanceIds=nodes[:1])
    state("running")
    ec2("TerminateInstances", InstanceIds=nodes)
    for profile in ("agent", "spare"):
        iam("RemoveRoleFromInstanceProfile", InstanceProfileName=profile, RoleName="agent")
        iam("DeleteInstanceProfile", InstanceProfileName=profile)
    for policy in ("CloudWatchAgentServerPolicy", "AmazonSSMManagedInstanceCore"):
        iam("DetachRolePolicy", RoleName="agent", PolicyArn=f"arn:aws:iam::aws:policy/{policy}")
    for role in ("agent", "flow-logs"):
        iam("DeleteRolePolicy", RoleName=role, PolicyName="logs")
        iam("DeleteRole", RoleName=role)


PARTS = [
    identity, roles, network, flow_logs, parameters, documents, commands, associations, logs, queries, metrics,
    other_account, taking_down
]
