/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Blobs of the cache. Whatever unpacks must pack to bytes that unpack to the same record;
 * the first byte of the input chooses between the two kinds.
 */
#include <stdint.h>
#include <stdlib.h>

#include "src/unixd/model/model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
try_user(const uint8_t *data, size_t size)
{
	struct user *u;
	struct user *again;
	size_t len;
	void *blob;

	if (user_unpack(data, size, &u) < 0)
		return;
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
