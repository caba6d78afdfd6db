#!/bin/bash
# SPDX-License-Identifier: MPL-2.0
# The main job, end to end: programs ask libc, libc asks the module, and people of a server
# over TLS come back; then the server goes, then the daemon, and they still do.
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
netns_write_config "$DEVIDM_URL" "$DEVIDM_CA" 'uid_attr_map = "name"' 'gid_attr_map = "name"'
netns_daemon_start

alice='alice:x:20001:20001:Alice Archer:/home/alice@idm.example.test:/bin/bash'
spn=alice@idm.example.test

# $1: the situation
everything_known()
{
	netns_expect "$1: by name" "$alice" getent passwd alice
	netns_expect "$1: by uid" "$alice" getent passwd 20001
	netns_expect "$1: by SPN" "$alice" getent passwd "$spn"
	netns_expect "$1: group by name" "$shell_users" getent group shell_users
	netns_expect "$1: group by gid" "$shell_users" getent group 30001
	netns_expect "$1: id" "$id_alice" id alice
	netns_expect "$1: local users stay" "root:x:0:0:root:/root:/bin/bash" getent passwd root
}

shell_users=$(getent group shell_users) || netns_fail "getent group shell_users: $?"
case $shell_users in
shell_users:x:30001:*alice*) ;;
*) netns_fail "shell_users: $shell_users" ;;
esac
id_alice=$(id alice) || netns_fail "id alice: $?"
case $id_alice in
"uid=20001(alice) gid=20001(alice) groups=20001(alice),"*"30001(shell_users)"*) ;;
*) netns_fail "id alice: $id_alice" ;;
esac
everything_known "online"
netns_expect "status" "system: online
Kanidm: online" kanidm-unix status

# Exit code 2 is getent's "no such key": true only because the server said so.
rc=0
getent passwd nosuchperson || rc=$?
[ "$rc" = 2 ] || netns_fail "getent nosuchperson: exit $rc"

getent passwd | grep -q '^alice:x:20001:' || netns_fail "enumeration does not list alice"
[ "$(getent passwd | grep -c '^root:')" = 1 ] || netns_fail "enumeration lists root twice"
# Groups reach the map once a second.
netns_wait_for 5 sh -c 'getent group | grep -q "^shell_users:x:30001:"' ||
	netns_fail "enumeration does not list shell_users: $(getent group)"

# An answer that was given is in the map: killing the daemon at once takes nothing back.
kanidm-unix cache-clear --really >/dev/null
netns_expect "asked anew" "$shell_users" getent group shell_users
netns_daemon_stop KILL
netns_expect "killed right after the answer" "$shell_users" getent group shell_users
netns_daemon_start
everything_known "started again"

devidm_stop
netns_wait_for 20 sh -c 'kanidm-unix status | grep -q "Kanidm: offline"' ||
	netns_fail "status does not notice that the server is gone"
everything_known "server gone"

netns_daemon_stop KILL
everything_known "daemon killed"

netns_daemon_start
everything_known "daemon restarted without a server"

netns_daemon_stop TERM
everything_known "daemon stopped"
echo "ok: all"
