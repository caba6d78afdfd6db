#!/bin/bash
# SPDX-License-Identifier: MPL-2.0
# A thousand lookups at once by one user, of names nobody has asked for yet, while the server
# takes its time: every one is answered, and the server sees each name once.
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
devidm_ctl fault delay 300 'path=/v1/account/*' >/dev/null

names=(alice bob carol frank grace heidi ivan)
ask()
{
	setpriv --reuid=1234 --regid=1234 --clear-groups \
		getent passwd "$1" >"$NETNS_DIR/answers/$2" || echo "exit $?" >"$NETNS_DIR/answers/$2"
}
mkdir "$NETNS_DIR/answers"
pids=()
for i in $(seq 1000); do
	ask "${names[i % ${#names[@]}]}" "$i" &
	pids+=($!)
done
wait "${pids[@]}"
wrong=0
for i in $(seq 1000); do
	grep -q "^${names[i % ${#names[@]}]}:x:" "$NETNS_DIR/answers/$i" || {
		wrong=$((wrong + 1))
		echo "lookup $i of ${names[i % ${#names[@]}]}: $(cat "$NETNS_DIR/answers/$i")" >&2
	}
done
[ "$wrong" = 0 ] || netns_fail "$wrong of 1000 lookups went wrong"
for name in "${names[@]}"; do
	n=$(devidm_ctl requests | grep -c "/v1/account/$name/_unix/_token" || true)
	[ "$n" -le 2 ] || netns_fail "$name was asked for $n times"
done
echo "ok: 1000 lookups"
netns_daemon_stop
