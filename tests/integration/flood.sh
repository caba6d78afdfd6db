#!/bin/bash
# SPDX-License-Identifier: MPL-2.0
# Many at once: a hundred processes that ask for one unknown person are one request; who
# floods the daemon with names delays nobody else; thousands of connections are all answered,
# and a lookup is one connection, one send, one receive.
set -eu
here=$(cd "$(dirname "$0")/../.." && pwd)
build=$1
# shellcheck source=tests/support/netns.sh
. "$here/tests/support/netns.sh"
netns_enter "$(readlink -f "$0")" "$@"
export KU_BUILD_DIR=$build
# shellcheck source=tests/support/devidm.sh
. "$here/tests/support/devidm.sh"

netns_setup "$build"
devidm_start "$NETNS_DIR/devidm" sample
netns_write_config "$DEVIDM_URL" "$DEVIDM_CA" 'uid_attr_map = "name"' 'prefetch_groups = []'
netns_daemon_start

asked_for()
{
	devidm_ctl requests | grep -c "/v1/account/$1/_unix/_token" || true
}

# Whoever comes while it is out joins it, whoever comes later finds the answer.
devidm_ctl fault delay 1000 'path=/v1/account/alice/*' >/dev/null
pids=()
for _ in $(seq 100); do
	getent passwd alice >>"$NETNS_DIR/alice" &
	pids+=($!)
done
wait "${pids[@]}" || true
devidm_ctl fault clear >/dev/null
n=$(grep -c '^alice:x:20001:' "$NETNS_DIR/alice" || true)
[ "$n" = 100 ] || netns_fail "alice was found by $n of 100 processes"
n=$(asked_for alice)
[ "$n" = 1 ] || netns_fail "alice was asked for $n times"
echo "ok: a hundred processes, one request"

# A stranger is answered while the server sits on everything a flooder asked.
met()
{
	[ "$(devidm_ctl fault list | sed -n 's/.*(\([0-9]*\) seen).*/\1/p')" -ge "$1" ]
}
devidm_ctl fault freeze 'path=/v1/account/x*' >/dev/null
pids=()
for i in $(seq 100); do
	setpriv --reuid=2001 --regid=2001 --clear-groups getent passwd "x$i" >/dev/null &
	pids+=($!)
done
devidm_until 20 met 20 || netns_fail "only few of the flooder's questions are out"
setpriv --reuid=2002 --regid=2002 --clear-groups getent passwd bob >"$NETNS_DIR/bob" ||
	netns_fail "bob is not found while another user floods"
grep -q '^bob:x:' "$NETNS_DIR/bob" || netns_fail "bob: $(cat "$NETNS_DIR/bob")"
devidm_ctl fault clear >/dev/null
wait "${pids[@]}" || true
echo "ok: a flooder and a stranger"

# Two thousand connections of eight users; alice is known, and nobody is sent away.
users=()
for uid in $(seq 3001 3008); do users+=("$uid:250"); done
netns_expect "two thousand connections at once" "0=2000" \
	python3 "$here/tests/integration/peers.py" /run/kanidm-unixd/sock alice "${users[@]}"

# What a question of a tool or of the module is made of.
socket_calls()
{
	strace -f -qq -e trace=connect,sendto,sendmsg,write,recvfrom,recvmsg,read -yy \
		-o "$NETNS_DIR/strace" "$@" >/dev/null 2>&1 || true
	local call
	for call in connect 'send[a-z]*' 'recv[a-z]*'; do
		grep -cE "$call\\(.*(kanidm-unixd/sock|UNIX)" "$NETNS_DIR/strace" || true
	done | tr '\n' ' '
}
rm -f /run/kanidm-unixd/nss.map
netns_expect "a question of the module: connect, send, receive" "1 1 1 " \
	socket_calls getent -s passwd:kanidm passwd nosuchperson
netns_expect "a question of a tool: connect, send, receive" "1 1 1 " \
	socket_calls kanidm-unix status
netns_daemon_stop
devidm_stop
