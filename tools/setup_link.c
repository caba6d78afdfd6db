/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Is the server there, as the daemon sees it? The daemon is the one who will ask it for every
 * login, from its own confinement; so nothing is tried from here, and what it says is shown.
 */
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "ku/wire.h"
#include "ku/wire_ops.h"
#include "src/base/util.h"
#include "src/prog/xalloc.h"
#include "tools/screen.h"
#include "tools/setup_internal.h"

#define WAIT_MS  20000
#define PAUSE_MS 200
/* The daemon tries the server for up to 1.5 s before it answers. */
#define STATUS_MS 5000
#define LOOKUP_MS 10000
/* The tasks daemon looks for the other every second. */
#define TASKS_MS 3000
/* As often it must have said the same before that counts. */
#define ENOUGH 4

struct said {
	bool online;
	bool tasks; /* connected */
	char *uri;
	char *reason; /* with the detail */
};

static void
said_clear(struct said *said)
{
	free(said->uri);
	free(said->reason);
	*said = (struct said){ 0 };
}

static const char *
value_of(const char *const *v, size_t n, const char *key)
{
	for (size_t i = 0; i + 1 < n; i += 2) {
		if (streq(v[i], key))
			return v[i + 1];
	}
	return NULL;
}

static bool
ask(const struct setup *s, struct said *ret_said)
{
	cleanup_(tool_answer_clear) struct tool_answer a = { 0 };
	cleanup_(freep) const char **v = NULL;
	const char *online, *uri, *reason, *detail, *tasks;
	size_t n = 0;

	if (tool_ask(s->t, KU_OP_STATUS, NULL, 0, STATUS_MS, &a) < 0 ||
	    a.status != KU_ST_OK || tool_strings(&a, &v, &n) < 0)
		return false;
	online = value_of(v, n, "Kanidm");
	uri = value_of(v, n, "uri");
	reason = value_of(v, n, "reason");
	detail = value_of(v, n, "detail");
	ret_said->online = online != NULL && streq(online, "online");
	tasks = value_of(v, n, "tasks");
	ret_said->tasks = tasks != NULL && streq(tasks, "connected");
	ret_said->uri = xstrdup(uri != NULL ? uri : "");
	ret_said->reason = xasprintf("%s%s%s", reason != NULL ? reason : "offline",
	    detail != NULL ? ": " : "", detail != NULL ? detail : "");
	screen_clean(ret_said->uri);
	screen_clean(ret_said->reason);
	return true;
}

bool
setup_link_wait(struct setup *s)
{
	struct deadline deadline = deadline_in_ms(WAIT_MS);
	cleanup_(freep) char *last = xstrdup("the daemon does not answer "
					     "(journalctl -u kanidm-unixd)");
	unsigned times = 0;

	while (deadline_left_ms(deadline) > 0 && times < ENOUGH) {
		cleanup_(said_clear) struct said said = { 0 };

		if (ask(s, &said)) {
			bool ours = streq(said.uri, s->uri);

			if (ours && said.online) {
				(void)fprintf(s->t->out, "done: %s is online\n", s->uri);
				return true;
			}
			times = ours && streq(said.reason, last) ? times + 1 : 0;
			free(last);
			last = ours ? TAKE_PTR(said.reason)
				    : xasprintf("the daemon still has %s",
					  *said.uri != '\0' ? said.uri : "no server");
		}
		(void)poll(NULL, 0, PAUSE_MS);
	}
	(void)fprintf(s->t->err, "setup: %s: %s\n", s->uri, last);
	return false;
}

void
setup_link_tasks(struct setup *s)
{
	struct deadline deadline = deadline_in_ms(TASKS_MS);
	bool there = false;

	while (!there && deadline_left_ms(deadline) > 0) {
		cleanup_(said_clear) struct said said = { 0 };

		there = ask(s, &said) && said.tasks;
		if (!there)
			(void)poll(NULL, 0, PAUSE_MS);
	}
}

/* Status of a lookup by name, or -errno. */
static int
look_up(const struct setup *s, uint16_t op, const char *name, struct tool_answer *a)
{
	uint8_t req[KU_MAX_NAME_REQ];
	size_t len = tool_pack_name(req, sizeof(req), name);
	int rc;

	if (len == 0)
		return KU_ST_NOTFOUND;
	rc = tool_ask(s->t, op, req, len, LOOKUP_MS, a);
	return rc < 0 ? rc : a->status;
}

static bool
judge_member(const struct setup *s, const char *group, const char *said, uint32_t n)
{
	cleanup_(tool_answer_clear) struct tool_answer a = { 0 };
	cleanup_(freep) char *member = xstrdup(said);
	struct dec d;
	uint32_t uid;

	screen_clean(member);
	if (look_up(s, KU_OP_PASSWD_BY_NAME, member, &a) != KU_ST_OK) {
		(void)fprintf(s->t->err,
		    "setup: %s is a member of %s and cannot be looked up: kanidm-unix "
		    "explain %s\n",
		    member, group, member);
		return false;
	}
	dec_init(&d, a.body, a.len);
	uid = dec_u32(&d);
	(void)fprintf(s->t->out, "done: %s has %u member%s, and %s has the uid %u\n",
	    group, (unsigned)n, n == 1 ? "" : "s", member, (unsigned)uid);
	return true;
}

/* Lookups are by name; who may log in, by either. */
static bool
is_uuid(const char *name)
{
	return strlen(name) == 36 && strspn(name, "0123456789abcdefABCDEF-") == 36;
}

static bool
judge_group(const struct setup *s, const char *group)
{
	cleanup_(tool_answer_clear) struct tool_answer a = { 0 };
	const char *member;
	struct dec d;
	uint32_t n;
	int rc = look_up(s, KU_OP_GROUP_BY_NAME, group, &a);

	if (rc == KU_ST_NOTFOUND && is_uuid(group)) {
		(void)fprintf(s->t->out, "not looked up by its UUID: %s\n", group);
		return true;
	}
	if (rc == KU_ST_NOTFOUND) {
		(void)fprintf(s->t->err,
		    "setup: the server has no POSIX group %s, so it lets nobody in (kanidm "
		    "group posix set %s)\n",
		    group, group);
		return false;
	}
	if (rc != KU_ST_OK) {
		(void)fprintf(s->t->err, "setup: %s: cannot be looked up now\n", group);
		return false;
	}
	dec_init(&d, a.body, a.len);
	(void)dec_u32(&d); /* gid */
	n = dec_u32(&d);
	(void)dec_u32(&d); /* bytes */
	(void)dec_strz(&d);
	(void)dec_strz(&d);
	member = n > 0 ? dec_strz(&d) : NULL;
	if (member == NULL || d.failed) {
		(void)fprintf(s->t->out, "%s has no members yet, so nobody can log in\n",
		    group);
		return true;
	}
	return judge_member(s, group, member, n);
}

bool
setup_link_groups(struct setup *s)
{
	bool good = true;

	for (char **v = s->groups; *v != NULL; v++)
		good &= judge_group(s, *v);
	return good;
}
