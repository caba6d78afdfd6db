#!/bin/bash
# SPDX-License-Identifier: MPL-2.0
# A daemon's life on a host that is not kind: no configuration, a broken one, a reload, a
# second daemon, a corrupt database, missing directories, a name server that hangs.
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

has()
{
	case $2 in *"$1"*) ;; *) netns_fail "expected '$1' in: $2" ;; esac
}

# wait_status TEXT: until `status --verbose` shows it.
wait_status()
{
	netns_wait_for 20 sh -c 'kanidm-unix status --verbose | grep -qF -- "$1"' sh "$1" ||
		netns_fail "status does not show '$1': $(kanidm-unix status --verbose 2>&1)"
	echo "ok: status shows '$1'"
}

as_daemon()
{
	setpriv --reuid=990 --regid=990 --clear-groups --no-new-privs "$@"
}

ms()
{
	echo $(($(date +%s%N) / 1000000))
}

# --- never as root, unless told to
rc=0
text=$(kanidm_unixd 2>&1) || rc=$?
[ "$rc" = 1 ] || netns_fail "as root: exit $rc"
has "root" "$text"
echo "ok: refuses root"
has "kanidm_unixd " "$(kanidm_unixd --version)"

# --- without any configuration it runs and says so
rm -f /etc/kanidm/*
netns_daemon_start
wait_status "Kanidm: offline"
wait_status "uri: not configured"
netns_expect "unconfigured, local users" "root:x:0:0:root:/root:/bin/bash" getent passwd root
[ "$(stat -c %a /run/kanidm-unixd/sock)" = 666 ] || netns_fail "socket mode"
[ "$(stat -c %a /run/kanidm-unixd/nss.map)" = 644 ] || netns_fail "map mode"

# --- configured while it runs: SIGHUP, and a connection that was open stays
netns_write_config "$DEVIDM_URL" "$DEVIDM_CA" 'uid_attr_map = "name"'
python3 - "$NETNS_DAEMON" <<'P' || netns_fail "a reload dropped a connection"
import os, signal, socket, struct, sys, time
s = socket.socket(socket.AF_UNIX)
s.connect("/run/kanidm-unixd/sock")
s.settimeout(10)
req = lambda n: struct.pack("<HBBHHII", 0x4b75, 1, 0, 0x0702, 0, n, 9) + struct.pack("<I", 5) + b"alice"
def ask(n):
    s.sendall(req(n))
    h = struct.unpack("<HBBHHII", s.recv(16, socket.MSG_WAITALL))
    assert h[5] == n, h
    s.recv(h[6], socket.MSG_WAITALL)
ask(1)
os.kill(int(sys.argv[1]), signal.SIGHUP)
for n in range(2, 30):
    ask(n)
    time.sleep(0.01)
P
echo "ok: a reload keeps connections"
wait_status "Kanidm: online"
netns_expect "after the reload" alice sh -c 'getent passwd alice | cut -d: -f1'

# --- reload with other values
netns_write_config "$DEVIDM_URL" "$DEVIDM_CA" 'uid_attr_map = "spn"'
kill -HUP "$NETNS_DAEMON"
netns_wait_for 10 sh -c 'getent passwd alice | grep -q ^alice@idm.example.test:' ||
	netns_fail "uid_attr_map after a reload: $(getent passwd alice)"
echo "ok: a reload changes names"

# --- reload of a broken file: nothing changes but what is shown
cp /etc/kanidm/config "$NETNS_DIR/config.good"
echo 'uri = [' >/etc/kanidm/config
kill -HUP "$NETNS_DAEMON"
wait_status "running with what was read before"
wait_status "Kanidm: online"

# --- and a start with it: the last good copy
netns_daemon_stop
netns_daemon_start
wait_status "last good"
wait_status "Kanidm: online"
wait_status "uri: $DEVIDM_URL"
cp "$NETNS_DIR/config.good" /etc/kanidm/config

# --- a socket of one's own is one more: the modules know the built-in one
netns_daemon_stop
netns_write_config "$DEVIDM_URL" "$DEVIDM_CA" 'sock_path = "/run/kanidm-unixd/tools.sock"'
rm -f /run/kanidm-unixd/nss.map
netns_daemon_start
wait_status "Kanidm: online"
[ -S /run/kanidm-unixd/sock ] && [ -S /run/kanidm-unixd/tools.sock ] ||
	netns_fail "sock_path: $(ls /run/kanidm-unixd)"
netns_expect "with sock_path, the module" 20002 sh -c 'getent passwd bob | cut -d: -f3'
netns_daemon_stop
netns_write_config "$DEVIDM_URL" "$DEVIDM_CA"

# --- no certificate is looked at: it works, and is said
sed -i '1i verify_ca = false' /etc/kanidm/config
netns_daemon_start
wait_status "Kanidm: online"
wait_status "verify_ca: false is dangerous"
grep -q "config: verify_ca is off" "$NETNS_LOG" || netns_fail "verify_ca = false: not a word"
echo "ok: verify_ca = false is in the journal"
netns_daemon_stop
netns_write_config "$DEVIDM_URL" "$DEVIDM_CA"
netns_daemon_start
wait_status "Kanidm: online"

# --- an account that is added here hides one of ours at once, and going gives it back. Without
# inotify the second of two changes in a row would wait for the next look, five seconds.
ours() { getent -s kanidm passwd alice; }
not_ours() { ! ours; }
netns_expect "alice is ours" 20001 sh -c 'getent -s kanidm passwd alice | cut -d: -f3'
for step in not_ours ours; do
	{
		grep -v '^alice:' /etc/passwd
		[ "$step" = ours ] || echo 'alice:x:1777:1777::/:/bin/sh'
	} >/etc/passwd.new
	began=$(ms)
	mv /etc/passwd.new /etc/passwd
	netns_wait_for 10 "$step" || netns_fail "a change of /etc/passwd: not seen, $step"
	took=$(($(ms) - began))
	[ "$took" -lt 3000 ] || netns_fail "a change of /etc/passwd: seen after $took ms"
done
echo "ok: changes of /etc/passwd are seen"

# --- local accounts that it cannot see, and those that it sees as they once were
wait_status "local_visible: yes"
mv /etc/passwd /etc/passwd.away
wait_status "local_visible: no: local accounts not visible (passwd)"
mv /etc/passwd.away /etc/passwd
wait_status "local_visible: yes"
netns_daemon_stop
mount --bind /etc/passwd /etc/passwd || netns_fail "cannot bind /etc/passwd"
netns_daemon_start
wait_status "local_frozen: the unit shows a frozen /etc/passwd"
grep -q "local: the unit shows a frozen /etc/passwd" "$NETNS_LOG" ||
	netns_fail "a frozen /etc/passwd is not in the journal"
netns_daemon_stop
umount /etc/passwd
netns_daemon_start
wait_status "Kanidm: online"

# --- the map is switched off and on
netns_write_config "$DEVIDM_URL" "$DEVIDM_CA" 'fast_cache = false'
kill -HUP "$NETNS_DAEMON"
wait_status "map: off"
[ ! -e /run/kanidm-unixd/nss.map ] || netns_fail "fast_cache = false leaves the map there"
netns_expect "without a map" 20001 sh -c 'getent passwd alice | cut -d: -f3'
netns_write_config "$DEVIDM_URL" "$DEVIDM_CA"
kill -HUP "$NETNS_DAEMON"
netns_wait_for 10 test -e /run/kanidm-unixd/nss.map || netns_fail "fast_cache = true: no map"
echo "ok: fast_cache goes and comes back"

# --- a second daemon does not steal the socket
inode=$(stat -c %i /run/kanidm-unixd/sock)
rc=0
text=$(as_daemon kanidm_unixd 2>&1) || rc=$?
[ "$rc" = 1 ] || netns_fail "second daemon: exit $rc: $text"
has "another daemon answers" "$text"
[ "$(stat -c %i /run/kanidm-unixd/sock)" = "$inode" ] || netns_fail "the socket was replaced"
netns_expect "after the second daemon" 20001 sh -c 'getent passwd alice | cut -d: -f3'

# --- killed, its socket left behind: the next one takes over
netns_daemon_stop KILL
[ -S /run/kanidm-unixd/sock ] || netns_fail "no stale socket to test with"
netns_daemon_start
echo "ok: a stale socket is replaced"

# --- stopping is quick and leaves the map
began=$(ms)
netns_daemon_stop TERM
took=$(($(ms) - began))
[ "$took" -lt 1500 ] || netns_fail "SIGTERM took $took ms"
[ -e /run/kanidm-unixd/nss.map ] || netns_fail "a normal stop withdrew the map"
echo "ok: stops in $took ms"

# --- a corrupt database is set aside
rm -f /var/cache/kanidm-unixd/unixd.db-*
dd if=/dev/urandom of=/var/cache/kanidm-unixd/unixd.db bs=4096 count=4 2>/dev/null
chown 990:990 /var/cache/kanidm-unixd/unixd.db
netns_daemon_start
ls /var/cache/kanidm-unixd/unixd.db.broken-* >/dev/null 2>&1 ||
	netns_fail "no .broken file: $(ls /var/cache/kanidm-unixd)"
netns_expect "after a corrupt database" 20001 sh -c 'getent passwd alice | cut -d: -f3'
netns_daemon_stop

# --- no state directory, cache directory read-only, no notify socket
mv /var/lib/kanidm-unixd "$NETNS_DIR/gone"
mount -t tmpfs -o ro,mode=0755 none /var/cache/kanidm-unixd
netns_daemon_start
netns_expect "without directories" 20001 sh -c 'getent passwd alice | cut -d: -f3'
netns_daemon_stop
umount /var/cache/kanidm-unixd
mv "$NETNS_DIR/gone" /var/lib/kanidm-unixd
echo "ok: runs without its directories"

# --- a name server that never answers holds up neither a known name nor the stop
printf 'nameserver 127.0.0.1\noptions timeout:30\n' >/etc/resolv.conf
sed -i 's/^hosts:.*/hosts: dns/' /etc/nsswitch.conf
python3 -c '
import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("127.0.0.1", 53))
s.recvfrom(512)
open("'"$NETNS_DIR"'/asked", "w").close()
time.sleep(600)' &
dns=$!
netns_write_config "https://idm.hangs.test" "$DEVIDM_CA"
netns_daemon_start
netns_wait_for 10 test -e "$NETNS_DIR/asked" || netns_fail "nobody asked the name server"
# Through the module, and past the map, from the daemon itself.
for who in with-map without; do
	began=$(ms)
	netns_expect "DNS hangs, $who: known" 20001 sh -c 'getent passwd alice | cut -d: -f3'
	took=$(($(ms) - began))
	[ "$took" -lt 300 ] || netns_fail "DNS hangs, $who: a known name took $took ms"
	mv /run/kanidm-unixd/nss.map "$NETNS_DIR/map.$who" 2>/dev/null || true
done
began=$(ms)
rc=0
getent passwd unseen >/dev/null || rc=$?
took=$(($(ms) - began))
[ "$took" -lt 2500 ] || netns_fail "DNS hangs: a strange name took $took ms"
began=$(ms)
netns_daemon_stop TERM
took=$(($(ms) - began))
kill "$dns"
[ "$took" -lt 2000 ] || netns_fail "SIGTERM with a hanging name server took $took ms"
echo "ok: stops in $took ms while DNS hangs"

# --- withdrawn: nobody uses the map again
kanidm_unixd --withdraw || netns_fail "--withdraw: $?"
[ ! -e /run/kanidm-unixd/nss.map ] || netns_fail "--withdraw leaves the map there"
echo "ok: all"
