/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The directory in memory. One idea: an entry is never freed while the server runs, only
 * marked dead and taken out of index and memberships, so that no request can be left with
 * a dangling pointer and delete-and-create-again needs no care elsewhere.
 */
#include "tests/devidm/data.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct index_node {
	struct index_node *next;
	struct entry *entry;
	char *key;
};

static size_t
hash_key(const char *s)
{
	uint64_t h = 1469598103934665603u;

	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * 1099511628211u;
	return (size_t)(h ^ h >> 29);
}

static void
index_grow(struct store *st)
{
	size_t count = st->bucket_count * 2;
	struct index_node **buckets = x_calloc(count, sizeof(struct index_node *));

	for (size_t i = 0; i < st->bucket_count; i++) {
		struct index_node *n = st->buckets[i];

		while (n) {
			struct index_node *next = n->next;
			size_t b = hash_key(n->key) % count;

			n->next = buckets[b];
			buckets[b] = n;
			n = next;
		}
	}
	free(st->buckets);
	st->buckets = buckets;
	st->bucket_count = count;
}

static struct index_node *
index_add(struct store *st, struct entry *e, const char *key)
{
	struct index_node *n = x_calloc(1, sizeof(*n));
	size_t b;

	if (st->node_count++ > st->bucket_count)
		index_grow(st);
	n->key = x_strdup(key);
	x_lower(n->key);
	n->entry = e;
	b = hash_key(n->key) % st->bucket_count;
	n->next = st->buckets[b];
	st->buckets[b] = n;
	return n;
}

static void
index_drop(struct store *st, struct index_node **slot)
{
	struct index_node *n = *slot, **p;

	if (!n)
		return;
	p = &st->buckets[hash_key(n->key) % st->bucket_count];
	while (*p != n)
		p = &(*p)->next;
	*p = n->next;
	free(n->key);
	free(n);
	st->node_count--;
	*slot = NULL;
}

static void
reindex(struct store *st, struct entry *e)
{
	char number[16];

	for (size_t i = 0; i < 4; i++)
		index_drop(st, &e->index[i]);
	if (e->dead)
		return;
	e->index[0] = index_add(st, e, e->uuid);
	e->index[1] = index_add(st, e, e->spn);
	if (!e->domain)
		e->index[2] = index_add(st, e, e->name);
	if (e->posix) {
		(void)snprintf(number, sizeof(number), "%u", e->gid);
		e->index[3] = index_add(st, e, number);
	}
}

struct entry *
store_find(struct store *st, const char *key)
{
	struct index_node *n = st->buckets[hash_key(key) % st->bucket_count];

	while (n && strcmp(n->key, key) != 0)
		n = n->next;
	return n ? n->entry : NULL;
}

int64_t
store_now_ms(const struct store *st)
{
	struct timespec ts;

	if (st->clock_stopped_ms)
		return st->clock_stopped_ms + st->clock_offset_ms;
	(void)clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000 + st->clock_offset_ms;
}

int64_t
store_now(const struct store *st)
{
	return store_now_ms(st) / 1000;
}

bool
entry_valid(const struct store *st, const struct entry *e)
{
	int64_t now = store_now(st);

	return (!e->has_from || e->from <= now) && (!e->has_until || now <= e->until);
}

bool
gid_allowed(uint32_t gid)
{
	return (gid >= 1000 && gid <= 60000) || (gid >= 60578 && gid <= 61183) ||
	    (gid >= 65520 && gid <= 65533) || (gid >= 65536 && gid <= 2147483647u);
}

static bool
name_allowed(const char *name)
{
	char uuid[UUID_LEN + 1];
	size_t len = strlen(name);

	if (len == 0 || len > 64 || name[0] < 'a' || name[0] > 'z')
		return false;
	if (strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_.") != len)
		return false;
	return strcmp(name, "root") != 0 && !uuid_parse(name, uuid);
}

static char *
make_spn(const struct store *st, const char *name, const char *domain)
{
	return x_printf("%s@%s", name, domain ? domain : st->domain);
}

struct entry *
store_add(struct store *st, enum entry_kind kind, const char *name, const char *uuid,
    const char *domain, const char **ret_why)
{
	struct entry *e;
	char canon[UUID_LEN + 1], *lower = x_strdup(name), *spn;

	x_lower(lower);
	spn = make_spn(st, lower, domain);
	*ret_why = NULL;
	if (!uuid)
		uuid_random(canon);
	else if (!uuid_parse(uuid, canon))
		*ret_why = "not a UUID";
	if (!*ret_why && !name_allowed(lower))
		*ret_why = "not a name the server would take";
	else if (!*ret_why &&
	    (store_find(st, canon) || store_find(st, spn) ||
		(!domain && store_find(st, lower))))
		*ret_why = "name or UUID is taken";
	if (*ret_why) {
		free(lower);
		free(spn);
		return NULL;
	}
	e = x_calloc(1, sizeof(*e));
	e->kind = kind;
	e->serial = ++st->serial;
	e->name = lower;
	e->spn = spn;
	memcpy(e->uuid, canon, sizeof(canon));
	x_assign(&e->domain, domain);
	x_assign(&e->display, name);
	if (st->entry_count == st->entry_cap) {
		st->entry_cap = st->entry_cap ? st->entry_cap * 2 : 64;
		st->entries = x_realloc(st->entries, st->entry_cap,
		    sizeof(struct entry *));
	}
	st->entries[st->entry_count++] = e;
	reindex(st, e);
	return e;
}

const char *
store_rename(struct store *st, struct entry *e, const char *name)
{
	struct entry *other;
	char *spn;

	if (!name_allowed(name))
		return "not a name the server would take";
	other = store_find(st, name);
	if (other && other != e)
		return "name is taken";
	spn = make_spn(st, name, e->domain);
	x_assign(&e->name, name);
	x_assign(&e->spn, spn);
	free(spn);
	reindex(st, e);
	return NULL;
}

const char *
store_set_gid(struct store *st, struct entry *e, uint32_t gid)
{
	struct entry *other;
	char number[16];

	if (gid == 0)
		gid = uuid_default_gid(e->uuid);
	(void)snprintf(number, sizeof(number), "%u", gid);
	other = store_find(st, number);
	if (other && other != e)
		return "gid is taken";
	if (!gid_allowed(gid))
		return "the server refuses this gid";
	e->gid = gid;
	e->posix = true;
	reindex(st, e);
	return NULL;
}

void
store_unset_posix(struct store *st, struct entry *e)
{
	e->posix = false;
	x_assign(&e->posix_password, NULL);
	reindex(st, e);
}

void
store_set_key(struct entry *e, const char *label, const char *text)
{
	size_t at = 0;

	(void)store_remove_key(e, label);
	while (at < e->key_count && strcmp(e->keys[at].label, label) < 0)
		at++;
	e->keys = x_realloc(e->keys, e->key_count + 1, sizeof(*e->keys));
	memmove(&e->keys[at + 1], &e->keys[at], (e->key_count - at) * sizeof(*e->keys));
	e->keys[at] = (struct sshkey){ x_strdup(label), x_strdup(text) };
	e->key_count++;
}

bool
store_remove_key(struct entry *e, const char *label)
{
	for (size_t i = 0; i < e->key_count; i++) {
		if (strcmp(e->keys[i].label, label) != 0)
			continue;
		free(e->keys[i].label);
		free(e->keys[i].text);
		e->key_count--;
		memmove(&e->keys[i], &e->keys[i + 1],
		    (e->key_count - i) * sizeof(*e->keys));
		return true;
	}
	return false;
}

static size_t
refs_place(struct entry *const *v, size_t n, const struct entry *e)
{
	size_t lo = 0, hi = n;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (strcmp(v[mid]->uuid, e->uuid) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static bool
link_add(struct entry ***list, size_t *count, struct entry *e)
{
	size_t at = refs_place(*list, *count, e);

	if (at < *count && (*list)[at] == e)
		return false;
	if ((*count & (*count - 1)) == 0)
		*list = x_realloc(*list, *count ? *count * 2 : 1, sizeof(struct entry *));
	memmove(*list + at + 1, *list + at, (*count - at) * sizeof(struct entry *));
	(*list)[at] = e;
	(*count)++;
	return true;
}

static bool
link_drop(struct entry **list, size_t *count, const struct entry *e)
{
	size_t at = refs_place(list, *count, e);

	if (at >= *count || list[at] != e)
		return false;
	(*count)--;
	memmove(list + at, list + at + 1, (*count - at) * sizeof(struct entry *));
	return true;
}

void
store_add_member(struct entry *group, struct entry *member)
{
	if (link_add(&group->members, &group->member_count, member))
		(void)link_add(&member->parents, &member->parent_count, group);
}

bool
store_remove_member(struct entry *group, struct entry *member)
{
	if (!link_drop(group->members, &group->member_count, member))
		return false;
	return link_drop(member->parents, &member->parent_count, group);
}

void
store_remove(struct store *st, struct entry *e)
{
	while (e->member_count)
		(void)store_remove_member(e, e->members[0]);
	while (e->parent_count)
		(void)store_remove_member(e->parents[0], e);
	e->dead = true;
	reindex(st, e);
	for (size_t i = 0; i < st->entry_count; i++)
		if (st->entries[i] == e) {
			/* Creation order must stay; the dead one goes to its end. */
			memmove(&st->entries[i], &st->entries[i + 1],
			    (st->entry_count - i - 1) * sizeof(struct entry *));
			st->entries[st->entry_count - 1] = e;
			return;
		}
}

void
refs_add(struct refs *r, struct entry *e)
{
	size_t at = refs_place(r->v, r->n, e);

	if (r->n == r->cap) {
		r->cap = r->cap ? r->cap * 2 : 16;
		r->v = x_realloc(r->v, r->cap, sizeof(struct entry *));
	}
	memmove(r->v + at + 1, r->v + at, (r->n - at) * sizeof(struct entry *));
	r->v[at] = e;
	r->n++;
}

void
refs_free(struct refs *r)
{
	free(r->v);
	*r = (struct refs){ 0 };
}

static void
add_builtin(struct store *st, const char *uuid, struct refs *ret)
{
	struct entry *g = store_find(st, uuid);

	if (g)
		refs_add(ret, g);
}

void
store_direct_groups(struct store *st, const struct entry *e, struct refs *ret)
{
	if (e->kind == ENTRY_PERSON)
		add_builtin(st, UUID_ALL_PERSONS, ret);
	if (e->kind != ENTRY_GROUP)
		add_builtin(st, UUID_ALL_ACCTS, ret);
	for (size_t i = 0; i < e->parent_count; i++)
		refs_add(ret, e->parents[i]);
}

void
store_all_groups(struct store *st, const struct entry *e, struct refs *ret)
{
	struct refs queue = { 0 };

	st->mark++;
	store_direct_groups(st, e, &queue);
	while (queue.n) {
		struct entry *g = queue.v[--queue.n];

		if (g->mark == st->mark)
			continue;
		g->mark = st->mark;
		refs_add(ret, g);
		for (size_t i = 0; i < g->parent_count; i++)
			if (g->parents[i]->mark != st->mark)
				refs_add(&queue, g->parents[i]);
	}
	refs_free(&queue);
}

bool
store_is_in(struct store *st, const struct entry *e, const char *group_uuid)
{
	struct refs all = { 0 };
	bool found = false;

	store_all_groups(st, e, &all);
	for (size_t i = 0; i < all.n && !found; i++)
		found = strcmp(all.v[i]->uuid, group_uuid) == 0;
	refs_free(&all);
	return found;
}

/* "something=" may stand in front; the value ends at the next '=' or ','. */
static char *
id_value(const char *id)
{
	size_t first = strcspn(id, "=,"), rest;

	if (first > 0 && id[first] == '=') {
		rest = strcspn(id + first + 1, "=,");
		if (rest > 0)
			return x_strndup(id + first + 1, rest);
	}
	return first > 0 ? x_strndup(id, first) : NULL;
}

enum id_result
store_resolve(struct store *st, const char *id, struct entry **ret)
{
	char uuid[UUID_LEN + 1];
	char *value = id_value(id);

	*ret = NULL;
	if (!value)
		return ID_INVALID;
	x_lower(value);
	*ret = store_find(st, uuid_parse(value, uuid) ? uuid : value);
	free(value);
	return *ret ? ID_FOUND : ID_UNKNOWN;
}

static struct entry *
builtin(struct store *st, enum entry_kind kind, const char *name, const char *uuid,
    const char *display)
{
	const char *why;
	struct entry *e = store_add(st, kind, name, uuid, NULL, &why);

	if (!e)
		die("builtin %s: %s", name, why);
	e->builtin = true;
	x_assign(&e->display, display);
	return e;
}

void
store_init(struct store *st, const char *domain)
{
	struct entry *reader, *persons, *admins;
	char host[UUID_LEN + 1];

	*st = (struct store){ 0 };
	if (pthread_mutex_init(&st->mu, NULL) != 0)
		die("no mutex");
	st->domain = x_strdup(domain);
	st->bucket_count = 1024;
	st->buckets = x_calloc(st->bucket_count, sizeof(struct index_node *));
	uuid_of_name(host, domain);
	(void)snprintf(st->cid, sizeof(st->cid), "%032lld-%s",
	    (long long)store_now(st) * 1000000000, host);

	persons = builtin(st, ENTRY_GROUP, "idm_all_persons", UUID_ALL_PERSONS, "");
	(void)builtin(st, ENTRY_GROUP, "idm_all_accounts", UUID_ALL_ACCTS, "");
	store_add_member(builtin(st, ENTRY_GROUP, "idm_people_self_name_write",
			     UUID_SELF_NAME, ""),
	    persons);
	reader = builtin(st, ENTRY_GROUP, "idm_unix_authentication_read", UUID_UNIX_READ,
	    "");
	admins = builtin(st, ENTRY_GROUP, "idm_admins", UUID_IDM_ADMINS, "");
	(void)builtin(st, ENTRY_SERVICE, "admin", "00000000-0000-0000-0000-000000000000",
	    "System Administrator");
	store_add_member(admins,
	    builtin(st, ENTRY_SERVICE, "idm_admin",
		"00000000-0000-0000-0000-000000000018", "IDM Administrator"));
	store_add_member(reader,
	    builtin(st, ENTRY_SERVICE, "anonymous", UUID_ANONYMOUS, "Anonymous"));
}

static void
entry_free(struct entry *e)
{
	char *strings[] = { e->name, e->spn, e->domain, e->display, e->shell,
		e->posix_password, e->password };

	for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++)
		free(strings[i]);
	while (e->key_count)
		(void)store_remove_key(e, e->keys[0].label);
	for (size_t i = 0; i < e->token_count; i++)
		free(e->tokens[i].label);
	free(e->keys);
	free(e->tokens);
	free(e->members);
	free(e->parents);
	free(e);
}

void
store_free(struct store *st)
{
	for (size_t i = 0; i < st->entry_count; i++)
		for (size_t k = 0; k < 4; k++)
			index_drop(st, &st->entries[i]->index[k]);
	for (size_t i = 0; i < st->entry_count; i++)
		entry_free(st->entries[i]);
	free(st->entries);
	free(st->buckets);
	free(st->domain);
	(void)pthread_mutex_destroy(&st->mu);
}
