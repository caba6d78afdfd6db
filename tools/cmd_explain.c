/* SPDX-License-Identifier: MPL-2.0 */
/* "Why does this name resolve as it does?": the daemon's own reasons, line by line. */
#include "ku/wire.h"
#include "ku/wire_ops.h"
#include "src/prog/xalloc.h"
#include "tools/commands.h"

#define TIMEOUT_MS 5000

int
cmd_explain(const struct tool *t, const char *name)
{
	cleanup_(tool_answer_clear) struct tool_answer a = { 0 };
	cleanup_(freep) const char **lines = NULL;
	uint8_t req[KU_MAX_NAME_REQ];
	size_t n = 0, len = tool_pack_name(req, sizeof(req), name);

	if (len == 0) {
		(void)fprintf(t->err, "explain: too long to be the name of an entry\n");
		return 1;
	}
	if (!tool_ask_loudly(t, KU_OP_EXPLAIN, req, len, TIMEOUT_MS, &a))
		return 1;
	if (a.status != KU_ST_OK)
		return tool_refused(t, "explain", &a, NULL);
	if (tool_strings(&a, &lines, &n) < 0) {
		(void)fprintf(t->err, "explain: the daemon's answer makes no sense\n");
		return 1;
	}
	for (size_t i = 0; i < n; i++)
		(void)fprintf(t->out, "%s\n", lines[i]);
	return 0;
}
