#!/bin/bash
# SPDX-License-Identifier: MPL-2.0
# The stacks Debian makes of our profile, the examples for Fedora and openSUSE, and what authselect
# makes of its profile without features and with those that refuse, judged code by code: whatever pam_kanidm.so may return, only success lets one of its accounts in, and
# nothing it returns about an account of the host itself (always IGNORE) matters to that.
# pam_unix is the real one; pam_debug, which returns what it is told, stands for ours.
set -eu
here=$(cd "$(dirname "$0")/../.." && pwd)
build=$1
# shellcheck source=tests/support/netns.sh
. "$here/tests/support/netns.sh"
netns_enter "$(readlink -f "$0")" "$@"
# shellcheck source=tests/support/pam.sh
. "$here/tests/support/pam.sh"
export KU_BUILD_DIR=$build
# shellcheck source=tests/support/devidm.sh
. "$here/tests/support/devidm.sh"
pam_setup "$build"

# What a module can return, but for the codes that are about conversations and items.
codes="success open_err symbol_err service_err system_err buf_err perm_denied auth_err
cred_insufficient authinfo_unavail user_unknown maxtries new_authtok_reqd acct_expired
session_err cred_unavail cred_expired cred_err conv_err authtok_err authtok_recover_err
authtok_lock_busy authtok_disable_aging try_again ignore abort authtok_expired"

# alice is a person of the server; native is an account of this host.
devidm_start "$NETNS_DIR/devidm" sample
netns_write_config "$DEVIDM_URL" "$DEVIDM_CA" 'uid_attr_map = "name"'
netns_daemon_start
getent passwd alice >/dev/null || netns_fail "no alice"
echo 'native:x:4999:4999:Native:/tmp:/bin/sh' >>/etc/passwd
echo 'native:x:4999:' >>/etc/group
echo "native:$(openssl passwd -6 right):19000::::::" >>/etc/shadow

# The stack under judgement, in one file; without what this host may not have.
debian()
{
	local t
	for t in account auth password session; do
		cat "/etc/pam.d/common-$t"
	done
}

example()
{
	grep -vE 'pam_(pwquality|cracklib|systemd|keyinit)\.so' \
		"$NETNS_DIR/root/usr/share/doc/kanidm-unix/pam.d/$1" | sed 's/use_authtok//'
}

authselect()
{
	"$here/tests/support/authselect.py" "$here/etc/authselect/kanidm/$1" "${@:2}" |
		grep -vE 'pam_(pwquality|systemd|keyinit|faildelay)\.so' | sed 's/use_authtok//'
}

# returning CODE: from here on our module returns it everywhere. (pam_unix would wait 2 s after
# each wrong password.)
returning()
{
	local c=$1
	rm -rf /run/faillock # three wrong ones would be counted together
	sed "s/pam_kanidm\.so/pam_debug.so auth=$c cred=$c acct=$c prechauthtok=$c \
chauthtok=$c open_session=$c close_session=$c/; s/^auth.*pam_unix.so/& nodelay/" \
		"$NETNS_DIR/stack" >/etc/pam.d/judge
	grep -q "pam_debug.so auth=$c" /etc/pam.d/judge || netns_fail "no stand-in"
}

# verdict USER PASSWORD OPERATION...: "in", or the words of the code the stack returned.
verdict()
{
	local user=$1 password=$2
	shift 2
	if printf '%s\n%s\n%s\n' "$password" "$password" "$password" |
		pamtester judge "$user" "$@" >"$NETNS_DIR/out" 2>&1; then
		echo "in"
	else
		sed -n 's/^pamtester: //p' "$NETNS_DIR/out" | tail -n 1
	fi
}

# row CODE PHASE USER WANT GOT
row()
{
	[ "$4" = "$5" ] || netns_fail "$1 in $2 for $3: expected '$4', got '$5'"
	rows=$((rows + 1))
}

# What the person's program is told; other codes may be told as any failure.
declare -A told=(
	[perm_denied]="Permission denied"
	[acct_expired]="User account has expired"
	[authinfo_unavail]="Authentication service cannot retrieve authentication info"
)

rows=0
every_code()
{
	local code got want
	for code in $codes; do
		returning "$code"

		got=$(verdict alice right acct_mgmt)
		want=${told[$code]:-$got}
		[ "$code" != success ] || want=in
		[ "$code" = success ] || [ "$got" != in ] || want="a refusal"
		row "$code" account alice "$want" "$got"

		got=$(verdict alice right authenticate "setcred(PAM_ESTABLISH_CRED)")
		want=$got
		[ "$code" != success ] || want=in
		[ "$code" = success ] || [ "$got" != in ] || want="a refusal"
		row "$code" auth alice "$want" "$got"
	done
}

wrong_password()
{
	local code got
	# Ours says IGNORE about accounts of the host (tests/host); nothing of this may mean yes.
	for code in ignore user_unknown auth_err authinfo_unavail; do
		returning "$code"
		got=$(verdict native wrong authenticate)
		[ "$got" != in ] || netns_fail "$code: native is in with a wrong password"
		rows=$((rows + 1))
	done
}

session_and_passwd()
{
	local code
	# Session: ours may refuse (home_failure = "deny"), and IGNORE refuses nobody.
	for code in success ignore; do
		returning "$code"
		row "$code" session alice in "$(verdict alice x open_session close_session)"
		row "$code" session native in "$(verdict native x open_session close_session)"
	done
	returning session_err
	row session_err session alice "Cannot make/remove an entry for the specified session" \
		"$(verdict alice x open_session)"

	# passwd: pam_unix does not know our people; ours tells them where to change it.
	returning authtok_err
	row authtok_err passwd alice "Authentication token manipulation error" \
		"$(verdict alice right chauthtok)"
	returning ignore
	[ "$(verdict alice right chauthtok)" != in ] || netns_fail "passwd did something for alice"
}

# The module has been removed and the stack has not: accounts of the host come in as ever, people
# of the server do not. Not in Debian's, out of which removing takes it.
removed()
{
	returning success
	sed 's/pam_debug\.so/pam_removed.so/' /etc/pam.d/judge >"$NETNS_DIR/judge"
	cp "$NETNS_DIR/judge" /etc/pam.d/judge
	row removed login native in "$(verdict native right authenticate \
		"setcred(PAM_ESTABLISH_CRED)" acct_mgmt open_session close_session)"
	row removed passwd native in "$(verdict native right chauthtok)"
	[ "$(verdict alice right acct_mgmt)" != in ] || netns_fail "removed: alice may be here"
	[ "$(verdict alice right authenticate)" != in ] || netns_fail "removed: alice is in"
	[ "$(verdict native wrong authenticate)" != in ] || netns_fail "removed: a wrong password"
}

# What ours says about accounts of the host.
native()
{
	local code
	for code in ignore user_unknown; do
		returning "$code"
		row "$code" login native in \
			"$(verdict native right authenticate "setcred(PAM_ESTABLISH_CRED)" acct_mgmt)"
		row "$code" account native in "$(verdict native right acct_mgmt)"
		row "$code" setcred native in "$(verdict native right "setcred(PAM_ESTABLISH_CRED)")"
		row "$code" passwd native in "$(verdict native right chauthtok)"
	done
}

expired()
{
	cp -a /etc/shadow "$NETNS_DIR/shadow"
	sed -i '/^native:/s/::::::$/:::::1:/' /etc/shadow
	returning ignore
	[ "$(verdict native right acct_mgmt)" != in ] || netns_fail "native has expired"
	cp -a "$NETNS_DIR/shadow" /etc/shadow
	rows=$((rows + 1))
}

for stack in debian system-auth.fedora common.opensuse system-auth \
	"password-auth with-faillock with-pamaccess without-nullok"; do
	case $stack in
	debian) debian ;;
	*.fedora | *.opensuse) example "$stack" ;;
	*) # shellcheck disable=SC2086 # a template and features
		authselect $stack ;;
	esac >"$NETNS_DIR/stack"
	every_code
	wrong_password
	session_and_passwd
	native
	[ "$stack" = debian ] || removed
	expired
	echo "ok: $stack, $rows rows"
done
# Debian's stack asks ours about an account of the host only after pam_unix has said no.
debian >"$NETNS_DIR/stack"
for code in $codes; do
	returning "$code"
	row "$code" login native in \
		"$(verdict native right authenticate "setcred(PAM_ESTABLISH_CRED)" acct_mgmt)"
done

# For names that are taken over from the host, pam_unix knows them and ours is asked as well:
# its two verdicts count, and nothing else it may say.
DEBIAN_FRONTEND=noninteractive pam-auth-update --enable kanidm-override >/dev/null 2>&1
debian >"$NETNS_DIR/stack"
for code in $codes; do
	returning "$code"
	want=in
	case $code in perm_denied | acct_expired) want=${told[$code]} ;; esac
	row "$code" "overridden account" native "$want" "$(verdict native right acct_mgmt)"
	got=$(verdict alice right acct_mgmt)
	[ "$code" = success ] || [ "$got" != in ] || netns_fail "$code: alice is in"
	row "$code" "account, with that" alice "${told[$code]:-$got}" "$got"
done
DEBIAN_FRONTEND=noninteractive pam-auth-update --disable kanidm-override >/dev/null 2>&1

# The way out of a lock-out, and back.
DEBIAN_FRONTEND=noninteractive pam-auth-update --disable kanidm >/dev/null 2>&1
grep -l pam_kanidm /etc/pam.d/common-* && netns_fail "--disable leaves ours in the stacks"
debian >/etc/pam.d/judge
row "none of ours" login native in "$(verdict native right authenticate acct_mgmt)"
DEBIAN_FRONTEND=noninteractive pam-auth-update --enable kanidm >/dev/null 2>&1
[ "$(grep -l pam_kanidm /etc/pam.d/common-* | wc -l)" = 5 ] ||
	netns_fail "--enable: $(grep pam_kanidm /etc/pam.d/common-*)"
netns_daemon_stop
echo "ok: $rows rows"
