/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Records as bytes, for the cache on disk.
 *
 *	user	u8 format = 1, u8 flags (1 valid, 2 has a shell), u32 id, 16 bytes uuid,
 *		name, spn, displayname, [shell], u32 n groups, n x group,
 *		u32 n keys, n x key
 *	group	u8 format = 1, u8 flags (1 members are known), groupid,
 *		[u32 n members, n x (name, spn)]
 *	groupid	u32 gid, 16 bytes uuid, name, spn
 *
 * Strings end with a NUL, so a decoded record can be built straight from the bytes. What is
 * read back passes the same bounds and name grammar as what the server sends: a file
 * outlives the program that wrote it, and a uid is what the kernel believes.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/name.h"
#include "src/base/util.h"
#include "src/prog/xalloc.h"
#include "src/unixd/model/model.h"
#include "src/wire/codec.h"

#define PACK_FORMAT 1u

#define USER_VALID     (1u << 0)
#define USER_HAS_SHELL (1u << 1)
#define USER_FLAGS     (USER_VALID | USER_HAS_SHELL)

#define GROUP_HAS_MEMBERS (1u << 0)

/* Smallest encodings: bounds a count before anything is allocated for it. */
#define GROUPID_MIN (4u + 16u + 2u + 2u)
#define KEY_MIN     1u
#define MEMBER_MIN  (2u + 2u)

static size_t
groupid_size(const struct groupid *g)
{
	return 4 + sizeof(g->uuid.b) + strlen(g->name) + 1 + strlen(g->spn) + 1;
}

static size_t
user_size(const struct user *u)
{
	size_t size = 2 + 4 + sizeof(u->uuid.b) + 4 + 4;

	size += strlen(u->name) + 1 + strlen(u->spn) + 1 + strlen(u->displayname) + 1;
	if (u->shell != NULL)
		size += strlen(u->shell) + 1;
	for (uint32_t i = 0; i < u->n_groups; i++)
		size += groupid_size(u->groups[i]);
	for (uint32_t i = 0; i < u->n_keys; i++)
		size += strlen(u->sshkeys[i]) + 1;
	return size;
}

static void
put_groupid(struct enc *e, const struct groupid *g)
{
	enc_u32(e, g->gid);
	enc_bytes(e, g->uuid.b, sizeof(g->uuid.b));
	enc_strz(e, g->name);
	enc_strz(e, g->spn);
}

void *
user_pack(const struct user *u, size_t *ret_len)
{
	size_t size = user_size(u);
	void *buf = xmalloc(size);
	struct enc e;

	enc_init(&e, buf, size);
	enc_u8(&e, PACK_FORMAT);
	enc_u8(&e,
	    (uint8_t)((u->valid ? USER_VALID : 0u) |
		(u->shell != NULL ? USER_HAS_SHELL : 0u)));
	enc_u32(&e, u->id);
	enc_bytes(&e, u->uuid.b, sizeof(u->uuid.b));
	enc_strz(&e, u->name);
	enc_strz(&e, u->spn);
	enc_strz(&e, u->displayname);
	if (u->shell != NULL)
		enc_strz(&e, u->shell);
	enc_u32(&e, u->n_groups);
	for (uint32_t i = 0; i < u->n_groups; i++)
		put_groupid(&e, u->groups[i]);
	enc_u32(&e, u->n_keys);
	for (uint32_t i = 0; i < u->n_keys; i++)
		enc_strz(&e, u->sshkeys[i]);
	assert(!e.failed && e.len == size);
	*ret_len = e.len;
	return buf;
}

void *
group_pack(const struct groupid *g, const struct members *m, size_t *ret_len)
{
	size_t size = 2 + groupid_size(g);
	struct enc e;
	void *buf;

	if (m != NULL) {
		size += 4;
		for (uint32_t i = 0; i < m->n; i++)
			size += strlen(m->v[i].name) + 1 + strlen(m->v[i].spn) + 1;
	}
	buf = xmalloc(size);
	enc_init(&e, buf, size);
	enc_u8(&e, PACK_FORMAT);
	enc_u8(&e, m != NULL ? GROUP_HAS_MEMBERS : 0u);
	put_groupid(&e, g);
	if (m != NULL) {
		enc_u32(&e, m->n);
		for (uint32_t i = 0; i < m->n; i++) {
			enc_strz(&e, m->v[i].name);
			enc_strz(&e, m->v[i].spn);
		}
	}
	assert(!e.failed && e.len == size);
	*ret_len = e.len;
	return buf;
}

/* The helpers below share the decoder's sticky error: a bad value is a failed decode. */

static const char *
get_text(struct dec *d, size_t max)
{
	const char *s = dec_strz(d);

	if (s == NULL)
		return NULL;
	if (strlen(s) > max) {
		d->failed = true;
		return NULL;
	}
	return s;
}

/* A canonical name of this kind, as name.h has it. */
static const char *
get_name(struct dec *d, enum name_kind kind)
{
	const char *s = dec_strz(d);

	if (s != NULL && name_canonical_len(s, kind) == 0)
		d->failed = true;
	return d->failed ? NULL : s;
}

static uint32_t
get_count(struct dec *d, uint32_t max, size_t smallest)
{
	uint32_t n = dec_u32(d);

	if (d->failed)
		return 0;
	if (n > max || n > (d->len - d->pos) / smallest) {
		d->failed = true;
		return 0;
	}
	return n;
}

static void
get_uuid(struct dec *d, struct uuid *uuid)
{
	const void *b = dec_bytes(d, sizeof(uuid->b));

	if (b != NULL)
		memcpy(uuid->b, b, sizeof(uuid->b));
}

static struct groupid *
get_groupid(struct dec *d)
{
	uint32_t gid = dec_u32(d);
	struct uuid uuid = { 0 };
	const char *name;
	const char *spn;

	get_uuid(d, &uuid);
	name = get_name(d, NAME_SHORT);
	spn = get_name(d, NAME_SPN);
	return d->failed ? NULL : groupid_new(&uuid, gid, name, spn);
}

/* Are the next bytes the names of `g`? Then they are passed. */
static bool
names_are_next(struct dec *d, const struct groupid *g)
{
	size_t name = strlen(g->name) + 1, spn = strlen(g->spn) + 1;
	const uint8_t *at = d->buf + d->pos;

	return name + spn <= d->len - d->pos && memcmp(at, g->name, name) == 0 &&
	    memcmp(at + name, g->spn, spn) == 0 && dec_bytes(d, name + spn) != NULL;
}

/* The one that is known, or the person's own (`own`: room for it), or a new one. */
static struct groupid *
get_group_of(struct dec *d, const struct user *u, const struct model_share *share,
    struct groupid *own)
{
	struct dec again = *d;
	struct groupid *known = NULL;
	uint32_t gid = dec_u32(d);
	struct uuid uuid = { 0 };

	get_uuid(d, &uuid);
	if (d->failed || u->name == NULL || u->spn == NULL)
		return NULL;
	*own = (struct groupid){ 0, u->id, u->uuid, u->name, u->spn };
	if (gid == u->id && uuid_equal(&uuid, &u->uuid) && names_are_next(d, own))
		return own;
	if (share != NULL)
		known = share->find(share->arg, &uuid);
	if (known != NULL && known->gid == gid && names_are_next(d, known))
		return groupid_ref(known);
	*d = again;
	return get_groupid(d);
}

static void
get_user_lists(struct dec *d, struct user *u, const struct model_share *share,
    struct groupid *own, struct groupid ***groups, const char ***keys)
{
	uint32_t n = get_count(d, MODEL_MAX_GROUPS, GROUPID_MIN);

	*groups = xcalloc((size_t)n + 1, sizeof(**groups));
	for (; u->n_groups < n && !d->failed; u->n_groups++)
		(*groups)[u->n_groups] = get_group_of(d, u, share, own);
	n = get_count(d, MODEL_MAX_KEYS, KEY_MIN);
	*keys = xcalloc((size_t)n + 1, sizeof(**keys));
	for (; u->n_keys < n && !d->failed; u->n_keys++)
		(*keys)[u->n_keys] = get_text(d, MODEL_MAX_KEY_LEN);
	u->groups = *groups;
	u->sshkeys = *keys;
}

int
user_unpack(const void *blob, size_t len, struct user **ret_user)
{
	return user_unpack_sharing(blob, len, NULL, ret_user);
}

int
user_unpack_sharing(const void *blob, size_t len, const struct model_share *share,
    struct user **ret_user)
{
	struct groupid **groups cleanup_(freep) = NULL;
	struct groupid own = { 0 };
	const char **keys cleanup_(freep) = NULL;
	struct user tmpl = { 0 };
	struct dec d;
	uint8_t flags;
	bool ok;

	dec_init(&d, blob, len);
	if (dec_u8(&d) != PACK_FORMAT)
		return -EBADMSG;
	flags = dec_u8(&d);
	tmpl.valid = (flags & USER_VALID) != 0;
	tmpl.id = dec_u32(&d);
	get_uuid(&d, &tmpl.uuid);
	tmpl.name = get_name(&d, NAME_SHORT);
	tmpl.spn = get_name(&d, NAME_SPN);
	tmpl.displayname = get_text(&d, MODEL_MAX_TEXT);
	if ((flags & USER_HAS_SHELL) != 0)
		tmpl.shell = get_text(&d, MODEL_MAX_TEXT);
	get_user_lists(&d, &tmpl, share, &own, &groups, &keys);
	ok = dec_done(&d) && (flags & ~USER_FLAGS) == 0;
	if (ok)
		*ret_user = user_new(&tmpl);
	for (uint32_t i = 0; i < tmpl.n_groups; i++)
		groupid_unref(groups[i]);
	return ok ? 0 : -EBADMSG;
}

/* Is the SPN that is next the name with the domain (its text and size) that was looked at
 * last? Most are: then it is what is returned, and passed. */
static const char *
get_spn_of_domain(struct dec *d, const char *name, const char *domain, size_t domain_size)
{
	const char *spn = (const char *)d->buf + d->pos;
	size_t len = (size_t)(spn - name) - 1;

	if (domain_size == 0 || d->len - d->pos < len + 1 + domain_size ||
	    memcmp(spn, name, len) != 0 || spn[len] != '@' ||
	    memcmp(spn + len + 1, domain, domain_size) != 0)
		return NULL;
	return dec_bytes(d, len + 1 + domain_size);
}

static struct members *
get_members(struct dec *d)
{
	uint32_t n = get_count(d, MODEL_MAX_MEMBERS, MEMBER_MIN);
	struct member *v cleanup_(freep) = xcalloc((size_t)n + 1, sizeof(*v));
	const char *text = (const char *)d->buf + d->pos, *domain = NULL;
	size_t domain_size = 0;

	for (uint32_t i = 0; i < n && !d->failed; i++) {
		v[i].name = get_name(d, NAME_SHORT);
		if (v[i].name == NULL)
			break;
		v[i].spn = get_spn_of_domain(d, v[i].name, domain, domain_size);
		if (v[i].spn != NULL)
			continue;
		v[i].spn = get_name(d, NAME_SPN);
		if (v[i].spn == NULL)
			break;
		domain = strchr(v[i].spn, '@') + 1;
		domain_size = strlen(domain) + 1;
	}
	if (d->failed)
		return NULL;
	return members_of_text(v, n, text,
	    (size_t)((const char *)d->buf + d->pos - text));
}

int
group_unpack(const void *blob, size_t len, struct groupid **ret_group,
    struct members **ret_members)
{
	struct members *m = NULL;
	struct groupid *g;
	struct dec d;
	uint8_t flags;

	dec_init(&d, blob, len);
	if (dec_u8(&d) != PACK_FORMAT)
		return -EBADMSG;
	flags = dec_u8(&d);
	g = get_groupid(&d);
	if (g != NULL && (flags & GROUP_HAS_MEMBERS) != 0)
		m = get_members(&d);
	if (!dec_done(&d) || (flags & ~GROUP_HAS_MEMBERS) != 0) {
		groupid_unref(g);
		members_unref(m);
		return -EBADMSG;
	}
	*ret_group = g;
	*ret_members = m;
	return 0;
}
