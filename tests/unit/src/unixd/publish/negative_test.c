/* SPDX-License-Identifier: MPL-2.0 */
/* Names that nobody has: how long the map says so, how many, and that it never tells the text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "ku/map.h"
#include "src/base/siphash.h"
#include "src/unixd/publish/publish.h"
#include "unit/src/map/fixture.h"

#define LATER (FIXTURE_START + 800)

/* Occurrences of a word in the file. */
static unsigned
words_like(const struct fixture *f, uint32_t value)
{
	FILE *file = fopen(f->path, "r");
	uint32_t word;
	unsigned n = 0;

	assert_non_null(file);
	while (fread(&word, sizeof(word), 1, file) == 1)
		n += word == value;
	(void)fclose(file);
	return n;
}

/* What somebody typed cannot be guessed at for longer than it counts. */
static void
the_hash_of_a_negative_goes_when_it_has_run_out(void **state)
{
	struct fixture *f = *state;
	struct siphash_key key;
	uint64_t seen, gone;

	fixture_commit(f);
	key.k0 = header_get(f, KU_MAP_H_SEED) |
	    (uint64_t)header_get(f, KU_MAP_H_SEED + 1) << 32;
	key.k1 = header_get(f, KU_MAP_H_SEED + 2) |
	    (uint64_t)header_get(f, KU_MAP_H_SEED + 3) << 32;
	seen = siphash13(&key, "hunter2", 7);
	gone = siphash13(&key, "swordfish", 9);
	publish_negative(f->p, PUBLISH_USER, "hunter2", 0, fixture_now + 60);
	publish_negative(f->p, PUBLISH_USER, "swordfish", 0, fixture_now + 30);
	assert_int_equal(words_like(f, (uint32_t)seen), 1);
	assert_int_equal(words_like(f, (uint32_t)gone), 1);
	fixture_pass(f, 30);
	publish_lease(f->p, fixture_now, 0);
	assert_int_equal(words_like(f, (uint32_t)seen), 1);
	assert_int_equal(words_like(f, (uint32_t)(seen >> 32)), 1);
	assert_int_equal(words_like(f, (uint32_t)gone), 0);
	assert_int_equal(words_like(f, (uint32_t)(gone >> 32)), 0);
	assert_int_equal(ask_user(&f->m, "hunter2"), MAP_NEGATIVE);
	assert_int_equal(ask_user(&f->m, "swordfish"), MAP_ABSENT);
	publish_negatives_clear(f->p);
	assert_int_equal(words_like(f, (uint32_t)seen), 0);
}

static void
at_most_a_thousand_negatives_are_kept(void **state)
{
	struct fixture *f = *state;
	struct publish_stats stats;
	char name[32];
	unsigned there = 0;

	fixture_commit(f);
	for (unsigned i = 0; i < 1500; i++) {
		(void)snprintf(name, sizeof(name), "n%u", i);
		publish_negative(f->p, PUBLISH_USER, name, 0, FIXTURE_START + 60);
	}
	publish_stats(f->p, &stats);
	assert_int_equal(stats.negatives, 1024);
	for (unsigned i = 0; i < 1500; i++) {
		(void)snprintf(name, sizeof(name), "n%u", i);
		if (ask_user(&f->m, name) == MAP_NEGATIVE) {
			assert_true(i >= 1500 - 1024);
			there++;
		}
	}
	assert_int_equal(there, 1024);
	/* They are carried over, and a new generation has room again. */
	fixture_generation(f);
	assert_int_equal(ask_user(&f->m, "n1499"), MAP_NEGATIVE);
	publish_negatives_clear(f->p);
	assert_int_equal(ask_user(&f->m, "n1499"), MAP_ABSENT);
	publish_stats(f->p, &stats);
	assert_int_equal(stats.negatives, 0);
}

static void
the_text_of_an_unknown_name_is_not_in_the_file(void **state)
{
	static const char secret[] = "hunter2-typed-at-the-login-prompt";
	struct fixture *f = *state;
	struct publish_stats stats;
	struct stat st;
	char *bytes;
	FILE *fp;

	fixture_commit(f);
	publish_negative(f->p, PUBLISH_USER, secret, 0, FIXTURE_START + 60);
	publish_negative(f->p, PUBLISH_USER, "Not A Name!", 0, FIXTURE_START + 60);
	publish_negative(f->p, PUBLISH_USER, "01234567-89ab-cdef-0123-456789abcdef", 0,
	    FIXTURE_START + 60);
	publish_stats(f->p, &stats);
	assert_int_equal(stats.negatives, 1);
	assert_int_equal(ask_user(&f->m, secret), MAP_NEGATIVE);
	assert_int_equal(stat(f->path, &st), 0);
	bytes = malloc((size_t)st.st_size);
	fp = fopen(f->path, "r");
	assert_non_null(fp);
	assert_int_equal(fread(bytes, 1, (size_t)st.st_size, fp), (size_t)st.st_size);
	(void)fclose(fp);
	assert_null(memmem(bytes, (size_t)st.st_size, "hunter2", 7));
	free(bytes);
}

static void
a_negative_for_a_name_that_waits_ends_with_the_wait(void **state)
{
	struct fixture *f = *state;

	fixture_group(f, "olds", 6000, NULL, 0, LATER);
	fixture_commit(f);
	fixture_group(f, "news", 6000, NULL, 0, LATER);
	publish_negative(f->p, PUBLISH_GROUP, "news", 0, LATER);
	fixture_pass(f, 2);
	publish_lease(f->p, fixture_now, 0);
	assert_int_equal(ask_group(&f->m, "news"), MAP_HIT);
	fixture_generation(f);
	assert_int_equal(ask_group(&f->m, "news"), MAP_HIT);
}

static void
a_negative_for_somebody_who_is_there_is_ignored(void **state)
{
	struct fixture *f = *state;

	fixture_user(f, "alice", 5000, LATER);
	fixture_commit(f);
	publish_negative(f->p, PUBLISH_USER, "alice", 0, LATER);
	publish_negative(f->p, PUBLISH_USER, "alice@own.example", 0, LATER);
	publish_negative(f->p, PUBLISH_USER, NULL, 5000, LATER);
	assert_int_equal(ask_user(&f->m, "alice"), MAP_HIT);
	assert_int_equal(ask_uid(&f->m, 5000), MAP_HIT);
}

#define T(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(the_hash_of_a_negative_goes_when_it_has_run_out),
		T(at_most_a_thousand_negatives_are_kept),
		T(the_text_of_an_unknown_name_is_not_in_the_file),
		T(a_negative_for_a_name_that_waits_ends_with_the_wait),
		T(a_negative_for_somebody_who_is_there_is_ignored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
