# shellcheck shell=bash
# SPDX-License-Identifier: MPL-2.0
# For sections written in bash: rows, and the host, the daemon and the server of the tests.
#
#	. "$KU_BENCH/lib.sh"
#	bench_row "text" UNIT OURS BESIDE BESIDE_NAME LIMIT "target"	"-" where there is none

# shellcheck source=tests/support/netns.sh
. "$KU_BENCH/../support/netns.sh"
# shellcheck source=tests/support/devidm.sh
. "$KU_BENCH/../support/devidm.sh"

bench_row()
{
	printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$(basename "$0")" "$1" "$2" "$3" \
		"${4:--}" "${5:--}" "${6:--}" "${7:--}" >>"$KU_BENCH_ROWS"
	printf '%s: %s %s\n' "$1" "$3" "$2"
}
