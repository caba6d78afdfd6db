#!/bin/bash
# SPDX-License-Identifier: MPL-2.0
# A group beyond the server's limit for searches (1,024 entries without an API token) has all
# of its members, for a host without a token and for one with, and a group inside it counts.
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
devidm_ctl bulk 1500 groups=3
# Groups in a circle, and nobody twice.
devidm_ctl add group all gid=40001
devidm_ctl member add all everyone
devidm_ctl member add all shell_users
devidm_ctl member add everyone all

members()
{
	getent group "$1" | cut -d: -f4 | tr ',' '\n' | grep -c .
}

# The search itself is refused, as the recorded server refuses it.
DEVIDM_TOKEN=$(devidm_login)
uuid=$(devidm_get /v1/group/everyone | sed -n 's/.*"uuid":\["\([^"]*\)"\].*/\1/p')
filter="class%20eq%20%22posixaccount%22%20and%20memberof%20eq%20%22$uuid%22"
netns_expect "the server's limit is in force" '"backend" 500' \
	devidm_get "/scim/v1/Entry?filter=$filter&attributes=name" -w ' %{http_code}'

for who in anonymous token; do
	if [ "$who" = token ]; then
		netns_daemon_stop TERM
		devidm_ctl api-token host1 >/etc/kanidm/token
		chown 990:990 /etc/kanidm/token
		chmod 0600 /etc/kanidm/token
		rm -rf /var/cache/kanidm-unixd/* /run/kanidm-unixd/nss.map
	fi
	netns_write_config "$DEVIDM_URL" "$DEVIDM_CA" 'uid_attr_map = "name"' 'gid_attr_map = "name"'
	netns_daemon_start
	netns_wait_for 20 sh -c 'kanidm-unix status | grep -q "Kanidm: online"' ||
		netns_fail "status does not notice that the server is there"
	# The first answer may come before the list does: what is said then is "try again".
	netns_wait_for 20 getent group everyone || netns_fail "$who: no everyone"
	want=$(seq -f 'u%05g' 0 1499)
	have=$(getent group everyone | cut -d: -f4 | tr ',' '\n' | grep '^u[0-9]' | sort)
	[ "$have" = "$want" ] || netns_fail "$who: everyone: $(members everyone) members"
	netns_wait_for 20 getent group all || netns_fail "$who: no all"
	have=$(getent group all | cut -d: -f4 | tr ',' '\n')
	[ "$(grep -c '^u[0-9]' <<<"$have")" = 1500 ] || netns_fail "$who: all: $(wc -l <<<"$have")"
	grep -qx alice <<<"$have" || netns_fail "$who: alice is in all through shell_users"
	[ -z "$(sort <<<"$have" | uniq -d)" ] || netns_fail "$who: somebody is listed twice"
	# Nobody was asked for one by one just to be listed.
	devidm_ctl requests | grep -q "GET /v1/account/u0" && netns_fail "$who: members are asked for"
	echo "ok: $who"
done
echo "ok: all"
