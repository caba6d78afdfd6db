/* SPDX-License-Identifier: MPL-2.0 */
/* What an enumeration of groups gives, when the map or the daemon has groups of the host. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ku/wire.h"
#include "ku/wire_ops.h"
#include "nss/ask.h"
#include "nss/nss_kanidm.h"
#include "src/base/le.h"
#include "src/base/util.h"
#include "src/client/client.h"
#include "src/map/map.h"

/* granted_fake.c: root has named the second. */
static const gid_t gids[] = { 4, 27, 42, 70003 };

static bool has_map;
static unsigned asked; /* the daemon */

enum map_answer
map_group_next(struct map *m, uint64_t *cursor, struct group *gr, char *buf, size_t cap)
{
	(void)m, (void)buf, (void)cap;
	if (!has_map)
		return MAP_NONE;
	if (*cursor == ARRAY_SIZE(gids))
		return MAP_ABSENT;
	gr->gr_gid = gids[(*cursor)++];
	return MAP_HIT;
}

void
map_enum_end(struct map *m, uint64_t *cursor)
{
	(void)m;
	*cursor = 0;
}

int
client_call(struct client_call *call, struct deadline deadline)
{
	static const char tail[] = "staff\0x";
	const uint8_t *req = call->req;
	uint8_t *head = call->head;
	size_t i = 0;

	(void)deadline;
	assert_int_equal(call->op, KU_OP_GROUP_NEXT);
	asked++;
	while (i < ARRAY_SIZE(gids) && le32_get(req + 4) != 0 && gids[i] <= le32_get(req))
		i++;
	call->status = i < ARRAY_SIZE(gids) ? KU_ST_OK : KU_ST_NOTFOUND;
	call->tail_len = 0;
	if (i == ARRAY_SIZE(gids))
		return 0;
	le32_put(head, gids[i]);
	le32_put(head + 4, 0);
	le32_put(head + 8, sizeof(tail));
	call->tail_len = sizeof(tail);
	memcpy(call->tail, tail, sizeof(tail));
	return 0;
}

/* Lookups, which are not made here. */
enum map_answer
map_group_by_name(struct map *m, const struct name *name, unsigned flags,
    struct group *gr, char *buf, size_t cap)
{
	(void)m, (void)name, (void)flags, (void)gr, (void)buf, (void)cap;
	return MAP_NONE;
}

enum map_answer
map_group_by_gid(struct map *m, uint32_t gid, unsigned flags, struct group *gr, char *buf,
    size_t cap)
{
	(void)m, (void)gid, (void)flags, (void)gr, (void)buf, (void)cap;
	return MAP_NONE;
}

bool
map_proves_not_local(struct map *m, bool group, const struct name *name, uint32_t id)
{
	(void)m, (void)group, (void)name, (void)id;
	return false;
}

static void
gives_what_may_be_given(void)
{
	static const gid_t want[] = { 27, 70003 };
	struct group gr;
	char buf[256];
	int err;

	assert_int_equal(_nss_kanidm_setgrent(0), NSS_STATUS_SUCCESS);
	for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
		assert_int_equal(_nss_kanidm_getgrent_r(&gr, buf, sizeof(buf), &err),
		    NSS_STATUS_SUCCESS);
		assert_int_equal(gr.gr_gid, want[i]);
	}
	assert_int_equal(_nss_kanidm_getgrent_r(&gr, buf, sizeof(buf), &err),
	    NSS_STATUS_NOTFOUND);
	assert_int_equal(_nss_kanidm_endgrent(), NSS_STATUS_SUCCESS);
}

static void
no_group_of_the_host_is_enumerated_that_root_has_not_named(void **state)
{
	(void)state;
	has_map = true;
	gives_what_may_be_given();
	assert_int_equal(asked, 0);
	has_map = false;
	gives_what_may_be_given();
	assert_int_equal(asked, ARRAY_SIZE(gids) + 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    no_group_of_the_host_is_enumerated_that_root_has_not_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
