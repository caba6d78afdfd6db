/* SPDX-License-Identifier: MPL-2.0 */
/* store.h in memory. It outlives the resolver, so a test can restart on it; ids are loaded
 * last, which the port permits. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fakes.h"
#include "src/prog/xalloc.h"
#include "src/unixd/core/list.h"
#include "src/unixd/model/model.h"
#include "src/unixd/store/store.h"

#define MAX 4096

/* A row of credentials (key "") or values. */
struct secret_row {
	struct uuid uuid;
	char key[STORE_MAX_KEY + 1];
	size_t len;
	uint8_t blob[STORE_MAX_VALUE];
};

/* One on its way to the disk. */
struct pending {
	struct list link;
	struct timer timer;
	struct store *store;
	struct secret_row row;
	bool overtaken; /* by a deletion */
	store_done_fn done;
	void (*flushed)(void *arg); /* of a flush, which has no row */
	void *arg;
};

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
	bool in_memory;
	struct timers *ts;
	int64_t latency_ns;
	bool fails;
	struct secret_row *secrets[MAX];
	size_t n_secrets;
	struct list pending; /* oldest first */
};

struct store *
fake_store_new(struct timers *ts)
{
	struct store *s = xcalloc(1, sizeof(struct store));

	s->ts = ts;
	s->latency_ns = 10 * CLOCK_MS;
	list_init(&s->pending);
	return s;
}

void
fake_store_free(struct store *s)
{
	fake_store_stop(s, true);
	store_clear(s);
	while (s->n_secrets > 0)
		free(s->secrets[--s->n_secrets]);
	free(s);
}

void
fake_store_set_disk(struct store *s, int64_t latency_ns, bool fails)
{
	s->latency_ns = latency_ns;
	s->fails = fails;
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

void
fake_store_set_memory(struct store *s, bool in_memory)
{
	s->in_memory = in_memory;
}

int
store_load(struct store *s, const struct store_sink *sink)
{
	size_t i;

	for (i = 0; i < s->n_ids; i++)
		sink->id(sink->arg, &s->ids[i].uuid, s->ids[i].id, s->ids[i].pending);
	for (i = 0; i < s->n_groups; i++)
		sink->group(sink->arg, groupid_ref(s->groups[i].g),
		    s->groups[i].m != NULL ? members_ref(s->groups[i].m) : NULL,
		    s->groups[i].wall_s);
	for (i = 0; i < s->n_users; i++)
		sink->user(sink->arg, user_ref(s->users[i].u), s->users[i].wall_s);
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

static size_t
find_secret(const struct store *s, const struct uuid *uuid, const char *key)
{
	size_t i;

	for (i = 0; i < s->n_secrets; i++) {
		if (strcmp(s->secrets[i]->key, key) == 0 &&
		    uuid_equal(&s->secrets[i]->uuid, uuid))
			break;
	}
	return i;
}

static void
drop_secret(struct store *s, size_t i)
{
	free(s->secrets[i]);
	s->secrets[i] = s->secrets[--s->n_secrets];
}

static void
commit(struct store *s, const struct secret_row *row)
{
	size_t i = find_secret(s, &row->uuid, row->key);

	if (i == s->n_secrets) {
		if (i == MAX)
			abort();
		s->secrets[s->n_secrets++] = xmalloc(sizeof(*row));
	}
	*s->secrets[i] = *row;
}

static void
pending_due(struct timer *t)
{
	struct pending *p = container_of(t, struct pending, timer);
	int rc = p->store->fails || p->store->trouble != NULL ? -EIO : 0;

	/* Nobody would know, so it is tried again. */
	if (rc < 0 && p->done == NULL) {
		timers_set(p->store->ts, t, 250 * CLOCK_MS);
		return;
	}
	if (rc == 0 && !p->overtaken)
		commit(p->store, &p->row);
	list_remove(&p->link);
	if (p->done != NULL)
		p->done(p->arg, rc);
	if (p->flushed != NULL)
		p->flushed(p->arg);
	free(p);
}

void
store_flush(struct store *s, void (*done)(void *arg), void *arg)
{
	struct pending *p = xcalloc(1, sizeof(*p));

	p->store = s;
	p->overtaken = true;
	p->flushed = done;
	p->arg = arg;
	timer_init(&p->timer, pending_due);
	timers_set(s->ts, &p->timer, s->latency_ns);
	list_append(&s->pending, &p->link);
}

static void
put_secret(struct store *s, const struct uuid *uuid, const char *key, const void *blob,
    size_t len, store_done_fn done, void *arg)
{
	struct pending *p = xcalloc(1, sizeof(*p));

	p->store = s;
	p->row.uuid = *uuid;
	snprintf(p->row.key, sizeof(p->row.key), "%s", key);
	p->row.len = len;
	memcpy(p->row.blob, blob, len);
	p->done = done;
	p->arg = arg;
	timer_init(&p->timer, pending_due);
	timers_set(s->ts, &p->timer, s->latency_ns);
	list_append(&s->pending, &p->link);
}

void
store_put_cred(struct store *s, const struct uuid *uuid, const void *blob, size_t len,
    store_done_fn done, void *arg)
{
	if (len > STORE_MAX_CRED)
		abort();
	put_secret(s, uuid, "", blob, len, done, arg);
}

void
store_put_value(struct store *s, const char *key, const void *blob, size_t len,
    store_done_fn done, void *arg)
{
	if (len > STORE_MAX_VALUE || strlen(key) > STORE_MAX_KEY)
		abort();
	put_secret(s, &(struct uuid){ { 0 } }, key, blob, len, done, arg);
}

/* `uuid` NULL: of everybody. */
static void
overtake(struct store *s, const struct uuid *uuid)
{
	struct list *it;

	list_for_each(it, &s->pending) {
		struct pending *p = container_of(it, struct pending, link);

		if (p->row.key[0] == '\0' &&
		    (uuid == NULL || uuid_equal(&p->row.uuid, uuid)))
			p->overtaken = true;
	}
}

void
store_del_cred(struct store *s, const struct uuid *uuid)
{
	size_t i = find_secret(s, uuid, "");

	if (i < s->n_secrets)
		drop_secret(s, i);
	overtake(s, uuid);
}

void
store_del_all_creds(struct store *s)
{
	for (size_t i = s->n_secrets; i-- > 0;) {
		if (s->secrets[i]->key[0] == '\0')
			drop_secret(s, i);
	}
	overtake(s, NULL);
}

int
store_load_secrets(struct store *s, const struct store_secrets *sink)
{
	size_t i;

	for (i = 0; i < s->n_secrets; i++) {
		const struct secret_row *r = s->secrets[i];

		if (r->key[0] != '\0' && sink->value != NULL)
			sink->value(sink->arg, r->key, r->blob, r->len);
	}
	for (i = 0; i < s->n_secrets; i++) {
		const struct secret_row *r = s->secrets[i];

		if (r->key[0] == '\0' && sink->cred != NULL)
			sink->cred(sink->arg, &r->uuid, r->blob, r->len);
	}
	return 0;
}

void
fake_store_stop(struct store *s, bool lose)
{
	struct list *it, *tmp;

	list_for_each_safe(it, tmp, &s->pending) {
		struct pending *p = container_of(it, struct pending, link);

		timers_unset(s->ts, &p->timer);
		if (!lose && !s->fails && !p->overtaken)
			commit(s, &p->row);
		list_remove(&p->link);
		/* as a store that closes does: whoever asked may be gone */
		if (p->flushed != NULL)
			p->flushed(p->arg);
		free(p);
	}
}

static const void *
secret_bytes(const struct store *s, size_t i, size_t *ret_len)
{
	if (i == s->n_secrets)
		return NULL;
	*ret_len = s->secrets[i]->len;
	return s->secrets[i]->blob;
}

const void *
fake_store_cred(const struct store *s, const struct uuid *uuid, size_t *ret_len)
{
	return secret_bytes(s, find_secret(s, uuid, ""), ret_len);
}

const void *
fake_store_value(const struct store *s, const char *key, size_t *ret_len)
{
	return secret_bytes(s, find_secret(s, &(struct uuid){ { 0 } }, key), ret_len);
}

size_t
fake_store_n_creds(const struct store *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n_secrets; i++)
		n += s->secrets[i]->key[0] == '\0';
	return n;
}

void
store_hurry(struct store *s)
{
	(void)s;
}

void
store_clear(struct store *s)
{
	store_del_all_creds(s);
	while (s->n_users > 0)
		user_unref(s->users[--s->n_users].u);
	while (s->n_groups > 0) {
		s->n_groups--;
		groupid_unref(s->groups[s->n_groups].g);
		members_unref(s->groups[s->n_groups].m);
	}
}

bool
store_keeps(const struct store *s)
{
	return s->trouble == NULL && !s->in_memory;
}

const char *
store_trouble(const struct store *s)
{
	return s->trouble;
}
