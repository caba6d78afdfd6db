#!/bin/bash
# SPDX-License-Identifier: MPL-2.0
# The key command in the hands of sshd, and of somebody who wants more from it: as nobody, as
# a user of its own, with nothing around it, and as a setuid-root copy with every variable
# set that might lead it astray. And no account of this host has a key that a daemon gives it.
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
netns_write_config "$DEVIDM_URL" "$DEVIDM_CA" 'uid_attr_map = "name"'
netns_daemon_start

tool=$(command -v kanidm_ssh_authorizedkeys)
want=$("$tool" alice)
[ "$(wc -l <<<"$want")" = 2 ] || netns_fail "alice has two keys: $want"

as()
{
	local uid=$1
	shift
	setpriv --reuid="$uid" --regid="$uid" --clear-groups "$@"
}

# same WHAT COMMAND...: alice's keys on stdout, nothing on stderr, exit 0.
same()
{
	local what=$1 rc=0
	shift
	"$@" >"$NETNS_DIR/out" 2>"$NETNS_DIR/err" || rc=$?
	[ "$rc" = 0 ] && [ "$(cat "$NETNS_DIR/out")" = "$want" ] && [ ! -s "$NETNS_DIR/err" ] ||
		netns_fail "$what: exit $rc, $(cat "$NETNS_DIR/out" "$NETNS_DIR/err")"
	echo "ok: $what"
}

same "as nobody, with an empty environment" as 65534 env -i "$tool" alice
same "as a user of its own that has no name" as 4711 env -i "$tool" alice
same "with stdin closed" as 65534 env -i "$tool" alice <&-
install -d -m 0700 "$NETNS_DIR/private"
cd "$NETNS_DIR/private"
as 65534 ls . >/dev/null 2>&1 && netns_fail "nobody can read the working directory"
same "in a directory it cannot read" as 65534 env -i "$tool" alice
rmdir "$NETNS_DIR/private"
same "in a directory that is gone" as 65534 env -i "$tool" alice
cd /
as 65534 env -i "$tool" alice >&- 2>&- || netns_fail "with stdout closed: exit $?"
echo "ok: with stdout closed"

# --- a daemon that was taken over, and would be let in as root
echo 'native:x:4999:4999:Native:/tmp:/bin/sh' >>/etc/passwd
mallory="ssh-ed25519 AAAAEVIL mallory"
netns_daemon_stop
rm -f /run/kanidm-unixd/sock
"$here/tests/integration/keyd.py" /run/kanidm-unixd/sock 990 "$mallory" &
keyd=$!
netns_wait_for 10 test -S /run/kanidm-unixd/sock || netns_fail "no daemon that was taken over"
netns_wait_for 10 sh -c '[ -n "$(kanidm_ssh_authorizedkeys alice)" ]' || netns_fail "it gives no keys"
for name in root ROOT native Native kanidm-unixd daemon _apt; do
	netns_expect "no key for $name" "" as 65534 env -i "$tool" "$name"
done
netns_expect "its own people are its own" "$mallory" as 65534 env -i "$tool" alice
sed -i '1i allow_local_account_override = ["native", "root"]' /etc/kanidm/unixd
netns_expect "a local name that was given to the server" "$mallory" as 65534 env -i "$tool" native
netns_expect "root cannot be given" "" as 65534 env -i "$tool" root
sed -i 1d /etc/kanidm/unixd
kill "$keyd"
wait "$keyd" 2>/dev/null || true
rm -f /run/kanidm-unixd/sock
netns_daemon_start

# --- a setuid-root copy, and an environment that would give other keys if it were read
setuid=$NETNS_DIR/wrapped/kanidm_ssh_authorizedkeys
install -d "$NETNS_DIR/wrapped"
install -m 4755 -o 0 -g 0 "$tool" "$setuid"
evil="ssh-ed25519 AAAAEVIL mallory"
cat >"$NETNS_DIR/evil.c" <<C
#include <unistd.h>
__attribute__((constructor)) static void
give_a_key(void)
{
	static const char key[] = "$evil\n";
	(void)!write(1, key, sizeof(key) - 1);
}
C
cc -shared -fPIC -o "$NETNS_DIR/evil.so" "$NETNS_DIR/evil.c"
printf 'version = "2"\nsock_path = "%s"\n' "$NETNS_DIR/evil.sock" >"$NETNS_DIR/evil.toml"
hostile=(LD_PRELOAD="$NETNS_DIR/evil.so" LD_LIBRARY_PATH="$NETNS_DIR" LD_AUDIT="$NETNS_DIR/evil.so"
	KANIDM_UNIX_CONFIG="$NETNS_DIR/evil.toml" KANIDM_CLIENT_CONFIG="$NETNS_DIR/evil.toml"
	KANIDM_CONFIG="$NETNS_DIR/evil.toml" KANIDM_SOCK_PATH="$NETNS_DIR/evil.sock" KANIDM_DEBUG=1
	RUST_LOG=trace TZ=":$NETNS_DIR/evil.tz" TZDIR="$NETNS_DIR/evil.tz" POSIXLY_CORRECT=1
	LOCPATH="$NETNS_DIR" LANG=evil MALLOC_TRACE="$NETNS_DIR/evil.trace")

# The bait works: without setuid the linker itself would take it (sanitizers refuse to run
# behind a foreign library).
bait=$(as 65534 env -i LD_PRELOAD="$NETNS_DIR/evil.so" /bin/true)
[ "$bait" = "$evil" ] || netns_fail "the bait is not taken by anybody: $bait"
if ldd "$tool" | grep -qE 'lib(asan|tsan|clang_rt)'; then
	echo "ok: a sanitizer build; it reads its own environment variables, so no setuid copy"
	exit 0
fi
same "setuid root, hostile environment" as 65534 env -i "${hostile[@]}" "$setuid" alice

strace -f -qq -o "$NETNS_DIR/trace" -u nobody env -i "${hostile[@]}" "$setuid" alice \
	>"$NETNS_DIR/out"
[ "$(cat "$NETNS_DIR/out")" = "$want" ] || netns_fail "traced: $(cat "$NETNS_DIR/out")"
sed -n "\\|execve(\"$setuid\"|,\$p" "$NETNS_DIR/trace" | tail -n +2 >"$NETNS_DIR/ours"
grep -q 'setresuid(65534, 65534, 65534) *= 0' "$NETNS_DIR/ours" ||
	netns_fail "it keeps root's rights: $(cat "$NETNS_DIR/ours")"
if grep -n evil "$NETNS_DIR/ours"; then
	netns_fail "it uses what the environment names"
fi
grep -q 'connect(.*"/run/kanidm-unixd/sock"' "$NETNS_DIR/ours" || netns_fail "no connect"
# Whoever is asked after the rights are gone is asked as the caller.
awk '/setresuid/ { dropped = 1 } /connect\(/ && !dropped { exit 1 }' "$NETNS_DIR/ours" ||
	netns_fail "it connects before it has dropped root's rights"
readelf --dyn-syms "$tool" | grep -E ' (secure_)?getenv@' &&
	netns_fail "it imports getenv"
echo "ok: nothing the environment names was opened, and root's rights were given back"

install -m 0755 "$tool" "$setuid"
if setcap cap_dac_override,cap_setuid+ep "$setuid" 2>/dev/null; then
	same "with file capabilities, hostile environment" \
		as 65534 env -i "${hostile[@]}" "$setuid" alice
	strace -qq -o "$NETNS_DIR/ours" -u nobody "$setuid" alice >/dev/null
	grep -q 'capset(.*effective=0, permitted=0, inheritable=0}) *= 0' "$NETNS_DIR/ours" ||
		netns_fail "it keeps capabilities: $(cat "$NETNS_DIR/ours")"
	echo "ok: they were given back"
fi
netns_daemon_stop
echo "ok: all"
