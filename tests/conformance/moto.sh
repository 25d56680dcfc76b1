#!/bin/bash
# Runs the real controller, unchanged, against moto's server: the kinds that moto supports, and no others.
#
#   PATH=PYTHON_ENVIRONMENT/bin:$PATH tests/conformance/moto.sh WATCHKEEPER
#
# Needs boto3 and moto[server]. The server listens on loopback, at a free port, and is gone when this ends.
set -euo pipefail

watchkeeper=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true; rm -rf "$work"' EXIT

port=$(python -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
MOTO_IAM_LOAD_MANAGED_POLICIES=true moto_server -H 127.0.0.1 -p "$port" >"$work/moto.log" 2>&1 &
server=$!
for _ in $(seq 600); do
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && break
    kill -0 "$server" 2>/dev/null || { cat "$work/moto.log"; exit 1; }
    sleep 0.1
done

export AWS_ENDPOINT_URL=http://127.0.0.1:$port AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1
export AWS_ACCESS_KEY_ID=testing AWS_SECRET_ACCESS_KEY=testing AWS_EC2_METADATA_DISABLED=true
# Nothing of whoever runs this may leak in.
export AWS_CONFIG_FILE=$work/none AWS_SHARED_CREDENTIALS_FILE=$work/none
unset AWS_PROFILE AWS_SESSION_TOKEN

python "$here/moto.py" "$watchkeeper" "$work/desired"
