#!/bin/bash
# SPDX-License-Identifier: MPL-2.0
# scripts/system-root with a stand-in for debootstrap: a failure leaves nothing behind, a root
# is made once, and nobody but root can get at the setuid programs in it, which nobody updates.
set -eu
repo=$(cd "$(dirname "$0")/../.." && pwd)
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

fail()
{
	echo "root_cache: FAILED: $*" >&2
	exit 1
}

mkdir "$dir/bin"
cat >"$dir/bin/debootstrap" <<-'STAND_IN'
	#!/bin/sh
	mkdir -p "$4/etc" "$4/usr/bin"
	echo run >>"$RUNS"
	[ ! -e "$RUNS.broken" ]
STAND_IN
chmod 0755 "$dir/bin/debootstrap"
export RUNS=$dir/runs KU_SYSTEM_CACHE=$dir/cache PATH=$dir/bin:$PATH

# A cache that an older version of the script has made.
install -d -m 0755 "$KU_SYSTEM_CACHE"
: >"$RUNS.broken"
rc=0
"$repo/scripts/system-root" >"$dir/out" 2>"$dir/err" || rc=$?
[ -e "$RUNS" ] || {
	cat "$dir/err"
	exit "$rc"
}
[ "$rc" = 77 ] || fail "debootstrap failed, and the exit code is $rc"
grep -q 'debootstrap failed' "$dir/err" || fail "no word about it: $(cat "$dir/err")"
left=$(find "$KU_SYSTEM_CACHE" -mindepth 1 -type d)
[ -z "$left" ] || fail "left behind: $left"

rm "$RUNS.broken"
root=$("$repo/scripts/system-root" 2>"$dir/err") || fail "exit $?: $(cat "$dir/err")"
[ -d "$root/usr/bin" ] || fail "no root in $root"
[ "$(stat -c %a "$KU_SYSTEM_CACHE")" = 700 ] || fail "others can enter the cache"
[ "$("$repo/scripts/system-root")" = "$root" ] || fail "another root the second time"
[ "$(wc -l <"$RUNS")" = 2 ] || fail "a root is made again and again"

# An old one, seen by everybody, is closed without being made again.
chmod 0755 "$KU_SYSTEM_CACHE"
"$repo/scripts/system-root" >/dev/null
[ "$(stat -c %a "$KU_SYSTEM_CACHE")" = 700 ] || fail "an old cache stays open"
echo "ok"
