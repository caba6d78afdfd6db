/* SPDX-License-Identifier: MPL-2.0 */
/* The contract between glibc and the module, checked on the built file. */
#include "host/module.h"

#include <errno.h>
#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "host/fake.h"
#include "ku/wire.h"
#include "src/base/util.h"

#define MAX_CAP 4096u

static struct module mod;
static struct fake fake;
static alignas(max_align_t) char room[MAX_CAP + 64];

/* One entry point with its result judged; errno is EXDEV before and *errnop is `err`. */
typedef enum nss_status ask_fn(char *buf, size_t cap, int *err);

static void
assert_inside(const char *p, const char *buf, size_t cap)
{
	assert_true(p >= buf && p + strlen(p) < buf + cap);
}

static void
assert_alice(const struct passwd *pw, const char *buf, size_t cap)
{
	assert_string_equal(pw->pw_name, "alice");
	assert_string_equal(pw->pw_passwd, "x");
	assert_string_equal(pw->pw_gecos, "Alice Doe");
	assert_string_equal(pw->pw_dir, "/home/alice");
	assert_string_equal(pw->pw_shell, "/bin/sh");
	assert_int_equal(pw->pw_uid, FAKE_ALICE_UID);
	assert_inside(pw->pw_name, buf, cap);
	assert_inside(pw->pw_passwd, buf, cap);
	assert_inside(pw->pw_gecos, buf, cap);
	assert_inside(pw->pw_dir, buf, cap);
	assert_inside(pw->pw_shell, buf, cap);
}

static void
assert_staff(const struct group *gr, const char *buf, size_t cap)
{
	const char *mem = (const char *)gr->gr_mem;

	assert_string_equal(gr->gr_name, "staff");
	assert_string_equal(gr->gr_passwd, "x");
	assert_int_equal(gr->gr_gid, FAKE_STAFF_GID);
	assert_int_equal((uintptr_t)mem % alignof(char *), 0);
	assert_true(mem >= buf && mem + 3 * sizeof(char *) <= buf + cap);
	assert_inside(gr->gr_name, buf, cap);
	assert_inside(gr->gr_mem[0], buf, cap);
	assert_string_equal(gr->gr_mem[0], "alice");
	assert_string_equal(gr->gr_mem[1], "bob");
	assert_null(gr->gr_mem[2]);
}

static enum nss_status
by_name(char *buf, size_t cap, int *err)
{
	struct passwd pw;
	enum nss_status s = mod.getpwnam_r("alice", &pw, buf, cap, err);

	if (s == NSS_STATUS_SUCCESS)
		assert_alice(&pw, buf, cap);
	return s;
}

static enum nss_status
by_uid(char *buf, size_t cap, int *err)
{
	struct passwd pw;
	enum nss_status s = mod.getpwuid_r(FAKE_ALICE_UID, &pw, buf, cap, err);

	if (s == NSS_STATUS_SUCCESS)
		assert_alice(&pw, buf, cap);
	return s;
}

static enum nss_status
first_user(char *buf, size_t cap, int *err)
{
	struct passwd pw;
	enum nss_status s = mod.getpwent_r(&pw, buf, cap, err);

	if (s == NSS_STATUS_SUCCESS) {
		assert_alice(&pw, buf, cap);
		assert_int_equal(mod.setpwent(1), NSS_STATUS_SUCCESS);
	}
	return s;
}

static enum nss_status
group_by_name(char *buf, size_t cap, int *err)
{
	struct group gr;
	enum nss_status s = mod.getgrnam_r("staff", &gr, buf, cap, err);

	if (s == NSS_STATUS_SUCCESS)
		assert_staff(&gr, buf, cap);
	return s;
}

static enum nss_status
group_by_gid(char *buf, size_t cap, int *err)
{
	struct group gr;
	enum nss_status s = mod.getgrgid_r(FAKE_STAFF_GID, &gr, buf, cap, err);

	if (s == NSS_STATUS_SUCCESS)
		assert_staff(&gr, buf, cap);
	return s;
}

static enum nss_status
first_group(char *buf, size_t cap, int *err)
{
	struct group gr;
	enum nss_status s = mod.getgrent_r(&gr, buf, cap, err);

	if (s == NSS_STATUS_SUCCESS) {
		assert_staff(&gr, buf, cap);
		assert_int_equal(mod.setgrent(1), NSS_STATUS_SUCCESS);
	}
	return s;
}

static ask_fn *const asks[] = { by_name, by_uid, first_user, group_by_name, group_by_gid,
	first_group };

/* Calls with both shapes of errnop and compares what they must have in common. */
static enum nss_status
ask_both_ways(ask_fn *ask, char *buf, size_t cap, int *ret_err)
{
	enum nss_status s, t;

	*ret_err = 12345;
	errno = EXDEV;
	s = ask(buf, cap, ret_err);
	assert_int_equal(errno, EXDEV);
	if (s == NSS_STATUS_SUCCESS)
		assert_int_equal(*ret_err, 12345);
	errno = EXDEV;
	t = ask(buf, cap, &errno);
	assert_int_equal(errno, s == NSS_STATUS_SUCCESS ? EXDEV : *ret_err);
	assert_int_equal(s, t);
	assert_int_not_equal(*ret_err, 0);
	return s;
}

static int
reset(void **state)
{
	(void)state;
	fake_set(&fake, FAKE_ANSWER, 0);
	assert_int_equal(mod.endpwent(), NSS_STATUS_SUCCESS);
	assert_int_equal(mod.endgrent(), NSS_STATUS_SUCCESS);
	return 0;
}

static void
erange_for_every_buffer_that_is_too_small_and_for_no_other(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(asks); i++) {
		size_t first_fit = SIZE_MAX;

		for (size_t cap = 0; cap <= MAX_CAP; cap++) {
			enum nss_status s;
			int err;

			memset(room + cap, 0x5a, 64);
			s = ask_both_ways(asks[i], room, cap, &err);
			for (size_t k = 0; k < 64; k++)
				assert_int_equal(room[cap + k], 0x5a);
			if (s == NSS_STATUS_SUCCESS && first_fit == SIZE_MAX)
				first_fit = cap;
			assert_int_equal(s,
			    cap < first_fit ? NSS_STATUS_TRYAGAIN : NSS_STATUS_SUCCESS);
			if (cap < first_fit)
				assert_int_equal(err, ERANGE);
		}
		assert_in_range(first_fit, 32, 64);
	}
}

static void
any_alignment_of_the_buffer_will_do(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(asks); i++) {
		for (size_t shift = 0; shift < 2 * alignof(max_align_t); shift++) {
			int err;

			assert_int_equal(ask_both_ways(asks[i], room + shift, 512, &err),
			    NSS_STATUS_SUCCESS);
		}
	}
}

static void
a_large_group_is_whole(void **state)
{
	size_t cap = 1024;
	struct group gr;
	char *buf = NULL;
	enum nss_status s;
	int err = 0;

	(void)state;
	do {
		cap *= 2;
		buf = realloc(buf, cap);
		s = mod.getgrnam_r("big", &gr, buf, cap, &err);
	} while (s == NSS_STATUS_TRYAGAIN && err == ERANGE && cap < 1024 * 1024);
	assert_int_equal(s, NSS_STATUS_SUCCESS);
	assert_int_equal(cap, 16384);
	for (unsigned i = 0; i < FAKE_BIG; i++) {
		char want[16];

		(void)snprintf(want, sizeof(want), "m%u", i);
		assert_string_equal(gr.gr_mem[i], want);
	}
	assert_null(gr.gr_mem[FAKE_BIG]);
	free(buf);
}

static void
an_empty_group_has_an_empty_list(void **state)
{
	struct group gr;
	int err;

	(void)state;
	assert_int_equal(mod.getgrgid_r(71002, &gr, room, 64, &err), NSS_STATUS_SUCCESS);
	assert_non_null(gr.gr_mem);
	assert_null(gr.gr_mem[0]);
}

static enum nss_status
unknown(char *buf, size_t cap, int *err)
{
	struct passwd pw;

	return mod.getpwnam_r("nobody-here", &pw, buf, cap, err);
}

static enum nss_status
local(char *buf, size_t cap, int *err)
{
	struct passwd pw;

	return mod.getpwnam_r("local", &pw, buf, cap, err);
}

static void
no_such_entry_is_enoent(void **state)
{
	static ask_fn *const none[] = { unknown, local };
	int err;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(none); i++) {
		assert_int_equal(ask_both_ways(none[i], room, MAX_CAP, &err),
		    NSS_STATUS_NOTFOUND);
		assert_int_equal(err, ENOENT);
	}
}

static void
a_daemon_that_offers_root_is_not_believed(void **state)
{
	static const char *const names[] = { "toor", "lowgid", "colon", "stranger" };
	long start = 1, size = 1;
	gid_t *gids = malloc(sizeof(gid_t));
	struct passwd pw;
	struct group gr;
	int err;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		assert_int_equal(mod.getpwnam_r(names[i], &pw, room, MAX_CAP, &err),
		    NSS_STATUS_UNAVAIL);
		assert_int_equal(err, ENOENT);
	}
	assert_int_equal(mod.getpwuid_r(70999, &pw, room, MAX_CAP, &err),
	    NSS_STATUS_UNAVAIL);
	assert_int_equal(mod.getgrnam_r("rootgroup", &gr, room, MAX_CAP, &err),
	    NSS_STATUS_UNAVAIL);
	gids[0] = 70001;
	assert_int_equal(mod.initgroups_dyn("rootish", 70001, &start, &size, &gids, -1,
			     &err),
	    NSS_STATUS_UNAVAIL);
	assert_int_equal(start, 1);
	free(gids);
}

static void
trouble_is_unavail_and_never_erange(void **state)
{
	static const unsigned statuses[] = { KU_ST_UNAVAIL, KU_ST_BUSY, KU_ST_DENIED,
		KU_ST_BAD, KU_ST_VERSION, 4711 };
	int err;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(statuses); i++) {
		fake_set(&fake, FAKE_STATUS, statuses[i]);
		for (size_t k = 0; k < ARRAY_SIZE(asks); k++) {
			assert_int_equal(ask_both_ways(asks[k], room, 1, &err),
			    NSS_STATUS_UNAVAIL);
			assert_int_equal(err, ENOENT);
		}
	}
}

static void
enumeration_gives_each_entry_once_and_ends(void **state)
{
	static const char *const users[] = { "alice", "bob", "many" };
	static const char *const groups[] = { "staff", "big", "empty" };
	char *buf = malloc(32768);
	struct passwd pw;
	struct group gr;
	int err;

	(void)state;
	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < 3; i++) {
			/* too small first: the entry is not lost */
			assert_int_equal(mod.getpwent_r(&pw, buf, 8, &err),
			    NSS_STATUS_TRYAGAIN);
			assert_int_equal(err, ERANGE);
			assert_int_equal(mod.getpwent_r(&pw, buf, 32768, &err),
			    NSS_STATUS_SUCCESS);
			assert_string_equal(pw.pw_name, users[i]);
			assert_int_equal(mod.getgrent_r(&gr, buf, 32768, &err),
			    NSS_STATUS_SUCCESS);
			assert_string_equal(gr.gr_name, groups[i]);
		}
		assert_int_equal(mod.getpwent_r(&pw, buf, 32768, &err),
		    NSS_STATUS_NOTFOUND);
		assert_int_equal(err, ENOENT);
		assert_int_equal(mod.getgrent_r(&gr, buf, 32768, &err),
		    NSS_STATUS_NOTFOUND);
		assert_int_equal(mod.setpwent(0), NSS_STATUS_SUCCESS);
		assert_int_equal(mod.setgrent(0), NSS_STATUS_SUCCESS);
	}
	free(buf);
}

static void
initgroups_grows_the_array_and_keeps_to_the_limit(void **state)
{
	static const long limits[] = { -1, 1, 2, 300, 1001, 5000 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		long start = 1, size = 1, want = limits[i];
		gid_t *gids = malloc(sizeof(gid_t));
		int err = 12345;

		if (want < 0 || want > (long)FAKE_MANY + 1)
			want = (long)FAKE_MANY + 1;
		gids[0] = 70003;
		errno = EXDEV;
		assert_int_equal(mod.initgroups_dyn("many", 70003, &start, &size, &gids,
				     limits[i], &err),
		    NSS_STATUS_SUCCESS);
		assert_int_equal(errno, EXDEV);
		assert_int_equal(start, want);
		assert_true(size >= start);
		assert_int_equal(gids[0], 70003);
		for (long k = 1; k < start; k++)
			assert_int_equal(gids[k], FAKE_MANY_FIRST + (unsigned)k - 1);
		free(gids);
	}
}

static void
initgroups_adds_nothing_twice_and_knows_no_stranger(void **state)
{
	long start = 2, size = 2;
	gid_t *gids = malloc(2 * sizeof(gid_t));
	int err;

	(void)state;
	gids[0] = 71001;
	gids[1] = FAKE_STAFF_GID;
	assert_int_equal(mod.initgroups_dyn("alice", 71001, &start, &size, &gids, -1,
			     &err),
	    NSS_STATUS_SUCCESS);
	assert_int_equal(start, 2);
	assert_int_equal(mod.initgroups_dyn("nobody-here", 1, &start, &size, &gids, -1,
			     &err),
	    NSS_STATUS_NOTFOUND);
	assert_int_equal(err, ENOENT);
	assert_int_equal(start, 2);
	free(gids);
}

static size_t
count_maps(void)
{
	FILE *f = fopen("/proc/self/maps", "re");
	size_t n = 0;
	int c;

	while ((c = getc(f)) != EOF)
		n += c == '\n';
	(void)fclose(f);
	return n;
}

static void
loading_and_unloading_a_thousand_times_leaves_nothing(void **state)
{
	size_t maps = 0;
	int fds = count_fds();

	(void)state;
	module_unload(&mod);
	for (int i = 0; i < 1000; i++) {
		int err;

		module_load(&mod);
		if (i % 50 == 0)
			assert_int_equal(module_ask_alice(&mod, &err),
			    NSS_STATUS_SUCCESS);
		module_unload(&mod);
		if (i == 10)
			maps = count_maps();
	}
	assert_true(count_maps() <= maps + 2);
	assert_int_equal(count_fds(), fds);
	module_load(&mod);
}

static void
no_descriptor_stays(void **state)
{
	int fds = count_fds();

	(void)state;
	for (int mode = FAKE_ANSWER; mode <= FAKE_HUGE_COUNTS; mode++) {
		int err;

		if (mode == FAKE_SLOW || mode == FAKE_FROZEN)
			continue;
		fake_set(&fake, (enum fake_mode)mode, 7);
		for (size_t i = 0; i < ARRAY_SIZE(asks); i++)
			(void)asks[i](room, 512, &err);
	}
	assert_int_equal(count_fds(), fds);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup(f, reset)
	const struct CMUnitTest tests[] = {
		T(erange_for_every_buffer_that_is_too_small_and_for_no_other),
		T(any_alignment_of_the_buffer_will_do),
		T(a_large_group_is_whole),
		T(an_empty_group_has_an_empty_list),
		T(no_such_entry_is_enoent),
		T(a_daemon_that_offers_root_is_not_believed),
		T(trouble_is_unavail_and_never_erange),
		T(enumeration_gives_each_entry_once_and_ends),
		T(initgroups_grows_the_array_and_keeps_to_the_limit),
		T(initgroups_adds_nothing_twice_and_knows_no_stranger),
		T(loading_and_unloading_a_thousand_times_leaves_nothing),
		T(no_descriptor_stays),
	};
#undef T
	int failed;

	module_enter_namespace();
	fake_start(&fake, MODULE_SOCK, 64);
	module_load(&mod);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	module_unload(&mod);
	fake_stop(&fake);
	return failed;
}
