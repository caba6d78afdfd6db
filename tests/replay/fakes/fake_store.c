/* SPDX-License-Identifier: MPL-2.0 */
/* store.h in memory. It outlives the resolver, so a test can restart on it; ids are loaded
 * last, which the port permits. */
#include <stdlib.h>
#include <string.h>

#include "fakes.h"
#include "src/prog/xalloc.h"
#include "src/unixd/model/model.h"
#include "src/unixd/store/store.h"

#define MAX 4096

struct store {
	struct {
		struct user *u;
		int64_t wall_s;
	} users[MAX];
	struct {
		struct groupid *g;
		struct members *m;
		int64_t wall_s;
	} groups[MAX];
	struct {
		struct uuid uuid;
		uint32_t id, pending;
	} ids[MAX];
	size_t n_users, n_groups, n_ids;
	unsigned writes;
	const char *trouble;
};

struct store *
fake_store_new(void)
{
	return xcalloc(1, sizeof(struct store));
}

void
fake_store_free(struct store *s)
{
	store_clear(s);
	free(s);
}

bool
fake_store_has(const struct store *s, bool is_group, const char *name)
{
	size_t i;

	for (i = 0; !is_group && i < s->n_users; i++) {
		if (strcmp(s->users[i].u->name, name) == 0)
			return true;
	}
	for (i = 0; is_group && i < s->n_groups; i++) {
		if (strcmp(s->groups[i].g->name, name) == 0)
			return true;
	}
	return false;
}

unsigned
fake_store_writes(const struct store *s)
{
	return s->writes;
}

void
fake_store_set_trouble(struct store *s, const char *text)
{
	s->trouble = text;
}

int
store_load(struct store *s, const struct store_sink *sink)
{
	size_t i;

	for (i = 0; i < s->n_users; i++)
		sink->user(sink->arg, user_ref(s->users[i].u), s->users[i].wall_s);
	for (i = 0; i < s->n_groups; i++)
		sink->group(sink->arg, groupid_ref(s->groups[i].g),
		    s->groups[i].m != NULL ? members_ref(s->groups[i].m) : NULL,
		    s->groups[i].wall_s);
	for (i = 0; i < s->n_ids; i++)
		sink->id(sink->arg, &s->ids[i].uuid, s->ids[i].id, s->ids[i].pending);
	return 0;
}

void
store_del_user(struct store *s, const struct uuid *uuid)
{
	size_t i;

	for (i = 0; i < s->n_users; i++) {
		if (!uuid_equal(&s->users[i].u->uuid, uuid))
			continue;
		user_unref(s->users[i].u);
		s->users[i] = s->users[--s->n_users];
		return;
	}
}

void
store_del_group(struct store *s, const struct uuid *uuid)
{
	size_t i;

	for (i = 0; i < s->n_groups; i++) {
		if (!uuid_equal(&s->groups[i].g->uuid, uuid))
			continue;
		groupid_unref(s->groups[i].g);
		members_unref(s->groups[i].m);
		s->groups[i] = s->groups[--s->n_groups];
		return;
	}
}

/* Through the blobs, as the real one. */
void
store_put_user(struct store *s, const struct user *u, int64_t wall_s)
{
	struct user *copy;
	size_t len;
	void *blob = user_pack(u, &len);

	if (user_unpack(blob, len, &copy) != 0)
		abort();
	free(blob);
	store_del_user(s, &u->uuid);
	s->users[s->n_users].u = copy;
	s->users[s->n_users++].wall_s = wall_s;
	s->writes++;
}

void
store_put_group(struct store *s, const struct groupid *g, const struct members *m,
    int64_t wall_s)
{
	struct groupid *copy_g;
	struct members *copy_m;
	size_t len;
	void *blob = group_pack(g, m, &len);

	if (group_unpack(blob, len, &copy_g, &copy_m) != 0)
		abort();
	free(blob);
	store_del_group(s, &g->uuid);
	s->groups[s->n_groups].g = copy_g;
	s->groups[s->n_groups].m = copy_m;
	s->groups[s->n_groups++].wall_s = wall_s;
	s->writes++;
}

void
store_put_id(struct store *s, const struct uuid *uuid, uint32_t id, uint32_t pending)
{
	size_t i;

	for (i = 0; i < s->n_ids; i++) {
		if (uuid_equal(&s->ids[i].uuid, uuid))
			break;
	}
	s->ids[i].uuid = *uuid;
	s->ids[i].id = id;
	s->ids[i].pending = pending;
	if (i == s->n_ids)
		s->n_ids++;
}

void
store_clear(struct store *s)
{
	while (s->n_users > 0)
		user_unref(s->users[--s->n_users].u);
	while (s->n_groups > 0) {
		s->n_groups--;
		groupid_unref(s->groups[s->n_groups].g);
		members_unref(s->groups[s->n_groups].m);
	}
}

const char *
store_trouble(const struct store *s)
{
	return s->trouble;
}
