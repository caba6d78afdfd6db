#!/bin/bash
# SPDX-License-Identifier: MPL-2.0
# What the unit files rely on: socket activation, READY and STATUS, the watchdog, reload;
# and that a change of the network is noticed without waiting for the next probe.
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
netns_write_config "$DEVIDM_URL" "$DEVIDM_CA"
SERVER_OFF="$DEVIDM_CTL $DEVIDM_SOCKET off" SERVER_ON="$DEVIDM_CTL $DEVIDM_SOCKET on" \
	python3 "$here/tests/integration/manager.py" /run/kanidm-unixd/sock kanidm_unixd \
	2>>"$NETNS_LOG" || netns_fail "see manager.py above"
rm -f /run/kanidm-unixd/sock

# --- a service manager that passes no socket: the daemon makes its own. Then the network changes.
NOTIFY_SOCKET=$NETNS_DIR/nobody-reads netns_daemon_start
[ -S /run/kanidm-unixd/sock ] || netns_fail "no socket without one from the service manager"
netns_wait_for 10 grep -q '^link: online' "$NETNS_LOG" || netns_fail "not online"
devidm_stop
# Each status is a failed probe, and each of these doubles the time to the next one.
for _ in 1 2 3 4 5; do
	kanidm-unix status >/dev/null
done
kanidm-unix status | grep -q 'Kanidm: offline' || netns_fail "online without a server"
online_lines()
{
	grep -c '^link: online' "$NETNS_LOG"
}
before=$(online_lines)
devidm_restart
ip address add 192.0.2.7/32 dev lo
netns_wait_for 3 sh -c '[ "$(grep -c "^link: online" "$1")" -gt "$2" ]' sh "$NETNS_LOG" \
	"$before" || netns_fail "a new address did not make it look for the server"
echo "ok: a change of the network is a reason to look"
netns_daemon_stop
echo "ok: all"
