/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A chain that changes under a walk. The file is read through a descriptor, so that every
 * load of the walk is a pread() of its own, and the writer can be let in before each of
 * them: what two CPUs do once in a million lookups happens here at every place there is.
 */
#include "src/map/find.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "src/base/siphash.h"
#include "unit/src/map/fixture.h"

#define ALICE 5000u
#define LOADS 64u

static struct fixture *writer;
static unsigned loads, let_in_at;
static uint32_t version;

ssize_t __real_pread64(int fd, void *to, size_t n, off_t off);
ssize_t __wrap_pread64(int fd, void *to, size_t n, off_t off);

static void
next_version(struct fixture *f)
{
	version++;
	publish_user(f->p,
	    &(struct passwd_view){ .uid = ALICE,
		.gid = ALICE,
		.name = "alice@own.example",
		.gecos = version % 2 == 0 ? "even" : "odd",
		.dir = "/home/alice",
		.shell = "/bin/sh" },
	    (const char *const[]){ "alice" }, 1, FIXTURE_START + 100);
}

ssize_t
__wrap_pread64(int fd, void *to, size_t n, off_t off)
{
	if (++loads == let_in_at && writer != NULL)
		next_version(writer);
	return __real_pread64(fd, to, n, off);
}

static void
open_it(const struct fixture *f, struct map_view *v)
{
	int fd = open(f->path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_true(view_open(v, fd, (uint32_t)st.st_size));
}

/* The number of loads it took. */
static unsigned
find_while_it_changes(const struct map_view *v, const struct name *name, unsigned at)
{
	struct found found;

	loads = 0;
	let_in_at = at;
	assert_int_equal(find(v, KU_MAP_USER, name, ALICE, FIXTURE_START, &found),
	    FOUND_ENTRY);
	let_in_at = 0;
	assert_int_equal(found.id, ALICE);
	return loads;
}

static void
an_entry_that_is_replaced_on_the_way_is_not_lost(void **state)
{
	struct fixture *f = *state;
	struct map_view v;
	struct name name;
	unsigned by_name, by_id, at;

	fixture_user(f, "alice", ALICE, FIXTURE_START + 100);
	fixture_commit(f);
	open_it(f, &v);
	assert_int_equal(name_parse("alice", 5, &name), 0);
	writer = f;
	by_name = find_while_it_changes(&v, &name, 0);
	by_id = find_while_it_changes(&v, NULL, 0);
	assert_in_range(by_name, 3, LOADS);
	for (at = 1; at <= by_name; at++)
		(void)find_while_it_changes(&v, &name, at);
	for (at = 1; at <= by_id; at++)
		(void)find_while_it_changes(&v, NULL, at);
	writer = NULL;
	(void)close(v.fd);
}

/* Enumeration leaves out whose newest version is superseded: they have been removed. */
static void
who_is_replaced_on_the_way_does_not_look_removed(void **state)
{
	struct fixture *f = *state;
	struct map_view v;
	struct found found;
	unsigned needed, at;
	uint32_t was = version;

	fixture_user(f, "alice", ALICE, FIXTURE_START + 100);
	fixture_commit(f);
	open_it(f, &v);
	loads = 0;
	assert_true(find_newest(&v, KU_MAP_USER, ALICE, &found));
	needed = loads;
	assert_in_range(needed, 2, LOADS);
	writer = f;
	for (at = 1; at <= needed; at++) {
		loads = 0;
		let_in_at = at;
		assert_true(find_newest(&v, KU_MAP_USER, ALICE, &found));
		let_in_at = 0;
		assert_int_equal(version, was + at);
		assert_false(found.superseded);
	}
	writer = NULL;
	publish_remove(f->p, PUBLISH_USER, ALICE);
	assert_true(find_newest(&v, KU_MAP_USER, ALICE, &found));
	assert_true(found.superseded);
	(void)close(v.fd);
}

/* The word of the file that holds `value`, to be changed. */
static void
change_word(const struct fixture *f, uint32_t value)
{
	int fd = open(f->path, O_RDWR | O_CLOEXEC);
	struct stat st;
	uint32_t *words;
	size_t i;

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	words = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_true(words != MAP_FAILED);
	for (i = 0; i < (size_t)st.st_size / 4 && words[i] != value; i++)
		;
	assert_true(i < (size_t)st.st_size / 4);
	words[i] ^= 1;
	(void)munmap(words, (size_t)st.st_size);
	(void)close(fd);
}

static void
half_a_hash_makes_nobody_unknown(void **state)
{
	struct fixture *f = *state;
	struct siphash_key key;
	struct found found;
	struct map_view v;
	struct name name;

	fixture_commit(f);
	publish_negative(f->p, PUBLISH_USER, "nobody-here", 0, FIXTURE_START + 60);
	open_it(f, &v);
	key = (struct siphash_key){ v.seed[0], v.seed[1] };
	assert_int_equal(name_parse("nobody-here", 11, &name), 0);
	assert_int_equal(find(&v, KU_MAP_USER, &name, 0, FIXTURE_START, &found),
	    FOUND_NEGATIVE);
	change_word(f, (uint32_t)siphash13(&key, "nobody-here", 11));
	assert_int_equal(find(&v, KU_MAP_USER, &name, 0, FIXTURE_START, &found),
	    FOUND_NOTHING);
	(void)close(v.fd);
}

static void
write_word(const struct fixture *f, uint32_t off, uint32_t value)
{
	int fd = open(f->path, O_WRONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, &value, sizeof(value), (off_t)off), sizeof(value));
	(void)close(fd);
}

/* There is a limit of steps as well, so "it ends" would not show this. */
static void
a_chain_is_not_followed_upwards(void **state)
{
	struct fixture *f = *state;
	struct found low, high, found;
	struct siphash_key key;
	struct map_view v;
	struct name name;
	uint32_t head;

	fixture_user(f, "alice", ALICE, FIXTURE_START + 100);
	fixture_user(f, "bob", ALICE + 1, FIXTURE_START + 100);
	fixture_commit(f);
	open_it(f, &v);
	assert_int_equal(find(&v, KU_MAP_USER, NULL, ALICE, FIXTURE_START, &low),
	    FOUND_ENTRY);
	assert_int_equal(name_parse("bob", 3, &name), 0);
	assert_int_equal(find(&v, KU_MAP_USER, &name, 0, FIXTURE_START, &high),
	    FOUND_ENTRY);
	assert_true(low.off < high.off);
	key = (struct siphash_key){ v.seed[0], v.seed[1] };
	head = v.table[KU_MAP_USER_NAME].off +
	    4 * ku_map_bucket(siphash13(&key, "bob", 3), v.table[KU_MAP_USER_NAME].n);
	write_word(f, head, low.off);
	write_word(f, low.off + KU_MAP_E_NEXT_NAME * 4, high.off);
	assert_int_equal(find(&v, KU_MAP_USER, &name, 0, FIXTURE_START, &found),
	    FOUND_NOTHING);
	(void)close(v.fd);
}

/* Downwards, but without end for somebody who waits. */
static void
a_chain_is_followed_for_so_many_steps_only(void **state)
{
	struct fixture *f = *state;
	struct siphash_key key;
	struct found found;
	struct map_view v;
	struct name first;
	char text[16];
	uint32_t head, off = 0;

	for (uint32_t i = 0; i < KU_MAP_MAX_CHAIN + 2; i++) {
		(void)snprintf(text, sizeof(text), "u%u", i);
		fixture_user(f, text, ALICE + i, FIXTURE_START + 100);
	}
	fixture_commit(f);
	open_it(f, &v);
	for (uint32_t i = 0; i < KU_MAP_MAX_CHAIN + 2; i++) {
		assert_int_equal(find(&v, KU_MAP_USER, NULL, ALICE + i, FIXTURE_START,
				     &found),
		    FOUND_ENTRY);
		write_word(f, found.off + KU_MAP_E_NEXT_NAME * 4, off);
		off = found.off;
		if (i + 1 != KU_MAP_MAX_CHAIN && i != KU_MAP_MAX_CHAIN)
			continue;
		/* so long is good, one more is not */
		assert_int_equal(name_parse("u0", 2, &first), 0);
		key = (struct siphash_key){ v.seed[0], v.seed[1] };
		head = v.table[KU_MAP_USER_NAME].off +
		    4 *
			ku_map_bucket(siphash13(&key, "u0", 2),
			    v.table[KU_MAP_USER_NAME].n);
		write_word(f, head, off);
		assert_int_equal(find(&v, KU_MAP_USER, &first, 0, FIXTURE_START, &found),
		    i + 1 == KU_MAP_MAX_CHAIN ? FOUND_ENTRY : FOUND_NOTHING);
	}
	(void)close(v.fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    an_entry_that_is_replaced_on_the_way_is_not_lost, fixture_setup,
		    fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    who_is_replaced_on_the_way_does_not_look_removed, fixture_setup,
		    fixture_teardown),
		cmocka_unit_test_setup_teardown(a_chain_is_not_followed_upwards,
		    fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    a_chain_is_followed_for_so_many_steps_only, fixture_setup,
		    fixture_teardown),
		cmocka_unit_test_setup_teardown(half_a_hash_makes_nobody_unknown,
		    fixture_setup, fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
