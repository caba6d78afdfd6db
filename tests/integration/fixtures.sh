#!/bin/bash
# SPDX-License-Identifier: MPL-2.0
# Decisions that only all parts together can show: a group called like a local one, ids that
# change on the server, lost rights, and a CA, a token and a database that are exchanged
# under a running daemon.
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
by_name=('uid_attr_map = "name"' 'gid_attr_map = "name"')

has()
{
	case $2 in *"$1"*) echo "ok: $1" ;; *) netns_fail "expected '$1' in: $2" ;; esac
}

wait_status()
{
	netns_wait_for 20 sh -c 'kanidm-unix status --verbose | grep -qF -- "$1"' sh "$1" ||
		netns_fail "status does not show '$1': $(kanidm-unix status --verbose 2>&1)"
	echo "ok: status shows '$1'"
}

# said TIMES TEXT: in the daemon's journal.
said()
{
	local n
	n=$(grep -cF -- "$2" "$NETNS_LOG" || true)
	[ "$n" = "$1" ] || netns_fail "said $n times instead of $1: $2"
	echo "ok: said $1 times: $2"
}

reload()
{
	kill -HUP "$NETNS_DAEMON"
}

# --- `users`: gid 68002 on the server, 100 here
users_here=$(grep '^users:' /etc/group)
netns_write_config "$DEVIDM_URL" "$DEVIDM_CA" "${by_name[@]}"
netns_daemon_start
for line in "files kanidm" "kanidm files"; do
	netns_nsswitch "$line"
	netns_expect "users, not listed, $line" "$users_here" getent group users
	netns_expect "users by gid, not listed, $line" "" getent group 68002
done
has "there is a local group of this name; it wins" "$(kanidm-unix explain users)"
case " $(id -G alice) " in *" 68002 "*) netns_fail "the hidden group is given to alice" ;; esac
netns_write_config "$DEVIDM_URL" "$DEVIDM_CA" "${by_name[@]}" \
	'allow_local_account_override = ["users"]'
reload
netns_wait_for 10 sh -c 'getent group users | grep -q "^users:x:68002:"' ||
	netns_fail "users, listed, kanidm first: $(getent group users)"
echo "ok: users, listed, kanidm first: $(getent group users)"
has "users:x:68002:" "$(getent group 68002)"
has "no effect for lookups while" "$(kanidm-unix explain users)"
has "discouraged" "$(kanidm_unixd -t -r 2>&1)"
netns_nsswitch "files kanidm"
netns_expect "users, listed, files first" "$users_here" getent group users
netns_write_config "$DEVIDM_URL" "$DEVIDM_CA" "${by_name[@]}"
reload
netns_wait_for 10 sh -c '! getent group 68002' || netns_fail "no longer listed, still shown"

# --- a person's number is kept until root says so, a group's is not
getent group shell_users >/dev/null
netns_expect "alice" 20001 id -u alice
devidm_ctl set alice gid=20501 >/dev/null
devidm_ctl set shell_users gid=30501 >/dev/null
kanidm-unix cache-invalidate >/dev/null
netns_expect "alice keeps her number" 20001 id -u alice
netns_expect "nobody has the new one" "" getent passwd 20501
wait_status "ids_pending: 1 (alice 20001 -> 20501)"
has "kanidm-unix accept-id alice" "$(kanidm-unix explain alice)"
kanidm-unix cache-invalidate >/dev/null
netns_expect "alice still" 20001 id -u alice
said 1 "accept-id alice old=20001 new=20501"
netns_expect "the group has its new number" 30501 \
	sh -c 'getent group shell_users | cut -d: -f3'
said 1 "shell_users@idm.example.test has a new gid old=30001 new=30501"
netns_expect "accept" "success: alice 20001 -> 20501" kanidm-unix accept-id alice
netns_expect "alice has the new one" 20501 id -u alice
netns_expect "nobody has the old one" "" getent passwd 20001
wait_status "ids_pending: 0"

# --- rights lost: everybody is 404, nobody is gone
bob=$(getent passwd bob)
devidm_ctl rights off >/dev/null
kanidm-unix cache-invalidate >/dev/null
netns_expect "rights lost: bob" "$bob" getent passwd bob
wait_status "reason: not authorised to read POSIX data"
netns_expect "rights lost: bob again" "$bob" getent passwd bob
devidm_ctl rights on >/dev/null
netns_wait_for 20 sh -c 'kanidm-unix status | grep -q "Kanidm: online"' ||
	netns_fail "rights are back, still offline"

# --- a token appears
devidm_ctl add service thishost >/dev/null
devidm_ctl member add idm_unix_authentication_read thishost >/dev/null
devidm_ctl api-token thishost >/dev/null
devidm_ctl show-token thishost >/etc/kanidm/token
chown 990 /etc/kanidm/token
reload
wait_status "identity: thishost@idm.example.test (token)"
wait_status "Kanidm: online"
rm /etc/kanidm/token
reload
wait_status "identity: anonymous@idm.example.test"

# --- a CA that is not the server's, and then is
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=other" \
	-keyout /dev/null -out "$NETNS_DIR/ca.pem" 2>/dev/null
chmod 644 "$NETNS_DIR/ca.pem"
netns_write_config "$DEVIDM_URL" "$NETNS_DIR/ca.pem" "${by_name[@]}"
reload
devidm_ctl close-idle >/dev/null
wait_status "reason: unknown issuer (UnknownIssuer)"
netns_expect "wrong CA: bob" "$bob" getent passwd bob
cat "$DEVIDM_CA" >"$NETNS_DIR/ca.pem"
reload
wait_status "Kanidm: online"

# --- the number she has is also kept over a cache-clear, and over a database damaged where
# only reading it all shows it
devidm_ctl set alice gid=20777 >/dev/null
kanidm-unix cache-clear --really >/dev/null
netns_expect "cache-clear is no way around accept-id" 20501 id -u alice
netns_daemon_stop
db=/var/cache/kanidm-unixd/unixd.db
python3 - "$db" <<'P'
import sqlite3, sys
c = sqlite3.connect(sys.argv[1])
c.execute("PRAGMA journal_mode=DELETE")
root, size = c.execute("select rootpage from sqlite_master where name='users'").fetchone()[0], \
    c.execute("PRAGMA page_size").fetchone()[0]
c.close()
with open(sys.argv[1], "r+b") as f:
    f.seek((root - 1) * size)
    f.write(b"\xff" * size)
P
: >"$NETNS_LOG"
netns_daemon_start
ls "$db".broken-* >/dev/null 2>&1 || netns_fail "not set aside: $(ls /var/cache/kanidm-unixd)"
said 1 "kept as $db.broken-"
wait_status "kept as $db.broken-"
netns_expect "alice's number is remembered" 20501 id -u alice
wait_status "ids_pending: 1 (alice 20501 -> 20777)"
netns_daemon_stop
: >"$NETNS_LOG"
netns_daemon_start
said 0 "kept as $db.broken-"
netns_daemon_stop
echo "ok: all"
