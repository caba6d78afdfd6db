#!/bin/bash
# SPDX-License-Identifier: MPL-2.0
# The account and session phases with all three programs: how fresh a login is whatever
# cache_timeout says, who may ask, and homes while tasks is there, hangs, dies and is not.
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
netns_setup "$build"
devidm_start "$NETNS_DIR/devidm" sample
config()
{
	netns_write_config "$DEVIDM_URL" "$DEVIDM_CA" 'uid_attr_map = "name"' \
		'gid_attr_map = "name"' 'home_alias = "name"' 'cache_timeout = 900' "$@"
}

n_keys()
{
	kanidm_ssh_authorizedkeys "$1" | grep -c . || true
}

# Seconds since the server said who that is.
age_of()
{
	kanidm-unix explain "$1" | sed -n 's/^from: .* by the server \([0-9]*\) s ago.*/\1/p'
}

is_older_than()
{
	[ "$(age_of "$1")" -ge "$2" ]
}

log_has()
{
	grep -q -- "$1" "$NETNS_LOG"
}

is_online()
{
	kanidm-unix status | grep -q "Kanidm: online"
}

is_offline()
{
	kanidm-unix status | grep -q "Kanidm: offline"
}

# took MOST_MS "what" "text" command …: and no longer than that, which is short of what it would
# wait for if it did, and long enough for a busy machine
took()
{
	local most=$1 begun ms
	shift
	begun=$(date +%s%N)
	netns_expect "$@"
	ms=$((($(date +%s%N) - begun) / 1000000))
	[ "$ms" -le "$most" ] || netns_fail "$1: $ms ms, more than $most"
}

# --- what changes on the server counts at the next login
config
netns_daemon_start
for name in alice bob grace dave; do
	netns_expect "$name may log in" "OK OK" "$probe" acct "$name"
done
netns_expect "keys" 2 n_keys alice
netns_wait_for 30 is_older_than dave 15 || netns_fail "dave's record does not age"
devidm_ctl member remove shell_users alice
devidm_ctl set bob expire=now-60
devidm_ctl key remove alice phone
devidm_ctl remove grace
gid=$(getent group shell_users | cut -d: -f3)
id -G alice | grep -qw "$gid" || netns_fail "a lookup asks the server before its time"
netns_expect "a deleted key" 1 n_keys alice
netns_expect "no longer in the group" "OK NOT_ALLOWED" "$probe" acct alice
netns_expect "expired" "OK EXPIRED" "$probe" acct bob
netns_expect "expired: no keys" 0 n_keys bob
netns_expect "deleted" "NOTFOUND" "$probe" acct grace
netns_expect "as before" "OK OK" "$probe" acct dave
log_has "account: not-in-allowed-groups name=alice@" || netns_fail "no line about alice"
kanidm-unix explain alice | grep -q "^account: not allowed: in none of" ||
	netns_fail "explain does not say why: $(kanidm-unix explain alice)"
devidm_ctl member add shell_users alice
netns_wait_for 30 is_older_than alice 15 || netns_fail "alice's record does not age"
netns_expect "nobody is refused from an old record" "OK OK" "$probe" acct alice
kanidm-unix explain alice | grep -q "^account: allowed by group shell_users" ||
	netns_fail "explain does not say why: $(kanidm-unix explain alice)"

# --- a frozen server: one second for all phases of a login, then the cache
netns_wait_for 30 is_older_than dave 15 || netns_fail "dave's record does not age"
devidm_ctl fault freeze
# Not until the end of the request (4 s); and the second that a login waits is waited once.
took 3500 "frozen: account" "OK OK" "$probe" acct dave
took 950 "frozen: the same login's next phase" "OK OK" "$probe" acct dave
netns_wait_for 20 is_offline || netns_fail "not offline"
took 950 "offline: account" "OK OK" "$probe" acct alice
log_has "account: allowed name=dave@.* from=cache age=" ||
	netns_fail "the journal does not say that it was decided from the cache"
devidm_ctl fault clear
netns_wait_for 20 is_online || netns_fail "not online again"

# --- who may ask
as()
{
	setpriv --reuid="$1" --clear-groups "${@:2}"
}

netns_expect "another user" "DENIED" as 4711 "$probe" acct alice
netns_expect "another user: session" "DENIED" as 4711 "$probe" session alice
netns_expect "another user: somebody who does not exist" "DENIED" as 4711 "$probe" acct nemo
netns_expect "the account itself" "OK OK" as 20001 "$probe" acct alice
echo 'kumailer:x:4711:4711::/:/bin/false' >>/etc/passwd
config 'pam_allowed_callers = ["kumailer", "4712"]'
kill -HUP "$NETNS_DAEMON"
listed_may_ask()
{
	[ "$(as 4711 "$probe" acct alice)" = "OK OK" ]
}
netns_wait_for 10 listed_may_ask || netns_fail "a listed caller may not ask"
netns_expect "a listed number" "OK OK" as 4712 "$probe" acct alice
netns_expect "still not everybody" "DENIED" as 4713 "$probe" acct alice

# --- without tasks
home=/home/$(kanidm-unix explain alice | sed -n 's/^user: .* uuid=\([^ ]*\) .*/\1/p')
[ "$home" != /home/ ] || netns_fail "explain does not say alice's uuid"
started_long_ago()
{
	[ $(($(date +%s) - $(stat -c %Y "/proc/$NETNS_DAEMON"))) -ge 11 ]
}
netns_wait_for 20 started_long_ago || netns_fail "time stands still"
without="the service that makes home directories is not running"
took 2000 "no tasks" "OK NO_TASKS look /home/alice $without" "$probe" session alice

# --- with tasks
netns_tasks_start
netns_expect "a home is made" "OK OK /home/alice " "$probe" session alice
[ "$(stat -c %u "$home")" = 20001 ] || netns_fail "no home for alice: $(ls -l /home)"
[ "$(readlink /home/alice)" = "$home" ] || netns_fail "no link for alice: $(ls -l /home)"
as 20001 touch /home/alice/mine || netns_fail "alice cannot write in her home"
netns_expect "and kept" "OK OK /home/alice " "$probe" session alice
[ -e "$home/mine" ] || netns_fail "alice's file is gone"

# hangs: nobody waits longer than the deadline, others are not kept from anything
kill -STOP "$NETNS_TASKS"
took 10000 "tasks hangs" "OK FAILED /home/dave the home directory is not ready yet" \
	"$probe" session dave
took 2000 "tasks hangs: account" "OK OK" "$probe" acct dave
kill -CONT "$NETNS_TASKS"
netns_wait_for 10 test -e /home/dave || netns_fail "dave's home is not made afterwards"

# dies in the middle, and another one comes
kill -STOP "$NETNS_TASKS"
"$probe" session trudy@other.example.test >"$NETNS_DIR/trudy" &
waiting=$!
netns_tasks_stop KILL
netns_tasks_start
wait "$waiting"
netns_expect "put to the next one" "OK OK /home/trudy@other.example.test " cat "$NETNS_DIR/trudy"

# another name: the link of that name at the next session, and no longer the old one
real=$(readlink /home/dave)
devidm_ctl set dave name=davina >/dev/null
netns_expect "renamed" "OK OK /home/davina " "$probe" session davina
netns_expect "one home for both names" "$real" readlink /home/davina
[ ! -L /home/dave ] || netns_fail "the old link is still there: $(ls -l /home)"
devidm_ctl set davina name=dave >/dev/null

# stopped: at once, once it is sure that it does not come back
netns_tasks_stop
gone()
{
	kanidm-unix status --verbose | grep -q "^tasks: not connected"
}
netns_wait_for 10 gone || netns_fail "tasks is not seen to go"
took 2300 "stopped a moment ago" "OK NO_TASKS look /home/alice $without" "$probe" session alice
took 900 "stopped" "OK NO_TASKS look /home/alice $without" "$probe" session alice
config 'home_failure = "deny"'
kill -HUP "$NETNS_DAEMON"
denies()
{
	"$probe" session alice | grep -q "NO_TASKS look deny"
}
netns_wait_for 10 denies || netns_fail "home_failure = deny is not told: $("$probe" session alice)"

# --- a file server below the prefix that does not answer (fuse, with nobody behind it):
# nobody looks, and nobody hangs
mkdir /home/far
not_looked()
{
	"$probe" session alice | grep -q "OK NO_TASKS deny"
}
if { exec 9<>/dev/fuse; } 2>/dev/null && mount -i -n -t fuse \
	-o fd=9,rootmode=40000,user_id=0,group_id=0 far /home/far 2>/dev/null; then
	netns_wait_for 10 not_looked || netns_fail "looks at what may hang"
	took 2000 "dead file server" "OK OK" "$probe" acct alice
	umount -l /home/far
else
	echo "no fuse here: not tried"
fi
exec 9>&-

# --- a unit that hides callers' ids
if ! unshare --user true 2>/dev/null; then
	echo "not shown: hidden callers (no user namespaces here)"
	exit 0
fi
netns_daemon_stop
config
mkfifo "$NETNS_DIR/mapped"
unshare --user sh -c "read -r _ <'$NETNS_DIR/mapped'; exec setpriv --reuid=990 --regid=990 \
	--clear-groups kanidm_unixd" >>"$NETNS_LOG" 2>&1 &
NETNS_DAEMON=$!
own_namespace()
{
	[ "$(readlink "/proc/$NETNS_DAEMON/ns/user")" != "$(readlink /proc/self/ns/user)" ]
}
netns_wait_for 10 own_namespace || netns_fail "no user namespace"
# in one write
printf '0 0 1\n990 990 1\n' >"$NETNS_DIR/ids"
cat "$NETNS_DIR/ids" >"/proc/$NETNS_DAEMON/uid_map"
cat "$NETNS_DIR/ids" >"/proc/$NETNS_DAEMON/gid_map"
echo >"$NETNS_DIR/mapped"
netns_wait_for 10 netns_daemon_answers || netns_fail "the daemon does not answer"
kanidm-unix status --verbose | grep -q "^hidden_callers: .*set PrivateUsers=no" ||
	netns_fail "status does not say that callers are hidden"
log_has "the unit hides callers' ids: set PrivateUsers=no" || netns_fail "no line about it"
netns_wait_for 20 is_online || netns_fail "not online"
netns_expect "hidden: the account phase" "OK OK" as 20001 "$probe" acct alice
netns_expect "hidden: makes no homes for others" "DENIED" as 4711 "$probe" session alice
hidden_auth()
{
	as 20001 "$probe" auth alice "$1" | sed 's/ [0-9]*ms$//'
}
right=Sample-alice-horse-battery-9
netns_expect "hidden: a locker opens" "OK OK 0" hidden_auth "$right"
netns_expect "hidden: one attempt per two seconds" "OK WAIT 2" hidden_auth "$right"
again()
{
	[ "$(hidden_auth "$right")" = "OK OK 0" ]
}
netns_wait_for 10 again || netns_fail "hidden: does not open again: $(hidden_auth "$right")"
netns_expect "hidden: root is not hidden" "OK NO_TASKS look /home/alice $without" \
	"$probe" session alice
