#!/bin/bash
# SPDX-License-Identifier: MPL-2.0
# A host of one's own, for tests and for the demo: private mount and network namespaces
# (loopback only) with their own /etc, /run, /home, /var/cache and /var/lib. Nothing of the
# real host is written to, and everything is gone when the last process leaves.
#
# To be sourced. The first thing a script does is
#
#	. tests/support/netns.sh
#	netns_enter "$0" "$@"		# returns inside; needs root (or sudo)
#	netns_setup BUILD_DIR		# the programs of that build are installed in here
#
# Then: netns_write_config, netns_daemon_start, netns_daemon_stop, netns_wait_for …
# Variables: NETNS_DIR (scratch, on a private tmpfs), NETNS_LOG (the daemon's journal).

netns_fail()
{
	printf '%s: FAILED: %s\n' "$(basename "$0")" "$*" >&2
	if [ -s "${NETNS_LOG:-/nonexistent}" ]; then
		printf -- '--- the daemon said:\n' >&2
		tail -n 60 "$NETNS_LOG" >&2
	fi
	exit 1
}

# Runs the script again inside the namespaces; the process that entered is their init's
# child, and all of them end when the script does.
netns_enter()
{
	local script=$1
	shift
	if [ "${KU_NETNS:-}" = inside ]; then
		ip link set lo up || netns_fail "cannot bring up the loopback interface"
		return 0
	fi
	local root=()
	if [ "$(id -u)" -ne 0 ]; then
		command -v sudo >/dev/null || {
			echo "this needs root to make namespaces, and there is no sudo" >&2
			exit 77
		}
		root=(sudo --preserve-env=TERM)
	fi
	exec "${root[@]}" unshare --mount --net --pid --fork --kill-child --mount-proc \
		--propagation private env KU_NETNS=inside bash "$script" "$@"
}

# A scratch directory on a tmpfs that only this namespace sees; /mnt is on every host.
netns_scratch()
{
	NETNS_DIR=/mnt
	mount -t tmpfs -o mode=0755 netns "$NETNS_DIR" || netns_fail "cannot mount a tmpfs"
	NETNS_LOG=$NETNS_DIR/daemon.log
	: >"$NETNS_LOG"
}

# netns_cover_root DIR...: a /root of our own, for the copies that setup makes. These directories
# (the source tree, the build) stay where they are, also below /root.
netns_cover_root()
{
	local dir
	_netns_kept=()
	for dir; do
		dir=$(readlink -f "$dir")
		case $dir in
		/root/*) _netns_kept+=("$dir") ;;
		esac
	done
	mkdir "$NETNS_DIR/cover"
	mount -t tmpfs -o mode=0700 netns "$NETNS_DIR/cover" || netns_fail "cannot cover /root"
	for dir in "${_netns_kept[@]}"; do
		mkdir -p "$NETNS_DIR/cover${dir#/root}"
		mount --rbind "$dir" "$NETNS_DIR/cover${dir#/root}" || netns_fail "cannot keep $dir"
	done
	mount --rbind "$NETNS_DIR/cover" /root || netns_fail "cannot cover /root"
}

netns_private_dirs()
{
	cp -a /etc "$NETNS_DIR/etc" 2>/dev/null || true
	mount --bind "$NETNS_DIR/etc" /etc || netns_fail "cannot bind a private /etc"
	local dir
	for dir in /run /home /var/cache /var/lib; do
		mount -t tmpfs -o mode=0755 netns "$dir" || netns_fail "cannot cover $dir"
	done
	mkdir -p /var/cache/ldconfig
}

# The daemon's user, the reference's nsswitch lines in our order.
netns_accounts()
{
	grep -q '^kanidm-unixd:' /etc/group || echo 'kanidm-unixd:x:990:' >>/etc/group
	grep -q '^kanidm-unixd:' /etc/passwd ||
		echo 'kanidm-unixd:x:990:990::/var/lib/kanidm-unixd:/usr/sbin/nologin' >>/etc/passwd
	install -d -m 0755 -o 990 -g 990 /run/kanidm-unixd
	install -d -m 0700 -o 990 -g 990 /var/cache/kanidm-unixd /var/lib/kanidm-unixd
	netns_nsswitch "files kanidm"
}

# netns_nsswitch "files kanidm": the passwd and group lines, and files alone for the rest.
netns_nsswitch()
{
	printf '%s\n' "passwd: $1" "group: $1" "shadow: files" "hosts: files" \
		"networks: files" "protocols: files" "services: files" >"$NETNS_DIR/nsswitch.new"
	cat "$NETNS_DIR/nsswitch.new" >/etc/nsswitch.conf
}

# Installs BUILD_DIR's tree and makes libc find the module, for setuid programs too. NETNS_STRIP:
# --strip, as packages have it.
netns_install()
{
	local build=$1 lib
	DESTDIR="$NETNS_DIR/root" cmake --install "$build" ${NETNS_STRIP:+--strip} \
		>"$NETNS_DIR/install.log" 2>&1 ||
		netns_fail "cmake --install $build: $(tail -n 3 "$NETNS_DIR/install.log")"
	lib=$(dirname "$(find "$NETNS_DIR/root" -name libnss_kanidm.so.2)")
	[ -e "$lib/libnss_kanidm.so.2" ] || netns_fail "no libnss_kanidm.so.2 in the install tree"
	mkdir -p /etc/ld.so.conf.d
	echo "$lib" >/etc/ld.so.conf.d/00-kanidm.conf
	ldconfig || netns_fail "ldconfig"
	local sbin
	sbin=$(dirname "$(find "$NETNS_DIR/root" -path "*/sbin/kanidm_unixd")")
	PATH=$sbin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
	export PATH
	mkdir -p /etc/kanidm
}

# netns_setup BUILD_DIR
netns_setup()
{
	netns_scratch
	netns_private_dirs
	netns_accounts
	netns_install "$1"
}

# netns_write_config URI CA_FILE [extra line for /etc/kanidm/unixd ...]
netns_write_config()
{
	printf 'uri = "%s"\nca_path = "%s"\n' "$1" "$2" >/etc/kanidm/config
	shift 2
	{
		printf 'version = "2"\n'
		printf '%s\n' "$@"
		printf '[kanidm]\npam_allowed_login_groups = ["shell_users"]\n'
		# Who is known is what a test has asked for.
		printf 'prefetch_groups = []\n'
	} >/etc/kanidm/unixd
}

# netns_wait_for SECONDS command …: until the command succeeds, or fails after SECONDS.
netns_wait_for()
{
	local end=$(($(date +%s%N) + $1 * 1000000000))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$(date +%s%N)" -lt "$end" ] || return 1
		read -rt 0.02 <> <(:) || true
	done
}

# Starts the daemon as its own user; returns when it answers.
netns_daemon_start()
{
	setpriv --reuid=990 --regid=990 --clear-groups --no-new-privs \
		kanidm_unixd "$@" >>"$NETNS_LOG" 2>&1 &
	NETNS_DAEMON=$!
	netns_wait_for 10 kanidm-unix version || true
	netns_wait_for 10 netns_daemon_answers || netns_fail "the daemon does not answer"
}

netns_daemon_answers()
{
	[ -d "/proc/$NETNS_DAEMON" ] && kanidm-unix status
}

# netns_daemon_stop [SIGNAL]
netns_daemon_stop()
{
	kill "-${1:-TERM}" "$NETNS_DAEMON" 2>/dev/null || true
	wait "$NETNS_DAEMON" 2>/dev/null || true
}

# netns_expect "what" "text" command …: the command's output is exactly text.
netns_expect()
{
	local what=$1 want=$2 got
	shift 2
	got=$("$@" 2>&1) || true
	[ "$got" = "$want" ] || netns_fail "$what: expected
$want
got
$got"
	echo "ok: $what"
}

# Starts the daemon that makes home directories; returns when the resolver sees it.
netns_tasks_start()
{
	kanidm_unixd_tasks "$@" >>"$NETNS_LOG" 2>&1 &
	NETNS_TASKS=$!
	netns_wait_for 10 sh -c 'kanidm-unix status --verbose | grep -q "^tasks: connected"' ||
		netns_fail "tasks does not connect"
}

# netns_tasks_stop [SIGNAL]
netns_tasks_stop()
{
	kill "-${1:-TERM}" "$NETNS_TASKS" 2>/dev/null || true
	wait "$NETNS_TASKS" 2>/dev/null || true
}
