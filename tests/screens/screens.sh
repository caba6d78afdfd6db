#!/bin/bash
# SPDX-License-Identifier: MPL-2.0
# What people see, on a real terminal: every screen is compared with its golden file.
# KU_UPDATE_SCREENS=1 writes the files anew.
set -eu
here=$(cd "$(dirname "$0")/../.." && pwd)
build=$(readlink -f "$1")
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

failed=0
# shot NAME COLUMNS [--type PATTERN TEXT]… [--until PATTERN] -- COMMAND…
shot()
{
	PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$here/tests/system \
		python3 "$here/tests/screens/screen.py" "$here/tests/screens" "$@" || failed=1
}

online()
{
	netns_wait_for 20 sh -c 'kanidm-unix status | grep -qx "Kanidm: online"' ||
		netns_fail "not online"
}

password=Sample-alice-horse-battery-9
pam_setup "$build"
netns_cover_root "$here" "$build"
devidm_start "$NETNS_DIR/devidm" sample
sed -i '/^\(staff\|users\):/d' /etc/group
rm -f /etc/motd /etc/update-motd.d/* 2>/dev/null || true
install -m 0644 "$DEVIDM_CA" /etc/kanidm/ca.pem
netns_write_config "$DEVIDM_URL" /etc/kanidm/ca.pem 'uid_attr_map = "name"' 'gid_attr_map = "name"'

# --- typed wrong, and nobody there
shot help 80 -- kanidm-unix --help
shot nothing_typed 80 -- kanidm-unix
shot unknown_command 80 -- kanidm-unix statsu
shot missing_operand 80 -- kanidm-unix explain
shot status_down 80 -- kanidm-unix status

# --- everything works
netns_daemon_start
netns_tasks_start
online
shot status_online 80 -- kanidm-unix status
shot explain_first_time 80 -- kanidm-unix explain alice
shot auth_test_wrong 80 --type 'Enter Unix password: ' not-it -- kanidm-unix auth-test --name bob
shot auth_test_right 80 --type 'Enter Unix password: ' "$password" -- kanidm-unix auth-test --name alice
netns_wait_for 20 sh -c 'kanidm-unix explain alice | grep -q "^offline login: ready"' ||
	netns_fail "alice is not remembered"
shot explain_can 80 -- kanidm-unix explain alice
shot explain_can_wide 120 -- kanidm-unix explain alice
shot explain_expired 80 -- kanidm-unix explain carol
shot explain_nobody 80 -- kanidm-unix explain nosuchperson
shot explain_local 80 -- kanidm-unix explain root
shot cache_clear_unsure 80 -- kanidm-unix cache-clear

# --- set up anew, with another group
shot setup_dry_run 80 -- kanidm-unix setup --uri "$DEVIDM_URL" --ca /etc/kanidm/ca.pem \
	--login-group admins --no-pam --dry-run
shot setup_question 80 --type '^Server' '' --type '^File' '' --type '^Group' admins \
	--type '^Do this' '' -- kanidm-unix setup --no-pam

# --- refused
shot login_refused 80 --type '[Pp]assword: ' not-it --until 'Login incorrect' -- login dave
sshd_start "$build/sshd"
login_group()
{
	sed -i "s/^pam_allowed_login_groups.*/pam_allowed_login_groups = [\"$1\"]/" /etc/kanidm/unixd
	kill -HUP "$NETNS_DAEMON"
	netns_wait_for 10 sh -c "kanidm-unix explain dave | grep -q '^account: $2'" ||
		netns_fail "the daemon does not know of $1"
}
login_group admins "not allowed"
shot explain_not_member 80 -- kanidm-unix explain dave
shot ssh_refused 80 --type '[Pp]assword: ' Sample-dave-horse-battery-9 -- \
	ssh -F none -p "$SSHD_PORT" -o "UserKnownHostsFile=$NETNS_DIR/sshd/known_hosts" \
	-o NumberOfPasswordPrompts=1 -o PreferredAuthentications=password \
	-o PubkeyAuthentication=no -l dave 127.0.0.1 true
login_group shell_users "allowed"

# --- a host that is not right
netns_nsswitch files
netns_tasks_stop
netns_wait_for 10 sh -c 'kanidm-unix status --verbose | grep -q "^tasks: not connected"' ||
	netns_fail "tasks is not missed"
# This host has no sshd of its own.
rm -rf /etc/ssh/sshd_config /etc/ssh/sshd_config.d
shot check_broken 80 -- kanidm-unix check
shot check_broken_wide 120 -- kanidm-unix check
shot explain_no_homes 80 -- kanidm-unix explain alice
netns_nsswitch "files kanidm"
netns_tasks_start
shot check_healthy 80 -- kanidm-unix check
shot status_verbose 80 -- kanidm-unix status --verbose

# --- the server is away
devidm_stop
netns_wait_for 20 sh -c 'kanidm-unix status | grep -qx "Kanidm: offline"' || netns_fail "still online"
shot status_offline 80 -- kanidm-unix status
shot explain_away_cannot 80 -- kanidm-unix explain bob
shot explain_away_can 80 -- kanidm-unix explain alice
netns_tasks_stop
netns_daemon_stop

# --- a host that is new: what a package leaves, and a whole run of setup. Its manager is a script
# that starts the daemons.
devidm_start "$NETNS_DIR/devidm-anew" sample
mkdir -p /run/systemd/system "$NETNS_DIR/units"
cat >"$NETNS_DIR/systemctl" <<END
#!/bin/bash
units=$NETNS_DIR/units
PATH=$PATH
case \$1 in
is-enabled | is-active) [ -e "\$units/\$3" ] ;;
enable)
	touch "\$units/kanidm-unixd.service" "\$units/kanidm-unixd-tasks.service"
	setpriv --reuid=990 --regid=990 --clear-groups --no-new-privs \
		kanidm_unixd >>$NETNS_LOG 2>&1 </dev/null &
	kanidm_unixd_tasks >>$NETNS_LOG 2>&1 </dev/null &
	;;
show)
	printf '%s\n' LoadState=loaded ActiveState=active UnitFileState=enabled Result=success \
		PrivateUsers=no DynamicUser=no ReadWritePaths=-/home ProtectSystem=strict
	;;
esac
END
chmod 0755 "$NETNS_DIR/systemctl"
mount --bind "$NETNS_DIR/systemctl" /usr/bin/systemctl || netns_fail "cannot cover systemctl"
install -m 0644 "$NETNS_DIR/root/etc/kanidm/config" "$NETNS_DIR/root/etc/kanidm/unixd" /etc/kanidm/
rm -f /etc/kanidm/ca.pem
find /var/cache/kanidm-unixd /var/lib/kanidm-unixd -mindepth 1 -delete
DEBIAN_FRONTEND=noninteractive pam-auth-update --package --remove kanidm >/dev/null 2>&1
netns_nsswitch files
cp "$DEVIDM_CA" /root/ca.pem
shot setup_whole 80 --type '^Server' "$DEVIDM_URL" --type '^File' /root/ca.pem \
	--type '^Group' shell_users --type '^Do this' y --type '^Account of this host' root \
	--type '^Somebody of the server' alice --type '^Enter Unix password: ' "$password" -- \
	kanidm-unix setup
[ "$failed" = 0 ] || netns_fail "screens differ (KU_UPDATE_SCREENS=1 writes them anew)"
