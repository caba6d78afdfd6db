/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The commands that change something. "success" is only printed when the daemon said so:
 * scripts have relied on that word, and it used to come in any case.
 */
#include <inttypes.h>

#include "ku/wire.h"
#include "ku/wire_ops.h"
#include "src/prog/jsonw.h"
#include "tools/commands.h"

#define TIMEOUT_MS 5000

static void
forget_in_front(const struct tool *t, const char *cmd)
{
	if (t->forget_in_front != NULL)
		t->forget_in_front(t, cmd);
}

static int
simple(const struct tool *t, uint16_t op, const char *cmd, const char *hint)
{
	cleanup_(tool_answer_clear) struct tool_answer a = { 0 };

	if (!tool_ask_loudly(t, op, NULL, 0, TIMEOUT_MS, &a))
		return 1;
	if (a.status != KU_ST_OK)
		return tool_refused(t, cmd, &a, hint);
	forget_in_front(t, cmd);
	return tool_success(t);
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
	if (!really)
		return tool_fail(t, "cache-clear",
		    "Are you sure you want to proceed? If so use --really");
	return simple(t, KU_OP_CACHE_CLEAR, "cache-clear",
	    "sudo kanidm-unix cache-clear --really");
}

static int
print_accepted(const struct tool *t, const char *name, uint32_t old_id, uint32_t new_id)
{
	struct jsonw w;

	jsonw_begin(&w, t->out);
	jsonw_open_object(&w, NULL);
	jsonw_bool(&w, "success", true);
	jsonw_string(&w, "name", name);
	jsonw_uint(&w, "old_uid", old_id);
	jsonw_uint(&w, "new_uid", new_id);
	jsonw_close(&w);
	return jsonw_end(&w) == 0 ? 0 : 1;
}

int
cmd_accept_id(const struct tool *t, const char *name)
{
	cleanup_(tool_answer_clear) struct tool_answer a = { 0 };
	uint8_t req[KU_MAX_NAME_REQ];
	size_t len = tool_pack_name(req, sizeof(req), name);
	uint32_t old_id, new_id;
	struct dec d;

	if (len == 0)
		return tool_fail(t, "accept-id", "this cannot be the name of an entry");
	if (!tool_ask_loudly(t, KU_OP_ACCEPT_ID, req, len, TIMEOUT_MS, &a))
		return 1;
	if (a.status != KU_ST_OK)
		return tool_refused(t, "accept-id", &a,
		    "sudo kanidm-unix accept-id NAME");
	dec_init(&d, a.body, a.len);
	old_id = dec_u32(&d);
	new_id = dec_u32(&d);
	if (!dec_done(&d))
		return tool_fail(t, "accept-id", "the daemon's answer makes no sense");
	forget_in_front(t, "accept-id");
	if (t->json)
		return print_accepted(t, name, old_id, new_id);
	(void)fprintf(t->out, "success: %s %" PRIu32 " -> %" PRIu32 "\n", name, old_id,
	    new_id);
	return 0;
}
