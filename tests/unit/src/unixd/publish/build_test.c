/* SPDX-License-Identifier: MPL-2.0 */
/* When a new generation is made, what is in it, and what happens when it cannot be. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "ku/map.h"
#include "src/unixd/publish/state.h"
#include "unit/src/map/fixture.h"

#define LATER (FIXTURE_START + 800)

static size_t
generations(struct fixture *f)
{
	struct publish_stats stats;

	publish_stats(f->p, &stats);
	return stats.generations;
}

/* Different contents each time, so that each is a new version. */
static void
change(struct fixture *f, uint32_t id, unsigned version)
{
	static char gecos[40001];
	char name[16];
	const char *key = name;
	struct passwd_view v = { id, id, name, gecos, "/", "/bin/sh", 0, NULL, false };

	(void)snprintf(name, sizeof(name), "p%u", id);
	memset(gecos, 'a' + (int)(version % 26), 2000);
	gecos[2000] = '\0';
	publish_user(f->p, &v, &key, 1, LATER);
}

static void
a_full_file_is_followed_by_another_but_not_within_ten_seconds(void **state)
{
	struct fixture *f = *state;
	unsigned version = 0;

	change(f, 5000, version);
	fixture_user(f, "alice", 5001, LATER);
	fixture_commit(f);
	for (int i = 0; i < 400; i++)
		change(f, 5000, ++version);
	/* No room: what is newer than the file is not found in it, the rest is. */
	assert_int_equal(ask_uid(&f->m, 5000), MAP_ABSENT);
	assert_int_equal(ask_user(&f->m, "alice"), MAP_HIT);
	fixture_pass(f, 9);
	publish_lease(f->p, fixture_now, 0);
	assert_int_equal(generations(f), 1);
	assert_int_equal(publish_commit(f->p), 0);
	assert_int_equal(generations(f), 1);
	assert_null(publish_trouble(f->p));
	fixture_pass(f, 1);
	fixture_settle(f);
	assert_int_equal(generations(f), 2);
	assert_int_equal(ask_uid(&f->m, 5000), MAP_HIT);
	assert_int_equal(asked_pw.pw_gecos[0], 'a' + (int)(version % 26));
	assert_int_equal(ask_user(&f->m, "alice"), MAP_HIT);
}

static void
half_of_it_garbage_is_enough_for_another(void **state)
{
	struct fixture *f = *state;
	uint32_t area, used;
	unsigned version = 0;

	change(f, 5000, version);
	fixture_commit(f);
	area = f->p->cur.len - f->p->cur.data;
	do {
		change(f, 5000, ++version);
		used = f->p->cur.used - f->p->cur.data;
	} while (used < area / 2 + 3 * 2056);
	assert_true(used < area / 4 * 3);
	fixture_pass(f, 10);
	fixture_settle(f);
	assert_int_equal(generations(f), 2);
}

static void
more_names_than_heads_make_another(void **state)
{
	struct fixture *f = *state;
	uint32_t n, id = 5000;

	fixture_commit(f);
	n = f->p->cur.n_heads[0];
	while (id <= 5000 + n) {
		char name[16];

		(void)snprintf(name, sizeof(name), "p%u", id);
		fixture_user(f, name, id, LATER);
		id++;
	}
	assert_int_equal(f->p->cur.garbage, 0);
	assert_true(
	    f->p->cur.used - f->p->cur.data < (f->p->cur.len - f->p->cur.data) / 2);
	fixture_pass(f, 10);
	fixture_settle(f);
	assert_int_equal(generations(f), 2);
}

static void
it_grows_with_what_is_in_it(void **state)
{
	struct fixture *f = *state;
	struct publish_stats stats;

	fixture_commit(f);
	for (uint32_t id = 5000; id < 6000; id++)
		change(f, id, id);
	fixture_pass(f, 10);
	publish_lease(f->p, fixture_now, 0);
	fixture_settle(f);
	publish_stats(f->p, &stats);
	assert_int_equal(stats.users, 1000);
	assert_true(stats.bytes >= 2u * 1000 * 2056);
	for (uint32_t id = 5000; id < 6000; id++) {
		assert_int_equal(ask_uid(&f->m, id), MAP_HIT);
		assert_int_equal(asked_pw.pw_gecos[1999], 'a' + (int)(id % 26));
	}
	assert_int_equal(stats.generations, 2);
}

/* Slices by hand: something happens after each one. */
static void
what_happens_during_a_build_is_in_the_new_generation(void **state)
{
	struct fixture *f = *state;
	unsigned slices = 0, n = 0;
	char name[16];

	for (uint32_t id = 5000; id < 25000; id += 2) {
		(void)snprintf(name, sizeof(name), "p%u", id);
		fixture_user(f, name, id, LATER);
	}
	fixture_group(f, "staff", 6000, NULL, 0, LATER);
	fixture_commit(f);
	fixture_want_generation(f);
	fixture_pass(f, 2);
	publish_lease(f->p, fixture_now, 0);
	while (generations(f) == 1) {
		int64_t next = timers_next(&f->ts);

		assert_true(next >= 0);
		f->ts.now.mono_ns = next;
		timers_run(&f->ts);
		slices++;
		if (generations(f) > 1 || n == 50)
			continue;
		/* New ones before and behind wherever it is, a change, a removal. */
		for (uint32_t where = 0; where < 10; where++) {
			uint32_t id = 5000 + where * 2000 + 2 * n;

			(void)snprintf(name, sizeof(name), "p%u", id + 1);
			fixture_user(f, name, id + 1, LATER);
			change(f, id, n);
			publish_remove(f->p, PUBLISH_USER, id + 1000);
			publish_touch(f->p, PUBLISH_USER, id + 1100, fixture_now + 777);
		}
		publish_negative(f->p, PUBLISH_USER, NULL, 100000 + n, LATER);
		n++;
	}
	assert_true(slices > 1);
	assert_true(n > 0);
	for (uint32_t k = 0; k < n; k++) {
		for (uint32_t where = 0; where < 10; where++) {
			uint32_t id = 5000 + where * 2000 + 2 * k;

			assert_int_equal(ask_uid(&f->m, id + 1), MAP_HIT);
			assert_int_equal(ask_uid(&f->m, id), MAP_HIT);
			assert_int_equal(asked_pw.pw_gecos[0], 'a' + (int)(k % 26));
			assert_int_equal(ask_uid(&f->m, id + 1000), MAP_ABSENT);
			assert_int_equal(ask_uid(&f->m, id + 1100), MAP_HIT);
		}
		assert_int_equal(ask_uid(&f->m, 100000 + k), MAP_NEGATIVE);
	}
}

/* Wherever a record is: in the file, in the next one, waiting for its second, or on its
 * way there. */
static void
after_all_is_stale_nothing_is_fresh_in_this_generation_or_the_next(void **state)
{
	struct fixture *f = *state;
	static const char *const more[] = { "bob" };
	unsigned slices = 0, before;
	char name[16];

	for (uint32_t id = 5000; id < 15000; id++) {
		(void)snprintf(name, sizeof(name), "p%u", id);
		fixture_user(f, name, id, LATER);
	}
	fixture_group(f, "staff", 16000, NULL, 0, LATER);
	publish_all_stale(f->p);
	fixture_commit(f);
	assert_int_equal(ask_uid(&f->m, 5000), MAP_STALE);
	assert_int_equal(ask_group(&f->m, "staff"), MAP_STALE);
	for (uint32_t at = 0; at < 4; at++) {
		for (uint32_t id = 5000; id < 15000; id += 100)
			publish_touch(f->p, PUBLISH_USER, id, LATER);
		fixture_group(f, "staff", 16000, more, at % 2, LATER);
		publish_negative(f->p, PUBLISH_USER, NULL, 100000, LATER);
		fixture_want_generation(f);
		fixture_pass(f, 11);
		publish_lease(f->p, fixture_now, 0);
		before = (unsigned)generations(f);
		for (unsigned k = 0; generations(f) == before; k++) {
			int64_t next = timers_next(&f->ts);

			assert_true(next >= 0);
			f->ts.now.mono_ns = next;
			timers_run(&f->ts);
			slices++;
			if (k != at)
				continue;
			assert_int_equal(ask_uid(&f->m, 5100), MAP_HIT);
			fixture_group(f, "staff", 16000, more, 1 - at % 2, LATER);
			publish_all_stale(f->p);
			assert_int_equal(ask_uid(&f->m, 5100), MAP_STALE);
		}
		fixture_settle(f);
		for (uint32_t id = 5000; id < 15000; id += 50)
			assert_int_equal(ask_uid(&f->m, id), MAP_STALE);
		assert_int_equal(ask_group(&f->m, "staff"), MAP_STALE);
		assert_int_equal(ask_uid(&f->m, 100000), MAP_NEGATIVE);
	}
	assert_true(slices > 8);
}

static void
a_file_that_was_removed_is_made_again(void **state)
{
	struct fixture *f = *state;

	fixture_user(f, "alice", 5000, LATER);
	fixture_commit(f);
	assert_int_equal(unlink(f->path), 0);
	fixture_pass(f, 10);
	publish_lease(f->p, fixture_now, 0);
	fixture_settle(f);
	assert_int_equal(ask_user(&f->m, "alice"), MAP_HIT);
	/* But one that was taken back stays away. */
	assert_int_equal(publish_withdraw_path(f->path), 0);
	fixture_pass(f, 10);
	publish_lease(f->p, fixture_now, 0);
	fixture_settle(f);
	assert_int_equal(access(f->path, F_OK), -1);
}

static void
no_directory_is_trouble_that_ends(void **state)
{
	struct fixture *f = *state;
	char moved[96];

	(void)snprintf(moved, sizeof(moved), "%s.away", f->dir);
	assert_int_equal(rename(f->dir, moved), 0);
	fixture_user(f, "alice", 5000, LATER);
	assert_int_equal(publish_commit(f->p), -ENOENT);
	assert_non_null(strstr(publish_trouble(f->p), "No such file or directory"));
	assert_int_equal(publish_commit(f->p), -ENOENT);
	assert_int_equal(rename(moved, f->dir), 0);
	fixture_pass(f, 10);
	publish_lease(f->p, fixture_now, 0);
	fixture_settle(f);
	assert_null(publish_trouble(f->p));
	assert_int_equal(ask_user(&f->m, "alice"), MAP_HIT);
}

static void
generations_are_counted_by_the_hour(void **state)
{
	struct fixture *f = *state;
	struct publish_stats stats;

	for (unsigned i = 0; i < 90; i++) {
		fixture_generation(f);
		fixture_pass(f, 60);
	}
	publish_stats(f->p, &stats);
	assert_int_equal(stats.generations, 90);
	assert_in_range(stats.generations_hour, 59, 60);
	fixture_pass(f, 1800);
	publish_stats(f->p, &stats);
	assert_in_range(stats.generations_hour, 29, 30);
	fixture_pass(f, 7200);
	publish_stats(f->p, &stats);
	assert_int_equal(stats.generations_hour, 0);
}

static int
live_without_space(struct fixture *f)
{
	char path[128];
	size_t len = 900 * 1024;
	void *ballast = calloc(1, len);
	FILE *fp;

	if (unshare(CLONE_NEWNS) != 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mount("none", f->dir, "tmpfs", 0, "size=1536k,mode=755") != 0)
		return 77;
	change(f, 5000, 1);
	fixture_user(f, "alice", 5001, LATER);
	fixture_commit(f);
	(void)snprintf(path, sizeof(path), "%s/ballast", f->dir);
	fp = fopen(path, "w");
	if (fp == NULL || fwrite(ballast, 1, len, fp) != len || fclose(fp) != 0)
		return 1;
	for (unsigned i = 2; i < 400; i++)
		change(f, 5000, i);
	fixture_user(f, "bob", 5002, LATER);
	/* Its new version does not fit in the old file, and a larger one does not fit. */
	for (uint32_t id = 6000; id < 6200; id++)
		change(f, id, id);
	fixture_pass(f, 10);
	publish_lease(f->p, fixture_now, 0);
	fixture_pass(f, 1);
	for (int i = 0; i < 500; i++) {
		f->ts.now.mono_ns += CLOCK_MS;
		timers_run(&f->ts);
	}
	if (publish_trouble(f->p) == NULL || generations(f) != 1)
		return 2;
	if (ask_uid(&f->m, 5000) != MAP_ABSENT || ask_uid(&f->m, 6000) != MAP_ABSENT)
		return 3;
	if (ask_user(&f->m, "alice") != MAP_HIT)
		return 4;
	/* No file of an attempt is left to fill the rest. */
	(void)snprintf(path, sizeof(path), "%s/nss.map.new", f->dir);
	if (access(path, F_OK) == 0)
		return 5;
	(void)snprintf(path, sizeof(path), "%s/ballast", f->dir);
	if (unlink(path) != 0)
		return 6;
	fixture_pass(f, 10);
	publish_lease(f->p, fixture_now, 0);
	fixture_settle(f);
	if (publish_trouble(f->p) != NULL || ask_uid(&f->m, 5000) != MAP_HIT ||
	    asked_pw.pw_gecos[0] != 'a' + 399 % 26 || ask_user(&f->m, "bob") != MAP_HIT ||
	    ask_uid(&f->m, 6199) != MAP_HIT)
		return 7;
	free(ballast);
	return 0;
}

/* In a child with a mount namespace of its own; needs root. */
static void
without_space_the_old_file_goes_on_and_changes_are_asked_for(void **state)
{
	struct fixture *f = *state;
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(live_without_space(f));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(status, 0);
}

static void
the_same_settings_need_no_new_generation(void **state)
{
	struct fixture *f = *state;

	fixture_commit(f);
	publish_reconfigure(f->p, &f->settings);
	fixture_settle(f);
	assert_int_equal(publish_commit(f->p), 0);
	assert_int_equal(generations(f), 1);
	fixture_want_generation(f);
	fixture_settle(f);
	assert_int_equal(generations(f), 2);
}

#define T(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

/* Readers refuse them, too; what is not there cannot be believed by anybody. */
static void
a_system_account_is_not_published(void **state)
{
	struct fixture *f = *state;
	struct publish_stats stats;

	fixture_user(f, "low", 999, LATER);
	fixture_user(f, "alice", 1000, LATER);
	fixture_commit(f);
	publish_stats(f->p, &stats);
	assert_int_equal(stats.users, 1);
	fixture_user(f, "zero", 0, LATER);
	publish_stats(f->p, &stats);
	assert_int_equal(stats.users, 1);
}

/* Behind the entry it would be hidden only for as long as the entry stands there. */
static void
a_negative_does_not_come_back_when_its_entry_goes(void **state)
{
	struct fixture *f = *state;

	fixture_commit(f);
	publish_negative(f->p, PUBLISH_USER, "alice", 0, fixture_now + 60);
	publish_negative(f->p, PUBLISH_USER, NULL, 5000, fixture_now + 60);
	assert_int_equal(ask_user(&f->m, "alice"), MAP_NEGATIVE);
	fixture_user(f, "alice", 5000, LATER);
	publish_remove(f->p, PUBLISH_USER, 5000);
	assert_int_equal(ask_user(&f->m, "alice"), MAP_ABSENT);
	assert_int_equal(ask_uid(&f->m, 5000), MAP_ABSENT);
}

static void
a_group_waits_for_the_whole_of_its_second(void **state)
{
	const char *const members[] = { "alice", "bob" };
	struct fixture *f = *state;

	fixture_commit(f);
	fixture_group(f, "staff", 6000, NULL, 0, LATER);
	fixture_group(f, "staff", 6000, members, 1, LATER);
	f->ts.now.mono_ns += 900000000;
	fixture_group(f, "staff", 6000, members, 2, LATER);
	assert_int_equal(ask_group(&f->m, "staff"), MAP_HIT);
	assert_null(asked_gr.gr_mem[0]);
}

static void
there_is_room_for_twice_what_is_there(void **state)
{
	struct fixture *f = *state;
	char name[16];
	uint32_t data;

	for (uint32_t i = 0; i < 2000; i++) {
		(void)snprintf(name, sizeof(name), "u%u", i);
		fixture_user(f, name, 5000 + i, FIXTURE_START + 100);
		fixture_group(f, name, 5000 + i, NULL, 0, FIXTURE_START + 100);
	}
	fixture_commit(f);
	for (unsigned i = 0; i < KU_MAP_N_TABLES; i++)
		assert_true(header_get(f, KU_MAP_H_TABLES + 2 * i + 1) >= 4000);
	data = header_get(f, KU_MAP_H_DATA);
	assert_true(header_get(f, KU_MAP_H_LEN) - data >=
	    2 * (header_get(f, KU_MAP_H_USED) - data));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(the_same_settings_need_no_new_generation),
		T(a_full_file_is_followed_by_another_but_not_within_ten_seconds),
		T(half_of_it_garbage_is_enough_for_another),
		T(more_names_than_heads_make_another),
		T(it_grows_with_what_is_in_it),
		T(what_happens_during_a_build_is_in_the_new_generation),
		T(after_all_is_stale_nothing_is_fresh_in_this_generation_or_the_next),
		T(a_file_that_was_removed_is_made_again),
		T(no_directory_is_trouble_that_ends),
		T(generations_are_counted_by_the_hour),
		T(without_space_the_old_file_goes_on_and_changes_are_asked_for),
		T(there_is_room_for_twice_what_is_there),
		T(a_system_account_is_not_published),
		T(a_negative_does_not_come_back_when_its_entry_goes),
		T(a_group_waits_for_the_whole_of_its_second),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
