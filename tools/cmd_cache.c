/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The commands that change something. "success" is only printed when the daemon said so:
 * scripts have relied on that word, and it used to come in any case.
 */
#include <inttypes.h>

#include "ku/wire.h"
#include "ku/wire_ops.h"
#include "tools/commands.h"

#define TIMEOUT_MS 5000

static int
simple(const struct tool *t, uint16_t op, const char *cmd, const char *hint)
{
	cleanup_(tool_answer_clear) struct tool_answer a = { 0 };

	if (!tool_ask_loudly(t, op, NULL, 0, TIMEOUT_MS, &a))
		return 1;
	if (a.status != KU_ST_OK)
		return tool_refused(t, cmd, &a, hint);
	(void)fprintf(t->out, "success\n");
	return 0;
}

int
cmd_cache_invalidate(const struct tool *t)
{
	return simple(t, KU_OP_CACHE_INVALIDATE, "cache-invalidate",
	    "sudo kanidm-unix cache-invalidate");
}

int
cmd_cache_clear(const struct tool *t, bool really)
{
	if (!really) {
		(void)fprintf(t->err,
		    "cache-clear: Are you sure you want to proceed? If so use --really\n");
		return 1;
	}
	return simple(t, KU_OP_CACHE_CLEAR, "cache-clear",
	    "sudo kanidm-unix cache-clear --really");
}

int
cmd_accept_id(const struct tool *t, const char *name)
{
	cleanup_(tool_answer_clear) struct tool_answer a = { 0 };
	uint8_t req[KU_MAX_NAME_REQ];
	size_t len = tool_pack_name(req, sizeof(req), name);
	uint32_t old_id, new_id;
	struct dec d;

	if (len == 0) {
		(void)fprintf(t->err, "accept-id: this cannot be the name of an entry\n");
		return 1;
	}
	if (!tool_ask_loudly(t, KU_OP_ACCEPT_ID, req, len, TIMEOUT_MS, &a))
		return 1;
	if (a.status != KU_ST_OK)
		return tool_refused(t, "accept-id", &a,
		    "sudo kanidm-unix accept-id NAME");
	dec_init(&d, a.body, a.len);
	old_id = dec_u32(&d);
	new_id = dec_u32(&d);
	if (!dec_done(&d)) {
		(void)fprintf(t->err, "accept-id: the daemon's answer makes no sense\n");
		return 1;
	}
	(void)fprintf(t->out, "success: %s %" PRIu32 " -> %" PRIu32 "\n", name, old_id,
	    new_id);
	return 0;
}
