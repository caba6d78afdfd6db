/* SPDX-License-Identifier: MPL-2.0 */
/* Words that say what there is, and words that make something happen. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "script.h"
#include "src/base/le.h"
#include "src/base/util.h"
#include "src/unixd/model/model.h"
#include "src/unixd/store/store.h"

/* A value with '_' for blanks and %3a %0a for what would break a line. */
static void
text_value(char *out, size_t cap, const char *value)
{
	size_t n = 0;

	for (; *value != '\0' && n + 1 < cap; value++) {
		unsigned code;

		if (*value == '%' && sscanf(value + 1, "%2x", &code) == 1) {
			out[n++] = (char)code;
			value += 2;
		} else {
			out[n++] = *value == '_' ? ' ' : *value;
		}
	}
	out[n] = '\0';
}

static void
set_groups(struct entity *e, const char *list)
{
	char copy[1024], *save = NULL, *word;

	e->n_groups = 0;
	snprintf(copy, sizeof(copy), "%s", list);
	for (word = strtok_r(copy, ",", &save);
	     word != NULL && e->n_groups < WORLD_GROUPS;
	     word = strtok_r(NULL, ",", &save))
		snprintf(e->groups[e->n_groups++], sizeof(e->groups[0]), "%s", word);
}

static void
set_entity(struct entity *e, const struct words *w)
{
	const char *v;

	if ((v = words_value(w, "uid")) != NULL || (v = words_value(w, "gid")) != NULL)
		e->id = (uint32_t)strtoul(v, NULL, 10);
	if ((v = words_value(w, "domain")) != NULL)
		snprintf(e->domain, sizeof(e->domain), "%s", v);
	if ((v = words_value(w, "gecos")) != NULL)
		text_value(e->display, sizeof(e->display), v);
	if ((v = words_value(w, "shell")) != NULL)
		snprintf(e->shell, sizeof(e->shell), "%s", v);
	if ((v = words_value(w, "groups")) != NULL)
		set_groups(e, v);
	if ((v = words_value(w, "keys")) != NULL)
		e->n_keys = (unsigned)atoi(v);
	if ((v = words_value(w, "valid")) != NULL)
		e->invalid = streq(v, "no");
	if ((v = words_value(w, "broken")) != NULL)
		e->broken = streq(v, "yes");
	if ((v = words_value(w, "ghost")) != NULL)
		e->ghost = streq(v, "yes");
}

static void
many_users(const struct words *w)
{
	unsigned i, n = (unsigned)atoi(w->v[1]);
	char name[65];

	for (i = 0; i < n; i++) {
		struct entity *e;

		snprintf(name, sizeof(name), "u%u", i);
		e = world_add(false, name);
		e->id = 5000 + i;
		set_entity(e, w);
	}
}

static void
put_in_store(struct stage *s, bool is_group, const char *name, const char *age)
{
	struct entity *e = world_find(is_group, name);
	int64_t wall = s->ts.now.wall_ns / CLOCK_S;

	if (e == NULL) {
		script_fail("nobody is called %s", name);
		return;
	}
	if (age != NULL)
		wall -= atoll(age);
	if (is_group) {
		struct groupid *g = world_groupid(e);
		struct members *m = world_members(e);

		store_put_group(s->store, g, m, wall);
		groupid_unref(g);
		members_unref(m);
	} else {
		struct user *u = world_user(e);

		store_put_user(s->store, u, wall);
		store_put_id(s->store, &u->uuid, u->id, u->id);
		user_unref(u);
	}
}

/* cached users N [age=S]: u0 to u(N-1), each a second older than the one before. */
static void
put_many_in_store(struct stage *s, const struct words *w)
{
	const char *v = words_value(w, "age");
	int age = v != NULL ? atoi(v) : 0, i;
	char name[16], text[16];

	for (i = 0; i < atoi(w->v[2]); i++) {
		snprintf(name, sizeof(name), "u%d", i);
		snprintf(text, sizeof(text), "%d", age + i);
		put_in_store(s, false, name, text);
	}
}

/* stored-wall S: the latest wall time ever seen is that much ahead of the clock. */
static void
stored_wall(struct stage *s, const char *ahead)
{
	uint64_t at = (uint64_t)(s->ts.now.wall_ns / CLOCK_S + atoll(ahead));
	uint8_t blob[8];

	le32_put(blob, (uint32_t)at);
	le32_put(blob + 4, (uint32_t)(at >> 32));
	store_put_value(s->store, STORE_VALUE_WALL, blob, sizeof(blob), NULL, NULL);
}

/* local user NAME UID | local group NAME GID [MEMBERS] | local none user|group */
static bool
local_line(struct stage *s, const struct words *w)
{
	bool group = streq(w->v[1], "group");
	char line[512];

	if (streq(w->v[1], "none")) {
		stage_clear_file(s, streq(w->v[2], "group") ? STAGE_GROUP : STAGE_PASSWD);
		return true;
	}
	if (group)
		snprintf(line, sizeof(line), "%s:x:%s:%s", w->v[2], w->v[3],
		    w->n > 4 ? w->v[4] : "");
	else
		snprintf(line, sizeof(line), "%s:x:%s:%s::/:/bin/sh", w->v[2], w->v[3],
		    w->v[3]);
	stage_line(s, group ? STAGE_GROUP : STAGE_PASSWD, line);
	return true;
}

bool
script_setup(struct stage *s, const struct words *w)
{
	const char *first = w->v[0];
	bool is_group = streq(first, "group");
	struct entity *e;
	char line[256];

	if ((is_group || streq(first, "user")) && w->n > 1) {
		e = world_find(is_group, w->v[1]);
		if (e == NULL)
			e = world_add(is_group, w->v[1]);
		set_entity(e, w);
	} else if (streq(first, "users") && w->n > 1) {
		many_users(w);
	} else if (streq(first, "config") && w->n > 1) {
		char *eq = strchr(w->v[1], '=');

		if (eq == NULL)
			return false;
		*eq = '\0';
		if (!stage_config(s, w->v[1], eq + 1))
			script_fail("no such setting: %s", w->v[1]);
		stage_reconfigure(s);
	} else if (streq(first, "cached") && w->n > 2 && streq(w->v[1], "users")) {
		put_many_in_store(s, w);
	} else if (streq(first, "cached") && w->n > 2) {
		put_in_store(s, streq(w->v[1], "group"), w->v[2], words_value(w, "age"));
	} else if (streq(first, "stored-wall") && w->n > 1) {
		stored_wall(s, w->v[1]);
	} else if (streq(first, "local") && w->n > 2) {
		return local_line(s, w);
	} else if (streq(first, "shells") && w->n > 1) {
		stage_line(s, STAGE_SHELLS, w->v[1]);
	} else if (streq(first, "idmap") && w->n > 4) {
		snprintf(line, sizeof(line), "%s %s %s", w->v[2], w->v[3], w->v[4]);
		stage_line(s, streq(w->v[1], "gid") ? STAGE_GID_MAP : STAGE_UID_MAP,
		    line);
	} else {
		return false;
	}
	return true;
}

/* ---- events ---- */

static bool
server_event(const struct words *w)
{
	static const struct {
		const char *word;
		enum mood mood;
	} moods[] = { { "ok", MOOD_OK }, { "hangs", MOOD_HANGS },
		{ "dns-hangs", MOOD_DNS_HANGS }, { "down", MOOD_DOWN },
		{ "tls", MOOD_TLS }, { "refuses", MOOD_REFUSES },
		{ "no-rights", MOOD_NO_RIGHTS }, { "error", MOOD_ERROR },
		{ "unavailable", MOOD_UNAVAILABLE }, { "blind", MOOD_BLIND } };
	const char *v;
	size_t i;

	if ((v = words_value(w, "latency")) != NULL)
		world.latency_ns = atoll(v) * CLOCK_MS;
	if ((v = words_value(w, "domain")) != NULL)
		snprintf(world.domain, sizeof(world.domain), "%s", v);
	if (words_value(w, "rights_by_sample") != NULL)
		world.rights_by_sample = true;
	if ((v = words_value(w, "cert")) != NULL)
		sscanf(v, "%" SCNd64 "-%" SCNd64, &world.cert_not_before,
		    &world.cert_not_after);
	if ((v = words_value(w, "clock")) != NULL)
		world.ahead_s = -atoll(v);
	for (i = 0; i < ARRAY_SIZE(moods); i++) {
		if (streq(moods[i].word, w->v[1]))
			world.mood = moods[i].mood;
	}
	return true;
}

static void
on_stored(void *arg, bool stored)
{
	struct stage *s = arg;

	s->accepted[stored]++;
}

static void
accept_event(struct stage *s, const struct words *w)
{
	uint32_t before = 0, now = 0;
	struct name name;
	char said[64];
	int rc;

	if (name_parse(w->v[1], strlen(w->v[1]), &name) != 0)
		abort();
	rc = resolver_accept_id(s->r, &name, &before, &now);
	if (rc == 0)
		(void)resolver_stored(s->r, 2000, on_stored, s);
	if (rc == 0)
		snprintf(said, sizeof(said), "%" PRIu32 "-%" PRIu32, before, now);
	else
		snprintf(said, sizeof(said), "%s",
		    rc == -ENOENT         ? "unknown"
			: rc == -EALREADY ? "nothing"
			: rc == -EIO      ? "unstored"
					  : "?");
	if (w->n > 3 && !streq(said, w->v[3]))
		script_fail("accept: wanted %s, got %s", w->v[3], said);
}

/* login accepted NAME: the server let her in, with her record as it is there now.
 * login late|unreachable|refused|error|denied NAME: what became of its request. */
static bool
login_event(struct stage *s, const struct words *w)
{
	struct idp_result res = { .class = IDP_FOUND };
	const struct entity *e = world_find(false, w->v[2]);

	if (e == NULL)
		return false;
	if (streq(w->v[1], "late")) {
		resolver_login_was_late(s->r);
		return true;
	}
	if (streq(w->v[1], "unreachable")) {
		res.class = IDP_UNREACHABLE;
		res.reason = IDP_CONN_REFUSED;
	} else if (streq(w->v[1], "refused")) {
		res.class = IDP_REFUSED;
		res.reason = IDP_TOKEN_REFUSED;
	} else if (streq(w->v[1], "error")) {
		res.class = IDP_ERROR;
		res.reason = IDP_SERVER_ERROR;
	} else if (!streq(w->v[1], "accepted") && !streq(w->v[1], "denied")) {
		return false;
	}
	resolver_heard_login(s->r, &res);
	if (streq(w->v[1], "accepted"))
		resolver_learn_login(s->r, world_user(e));
	return true;
}

static bool
entity_event(const struct words *w)
{
	struct entity *e;
	bool group;

	if (w->n < 3)
		return false;
	group = streq(w->v[1], "group");
	e = world_find(group, w->v[2]);
	if (e == NULL)
		return false;
	if (streq(w->v[0], "delete")) {
		e->deleted = true;
	} else if (streq(w->v[0], "recreate")) {
		struct entity *fresh = world_add(group, e->name);

		e->deleted = true;
		fresh->id = e->id;
		memcpy(fresh->groups, e->groups, sizeof(e->groups));
		fresh->n_groups = e->n_groups;
		set_entity(fresh, w);
	} else if (streq(w->v[0], "rename") && w->n > 3) {
		snprintf(e->name, sizeof(e->name), "%s", w->v[3]);
	} else {
		return false;
	}
	return true;
}

bool
script_event(struct stage *s, const struct words *w)
{
	const char *first = w->v[0];

	if (streq(first, "server") && w->n > 1)
		return server_event(w);
	if (entity_event(w))
		return true;
	if (streq(first, "start")) {
		stage_start(s);
	} else if (streq(first, "stop")) {
		stage_stop(s);
	} else if (streq(first, "restart")) {
		stage_stop(s);
		stage_start(s);
	} else if (streq(first, "invalidate")) {
		resolver_invalidate(s->r);
	} else if (streq(first, "clear")) {
		resolver_clear(s->r);
	} else if (streq(first, "network")) {
		resolver_network_changed(s->r);
	} else if (streq(first, "accept") && w->n > 1) {
		accept_event(s, w);
	} else if (streq(first, "login") && w->n > 2) {
		return login_event(s, w);
	} else if (streq(first, "wall") && w->n > 1) {
		s->ts.now.wall_ns += atoll(w->v[1]) * CLOCK_S;
	} else if (streq(first, "suspend") && w->n > 1) {
		s->ts.now.boot_ns += atoll(w->v[1]) * CLOCK_S;
		s->ts.now.wall_ns += atoll(w->v[1]) * CLOCK_S;
	} else if (streq(first, "store-memory") && w->n > 1) {
		fake_store_set_memory(s->store, streq(w->v[1], "yes"));
	} else if (streq(first, "store-trouble") && w->n > 1) {
		fake_store_set_trouble(s->store,
		    streq(w->v[1], "no") ? NULL : "disk full");
	} else {
		return false;
	}
	return true;
}
