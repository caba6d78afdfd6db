/* SPDX-License-Identifier: MPL-2.0 */
/* publish.h without a file: remembers what readers would find. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fakes.h"
#include "src/prog/xalloc.h"
#include "src/unixd/publish/publish.h"

#define MAX 8192

struct publish {
	struct published *v[MAX];
	size_t n;
	size_t negatives;
	uint32_t floor;
	bool committed;
	bool put_off;
	char domain[300];
	char except[1024];
};

struct publish *
fake_publish_new(void)
{
	return xcalloc(1, sizeof(struct publish));
}

void
fake_publish_free(struct publish *p)
{
	while (p->n > 0)
		free(p->v[--p->n]);
	free(p);
}

const struct published *
fake_publish_find(const struct publish *p, bool is_group, const char *key)
{
	size_t i;

	for (i = 0; i < p->n; i++) {
		if (p->v[i]->is_group == is_group && !p->v[i]->gone &&
		    strcmp(p->v[i]->key, key) == 0)
			return p->v[i];
	}
	return NULL;
}

static struct published *
by_id(struct publish *p, bool is_group, uint32_t id)
{
	size_t i;

	for (i = 0; i < p->n; i++) {
		if (p->v[i]->is_group == is_group && p->v[i]->id == id)
			return p->v[i];
	}
	return NULL;
}

static struct published *
put(struct publish *p, bool is_group, uint32_t id, const char *name, const char *key,
    uint32_t fresh_until)
{
	struct published *rec = by_id(p, is_group, id);

	if (rec == NULL && p->n < MAX)
		rec = p->v[p->n++] = xcalloc(1, sizeof(*rec));
	if (rec == NULL)
		abort();
	rec->is_group = is_group;
	rec->id = id;
	rec->gone = false;
	rec->writes++;
	rec->fresh_until = fresh_until;
	rec->list[0] = '\0';
	snprintf(rec->name, sizeof(rec->name), "%s", name);
	snprintf(rec->key, sizeof(rec->key), "%s", key);
	return rec;
}

void
publish_user(struct publish *p, const struct passwd_view *v, const char *const *keys,
    size_t n_keys, uint32_t fresh_until)
{
	struct published *rec = put(p, false, v->uid, v->name, keys[0], fresh_until);
	size_t i, len = 0;

	(void)n_keys;
	rec->overrides = v->overrides;
	for (i = 0; i < v->n_gids && len < sizeof(rec->list) - 16; i++)
		len += (size_t)snprintf(rec->list + len, sizeof(rec->list) - len,
		    "%s%" PRIu32, i > 0 ? "," : "", v->gids[i]);
}

void
publish_group(struct publish *p, const struct group_view *v, const char *const *keys,
    size_t n_keys, uint32_t fresh_until)
{
	struct published *rec = put(p, true, v->gid, v->name, keys[0], fresh_until);
	size_t i, len = 0;

	(void)n_keys;
	for (i = 0; i < v->n_members && len < sizeof(rec->list) - 100; i++)
		len += (size_t)snprintf(rec->list + len, sizeof(rec->list) - len, "%s%s",
		    i > 0 ? "," : "", v->members[i]);
}

void
publish_touch(struct publish *p, enum publish_kind kind, uint32_t id,
    uint32_t fresh_until)
{
	struct published *rec = by_id(p, kind == PUBLISH_GROUP, id);

	if (rec != NULL)
		rec->fresh_until = fresh_until;
}

void
publish_all_stale(struct publish *p)
{
	for (size_t i = 0; i < p->n; i++)
		p->v[i]->fresh_until = 0;
}

void
publish_remove(struct publish *p, enum publish_kind kind, uint32_t id)
{
	struct published *rec = by_id(p, kind == PUBLISH_GROUP, id);

	if (rec != NULL)
		rec->gone = true;
}

void
publish_clear(struct publish *p)
{
	while (p->n > 0)
		free(p->v[--p->n]);
	p->negatives = 0;
}

void
publish_negative(struct publish *p, enum publish_kind kind, const char *name, uint32_t id,
    uint32_t until)
{
	(void)kind;
	(void)name;
	(void)id;
	(void)until;
	p->negatives++;
}

void
publish_negatives_clear(struct publish *p)
{
	p->negatives = 0;
}

void
publish_local(struct publish *p, const struct local *l, const char *const *except)
{
	(void)l;
	p->except[0] = '\0';
	for (; *except != NULL; except++) {
		size_t len = strlen(p->except);

		snprintf(p->except + len, sizeof(p->except) - len, "%s ", *except);
	}
}

void
publish_lease(struct publish *p, uint32_t now, uint32_t floor)
{
	(void)now;
	p->floor = floor;
}

void
publish_reconfigure(struct publish *p, const struct publish_settings *s)
{
	snprintf(p->domain, sizeof(p->domain), "%s", s->own_domain);
}

int
publish_commit(struct publish *p)
{
	p->committed = true;
	return 0;
}

void
publish_put_off(struct publish *p)
{
	p->put_off = true;
}

void
publish_begin(struct publish *p)
{
	p->committed = true;
}

const char *
publish_trouble(const struct publish *p)
{
	(void)p;
	return NULL;
}

void
publish_stats(const struct publish *p, struct publish_stats *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->users = p->n;
}

size_t
fake_publish_negatives(const struct publish *p)
{
	return p->negatives;
}

uint32_t
fake_publish_floor(const struct publish *p)
{
	return p->floor;
}

bool
fake_publish_is_put_off(const struct publish *p)
{
	return p->put_off && !p->committed;
}

bool
fake_publish_committed(const struct publish *p)
{
	return p->committed;
}

const char *
fake_publish_domain(const struct publish *p)
{
	return p->domain;
}

const char *
fake_publish_except(const struct publish *p)
{
	return p->except;
}
