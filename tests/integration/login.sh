#!/bin/bash
# SPDX-License-Identifier: MPL-2.0
# Logins through the daemon's socket: what the server says, what is remembered when it is
# silent, how long it takes, how many there can be at once, and what stays in memory.
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
right=Sample-alice-horse-battery-9
netns_setup "$build"
devidm_start "$NETNS_DIR/devidm" sample
# A machine that is busy is no server that is away: nothing but auth_deadline ends a login.
settings=('uid_attr_map = "name"' 'gid_attr_map = "name"' 'conn_timeout = 60'
	'request_timeout = 60')
netns_write_config "$DEVIDM_URL" "$DEVIDM_CA" "${settings[@]}"

tells_ms()
{
	"$probe" lookup alice | grep -q "^OK $1 ms "
}

# deadline SECONDS: long where the verdict is the subject, the default where time is
deadline()
{
	netns_write_config "$DEVIDM_URL" "$DEVIDM_CA" "${settings[@]}" "auth_deadline = $1"
	kill -HUP "$NETNS_DAEMON"
	netns_wait_for 60 tells_ms "$(awk "BEGIN { print $1 * 1000 + 500 }")" ||
		netns_fail "auth_deadline = $1 is not taken over"
}

# auth WHAT NAME PASSWORD WANT [LEAST_MS] [MOST_MS]: the verdict, and how long it took
auth()
{
	local got ms
	got=$("$probe" auth "$2" "$3")
	ms=$(sed -n 's/.* \([0-9]*\)ms$/\1/p' <<<"$got")
	[ "${got% *ms}" = "$4" ] || netns_fail "$1: expected $4, got $got"
	if [ -n "${6:-}" ] && { [ "$ms" -lt "$5" ] || [ "$ms" -gt "$6" ]; }; then
		netns_fail "$1: $ms ms, not between $5 and $6"
	fi
	echo "ok: $1: $got"
}

is_offline()
{
	kanidm-unix status | grep -q "Kanidm: offline"
}

is_online()
{
	kanidm-unix status | grep -q "Kanidm: online"
}

ready_is()
{
	kanidm-unix status --verbose | grep -q "^offline_logins: ready for $1 "
}

memory_of() # KEY: kB
{
	sed -n "s/^$1:[^0-9]*\([0-9]*\) kB/\1/p" "/proc/$NETNS_DAEMON/status"
}

# Deriving a key takes 16 MB for a moment.
memory_below()
{
	[ "$(memory_of RssAnon)" -le "$1" ]
}

memory()
{
	netns_wait_for 3 memory_below 4000 || true
	echo "     memory $1: RssAnon $(memory_of RssAnon) kB, VmRSS $(memory_of VmRSS) kB," \
		"VmHWM $(memory_of VmHWM) kB"
}

# --- online
netns_daemon_start
memory "at start"
netns_expect "lookup" "OK 3000 ms $DEVIDM_URL alice" "$probe" lookup alice
deadline 60
auth "right" alice "$right" "OK OK 0"
memory "after the first login"
auth "right, by SPN" alice@idm.example.test "$right" "OK OK 0"
auth "wrong" alice "not-$right" "OK DENIED 0"
devidm_ctl unlock alice
auth "empty" alice "" "OK DENIED 0"
auth "not UTF-8" alice $'caf\xe9-horse' "OK DENIED 0"
devidm_ctl unlock alice
auth "unknown" nosuchperson x "NOTFOUND"
auth "no name" "name=alice" "$right" "NOTFOUND"
auth "local" root x "LOCAL"
auth "expired" carol Sample-carol-horse-battery-9 "OK DENIED 0"
netns_expect "account" "OK OK" "$probe" acct alice
netns_expect "account: expired" "OK EXPIRED" "$probe" acct carol
netns_expect "account: unknown" "NOTFOUND" "$probe" acct nosuchperson
devidm_ctl add person mallory gid=20900 posix_password=Sample-mallory-horse-battery-9 \
	>/dev/null
netns_expect "account: in no group" "OK NOT_ALLOWED" "$probe" acct mallory
case $("$probe" session alice) in
"OK NO_TASKS look /home/"* | "OK FAILED"*) ;;
*) netns_fail "session: $("$probe" session alice)" ;;
esac
# Only the account itself, root and listed callers may ask.
netns_expect "another user" "DENIED" setpriv --reuid=4711 --clear-groups "$probe" acct alice
netns_expect "the account itself" "OK OK" setpriv --reuid=20001 --clear-groups "$probe" acct alice

getent passwd bob >/dev/null || netns_fail "bob does not resolve"

# --- the same by the tool
printf '%s\n' "$right" | kanidm-unix auth-test --name alice ||
	netns_fail "auth-test refuses the right password"
printf '%s\n' "not-$right" | kanidm-unix auth-test --name alice &&
	netns_fail "auth-test takes a wrong password"
devidm_ctl unlock alice

# --- a session that ends on the server
devidm_ctl expire-sessions
auth "401" alice "$right" "OK OK 0"

# --- offline
netns_wait_for 60 ready_is 1 ||
	netns_fail "no offline login is ready: $(kanidm-unix status --verbose)"
# The answer comes by the deadline (tests/replay/login says to the millisecond when), and not
# with the end of the request, a minute later.
deadline 2.5
devidm_ctl fault freeze
auth "frozen" alice "$right" "OK OK_CACHED 0" 2000 20000
devidm_ctl fault clear
netns_wait_for 60 is_online || netns_fail "not online again"
devidm_stop
netns_wait_for 60 is_offline || netns_fail "not offline"
deadline 60
auth "offline" alice "$right" "OK OK_CACHED 0" 0 20000
auth "offline, wrong" alice "not-$right" "OK WRONG 0" 0 20000
auth "offline, never here" bob Sample-bob-horse-battery-9 "OK NO_CREDENTIAL 0"
netns_expect "offline: account" "OK OK" "$probe" acct alice

netns_daemon_stop
netns_daemon_start
auth "offline, started again" alice "$right" "OK OK_CACHED 0" 0 20000
netns_daemon_stop KILL
netns_daemon_start
auth "offline, killed and started" alice "$right" "OK OK_CACHED 0" 0 20000
kanidm-unix cache-clear --really >/dev/null
auth "offline, cleared" alice "$right" "UNAVAIL"

# --- a password that changes: what was remembered is no good any more
devidm_restart
netns_wait_for 60 is_online || netns_fail "not online again"
auth "online again" alice "$right" "OK OK 0"
netns_wait_for 60 ready_is 1 || netns_fail "no offline login is ready again"
devidm_ctl set alice posix_password=Sample-changed-horse-battery-9
auth "changed, the former" alice "$right" "OK DENIED 0"
deadline 2.5
devidm_ctl fault freeze
auth "changed, frozen, the former" alice "$right" "OK SUSPENDED 0" 2000 20000
devidm_ctl fault clear
deadline 60
devidm_ctl set alice "posix_password=$right"
netns_wait_for 60 is_online || netns_fail "not online again"
auth "back" alice "$right" "OK OK 0"

# --- nothing of a password stays: neither in memory nor in the journal
copies()
{
	printf %s "$1" | "$probe" find "$NETNS_DAEMON"
}

no_copies()
{
	[ "$(copies "$1")" = 0 ]
}

# What is worked on behind an answer has the password for a moment longer.
no_copies_stay()
{
	netns_wait_for 20 no_copies "$1" || netns_fail "$2: $(copies "$1") copies of a password"
	echo "ok: $2"
}

for try in "$right" "not-$right" Sample-changed-horse-battery-9; do
	no_copies_stay "$try" "memory"
	grep -qF -- "$try" "$NETNS_LOG" && netns_fail "a password is in the journal"
done
# The search does find what is there.
[ "$(copies "$DEVIDM_URL")" -gt 0 ] ||
	netns_fail "the search for passwords finds nothing at all"

# --- who may log in is configuration
printf 'version = "2"\n[kanidm]\n' >/etc/kanidm/unixd
kill -HUP "$NETNS_DAEMON"
netns_wait_for 60 sh -c 'kanidm-unix status --verbose | grep -q "nobody may log in"' ||
	netns_fail "status does not say that nobody may log in"
grep -q "nobody may log in: pam_allowed_login_groups is empty" "$NETNS_LOG" ||
	netns_fail "the journal does not say that nobody may log in"
netns_expect "account: nobody" "OK NOBODY" "$probe" acct alice
# Loudly at the start, too: an installation begins like this.
: >"$NETNS_LOG"
netns_daemon_stop
netns_daemon_start
grep -q "nobody may log in: pam_allowed_login_groups is empty" "$NETNS_LOG" ||
	netns_fail "the start does not say that nobody may log in: $(cat "$NETNS_LOG")"

# --- a crowd: with the usual deadline no wrong verdict, with a long one all get in
crowd() # N LIMIT_MS [processes [bulk]]
{
	local got
	got=$("$probe" "${3:-crowd}" "$1" "${4:-alice}" "$right" "$2")
	echo "     $1 ${3:-threads} at once: $got; VmHWM $(memory_of VmHWM) kB"
	case $got in
	*no-reply=* | *DENIED=* | *WRONG=* | *NOTFOUND=*) netns_fail "a wrong verdict: $got" ;;
	*" acct=$1 session=$1 "*) result=$got ;;
	*) netns_fail "some were not let in: $got" ;;
	esac
}

memory_is_back() # MORE_THAN_IDLE_KB
{
	[ "$(memory_of RssAnon)" -le $((idle + $1)) ]
}

memory_comes_back()
{
	netns_wait_for 20 memory_is_back "$1" ||
		netns_fail "memory: $(memory_of RssAnon) kB, idle before: $idle kB"
	memory "idle before: $idle kB, now"
}

netns_write_config "$DEVIDM_URL" "$DEVIDM_CA" "${settings[@]}"
netns_daemon_stop
netns_daemon_start
netns_wait_for 60 is_online || netns_fail "not online"
devidm_ctl auth-delay 60
deadline 60
auth "before the crowd" alice "$right" "OK OK 0"
memory "before the crowd"
idle=$(memory_of RssAnon)
deadline 2.5
crowd 100 20000
memory_comes_back 2048
crowd 500 20000
crowd 500 20000 processes
deadline 120
for kind in crowd processes; do
	crowd 500 130000 "$kind"
	case $result in
	"auth OK=500 "*) ;;
	*) netns_fail "with auth_deadline = 120: $result" ;;
	esac
done
no_copies_stay "$right" "memory after the crowds"

# As many people, not one of them known before; behind it the verifiers of some are made.
devidm_ctl bulk 500 "password=$right" >/dev/null
devidm_ctl member add shell_users everyone >/dev/null
crowd 500 130000 processes bulk
case $result in
"auth OK=500 "*) ;;
*) netns_fail "500 people: $result" ;;
esac
echo "ok: all"
