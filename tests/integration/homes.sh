#!/bin/bash
# SPDX-License-Identifier: MPL-2.0
# Homes, made by the program that gets installed, with the privileges it keeps, in a host of
# its own; the resolver's end of the socket is taskask.
set -eu
here=$(cd "$(dirname "$0")/../.." && pwd)
build=$1
# shellcheck source=tests/support/netns.sh
. "$here/tests/support/netns.sh"
netns_enter "$(readlink -f "$0")" "$@"

netns_scratch
netns_private_dirs
netns_accounts
mkdir -p /etc/kanidm
tasks=$build/tasks/kanidm_unixd_tasks
taskask=$build/tests/integration/taskask
alice=7c2b1f0e-0000-4000-8000-00000000a11c
bob=7c2b1f0e-0000-4000-8000-0000000000b0

has()
{
	case $2 in *"$1"*) ;; *) netns_fail "expected '$1' in: $2" ;; esac
}

config()
{
	printf '%s\n' 'version = "2"' "$@" '[kanidm]' >/etc/kanidm/unixd.new
	mv /etc/kanidm/unixd.new /etc/kanidm/unixd
}

start_tasks()
{
	"$tasks" >>"$NETNS_LOG" 2>&1 &
	TASKS=$!
}

# The socket's directory belongs to root here, as taskask runs as root.
start_resolver()
{
	coproc RESOLVER { exec "$taskask" /run/kanidm-unixd/task_sock; }
	resolver=$RESOLVER_PID # the shell forgets it when it ends
}

# ask "home …": prints the reply.
ask()
{
	local reply
	printf '%s\n' "$*" >&"${RESOLVER[1]}"
	read -r -t 30 reply <&"${RESOLVER[0]}" || reply="no reply"
	printf '%s\n' "$reply"
}

# The resolver hangs up and waits for the next connection.
drop()
{
	printf 'drop\n' >&"${RESOLVER[1]}"
}

home()
{
	ask "home $1 $2 $2 $3 $3@example.com ${4:-$3}"
}

# expect "what" "text" command …
expect()
{
	netns_expect "$@"
}

chown 0:0 /run/kanidm-unixd

# --- any boot order: tasks first, with nothing there at all
rmdir /run/kanidm-unixd
config 'home_alias = "name"' 'selinux = true'
start_tasks
netns_wait_for 10 grep -q 'waiting for the resolver' "$NETNS_LOG" || netns_fail "does not wait"
mkdir -m 0755 /run/kanidm-unixd
start_resolver
expect "a home and its link" ok home $alice 70001 alice
expect "mode and owner" "750 70001:70001" stat -c '%a %u:%g' /home/$alice
expect "the link" "/home/$alice" readlink /home/alice
expect "nothing else in /home" "$(printf '%s\n' $alice alice)" ls -A /home
expect "once more" ok home $alice 70001 alice

# --- capabilities
caps=$(sed -n 's/^CapEff:\s*//p' "/proc/$TASKS/status")
expect "CHOWN and FOWNER are left" 0000000000000009 echo "$caps"
for set in CapPrm CapBnd; do
	expect "$set" 0000000000000009 sed -n "s/^$set:\s*//p" "/proc/$TASKS/status"
done
expect "no inherited ones" 0000000000000000 sed -n 's/^CapInh:\s*//p' "/proc/$TASKS/status"
expect "no new ones" 1 sed -n 's/^NoNewPrivs:\s*//p' "/proc/$TASKS/status"
has "capabilities: cap_chown,cap_fowner" "$("$tasks" --version)"
has "kanidm_unixd_tasks " "$("$tasks" --version)"
case $("$tasks" --version | head -n 1) in
*" +selinux") ! grep -q 'no SELinux support' "$NETNS_LOG" || netns_fail "it has SELinux support" ;;
*" -selinux") # asked for in a build without: said at the start
	grep -q 'no SELinux support' "$NETNS_LOG" || netns_fail "no line about SELinux" ;;
*) netns_fail "--version does not say whether it has SELinux support" ;;
esac
rc=0
text=$(setpriv --reuid=70001 --regid=70001 --clear-groups "$tasks" 2>&1) || rc=$?
[ "$rc" = 1 ] || netns_fail "not root: exit $rc"
has "must run as root" "$text"

# --- systemd is told at once, before there is a resolver
cat >"$NETNS_DIR/notify.py" <<'P'
import os, signal, socket, subprocess, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
s.settimeout(10)
p = subprocess.Popen([sys.argv[2], "-c", sys.argv[3]], env={"NOTIFY_SOCKET": sys.argv[1]},
                     stderr=subprocess.DEVNULL)
print(s.recv(1000).decode().replace("\n", " "))
p.send_signal(signal.SIGTERM)
print(s.recv(1000).decode().replace("\n", " "))
p.wait(10)
print("exit", p.returncode)
P
printf 'version = "2"\ntask_sock_path = "/run/none/sock"\n[kanidm]\n' >"$NETNS_DIR/conf"
expect "READY at once" "$(printf '%s\n' "READY=1 STATUS=waiting for the resolver" STOPPING=1 \
	"exit 0")" python3 "$NETNS_DIR/notify.py" "$NETNS_DIR/notify" "$tasks" "$NETNS_DIR/conf"


# --- the prefix and the names as configured, changed while it runs
config 'home_alias = "spn"' 'home_attr = "name"' 'use_etc_skel = true'
rm -rf /etc/skel
mkdir -p /etc/skel/.config
chmod 0755 /etc/skel /etc/skel/.config
install -m 0644 /dev/null /etc/skel/.profile
install -m 0600 /dev/null /etc/skel/.private
ln -s ../nowhere /etc/skel/.config/link
mkfifo /etc/skel/fifo
expect "home by name, link by SPN" ok home $bob 70002 bob
expect "the real one" "750 70002:70002 directory" stat -c '%a %u:%g %F' /home/bob
expect "its link" /home/bob readlink /home/bob@example.com
expect "its files" "$(printf '%s\n' .config .config/link .private .profile)" \
	sh -c 'cd /home/bob && find . -mindepth 1 | sed s,^./,, | sort'
expect "all are bob's" "" find /home/bob ! -uid 70002
expect "links stay links" ../nowhere readlink /home/bob/.config/link
expect "private stays private" 600 stat -c %a /home/bob/.private
u=$NETNS_DIR/u # all below the scratch directory: nothing of the real host is touched
victim=$NETNS_DIR/victim
mkdir -m 0755 "$u"
config 'home_alias = "name"' "home_mount_prefix = \"$u/\""
expect "homes elsewhere" ok home $alice 70001 alice
expect "the link follows them" $u/$alice readlink /home/alice

# --- somebody else's home, names that are taken, ids that are local
chown 70009 $u/$alice
has "unavail $u/$alice belongs to uid 70009, not to uid 70001" "$(home $alice 70001 alice)"
expect "it was left" 70009 stat -c %u $u/$alice
chown 70001 $u/$alice
mkdir /home/taken
has "unavail /home/taken is in the way" "$(home $bob 70002 taken)"
echo 'local:x:1500:1500::/:/bin/sh' >>/etc/passwd
has "unavail 1500 is an id of this host's own local" "$(home $bob 1500 bob)"
has "not ids of a person" "$(home $bob 0 bob)"

# --- whatever else comes over the socket
has "bad " "$(ask "raw 754b010002080000090000000400000000000000")"
has "version " "$(ask "raw 754b01009908000009000000""00000000")"
has "version " "$(ask "raw 754b0200020800000900000000000000")"
expect "no frame: it hangs up" gone ask "raw 00112233445566778899aabbccddeeff"
expect "and is back" ok home $alice 70001 alice
expect "too long a frame: it hangs up" gone ask "raw 754b01000208000009000000ffffff7f"
expect "and is back again" ok home $alice 70001 alice

# --- the resolver goes and comes back; tasks dies and is started again
drop
expect "after a lost connection" ok home $alice 70001 alice
kill -HUP "$TASKS"
expect "after a reload" ok home $alice 70001 alice
kill -KILL "$TASKS"
wait "$TASKS" || true
mkdir -m 0700 $u/.kanidm-00112233445566ff
mkdir $u/.kanidm-00112233445566ff/.config
drop
start_tasks
expect "started again" ok home $alice 70001 alice
expect "and cleaned up" "" find $u /home -name '.kanidm-*'

# --- a broken configuration: what was known goes on; at a start nothing is guessed
printf 'home_alias = [' >/etc/kanidm/unixd
expect "with the one it had" ok home $alice 70001 alice
kill "$TASKS"
wait "$TASKS" || netns_fail "SIGTERM is not a clean end"
echo "ok: SIGTERM"
drop
start_tasks
has "unavail /etc/kanidm/unixd:1" "$(home $alice 70001 alice)"

# --- never /etc/kanidm/config, no token, no network, nothing but the socket open
printf 'not toml' >/etc/kanidm/config
config 'home_alias = "name"'
expect "the other file does not matter" ok home $alice 70001 alice
open=$(find "/proc/$TASKS/fd" -type l -printf '%l\n' | sed 's/:.*//' | sort | uniq -c | tr -s ' \n' ' ')
case $open in
*/etc/* | */home* | *"$u"*) netns_fail "something stays open: $open" ;;
esac
echo "ok: nothing stays open"

# --- it does not spin while it waits
before=$(awk '{ print $14 + $15 }' "/proc/$TASKS/stat")
kill -KILL "$resolver"
wait "$resolver" 2>/dev/null || true
netns_wait_for 10 grep -q 'the resolver has gone' "$NETNS_LOG" || netns_fail "did not notice"
for i in $(seq 300); do
	: >"/run/kanidm-unixd/noise$i"
	rm "/run/kanidm-unixd/noise$i"
done
after=$(awk '{ print $14 + $15 }' "/proc/$TASKS/stat")
[ $((after - before)) -le 10 ] || netns_fail "$((after - before)) ticks of waiting"
echo "ok: waiting costs nothing"

# --- whoever does not own the directory is not obeyed
kill "$TASKS"
wait "$TASKS" || true
chown 990:990 /run/kanidm-unixd
start_tasks
start_resolver
netns_wait_for 10 grep -q 'served by uid 0, but its directory belongs to uid 990' "$NETNS_LOG" ||
	netns_fail "an impostor was believed"
echo "ok: an impostor is not believed"
chown 0:0 /run/kanidm-unixd
expect "the owner is" ok home $alice 70001 alice

# --- a process of the person's races through everything it can reach, while homes are made
# over and over; nothing of root's changes
mkdir -m 0755 "$victim" "$victim/dir"
echo untouched >"$victim/file"
chmod 0600 "$victim/file"
setpriv --reuid=70001 --regid=70001 --clear-groups /usr/bin/python3 - "$u" "$victim" <<'P' &
import os, sys, itertools
os.umask(0)
names = [".profile", ".config", ".private", "link"]
def quiet(f, *a, **k):
    try: f(*a, **k)
    except OSError: pass
held = []
for n in itertools.count():
    try: entries = os.listdir(sys.argv[1])
    except OSError: entries = []
    for e in entries:
        p = sys.argv[1] + "/" + e
        try: fd = os.open(p, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        except OSError: continue
        held.append(fd)
        quiet(os.rename, p, p + ".stolen")
    for fd in held[-8:]:
        for i, name in enumerate(names):
            quiet(os.rename, name, "m%d" % i, src_dir_fd=fd, dst_dir_fd=fd)
            quiet(os.symlink, [sys.argv[2] + "/file", sys.argv[2] + "/dir"][i % 2], name, dir_fd=fd)
            quiet(os.link, sys.argv[2] + "/file", "h%d" % i, dst_dir_fd=fd)
    while len(held) > 8:
        os.close(held.pop(0))
P
attacker=$!
config 'home_alias = "name"' "home_mount_prefix = \"$u/\"" 'use_etc_skel = true'
for i in $(seq 150); do
	[ ! -e "$u/$alice" ] || mv "$u/$alice" "$NETNS_DIR/gone$i"
	[ "$(home $alice 70001 "alice$((i % 3))")" = ok ] || netns_fail "round $i failed"
	[ "$(stat -c %u:%g $u/$alice)" = 70001:70001 ] || netns_fail "round $i: owner"
done
kill -KILL "$attacker"
wait "$attacker" 2>/dev/null || true
expect "150 homes in front of an attacker" "0:0 600 untouched" \
	sh -c 'echo "$(stat -c "%u:%g %a" "$1/file") $(cat "$1/file")"' sh "$victim"
expect "nothing was put elsewhere" "" find $victim/dir $u /home -mindepth 1 -maxdepth 1 \
	-path "$victim/*" -o -name '*.stolen'
expect "one alias is left" 1 sh -c 'ls -d /home/alice? | wc -l'

# --- bind mounts: the helper is off, then on
rm -f /home/alice?
config 'home_alias = "name"' "home_mount_prefix = \"$u/\"" 'home_strategy = "bind_mount"'
has "systemctl enable --now kanidm-unixd-mount.socket" "$(home $alice 70001 alice)"
cat >"$NETNS_DIR/activate.py" <<'P'
import os, socket, sys
path = sys.argv[1]
s = socket.socket(socket.AF_UNIX)
os.umask(0o177)
s.bind(path + ".new")
s.listen(8)
os.rename(path + ".new", path)
os.dup2(s.fileno(), 3)
os.set_inheritable(3, True)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1")
os.execv(sys.argv[2], sys.argv[2:])
P
activate()
{
	python3 "$NETNS_DIR/activate.py" /run/kanidm-unixd/mount_sock "$tasks" --mount-helper \
		>>"$NETNS_LOG" 2>&1 &
	HELPER=$!
	netns_wait_for 10 test -S /run/kanidm-unixd/mount_sock
}
activate
expect "mounted" ok home $alice 70001 alice
expect "it is the home" "$(stat -c %d:%i $u/$alice)" stat -c %d:%i /home/alice
expect "once" ok home $alice 70001 alice
expect "one mount" 1 grep -c ' /home/alice ' /proc/self/mountinfo
expect "SYS_ADMIN and DAC_READ_SEARCH are left" 0000000000200004 \
	sed -n 's/^CapEff:\s*//p' "/proc/$HELPER/status"
setpriv --reuid=70001 --regid=70001 --clear-groups /usr/bin/python3 - <<'P' 2>/dev/null &&
import socket
s = socket.socket(socket.AF_UNIX)
s.connect("/run/kanidm-unixd/mount_sock")
P
	netns_fail "somebody else may ask the helper"
echo "ok: only root may ask the helper"
config 'home_alias = "name"' "home_mount_prefix = \"$u/\""
has "ok" "$(ask "home $bob 70002 70002 bob bob@example.com bob")"
wait "$HELPER" || netns_fail "the helper did not end well"
echo "ok: the helper ends when nobody asks"
umount /home/alice

kill "$TASKS"
wait "$TASKS" || true
echo "ok: all"
