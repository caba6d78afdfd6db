/* SPDX-License-Identifier: MPL-2.0 */
/*
 * How long the loop is kept at a hundred thousand accounts, counted in work: the clock moves
 * by what is done, a microsecond for each hash, each search in an index and each page that
 * is unmapped, twenty for each block of the file. So the answer does not depend on the
 * machine, and work that never looks at the clock cannot hide.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

#include <cmocka.h>

#include "src/base/deadline.h"
#include "src/base/siphash.h"
#include "src/unixd/core/loop.h"
#include "src/unixd/publish/index.h"
#include "src/unixd/publish/publish.h"
#include "unit/src/map/fixture.h"

#define ACCOUNTS 100000u
#define FIRST    100000u
#define LATER    (FIXTURE_START + 800)
#define STEP_NS  INT64_C(1000)
#define BLOCK_NS INT64_C(20000)
#define MOST_NS  (2 * CLOCK_MS)

static int64_t work_ns;
static struct loop *loop;

int64_t __wrap_clock_mono_ns(void);
uint64_t __wrap_siphash13(const struct siphash_key *key, const void *data, size_t len);
uint64_t __real_siphash13(const struct siphash_key *key, const void *data, size_t len);
struct index_entry *__wrap_index_from(const struct index *ix, uint32_t id);
struct index_entry *__real_index_from(const struct index *ix, uint32_t id);
ssize_t __wrap_write(int fd, const void *data, size_t len);
ssize_t __real_write(int fd, const void *data, size_t len);
int __wrap_munmap(void *addr, size_t len);
int __real_munmap(void *addr, size_t len);

int64_t
__wrap_clock_mono_ns(void)
{
	return work_ns;
}

uint64_t
__wrap_siphash13(const struct siphash_key *key, const void *data, size_t len)
{
	work_ns += STEP_NS;
	return __real_siphash13(key, data, len);
}

struct index_entry *
__wrap_index_from(const struct index *ix, uint32_t id)
{
	work_ns += STEP_NS;
	return __real_index_from(ix, id);
}

/* What other threads do keeps nobody waiting. */
static void
work(int64_t ns)
{
	if (gettid() == getpid())
		work_ns += ns;
}

ssize_t
__wrap_write(int fd, const void *data, size_t len)
{
	work(BLOCK_NS);
	return __real_write(fd, data, len);
}

int
__wrap_munmap(void *addr, size_t len)
{
	work((int64_t)(len / 4096) * STEP_NS);
	return __real_munmap(addr, len);
}

static int
setup(void **state)
{
	struct fixture *f;

	if (fixture_setup(state) != 0 || loop_new(&loop) != 0)
		return -1;
	f = *state;
	publish_use_loop(f->p, loop);
	return 0;
}

static int
teardown(void **state)
{
	int r = fixture_teardown(state);

	loop = loop_free(loop);
	return r;
}

static void
publish_person(struct fixture *f, uint32_t id, unsigned version)
{
	uint32_t gids[] = { 50001, 50002, 50003, 50004, 50005, 50006, 50007, 50008 };
	char name[16], gecos[32];
	const char *key = name;
	struct passwd_view v = { id, id, name, gecos, "/home/x", "/bin/sh", 8, gids,
		false };
	struct group_view g = { .gid = id, .name = name };

	(void)snprintf(name, sizeof(name), "p%u", id);
	(void)snprintf(gecos, sizeof(gecos), "version %u", version);
	publish_user(f->p, &v, &key, 1, LATER);
	publish_group(f->p, &g, &key, 1, LATER);
}

static void
publish_everybody(struct fixture *f)
{
	for (uint32_t i = 0; i < ACCOUNTS; i++)
		publish_person(f, FIRST + 2 * i, 0);
	fixture_commit(f);
}

static size_t
generations(struct fixture *f)
{
	struct publish_stats stats;

	publish_stats(f->p, &stats);
	return stats.generations;
}

/* One turn of the loop's timers; how much work it was. */
static int64_t
turn(struct fixture *f)
{
	int64_t before = work_ns, next = timers_next(&f->ts);

	assert_true(next >= 0);
	if (next > f->ts.now.mono_ns)
		f->ts.now.mono_ns = next;
	timers_run(&f->ts);
	return work_ns - before;
}

static void
a_new_generation_keeps_nobody_for_two_milliseconds(void **state)
{
	struct fixture *f = *state;
	unsigned turns = 0, n = 0;

	fixture_local(f, "root:x:0:0::/:\n", "", NULL);
	publish_everybody(f);
	for (uint32_t i = 0; i < 1024; i++)
		publish_negative(f->p, PUBLISH_USER, NULL, 5000 + i, LATER);
	fixture_want_generation(f);
	fixture_pass(f, 1);
	while (generations(f) == 1) {
		int64_t took = turn(f);

		assert_in_range(took, 0, MOST_NS);
		turns++;
		/* New ones everywhere: they are what has to be caught up with. */
		for (; n < 30 * turns && n < 6000; n++)
			publish_person(f, FIRST + 1 + 2 * ((n * 7919) % ACCOUNTS), n);
	}
	assert_int_equal(n, 6000);
	assert_true(turns > 200);
	assert_int_equal(ask_uid(&f->m, FIRST), MAP_HIT);
	assert_int_equal(ask_uid(&f->m, FIRST + 2 * (ACCOUNTS - 1)), MAP_HIT);
	assert_int_equal(ask_uid(&f->m, 5000 + 1023), MAP_NEGATIVE);
	for (uint32_t i = 0; i < n; i++)
		assert_int_equal(ask_gid(&f->m, FIRST + 1 + 2 * ((i * 7919) % ACCOUNTS)),
		    MAP_HIT);
	publish_clear(f->p);
}

/* A start, at which lookups are answered already. */
static void
nor_does_the_first_one(void **state)
{
	struct fixture *f = *state;
	struct publish_stats stats;
	unsigned turns = 0;

	fixture_local(f, "root:x:0:0::/:\n", "", NULL);
	for (uint32_t i = 0; i < ACCOUNTS; i++)
		publish_person(f, FIRST + 2 * i, 0);
	publish_begin(f->p);
	for (; generations(f) == 0; turns++) {
		assert_int_equal(ask_uid(&f->m, FIRST), MAP_NONE);
		assert_in_range(turn(f), 0, MOST_NS);
		publish_person(f, FIRST + 1 + 2 * turns, 1);
	}
	assert_true(turns > 200);
	publish_stats(f->p, &stats);
	assert_int_equal(stats.users, ACCOUNTS + turns);
	for (uint32_t i = 0; i < ACCOUNTS; i++)
		assert_int_equal(ask_uid(&f->m, FIRST + 2 * i), MAP_HIT);
	for (uint32_t i = 0; i < turns; i++)
		assert_int_equal(ask_gid(&f->m, FIRST + 1 + 2 * i), MAP_HIT);
	publish_clear(f->p);
}

static void
a_first_one_that_is_cleared_is_begun_anew(void **state)
{
	struct fixture *f = *state;

	for (uint32_t i = 0; i < ACCOUNTS / 10; i++)
		publish_person(f, FIRST + 2 * i, 0);
	publish_begin(f->p);
	for (unsigned i = 0; i < 10; i++)
		(void)turn(f);
	assert_int_equal(generations(f), 0);
	publish_clear(f->p);
	publish_person(f, FIRST + 1, 0);
	while (generations(f) == 0)
		assert_in_range(turn(f), 0, MOST_NS);
	assert_int_equal(ask_uid(&f->m, FIRST + 1), MAP_HIT);
	assert_int_not_equal(ask_uid(&f->m, FIRST), MAP_HIT);
}

static void
neither_does_one_that_cannot_be_made(void **state)
{
	struct fixture *f = *state;
	char moved[96];

	publish_everybody(f);
	(void)snprintf(moved, sizeof(moved), "%s.away", f->dir);
	fixture_want_generation(f);
	assert_int_equal(rename(f->dir, moved), 0);
	fixture_pass(f, 1);
	for (unsigned i = 0; i < 4; i++)
		assert_in_range(turn(f), 0, MOST_NS);
	assert_non_null(publish_trouble(f->p));
	assert_int_equal(rename(moved, f->dir), 0);
	while (generations(f) == 1)
		assert_in_range(turn(f), 0, MOST_NS);
	assert_null(publish_trouble(f->p));
}

/* A local account, a heartbeat, one change, a cache-clear: each for itself. */
static void
events_cost_the_same_at_any_size(void **state)
{
	struct fixture *f = *state;
	int64_t before;

	publish_everybody(f);
	before = work_ns;
	fixture_local(f, "root:x:0:0::/:\nnew:x:1000:1000::/:\np100002:x:1001:1::/:\n",
	    "", NULL);
	publish_lease(f->p, fixture_now, 0);
	publish_person(f, FIRST + 8, 1);
	publish_remove(f->p, PUBLISH_USER, FIRST + 10);
	assert_in_range(work_ns - before, 1, MOST_NS / 10);
	assert_int_equal(ask_user(&f->m, "p100002"), MAP_LOCAL);
	assert_int_equal(generations(f), 1);
	before = work_ns;
	publish_clear(f->p);
	assert_in_range(work_ns - before, 1, MOST_NS);
	assert_int_equal(ask_uid(&f->m, FIRST), MAP_ABSENT);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_new_generation_keeps_nobody_for_two_milliseconds),
		T(nor_does_the_first_one),
		T(a_first_one_that_is_cleared_is_begun_anew),
		T(neither_does_one_that_cannot_be_made),
		T(events_cost_the_same_at_any_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
