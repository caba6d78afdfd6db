#!/bin/bash
# SPDX-License-Identifier: MPL-2.0
# People of a login group whom nobody on this host has ever asked for: the daemon fetches them
# ahead, the server goes away, and the first lookup, key login and account check work.
set -eu
here=$(cd "$(dirname "$0")/../.." && pwd)
build=$1
# shellcheck source=tests/support/netns.sh
. "$here/tests/support/netns.sh"
netns_enter "$(readlink -f "$0")" "$@"
export KU_BUILD_DIR=$build
# shellcheck source=tests/support/devidm.sh
. "$here/tests/support/devidm.sh"

probe=$build/tests/integration/loginprobe
people=400
netns_setup "$build"

# So many that the first of them are due within seconds: ten minutes are for all of them.
{
	printf '{ "domain": "idm.example.test", "persons": [\n'
	members=
	for ((i = 0; i < people; i++)); do
		printf '{ "name": "p%d", "gid": %d, "displayname": "Person %d", "keys": { "k": "%s p%d" } },\n' \
			"$i" $((20000 + i)) "$i" \
			"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPVf8W9m9DNgJmuV22+P7AHXYDEFQwauSks4BZj2z9EU" "$i"
		members+="\"p$i\", "
	done
	printf '{ "name": "outsider", "gid": 29999 } ],\n'
	printf '"groups": [ { "name": "shell_users", "gid": 30001, "members": [ %s ] } ] }\n' "${members%, }"
} >"$NETNS_DIR/people.json"
devidm_start "$NETNS_DIR/devidm" "$NETNS_DIR/people.json"
netns_write_config "$DEVIDM_URL" "$DEVIDM_CA" 'uid_attr_map = "name"' 'gid_attr_map = "name"' \
	'home_alias = "name"'
sed -i '/^prefetch_groups/d' /etc/kanidm/unixd

# How many of them are known here.
fetched()
{
	kanidm-unix status --verbose | sed -n "s/^prefetch: \([0-9]*\) of $people people, .*/\1/p"
}

has_fetched()
{
	local n
	n=$(fetched)
	[ "${n:-0}" -ge "$1" ]
}

netns_daemon_start
netns_wait_for 60 has_fetched 4 ||
	netns_fail "nobody is fetched ahead: $(kanidm-unix status --verbose)"
kanidm-unix status --verbose | grep -qx "prefetch_group: shell_users: $people members" ||
	netns_fail "status does not tell of the group: $(kanidm-unix status --verbose)"
has_fetched $((people / 4)) && netns_fail "that was a burst: $(fetched) of them"
devidm_stop
netns_wait_for 20 sh -c 'kanidm-unix status | grep -q "Kanidm: offline"' ||
	netns_fail "status does not notice that the server is gone"
kanidm-unix status --verbose | grep -q "^prefetch: .* waits for the server" ||
	netns_fail "status: $(kanidm-unix status --verbose)"

# The daemon is started anew, too: memory has nothing that the disk has not.
netns_daemon_stop TERM
netns_daemon_start
netns_wait_for 20 sh -c 'kanidm-unix status | grep -q "Kanidm: offline"' ||
	netns_fail "status does not notice that the server is not there"
mapfile -t known < <(getent passwd | sed -n 's/^\(p[0-9]*\):.*/\1/p')
[ "${#known[@]}" -ge 4 ] || netns_fail "enumeration shows ${#known[@]} people"

for name in "${known[@]:0:4}"; do
	i=${name#p}
	uid=$((20000 + i))
	line="$name:x:$uid:$uid:Person $i:/home/$name:/bin/sh"
	netns_expect "$name: account check" "OK OK" "$probe" acct "$name"
	netns_expect "$name: keys" \
		"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPVf8W9m9DNgJmuV22+P7AHXYDEFQwauSks4BZj2z9EU $name" \
		kanidm_ssh_authorizedkeys "$name"
	netns_expect "$name: getent by name" "$line" getent passwd "$name"
	netns_expect "$name: getent by uid" "$line" getent passwd "$uid"
	netns_expect "$name: id" "uid=$uid($name) gid=$uid($name) groups=$uid($name),30001(shell_users)" \
		id "$name"
done
n=$(getent group shell_users | cut -d: -f4 | tr ',' '\n' | grep -c .)
[ "$n" = "$people" ] || netns_fail "shell_users has $n members"
rc=0
getent passwd outsider || rc=$?
[ "$rc" != 0 ] || netns_fail "somebody who is in no login group is known here"

# Without prefetch nobody would be: that was the reason, and not something else.
netns_daemon_stop TERM
rm -rf /var/cache/kanidm-unixd/* /run/kanidm-unixd/nss.map
echo 'prefetch_groups = []' >>/etc/kanidm/unixd
devidm_restart
netns_daemon_start
netns_wait_for 20 sh -c 'kanidm-unix status | grep -q "Kanidm: online"' ||
	netns_fail "status does not notice that the server is there"
kanidm-unix status --verbose | grep -qx "prefetch: off" ||
	netns_fail "status: $(kanidm-unix status --verbose)"
[ "$(getent passwd | grep -c '^p[0-9]')" = 0 ] || netns_fail "somebody is fetched all the same"
echo "ok: all"
