#!/bin/bash
# SPDX-License-Identifier: MPL-2.0
# kanidm-unix setup on a whole host: from the files that a package brings to people who log in,
# with options and with answers on a terminal; a second time, where nothing is to do; where
# something fails; and back.
set -eu
here=$(cd "$(dirname "$0")/../.." && pwd)
build=$1
# shellcheck source=tests/support/netns.sh
. "$here/tests/support/netns.sh"
netns_enter "$(readlink -f "$0")" "$@"
export KU_BUILD_DIR=$build
# shellcheck source=tests/support/devidm.sh
. "$here/tests/support/devidm.sh"
# shellcheck source=tests/support/pam.sh
. "$here/tests/support/pam.sh"

pam_setup "$build"
devidm_start "$NETNS_DIR/devidm" sample
# The sample has a group that Debian has as well, which is left out for that.
sed -i '/^\(staff\|users\):/d' /etc/group
cp "$here/tests/integration/setup.py" "$here/tests/system/pty_talk.py" "$NETNS_DIR/"
# Copies are made below /root, and this one is ours.
cd "$NETNS_DIR"
netns_cover_root "$here" "$build"

# A manager for setup to call: it starts the daemons, and notes what it was told.
mkdir -p /run/systemd/system "$NETNS_DIR/units"
cat >"$NETNS_DIR/systemctl" <<END
#!/bin/bash
echo "\$*" >>$NETNS_DIR/called
units=$NETNS_DIR/units
PATH=$PATH
case \$1 in
is-enabled | is-active) [ -e "\$units/\$3" ] ;;
enable)
	touch "\$units/kanidm-unixd.service" "\$units/kanidm-unixd-tasks.service" "\$units/\$3"
	[ "\$3" = kanidm-unixd.service ] || exit 0
	setpriv --reuid=990 --regid=990 --clear-groups --no-new-privs \
		kanidm_unixd >>$NETNS_LOG 2>&1 </dev/null &
	echo \$! >$NETNS_DIR/pid
	kanidm_unixd_tasks >>$NETNS_LOG 2>&1 </dev/null &
	;;
reload-or-restart) kill -HUP "\$(cat $NETNS_DIR/pid)" ;;
esac
END
chmod 0755 "$NETNS_DIR/systemctl"
mount --bind "$NETNS_DIR/systemctl" /usr/bin/systemctl || netns_fail "cannot cover systemctl"

# The host as a package leaves it on one that was set up by hand: no kanidm anywhere.
install -m 0644 "$NETNS_DIR/root/etc/kanidm/config" "$NETNS_DIR/root/etc/kanidm/unixd" /etc/kanidm/
sed -i 's/^#\(uid_attr_map = \).*/\1"name"/' /etc/kanidm/unixd
DEBIAN_FRONTEND=noninteractive pam-auth-update --package --remove kanidm >/dev/null 2>&1
printf '# ours\npasswd:         files systemd\ngroup:          files systemd # old\nshadow: files\n' \
	>/etc/nsswitch.conf
echo "local:x:4999:4999:Local:/tmp:/bin/sh" >>/etc/passwd
echo "local:$(openssl passwd -6 local-password):19000::::::" >>/etc/shadow
cp -a /etc "$NETNS_DIR/etc.before"

# set_up WANT ARGUMENT...: its exit code; what it said is in $out.
set_up()
{
	local want=$1 rc=0
	shift
	out=$(kanidm-unix setup "$@" 2>&1) || rc=$?
	[ "$rc" = "$want" ] || netns_fail "setup $*: exit $rc instead of $want
$out"
	echo "ok: setup $* -> $rc"
}

said()
{
	grep -qxF -- "$1" <<<"$out" || netns_fail "no line '$1' in:
$out"
}

unchanged()
{
	diff -r --no-dereference "$NETNS_DIR/etc.before" /etc >"$NETNS_DIR/diff" ||
		netns_fail "$1 has changed something: $(cat "$NETNS_DIR/diff")"
	! ls -d /root/kanidm-backup-* >/dev/null 2>&1 || netns_fail "$1 has made a copy"
}

password=Sample-alice-horse-battery-9
cp "$DEVIDM_CA" /root/ca.pem
full="--uri ${DEVIDM_URL/https/HTTPS}/ --ca /root/ca.pem --login-group shell_users"

# --- nobody to ask
set_up 2 </dev/null
said "setup: the server is not known; give it with --uri https://HOST"
set_up 2 --uri "$DEVIDM_URL" </dev/null
said "setup: a group that may log in is not known; give it with --login-group NAME"
# shellcheck disable=SC2086
set_up 2 $full </dev/null
said "setup: nothing was changed; --yes does this without a question"
set_up 2 /root
set_up 1 --uri ftp://there --login-group x --yes </dev/null
set_up 1 --uri "$DEVIDM_URL" --ca /etc/passwd --login-group x --yes </dev/null
said "setup: /etc/passwd: is no certificate in PEM"
rc=0
out=$(setpriv --reuid=65534 --regid=65534 --clear-groups kanidm-unix setup --yes 2>&1) || rc=$?
[ "$rc" = 1 ] || netns_fail "as nobody: $rc"
said "setup: only root can do this (try: sudo kanidm-unix setup)"
# shellcheck disable=SC2086
set_up 0 $full --dry-run </dev/null
said "+uri = \"$DEVIDM_URL\""
said "+passwd:         files kanidm systemd"
said "to do: pam-auth-update --enable kanidm"
unchanged "asking"

# --- NixOS: the lines for its own configuration
touch /etc/NIXOS
set_up 1 --uri "$DEVIDM_URL" --login-group shell_users,admins --yes </dev/null
said "  clientSettings.uri = \"$DEVIDM_URL\";"
said '  unixSettings.pam_allowed_login_groups = [ "shell_users" "admins" ];'
rm /etc/NIXOS
unchanged "NixOS"

# --- a stack that would keep root out
cp -a /etc/pam.d/common-auth "$NETNS_DIR/common-auth"
printf 'auth sufficient pam_kanidm.so ignore_unknown_user\nauth required pam_deny.so\n' \
	>/etc/pam.d/common-auth
# shellcheck disable=SC2086
set_up 1 $full --yes </dev/null
said "/etc/pam.d/login auth"
said "auth     sufficient  pam_unix.so"
said "setup: nothing was changed"
cp -a "$NETNS_DIR/common-auth" /etc/pam.d/common-auth

# --- a line that is not edited
sed -i 's/^group:.*/group: files [NOTFOUND=return] nis/' /etc/nsswitch.conf
# shellcheck disable=SC2086
set_up 1 $full --yes </dev/null
grep -q 'the group line is not edited here' <<<"$out" || netns_fail "$out"
cp -a "$NETNS_DIR/etc.before/nsswitch.conf" /etc/nsswitch.conf
unchanged "what was refused"

# --- a wrong CA: the daemon says so, and names and logins are not begun
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=other -keyout "$NETNS_DIR/other.key" \
	-out /root/other.pem 2>/dev/null
set_up 1 --uri "$DEVIDM_URL" --ca /root/other.pem --login-group shell_users --yes </dev/null
grep -q "^setup: $DEVIDM_URL: unknown issuer" <<<"$out" || netns_fail "no reason: $out"
said "failed: systemctl enable --now kanidm-unixd.service, kanidm-unixd-tasks.service"
said "not changed: write /etc/nsswitch.conf"
said "not changed: pam-auth-update --enable kanidm"
said "setup: the new configuration stays"
cmp -s "$NETNS_DIR/etc.before/nsswitch.conf" /etc/nsswitch.conf || netns_fail "nsswitch.conf"
grep -q pam_kanidm /etc/pam.d/common-auth && netns_fail "PAM"

# --- what was just written names a server: from now on it is worth something
cp -a /etc/kanidm "$NETNS_DIR/kanidm.before"
set_up 1 --uri https://localhost:1 --yes </dev/null
said "done: put back /etc/kanidm/config"
diff -r "$NETNS_DIR/kanidm.before" /etc/kanidm || netns_fail "another server"

# --- all of it, in one go
# shellcheck disable=SC2086
set_up 0 $full --yes --test-user alice <<<"$password"
said "done: copied /root/ca.pem to /etc/kanidm/ca.pem"
said "done: wrote /etc/nsswitch.conf"
said "done: pam-auth-update --enable kanidm"
said "done: alice can log in"
said "kanidm-unix check says now:"
grep -qE '^[0-9]+ errors?, [0-9]+ warnings?, ' <<<"$out" || netns_fail "no last look: $out"
grep -qE '^done(\.|, but for the errors above\.)$' <<<"$out" || netns_fail "no end: $out"
backup=$(ls -d /root/kanidm-backup-*)
[ "$(wc -l <<<"$backup")" = 1 ] || netns_fail "copies: $backup"
said "This puts them back:  kanidm-unix setup --restore $backup"
[ "$(stat -c %a "$backup")" = 700 ] || netns_fail "anybody reads the copy"
cmp -s "$NETNS_DIR/etc.before/nsswitch.conf" "$backup/etc/nsswitch.conf" || netns_fail "the copy"
getent passwd alice >/dev/null || netns_fail "no alice"
grep -q '^# Where the Kanidm server is' /etc/kanidm/config || netns_fail "comments are gone"
grep -q '^group:          files kanidm systemd # old$' /etc/nsswitch.conf || netns_fail "group"
printf '%s\n' "$password" | pamtester login alice authenticate acct_mgmt >/dev/null 2>&1 ||
	netns_fail "alice does not get in"
cp -a /etc "$NETNS_DIR/etc.after"

# --- again: nothing to do
# shellcheck disable=SC2086
set_up 0 $full --yes </dev/null
said "nothing to change"
diff -r --no-dereference "$NETNS_DIR/etc.after" /etc >"$NETNS_DIR/diff" ||
	netns_fail "the second time: $(cat "$NETNS_DIR/diff")"
# What is there is enough for it to know.
set_up 0 --yes </dev/null
said "nothing to change"
set_up 1 --yes --test-user alice <<<"wrong"
[ "$(ls -d /root/kanidm-backup-*)" = "$backup" ] || netns_fail "one more copy"

# --- without standard input nothing of ours is read as the password: not the lock, which would
# have its number
rc=0
kanidm-unix setup --yes --test-user alice >"$NETNS_DIR/words" 2>&1 <&- || rc=$?
[ "$rc" = 1 ] || netns_fail "no standard input: $rc"
out=$(cat "$NETNS_DIR/words")
said "auth: no password could be read: Bad file descriptor"

# --- what nobody can read has not been said
rc=0
kanidm-unix setup --yes </dev/null >/dev/full 2>"$NETNS_DIR/words" || rc=$?
[ "$rc" = 1 ] || netns_fail "a full disk for what is said: $rc $(cat "$NETNS_DIR/words")"

# --- a link whose file is away stays one
mv /etc/kanidm/config "$NETNS_DIR/config"
ln -s /srv/away/config /etc/kanidm/config
# shellcheck disable=SC2086
set_up 1 $full --yes </dev/null
said "setup: /etc/kanidm/config: is a link, and the file that it leads to is not there"
[ "$(readlink /etc/kanidm/config)" = /srv/away/config ] || netns_fail "the link is gone"
rm /etc/kanidm/config
mv "$NETNS_DIR/config" /etc/kanidm/config

# --- a module that ends the process in which it is
cp -a /etc/pam.d/login "$NETNS_DIR/login"
# shellcheck disable=SC2016
printf '#!/bin/sh\nkill -9 $PPID\n' >"$NETNS_DIR/end"
chmod 0755 "$NETNS_DIR/end"
sed -i "1iaccount required pam_exec.so quiet $NETNS_DIR/end" /etc/pam.d/login
set_up 1 --yes </dev/null
grep -q 'by the stack of /etc/pam.d/login: a module of it has ended' <<<"$out" ||
	netns_fail "the end of a module: $out"
cp -a "$NETNS_DIR/login" /etc/pam.d/login
cp -a "$backup" "$NETNS_DIR/first"

# --- for programs: one object, and words beside it
object()
{
	local want=$1 rc=0
	shift
	kanidm-unix setup --json "$@" >"$NETNS_DIR/json" 2>"$NETNS_DIR/words" </dev/null || rc=$?
	[ "$rc" = "$want" ] || netns_fail "setup --json $*: exit $rc instead of $want
$(cat "$NETNS_DIR/json" "$NETNS_DIR/words")"
	[ "$(wc -l <"$NETNS_DIR/json")" = 1 ] || netns_fail "not one line: $(cat "$NETNS_DIR/json")"
}
field()
{
	local got
	got=$(python3 -c 'import json, sys; print(eval(sys.argv[2], json.load(open(sys.argv[1]))))' \
		"$NETNS_DIR/json" "$1") || netns_fail "no $1: $(cat "$NETNS_DIR/json")"
	[ "$got" = "$2" ] || netns_fail "$1 is $got instead of $2: $(cat "$NETNS_DIR/json")"
}
object 2
field error "with --json nobody is asked; give --yes or --dry-run"
object 0 --yes
field verdict "nothing to change"
field '[s["result"] for s in steps if s["step"] == "try logins"]' "['done']"
cp /etc/nsswitch.conf "$NETNS_DIR/nsswitch.set"
sed -i 's/files kanidm/files/' /etc/nsswitch.conf
object 0 --dry-run
field verdict "nothing was done"
field '[f["path"] for f in files]' "['/etc/nsswitch.conf']"
field '"+passwd:         files kanidm systemd" in files[0]["diff"]' True
field 'steps[0]["result"]' planned
object 0 --yes
field verdict "done"
field 'steps[0]["step"], steps[0]["result"]' "('write /etc/nsswitch.conf', 'done')"
field 'backup.startswith("/root/kanidm-backup-")' True
grep -qx 'done: wrote /etc/nsswitch.conf' "$NETNS_DIR/words" || netns_fail "no words"
cmp /etc/nsswitch.conf "$NETNS_DIR/nsswitch.set" || netns_fail "another file"
object 1 --restore /etc --yes
field error "that is no copy"

# --- one at a time; one that is killed while PAM's tool runs; back from there
kill_it()
{
	cat >"$NETNS_DIR/kill" <<-END
	#!/bin/sh
	[ -e $NETNS_DIR/asked ] || { touch $NETNS_DIR/asked; $(command -v kanidm-unix) setup --yes </dev/null
		echo "\$?"; } >$NETNS_DIR/second 2>&1
	kill -9 \$PPID
	END
	chmod 0755 "$NETNS_DIR/kill"
	mount --bind "$NETNS_DIR/kill" "$1" || netns_fail "cannot cover $1"
	kanidm-unix setup --yes "${@:2}" >"$NETNS_DIR/words" 2>&1 </dev/null && rc=0 || rc=$?
	# What setup has started is still about to end.
	umount --lazy "$1"
	[ "$rc" = 137 ] || netns_fail "not killed: $rc $(cat "$NETNS_DIR/words")"
}
cp -a /etc "$NETNS_DIR/etc.killed"
DEBIAN_FRONTEND=noninteractive pam-auth-update --disable kanidm >/dev/null 2>&1
sed -i 's/files kanidm/files/' /etc/nsswitch.conf
cp -a /etc/nsswitch.conf "$NETNS_DIR/nsswitch.unset"
kill_it /usr/sbin/pam-auth-update
grep -qE '^setup: another setup is running, process [0-9]+; nothing was changed$' \
	"$NETNS_DIR/second" || netns_fail "the second: $(cat "$NETNS_DIR/second")"
tail -n 1 "$NETNS_DIR/second" | grep -qx 1 || netns_fail "the second: $(cat "$NETNS_DIR/second")"
grep -q kanidm /etc/nsswitch.conf || netns_fail "killed before nsswitch.conf"
echo half >/etc/nsswitch.conf.kanidm-a1B2c3
set_up 0 --restore --yes </dev/null
said "done: removed /etc/nsswitch.conf.kanidm-a1B2c3, which a setup that was ended has left"
cmp /etc/nsswitch.conf "$NETNS_DIR/nsswitch.unset" || netns_fail "the restore after a kill"
[ ! -e /run/kanidm-unix-setup.lock ] || netns_fail "the lock stays"
set_up 0 --yes </dev/null
diff -r --no-dereference "$NETNS_DIR/etc.killed/pam.d" /etc/pam.d || netns_fail "PAM, after a kill"

# --- killed while sshd judges: what it reads has not changed
sshd=/usr/sbin/sshd
if [ ! -x $sshd ]; then
	# One that knows a single wrong word.
	mount -t tmpfs netns /usr/local/sbin
	sshd=/usr/local/sbin/sshd
	printf '#!/bin/sh\n[ "$2" = -f ] || set -- "$1" -f %s\n%s\necho %s\n' \
		/etc/ssh/sshd_config.d/10-kanidm.conf '! grep NoSuchWord "$3" || exit 255' \
		kanidm_ssh_authorizedkeys >$sshd
	chmod 0755 $sshd
fi
had_ssh=$(ls -d /etc/ssh 2>/dev/null || :)
mkdir -p /etc/ssh/sshd_config.d
cp -a /etc/ssh "$NETNS_DIR/ssh.before"
printf '#AuthorizedKeysCommand %s %%u\n#AuthorizedKeysCommandUser nobody\n' \
	/usr/sbin/kanidm_ssh_authorizedkeys >/etc/ssh/sshd_config.d/10-kanidm.conf
cp -a /etc/ssh "$NETNS_DIR/ssh.closed"
kill_it $sshd --ssh-keys
diff -r "$NETNS_DIR/ssh.closed" /etc/ssh || netns_fail "killed, and sshd reads something else"
[ -e /run/kanidm-unix-setup.sshd ] || netns_fail "killed before sshd had judged anything"
echo 'NoSuchWord yes' >>/etc/ssh/sshd_config.d/10-kanidm.conf
cp -a /etc/ssh "$NETNS_DIR/ssh.wrong"
set_up 1 --yes --ssh-keys </dev/null
said "done: removed /run/kanidm-unix-setup.sshd, which a setup that was ended has left"
said "setup: /etc/ssh/sshd_config.d/10-kanidm.conf is as it was"
grep -q 'NoSuchWord' <<<"$out" || netns_fail "sshd does not judge the candidate: $out"
diff -r "$NETNS_DIR/ssh.wrong" /etc/ssh || netns_fail "not as it was"
rm -r /etc/ssh
[ -z "$had_ssh" ] || cp -a "$NETNS_DIR/ssh.before" /etc/ssh
for copy in /root/kanidm-backup-*; do
	[ "$copy" = "$backup" ] || rm -r "$copy"
done

# --- mounts for homes, and groups of this host that are extended
sed -i 's/^#uid_attr/uid_attr/; /^version/a home_strategy = "bind_mount"' /etc/kanidm/unixd
echo 'map_group = [ { local = "adm", with = "admins" } ]' >>/etc/kanidm/unixd
set_up 0 --yes --no-pam </dev/null
said "done: systemctl enable --now kanidm-unixd-mount.socket"
said "+group:          files [SUCCESS=merge] kanidm systemd # old"
sed -i '/^home_strategy/d; /^map_group/d' /etc/kanidm/unixd
cp -a "$NETNS_DIR/etc.after/nsswitch.conf" /etc/nsswitch.conf
rm -rf /root/kanidm-backup-*
mv "$NETNS_DIR/first" "$backup"

# --- edited by hand: pam-auth-update would not, and it is said how
DEBIAN_FRONTEND=noninteractive pam-auth-update --disable kanidm >/dev/null 2>&1
sed -i "/^# here's the fallback/d; /pam_deny.so/i auth optional pam_echo.so" /etc/pam.d/common-auth
set_up 1 --yes </dev/null
grep -q 'pam-auth-update --force --enable kanidm$' <<<"$out" || netns_fail "no way out: $out"

# --- back, from the first copy
set_up 2 --restore "$backup" </dev/null
set_up 0 --restore "$backup" --dry-run </dev/null
said "-passwd:         files kanidm systemd"
set_up 0 --restore "$backup/" --yes </dev/null
said "done: put back /etc/nsswitch.conf"
diff -r --no-dereference "$NETNS_DIR/etc.before/pam.d" /etc/pam.d || netns_fail "pam.d"
cmp "$NETNS_DIR/etc.before/nsswitch.conf" /etc/nsswitch.conf || netns_fail "nsswitch.conf"
set_up 0 --restore "$backup" --yes </dev/null
said "nothing to change"
DEBIAN_FRONTEND=noninteractive pam-auth-update --package >/dev/null 2>&1
! grep -q pam_kanidm /etc/pam.d/common-auth || netns_fail "put back, and enabled again"

# --- with a person at a terminal
python3 "$NETNS_DIR/setup.py" "$DEVIDM_URL" "$password" local-password || netns_fail "see above"
grep -q pam_kanidm /etc/pam.d/common-auth || netns_fail "the terminal: PAM"
grep -q '"shell_users", "admins"\]' /etc/kanidm/unixd || netns_fail "$(cat /etc/kanidm/unixd)"
kill "$(cat "$NETNS_DIR/pid")"
