/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Scripts read the two lines "system: online" and "Kanidm: online|offline", so these are all
 * that is printed unless more is asked for. The exit code says whether the daemon answered,
 * not whether the server did.
 */
#include <string.h>

#include "ku/wire.h"
#include "ku/wire_ops.h"
#include "src/base/util.h"
#include "src/prog/xalloc.h"
#include "tools/commands.h"
#include "tools/pairs.h"

/* The daemon probes the link for up to 1.5 s first. */
#define TIMEOUT_MS 5000

static bool
is_short(const char *key)
{
	return streq(key, "system") || streq(key, "Kanidm");
}

int
cmd_status(const struct tool *t, bool verbose)
{
	cleanup_(tool_answer_clear) struct tool_answer a = { 0 };
	cleanup_(freep) const char **v = NULL;
	size_t n = 0;

	if (!tool_ask_loudly(t, KU_OP_STATUS, NULL, 0, TIMEOUT_MS, &a))
		return 1;
	if (a.status != KU_ST_OK)
		return tool_refused(t, "status", &a, NULL);
	if (tool_strings(&a, &v, &n) < 0 || n % 2 != 0)
		return tool_fail(t, "status", "the daemon's answer makes no sense");
	if (t->json)
		return pairs_print_json(t->out, v, n) == 0 ? 0 : 1;
	for (size_t i = 0; i < n; i += 2) {
		if (verbose || is_short(v[i]))
			(void)fprintf(t->out, "%s: %s\n", v[i], v[i + 1]);
	}
	return 0;
}
