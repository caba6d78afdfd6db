# shellcheck shell=bash
# SPDX-License-Identifier: MPL-2.0
#
# An sshd for a private host (tests/support/netns.sh, which is sourced first), on loopback and
# with keys and configuration of its own. A package openssh-server would start one for
# everybody, so where there is none its files are fetched and not installed.
#
#	sshd_fetch DIR		outside: makes sure there is one, in DIR if not on this host
#	sshd_start DIR		inside, after pam_setup; uses what etc/ssh installs
#	ssh_password NAME PASSWORD COMMAND...	a login that types a password
#	ssh_key NAME KEYFILE COMMAND...		a login by key

SSHD_PORT=2222

sshd_fetch()
{
	[ ! -x /usr/sbin/sshd ] && [ ! -x "$1/usr/sbin/sshd" ] || return 0
	local tmp
	tmp=$(mktemp -d)
	(
		cd "$tmp"
		apt-get download -qq openssh-server 2>/dev/null
		dpkg-deb -x openssh-server_*.deb root
		mkdir -p "$1"
		cp -a root/. "$1"
	) || echo "cannot fetch openssh-server (apt-get update?)" >&2
	rm -rf "$tmp"
	[ -x "$1/usr/sbin/sshd" ]
}

sshd_start()
{
	local sshd=/usr/sbin/sshd dir=$NETNS_DIR/sshd
	[ -x "$sshd" ] || sshd=$1/usr/sbin/sshd
	mkdir -p "$dir" /run/sshd
	grep -q '^sshd:' /etc/passwd ||
		echo 'sshd:x:989:65534::/run/sshd:/usr/sbin/nologin' >>/etc/passwd
	ssh-keygen -q -t ed25519 -N '' -f "$dir/host_key"
	printf '[127.0.0.1]:%s %s\n' "$SSHD_PORT" "$(cat "$dir/host_key.pub")" >"$dir/known_hosts"
	# What an administrator does to the file that we install; the program is in its tree here.
	sed "s/^#\(AuthorizedKeysCommand\)/\1/; s|/usr/sbin/kanidm|$NETNS_DIR/root&|" \
		"$NETNS_DIR/root/etc/ssh/sshd_config.d/10-kanidm.conf" >"$dir/kanidm.conf"
	cat >"$dir/config" <<-CONF
		Include $dir/kanidm.conf
		Port $SSHD_PORT
		ListenAddress 127.0.0.1
		HostKey $dir/host_key
		PidFile none
		UsePAM yes
		PasswordAuthentication yes
		KbdInteractiveAuthentication no
		PrintMotd no
	CONF
	printf '@include common-%s\n' auth account password session >/etc/pam.d/sshd
	"$sshd" -D -e -f "$dir/config" 2>"$dir/log" &
	SSHD_PID=$!
	netns_wait_for 10 ssh-keyscan -p "$SSHD_PORT" 127.0.0.1 || netns_fail "sshd: $(cat "$dir/log")"
}

_ssh()
{
	ssh -F none -p "$SSHD_PORT" -o UserKnownHostsFile="$NETNS_DIR/sshd/known_hosts" \
		-o IdentitiesOnly=yes -o ConnectTimeout=10 "$@"
}

ssh_password()
{
	local name=$1 password=$2
	shift 2
	printf '#!/bin/sh\nprintf "%%s\\n" "%s"\n' "$password" >"$NETNS_DIR/askpass"
	chmod 0700 "$NETNS_DIR/askpass"
	SSH_ASKPASS=$NETNS_DIR/askpass SSH_ASKPASS_REQUIRE=force _ssh -o NumberOfPasswordPrompts=1 \
		-o PreferredAuthentications=password -l "$name" 127.0.0.1 "$@" </dev/null
}

ssh_key()
{
	local name=$1 key=$2
	shift 2
	_ssh -o PreferredAuthentications=publickey -i "$key" -l "$name" 127.0.0.1 "$@" </dev/null
}
