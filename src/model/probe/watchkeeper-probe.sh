#!/bin/sh
# Says what the CloudWatch agent on this machine is, runs and has read. It only reads.
#
# Run as root by the SSM agent, with dash, bash, BusyBox or macOS's sh. SSM keeps 2,500 bytes of a step's
# output: the verdict comes first, the whole stays below 2,400 bytes, and an end marker proves that nothing
# was cut. Nothing that this machine contains (names, contents, the control script's output) is trusted or
# printed as it is. Each line is key=value; src/model/probe/parse.rs reads them.
set -u
LC_ALL=C
export LC_ALL
root=${WATCHKEEPER_PROBE_ROOT:-}
base=$root/opt/aws/amazon-cloudwatch-agent
ctl=$base/bin/amazon-cloudwatch-agent-ctl
dir=$base/etc/amazon-cloudwatch-agent.d

# Keeps at most $1 harmless characters of standard input, on one line.
harmless() {
    head -c 4096 | tr -cd 'A-Za-z0-9_.:+ -' | head -c "$1"
}

# The value of a string member of JSON on standard input. Good enough for the two flat files read here.
member() {
    tr '\n' ' ' | sed -n "s/.*\"$1\"[[:space:]]*:[[:space:]]*\"\([^\"]*\)\".*/\1/p" | harmless 60
}

limited() {
    if command -v timeout >/dev/null 2>&1; then timeout 20 "$@"; else "$@"; fi
}

# SHA-256, or - where it cannot be known: not a plain file, too large, unreadable, no tool.
hash() {
    size=
    if [ -f "$1" ] && [ -r "$1" ]; then
        size=$(limited wc -c <"$1" 2>/dev/null | tr -cd '0-9')
    fi
    sum=
    if [ -n "$size" ] && [ "$size" -le 1048576 ]; then
        if command -v sha256sum >/dev/null 2>&1; then
            sum=$(sha256sum <"$1" 2>/dev/null)
        elif command -v shasum >/dev/null 2>&1; then
            sum=$(shasum -a 256 <"$1" 2>/dev/null)
        elif command -v openssl >/dev/null 2>&1; then
            sum=$(openssl dgst -sha256 -r <"$1" 2>/dev/null)
        fi
    fi
    sum=$(printf '%s' "$sum" | head -c 64 | tr -cd '0-9a-f')
    if [ ${#sum} -eq 64 ]; then printf '%s' "$sum"; else printf '%s' -; fi
}

# Seconds since 1970 when a file was last written; 0 where it cannot be known.
written() {
    at=$(stat -c %Y "$1" 2>/dev/null || stat -f %m "$1" 2>/dev/null)
    case $at in '' | *[!0-9]*) at=0 ;; esac
    printf '%s' "$at"
}

# A name that is safe to print, or its first forty bytes in hex.
plain() {
    case $1 in
    *[!A-Za-z0-9_.-]*) ;;
    *) if [ ${#1} -le 80 ]; then
        printf '%s' "$1"
        return
    fi ;;
    esac
    printf 'hex:'
    printf '%s' "$1" | head -c 40 | od -An -v -tx1 | tr -cd '0-9a-f'
}

installed=no
status=unknown
started=
configstatus=
version=
if [ -f "$ctl" ]; then
    installed=yes
    if [ -f "$base/bin/CWAGENT_VERSION" ]; then
        version=$(head -c 200 "$base/bin/CWAGENT_VERSION" 2>/dev/null | harmless 60)
    fi
    said=$(limited "$ctl" -a status </dev/null 2>/dev/null | head -c 4096 | tr -d '\000')
    case $(printf '%s' "$said" | member status) in
    running) status=running ;;
    stopped) status=stopped ;;
    esac
    started=$(printf '%s' "$said" | member starttime)
    configstatus=$(printf '%s' "$said" | member configstatus)
fi

# What SSM Distributor installed last. Its folder's name is made from the package's ARN.
package=none
for state in "$root"/var/lib/amazon/ssm/packages/*amazoncloudwatchagent*/installstate \
    "$root"/var/lib/amazon/ssm/packages/AmazonCloudWatchAgent/installstate \
    "$root"/opt/aws/ssm/packages/*amazoncloudwatchagent*/installstate; do
    if [ -f "$state" ]; then
        found=$(head -c 4096 "$state" 2>/dev/null | tr -d '\000' | member lastinstalledversion)
        if [ -n "$found" ]; then package=$found; fi
    fi
done

toml=none
if [ -f "$base/etc/amazon-cloudwatch-agent.toml" ]; then
    toml=$(written "$base/etc/amazon-cloudwatch-agent.toml")
fi
json=none
if [ -e "$base/etc/amazon-cloudwatch-agent.json" ]; then
    json=$(hash "$base/etc/amazon-cloudwatch-agent.json")
fi

# The list stops at 100 files, so that a full folder costs no minutes, and at 1,900 bytes.
files=0
tmp=0
shown=0
used=0
full=no
list=
for path in "$dir"/* "$dir"/.[!.]* "$dir"/..?*; do
    if [ -d "$path" ] && [ ! -L "$path" ]; then continue; fi
    if [ ! -e "$path" ] && [ ! -L "$path" ]; then continue; fi
    name=${path##*/}
    case $name in *.tmp)
        tmp=$((tmp + 1))
        continue
        ;;
    esac
    files=$((files + 1))
    if [ "$full" = yes ] || [ "$shown" -ge 100 ]; then continue; fi
    line="file=$(plain "$name") $(hash "$path") $(written "$path")"
    used=$((used + ${#line} + 1))
    if [ "$used" -gt 1900 ]; then
        full=yes
        continue
    fi
    shown=$((shown + 1))
    list="$list$line
"
done

printf '%s\n' "watchkeeper-probe=1 installed=$installed status=$status files=$files tmp=$tmp" \
    "version=$version" \
    "package=$package" \
    "started=$started" \
    "configstatus=$configstatus" \
    "toml=$toml" \
    "json=$json"
printf '%s' "$list"
printf '%s\n' "more=$((files - shown))" end=watchkeeper-probe
