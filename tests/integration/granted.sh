#!/bin/bash
# SPDX-License-Identifier: MPL-2.0
# map_group gives people of the server a group of this host. What the daemon says about such
# groups counts as far as root's own configuration says it, too: a daemon that reads another one
# stands for one that was taken over.
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
printf 'sudo:x:27:\nshadow:x:42:\n' >/etc/group.new
grep -vE '^(sudo|shadow):|:(27|42):' /etc/group >>/etc/group.new
mv /etc/group.new /etc/group
netns_write_config "$DEVIDM_URL" "$DEVIDM_CA" 'uid_attr_map = "name"' 'gid_attr_map = "name"'
kept=$(cat /etc/kanidm/unixd)

# with LINE: root's configuration has it.
with()
{
	printf '%s\n%s\n' "$kept" "$1" >/etc/kanidm/unixd
}

# numbers: of alice's groups, as a login would have them.
numbers()
{
	tr ' ' '\n' <<<"$(id -G alice)" | sort -n | grep -E '^[0-9]{1,3}$' | tr '\n' ' '
}

members()
{
	getent -s kanidm group "$1" || echo none
}

# all WHAT NUMBERS: from the map, and from the daemon.
all()
{
	netns_expect "$1" "$2" numbers
	rm -f /run/kanidm-unixd/nss.map
	netns_expect "$1, by the daemon" "$2" numbers
}

start()
{
	netns_daemon_start -u "$NETNS_DIR/daemons"
	getent passwd alice >/dev/null || netns_fail "no alice"
	getent group shell_users >/dev/null || netns_fail "no shell_users"
}

both='map_group = [ { local = "sudo", with = "shell_users" }, { local = "shadow", with = "shell_users" } ]'
printf '%s\n%s\n' "$kept" "$both" >"$NETNS_DIR/daemons"

with "$both"
start
case $(members sudo) in sudo:x:27:*alice*) ;; *) netns_fail "sudo: $(members sudo)" ;; esac
case $(members 42) in shadow:x:42:*alice*) ;; *) netns_fail "42: $(members 42)" ;; esac
all "both groups, as root has them" "27 42 "
netns_daemon_stop

with 'map_group = [ { local = "shadow", with = "shell_users" } ]'
start
netns_expect "no people for sudo" none members sudo
netns_expect "none for its number" none members 27
case $(members shadow) in shadow:x:42:*alice*) ;; *) netns_fail "shadow: $(members shadow)" ;; esac
all "one group, where root has one" "42 "
netns_daemon_stop

with "#$both"
start
for group in sudo shadow 27 42; do
	netns_expect "no people for $group" none members "$group"
done
all "none, where root has none" ""
[ "$(id -un 20001)" = alice ] || netns_fail "alice is gone: $(id -un 20001)"
case " $(id -Gn alice) " in *" shell_users "*) ;; *) netns_fail "groups of the server: $(id alice)" ;; esac
netns_daemon_stop
devidm_stop
echo "ok: all"
