# shellcheck shell=bash
# SPDX-License-Identifier: MPL-2.0
#
# The PAM half of a private host (tests/support/netns.sh, which is sourced first): the stacks
# are made by Debian's own pam-auth-update from the profile that we install, so what is tested
# is what an administrator gets.
#
#	pam_setup BUILD_DIR	instead of netns_setup
#	pam_modules DIR		libpam finds the modules of DIR as well as its own
#	pam_stacks		makes /etc/pam.d/common-* anew from /usr/share/pam-configs

pam_setup()
{
	netns_scratch
	# pam-auth-update asks debconf, which wants to see dpkg's status; both are covered below.
	mkdir "$NETNS_DIR/keep"
	cp -a /var/lib/dpkg /var/cache/debconf "$NETNS_DIR/keep/"
	netns_private_dirs
	cp -a "$NETNS_DIR/keep/dpkg" /var/lib/
	cp -a "$NETNS_DIR/keep/debconf" /var/cache/
	install -d /var/lib/pam
	netns_accounts
	netns_install "$1"
	pam_profile
	local module
	module=$(find "$NETNS_DIR/root" -name pam_kanidm.so)
	[ -z "$module" ] || pam_modules "$(dirname "$module")"
	pam_stacks
}

# /usr/share/pam-configs is Debian's, plus ours.
pam_profile()
{
	cp -a /usr/share/pam-configs "$NETNS_DIR/pam-configs"
	cp "$NETNS_DIR"/root/usr/share/pam-configs/* "$NETNS_DIR/pam-configs/"
	mount --bind "$NETNS_DIR/pam-configs" /usr/share/pam-configs ||
		netns_fail "cannot cover /usr/share/pam-configs"
}

pam_modules()
{
	local dir
	dir=$(dirname "$(find /usr/lib -name pam_unix.so | head -n 1)")
	cp -a "$dir" "$NETNS_DIR/security"
	cp "$1"/*.so "$NETNS_DIR/security/"
	mount --bind "$NETNS_DIR/security" "$dir" || netns_fail "cannot cover $dir"
}

pam_stacks()
{
	DEBIAN_FRONTEND=noninteractive pam-auth-update --package --force \
		>"$NETNS_DIR/pam-auth-update.log" 2>&1 ||
		netns_fail "pam-auth-update: $(cat "$NETNS_DIR/pam-auth-update.log")"
	grep -q pam_kanidm.so /etc/pam.d/common-auth || netns_fail "the profile is not used"
}
