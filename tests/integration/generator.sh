#!/bin/bash
# SPDX-License-Identifier: MPL-2.0
# The generator as systemd calls it: a drop-in where homes are elsewhere, none where they are not,
# and exit 0 whatever is wrong with the configuration, because a boot waits for it.
set -eu
here=$(cd "$(dirname "$0")/../.." && pwd)
build=$1
# shellcheck source=tests/support/netns.sh
. "$here/tests/support/netns.sh"
netns_enter "$(readlink -f "$0")" "$@"

netns_setup "$build"
# The kernel's log is the machine's: what would be said there is said here.
mount --bind /dev/null /dev/kmsg 2>/dev/null || true
generator=$build/tasks/kanidm-unixd-generator
out=$NETNS_DIR/generated
made=$out/kanidm-unixd-tasks.service.d/50-homes.conf

# generate TEXT [ARGUMENT...]: with TEXT as the configuration.
generate()
{
	rm -rf "$out"
	mkdir "$out"
	printf '%b' "$1" >/etc/kanidm/unixd
	"$generator" "$out" "$out" "$out" || netns_fail "exit $? for $1"
}

generate 'version = "2"\n'
[ ! -e "$made" ] || netns_fail "homes in /home need no drop-in: $(cat "$made")"
generate 'version = "2"\nhome_prefix = "/u/"\n'
grep -qx 'ReadWritePaths="\?-/u/\?"\?' "$made" || netns_fail "homes in /u: $(cat "$made")"
echo "ok: a drop-in for /u, none for /home"

for text in 'home_prefix = "/etc/"\n' 'home_prefix = [\n' 'home_prefix = "/"\n'; do
	generate "version = \"2\"\\n$text"
	[ ! -e "$made" ] || netns_fail "$text: $(cat "$made")"
done
rm /etc/kanidm/unixd
rm -rf "$out" && mkdir "$out"
"$generator" "$out" || netns_fail "no configuration: exit $?"
[ ! -e "$made" ] || netns_fail "no configuration, and yet: $(cat "$made")"
echo "ok: what is wrong, or not there, makes nothing and exits 0"

printf 'home_prefix = "/u/"\n' >/etc/kanidm/unixd
"$generator" "$NETNS_DIR/nowhere" || netns_fail "no place to write to: exit $?"
rc=0
"$generator" 2>/dev/null || rc=$?
[ "$rc" = 2 ] || netns_fail "without arguments: exit $rc"
echo "ok: no place to write to, no arguments"
