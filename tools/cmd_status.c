/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Scripts read the two lines "system: online" and "Kanidm: online|offline", so these are all
 * that is printed into a pipe unless more is asked for. A person at a terminal is also told
 * what keeps people from logging in. The exit code says whether the daemon answered, not
 * whether the server did.
 */
#include <string.h>

#include "ku/wire.h"
#include "ku/wire_ops.h"
#include "src/base/util.h"
#include "src/prog/xalloc.h"
#include "tools/commands.h"
#include "tools/pairs.h"
#include "tools/screen.h"

/* The daemon probes the link for up to 1.5 s first. */
#define TIMEOUT_MS 5000

/* What a terminal shows together, in this order; a key that is in none is in the last. */
static const struct section {
	const char *heading;
	const char *const keys[20];
} sections[] = {
	{ "Server",
	    { "system", "Kanidm", "reason", "detail", "next_try", "last_fault", "uri",
		"domain", "identity", "server_version", "client_version", "cert_issuer",
		"cert_not_after", "clock", "proxy" } },
	{ "Names",
	    { "users", "groups", "negatives", "ids_pending", "left_out", "map_group",
		"prefetch", "prefetch_group", "local_visible", "local_frozen" } },
	{ "Cache",
	    { "map", "map_generations", "map_generations_hour", "map_trouble", "store",
		"store_trouble" } },
	{ "Logins",
	    { "login", "login_groups", "offline_logins", "offline_key", "offline_note",
		"offline_guesses", "hsm_pin", "hidden_callers" } },
	{ "Homes", { "tasks", "tasks_version", "tasks_trouble" } },
	{ "Configuration", { "config" } },
	{ "Other", { NULL } },
};

static bool
is_listed(const struct section *s, const char *key)
{
	for (size_t i = 0; i < ARRAY_SIZE(s->keys) && s->keys[i] != NULL; i++) {
		if (streq(s->keys[i], key))
			return true;
	}
	return false;
}

static bool
is_in(const struct section *s, const char *key)
{
	if (s->keys[0] != NULL)
		return is_listed(s, key);
	for (size_t i = 0; i + 1 < ARRAY_SIZE(sections); i++) {
		if (is_listed(&sections[i], key))
			return false;
	}
	return true;
}

static enum screen_tone
tone_of(const char *key, const char *value)
{
	static const char *const troubles[] = { "reason", "login", "config",
		"map_trouble", "store_trouble", "tasks_trouble", "hidden_callers",
		"clock" };

	if (streq(key, "system") || streq(key, "Kanidm"))
		return streq(value, "online") ? TONE_GOOD : TONE_BAD;
	if (streq(key, "tasks") && strncmp(value, "connected", 9) != 0)
		return TONE_WARN;
	for (size_t i = 0; i < ARRAY_SIZE(troubles); i++) {
		if (streq(key, troubles[i]))
			return TONE_WARN;
	}
	return TONE_PLAIN;
}

static void
print_section(const struct screen *s, const struct section *section, const char *const *v,
    size_t n, size_t column, bool *first)
{
	bool headed = false;

	for (size_t i = 0; i < n; i += 2) {
		if (!is_in(section, v[i]))
			continue;
		if (!headed) {
			(void)fputs(*first ? "" : "\n", s->out);
			screen_tone(s, TONE_HEADING);
			(void)fputs(section->heading, s->out);
			screen_tone(s, TONE_PLAIN);
			(void)fputc('\n', s->out);
		}
		headed = true;
		screen_pair(s, column, v[i], v[i + 1], tone_of(v[i], v[i + 1]));
	}
	*first = *first && !headed;
}

static bool
is_short(const struct screen *s, const char *key)
{
	if (streq(key, "system") || streq(key, "Kanidm"))
		return true;
	return s->terminal &&
	    (streq(key, "reason") || streq(key, "next_try") || streq(key, "login") ||
		streq(key, "config"));
}

static void
print_short(const struct screen *s, const char *const *v, size_t n)
{
	size_t widest = 0;

	for (size_t i = 0; i < n; i += 2) {
		if (is_short(s, v[i]) && strlen(v[i]) + 2 > widest)
			widest = strlen(v[i]) + 2;
	}
	for (size_t i = 0; i < n; i += 2) {
		if (is_short(s, v[i]))
			screen_pair(s, widest, v[i], v[i + 1], tone_of(v[i], v[i + 1]));
	}
}

static void
print_text(const struct tool *t, const char *const *v, size_t n, bool verbose)
{
	struct screen s = screen_of(t->out);
	bool first = true;

	if (!verbose) {
		print_short(&s, v, n);
		return;
	}
	s.margin = 2;
	for (size_t i = 0; !s.terminal && i < n; i += 2)
		screen_pair(&s, 0, v[i], v[i + 1], TONE_PLAIN);
	for (size_t i = 0; s.terminal && i < ARRAY_SIZE(sections); i++)
		print_section(&s, &sections[i], v, n, screen_column(v, n), &first);
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
	print_text(t, v, n, verbose);
	return 0;
}
