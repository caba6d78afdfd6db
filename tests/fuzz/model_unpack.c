/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Blobs of the cache. Whatever unpacks must pack to bytes that unpack to the same record,
 * also when the groups that it names are known;
 * the first byte of the input chooses between the two kinds.
 */
#include <stdint.h>
#include <stdlib.h>

#include "src/unixd/model/model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct groupid *
find_in(void *arg, const struct uuid *uuid)
{
	const struct user *u = arg;

	for (uint32_t i = 0; i < u->n_groups; i++) {
		if (uuid_equal(&u->groups[i]->uuid, uuid))
			return u->groups[i];
	}
	return NULL;
}

/* Groups that are known already change nothing but who owns them. */
static void
share_groups(const uint8_t *data, size_t size, struct user *u)
{
	const struct model_share share = { find_in, u };
	struct user *again;

	if (user_unpack_sharing(data, size, &share, &again) < 0 || !user_equal(u, again))
		abort();
	user_unref(again);
}

static void
try_user(const uint8_t *data, size_t size)
{
	struct user *u;
	struct user *again;
	size_t len;
	void *blob;

	if (user_unpack(data, size, &u) < 0)
		return;
	share_groups(data, size, u);
	blob = user_pack(u, &len);
	if (user_unpack(blob, len, &again) < 0 || !user_equal(u, again))
		abort();
	free(blob);
	user_unref(u);
	user_unref(again);
}

static void
try_group(const uint8_t *data, size_t size)
{
	struct groupid *g;
	struct groupid *g2;
	struct members *m;
	struct members *m2;
	size_t len;
	void *blob;

	if (group_unpack(data, size, &g, &m) < 0)
		return;
	blob = group_pack(g, m, &len);
	if (group_unpack(blob, len, &g2, &m2) < 0 || !groupid_equal(g, g2) ||
	    !members_equal(m, m2))
		abort();
	free(blob);
	groupid_unref(g);
	groupid_unref(g2);
	members_unref(m);
	members_unref(m2);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	if (data[0] == 'u')
		try_user(data + 1, size - 1);
	else
		try_group(data + 1, size - 1);
	return 0;
}
