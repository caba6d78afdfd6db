/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The module's decisions as a table: the map and the client are replaced by functions that
 * answer what a row says and note what they were asked.
 */
#include "nss/ask.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "host/ask_rows.h"
#include "ku/wire.h"
#include "ku/wire_ops.h"
#include "nss/nss_kanidm.h"
#include "src/base/le.h"
#include "src/base/util.h"
#include "src/client/client.h"
#include "src/map/map.h"

#define ALICE_TAIL "alice\0x\0Alice\0/home/alice\0/bin/sh"

/* What the two sources say, and what they were asked. */
static struct {
	enum map_answer map;     /* without flags */
	enum map_answer map_old; /* with MAP_ANY_AGE */
	bool not_local;
	int socket;      /* what client_call returns */
	uint16_t status; /* ... and its status */

	unsigned map_calls;
	unsigned socket_calls;
	int socket_ms;
	bool asked_about_group;
} fake;

static enum map_answer
fake_map(unsigned flags)
{
	fake.map_calls++;
	/* whatever the sources do to errno must not be seen */
	errno = EBADMSG;
	return (flags & MAP_ANY_AGE) != 0 ? fake.map_old : fake.map;
}

static enum map_answer
fake_passwd(unsigned flags, struct passwd *pw)
{
	static char name[] = "alice";

	*pw = (struct passwd){ .pw_name = name, .pw_uid = 70001, .pw_gid = 70001 };
	return fake_map(flags);
}

static enum map_answer
fake_group(unsigned flags, struct group *gr)
{
	static char name[] = "staff";

	*gr = (struct group){ .gr_name = name, .gr_gid = 71000 };
	return fake_map(flags);
}

enum map_answer
map_passwd_by_name(struct map *m, const struct name *name, unsigned flags,
    struct passwd *pw, char *buf, size_t cap)
{
	(void)m, (void)name, (void)buf, (void)cap;
	return fake_passwd(flags, pw);
}

enum map_answer
map_passwd_by_uid(struct map *m, uint32_t uid, unsigned flags, struct passwd *pw,
    char *buf, size_t cap)
{
	(void)m, (void)uid, (void)buf, (void)cap;
	return fake_passwd(flags, pw);
}

enum map_answer
map_group_by_name(struct map *m, const struct name *name, unsigned flags,
    struct group *gr, char *buf, size_t cap)
{
	(void)m, (void)name, (void)buf, (void)cap;
	return fake_group(flags, gr);
}

enum map_answer
map_group_by_gid(struct map *m, uint32_t gid, unsigned flags, struct group *gr, char *buf,
    size_t cap)
{
	(void)m, (void)gid, (void)buf, (void)cap;
	return fake_group(flags, gr);
}

static uint32_t map_gids[70000];
static size_t n_map_gids;

enum map_answer
map_initgroups(struct map *m, const struct name *name, unsigned flags,
    int (*give)(void *arg, uint32_t gid), void *arg, int *ret_stop)
{
	enum map_answer a = fake_map(flags);

	(void)m, (void)name;
	for (size_t i = 0; a == MAP_HIT && i < n_map_gids; i++) {
		*ret_stop = give(arg, map_gids[i]);
		if (*ret_stop != 0)
			break;
	}
	return a;
}

/* An enumeration of three users: cursors 1, 2, 3. */
static enum map_answer
fake_next(uint64_t *cursor)
{
	enum map_answer a = fake_map(0);

	if (a != MAP_HIT)
		return a;
	if (*cursor == 3)
		return MAP_ABSENT;
	(*cursor)++;
	return MAP_HIT;
}

enum map_answer
map_passwd_next(struct map *m, uint64_t *cursor, struct passwd *pw, char *buf, size_t cap)
{
	enum map_answer a = fake_next(cursor);

	(void)m, (void)buf, (void)cap;
	pw->pw_uid = 70000 + (uid_t)*cursor;
	return a;
}

enum map_answer
map_group_next(struct map *m, uint64_t *cursor, struct group *gr, char *buf, size_t cap)
{
	enum map_answer a = fake_next(cursor);

	(void)m, (void)buf, (void)cap;
	gr->gr_gid = 70000 + (gid_t)*cursor;
	return a;
}

void
map_enum_end(struct map *m, uint64_t *cursor)
{
	(void)m;
	*cursor = 0;
}

bool
map_proves_not_local(struct map *m, bool group, const struct name *name, uint32_t id)
{
	(void)m, (void)name, (void)id;
	errno = EBADMSG;
	fake.asked_about_group = group;
	return fake.not_local;
}

int
client_call(struct client_call *call, struct deadline deadline)
{
	uint8_t *head = call->head;

	fake.socket_calls++;
	fake.socket_ms = deadline_left_ms(deadline);
	errno = EBADMSG;
	call->status = fake.status;
	call->tail_len = 0;
	if (fake.socket != 0 || fake.status != KU_ST_OK)
		return fake.socket;
	le32_put(head, 70001);
	if (call->op == KU_OP_INITGROUPS) {
		le32_put(head + 4, 1);
		call->tail_len = 4;
		le32_put(call->tail, 71000);
		return 0;
	}
	call->tail_len = sizeof(ALICE_TAIL);
	le32_put(head + 4, 70001);
	le32_put(head + 8, sizeof(ALICE_TAIL));
	assert_true(call->tail_cap >= sizeof(ALICE_TAIL));
	memcpy(call->tail, ALICE_TAIL, sizeof(ALICE_TAIL));
	return 0;
}

static char buf[1024];

/* getpwnam_r("alice") with both kinds of errnop; the status, and *ret_err. */
static enum nss_status
look_up(int *ret_err)
{
	enum nss_status first, second;
	struct passwd pw;
	int err = 12345;

	errno = EXDEV;
	first = _nss_kanidm_getpwnam_r("alice", &pw, buf, sizeof(buf), &err);
	assert_int_equal(errno, EXDEV);
	if (first == NSS_STATUS_SUCCESS) {
		assert_string_equal(pw.pw_name, "alice");
		assert_int_equal(err, 12345);
	}
	errno = EXDEV;
	second = _nss_kanidm_getpwnam_r("alice", &pw, buf, sizeof(buf), &errno);
	assert_int_equal(second, first);
	assert_int_equal(errno, first == NSS_STATUS_SUCCESS ? EXDEV : err);
	fake.socket_calls /= 2;
	*ret_err = err;
	return first;
}

static void
every_row_of_map_and_daemon_gives_its_answer(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int err = 0;

		memset(&fake, 0, sizeof(fake));
		fake.map = rows[i].map;
		fake.map_old = rows[i].map_old;
		fake.not_local = rows[i].not_local;
		fake.socket = rows[i].socket;
		fake.status = rows[i].status;
		if (look_up(&err) != rows[i].nss ||
		    (rows[i].nss != NSS_STATUS_SUCCESS && err != rows[i].err))
			fail_msg("row %zu: errno %d", i, err);
		assert_int_equal(fake.socket_calls, rows[i].ms == NO_SOCKET ? 0 : 1);
		if (rows[i].ms != NO_SOCKET)
			assert_in_range(fake.socket_ms, rows[i].ms / 2, rows[i].ms);
	}
}

static void
what_cannot_be_a_name_or_an_id_is_answered_without_asking(void **state)
{
	static const char *const names[] = { NULL, "", "70001", "name=alice", "alice,x",
		"alice ", "-",
		"al\xc3\xad"
		"ce" };
	struct passwd pw;
	struct group gr;
	int err;

	(void)state;
	memset(&fake, 0, sizeof(fake));
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		long start = 1, size = 1;
		gid_t *gids = NULL;

		assert_int_equal(_nss_kanidm_getpwnam_r(names[i], &pw, buf, sizeof(buf),
				     &err),
		    NSS_STATUS_NOTFOUND);
		assert_int_equal(err, ENOENT);
		assert_int_equal(_nss_kanidm_getgrnam_r(names[i], &gr, buf, sizeof(buf),
				     &err),
		    NSS_STATUS_NOTFOUND);
		assert_int_equal(_nss_kanidm_initgroups_dyn(names[i], 70001, &start,
				     &size, &gids, -1, &err),
		    NSS_STATUS_NOTFOUND);
		assert_int_equal(start, 1);
	}
	assert_int_equal(_nss_kanidm_getpwuid_r(0, &pw, buf, sizeof(buf), &err),
	    NSS_STATUS_NOTFOUND);
	assert_int_equal(_nss_kanidm_getpwuid_r(999, &pw, buf, sizeof(buf), &err),
	    NSS_STATUS_NOTFOUND);
	assert_int_equal(_nss_kanidm_getpwuid_r(65534, &pw, buf, sizeof(buf), &err),
	    NSS_STATUS_NOTFOUND);
	assert_int_equal(_nss_kanidm_getgrgid_r(0, &gr, buf, sizeof(buf), &err),
	    NSS_STATUS_NOTFOUND);
	assert_int_equal(_nss_kanidm_getgrgid_r((gid_t)-1, &gr, buf, sizeof(buf), &err),
	    NSS_STATUS_NOTFOUND);
	assert_int_equal(fake.map_calls, 0);
	assert_int_equal(fake.socket_calls, 0);
}

static void
a_system_group_is_asked_of_the_map_alone(void **state)
{
	static const enum map_answer none[] = { MAP_ABSENT, MAP_ABSENT_NO_DAEMON,
		MAP_NONE, MAP_LOCAL, MAP_NEGATIVE };
	struct group gr;
	int err;

	(void)state;
	memset(&fake, 0, sizeof(fake));
	fake.map_old = MAP_HIT;
	assert_int_equal(_nss_kanidm_getgrgid_r(27, &gr, buf, sizeof(buf), &err),
	    NSS_STATUS_SUCCESS);
	/* granted_fake.c: root has not named this one */
	assert_int_equal(_nss_kanidm_getgrgid_r(42, &gr, buf, sizeof(buf), &err),
	    NSS_STATUS_NOTFOUND);
	fake.map_old = MAP_RANGE;
	assert_int_equal(_nss_kanidm_getgrgid_r(27, &gr, buf, sizeof(buf), &err),
	    NSS_STATUS_TRYAGAIN);
	assert_int_equal(err, ERANGE);
	for (size_t i = 0; i < ARRAY_SIZE(none); i++) {
		fake.map_old = none[i];
		assert_int_equal(_nss_kanidm_getgrgid_r(27, &gr, buf, sizeof(buf), &err),
		    NSS_STATUS_NOTFOUND);
	}
	assert_int_equal(fake.socket_calls, 0);
}

static void
the_daemons_own_account_is_not_asked_of_the_daemon(void **state)
{
	static const enum map_answer none[] = { MAP_ABSENT, MAP_NONE, MAP_STALE };
	struct passwd pw;
	struct group gr;
	int err;

	(void)state;
	memset(&fake, 0, sizeof(fake));
	for (size_t i = 0; i < ARRAY_SIZE(none); i++) {
		fake.map = none[i];
		assert_int_equal(_nss_kanidm_getpwnam_r("kanidm-unixd", &pw, buf,
				     sizeof(buf), &err),
		    NSS_STATUS_NOTFOUND);
		assert_int_equal(_nss_kanidm_getgrnam_r("kanidm-unixd", &gr, buf,
				     sizeof(buf), &err),
		    NSS_STATUS_NOTFOUND);
	}
	assert_int_equal(fake.socket_calls, 0);
	(void)_nss_kanidm_getpwnam_r("kanidm-unixd2", &pw, buf, sizeof(buf), &err);
	assert_int_equal(fake.socket_calls, 1);
}

static void
the_local_file_in_question_is_the_right_one(void **state)
{
	struct passwd pw;
	struct group gr;
	int err;

	(void)state;
	memset(&fake, 0, sizeof(fake));
	fake.map = MAP_ABSENT;
	fake.socket = -ETIMEDOUT;
	assert_int_equal(_nss_kanidm_getgrnam_r("staff", &gr, buf, sizeof(buf), &err),
	    NSS_STATUS_UNAVAIL);
	assert_true(fake.asked_about_group);
	assert_int_equal(_nss_kanidm_getgrgid_r(71000, &gr, buf, sizeof(buf), &err),
	    NSS_STATUS_UNAVAIL);
	assert_true(fake.asked_about_group);
	assert_int_equal(_nss_kanidm_getpwuid_r(70001, &pw, buf, sizeof(buf), &err),
	    NSS_STATUS_UNAVAIL);
	assert_false(fake.asked_about_group);
}

/* initgroups_dyn for alice with an array of one entry; the caller frees *ret_gids. */
static enum nss_status
init(long limit, long *ret_start, gid_t **ret_gids, int *ret_err)
{
	long size = 1;

	*ret_start = 1;
	*ret_gids = malloc(sizeof(gid_t));
	(*ret_gids)[0] = 70001;
	return _nss_kanidm_initgroups_dyn("alice", 70001, ret_start, &size, ret_gids,
	    limit, ret_err);
}

static void
groups_are_added_once_up_to_the_limit(void **state)
{
	gid_t *gids;
	long n;
	int err;

	(void)state;
	memset(&fake, 0, sizeof(fake));
	fake.map = MAP_HIT;
	n_map_gids = 2000;
	for (uint32_t i = 0; i < n_map_gids; i++)
		map_gids[i] = 70001 + i; /* the first is the primary group */
	assert_int_equal(init(-1, &n, &gids, &err), NSS_STATUS_SUCCESS);
	assert_int_equal(n, 2000);
	for (long i = 0; i < n; i++)
		assert_int_equal(gids[i], 70001 + i);
	free(gids);
	assert_int_equal(init(5, &n, &gids, &err), NSS_STATUS_SUCCESS);
	assert_int_equal(n, 5);
	free(gids);
}

static void
gids_that_nobody_may_have_and_too_many_of_them_are_left_out(void **state)
{
	static const uint32_t odd[] = { (gid_t)-1, 0, 65534, 42, 27 };
	gid_t *gids;
	long n;
	int err;

	(void)state;
	memset(&fake, 0, sizeof(fake));
	fake.map = MAP_HIT;
	n_map_gids = sizeof(odd) / sizeof(odd[0]);
	memcpy(map_gids, odd, sizeof(odd));
	assert_int_equal(init(-1, &n, &gids, &err), NSS_STATUS_SUCCESS);
	assert_int_equal(n, 2);
	assert_int_equal(gids[1], 27);
	free(gids);
	/* a record that names more than a process can have does not take all memory */
	n_map_gids = 70000;
	for (uint32_t i = 0; i < n_map_gids; i++)
		map_gids[i] = 100000 + i;
	assert_int_equal(init(-1, &n, &gids, &err), NSS_STATUS_SUCCESS);
	assert_int_equal(n, 1 + 65536);
	free(gids);
}

static void
groups_come_from_the_daemon_when_the_map_has_none(void **state)
{
	gid_t *gids;
	long n;
	int err;

	(void)state;
	memset(&fake, 0, sizeof(fake));
	fake.map = MAP_ABSENT;
	assert_int_equal(init(-1, &n, &gids, &err), NSS_STATUS_SUCCESS);
	assert_int_equal(n, 2);
	assert_int_equal(gids[1], 71000);
	free(gids);
	fake.status = KU_ST_NOTFOUND;
	assert_int_equal(init(-1, &n, &gids, &err), NSS_STATUS_NOTFOUND);
	assert_int_equal(n, 1);
	free(gids);
	fake.socket = -ETIMEDOUT;
	assert_int_equal(init(-1, &n, &gids, &err), NSS_STATUS_UNAVAIL);
	assert_int_equal(n, 1);
	free(gids);
}

void *__real_realloc(void *p, size_t size);
static bool no_memory;

void *
__wrap_realloc(void *p, size_t size)
{
	if (no_memory) {
		errno = ENOMEM;
		return NULL;
	}
	return __real_realloc(p, size);
}

static void
without_memory_the_array_is_as_it_was(void **state)
{
	enum nss_status status;
	gid_t *gids;
	long n;
	int err;

	(void)state;
	memset(&fake, 0, sizeof(fake));
	n_map_gids = 3;
	map_gids[0] = 71000;
	for (int i = 0; i < 2; i++) {
		fake.map = i == 0 ? MAP_HIT : MAP_ABSENT;
		no_memory = true;
		status = init(-1, &n, &gids, &err);
		no_memory = false;
		assert_int_equal(status, NSS_STATUS_TRYAGAIN);
		assert_int_equal(err, ENOMEM);
		assert_int_equal(n, 1);
		assert_int_equal(gids[0], 70001);
		free(gids);
	}
}

static enum nss_status
next_user(uid_t *ret_uid, int *ret_err)
{
	struct passwd pw = { 0 };
	enum nss_status status;

	status = _nss_kanidm_getpwent_r(&pw, buf, sizeof(buf), ret_err);
	*ret_uid = pw.pw_uid;
	return status;
}

static void
enumeration_walks_the_map_without_setpwent(void **state)
{
	uid_t uid;
	int err;

	(void)state;
	memset(&fake, 0, sizeof(fake));
	fake.map = MAP_HIT;
	for (int round = 0; round < 2; round++) {
		for (uid_t want = 70001; want <= 70003; want++) {
			assert_int_equal(next_user(&uid, &err), NSS_STATUS_SUCCESS);
			assert_int_equal(uid, want);
		}
		assert_int_equal(next_user(&uid, &err), NSS_STATUS_NOTFOUND);
		assert_int_equal(err, ENOENT);
		assert_int_equal(next_user(&uid, &err), NSS_STATUS_NOTFOUND);
		assert_int_equal(_nss_kanidm_endpwent(), NSS_STATUS_SUCCESS);
	}
	assert_int_equal(fake.socket_calls, 0);
}

static void
a_small_buffer_does_not_lose_an_entry(void **state)
{
	uid_t uid;
	int err;

	(void)state;
	memset(&fake, 0, sizeof(fake));
	assert_int_equal(_nss_kanidm_setpwent(0), NSS_STATUS_SUCCESS);
	fake.map = MAP_RANGE;
	assert_int_equal(next_user(&uid, &err), NSS_STATUS_TRYAGAIN);
	assert_int_equal(err, ERANGE);
	fake.map = MAP_HIT;
	assert_int_equal(next_user(&uid, &err), NSS_STATUS_SUCCESS);
	assert_int_equal(uid, 70001);
	assert_int_equal(_nss_kanidm_endpwent(), NSS_STATUS_SUCCESS);
}

static void
a_map_that_vanishes_is_not_the_end_of_the_list(void **state)
{
	uid_t uid;
	int err;

	(void)state;
	memset(&fake, 0, sizeof(fake));
	fake.map = MAP_HIT;
	assert_int_equal(next_user(&uid, &err), NSS_STATUS_SUCCESS);
	fake.map = MAP_NONE;
	assert_int_equal(next_user(&uid, &err), NSS_STATUS_UNAVAIL);
	assert_int_equal(err, ENOENT);
	assert_int_equal(fake.socket_calls, 0);
	assert_int_equal(_nss_kanidm_endpwent(), NSS_STATUS_SUCCESS);
}

static void
without_a_map_the_daemon_is_walked_and_must_move_on(void **state)
{
	uid_t uid;
	int err;

	(void)state;
	memset(&fake, 0, sizeof(fake));
	fake.map = MAP_NONE;
	assert_int_equal(next_user(&uid, &err), NSS_STATUS_SUCCESS);
	assert_int_equal(uid, 70001);
	/* the same entry again: a daemon that goes round in circles */
	assert_int_equal(next_user(&uid, &err), NSS_STATUS_UNAVAIL);
	fake.status = KU_ST_NOTFOUND;
	assert_int_equal(next_user(&uid, &err), NSS_STATUS_NOTFOUND);
	/* a map that appears meanwhile is not begun in the middle */
	fake.map = MAP_HIT;
	assert_int_equal(next_user(&uid, &err), NSS_STATUS_NOTFOUND);
	assert_int_equal(_nss_kanidm_setpwent(0), NSS_STATUS_SUCCESS);
	assert_int_equal(next_user(&uid, &err), NSS_STATUS_SUCCESS);
	assert_int_equal(_nss_kanidm_endpwent(), NSS_STATUS_SUCCESS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_of_map_and_daemon_gives_its_answer),
		cmocka_unit_test(
		    what_cannot_be_a_name_or_an_id_is_answered_without_asking),
		cmocka_unit_test(a_system_group_is_asked_of_the_map_alone),
		cmocka_unit_test(the_daemons_own_account_is_not_asked_of_the_daemon),
		cmocka_unit_test(the_local_file_in_question_is_the_right_one),
		cmocka_unit_test(groups_are_added_once_up_to_the_limit),
		cmocka_unit_test(
		    gids_that_nobody_may_have_and_too_many_of_them_are_left_out),
		cmocka_unit_test(groups_come_from_the_daemon_when_the_map_has_none),
		cmocka_unit_test(without_memory_the_array_is_as_it_was),
		cmocka_unit_test(enumeration_walks_the_map_without_setpwent),
		cmocka_unit_test(a_small_buffer_does_not_lose_an_entry),
		cmocka_unit_test(a_map_that_vanishes_is_not_the_end_of_the_list),
		cmocka_unit_test(without_a_map_the_daemon_is_walked_and_must_move_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
