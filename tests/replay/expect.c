/* SPDX-License-Identifier: MPL-2.0 */
/* expect ...: what must be true now, beside the answers. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "script.h"
#include "src/base/util.h"

struct hunt {
	const char *key; /* NULL: any */
	const char *text;
	bool found;
	char all[16384];
	size_t len;
};

static void
look_at(struct hunt *h, const char *key, const char *value)
{
	if ((h->key == NULL || streq(h->key, key)) && strstr(value, h->text) != NULL)
		h->found = true;
	if (h->len < sizeof(h->all))
		h->len += (size_t)snprintf(h->all + h->len, sizeof(h->all) - h->len,
		    "\n\t%s: %s", key, value);
}

static void
on_pair(void *arg, const char *key, const char *value)
{
	look_at(arg, key, value);
}

static void
on_line(void *arg, const char *line)
{
	look_at(arg, "", line);
}

static void
join(const struct words *w, size_t from, char *out, size_t cap)
{
	size_t len = 0;

	out[0] = '\0';
	for (; from < w->n && len < cap; from++)
		len += (size_t)snprintf(out + len, cap - len, "%s%s", len > 0 ? " " : "",
		    w->v[from]);
}

static void
expect_status(struct stage *s, const struct words *w, bool wanted)
{
	struct hunt h = { .key = w->v[2] };
	char text[512];

	join(w, 3, text, sizeof(text));
	h.text = text;
	resolver_status(s->r, on_pair, &h);
	if (h.found != wanted)
		script_fail("status %s: %s \"%s\" in:%s", w->v[2],
		    wanted ? "no" : "there is", text, h.all);
}

static void
expect_explain(struct stage *s, const struct words *w, bool wanted)
{
	struct hunt h = { 0 };
	struct name name;
	char text[512];

	join(w, 3, text, sizeof(text));
	h.text = text;
	if (name_parse(w->v[2], strlen(w->v[2]), &name) != 0)
		abort();
	resolver_explain(s->r, &name, on_line, &h);
	if (h.found != wanted)
		script_fail("explain %s: %s \"%s\" in:%s", w->v[2],
		    wanted ? "no" : "there is", text, h.all);
}

static void
expect_line(struct stage *s, const struct words *w)
{
	char text[512], line[512];

	join(w, 2, text, sizeof(text));
	resolver_status_line(s->r, line, sizeof(line));
	if (strstr(line, text) == NULL)
		script_fail("status line: wanted \"%s\", got \"%s\"", text, line);
}

static void
expect_number(const char *what, size_t got, const char *want)
{
	bool ok = want[0] == '<' ? got < (size_t)atoll(want + 1)
	    : want[0] == '>'     ? got > (size_t)atoll(want + 1)
				 : got == (size_t)atoll(want);

	if (!ok)
		script_fail("%s: wanted %s, got %zu", what, want, got);
}

/* published user|group KEY [fresh|stale] [overrides] [list=...] [name=...] [id=...] [writes=...] */
static void
expect_published(struct stage *s, const struct words *w, bool wanted)
{
	const struct published *p = fake_publish_find(s->publish, streq(w->v[2], "group"),
	    w->v[3]);
	int64_t now = s->ts.now.boot_ns / CLOCK_S;
	bool overrides = false;
	const char *v;
	size_t i;

	if ((p != NULL) != wanted) {
		script_fail("%s is %s the map", w->v[3], wanted ? "not in" : "in");
		return;
	}
	for (i = 4; wanted && i < w->n; i++) {
		if (streq(w->v[i], "fresh") && p->fresh_until <= now)
			script_fail("%s is not fresh", w->v[3]);
		if (streq(w->v[i], "stale") && p->fresh_until > now)
			script_fail("%s is fresh for %" PRIi64 " s", w->v[3],
			    p->fresh_until - now);
		overrides = overrides || streq(w->v[i], "overrides");
	}
	if (wanted && p->overrides != overrides)
		script_fail("%s %s marked as overriding", w->v[3],
		    p->overrides ? "is" : "is not");
	if (wanted && (v = words_value(w, "list")) != NULL && !streq(v, p->list))
		script_fail("%s: wanted list %s, got %s", w->v[3], v, p->list);
	if (wanted && (v = words_value(w, "name")) != NULL && !streq(v, p->name))
		script_fail("%s: wanted name %s, got %s", w->v[3], v, p->name);
	if (wanted && (v = words_value(w, "writes")) != NULL)
		expect_number(w->v[3], p->writes, v);
	if (wanted && (v = words_value(w, "id")) != NULL && strtoul(v, NULL, 10) != p->id)
		script_fail("%s: wanted id %s, got %" PRIu32, w->v[3], v, p->id);
}

static void
expect_stored(struct stage *s, const struct words *w, bool wanted)
{
	if (fake_store_has(s->store, streq(w->v[2], "group"), w->v[3]) != wanted)
		script_fail("%s is %s the store", w->v[3], wanted ? "not in" : "in");
}

static void
expect_fetches(const struct words *w)
{
	struct entity *e = world_find(false, w->v[2]);

	if (e == NULL || streq(w->v[1], "group-fetches"))
		e = world_find(true, w->v[2]);
	if (e == NULL)
		script_fail("nobody is called %s", w->v[2]);
	else
		expect_number("fetches", e->fetches, w->v[3]);
}

/* `words`: each followed by a blank. */
static bool
has_word(const char *words, const char *word)
{
	size_t len = strlen(word);

	for (; *words != '\0'; words = strchr(words, ' ') + 1) {
		if (strncmp(words, word, len) == 0 && words[len] == ' ')
			return true;
	}
	return false;
}

/* A number, then the words of a line. */
static void
expect_journal(const struct words *w)
{
	char text[512];

	join(w, 3, text, sizeof(text));
	expect_number("lines of the journal", script_journal_count(text), w->v[2]);
}

static void
expect_floor(struct stage *s, const struct words *w)
{
	bool ahead = fake_publish_floor(s->publish) >
	    (uint32_t)(s->ts.now.boot_ns / CLOCK_S);

	if (ahead != streq(w->v[2], "ahead"))
		script_fail("floor is %s", ahead ? "ahead" : "not ahead");
}

bool
script_expect(struct stage *s, const struct words *w)
{
	const char *what = w->n > 1 ? w->v[1] : "";
	bool no = streq(w->v[0], "refuse"); /* expect not */

	if ((!no && !streq(w->v[0], "expect")) || w->n < 3)
		return false;
	if (streq(what, "status") && w->n > 3)
		expect_status(s, w, !no);
	else if (streq(what, "explain") && w->n > 3)
		expect_explain(s, w, !no);
	else if (streq(what, "line"))
		expect_line(s, w);
	else if (streq(what, "journal") && w->n > 3)
		expect_journal(w);
	else if (streq(what, "published") && w->n > 3)
		expect_published(s, w, !no);
	else if (streq(what, "stored") && w->n > 3)
		expect_stored(s, w, !no);
	else if ((streq(what, "fetches") || streq(what, "group-fetches")) && w->n > 3)
		expect_fetches(w);
	else if (streq(what, "requests"))
		expect_number(what, world.requests, w->v[2]);
	else if (streq(what, "probes"))
		expect_number(what, world.probes, w->v[2]);
	else if (streq(what, "parallel"))
		expect_number(what, world.max_running, w->v[2]);
	else if (streq(what, "running"))
		expect_number(what, world.running, w->v[2]);
	else if (streq(what, "told"))
		expect_number(what, s->told, w->v[2]);
	else if (streq(what, "accepts-stored"))
		expect_number(what, s->accepted[1], w->v[2]);
	else if (streq(what, "accepts-unstored"))
		expect_number(what, s->accepted[0], w->v[2]);
	else if (streq(what, "writes"))
		expect_number(what, fake_store_writes(s->store), w->v[2]);
	else if (streq(what, "negatives"))
		expect_number(what, fake_publish_negatives(s->publish), w->v[2]);
	else if (streq(what, "floor"))
		expect_floor(s, w);
	else if (streq(what, "map-domain")) {
		if (!streq(fake_publish_domain(s->publish), w->v[2]))
			script_fail("map's domain is %s",
			    fake_publish_domain(s->publish));
	} else if (streq(what, "map") && streq(w->v[2], "put-off")) {
		if (fake_publish_is_put_off(s->publish) == no)
			script_fail("the map is %s", no ? "put off" : "not put off");
	} else if (streq(what, "map")) {
		if (fake_publish_committed(s->publish) == no)
			script_fail("the map is %s", no ? "written" : "not written");
	} else if (streq(what, "map-except")) {
		if (!has_word(fake_publish_except(s->publish), w->v[2]))
			script_fail("map's exceptions: %s",
			    fake_publish_except(s->publish));
	} else
		return false;
	return true;
}
