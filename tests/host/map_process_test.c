/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The built module inside processes that are in an odd state, beside a published map: what
 * tests/host/process_test.c does where the daemon is asked. "Met" is a process that has
 * looked somebody up before it gets into that state, and has the map in its memory; the
 * other kind has not seen it.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "host/module.h"
#include "host/odd.h"
#include "host/published.h"

static struct module mod;
static struct fake fake;

/* 0: from the map. 1: from the daemon. 2: cannot be told. Else: what must not be. */
static int
alice(void)
{
	struct passwd pw = { 0 };
	char text[512];
	int err = 0;
	enum nss_status s = mod.getpwnam_r("alice", &pw, text, sizeof(text), &err);

	if (s == NSS_STATUS_UNAVAIL)
		return err == ENOENT ? 2 : 3;
	if (s != NSS_STATUS_SUCCESS)
		return 4;
	return streq(pw.pw_gecos, FROM_MAP) ? 0 : 1;
}

/* Every entry point that reads the map; 0 when all answer from it. */
static int
everything(void)
{
	long start = 1, size = 1;
	gid_t *gids = malloc(sizeof(gid_t));
	struct passwd pw = { 0 };
	struct group gr = { 0 };
	char text[1024];
	int err, bad = alice();

	if (gids == NULL)
		return 9;
	gids[0] = FAKE_ALICE_UID;
	if (mod.getpwuid_r(FAKE_ALICE_UID, &pw, text, sizeof(text), &err) !=
		NSS_STATUS_SUCCESS ||
	    !streq(pw.pw_gecos, FROM_MAP))
		bad = 11;
	if (mod.getgrnam_r("staff", &gr, text, sizeof(text), &err) !=
		NSS_STATUS_SUCCESS ||
	    mod.getgrgid_r(FAKE_STAFF_GID, &gr, text, sizeof(text), &err) !=
		NSS_STATUS_SUCCESS ||
	    !streq(gr.gr_mem[1], "bob"))
		bad = 12;
	if (mod.initgroups_dyn("alice", FAKE_ALICE_UID, &start, &size, &gids, -1, &err) !=
		NSS_STATUS_SUCCESS ||
	    start != 4)
		bad = 13;
	if (mod.setpwent(0) != NSS_STATUS_SUCCESS ||
	    mod.getpwent_r(&pw, text, sizeof(text), &err) != NSS_STATUS_SUCCESS ||
	    mod.endpwent() != NSS_STATUS_SUCCESS)
		bad = 14;
	free(gids);
	return bad;
}

static int (*odd)(void);

static int
met_the_map(void)
{
	module_load(&mod);
	return alice() == 0 ? odd() : 99;
}

static int
met_nothing(void)
{
	module_load(&mod);
	return odd();
}

static void
in_child_that_met_it(int (*body)(void))
{
	odd = body;
	in_child(met_the_map);
}

static void
in_child_that_met_nothing(int (*body)(void))
{
	odd = body;
	in_child(met_nothing);
}

static int
begin(void **state)
{
	(void)state;
	publish_map(boot_now(), true);
	(void)fake_requests(&fake);
	return 0;
}

/* Nothing here is a question for the daemon. */
static int
end(void **state)
{
	(void)state;
	unpublish_map();
	return fake_requests(&fake) == 0 ? 0 : -1;
}

static int
stdio_closed(void)
{
	int bad;

	for (int fd = 0; fd < 3; fd++)
		(void)close(fd);
	bad = everything();
	for (int fd = 0; fd < 3; fd++)
		if (fcntl(fd, F_GETFD) != -1)
			return 30;
	return bad;
}

static void
closed_standard_descriptors_stay_closed(void **state)
{
	(void)state;
	in_child_that_met_it(stdio_closed);
	in_child_that_met_nothing(stdio_closed);
}

static int
no_descriptor_but_a_map(void)
{
	const struct rlimit none = { 0, 1024 };

	if (setrlimit(RLIMIT_NOFILE, &none) != 0)
		return 30;
	for (int i = 0; i < 10; i++)
		if (everything() != 0)
			return 31;
	return 0;
}

/* Neither the map nor the daemon can be had: it says so, and is there again with the room. */
static int
no_descriptor_and_no_map(void)
{
	const struct rlimit none = { 0, 1024 }, some = { 1024, 1024 };
	struct deadline d;

	if (setrlimit(RLIMIT_NOFILE, &none) != 0)
		return 30;
	for (int i = 0; i < 10; i++)
		if (alice() != 2)
			return 31;
	if (setrlimit(RLIMIT_NOFILE, &some) != 0)
		return 32;
	for (d = deadline_in_ms(10000); deadline_left_ms(d) > 0;)
		if (alice() == 0)
			return everything();
	return 33;
}

static void
a_map_that_is_held_needs_no_descriptor(void **state)
{
	(void)state;
	in_child_that_met_it(no_descriptor_but_a_map);
}

static void
without_a_free_descriptor_it_is_unavailable_and_comes_back(void **state)
{
	(void)state;
	in_child_that_met_nothing(no_descriptor_and_no_map);
	/* it asked the daemon until it looked for a map again, if it came to that */
	(void)fake_requests(&fake);
}

static int
with_two_thousand_descriptors(void)
{
	return open_two_thousand() ? everything() : 30;
}

static void
a_host_with_thousands_of_descriptors_is_served(void **state)
{
	(void)state;
	in_child_that_met_it(with_two_thousand_descriptors);
	in_child_that_met_nothing(with_two_thousand_descriptors);
}

static int
closes_everything_between_calls(void)
{
	return closes_everything_between(everything);
}

static void
a_host_that_closes_what_it_does_not_know_is_served(void **state)
{
	(void)state;
	in_child_that_met_it(closes_everything_between_calls);
	in_child_that_met_nothing(closes_everything_between_calls);
}

static unsigned rounds;

static void *
look_up_for_ever(void *arg)
{
	(void)arg;
	for (;;) {
		if (everything() != 0)
			_exit(40);
		__atomic_add_fetch(&rounds, 1, __ATOMIC_SEQ_CST);
		pthread_testcancel();
	}
	return NULL;
}

static int
cancels_threads_at_random(void)
{
	int fds = count_fds();

	for (int i = 0; i < 400; i++) {
		unsigned seen = __atomic_load_n(&rounds, __ATOMIC_SEQ_CST);
		void *how = NULL;
		pthread_t t;

		if (pthread_create(&t, NULL, look_up_for_ever, NULL) != 0)
			return 30;
		while (__atomic_load_n(&rounds, __ATOMIC_SEQ_CST) == seen)
			(void)sched_yield();
		if (pthread_cancel(t) != 0 || pthread_join(t, &how) != 0 ||
		    how != PTHREAD_CANCELED)
			return 31;
	}
	return count_fds() == fds ? everything() : 32;
}

static void
cancelled_threads_leave_nothing_behind(void **state)
{
	(void)state;
	in_child_that_met_it(cancels_threads_at_random);
	in_child_that_met_nothing(cancels_threads_at_random);
}

static void
on_alarm(int sig)
{
	(void)sig;
}

static int
with_a_timer_each_millisecond(void)
{
	const struct sigaction sa = { .sa_handler = on_alarm };
	const struct itimerval each_ms = { { 0, 1000 }, { 0, 1000 } };

	if (sigaction(SIGALRM, &sa, NULL) != 0 ||
	    setitimer(ITIMER_REAL, &each_ms, NULL) != 0)
		return 30;
	for (int i = 0; i < 5000; i++)
		if (everything() != 0)
			return 31;
	return 0;
}

static void
interrupted_system_calls_do_not_matter(void **state)
{
	(void)state;
	in_child_that_met_nothing(with_a_timer_each_millisecond);
}

static void *
in_small_stack(void *arg)
{
	(void)arg;
	return (void *)(intptr_t)everything();
}

static int
in_a_64k_thread(void)
{
	pthread_attr_t attr;
	void *how = NULL;
	pthread_t t;

	if (pthread_attr_init(&attr) != 0 ||
	    pthread_attr_setstacksize(&attr, 65536) != 0 ||
	    pthread_create(&t, &attr, in_small_stack, NULL) != 0)
		return 30;
	return pthread_join(t, &how) == 0 ? (int)(intptr_t)how : 31;
}

static void
a_small_stack_is_enough(void **state)
{
	(void)state;
	in_child_that_met_nothing(in_a_64k_thread);
}

static int
enter_an_empty_root(void)
{
	return chroot("/run/empty") == 0 && chdir("/") == 0 ? 0 : 30;
}

static int
in_a_chroot_with_the_map(void)
{
	int bad = enter_an_empty_root();

	for (int i = 0; i < 100 && bad == 0; i++)
		bad = everything();
	return bad;
}

static int
in_a_chroot_without_it(void)
{
	if (enter_an_empty_root() != 0)
		return 30;
	return alice() == 2 ? 0 : 31;
}

static void
a_map_that_is_held_goes_along_into_a_chroot(void **state)
{
	(void)state;
	assert_int_equal(mkdir("/run/empty", 0755), 0);
	in_child_that_met_it(in_a_chroot_with_the_map);
	in_child_that_met_nothing(in_a_chroot_without_it);
	assert_int_equal(rmdir("/run/empty"), 0);
}

static int
forbid_files_and_sockets(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
	};
	const struct sock_fprog prog = { ARRAY_SIZE(code), code };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
		prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) == 0
	    ? 0
	    : 30;
}

static int
in_a_sandbox_with_the_map(void)
{
	return forbid_files_and_sockets() == 0 ? everything() : 30;
}

static int
in_a_sandbox_without_it(void)
{
	if (forbid_files_and_sockets() != 0)
		return 30;
	return alice() == 2 ? 0 : 31;
}

static void
a_sandbox_without_files_and_sockets_has_what_it_held(void **state)
{
	(void)state;
	in_child_that_met_it(in_a_sandbox_with_the_map);
	in_child_that_met_nothing(in_a_sandbox_without_it);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)
	const struct CMUnitTest tests[] = {
		T(closed_standard_descriptors_stay_closed),
		T(a_map_that_is_held_needs_no_descriptor),
		T(without_a_free_descriptor_it_is_unavailable_and_comes_back),
		T(a_host_with_thousands_of_descriptors_is_served),
		T(a_host_that_closes_what_it_does_not_know_is_served),
		T(cancelled_threads_leave_nothing_behind),
		T(interrupted_system_calls_do_not_matter),
		T(a_small_stack_is_enough),
		T(a_map_that_is_held_goes_along_into_a_chroot),
		T(a_sandbox_without_files_and_sockets_has_what_it_held),
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
