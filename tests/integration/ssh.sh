#!/bin/bash
# SPDX-License-Identifier: MPL-2.0
# Real logins, as in scripts/demo: ssh by password and by key through the stack that
# pam-auth-update makes, with homes made by tasks; refused people; the server off; tasks off.
set -eu
here=$(cd "$(dirname "$0")/../.." && pwd)
build=$1
# shellcheck source=tests/support/netns.sh
. "$here/tests/support/netns.sh"
# shellcheck source=tests/support/sshd.sh
. "$here/tests/support/sshd.sh"
# In the namespaces there is no network to fetch anything from.
if [ "${KU_NETNS:-}" != inside ]; then
	sshd_fetch "$build/sshd" || exit 77
fi
netns_enter "$(readlink -f "$0")" "$@"
export KU_BUILD_DIR=$build
# shellcheck source=tests/support/devidm.sh
. "$here/tests/support/devidm.sh"
# shellcheck source=tests/support/pam.sh
. "$here/tests/support/pam.sh"

pam_setup "$build"
devidm_start "$NETNS_DIR/devidm" sample
ssh-keygen -q -t ed25519 -N '' -f "$NETNS_DIR/key"
for name in bob carol dave grace; do
	devidm_ctl key add "$name" test "$(cat "$NETNS_DIR/key.pub")" >/dev/null
done
devidm_ctl member remove staff dave >/dev/null
netns_write_config "$DEVIDM_URL" "$DEVIDM_CA" 'uid_attr_map = "name"' 'home_alias = "name"' \
	'use_etc_skel = true'
netns_daemon_start
netns_tasks_start
echo 'native:x:4999:4999:Native:/tmp:/bin/sh' >>/etc/passwd
echo 'native:x:4999:' >>/etc/group
echo "native:$(openssl passwd -6 local-password):19000::::::" >>/etc/shadow
# Every refusal would wait for two seconds.
sed -i 's/^auth.*pam_\(unix\|kanidm\)\.so.*/& nodelay/' /etc/pam.d/common-auth
sshd_start "$build/sshd"

password()
{
	echo "Sample-$1-horse-battery-9"
}

# is WHAT WANT COMMAND...: exit 0 and exactly this on stdout.
is()
{
	local what=$1 want=$2 got rc=0
	shift 2
	got=$("$@") || rc=$?
	[ "$rc" = 0 ] && [ "$got" = "$want" ] || netns_fail "$what: exit $rc, expected
$want
got
$got
--- sshd said:
$(tail -n 20 "$NETNS_DIR/sshd/log")"
	echo "ok: $what"
}

# refused WHAT WORDS COMMAND...: and the person was told these words.
refused()
{
	local what=$1 words=$2 got
	shift 2
	got=$("$@" 2>&1) && netns_fail "$what: is in: $got"
	case $got in *"$words"*) ;; *) netns_fail "$what: not '$words' but: $got" ;; esac
	echo "ok: $what"
}

denied="Permission denied"
group="You are not a member of a group"

facts='id -un; test -w . && echo "writable home"; test -e ~/.profile && echo skel'
home="writable home
skel"
is "alice by password" "alice
$home" ssh_password alice "$(password alice)" "$facts"
is "bob by key" "bob
$home" ssh_key bob "$NETNS_DIR/key" "$facts"
uuid=$(basename "$(readlink /home/alice)")
[ "$(stat -c '%U %a' "/home/$uuid")" = "alice 750" ] || netns_fail "/home: $(ls -l /home)"
is "native by password" native ssh_password native local-password "id -un"
refused "alice with another password" "$denied" ssh_password alice "$(password bob)" id
refused "carol by password, expired" "$denied" ssh_password carol "$(password carol)" id
refused "carol by key, expired" "$denied" ssh_key carol "$NETNS_DIR/key" id
refused "dave by key, in no login group" "$group" ssh_key dave "$NETNS_DIR/key" id
refused "dave by password, in no login group" "$group" \
	ssh_password dave "$(password dave)" id
[ ! -e /home/dave ] && [ ! -e /home/carol ] || netns_fail "homes of the refused: $(ls /home)"

# with KEY VALUE: a changed configuration.
with()
{
	local seen
	seen=$(grep -c '^config: read' "$NETNS_LOG")
	sed -i "/^$1 /d; s/^version.*/&\n$1 = \"$2\"/" /etc/kanidm/unixd
	kill -HUP "$NETNS_DAEMON"
	netns_wait_for 10 sh -c '[ "$(grep -c "^config: read" "$1")" -gt "$2" ]' sh "$NETNS_LOG" "$seen" ||
		netns_fail "no reload"
}

# Another spelling than the one that is shown, in both directions; one home.
spn=@idm.example.test
is "alice by SPN, shown by name" alice ssh_password "alice$spn" "$(password alice)" "id -un"
is "bob by key and SPN, shown by name" bob ssh_key "bob$spn" "$NETNS_DIR/key" "id -un"
with uid_attr_map spn
is "alice by name, shown by SPN" "alice$spn
$home" ssh_password alice "$(password alice)" "$facts"
is "bob by key and name, shown by SPN" "bob$spn" ssh_key bob "$NETNS_DIR/key" "id -un"
is "alice by SPN, shown by SPN" "alice$spn" \
	ssh_password "alice$spn" "$(password alice)" "id -un"
kanidm-unix explain alice | grep -qx "name: as shown, and to be typed at sshd: alice$spn" ||
	netns_fail "explain does not say what to type: $(kanidm-unix explain alice)"
with uid_attr_map name
kanidm-unix explain "alice$spn" | grep -qx "name: as shown, and to be typed at sshd: alice" ||
	netns_fail "explain does not say what to type: $(kanidm-unix explain "alice$spn")"

# Without tasks, and no home yet: the administrator's choice.
netns_tasks_stop
with home_failure deny
refused "no home, home_failure = deny" "does not exist and cannot be made now" \
	ssh_key grace "$NETNS_DIR/key" id
with home_failure allow
is "no home, home_failure = allow" "grace
/" ssh_key grace "$NETNS_DIR/key" "id -un; pwd"
netns_tasks_start
is "tasks back: grace has a home" "grace
$home" ssh_key grace "$NETNS_DIR/key" "$facts"

netns_wait_for 10 sh -c 'kanidm-unix explain alice | grep -q "^offline login: ready"' ||
	netns_fail "alice is not ready offline: $(kanidm-unix explain alice)"
devidm_stop
is "server off: alice by password" alice ssh_password alice "$(password alice)" "id -un"
is "server off: bob by key" bob ssh_key bob "$NETNS_DIR/key" "id -un"
refused "server off: alice with another password" "$denied" \
	ssh_password alice "$(password bob)" id
refused "server off: bob by password, never typed here" "$denied" \
	ssh_password bob "$(password bob)" id
refused "server off: carol by key" "$denied" ssh_key carol "$NETNS_DIR/key" id

netns_tasks_stop
is "tasks off: alice, whose home is there" alice ssh_password alice "$(password alice)" "id -un"

netns_daemon_stop KILL
refused "daemon dead: alice by password" "$denied" \
	ssh_password alice "$(password alice)" id
is "daemon dead: native by password" native ssh_password native local-password "id -un"
kill "$SSHD_PID"
echo "ok: all"
