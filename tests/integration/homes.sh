#!/bin/bash
# SPDX-License-Identifier: MPL-2.0
# Homes, made by the program that gets installed, with the privileges it keeps, in a host of
# its own; the resolver's end of the socket is taskask.
set -eu
here=$(cd "$(dirname "$0")/../.." && pwd)
build=$1
# shellcheck source=tests/support/netns.sh
. "$here/tests/support/netns.sh"
netns_enter "$(readlink -f "$0")" "$@"

netns_scratch
netns_private_dirs
netns_accounts
mkdir -p /etc/kanidm
tasks=$build/tasks/kanidm_unixd_tasks
taskask=$build/tests/integration/taskask
alice=7c2b1f0e-0000-4000-8000-00000000a11c
bob=7c2b1f0e-0000-4000-8000-0000000000b0

has()
{
	case $2 in *"$1"*) ;; *) netns_fail "expected '$1' in: $2" ;; esac
}

config()
{
	printf '%s\n' 'version = "2"' "$@" '[kanidm]' >/etc/kanidm/unixd.new
	mv /etc/kanidm/unixd.new /etc/kanidm/unixd
}

start_tasks()
{
	"$tasks" >>"$NETNS_LOG" 2>&1 &
	TASKS=$!
}

# The socket's directory belongs to root here, as taskask runs as root.
start_resolver()
{
	coproc RESOLVER { exec "$taskask" /run/kanidm-unixd/task_sock; }
}

# ask "home …": prints the reply.
ask()
{
	local reply
	printf '%s\n' "$*" >&"${RESOLVER[1]}"
	read -r -t 30 reply <&"${RESOLVER[0]}" || reply="no reply"
	printf '%s\n' "$reply"
}

home()
{
	ask "home $1 $2 $2 $3 $3@example.com ${4:-$3}"
}

# expect "what" "text" command …
expect()
{
	netns_expect "$@"
}

chown 0:0 /run/kanidm-unixd

# --- any boot order: tasks first, with nothing there at all
rmdir /run/kanidm-unixd
config 'home_alias = "name"'
start_tasks
netns_wait_for 10 grep -q 'waiting for the resolver' "$NETNS_LOG" || netns_fail "does not wait"
mkdir -m 0755 /run/kanidm-unixd
start_resolver
expect "a home and its link" ok home $alice 70001 alice
expect "mode and owner" "750 70001:70001" stat -c '%a %u:%g' /home/$alice
expect "the link" "/home/$alice" readlink /home/alice
expect "nothing else in /home" "$(printf '%s\n' $alice alice)" ls -A /home
expect "once more" ok home $alice 70001 alice

# --- capabilities
caps=$(sed -n 's/^CapEff:\s*//p' "/proc/$TASKS/status")
expect "CHOWN and FOWNER are left" 0000000000000009 echo "$caps"
for set in CapPrm CapBnd; do
	expect "$set" 0000000000000009 sed -n "s/^$set:\s*//p" "/proc/$TASKS/status"
done
expect "no inherited ones" 0000000000000000 sed -n 's/^CapInh:\s*//p' "/proc/$TASKS/status"
expect "no new ones" 1 sed -n 's/^NoNewPrivs:\s*//p' "/proc/$TASKS/status"
has "capabilities: cap_chown,cap_fowner" "$("$tasks" --version)"

kill "$TASKS"
wait "$TASKS" || true
echo "ok: all"
