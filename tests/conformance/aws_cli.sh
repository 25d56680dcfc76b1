#!/bin/sh
# The same story in short with the AWS CLI, as a person types it: needs `aws`, an empty simulator, and
#   AWS_ENDPOINT_URL, AWS_DEFAULT_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY
# in the environment. Every step checks what it led to; the first one that differs ends the story.
set -eu
export AWS_PAGER="" AWS_DEFAULT_OUTPUT=text

fail() {
    echo "FAILED: $1" >&2
    exit 1
}

# expect WHAT WANTED GOT
expect() {
    [ "$2" = "$3" ] || fail "$1: wanted '$2', got '$3'"
    echo "- $1"
}

# eventually WHAT WANTED COMMAND...: asks until the answer is the wanted one, for a minute.
eventually() {
    what=$1 wanted=$2
    shift 2
    tries=0
    until [ "$("$@" 2>/dev/null)" = "$wanted" ]; do
        tries=$((tries + 1))
        [ "$tries" -lt 60 ] || fail "$what: wanted '$wanted', got '$("$@" 2>&1)'"
        sleep 1
    done
    echo "- $what"
}

trust='{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}'
config='{"logs":{"logs_collected":{"files":{"collect_list":[{"file_path":"/var/log/application.log","log_group_name":"application.log","log_stream_name":"{instance_id}"}]}}}}'

expect "who am I" 111122223333 "$(aws sts get-caller-identity --query Account)"

aws iam create-role --role-name cli --assume-role-policy-document "$trust" >/dev/null
for policy in CloudWatchAgentServerPolicy AmazonSSMManagedInstanceCore; do
    aws iam attach-role-policy --role-name cli --policy-arn "arn:aws:iam::aws:policy/$policy"
done
aws iam create-instance-profile --instance-profile-name cli >/dev/null
aws iam add-role-to-instance-profile --instance-profile-name cli --role-name cli
expect "a role in a profile" cli \
    "$(aws iam get-instance-profile --instance-profile-name cli --query 'InstanceProfile.Roles[0].RoleName')"

vpc=$(aws ec2 create-vpc --cidr-block 10.1.0.0/16 --query Vpc.VpcId)
subnet=$(aws ec2 create-subnet --vpc-id "$vpc" --cidr-block 10.1.1.0/24 --query Subnet.SubnetId)
# A new profile is not usable at once.
tries=0
until node=$(aws ec2 run-instances --image-id ami-0123456789abcdef0 --instance-type t3.micro --count 1 \
    --subnet-id "$subnet" --iam-instance-profile Name=cli --query 'Instances[0].InstanceId' 2>/dev/null); do
    tries=$((tries + 1))
    [ "$tries" -lt 60 ] || fail "the instance was refused for a minute"
    sleep 1
done
eventually "the instance is a managed node" Online aws ssm describe-instance-information \
    --filters "Key=InstanceIds,Values=$node" --query 'InstanceInformationList[0].PingStatus'

# run DOCUMENT PARAMETERS: sends a command to the node; its id.
run() {
    aws ssm send-command --document-name "$1" --instance-ids "$node" --timeout-seconds 600 \
        --parameters "$2" --query Command.CommandId
}

install=$(run AWS-ConfigureAWSPackage '{"action":["Install"],"name":["AmazonCloudWatchAgent"]}')
eventually "the agent is installed" Success aws ssm list-commands --command-id "$install" --query 'Commands[0].Status'

aws ssm put-parameter --name AmazonCloudWatch-cli --type String --value "$config" >/dev/null
configure=$(run AmazonCloudWatch-ManageAgent '{"action":["configure"],"mode":["ec2"],"optionalConfigurationSource":["ssm"],"optionalConfigurationLocation":["AmazonCloudWatch-cli"],"optionalRestart":["yes"]}')
eventually "the agent is configured" Success aws ssm list-commands --command-id "$configure" --query 'Commands[0].Status'

eventually "its log arrives" "$node" aws logs filter-log-events --log-group-name application.log \
    --log-stream-name-prefix "$node" --no-paginate --limit 1 --query 'events[0].logStreamName'

aws logs put-retention-policy --log-group-name application.log --retention-in-days 30
expect "retention is set" 30 "$(aws logs describe-log-groups --log-group-name-prefix application.log \
    --query "logGroups[?logGroupName=='application.log'].retentionInDays")"

if aws logs put-retention-policy --log-group-name application.log --retention-in-days 31 2>/dev/null; then
    fail "31 days are no retention that AWS knows"
fi

aws ec2 stop-instances --instance-ids "$node" >/dev/null
# AWS lists no node whose instance is stopped.
eventually "a stopped node is not listed" None aws ssm describe-instance-information \
    --query "InstanceInformationList[?InstanceId=='$node'].PingStatus | [0]"

echo "The story ends well."
