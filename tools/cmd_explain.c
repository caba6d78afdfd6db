/* SPDX-License-Identifier: MPL-2.0 */
/*
 * "Why does this name resolve as it does?": the daemon's own reasons, line by line, for a
 * person or as one object.
 */
#include <stdlib.h>

#include "ku/wire.h"
#include "ku/wire_ops.h"
#include "src/base/util.h"
#include "src/prog/xalloc.h"
#include "tools/commands.h"
#include "tools/pairs.h"

#define TIMEOUT_MS 5000

/*
 * sshd 10.1 and 10.2 compare the name that was typed with pw_name before any module is
 * asked, and end with "PAM user mismatch". So: what is shown, if it is not what was typed?
 * In `a`; NULL else.
 */
static const char *
other_spelling(const struct tool *t, const char *name, const void *req, size_t len,
    struct tool_answer *a)
{
	const char *shown;
	struct dec d;

	if (tool_ask(t, KU_OP_PASSWD_BY_NAME, req, len, TIMEOUT_MS, a) < 0 ||
	    a->status != KU_ST_OK)
		return NULL;
	dec_init(&d, a->body, a->len);
	(void)dec_u32(&d); /* uid, gid, bytes */
	(void)dec_u32(&d);
	(void)dec_u32(&d);
	shown = dec_strz(&d);
	return shown != NULL && !streq(shown, name) ? shown : NULL;
}

static int
print_json(const struct tool *t, const char *const *lines, size_t n, const char *shown)
{
	size_t n_pairs = n + (shown != NULL);
	char **v = xcalloc(2 * n_pairs + 1, sizeof(*v));
	int rc;

	for (size_t i = 0; i < n; i++)
		pairs_split(lines[i], &v[2 * i], &v[2 * i + 1]);
	if (shown != NULL) {
		v[2 * n] = xstrdup("log_in_as");
		v[2 * n + 1] = xstrdup(shown);
	}
	rc = pairs_print_json(t->out, (const char *const *)v, 2 * n_pairs);
	for (size_t i = 0; i < 2 * n_pairs; i++)
		free(v[i]);
	free((void *)v);
	return rc == 0 ? 0 : 1;
}

static void
print_lines(const struct tool *t, const char *const *lines, size_t n, const char *name,
    const char *shown)
{
	for (size_t i = 0; i < n; i++)
		(void)fprintf(t->out, "%s\n", lines[i]);
	if (shown != NULL)
		(void)fprintf(t->out,
		    "ssh: log in as %s, not as %s: sshd 10.1 and 10.2 refuse every other "
		    "spelling (\"PAM user mismatch\")\n",
		    shown, name);
}

int
cmd_explain(const struct tool *t, const char *name)
{
	cleanup_(tool_answer_clear) struct tool_answer a = { 0 }, passwd = { 0 };
	cleanup_(freep) const char **lines = NULL;
	uint8_t req[KU_MAX_NAME_REQ];
	size_t n = 0, len = tool_pack_name(req, sizeof(req), name);
	const char *shown;

	if (len == 0)
		return tool_fail(t, "explain", "too long to be the name of an entry");
	if (!tool_ask_loudly(t, KU_OP_EXPLAIN, req, len, TIMEOUT_MS, &a))
		return 1;
	if (a.status != KU_ST_OK)
		return tool_refused(t, "explain", &a, NULL);
	if (tool_strings(&a, &lines, &n) < 0)
		return tool_fail(t, "explain", "the daemon's answer makes no sense");
	shown = other_spelling(t, name, req, len, &passwd);
	if (t->json)
		return print_json(t, lines, n, shown);
	print_lines(t, lines, n, name, shown);
	return 0;
}
