/* SPDX-License-Identifier: MPL-2.0 */
/* What the writer makes of what it is told, seen through the reader. */
#include "src/unixd/publish/publish.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "ku/map.h"
#include "unit/src/map/fixture.h"

#define LATER (FIXTURE_START + 800)

static int rename_error; /* every rename fails with it */
static unsigned renames;
static unsigned too_early; /* there was nothing newer yet, and the old file said so */

int __real_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to);

int
__wrap_rename(const char *from, const char *to)
{
	uint32_t words[KU_MAP_H_STATE + 1];
	FILE *old = fopen(to, "r");

	if (old != NULL && fread(words, sizeof(words), 1, old) == 1 &&
	    words[KU_MAP_H_STATE] != KU_MAP_LIVE)
		too_early++;
	if (old != NULL)
		(void)fclose(old);
	renames++;
	if (rename_error != 0) {
		errno = rename_error;
		return -1;
	}
	return __real_rename(from, to);
}

static size_t
generations(struct fixture *f)
{
	struct publish_stats stats;

	publish_stats(f->p, &stats);
	return stats.generations;
}

static uint32_t
used(struct fixture *f)
{
	return header_get(f, KU_MAP_H_USED);
}

static void
nothing_is_at_the_path_before_the_commit(void **state)
{
	struct fixture *f = *state;
	struct stat st;

	fixture_user(f, "alice", 5000, LATER);
	publish_clear(f->p);
	fixture_user(f, "bob", 5001, LATER);
	fixture_settle(f);
	assert_int_equal(stat(f->path, &st), -1);
	fixture_commit(f);
	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	assert_int_equal(st.st_blocks * 512 >= st.st_size, 1); /* no holes */
	assert_int_equal(ask_user(&f->m, "bob"), MAP_HIT);
	assert_int_equal(ask_user(&f->m, "alice"), MAP_ABSENT);
}

static void
an_unchanged_record_only_gets_fresher(void **state)
{
	struct fixture *f = *state;
	uint32_t before;

	fixture_user(f, "alice", 5000, FIXTURE_START + 10);
	fixture_commit(f);
	before = used(f);
	fixture_pass(f, 10);
	publish_lease(f->p, fixture_now, 0);
	assert_int_equal(ask_user(&f->m, "alice"), MAP_STALE);
	fixture_user(f, "alice", 5000, LATER);
	assert_int_equal(ask_user(&f->m, "alice"), MAP_HIT);
	assert_int_equal(used(f), before);
	assert_int_equal(generations(f), 1);
}

static void
a_group_has_at_most_one_new_version_a_second(void **state)
{
	struct fixture *f = *state;
	const char *members[100];
	char text[100][8];
	uint32_t before;

	for (size_t i = 0; i < 100; i++) {
		(void)snprintf(text[i], sizeof(text[i]), "m%zu", i);
		members[i] = text[i];
	}
	fixture_group(f, "staff", 6000, members, 1, LATER);
	fixture_commit(f);
	fixture_pass(f, 1);
	before = used(f);
	fixture_group(f, "staff", 6000, members, 2, LATER);
	assert_true(used(f) > before);
	before = used(f);
	for (size_t n = 3; n <= 100; n++)
		fixture_group(f, "staff", 6000, members, n, LATER);
	assert_int_equal(used(f), before);
	assert_int_equal(ask_group(&f->m, "staff"), MAP_HIT);
	assert_null(asked_gr.gr_mem[2]);
	fixture_pass(f, 1);
	assert_int_equal(ask_group(&f->m, "staff"), MAP_HIT);
	assert_string_equal(asked_gr.gr_mem[99], "m99");
	assert_null(asked_gr.gr_mem[100]);
	before = used(f);
	fixture_pass(f, 5);
	assert_int_equal(used(f), before);
	/* Back to what is there before its second is over: nothing waits any more. */
	fixture_group(f, "staff", 6000, members, 4, LATER);
	fixture_group(f, "staff", 6000, members, 5, LATER);
	fixture_group(f, "staff", 6000, members, 4, LATER);
	before = used(f);
	fixture_pass(f, 5);
	assert_int_equal(used(f), before);
	/* Removed while one waits. */
	fixture_group(f, "staff", 6000, members, 6, LATER);
	fixture_group(f, "staff", 6000, members, 7, LATER);
	publish_remove(f->p, PUBLISH_GROUP, 6000);
	fixture_pass(f, 5);
	publish_lease(f->p, fixture_now, 0);
	assert_int_equal(ask_group(&f->m, "staff"), MAP_ABSENT);
}

/* Two people swap their names: the private group of the first waits for its second under
 * its new name when the second one takes the old. */
static void
a_group_that_waits_keeps_its_new_name_when_the_old_one_is_taken(void **state)
{
	struct fixture *f = *state;

	fixture_group(f, "rena", 6000, NULL, 0, LATER);
	fixture_group(f, "renb", 6001, NULL, 0, LATER);
	fixture_commit(f);
	publish_remove(f->p, PUBLISH_GROUP, 6001);
	fixture_group(f, "renb", 6000, NULL, 0, LATER);
	fixture_group(f, "rena", 6001, NULL, 0, LATER);
	fixture_pass(f, 2);
	publish_lease(f->p, fixture_now, 0);
	assert_int_equal(ask_group(&f->m, "rena"), MAP_HIT);
	assert_int_equal(asked_gr.gr_gid, 6001);
	assert_int_equal(ask_group(&f->m, "renb"), MAP_HIT);
	assert_int_equal(asked_gr.gr_gid, 6000);
	assert_int_equal(ask_gid(&f->m, 6000), MAP_HIT);
}

static void
a_removed_entry_is_gone_at_once_and_may_come_back(void **state)
{
	struct fixture *f = *state;
	struct publish_stats stats;

	fixture_user(f, "alice", 5000, LATER);
	fixture_commit(f);
	assert_int_equal(ask_user(&f->m, "alice"), MAP_HIT);
	publish_remove(f->p, PUBLISH_USER, 5000);
	publish_remove(f->p, PUBLISH_USER, 5000);
	publish_remove(f->p, PUBLISH_GROUP, 5000);
	assert_int_equal(ask_user(&f->m, "alice"), MAP_ABSENT);
	assert_int_equal(ask_uid(&f->m, 5000), MAP_ABSENT);
	publish_stats(f->p, &stats);
	assert_int_equal(stats.users, 0);
	fixture_user(f, "alice", 5000, LATER);
	assert_int_equal(ask_user(&f->m, "alice"), MAP_HIT);
	fixture_generation(f);
	assert_int_equal(ask_user(&f->m, "alice"), MAP_HIT);
}

static void
a_name_belongs_to_whom_it_was_published_for_last(void **state)
{
	struct fixture *f = *state;

	/* Before there is a generation the order of ids must not decide. */
	fixture_user(f, "alice", 5009, LATER);
	fixture_user(f, "alice", 5000, LATER);
	fixture_user(f, "bob", 5001, LATER);
	fixture_user(f, "bob", 5008, LATER);
	fixture_commit(f);
	assert_int_equal(ask_user(&f->m, "alice"), MAP_HIT);
	assert_int_equal(asked_pw.pw_uid, 5000);
	assert_int_equal(ask_uid(&f->m, 5009), MAP_ABSENT);
	assert_int_equal(ask_user(&f->m, "bob"), MAP_HIT);
	assert_int_equal(asked_pw.pw_uid, 5008);
	assert_int_equal(ask_uid(&f->m, 5001), MAP_ABSENT);
	fixture_user(f, "bob", 5002, LATER);
	assert_int_equal(ask_uid(&f->m, 5008), MAP_ABSENT);
	fixture_generation(f);
	assert_int_equal(ask_user(&f->m, "bob"), MAP_HIT);
	assert_int_equal(asked_pw.pw_uid, 5002);
}

static void
clearing_withdraws_the_old_file_and_leaves_an_empty_one(void **state)
{
	struct fixture *f = *state;
	struct map other = MAP_INIT(f->path);

	fixture_user(f, "alice", 5000, LATER);
	fixture_commit(f);
	publish_negative(f->p, PUBLISH_USER, "zed", 0, LATER);
	assert_int_equal(ask_user(&other, "alice"), MAP_HIT);
	publish_clear(f->p);
	assert_int_equal(ask_user(&other, "alice"), MAP_ABSENT);
	assert_int_equal(ask_user(&other, "zed"), MAP_ABSENT);
	assert_int_equal(ask_user(&f->m, "alice"), MAP_ABSENT);
	assert_int_equal(header_get(f, KU_MAP_H_STATE), KU_MAP_LIVE);
	map_close(&other);
}

static void
the_old_file_says_what_became_of_it(void **state)
{
	struct fixture *f = *state;
	char moved[96], path[96];

	(void)snprintf(moved, sizeof(moved), "%s/moved", f->dir);
	memcpy(path, f->path, sizeof(path));
	too_early = 0;
	renames = 0;
	fixture_commit(f);
	assert_int_equal(link(f->path, moved), 0);
	fixture_generation(f);
	(void)snprintf(f->path, sizeof(f->path), "%s", moved);
	assert_int_equal(header_get(f, KU_MAP_H_STATE), KU_MAP_REPLACED);
	assert_int_equal(unlink(moved), 0);
	assert_int_equal(link(path, moved), 0);
	publish_clear(f->p);
	assert_int_equal(header_get(f, KU_MAP_H_STATE), KU_MAP_WITHDRAWN);
	memcpy(f->path, path, sizeof(path));
	/* who looks for something newer finds it */
	assert_int_equal(renames, 3);
	assert_int_equal(too_early, 0);
}

static void
a_file_that_cannot_be_renamed_changes_nothing(void **state)
{
	struct fixture *f = *state;

	fixture_user(f, "alice", 5000, LATER);
	fixture_commit(f);
	fixture_want_generation(f);
	rename_error = EROFS;
	fixture_pass(f, 11);
	publish_lease(f->p, fixture_now, 0);
	assert_int_equal(publish_commit(f->p), -EROFS);
	rename_error = 0;
	assert_non_null(publish_trouble(f->p));
	assert_int_equal(header_get(f, KU_MAP_H_STATE), KU_MAP_LIVE);
	assert_int_equal(ask_user(&f->m, "alice"), MAP_HIT);
	fixture_pass(f, 11);
	publish_lease(f->p, fixture_now, 0);
	assert_int_equal(publish_commit(f->p), 0);
	assert_null(publish_trouble(f->p));
	assert_int_equal(ask_user(&f->m, "alice"), MAP_HIT);
}

static void
a_writer_that_starts_replaces_what_the_last_one_left(void **state)
{
	struct fixture *f = *state;
	uint32_t generation;
	char tmp[128];
	FILE *fp;

	fixture_user(f, "alice", 5000, LATER);
	fixture_commit(f);
	generation = header_get(f, KU_MAP_H_GENERATION);
	assert_int_equal(ask_user(&f->m, "alice"), MAP_HIT);
	f->p = publish_free(f->p);
	assert_int_equal(ask_user(&f->m, "alice"), MAP_HIT);
	(void)snprintf(tmp, sizeof(tmp), "%s.new", f->path);
	fp = fopen(tmp, "w");
	assert_non_null(fp);
	(void)fclose(fp);
	f->p = publish_new(&f->ts, &f->settings);
	assert_int_equal(access(tmp, F_OK), -1);
	fixture_user(f, "alice", 5001, LATER);
	assert_int_equal(ask_user(&f->m, "alice"), MAP_HIT);
	assert_int_equal(asked_pw.pw_uid, 5000);
	fixture_commit(f);
	assert_int_equal(ask_user(&f->m, "alice"), MAP_HIT);
	assert_int_equal(asked_pw.pw_uid, 5001);
	assert_int_equal(header_get(f, KU_MAP_H_GENERATION), generation + 1);
	/* Cleared before its first commit: what is there is taken back. */
	f->p = publish_free(f->p);
	f->p = publish_new(&f->ts, &f->settings);
	publish_clear(f->p);
	assert_int_equal(ask_user(&f->m, "alice"), MAP_NONE);
	assert_int_equal(access(f->path, F_OK), -1);
}

/* Modules that read that version may have it mapped, and cannot read ours. */
static void
a_file_of_another_version_is_taken_back_by_the_new_one(void **state)
{
	struct fixture *f = *state;
	char moved[96], path[96];

	fixture_user(f, "alice", 5000, LATER);
	fixture_commit(f);
	assert_int_equal(ask_user(&f->m, "alice"), MAP_HIT);
	f->p = publish_free(f->p);
	header_set(f, KU_MAP_H_VERSION, KU_MAP_VERSION + 1);
	(void)snprintf(moved, sizeof(moved), "%s/moved", f->dir);
	assert_int_equal(link(f->path, moved), 0);
	f->p = publish_new(&f->ts, &f->settings);
	fixture_user(f, "bob", 5001, LATER);
	assert_int_equal(ask_user(&f->m, "alice"), MAP_HIT);
	fixture_commit(f);
	/* Ours still has the old file in hand, as a module of that version has. */
	assert_int_equal(ask_user(&f->m, "alice"), MAP_ABSENT);
	assert_int_equal(ask_user(&f->m, "bob"), MAP_HIT);
	/* A module of that version cannot open the new one, and must not go on for ever. */
	memcpy(path, f->path, sizeof(path));
	(void)snprintf(f->path, sizeof(f->path), "%s", moved);
	assert_int_equal(header_get(f, KU_MAP_H_STATE), KU_MAP_WITHDRAWN);
	assert_int_equal(unlink(moved), 0);
	memcpy(f->path, path, sizeof(path));
}

static void
the_state_of_a_file_of_another_version_is_withdrawn(void **state)
{
	struct fixture *f = *state;
	int r;

	fixture_user(f, "alice", 5000, LATER);
	fixture_commit(f);
	assert_int_equal(ask_user(&f->m, "alice"), MAP_HIT);
	header_set(f, KU_MAP_H_VERSION, KU_MAP_VERSION + 1);
	r = publish_withdraw_path(f->path);
	assert_int_equal(r, 0);
	assert_int_equal(ask_user(&f->m, "alice"), MAP_NONE);
}

static void
rubbish_at_the_path_is_replaced(void **state)
{
	struct fixture *f = *state;
	FILE *fp = fopen(f->path, "w");

	assert_non_null(fp);
	assert_true(fputs("this is no map", fp) >= 0);
	(void)fclose(fp);
	f->p = publish_free(f->p);
	f->p = publish_new(&f->ts, &f->settings);
	assert_int_equal(ask_user(&f->m, "alice"), MAP_NONE);
	fixture_user(f, "alice", 5000, LATER);
	fixture_commit(f);
	assert_int_equal(ask_user(&f->m, "alice"), MAP_HIT);
}

/* So that the file after it is found at once, whatever became of the directory. */
static void
a_stop_ends_the_lease_and_leaves_the_map(void **state)
{
	struct fixture *f = *state;
	struct map m = MAP_INIT(f->path);

	fixture_user(f, "alice", 5000, fixture_now + 60);
	fixture_commit(f);
	assert_int_equal(ask_user(&m, "alice"), MAP_HIT);
	f->p = publish_free(f->p);
	fixture_pass(f, 1);
	assert_int_equal(ask_user(&m, "alice"), MAP_HIT);
	assert_int_equal(ask_user(&m, "bob"), MAP_ABSENT_NO_DAEMON);
	assert_int_equal(unlink(f->path), 0);
	f->p = publish_new(&f->ts, &f->settings);
	fixture_user(f, "alice", 5009, fixture_now + 60);
	fixture_commit(f);
	fixture_pass(f, 1);
	assert_int_equal(ask_user(&m, "alice"), MAP_HIT);
	assert_int_equal(asked_pw.pw_uid, 5009);
	map_close(&m);
}

/* Its lease is over, and then readers believe whatever it says; the daemon knows better. */
static void
the_file_of_before_is_not_believed_while_the_first_is_put_off(void **state)
{
	struct fixture *f = *state;
	struct map m = MAP_INIT(f->path);

	fixture_user(f, "alice", 5000, fixture_now + 60);
	fixture_commit(f);
	assert_int_equal(ask_user(&m, "alice"), MAP_HIT);
	f->p = publish_free(f->p);
	f->p = publish_new(&f->ts, &f->settings);
	assert_int_equal(ask_user(&m, "alice"), MAP_HIT);
	publish_put_off(f->p);
	assert_int_equal(ask_user(&m, "alice"), MAP_NONE);
	assert_int_equal(ask_user(&m, "bob"), MAP_NONE);
	fixture_user(f, "alice", 5009, fixture_now + 60);
	publish_begin(f->p);
	assert_int_equal(publish_commit(f->p), 0);
	assert_int_equal(ask_user(&m, "alice"), MAP_HIT);
	assert_int_equal(asked_pw.pw_uid, 5009);
	map_close(&m);
}

static void
nor_when_the_first_cannot_be_written(void **state)
{
	struct fixture *f = *state;
	struct map m = MAP_INIT(f->path);
	char tmp[128];

	fixture_user(f, "alice", 5000, fixture_now + 60);
	fixture_commit(f);
	f->p = publish_free(f->p);
	assert_int_equal(ask_user(&m, "alice"), MAP_HIT);
	f->p = publish_new(&f->ts, &f->settings);
	fixture_user(f, "alice", 5009, fixture_now + 60);
	(void)snprintf(tmp, sizeof(tmp), "%s.new", f->path);
	assert_int_equal(mkdir(tmp, 0700), 0);
	assert_true(publish_commit(f->p) < 0);
	assert_non_null(publish_trouble(f->p));
	assert_int_equal(ask_user(&m, "alice"), MAP_NONE);
	assert_int_equal(rmdir(tmp), 0);
	map_close(&m);
}

static void
keys_follow_the_own_domain(void **state)
{
	struct fixture *f = *state;
	const char *keys[] = { "zoe@later.example" };
	struct passwd_view v = { 7000, 7000, "zoe", "", "/", "/bin/sh", 0, NULL, false };

	publish_user(f->p, &v, keys, 1, LATER);
	fixture_commit(f);
	assert_int_equal(ask_user(&f->m, "zoe@later.example"), MAP_HIT);
	assert_int_equal(ask_user(&f->m, "zoe"), MAP_ABSENT);
	f->settings.own_domain = "later.example";
	fixture_generation(f);
	assert_int_equal(ask_user(&f->m, "zoe@later.example"), MAP_HIT);
	assert_int_equal(ask_user(&f->m, "zoe"), MAP_HIT);
}

#define T(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(nothing_is_at_the_path_before_the_commit),
		T(an_unchanged_record_only_gets_fresher),
		T(a_group_has_at_most_one_new_version_a_second),
		T(a_group_that_waits_keeps_its_new_name_when_the_old_one_is_taken),
		T(a_removed_entry_is_gone_at_once_and_may_come_back),
		T(a_name_belongs_to_whom_it_was_published_for_last),
		T(clearing_withdraws_the_old_file_and_leaves_an_empty_one),
		T(the_old_file_says_what_became_of_it),
		T(a_file_that_cannot_be_renamed_changes_nothing),
		T(a_writer_that_starts_replaces_what_the_last_one_left),
		T(a_file_of_another_version_is_taken_back_by_the_new_one),
		T(the_state_of_a_file_of_another_version_is_withdrawn),
		T(rubbish_at_the_path_is_replaced),
		T(a_stop_ends_the_lease_and_leaves_the_map),
		T(the_file_of_before_is_not_believed_while_the_first_is_put_off),
		T(nor_when_the_first_cannot_be_written),
		T(keys_follow_the_own_domain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
