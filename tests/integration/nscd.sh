#!/bin/bash
# SPDX-License-Identifier: MPL-2.0
# Behind nscd every lookup of the machine comes from one process with a handful of threads.
# With the server frozen and every one of them asked for names that nobody knows, names that
# are known are still found, nobody waits longer than the two seconds of one lookup in front
# of another, and nscd lives. Its files are fetched and not installed: the package would start
# one for this machine.
set -eu
here=$(cd "$(dirname "$0")/../.." && pwd)
build=$1
nscd=$build/nscd/usr/sbin/nscd

nscd_fetch()
{
	[ ! -x "$nscd" ] || return 0
	local tmp
	tmp=$(mktemp -d)
	(
		cd "$tmp"
		apt-get download -qq nscd 2>/dev/null
		dpkg-deb -x nscd_*.deb root
		mkdir -p "$build/nscd"
		cp -a root/. "$build/nscd"
	) || echo "cannot fetch nscd (apt-get update?)" >&2
	rm -rf "$tmp"
	[ -x "$nscd" ]
}

[ "${KU_NETNS:-}" = inside ] || nscd_fetch || exit 77
# shellcheck source=tests/support/netns.sh
. "$here/tests/support/netns.sh"
netns_enter "$(readlink -f "$0")" "$@"
export KU_BUILD_DIR=$build
# shellcheck source=tests/support/devidm.sh
. "$here/tests/support/devidm.sh"

probe=$build/tests/integration/nssprobe
workers=8
netns_setup "$build"
mkdir -p /run/nscd /var/cache/nscd
cat >/etc/nscd.conf <<-CONF
	threads $workers
	max-threads $workers
	paranoia no
	enable-cache passwd yes
	positive-time-to-live passwd 1
	negative-time-to-live passwd 1
	suggested-size passwd 211
	check-files passwd yes
	persistent passwd no
	shared passwd no
	enable-cache group no
	enable-cache hosts no
	enable-cache services no
	enable-cache netgroup no
CONF

hits() # lookups of users that reached nscd
{
	"$nscd" -g | awk '/^passwd cache:/ { on = 1 } /^group cache:/ { on = 0 }
		on && /cache (hits|misses) on (positive|negative)/ { n += $1 } END { print n }'
}

devidm_start "$NETNS_DIR/devidm" sample
devidm_ctl bulk 100 groups=10 >/dev/null
netns_write_config "$DEVIDM_URL" "$DEVIDM_CA" 'uid_attr_map = "name"'
netns_daemon_start
for i in $(seq 0 99); do
	getent passwd "$(printf 'u%05d' "$i")" >/dev/null || netns_fail "u$i does not resolve"
done
"$nscd" -F >"$NETNS_DIR/nscd.log" 2>&1 &
NSCD=$!
netns_wait_for 10 test -S /run/nscd/socket || netns_fail "nscd does not start"
before=$(hits)
case $("$probe" u00000) in
"found u00000 "*) ;;
*) netns_fail "u00000 behind nscd: $("$probe" u00000)" ;;
esac
[ "$(hits)" -gt "$before" ] || netns_fail "the lookup did not go through nscd"
echo "ok: a name behind nscd"

# Prints the milliseconds of each lookup of names that begin with $1.
strangers()
{
	local i begun
	for i in $(seq 10); do
		begun=${EPOCHREALTIME/./}
		"$probe" "$1-$i" >/dev/null
		echo $(((${EPOCHREALTIME/./} - begun) / 1000))
	done
}

devidm_ctl fault freeze >/dev/null
pids=()
for w in $(seq "$workers"); do
	strangers "nobody$w" >"$NETNS_DIR/took.$w" &
	pids+=($!)
done
slowest=0
for i in $(seq 0 99); do
	begun=${EPOCHREALTIME/./}
	case $("$probe" "$(printf 'u%05d' "$i")") in
	found*) ;;
	*) netns_fail "u$i is not found while the server is frozen" ;;
	esac
	took=$(((${EPOCHREALTIME/./} - begun) / 1000))
	[ "$took" -le "$slowest" ] || slowest=$took
done
wait "${pids[@]}"
longest=$(sort -n "$NETNS_DIR"/took.* | tail -n 1)
# Its workers may all be busy for the two seconds of a lookup; a machine that is, for more.
[ "$slowest" -le 4000 ] || netns_fail "a cached name took $slowest ms"
[ "$longest" -le 4000 ] || netns_fail "an unknown name took $longest ms"
kill -0 "$NSCD" || netns_fail "nscd has ended: $(cat "$NETNS_DIR/nscd.log")"
echo "ok: $workers workers: unknown names at most $longest ms, cached ones at most $slowest ms"

devidm_ctl fault clear >/dev/null
netns_wait_for 90 sh -c 'kanidm-unix status | grep -q online' || netns_fail "not online again"
netns_wait_for 20 sh -c "'$probe' alice | grep -q '^found alice '" ||
	netns_fail "a person is not found when the server is back: $("$probe" alice)"
echo "ok: a name that was not known before, when the server is back"
kill "$NSCD"
wait "$NSCD" 2>/dev/null || true
netns_daemon_stop
devidm_stop
