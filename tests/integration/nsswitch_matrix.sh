#!/bin/bash
# SPDX-License-Identifier: MPL-2.0
# The four nsswitch lines x {server frozen, daemon dead} x {cached, never seen, local,
# local since the daemon died}: what a program gets from libc. Promise 2 says that "no such
# user" is only said when it is true; libc keeps our error apart from that only in some
# orders, and this table says in which.
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
netns_write_config "$DEVIDM_URL" "$DEVIDM_CA" 'uid_attr_map = "name"' 'cache_timeout = 60'
probe=$build/tests/integration/nssprobe

# expect LINE SITUATION NAME WANT: WANT is found, absent (0, no such user) or error.
expect()
{
	local got
	got=$("$probe" "$3")
	case $got in
	"$4" | "$4 "*) echo "ok: '$1', $2: $3 -> $got" ;;
	*) netns_fail "'$1', $2: $3 -> $got, expected $4" ;;
	esac
}

# round LINE UNSEEN: UNSEEN is what a name never seen must give under this line in trouble.
round()
{
	local line=$1 unseen=$2 unseen_dead=$3
	netns_nsswitch "$line"
	netns_daemon_start
	expect "$line" "all well" alice found
	expect "$line" "all well" root found
	expect "$line" "all well" nosuchperson absent

	devidm_ctl fault freeze >/dev/null
	expect "$line" "server frozen" alice found
	expect "$line" "server frozen" root found
	expect "$line" "server frozen" "unseen-$RANDOM" "$unseen"
	devidm_ctl fault clear >/dev/null

	netns_daemon_stop KILL
	expect "$line" "daemon dead" alice found
	expect "$line" "daemon dead" root found
	expect "$line" "daemon dead" "unseen-$RANDOM" "$unseen_dead"
	echo 'rescue:x:1777:1777::/root:/bin/sh' >>/etc/passwd
	expect "$line" "daemon dead, local since" rescue found
	sed -i '/^rescue:/d' /etc/passwd
	rm -f /run/kanidm-unixd/nss.map /var/cache/kanidm-unixd/*
}

# libc forgets an error of ours when a later service says "no such user".
round "files kanidm" error error
round "compat kanidm" error error
round "kanidm files" absent absent
round "kanidm [TRYAGAIN=return] files" error error
devidm_stop
