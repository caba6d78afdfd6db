#!/bin/bash
# SPDX-License-Identifier: MPL-2.0
# What lookups cost while the daemon or the server is in trouble, counted in system calls:
# 1,000 people of a real daemon's map, each asked for by uid, by name and for their groups,
# through the built module, under filters that kill.
set -eu
here=$(cd "$(dirname "$0")/../.." && pwd)
build=$1
# shellcheck source=tests/support/netns.sh
. "$here/tests/support/netns.sh"
netns_enter "$(readlink -f "$0")" "$@"

people=1000
cache_timeout=2
silent=$build/tests/torture/silent
KU_NSS_MODULE=$(ls "$build"/nss/libnss_kanidm.so.2)
export KU_NSS_MODULE

netns_setup "$build"
"$build/tests/bench/fill" /var/cache/kanidm-unixd/unixd.db "$people" >/dev/null
# nobody listens there: the server is gone
netns_write_config "https://127.0.0.1:1" /etc/ssl/certs/ca-certificates.crt \
	'uid_attr_map = "name"' 'gid_attr_map = "name"' "cache_timeout = $cache_timeout"
netns_daemon_start

# word NUMBER of the header, as a decimal number
word()
{
	od -A n -t u4 -j $(($1 * 4)) -N 4 /run/kanidm-unixd/nss.map | tr -d ' '
}
boot_s()
{
	cut -d. -f1 /proc/uptime
}
passed()
{
	[ "$(boot_s)" -gt "$1" ]
}

netns_wait_for 20 sh -c 'kanidm-unix status | grep -q "Kanidm: offline"' ||
	netns_fail "the daemon does not notice that there is no server"

# --- the server has been gone for longer than three times what a record is good for
begun=$(boot_s)
netns_wait_for 30 passed $((begun + 3 * cache_timeout)) || netns_fail "time stands still"
netns_expect "server gone for 3 x cache_timeout, no system call on a hit" \
	"$people of $people people found" "$silent" hits "$people"

# --- counted by strace: three thousand lookups more, not one system call more
if command -v strace >/dev/null; then
	for n in 1 "$people"; do
		strace -f -qq -o "$NETNS_DIR/strace.$n" "$silent" count "$n" >/dev/null ||
			netns_fail "strace: $(cat "$NETNS_DIR/strace.$n")"
		grep -v -e brk -e munmap "$NETNS_DIR/strace.$n" | wc -l >"$NETNS_DIR/calls.$n"
	done
	netns_expect "strace counts as many for $people people as for one" \
		"$(cat "$NETNS_DIR/calls.1")" cat "$NETNS_DIR/calls.$people"
fi

# --- the daemon is stopped: while its lease is good readers may wait for it, then not
kill -STOP "$NETNS_DAEMON"
lease=$(word 25)
netns_wait_for 30 passed "$lease" || netns_fail "the lease does not run out"
netns_expect "daemon stopped, lease run out, no socket" \
	"$people of $people people found" "$silent" stopped "$people"
kill -CONT "$NETNS_DAEMON"

# --- and is back
lease_is_good()
{
	passed "$(($(boot_s) - 1))" && [ "$(word 25)" -gt "$(boot_s)" ]
}
netns_wait_for 20 lease_is_good || netns_fail "no lease after SIGCONT"
netns_expect "going on again, no system call on a hit" \
	"$people of $people people found" "$silent" hits "$people"

# --- dead
netns_daemon_stop KILL
lease=$(word 25)
netns_wait_for 30 passed "$lease" || netns_fail "the lease does not run out"
netns_expect "daemon dead, lease run out, no socket" \
	"$people of $people people found" "$silent" stopped "$people"
echo "ok: all"
