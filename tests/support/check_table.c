/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What `kanidm-unix check` can find: one line for each, for scripts/check-findings. Word,
 * level, what it is and what to do, TAB between them.
 */
#include <stdio.h>

#include "tools/check_internal.h"

int
main(void)
{
	for (int i = 0; i < CHECK_N_IDS; i++) {
		const struct check_kind *k = &check_kinds[i];

		(void)printf("%s\t%s\t%s\t%s\n", k->word, check_level_text(k->level),
		    k->what, k->fix);
	}
	return fflush(stdout) == 0 ? 0 : 1;
}
