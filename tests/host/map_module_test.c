/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The built module beside a map that the daemon's own writer published: what is answered
 * from memory, what is asked of the (fake) daemon, and what an outage looks like. The fake's
 * alice has another GECOS than the map's, so an answer shows where it came from.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "host/fake.h"
#include "host/module.h"
#include "host/published.h"
#include "ku/paths.h"
#include "ku/wire.h"
#include "src/base/deadline.h"
#include "src/base/util.h"

#define FROM_DAEMON "Alice Doe"

static struct module mod;
static struct fake fake;
static char buf[4096 + 64];

/* Each test has its own map, and a module that has seen no other. */
static int
begin(void **state)
{
	(void)state;
	fake_set(&fake, FAKE_ANSWER, 0);
	(void)fake_requests(&fake);
	module_load(&mod);
	return 0;
}

static int
end(void **state)
{
	(void)state;
	unpublish_map();
	module_unload(&mod);
	return 0;
}

static enum nss_status
ask_user(const char *name, const char **ret_gecos, int *ret_err)
{
	struct passwd pw = { 0 };
	enum nss_status s = mod.getpwnam_r(name, &pw, buf, sizeof(buf), ret_err);

	*ret_gecos = s == NSS_STATUS_SUCCESS ? pw.pw_gecos : "";
	return s;
}

static void
assert_alice_comes_from(const char *where)
{
	const char *gecos;
	int err;

	assert_int_equal(ask_user("alice", &gecos, &err), NSS_STATUS_SUCCESS);
	assert_string_equal(gecos, where);
}

static void
fresh_records_are_answered_without_the_daemon(void **state)
{
	long start = 1, size = 1;
	gid_t *gids = malloc(sizeof(gid_t));
	struct passwd pw;
	struct group gr;
	int err;

	(void)state;
	publish_map(boot_now(), true);
	assert_alice_comes_from(FROM_MAP);
	assert_int_equal(mod.getpwuid_r(FAKE_ALICE_UID, &pw, buf, sizeof(buf), &err),
	    NSS_STATUS_SUCCESS);
	assert_string_equal(pw.pw_gecos, FROM_MAP);
	assert_int_equal(mod.getgrnam_r("staff", &gr, buf, sizeof(buf), &err),
	    NSS_STATUS_SUCCESS);
	assert_int_equal(mod.getgrgid_r(FAKE_STAFF_GID, &gr, buf, sizeof(buf), &err),
	    NSS_STATUS_SUCCESS);
	assert_string_equal(gr.gr_mem[1], "bob");
	gids[0] = FAKE_ALICE_UID;
	assert_int_equal(mod.initgroups_dyn("alice", FAKE_ALICE_UID, &start, &size, &gids,
			     -1, &err),
	    NSS_STATUS_SUCCESS);
	assert_int_equal(start, 4);
	assert_int_equal(gids[3], 71002);
	free(gids);
	assert_int_equal(fake_requests(&fake), 0);
}

/* Both shapes of errnop; nothing behind the buffer is touched. */
static void
every_size_of_a_buffer_is_right_or_too_small(void **state)
{
	struct {
		enum nss_status status;
		int error;
	} got[2];
	struct passwd pw;
	struct group gr;
	bool fits = false;

	(void)state;
	publish_map(boot_now(), true);
	for (size_t cap = 0; cap <= 4096; cap++) {
		memset(buf + cap, 0x5a, 64);
		errno = EXDEV;
		got[0].error = 0;
		got[0].status = mod.getpwnam_r("alice", &pw, buf, cap, &got[0].error);
		assert_int_equal(errno, EXDEV);
		got[1].status = mod.getgrnam_r("staff", &gr, buf, cap, &errno);
		got[1].error = errno;
		for (size_t k = 0; k < 64; k++)
			assert_int_equal(buf[cap + k], 0x5a);
		for (unsigned i = 0; i < 2; i++)
			if (got[i].status != NSS_STATUS_SUCCESS) {
				assert_false(fits);
				assert_int_equal(got[i].status, NSS_STATUS_TRYAGAIN);
				assert_int_equal(got[i].error, ERANGE);
			}
		if (got[0].status == NSS_STATUS_SUCCESS)
			assert_true(pw.pw_dir >= buf && pw.pw_dir < buf + cap);
		fits = got[0].status == NSS_STATUS_SUCCESS &&
		    got[1].status == NSS_STATUS_SUCCESS;
	}
	assert_true(fits);
	assert_int_equal(fake_requests(&fake), 0);
}

static void
local_names_and_recent_negatives_need_no_daemon(void **state)
{
	static const char *const names[] = { "daemon", "DAEMON", "ghost" };
	const char *gecos;
	int err = 0;

	(void)state;
	publish_map(boot_now(), true);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		assert_int_equal(ask_user(names[i], &gecos, &err), NSS_STATUS_NOTFOUND);
		assert_int_equal(err, ENOENT);
	}
	assert_int_equal(fake_requests(&fake), 0);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
/* Everything that the map can answer by itself; the number of wrong answers. */
static int
ask_what_the_map_knows(gid_t **gids, long *size)
{
	struct passwd pw;
	struct group gr;
	long start = 1;
	int bad = 0, err;

	bad += mod.getpwnam_r("alice", &pw, buf, sizeof(buf), &err) != NSS_STATUS_SUCCESS;
	bad += mod.getpwnam_r("ALICE@own.example", &pw, buf, sizeof(buf), &err) !=
	    NSS_STATUS_SUCCESS;
	bad += mod.getpwuid_r(FAKE_ALICE_UID, &pw, buf, sizeof(buf), &err) !=
	    NSS_STATUS_SUCCESS;
	bad += mod.getpwnam_r("alice", &pw, buf, 8, &err) != NSS_STATUS_TRYAGAIN;
	bad += mod.getpwnam_r("ghost", &pw, buf, sizeof(buf), &err) !=
	    NSS_STATUS_NOTFOUND;
	bad += mod.getpwnam_r("daemon", &pw, buf, sizeof(buf), &err) !=
	    NSS_STATUS_NOTFOUND;
	bad += mod.getpwuid_r(0, &pw, buf, sizeof(buf), &err) != NSS_STATUS_NOTFOUND;
	bad += mod.getgrnam_r("staff", &gr, buf, sizeof(buf), &err) != NSS_STATUS_SUCCESS;
	bad += mod.getgrgid_r(FAKE_STAFF_GID, &gr, buf, sizeof(buf), &err) !=
	    NSS_STATUS_SUCCESS;
	bad += mod.initgroups_dyn("alice", FAKE_ALICE_UID, &start, size, gids, -1,
		   &err) != NSS_STATUS_SUCCESS;
	bad += start != 4;
	bad += mod.getpwent_r(&pw, buf, sizeof(buf), &err) != NSS_STATUS_SUCCESS;
	bad += mod.getpwent_r(&pw, buf, sizeof(buf), &err) != NSS_STATUS_NOTFOUND;
	bad += mod.endpwent() != NSS_STATUS_SUCCESS;
	return bad;
}

/* In a child: after the first lookup any system call but exit kills. */
static void
look_up_without_system_calls(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog prog = { ARRAY_SIZE(code), code };
	long size = 16;
	gid_t *gids = calloc((size_t)size, sizeof(gid_t));
	int bad = 0;

	if (gids == NULL || ask_what_the_map_knows(&gids, &size) != 0 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) != 0)
		_exit(3);
	for (int i = 0; i < 1000 && bad == 0; i++)
		bad = ask_what_the_map_knows(&gids, &size);
	_exit(bad);
}

static void
a_hit_makes_no_system_call(void **state)
{
	int status = -1;
	pid_t pid;

	(void)state;
	publish_map(boot_now(), true);
	pid = fork();
	if (pid == 0)
		look_up_without_system_calls();
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}
#endif

static void
an_old_record_is_renewed_if_the_daemon_is_quick(void **state)
{
	int64_t t;

	(void)state;
	publish_map(boot_now(), false);
	assert_alice_comes_from(FROM_DAEMON);
	assert_int_equal(fake_requests(&fake), 1);
	/* frozen: the record, after at most the short wait */
	fake_set(&fake, FAKE_FROZEN, 0);
	t = clock_mono_ns();
	assert_alice_comes_from(FROM_MAP);
	assert_in_range((clock_mono_ns() - t) / 1000000, 40, 1000);
	/* in trouble, busy, confused: the record */
	fake_set(&fake, FAKE_STATUS, KU_ST_UNAVAIL);
	assert_alice_comes_from(FROM_MAP);
	fake_set(&fake, FAKE_STATUS, KU_ST_BUSY);
	assert_alice_comes_from(FROM_MAP);
	fake_set(&fake, FAKE_GARBAGE, 3);
	assert_alice_comes_from(FROM_MAP);
}

static void
a_daemon_that_lets_its_lease_run_out_is_not_waited_for(void **state)
{
	const char *gecos;
	int64_t t;
	int err;

	(void)state;
	if (boot_now() < 100)
		skip();
	publish_map(boot_now() - 60, false);
	assert_int_equal(kill(fake.pid, SIGSTOP), 0);
	t = clock_mono_ns();
	for (int i = 0; i < 1000; i++)
		assert_alice_comes_from(FROM_MAP);
	assert_true(clock_mono_ns() - t < 1000000000);
	/* one that is not there costs the short wait, and is not "no such user" */
	t = clock_mono_ns();
	assert_int_equal(ask_user("bob", &gecos, &err), NSS_STATUS_UNAVAIL);
	assert_in_range((clock_mono_ns() - t) / 1000000, 40, 1000);
	assert_int_equal(kill(fake.pid, SIGCONT), 0);
}

static void
trouble_is_tryagain_only_while_the_name_is_known_not_to_be_local(void **state)
{
	const char *gecos;
	int err;

	(void)state;
	publish_map(boot_now(), true);
	fake_set(&fake, FAKE_STATUS, KU_ST_UNAVAIL);
	assert_int_equal(ask_user("bob", &gecos, &err), NSS_STATUS_TRYAGAIN);
	assert_int_equal(err, EAGAIN);
	/* useradd, and the map does not know it yet */
	write_file("/run/passwd",
	    "daemon:x:1:1::/:/bin/sh\nbob:x:1000:1000::/:/bin/sh\n");
	assert_int_equal(ask_user("bob", &gecos, &err), NSS_STATUS_UNAVAIL);
	assert_int_equal(err, ENOENT);
	write_file("/run/passwd", "daemon:x:1:1::/:/bin/sh\n");
}

static void
enumeration_needs_no_daemon(void **state)
{
	struct passwd pw;
	struct group gr;
	int err;

	(void)state;
	publish_map(boot_now(), false);
	for (int round = 0; round < 2; round++) {
		assert_int_equal(mod.getpwent_r(&pw, buf, 8, &err), NSS_STATUS_TRYAGAIN);
		assert_int_equal(err, ERANGE);
		assert_int_equal(mod.getpwent_r(&pw, buf, sizeof(buf), &err),
		    NSS_STATUS_SUCCESS);
		assert_string_equal(pw.pw_gecos, FROM_MAP);
		assert_int_equal(mod.getpwent_r(&pw, buf, sizeof(buf), &err),
		    NSS_STATUS_NOTFOUND);
		assert_int_equal(err, ENOENT);
		assert_int_equal(mod.getgrent_r(&gr, buf, sizeof(buf), &err),
		    NSS_STATUS_SUCCESS);
		assert_string_equal(gr.gr_name, "staff");
		assert_int_equal(mod.getgrent_r(&gr, buf, sizeof(buf), &err),
		    NSS_STATUS_NOTFOUND);
		assert_int_equal(mod.endpwent(), NSS_STATUS_SUCCESS);
		assert_int_equal(mod.endgrent(), NSS_STATUS_SUCCESS);
	}
	assert_int_equal(fake_requests(&fake), 0);
}

static void
what_a_hit_costs_is_printed(void **state)
{
	struct passwd pw;
	int64_t best = INT64_MAX;
	int err;

	(void)state;
	publish_map(boot_now(), true);
	for (int round = 0; round < 20; round++) {
		int64_t t = clock_mono_ns();

		for (int i = 0; i < 10000; i++)
			(void)mod.getpwnam_r("alice", &pw, buf, sizeof(buf), &err);
		t = (clock_mono_ns() - t) / 10000;
		best = t < best ? t : best;
	}
	print_message("getpwnam_r, hit: %ld ns\n", (long)best);
	/* any build: far from the price of one question to the daemon */
	assert_true(best < 5000);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)
	const struct CMUnitTest tests[] = {
		T(fresh_records_are_answered_without_the_daemon),
		T(every_size_of_a_buffer_is_right_or_too_small),
		T(local_names_and_recent_negatives_need_no_daemon),
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
		T(a_hit_makes_no_system_call),
#endif
		T(an_old_record_is_renewed_if_the_daemon_is_quick),
		T(a_daemon_that_lets_its_lease_run_out_is_not_waited_for),
		T(trouble_is_tryagain_only_while_the_name_is_known_not_to_be_local),
		T(enumeration_needs_no_daemon),
		T(what_a_hit_costs_is_printed),
	};
#undef T
	int failed;

	module_enter_namespace();
	if (!published_local_files())
		return 77;
	fake_start(&fake, MODULE_SOCK, 64);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	fake_stop(&fake);
	return failed;
}
