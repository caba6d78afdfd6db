#!/bin/bash
# SPDX-License-Identifier: MPL-2.0
# The tools as administrators and sshd run them: output, exit codes, rights, and the key
# command as nobody with nothing in its environment.
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

# expect_rc WANT COMMAND...: its exit code; output is in $out and $err.
expect_rc()
{
	local want=$1 rc=0
	shift
	"$@" >"$NETNS_DIR/out" 2>"$NETNS_DIR/err" </dev/null || rc=$?
	out=$(cat "$NETNS_DIR/out")
	err=$(cat "$NETNS_DIR/err")
	[ "$rc" = "$want" ] || netns_fail "$*: exit $rc instead of $want
stdout: $out
stderr: $err"
	echo "ok: $* -> $rc"
}

says()
{
	[ "$1" = "$2" ] || netns_fail "expected
$2
got
$1"
}

as_nobody()
{
	setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
}

keys()
{
	as_nobody env -i "$(command -v kanidm_ssh_authorizedkeys)" "$@"
}

# json EXPRESSION: the one line in $out is an object for which that holds; `o` is the object.
json()
{
	python3 -c 'import json, sys
text = sys.stdin.read()
o = json.loads(text)
assert text.count("\n") == 1 and isinstance(o, dict) and eval("(" + sys.argv[1] + ")"), text' "$1" <<<"$out" ||
		netns_fail "not so: $1"
}

sock=/run/kanidm-unixd/sock
for command in status cache-invalidate "cache-clear --really" "explain alice"; do
	# shellcheck disable=SC2086
	expect_rc 1 kanidm-unix $command
	says "$out" ""
	says "$err" "kanidm-unix: Error -> cannot connect to $sock: No such file or directory (code 2)
is it running? systemctl status kanidm-unixd"
	# shellcheck disable=SC2086
	expect_rc 1 kanidm-unix $command --json
	json "o == {'error': 'cannot connect to $sock: No such file or directory', 'code': 2}"
	case $err in *"cannot connect"*) ;; *) netns_fail "nothing for people: $err" ;; esac
done
expect_rc 1 keys alice
says "$out$err" ""
expect_rc 0 kanidm-unix version
case $out in "kanidm-unix "[0-9]*) ;; *) netns_fail "version: $out" ;; esac
expect_rc 0 kanidm-unix version --json
json "o.keys() == {'version'} and o['version'][0].isdigit()"
expect_rc 0 kanidm-unix help
expect_rc 2 kanidm-unix
says "$out" ""
expect_rc 2 kanidm-unix nonsense
expect_rc 2 kanidm-unix explain
expect_rc 0 keys -v
case $out in "ssh_authorizedkeys "[0-9]*) ;; *) netns_fail "version: $out" ;; esac
for command in "kanidm-unix --help" "kanidm-unix status --help" "keys -v" "keys --help"; do
	rc=0
	$command >/dev/full || rc=$?
	[ "$rc" = 1 ] || netns_fail "$command, and nobody could read it: $rc"
done

devidm_start "$NETNS_DIR/devidm" sample
netns_write_config "$DEVIDM_URL" "$DEVIDM_CA" 'uid_attr_map = "name"'
netns_daemon_start

expect_rc 0 kanidm-unix status
says "$out" "system: online
Kanidm: online"
expect_rc 0 kanidm-unix status --verbose
for key in "uri: $DEVIDM_URL" "identity: anonymous@idm.example.test" "users: " "hsm_pin: "; do
	case $out in *"$key"*) ;; *) netns_fail "status --verbose lacks '$key': $out" ;; esac
done
expect_rc 0 kanidm-unix status --json
json "o['Kanidm'] == 'online' and o['system'] == 'online'"

expect_rc 0 keys alice
says "$err" ""
[ "$(wc -l <<<"$out")" = 2 ] || netns_fail "alice has two keys: $out"
grep -q '^ssh-ed25519 AAAA.* alice@laptop$' <<<"$out" || netns_fail "keys: $out"
for name in nosuchperson carol root "alice,x" 20001 ""; do
	expect_rc 0 keys "$name"
	says "$out$err" ""
done
expect_rc 1 keys
says "$out" ""
as_nobody env -i "$(command -v kanidm_ssh_authorizedkeys)" alice <&- >"$NETNS_DIR/out" ||
	netns_fail "keys with stdin closed"
[ "$(wc -l <"$NETNS_DIR/out")" = 2 ] || netns_fail "keys with stdin closed"

expect_rc 1 as_nobody kanidm-unix cache-invalidate
says "$out" ""
says "$err" "cache-invalidate: only root may do this (try: sudo kanidm-unix cache-invalidate)"
expect_rc 1 as_nobody kanidm-unix cache-clear --really
says "$err" "cache-clear: only root may do this (try: sudo kanidm-unix cache-clear --really)"
expect_rc 1 as_nobody kanidm-unix accept-id alice
for command in cache-invalidate "cache-clear --really" "accept-id alice"; do
	# shellcheck disable=SC2086
	expect_rc 1 as_nobody kanidm-unix $command --json
	json "o['error'].startswith('only root may do this (try: sudo kanidm-unix ')"
done
expect_rc 0 kanidm-unix cache-invalidate
says "$out" success
expect_rc 0 kanidm-unix cache-invalidate --json
json "o == {'success': True}"
expect_rc 1 kanidm-unix cache-clear
says "$out" ""
getent passwd alice >/dev/null
expect_rc 0 kanidm-unix cache-clear --really
says "$out" success
expect_rc 0 kanidm-unix cache-clear --really --json
json "o == {'success': True}"
expect_rc 1 kanidm-unix cache-clear --json
json "o == {'error': 'Are you sure you want to proceed? If so use --really'}"
expect_rc 1 kanidm-unix accept-id --json alice
json "o.keys() == {'error'}"
expect_rc 0 kanidm-unix explain alice
[ -n "$out" ] || netns_fail "explain says nothing"
expect_rc 0 kanidm-unix explain root
expect_rc 0 kanidm-unix explain "alice,x"
expect_rc 0 kanidm-unix explain --json root
json "o['asked'] == 'root' and isinstance(o['local'], list) and o['can_log_in'] is None"

# verdict NAME SENTENCE CAN: the first line, and what programs get.
verdict()
{
	expect_rc 0 kanidm-unix explain "$1"
	says "${out%%$'\n'*}" "verdict: $2"
	expect_rc 0 kanidm-unix explain --json "$1"
	json "o['verdict'] == \"\"\"$2\"\"\" and o['can_log_in'] is $3"
}
verdict root "root is an account of this host: pam_unix decides, not the server" None
verdict shell_users "shell_users is a group: nobody logs in by that name" False
verdict nosuchperson "nosuchperson cannot log in: the server has no POSIX account of this name (kanidm person posix set nosuchperson)" False
verdict carol "carol cannot log in: the account has expired or is not valid yet" False
verdict alice "alice can log in, but no home is made: kanidm_unixd_tasks is not connected" True
verdict "alice,x" "the server can have nobody of this name; if this host has, pam_unix decides" None
for line in "server: online" "group: shell_users" "account: allowed by group shell_users" "shell: " \
	"home: /home/alice" "home_state: not there yet" "homes: not made" "local: no account or group" \
	"offline login: not ready" "from: cache, told by the server"; do
	expect_rc 0 kanidm-unix explain alice
	grep -q "^$line" <<<"$out" || netns_fail "explain lacks '$line': $out"
done

# auth_test WANT_RC WANT_STDOUT WORDS_ON_STDERR PASSWORD COMMAND...
auth_test()
{
	local rc=0 want=$1 lines=$2 words=$3 typed=$4
	shift 4
	printf '%s\n' "$typed" | "$@" >"$NETNS_DIR/out" 2>"$NETNS_DIR/err" || rc=$?
	[ "$rc" = "$want" ] || netns_fail "$*: exit $rc: $(cat "$NETNS_DIR/out" "$NETNS_DIR/err")"
	says "$(cat "$NETNS_DIR/out")" "$lines"
	if [ -z "$words" ]; then
		says "$(cat "$NETNS_DIR/err")" ""
	fi
	grep -qF -- "$words" "$NETNS_DIR/err" || [ -z "$words" ] ||
		netns_fail "$*: not '$words' but: $(cat "$NETNS_DIR/err")"
	echo "ok: $* -> $rc, $(tr '\n' ' ' <"$NETNS_DIR/out")"
}

right=Sample-alice-horse-battery-9
auth_test 0 "auth success!
account success!" "" "$right" kanidm-unix auth-test --name alice
auth_test 0 "auth success!
account success!" "" "$right" kanidm-unix auth-test -D alice@idm.example.test
auth_test 1 "auth failed!
account success!" "server refused" "not $right" kanidm-unix auth-test -D alice
auth_test 1 "auth failed!
account failed!" "not valid now" Sample-carol-horse-battery-9 kanidm-unix auth-test -D carol
auth_test 1 "auth user unknown
account user unknown" "no POSIX account" x kanidm-unix auth-test -D nosuchperson
auth_test 1 "auth user unknown
account user unknown" "own files" x kanidm-unix auth-test -D root
# Who may ask: the person, but not anybody.
auth_test 0 "auth success!
account success!" "" "$right" setpriv --reuid=20001 --regid=20001 --clear-groups \
	kanidm-unix auth-test --name alice
auth_test 1 "auth failed!
account failed!" "(try: sudo kanidm-unix auth-test --name NAME)" "$right" \
	as_nobody kanidm-unix auth-test --name alice
# auth_json WANT_RC PASSWORD EXPRESSION COMMAND...
auth_json()
{
	local rc=0 want=$1 typed=$2 expression=$3
	shift 3
	out=$(printf '%s\n' "$typed" | "$@" 2>"$NETNS_DIR/err") || rc=$?
	[ "$rc" = "$want" ] || netns_fail "$*: exit $rc: $out"
	json "$expression"
	echo "ok: $* -> $out"
}
auth_json 0 "$right" "o == {'success': True, 'name': 'alice', 'auth': 'success', 'account': 'success'}" \
	kanidm-unix auth-test --json --name alice
auth_json 1 "not $right" "not o['success'] and (o['auth'], o['account']) == ('failed', 'success') and
	'server refused' in o['auth_reason']" kanidm-unix auth-test --json --name alice
auth_json 1 x "(o['auth'], o['account']) == ('unknown', 'unknown') and 'account_reason' in o" \
	kanidm-unix auth-test --json --name nosuchperson
# Said and lost is not said: its lines are written as they come.
rc=0
kanidm-unix auth-test --name alice <<<"$right" >/dev/full || rc=$?
[ "$rc" = 1 ] || netns_fail "auth-test, and nobody could read it: $rc"
expect_rc 2 kanidm-unix auth-test
expect_rc 2 kanidm-unix auth-test alice
netns_wait_for 10 sh -c 'kanidm-unix status --verbose | grep -qx "offline_logins: ready for 1 user"' ||
	netns_fail "who is ready offline: $(kanidm-unix status --verbose)"
expect_rc 0 kanidm-unix status --verbose
for line in "offline_key: soft key, pin /var/lib/kanidm-unixd/hsm-pin, " "tasks: not connected"; do
	grep -q "^$line" <<<"$out" || netns_fail "status --verbose lacks '$line': $out"
done
grep -q "^login: nobody may log in" <<<"$out" && netns_fail "shell_users may log in: $out"
sed -i 's/^pam_allowed_login_groups.*/pam_allowed_login_groups = []/' /etc/kanidm/unixd
kill -HUP "$NETNS_DAEMON"
netns_wait_for 10 sh -c 'kanidm-unix status --verbose | grep -q "^login: nobody may log in"' ||
	netns_fail "nobody may log in, and status does not say so: $(kanidm-unix status --verbose)"
auth_test 1 "auth success!
account failed!" "nobody may log in" "$right" kanidm-unix auth-test --name alice
expect_rc 0 kanidm-unix status
says "$out" "system: online
Kanidm: online"
sed -i 's/^pam_allowed_login_groups.*/pam_allowed_login_groups = ["shell_users"]/' /etc/kanidm/unixd
kill -HUP "$NETNS_DAEMON"
netns_wait_for 10 sh -c '! kanidm-unix status --verbose | grep -q "^login: nobody may log in"' ||
	netns_fail "shell_users may log in again, and status does not say so"

# Offline is an answer too.
devidm_stop
netns_wait_for 20 sh -c 'kanidm-unix status | grep -q "Kanidm: offline"' ||
	netns_fail "still online without a server"
expect_rc 0 kanidm-unix status
says "$out" "system: online
Kanidm: offline"
expect_rc 0 kanidm-unix status --verbose
case $out in *"reason: connection refused"*) ;; *) netns_fail "no reason: $out" ;; esac
auth_test 0 "auth success!
account success!" "kept on this host" "$right" kanidm-unix auth-test --name alice
auth_test 1 "auth failed!
account success!" "not the password" "not $right" kanidm-unix auth-test --name alice
netns_daemon_stop
echo "ok: all"
