#!/bin/bash
# SPDX-License-Identifier: MPL-2.0
# What a restart costs, with the run directory kept (RuntimeDirectoryPreserve=yes) and with
# it removed at the stop, as units that are not ours do: a process that lives long never
# fails, a fresh one hears "unavail" until there is a map or a socket again, and nobody ever
# hears "no such user". Then fast_cache off and on under a process that has the map open.
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
netns_write_config "$DEVIDM_URL" "$DEVIDM_CA" 'uid_attr_map = "name"'
netns_daemon_start
watch=$build/tests/integration/nsswatch
probe=$build/tests/integration/nssprobe
module=$(ldconfig -p | sed -n 's/.*libnss_kanidm.so.2.*=> //p' | head -n 1)
netns_expect "known" "found alice 20001" "$probe" alice

# The long-lived process, and fresh ones one after another until told to stop.
watch_start()
{
	coproc WATCH { exec "$watch" "$module" alice; }
	watch_in=${WATCH[1]} watch_out=${WATCH[0]} watch_pid=$WATCH_PID
	watch_ask >/dev/null
	: >"$NETNS_DIR/fresh"
	touch "$NETNS_DIR/go-on"
	while [ -e "$NETNS_DIR/go-on" ]; do
		echo "$(date +%s%N) $("$probe" alice)" >>"$NETNS_DIR/fresh"
	done &
	fresh_pid=$!
}

watch_ask()
{
	local answer
	echo now >&"$watch_in"
	read -rt 10 answer <&"$watch_out" || netns_fail "the long-lived process says nothing"
	echo "$answer"
}

watch_end()
{
	rm "$NETNS_DIR/go-on"
	wait "$fresh_pid"
	exec {watch_in}>&-
	read -rt 10 watch_said <&"$watch_out" || netns_fail "no summary"
	wait "$watch_pid"
}

# $1: the situation. Nobody was told that alice does not exist; who lives long had no trouble.
expect_no_lies()
{
	case $watch_said in
	"found "*" notfound 0 unavail 0 tryagain 0 "*) ;;
	*) netns_fail "$1: a process that lives long: $watch_said" ;;
	esac
	grep -q ' absent' "$NETNS_DIR/fresh" && netns_fail "$1: a fresh process: $(grep -m1 ' absent' "$NETNS_DIR/fresh")"
	tail -n 1 "$NETNS_DIR/fresh" | grep -q ' found alice' || netns_fail "$1: not found at the end"
	python3 - "$1" "$NETNS_DIR/fresh" "$watch_said" <<'P'
import sys
rows = [l.split(" ", 2) for l in open(sys.argv[2])]
bad = [int(t) for t, how, *_ in rows if how == "error"]
span = (bad[-1] - bad[0]) / 1e6 if bad else 0
print(f"ok: {sys.argv[1]}: fresh processes: {len(rows)} asked, {len(bad)} unavailable, over {span:.0f} ms")
print(f"ok: {sys.argv[1]}: long-lived: {sys.argv[3]}")
P
}

# --- our unit: the directory stays
watch_start
netns_daemon_stop
netns_daemon_start
watch_end
expect_no_lies "kept directory"
! grep -q ' error' "$NETNS_DIR/fresh" || netns_fail "kept directory: $(grep -m1 ' error' "$NETNS_DIR/fresh")"

# --- a unit that does not preserve: systemd removes it at the stop, and makes it at the start
watch_start
netns_daemon_stop
rm -rf /run/kanidm-unixd
netns_expect "removed directory: a fresh process" "error" sh -c "'$probe' alice | cut -d' ' -f1"
netns_expect "removed directory: who lives long" "Alice Archer" watch_ask
install -d -m 0755 -o 990 -g 990 /run/kanidm-unixd
netns_daemon_start
netns_wait_for 5 "$probe" alice
watch_end
expect_no_lies "removed directory"

# --- the new map is found, though nobody could tell the old one that it is replaced
watch_start
netns_daemon_stop
rm -rf /run/kanidm-unixd
install -d -m 0755 -o 990 -g 990 /run/kanidm-unixd
netns_daemon_start
netns_wait_for 5 sh -c "grep -q 'nss.map\$' /proc/$watch_pid/maps" ||
	netns_fail "still on the removed map: $(grep nss.map "/proc/$watch_pid/maps")"
watch_end
expect_no_lies "found again"

# --- fast_cache: off and on under a process that has it open
watch_start
netns_wait_for 5 grep -q nss.map "/proc/$watch_pid/maps" || netns_fail "no map in use"
netns_write_config "$DEVIDM_URL" "$DEVIDM_CA" 'uid_attr_map = "name"' 'fast_cache = false'
kill -HUP "$NETNS_DAEMON"
netns_wait_for 5 sh -c "! grep -q nss.map /proc/$watch_pid/maps" ||
	netns_fail "fast_cache = false: still mapped: $(cat "/proc/$watch_pid/maps")"
[ ! -e /run/kanidm-unixd/nss.map ] || netns_fail "fast_cache = false leaves the file"
netns_expect "fast_cache = false: through the socket" "Alice Archer" watch_ask
netns_write_config "$DEVIDM_URL" "$DEVIDM_CA" 'uid_attr_map = "name"'
kill -HUP "$NETNS_DAEMON"
netns_wait_for 5 sh -c "grep -q nss.map /proc/$watch_pid/maps" ||
	netns_fail "fast_cache = true: not used"
watch_end
expect_no_lies "fast_cache off and on"

# --- a key that is still being opened keeps the daemon from ending in good order, and readers
# still see that the lease is over
netns_daemon_stop
install -m 0755 "$build/tests/integration/never_opens.so" "$NETNS_DIR/"
LD_PRELOAD=$NETNS_DIR/never_opens.so netns_daemon_start
grep -q never_opens "/proc/$NETNS_DAEMON/maps" || netns_fail "nothing was preloaded"
netns_wait_for 5 "$probe" alice
watch_start
netns_wait_for 5 sh -c "grep -q nss.map /proc/$watch_pid/maps" || netns_fail "no map"
netns_daemon_stop
rm -rf /run/kanidm-unixd
install -d -m 0755 -o 990 -g 990 /run/kanidm-unixd
netns_daemon_start
netns_wait_for 5 sh -c "grep -q 'nss.map\$' /proc/$watch_pid/maps" ||
	netns_fail "stopped while a key was opened: still on the map of before"
watch_end
expect_no_lies "stopped while a key was opened"

# --- fast_cache = false at the start: what another daemon left is withdrawn
watch_start
netns_daemon_stop
netns_write_config "$DEVIDM_URL" "$DEVIDM_CA" 'uid_attr_map = "name"' 'fast_cache = false'
netns_daemon_start
[ ! -e /run/kanidm-unixd/nss.map ] || netns_fail "a start with fast_cache = false leaves the file"
netns_wait_for 5 sh -c "! grep -q nss.map /proc/$watch_pid/maps" ||
	netns_fail "a start with fast_cache = false: still mapped"
watch_end
expect_no_lies "fast_cache off at the start"
echo "ok: all"
