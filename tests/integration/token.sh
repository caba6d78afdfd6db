#!/bin/bash
# SPDX-License-Identifier: MPL-2.0
# Secrets of the host itself, not of people: the service account's token, also one that is
# refused, and the password of a proxy are in no log, no status and no file but their own,
# with every word of debugging switched on.
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
token=/etc/kanidm/token

# give TEXT: a new token, in place of the one that is there.
give()
{
	printf '%s\n' "$1" >$token.new
	chmod 0640 $token.new
	chgrp kanidm-unixd $token.new
	mv $token.new $token
}

says()
{
	netns_wait_for 10 sh -c "kanidm-unix status --verbose | grep -q '$1'" ||
		netns_fail "no '$1' in: $(kanidm-unix status --verbose)"
}

# nowhere SECRET WHAT: everything that is written while the daemon runs.
nowhere()
{
	{
		kanidm-unix status --verbose
		kanidm-unix status --json
		kanidm-unix explain alice
		kanidm-unix check --verbose || true
		kanidm-unix --debug status || true
	} >"$NETNS_DIR/shown" 2>&1
	local hit
	hit=$(grep -rlaF -- "$1" "$NETNS_LOG" "$NETNS_DIR/shown" /run /var/cache /var/lib/kanidm-unixd || true)
	[ -z "$hit" ] || netns_fail "$2 is in $hit"
	echo "ok: $2 is nowhere"
}

first=$(devidm_ctl show-token host1)
[ ${#first} -gt 40 ] || netns_fail "no token: $first"
give "$first"
netns_daemon_start --debug
says '^identity: host1@.*(token)'
getent passwd alice >/dev/null || netns_fail "no alice"
printf 'Sample-alice-horse-battery-9\n' | kanidm-unix auth-test --name alice >/dev/null ||
	netns_fail "alice cannot log in"
nowhere "$first" "a token that works"

devidm_ctl revoke-tokens host1 >/dev/null
kanidm-unix cache-invalidate >/dev/null
getent passwd bob >/dev/null || true
says '^reason: service account token refused'
nowhere "$first" "a token that is refused"

second=$(devidm_ctl api-token host1)
give "$second"
says '^Kanidm: online'
nowhere "$second" "the next one"

give "not a token, but nobody's business: hunter-2-and-more"
kill -HUP "$NETNS_DAEMON"
says '^reason: service account token refused'
nowhere hunter-2-and-more "a line that is no token"
netns_daemon_stop

rm $token
export HTTPS_PROXY=http://somebody:proxy-secret-7@127.0.0.1:9
netns_daemon_start --debug
says '^proxy: '
nowhere proxy-secret-7 "the password of a proxy"
netns_daemon_stop
# The search does find what is there.
grep -qaF "request: op=PAM_AUTH" "$NETNS_LOG" || netns_fail "no words of debugging"
grep -qaF "alice" "$NETNS_DIR/shown" || netns_fail "nothing was shown"
echo "ok: all"
