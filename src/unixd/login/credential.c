/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Blob, little-endian:
 *
 *	0	1	format: 1
 *	1	1	flags: 1 = suspended
 *	2	2	length of the verifier, 0: none
 *	4	4	wrong guesses, then 4: seconds of wait left
 *	12	4	the same for callers whose id is hidden, then 4
 *	20	8	wall time the verifier was made
 *	28	8	wall time of the server's last acceptance
 *	36	8	wall time it was suspended
 *	44		the verifier
 *
 * It comes from a file that only we can write; it is checked all the same, because a disk
 * that lies must cost an offline login and not the daemon.
 */
#include "src/unixd/login/credential.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/le.h"
#include "src/base/util.h"
#include "src/prog/xalloc.h"
#include "src/unixd/crypt/crypt.h"

#define FORMAT    1u
#define SUSPENDED 1u
#define HEAD_LEN  44u

_Static_assert(HEAD_LEN + CRYPT_MAX_VERIFIER <= CRED_MAX_BLOB, "a verifier fits");

/* ---- table ---- */

void
creds_init(struct creds *cs)
{
	hmap_init(&cs->table);
}

void
creds_deinit(struct creds *cs)
{
	struct cred *c;
	size_t pos;

	while ((c = creds_any(cs, &pos)) != NULL)
		creds_remove(cs, c);
	hmap_deinit(&cs->table);
}

static struct cred *
of_node(struct hmap_node *node)
{
	return node != NULL ? container_of(node, struct cred, node) : NULL;
}

struct cred *
creds_find(const struct creds *cs, const struct uuid *uuid)
{
	struct hmap_node *node;

	for (node = hmap_first(&cs->table, hmap_hash(uuid, sizeof(*uuid))); node != NULL;
	     node = hmap_same(node)) {
		if (uuid_equal(&of_node(node)->uuid, uuid))
			return of_node(node);
	}
	return NULL;
}

struct cred *
creds_get(struct creds *cs, const struct uuid *uuid)
{
	struct cred *c = creds_find(cs, uuid);

	if (c != NULL)
		return c;
	c = xcalloc(1, sizeof(*c));
	c->uuid = *uuid;
	list_init(&c->line);
	hmap_insert(&cs->table, &c->node, hmap_hash(uuid, sizeof(*uuid)));
	return c;
}

void
creds_remove(struct creds *cs, struct cred *c)
{
	hmap_remove(&cs->table, &c->node);
	free(c->verifier);
	free(c);
}

struct cred *
creds_any(const struct creds *cs, size_t *pos)
{
	return of_node(hmap_any(&cs->table, pos));
}

struct cred *
creds_next(const struct creds *cs, const struct cred *c, size_t *pos)
{
	return of_node(hmap_any_next(&cs->table, &c->node, pos));
}

/* ---- one ---- */

void
cred_set_verifier(struct cred *c, const void *verifier, size_t len)
{
	void *copy = NULL;

	if (verifier != NULL && len > 0) {
		copy = xmalloc(len);
		memcpy(copy, verifier, len);
	}
	free(c->verifier);
	c->verifier = copy;
	c->verifier_len = copy != NULL ? len : 0;
	c->version++;
}

bool
cred_is_empty(const struct cred *c)
{
	return c->verifier == NULL && c->guess.fails == 0 && c->hidden.fails == 0;
}

static void
put64(uint8_t *p, int64_t v)
{
	le32_put(p, (uint32_t)((uint64_t)v & UINT32_MAX));
	le32_put(p + 4, (uint32_t)((uint64_t)v >> 32));
}

static int64_t
get64(const uint8_t *p)
{
	return (int64_t)((uint64_t)le32_get(p) | (uint64_t)le32_get(p + 4) << 32);
}

size_t
cred_pack(const struct cred *c, int64_t now_ns, uint8_t buf[CRED_MAX_BLOB])
{
	buf[0] = FORMAT;
	buf[1] = c->suspended ? SUSPENDED : 0;
	le16_put(buf + 2, (uint16_t)c->verifier_len);
	le32_put(buf + 4, c->guess.fails);
	le32_put(buf + 8, guess_left_s(&c->guess, now_ns));
	le32_put(buf + 12, c->hidden.fails);
	le32_put(buf + 16, guess_left_s(&c->hidden, now_ns));
	put64(buf + 20, c->stored_at);
	put64(buf + 28, c->proven_at);
	put64(buf + 36, c->suspended_at);
	if (c->verifier_len > 0)
		memcpy(buf + HEAD_LEN, c->verifier, c->verifier_len);
	return HEAD_LEN + c->verifier_len;
}

int
cred_unpack(const void *blob, size_t len, int64_t now_ns, struct cred *c)
{
	const uint8_t *p = blob;
	size_t n;

	if (len < HEAD_LEN || p[0] != FORMAT || (p[1] & ~SUSPENDED) != 0)
		return -EBADMSG;
	n = le16_get(p + 2);
	if (n > CRYPT_MAX_VERIFIER || len != HEAD_LEN + n)
		return -EBADMSG;
	c->suspended = (p[1] & SUSPENDED) != 0;
	guess_restore(&c->guess, le32_get(p + 4), le32_get(p + 8), now_ns);
	guess_restore(&c->hidden, le32_get(p + 12), le32_get(p + 16), now_ns);
	c->stored_at = get64(p + 20);
	c->proven_at = get64(p + 28);
	c->suspended_at = get64(p + 36);
	cred_set_verifier(c, p + HEAD_LEN, n);
	return 0;
}
