/* SPDX-License-Identifier: MPL-2.0 */
/* The table of findings as data, for the output, for the docs, and for the tests. */
#include "tools/check_internal.h"

const struct check_kind check_kinds[CHECK_N_IDS] = {
#define ROW(id, word, level, what, fix) [CHECK_##id] = { word, CHECK_##level, what, fix },
	CHECK_TABLE(ROW)
#undef ROW
};

const char *
check_level_text(enum check_level level)
{
	static const char *const text[CHECK_N_LEVELS] = {
		[CHECK_ERROR] = "error",
		[CHECK_WARNING] = "warning",
		[CHECK_HINT] = "hint",
	};

	return text[level];
}
