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
#include "src/prog/jsonw.h"
#include "src/prog/xalloc.h"
#include "tools/commands.h"

/* The daemon probes the link for up to 1.5 s first. */
#define TIMEOUT_MS 5000

static bool
is_short(const char *key)
{
	return streq(key, "system") || streq(key, "Kanidm");
}

static bool
seen_before(const char *const *v, size_t at)
{
	for (size_t i = 0; i < at; i += 2) {
		if (streq(v[i], v[at]))
			return true;
	}
	return false;
}

/* A key that comes more than once (configuration problems) becomes an array. */
static void
json_member(struct jsonw *w, const char *const *v, size_t n, size_t at)
{
	size_t count = 0;

	for (size_t i = at; i < n; i += 2)
		count += streq(v[i], v[at]);
	if (count == 1) {
		jsonw_string(w, v[at], v[at + 1]);
		return;
	}
	jsonw_open_array(w, v[at]);
	for (size_t i = at; i < n; i += 2) {
		if (streq(v[i], v[at]))
			jsonw_string(w, NULL, v[i + 1]);
	}
	jsonw_close(w);
}

static int
print_json(const struct tool *t, const char *const *v, size_t n)
{
	struct jsonw w;

	jsonw_begin(&w, t->out);
	jsonw_open_object(&w, NULL);
	for (size_t i = 0; i < n; i += 2) {
		if (!seen_before(v, i))
			json_member(&w, v, n, i);
	}
	jsonw_close(&w);
	return jsonw_end(&w) == 0 ? 0 : 1;
}

int
cmd_status(const struct tool *t, bool verbose, bool json)
{
	cleanup_(tool_answer_clear) struct tool_answer a = { 0 };
	cleanup_(freep) const char **v = NULL;
	size_t n = 0;

	if (!tool_ask_loudly(t, KU_OP_STATUS, NULL, 0, TIMEOUT_MS, &a))
		return 1;
	if (a.status != KU_ST_OK)
		return tool_refused(t, "status", &a, NULL);
	if (tool_strings(&a, &v, &n) < 0 || n % 2 != 0) {
		(void)fprintf(t->err, "status: the daemon's answer makes no sense\n");
		return 1;
	}
	if (json)
		return print_json(t, v, n);
	for (size_t i = 0; i < n; i += 2) {
		if (verbose || is_short(v[i]))
			(void)fprintf(t->out, "%s: %s\n", v[i], v[i + 1]);
	}
	return 0;
}
