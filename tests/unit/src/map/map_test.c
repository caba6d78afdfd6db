/* SPDX-License-Identifier: MPL-2.0 */
/* What the map answers, by state of the file, of the lease and of the record. */
#include "src/map/map.h"

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
#include "ku/paths.h"
#include "unit/src/map/fixture.h"

#define LATER (FIXTURE_START + 300)

struct gids {
	uint32_t v[8];
	unsigned n;
	unsigned stop_at;
};

static int
collect(void *arg, uint32_t gid)
{
	struct gids *g = arg;

	g->v[g->n++] = gid;
	return g->n == g->stop_at ? -7 : 0;
}

static void
a_user_comes_back_by_name_spn_and_uid(void **state)
{
	struct fixture *f = *state;
	const char *const names[] = { "alice", "ALICE", "alice@own.example",
		"Alice@Own.Example" };

	fixture_user(f, "alice", 5000, LATER);
	fixture_user(f, "bob", 5001, LATER);
	fixture_commit(f);
	for (size_t i = 0; i < 4; i++) {
		memset(&asked_pw, 0, sizeof(asked_pw));
		assert_int_equal(ask_user(&f->m, names[i]), MAP_HIT);
		assert_string_equal(asked_pw.pw_name, "alice@own.example");
		assert_string_equal(asked_pw.pw_passwd, "x");
		assert_string_equal(asked_pw.pw_gecos, "Some Body");
		assert_string_equal(asked_pw.pw_dir, "/home/alice");
		assert_string_equal(asked_pw.pw_shell, "/bin/sh");
		assert_int_equal(asked_pw.pw_uid, 5000);
		assert_int_equal(asked_pw.pw_gid, 5000);
	}
	assert_int_equal(ask_uid(&f->m, 5001), MAP_HIT);
	assert_string_equal(asked_pw.pw_name, "bob@own.example");
	assert_int_equal(ask_user(&f->m, "alice@other.example"), MAP_ABSENT);
	assert_int_equal(ask_user(&f->m, "carol"), MAP_ABSENT);
	assert_int_equal(ask_uid(&f->m, 5002), MAP_ABSENT);
	assert_int_equal(ask_group(&f->m, "alice"), MAP_ABSENT);
	assert_int_equal(ask_gid(&f->m, 5000), MAP_ABSENT);
	assert_int_equal(ask_user(&f->m, "01234567-89ab-cdef-0123-456789abcdef"),
	    MAP_ABSENT);
}

static void
a_foreign_entry_is_found_under_all_its_keys(void **state)
{
	struct fixture *f = *state;
	const char *keys[] = { "zoe@trust.example", "zoe-t", "zoe@trust.example" };
	struct passwd_view v = { .uid = 7000,
		.gid = 7000,
		.name = "zoe@trust.example",
		.gecos = "",
		.dir = "/home/z",
		.shell = "/bin/sh" };

	publish_user(f->p, &v, keys, 3, LATER);
	fixture_commit(f);
	assert_int_equal(ask_user(&f->m, "zoe@trust.example"), MAP_HIT);
	assert_int_equal(ask_user(&f->m, "zoe-t"), MAP_HIT);
	assert_int_equal(asked_pw.pw_uid, 7000);
	assert_int_equal(ask_user(&f->m, "zoe"), MAP_ABSENT);
	/* A change swings the aliases, too. */
	v.shell = "/bin/zsh";
	publish_user(f->p, &v, keys, 1, LATER);
	assert_int_equal(ask_user(&f->m, "zoe@trust.example"), MAP_HIT);
	assert_string_equal(asked_pw.pw_shell, "/bin/zsh");
	assert_int_equal(ask_user(&f->m, "zoe-t"), MAP_ABSENT);
}

static bool
is_overridden(struct fixture *f, const char *text)
{
	struct name name;

	assert_int_equal(name_parse(text, strlen(text), &name), 0);
	return map_user_is_overridden(&f->m, &name);
}

static void
who_takes_the_place_of_a_local_account_is_marked_so(void **state)
{
	static const char *const except[] = { "svc", NULL };
	static const char *const keys[] = { "svc", "svc@own.example" };
	struct fixture *f = *state;
	struct passwd_view v = { .uid = 7000,
		.gid = 7000,
		.name = "svc",
		.gecos = "",
		.dir = "/",
		.shell = "/bin/sh",
		.overrides = true };

	assert_false(is_overridden(f, "svc"));
	fixture_local(f, "svc:x:999:999::/:/bin/sh\nother:x:998:998::/:/bin/sh\n", "",
	    except);
	fixture_user(f, "alice", 5000, LATER);
	publish_user(f->p, &v, keys, 2, LATER);
	fixture_commit(f);
	assert_true(is_overridden(f, "svc"));
	assert_true(is_overridden(f, "SVC@own.example"));
	assert_false(is_overridden(f, "svc@other.example"));
	assert_false(is_overridden(f, "other"));
	assert_false(is_overridden(f, "alice"));
	assert_false(is_overridden(f, "nobody"));
	/* an old record, a dead daemon: the administrator's word stands */
	fixture_now += 100000;
	assert_true(is_overridden(f, "svc"));
	fixture_generation(f);
	assert_true(is_overridden(f, "svc"));
	v.overrides = false;
	publish_user(f->p, &v, keys, 2, LATER);
	assert_false(is_overridden(f, "svc"));
}

static void
a_group_comes_back_with_its_members(void **state)
{
	struct fixture *f = *state;
	const char *const members[] = { "alice", "bob@own.example", "c" };

	fixture_group(f, "staff", 6000, members, 3, LATER);
	fixture_group(f, "empty", 6001, NULL, 0, LATER);
	fixture_commit(f);
	assert_int_equal(ask_group(&f->m, "staff"), MAP_HIT);
	assert_string_equal(asked_gr.gr_name, "staff");
	assert_string_equal(asked_gr.gr_passwd, "x");
	assert_int_equal(asked_gr.gr_gid, 6000);
	for (unsigned i = 0; i < 3; i++)
		assert_string_equal(asked_gr.gr_mem[i], members[i]);
	assert_null(asked_gr.gr_mem[3]);
	assert_int_equal(ask_gid(&f->m, 6001), MAP_HIT);
	assert_null(asked_gr.gr_mem[0]);
}

static void
a_small_buffer_is_a_range_error_at_every_size_below_the_right_one(void **state)
{
	struct fixture *f = *state;
	const char *const members[] = { "alice", "bob" };
	_Alignas(8) char buf[512];
	struct passwd pw;
	struct group gr;
	size_t cap;

	fixture_user(f, "alice", 5000, LATER);
	fixture_group(f, "staff", 6000, members, 2, LATER);
	fixture_commit(f);
	for (cap = 0; cap < sizeof(buf); cap++) {
		memset(buf, 0x55, sizeof(buf));
		if (map_passwd_by_uid(&f->m, 5000, 0, &pw, buf, cap) == MAP_HIT)
			break;
		assert_int_equal(map_passwd_by_uid(&f->m, 5000, 0, &pw, buf, cap),
		    MAP_RANGE);
		assert_int_equal(buf[cap], 0x55);
	}
	/* alice@own.example x Some Body /home/alice /bin/sh, each with its NUL */
	assert_int_equal(cap, 18 + 2 + 10 + 12 + 8);
	assert_int_equal(buf[cap], 0x55);
	for (cap = 0; cap < sizeof(buf) - 1; cap++) {
		memset(buf, 0x55, sizeof(buf));
		if (map_group_by_gid(&f->m, 6000, 0, &gr, buf + 1, cap) == MAP_HIT)
			break;
		assert_int_equal(map_group_by_gid(&f->m, 6000, 0, &gr, buf + 1, cap),
		    MAP_RANGE);
	}
	assert_int_equal(cap, 7 + 3 * sizeof(char *) + 6 + 2 + 6 + 4);
	assert_int_equal((uintptr_t)gr.gr_mem % sizeof(char *), 0);
	assert_int_equal(buf[cap + 1], 0x55);
}

static void
supplementary_groups_come_one_by_one(void **state)
{
	struct fixture *f = *state;
	struct gids g = { 0 };
	struct name n;
	int stop = 1;

	fixture_user(f, "alice", 5000, LATER);
	fixture_commit(f);
	assert_int_equal(name_parse("alice", 5, &n), 0);
	assert_int_equal(map_initgroups(&f->m, &n, 0, collect, &g, &stop), MAP_HIT);
	assert_int_equal(stop, 0);
	assert_int_equal(g.n, 2);
	assert_int_equal(g.v[0], 5001);
	assert_int_equal(g.v[1], 5002);
	g = (struct gids){ .stop_at = 1 };
	assert_int_equal(map_initgroups(&f->m, &n, 0, collect, &g, &stop), MAP_HIT);
	assert_int_equal(stop, -7);
	assert_int_equal(g.n, 1);
}

static void
a_record_is_taken_while_fresh_and_asked_for_when_not(void **state)
{
	struct fixture *f = *state;

	fixture_user(f, "alice", 5000, FIXTURE_START + 10);
	fixture_commit(f);
	fixture_pass(f, 9);
	assert_int_equal(ask_user(&f->m, "alice"), MAP_HIT);
	fixture_pass(f, 1);
	assert_int_equal(ask_user(&f->m, "alice"), MAP_STALE);
	assert_int_equal(ask_user_any_age(&f->m, "alice"), MAP_HIT);
	/* The floor makes every record fresh: the link is down and we know it. */
	publish_lease(f->p, fixture_now, fixture_now + 60);
	assert_int_equal(ask_user(&f->m, "alice"), MAP_HIT);
	publish_lease(f->p, fixture_now, 0);
	assert_int_equal(ask_user(&f->m, "alice"), MAP_STALE);
	publish_touch(f->p, PUBLISH_USER, 5000, fixture_now + 5);
	assert_int_equal(ask_user(&f->m, "alice"), MAP_HIT);
}

static void
a_time_too_far_ahead_counts_as_past(void **state)
{
	struct fixture *f = *state;

	fixture_user(f, "alice", 5000, FIXTURE_START + 100000);
	fixture_commit(f);
	assert_int_equal(ask_user(&f->m, "alice"), MAP_HIT); /* the writer cut it */
	fixture_now -= 10; /* a time namespace: 910 s ahead, 900 allowed */
	assert_int_equal(ask_user(&f->m, "alice"), MAP_STALE);
	header_set(f, KU_MAP_H_FLOOR, fixture_now + 901);
	assert_int_equal(ask_user(&f->m, "alice"), MAP_STALE);
	header_set(f, KU_MAP_H_FLOOR, fixture_now + 900);
	assert_int_equal(ask_user(&f->m, "alice"), MAP_HIT);
	header_set(f, KU_MAP_H_LEASE, fixture_now + KU_MAP_LEASE_MAX + 1);
	assert_int_equal(ask_user(&f->m, "carol"), MAP_ABSENT_NO_DAEMON);
}

static void
without_a_daemon_the_record_serves_until_the_offline_limit(void **state)
{
	struct fixture *f = *state;

	fixture_user(f, "alice", 5000, FIXTURE_START + 5);
	fixture_commit(f);
	fixture_now += KU_MAP_LEASE - 1;
	assert_int_equal(ask_user(&f->m, "alice"), MAP_STALE);
	fixture_now += 1;
	assert_int_equal(ask_user(&f->m, "alice"), MAP_HIT);
	assert_int_equal(ask_user(&f->m, "carol"), MAP_ABSENT_NO_DAEMON);
	fixture_now += 3600;
	assert_int_equal(ask_user(&f->m, "alice"), MAP_HIT);
	fixture_now += 1;
	assert_int_equal(ask_user(&f->m, "alice"), MAP_ABSENT_NO_DAEMON);
	assert_int_equal(ask_user_any_age(&f->m, "alice"), MAP_ABSENT_NO_DAEMON);
	/* It is back. */
	publish_lease(f->p, fixture_now, 0);
	assert_int_equal(ask_user(&f->m, "alice"), MAP_STALE);
}

static void
an_offline_limit_of_zero_is_none(void **state)
{
	struct fixture *f = *state;

	f->settings.offline_limit_s = 0;
	publish_reconfigure(f->p, &f->settings);
	fixture_user(f, "alice", 5000, LATER);
	fixture_commit(f);
	fixture_now += 100000000;
	assert_int_equal(ask_user(&f->m, "alice"), MAP_HIT);
}

/* One word of the first entry, in the file. */
static void
forge(const struct fixture *f, unsigned word, uint32_t value)
{
	uint32_t off = header_get(f, KU_MAP_H_DATA);
	FILE *fp = fopen(f->path, "r+");

	assert_non_null(fp);
	assert_int_equal(fseek(fp, (long)(off + word * 4), SEEK_SET), 0);
	assert_int_equal(fwrite(&value, 4, 1, fp), 1);
	assert_int_equal(fclose(fp), 0);
}

/* Neither by name, nor their groups, nor in a list. */
static void
assert_nobody_is_alice(struct fixture *f)
{
	struct gids g = { 0 };
	struct passwd pw;
	uint64_t cursor = 0;
	char buf[256];
	struct name n;
	int stop = 0;

	assert_int_equal(ask_user(&f->m, "alice"), MAP_ABSENT);
	assert_int_equal(name_parse("alice", 5, &n), 0);
	assert_int_equal(map_initgroups(&f->m, &n, 0, collect, &g, &stop), MAP_ABSENT);
	assert_int_equal(g.n, 0);
	assert_int_equal(map_passwd_next(&f->m, &cursor, &pw, buf, sizeof(buf)),
	    MAP_ABSENT);
	assert_false(map_user_is_overridden(&f->m, &n));
}

static void
system_accounts_are_refused_whatever_the_file_says(void **state)
{
	static const uint32_t refused[] = { 0, 999, 61184, 65534, UINT32_MAX };
	struct fixture *f = *state;
	struct name n;

	fixture_user(f, "alice", 1000, LATER);
	fixture_commit(f);
	assert_int_equal(ask_user(&f->m, "alice"), MAP_HIT);
	map_close(&f->m);
	forge(f, KU_MAP_U_LENS + 3, KU_MAP_UF_OVERRIDE << 16);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		forge(f, KU_MAP_U_GID, refused[i]);
		assert_nobody_is_alice(f);
		assert_int_equal(ask_uid(&f->m, 1000), MAP_ABSENT);
		forge(f, KU_MAP_U_GID, 1000);
		forge(f, KU_MAP_E_ID, refused[i]);
		assert_nobody_is_alice(f);
		forge(f, KU_MAP_E_ID, 1000);
	}
	assert_int_equal(ask_user(&f->m, "alice"), MAP_HIT);
	assert_int_equal(name_parse("alice", 5, &n), 0);
	assert_true(map_user_is_overridden(&f->m, &n));
}

static void
no_group_is_the_first_of_all(void **state)
{
	struct fixture *f = *state;

	fixture_group(f, "sudo", 27, NULL, 0, LATER);
	fixture_group(f, "wheel", 0, NULL, 0, LATER);
	fixture_commit(f);
	assert_int_equal(ask_group(&f->m, "sudo"), MAP_HIT);
	assert_int_equal(ask_group(&f->m, "wheel"), MAP_ABSENT);
	assert_int_equal(ask_gid(&f->m, 0), MAP_ABSENT);
}

static void
negatives_count_until_they_run_out_or_the_entry_appears(void **state)
{
	struct fixture *f = *state;

	fixture_commit(f);
	publish_negative(f->p, PUBLISH_USER, "nobody-here", 0, fixture_now + 60);
	publish_negative(f->p, PUBLISH_USER, NULL, 5000, fixture_now + 60);
	publish_negative(f->p, PUBLISH_GROUP, "alice", 0, fixture_now + 60);
	assert_int_equal(ask_user(&f->m, "nobody-here"), MAP_NEGATIVE);
	assert_int_equal(ask_user(&f->m, "nobody-here@own.example"), MAP_NEGATIVE);
	assert_int_equal(ask_uid(&f->m, 5000), MAP_NEGATIVE);
	assert_int_equal(ask_group(&f->m, "alice"), MAP_NEGATIVE);
	assert_int_equal(ask_user(&f->m, "alice"), MAP_ABSENT);
	assert_int_equal(ask_group(&f->m, "nobody-here"), MAP_ABSENT);
	fixture_user(f, "alice", 5000, LATER);
	assert_int_equal(ask_uid(&f->m, 5000), MAP_HIT);
	assert_int_equal(ask_user(&f->m, "alice"), MAP_HIT);
	assert_int_equal(ask_group(&f->m, "alice"), MAP_NEGATIVE);
	/* a daemon that is stopped wipes nothing: readers look at the time themselves */
	fixture_pass(f, 59);
	assert_int_equal(ask_user(&f->m, "nobody-here"), MAP_NEGATIVE);
	fixture_pass(f, 1);
	assert_int_equal(ask_user(&f->m, "nobody-here"), MAP_ABSENT_NO_DAEMON);
	publish_lease(f->p, fixture_now, 0);
	assert_int_equal(ask_user(&f->m, "nobody-here"), MAP_ABSENT);
}

static void
local_names_and_ids_are_not_ours(void **state)
{
	struct fixture *f = *state;

	fixture_local(f, "root:x:0:0::/root:/bin/sh\nDaemon:x:1:1::/:/bin/false\n",
	    "staff:x:50:\n", NULL);
	fixture_commit(f);
	assert_int_equal(ask_user(&f->m, "ROOT"), MAP_LOCAL);
	assert_int_equal(ask_user(&f->m, "daemon"), MAP_LOCAL);
	assert_int_equal(ask_uid(&f->m, 1), MAP_LOCAL);
	assert_int_equal(ask_uid(&f->m, 50), MAP_ABSENT);
	assert_int_equal(ask_group(&f->m, "staff"), MAP_LOCAL);
	assert_int_equal(ask_gid(&f->m, 50), MAP_LOCAL);
	assert_int_equal(ask_group(&f->m, "root"), MAP_ABSENT);
}

static struct local_ident
ident_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return (struct local_ident){ (uint64_t)st.st_dev, (uint64_t)st.st_ino,
		(uint64_t)st.st_size,
		(int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec };
}

static void
set_ident(const struct fixture *f, unsigned word, struct local_ident i)
{
	uint64_t v[] = { i.dev, i.ino, i.size, (uint64_t)i.mtime_ns };

	for (unsigned k = 0; k < 8; k++)
		header_set(f, word + k, (uint32_t)(v[k / 2] >> (k % 2 * 32)));
}

static bool
proves(struct map *m, bool group, const char *name)
{
	struct name n;

	assert_int_equal(name_parse(name, strlen(name), &n), 0);
	return map_proves_not_local(m, group, &n, 0);
}

static void
not_local_is_proved_only_by_the_files_of_this_moment(void **state)
{
	struct fixture *f = *state;

	fixture_local(f, "rescue:x:1500:1500::/:/bin/sh\n", "rescue:x:1500:\n", NULL);
	fixture_commit(f);
	assert_false(proves(&f->m, false, "alice"));
	/* Only read, never touched: the paths are compiled in. */
	set_ident(f, KU_MAP_H_IDENT, ident_of(KU_PATH_ETC_PASSWD));
	assert_true(proves(&f->m, false, "alice"));
	assert_false(proves(&f->m, true, "alice"));
	set_ident(f, KU_MAP_H_IDENT + KU_MAP_IDENT_WORDS, ident_of(KU_PATH_ETC_GROUP));
	assert_true(proves(&f->m, true, "alice"));
	assert_false(proves(&f->m, false, "root"));
	assert_false(proves(&f->m, false, "root@own.example"));
	assert_false(proves(&f->m, false, "rescue"));
	assert_true(map_proves_not_local(&f->m, false, NULL, 1000));
	assert_false(map_proves_not_local(&f->m, false, NULL, 999));
	assert_false(map_proves_not_local(&f->m, false, NULL, 1500));
	fixture_now += KU_MAP_LEASE;
	assert_false(proves(&f->m, false, "alice"));
	publish_lease(f->p, fixture_now, 0);
	assert_true(proves(&f->m, false, "alice"));
	header_set(f, KU_MAP_H_IDENT + 6, header_get(f, KU_MAP_H_IDENT + 6) + 1);
	assert_false(proves(&f->m, false, "alice"));
}

static void
no_file_is_no_map_and_errno_stays(void **state)
{
	struct fixture *f = *state;

	errno = EXDEV;
	assert_int_equal(ask_user(&f->m, "alice"), MAP_NONE);
	assert_int_equal(errno, EXDEV);
	fixture_user(f, "alice", 5000, LATER);
	fixture_commit(f);
	errno = EXDEV;
	assert_int_equal(ask_user(&f->m, "alice"), MAP_HIT);
	assert_int_equal(errno, EXDEV);
}

#define T(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_user_comes_back_by_name_spn_and_uid),
		T(a_foreign_entry_is_found_under_all_its_keys),
		T(who_takes_the_place_of_a_local_account_is_marked_so),
		T(a_group_comes_back_with_its_members),
		T(a_small_buffer_is_a_range_error_at_every_size_below_the_right_one),
		T(supplementary_groups_come_one_by_one),
		T(a_record_is_taken_while_fresh_and_asked_for_when_not),
		T(a_time_too_far_ahead_counts_as_past),
		T(without_a_daemon_the_record_serves_until_the_offline_limit),
		T(an_offline_limit_of_zero_is_none),
		T(system_accounts_are_refused_whatever_the_file_says),
		T(no_group_is_the_first_of_all),
		T(negatives_count_until_they_run_out_or_the_entry_appears),
		T(local_names_and_ids_are_not_ours),
		T(not_local_is_proved_only_by_the_files_of_this_moment),
		T(no_file_is_no_map_and_errno_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
