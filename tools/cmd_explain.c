/* SPDX-License-Identifier: MPL-2.0 */
/* "Why does this name resolve as it does?": the daemon's own reasons, line by line. */
#include "ku/wire.h"
#include "ku/wire_ops.h"
#include "src/base/util.h"
#include "src/prog/xalloc.h"
#include "tools/commands.h"

#define TIMEOUT_MS 5000

/*
 * sshd 10.1 and 10.2 compare the name that was typed with pw_name before any module is
 * asked, and end with "PAM user mismatch". So: what is shown, and is it what was typed?
 */
static void
say_what_to_type(const struct tool *t, const char *name, const void *req, size_t len)
{
	cleanup_(tool_answer_clear) struct tool_answer a = { 0 };
	const char *shown;
	struct dec d;

	if (tool_ask(t, KU_OP_PASSWD_BY_NAME, req, len, TIMEOUT_MS, &a) < 0 ||
	    a.status != KU_ST_OK)
		return;
	dec_init(&d, a.body, a.len);
	(void)dec_u32(&d); /* uid, gid, bytes */
	(void)dec_u32(&d);
	(void)dec_u32(&d);
	shown = dec_strz(&d);
	if (shown != NULL && !streq(shown, name))
		(void)fprintf(t->out,
		    "ssh: log in as %s, not as %s: sshd 10.1 and 10.2 refuse every other "
		    "spelling (\"PAM user mismatch\")\n",
		    shown, name);
}

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
	say_what_to_type(t, name, req, len);
	return 0;
}
