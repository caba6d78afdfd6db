#!/bin/bash
# SPDX-License-Identifier: MPL-2.0
# kanidm-unix check on a whole host: nothing is found while everything works, and each of
# these faults, made for real, is named; when it is undone, nothing is found again.
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

run=/run/kanidm-unixd
pam_setup "$build"
devidm_start "$NETNS_DIR/devidm" sample
netns_write_config "$DEVIDM_URL" "$DEVIDM_CA" 'uid_attr_map = "name"'

# The sample has a group that Debian has as well, which is left out for that.
sed -i '/^\(staff\|users\):/d' /etc/group

# Where a program is looked for, and what it reads.
mkdir "$NETNS_DIR/sbin"
[ -x /usr/sbin/sshd ] || cp "$build/sshd/usr/sbin/sshd" "$NETNS_DIR/sbin/sshd"
mount --bind "$NETNS_DIR/sbin" /usr/local/sbin || netns_fail "cannot cover /usr/local/sbin"
install -d /etc/ssh/sshd_config.d /run/sshd
install -d /etc/apparmor.d/abstractions/nameservice.d
: >/etc/apparmor.d/abstractions/nameservice.d/kanidm
grep -q '^sshd:' /etc/passwd || echo 'sshd:x:989:65534::/run/sshd:/usr/sbin/nologin' >>/etc/passwd
ssh-keygen -q -A
sed "s/^#\(AuthorizedKeysCommand\)/\1/; s|/usr/sbin/kanidm|$NETNS_DIR/root&|" \
	"$NETNS_DIR/root/etc/ssh/sshd_config.d/10-kanidm.conf" >/etc/ssh/sshd_config.d/10-kanidm.conf
printf '%s\n' 'Include /etc/ssh/sshd_config.d/*.conf' 'UsePAM yes' >/etc/ssh/sshd_config
rm -f /etc/pam.d/sshd
printf '@include common-%s\n' auth account password session >/etc/pam.d/sshd
install -m 0644 "$DEVIDM_CA" /etc/kanidm/ca.pem
sed -i 's|^ca_path.*|ca_path = "/etc/kanidm/ca.pem"|' /etc/kanidm/config

start()
{
	netns_daemon_start
	netns_tasks_start
	netns_wait_for 10 sh -c 'kanidm-unix status | grep -qx "Kanidm: online"' ||
		netns_fail "not online: $(kanidm-unix status --verbose)"
	getent passwd alice >/dev/null || netns_fail "no alice"
	netns_wait_for 10 test -s "$run/nss.map" || netns_fail "no map"
}

stop()
{
	netns_tasks_stop
	netns_daemon_stop
}

check()
{
	rc=0
	out=$(kanidm-unix check "$@" 2>&1) || rc=$?
}

# healthy AFTER: no finding at all.
healthy()
{
	check
	[ "$rc" = 0 ] && [ "$out" = "0 errors, 0 warnings, 0 hints" ] ||
		netns_fail "a healthy host ($1): exit $rc
$out"
}

# named WORD TEXT: a line of that finding has the text in it, and the exit code says so.
named()
{
	check
	grep -F -- "[$1]" <<<"$out" | grep -qF -- "$2" || netns_fail "$1 ($2) is not in:
$out"
	case $(grep -F -- "[$1]" <<<"$out") in
	error:*) [ "$rc" = 1 ] || netns_fail "$1: exit $rc" ;;
	esac
	first=${out%%$'\n'*}
	seeded=$((seeded + 1))
	echo "ok: $(grep -F -- "[$1]" <<<"$out" | head -n 1)"
}

# fault WORD TEXT BREAK UNDO: both are commands for eval.
seeded=0
fault()
{
	eval "$3"
	named "$1" "$2"
	eval "$4"
}

# file_fault WORD TEXT FILE BREAK: the file is put back afterwards.
file_fault()
{
	cp -a "$3" "$NETNS_DIR/kept"
	eval "$4"
	named "$1" "$2"
	rm -f "$3"
	cp -a "$NETNS_DIR/kept" "$3"
	healthy "after $1"
}

start
healthy "at the beginning"
kanidm_unixd -t >"$NETNS_DIR/t" 2>&1 || netns_fail "kanidm_unixd -t as root: $(cat "$NETNS_DIR/t")"
check --json
python3 -c 'import json, sys
o = json.load(sys.stdin)
assert (o["errors"], o["warnings"], o["hints"], o["findings"]) == (0, 0, 0, []), o' <<<"$out"
check --verbose
grep -q '^ok: /etc/ssh/sshd_config: what sshd -T says$' <<<"$out" || netns_fail "sshd: $out"

# Nothing is written by it.
files()
{
	find /etc /home -printf '%p %m %u %s %T@ %C@\n'
	# What the daemon itself writes is its own.
	find /run /var/cache /var/lib -path '*/kanidm-unixd/*' -prune -o -printf '%p %m %u %T@\n'
}
before=$(files | sort)
check
diff <(echo "$before") <(files | sort) || netns_fail "check has changed something"

nss=/etc/nsswitch.conf
file_fault nss-missing 'nsswitch.conf:2' $nss "sed -i 's/^group:.*/group: files/' $nss"
file_fault nss-tryagain passwd $nss "sed -i 's/^passwd:.*/passwd: kanidm files/' $nss"
file_fault nss-hides-local group $nss "sed -i 's/^group:.*/group: kanidm [NOTFOUND=return] files/' $nss"
file_fault nss-initgroups files $nss "echo 'initgroups: files kanidm' >>$nss"

# The stack of the reference's page for SUSE.
auth=/etc/pam.d/common-auth
file_fault pam-no-unix "$auth:1" $auth \
	"printf 'auth sufficient pam_kanidm.so ignore_unknown_user\nauth required pam_deny.so\n' >$auth"
[[ $first == "error: "*"(login, sshd, su"*"[pam-no-unix]" ]] || netns_fail "not the first: $first"
file_fault pam-after-deny "$auth:3" $auth \
	"printf 'auth sufficient pam_unix.so\nauth required pam_deny.so\nauth sufficient pam_kanidm.so ignore_unknown_user\n' >$auth"
account=/etc/pam.d/common-account
file_fault pam-account "$account:" $account "sed -i /pam_kanidm/d $account"
file_fault pam-broken-shadow "$account:" $account "sed -i 's/pam_unix.so/& broken_shadow/' $account"
file_fault pam-include login /etc/pam.d/login "echo 'auth include no-such-file' >>/etc/pam.d/login"
DEBIAN_FRONTEND=noninteractive pam-auth-update --package --remove kanidm >/dev/null 2>&1
named pam-profile 'pam-auth-update --enable kanidm'
pam_stacks
healthy "with the profile enabled again"

sshd=/etc/ssh/sshd_config
file_fault sshd-pam UsePAM $sshd "sed -i 's/UsePAM yes/UsePAM no/' $sshd"
file_fault sshd-keys-other userdbctl $sshd \
	"sed -i '1i AuthorizedKeysCommand /usr/bin/userdbctl ssh-authorized-keys %u' $sshd"
file_fault sshd-match "$sshd: Match User alice" $sshd \
	"printf 'Match User alice\n\tForceCommand no\n' >>$sshd"
file_fault shadow-left "alice: is in /etc/shadow" /etc/shadow \
	"echo 'alice:!:19000::::::' >>/etc/shadow"
keys=$(dirname "$(command -v kanidm_ssh_authorizedkeys)")
file_fault sshd-allow AllowUsers $sshd "echo 'AllowUsers adm' >>$sshd"
fault sshd-keys-mode "$keys" "chmod 0777 $keys" "chmod 0755 $keys"

fault socket-mode 0600 "chmod 0600 $run/sock" "chmod 0666 $run/sock"
fault rundir-mode 0777 "chmod 0777 $run" "chmod 0755 $run"
fault map-missing nss.map "mv $run/nss.map $run/elsewhere" "mv $run/elsewhere $run/nss.map"
fault home-read-only /home "mount -o remount,ro /home" "mount -o remount,rw /home"
file_fault clock-behind /etc/passwd /etc/passwd "touch -d 'now + 2 days' /etc/passwd"
file_fault shell-unlisted /bin /etc/shells "echo '# none' >/etc/shells"
file_fault config-warning cache_timeot /etc/kanidm/unixd "sed -i '1i cache_timeot = 3' /etc/kanidm/unixd"
file_fault config-error unixd /etc/kanidm/unixd "echo 'no toml' >>/etc/kanidm/unixd"
file_fault config-unreadable unixd /etc/kanidm/unixd "chmod 0600 /etc/kanidm/unixd"
fault token-open token "echo t >/etc/kanidm/token; chmod 0644 /etc/kanidm/token" "rm /etc/kanidm/token"
touch /etc/subuid
file_fault subuid-overlap /etc/subuid /etc/subuid "echo 'local:20000:65536' >>/etc/subuid"
fault reference-cache kanidm.cache.db "touch /var/cache/kanidm-unixd/kanidm.cache.db" \
	"rm /var/cache/kanidm-unixd/kanidm.cache.db"
cp /bin/sleep "$NETNS_DIR/nscd"
fault nscd process "$NETNS_DIR/nscd 1000 & nscd=\$!" "kill \$nscd; wait \$nscd || true"
healthy "after faults of files"

# A local account takes the number of somebody of the server.
uid=$(id -u alice)
cp -a /etc/passwd "$NETNS_DIR/passwd.kept"
echo "thief:x:$uid:$uid::/:/bin/sh" >>/etc/passwd
netns_wait_for 10 sh -c 'kanidm-unix status --verbose | grep -q "^left_out: .*local-uid"' ||
	netns_fail "the thief is not seen"
named ids-local local-uid
cp -a "$NETNS_DIR/passwd.kept" /etc/passwd
netns_wait_for 10 sh -c 'kanidm-unix status --verbose | grep -q "^left_out: 0"' || netns_fail "still left out"
healthy "without the thief"

# What others than root see.
rc=0
out=$(setpriv --reuid=65534 --regid=65534 --clear-groups kanidm-unix check 2>&1) || rc=$?
[ "$rc" = 0 ] || netns_fail "as nobody: exit $rc: $out"
grep -q '^not looked at (needs root): ' <<<"$out" || netns_fail "as nobody: $out"
grep -Eq '^(error|warning|hint):' <<<"$out" && netns_fail "as nobody: $out"

# Colours for people only.
out=$(script -qec 'kanidm-unix check' /dev/null </dev/null 2>/dev/null | head -n 1) || true
case $out in *$'\033'*) netns_fail "colours where there is nothing to colour: $out" ;; esac
netns_nsswitch files
out=$(TERM=xterm script -qec 'kanidm-unix check' /dev/null </dev/null 2>/dev/null || true)
case $out in *$'\033[1;31merror'*) ;; *) netns_fail "no colours on a terminal: $out" ;; esac
out=$(TERM=xterm NO_COLOR=1 script -qec 'kanidm-unix check' /dev/null </dev/null 2>/dev/null || true)
case $out in *$'\033'*) netns_fail "colours with NO_COLOR: $out" ;; esac
out=$(TERM=xterm kanidm-unix check || true)
case $out in *$'\033'*) netns_fail "colours in a file: $out" ;; esac
netns_nsswitch "files kanidm"

netns_tasks_stop
netns_wait_for 10 sh -c 'kanidm-unix status --verbose | grep -q "^tasks: not connected"' ||
	netns_fail "tasks is gone and not missed"
named tasks-down "not connected"
kill -STOP "$NETNS_DAEMON"
named daemon-silent "$run/sock"
[[ $out == *"not looked at (the daemon does not answer)"* ]] || netns_fail "frozen: $out"
kill -CONT "$NETNS_DAEMON"
netns_daemon_stop KILL
named daemon-down "$run/sock"
rm -f "$run/sock"
named socket-missing "$run/sock"

# Another CA than the server's, then no server at all.
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=other -keyout "$NETNS_DIR/other.key" \
	-out "$NETNS_DIR/other.pem" 2>/dev/null
cp -a /etc/kanidm/ca.pem "$NETNS_DIR/ca.kept"
cat "$NETNS_DIR/other.pem" >/etc/kanidm/ca.pem
netns_daemon_start
netns_wait_for 10 sh -c 'kanidm-unix status --verbose | grep -q "^reason: unknown issuer"' ||
	netns_fail "the CA is wrong: $(kanidm-unix status --verbose)"
named tls-issuer UnknownIssuer
netns_daemon_stop
cat "$NETNS_DIR/ca.kept" >/etc/kanidm/ca.pem
# Its own certificate, for the next ten minutes; then one that is over.
devidm_ctl cert-make short -3600 600 >/dev/null
devidm_ctl cert short >/dev/null
netns_daemon_start
netns_wait_for 10 sh -c 'kanidm-unix status --verbose | grep -q "^cert_not_after"' ||
	netns_fail "no certificate: $(kanidm-unix status --verbose)"
named cert-soon "$DEVIDM_URL"
netns_daemon_stop
devidm_ctl cert-make old -7200 -3600 >/dev/null
devidm_ctl cert old >/dev/null
netns_daemon_start
netns_wait_for 10 sh -c 'kanidm-unix status --verbose | grep -q "^reason: certificate expired"' ||
	netns_fail "the certificate is old: $(kanidm-unix status --verbose)"
named tls-expired "$DEVIDM_URL"
netns_daemon_stop
devidm_stop
netns_daemon_start
netns_wait_for 10 sh -c 'kanidm-unix status --verbose | grep -q "^reason: connection refused"' ||
	netns_fail "the server is off: $(kanidm-unix status --verbose)"
named link-down "connection refused"
# The files are broken while it runs.
echo 'no toml' >>/etc/kanidm/unixd
kill -HUP "$NETNS_DAEMON"
netns_wait_for 10 sh -c 'kanidm-unix status --verbose | grep -q "^config: a configuration file is broken"' ||
	netns_fail "the broken file is not told"
named config-fallback "running with"
netns_daemon_stop
echo "ok: $seeded faults were named"
