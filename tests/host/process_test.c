/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The module inside processes that are in an odd state, and beside a daemon that is. Each
 * condition is made in a child of its own, so none leaks into the next.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
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
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "host/fake.h"
#include "host/module.h"
#include "host/odd.h"
#include "src/base/deadline.h"
#include "src/base/util.h"

static struct module mod;
static struct fake fake;

/* 0 when alice is found. */
static int
alice_is_found(void)
{
	int err;

	return module_ask_alice(&mod, &err) == NSS_STATUS_SUCCESS ? 0 : 1;
}

/* 0 when the module says that it cannot tell. */
static int
alice_is_unavailable(void)
{
	int err = 0;

	if (module_ask_alice(&mod, &err) != NSS_STATUS_UNAVAIL)
		return 1;
	return err == ENOENT ? 0 : 2;
}

static int
reset(void **state)
{
	(void)state;
	fake_set(&fake, FAKE_ANSWER, 0);
	(void)fake_requests(&fake);
	return 0;
}

static int
stdio_closed(void)
{
	for (int fd = 0; fd < 3; fd++)
		(void)close(fd);
	if (alice_is_found() != 0)
		return 1;
	for (int fd = 0; fd < 3; fd++)
		if (fcntl(fd, F_GETFD) != -1)
			return 2;
	return 0;
}

static void
closed_standard_descriptors_stay_closed(void **state)
{
	(void)state;
	in_child(stdio_closed);
}

static int
no_descriptors_left(void)
{
	const struct rlimit none = { 0, 1024 }, some = { 1024, 1024 };

	if (setrlimit(RLIMIT_NOFILE, &none) != 0)
		return 3;
	for (int i = 0; i < 10; i++)
		if (alice_is_unavailable() != 0)
			return 4;
	/* and it is no lasting verdict */
	return setrlimit(RLIMIT_NOFILE, &some) == 0 ? alice_is_found() : 5;
}

static void
without_a_free_descriptor_it_is_unavailable_and_comes_back(void **state)
{
	(void)state;
	in_child(no_descriptors_left);
}

static int
with_two_thousand_descriptors(void)
{
	return open_two_thousand() ? alice_is_found() : 3;
}

/* Beyond what select() can be told about. */
static void
a_host_with_thousands_of_descriptors_is_served(void **state)
{
	(void)state;
	in_child(with_two_thousand_descriptors);
}

static int
closes_everything_between_calls(void)
{
	return closes_everything_between(alice_is_found);
}

static void
a_host_that_closes_what_it_does_not_know_is_served(void **state)
{
	(void)state;
	in_child(closes_everything_between_calls);
}

static bool stop_threads;

static void *
look_up_until_told(void *arg)
{
	(void)arg;
	while (!__atomic_load_n(&stop_threads, __ATOMIC_SEQ_CST))
		if (alice_is_found() != 0)
			return (void *)1;
	return NULL;
}

static int
forks_while_threads_look_up(void)
{
	pthread_t t[4];
	int bad = 0;

	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		if (pthread_create(&t[i], NULL, look_up_until_told, NULL) != 0)
			return 1;
	for (int i = 0; i < 100 && bad == 0; i++) {
		pid_t pid = fork();
		int status = -1;

		if (pid == 0) {
			(void)alarm(20);
			_exit(alice_is_found());
		}
		if (waitpid(pid, &status, 0) != pid || status != 0)
			bad = 2;
	}
	__atomic_store_n(&stop_threads, true, __ATOMIC_SEQ_CST);
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		void *how = NULL;

		if (pthread_join(t[i], &how) != 0 || how != NULL)
			bad = 3;
	}
	return bad;
}

static void
children_forked_from_a_busy_threaded_process_can_look_up(void **state)
{
	(void)state;
	in_child(forks_while_threads_look_up);
}

static void *
look_up_for_ever(void *arg)
{
	(void)arg;
	for (;;) {
		(void)alice_is_found();
		pthread_testcancel();
	}
	return NULL;
}

static int
cancels_threads_at_random(void)
{
	int fds = count_fds();

	for (int i = 0; i < 400; i++) {
		unsigned seen = __atomic_load_n(&fake.ctl->requests, __ATOMIC_SEQ_CST);
		void *how = NULL;
		pthread_t t;

		if (pthread_create(&t, NULL, look_up_for_ever, NULL) != 0)
			return 1;
		/* somewhere in its first or second lookup */
		while (__atomic_load_n(&fake.ctl->requests, __ATOMIC_SEQ_CST) == seen)
			(void)sched_yield();
		if (pthread_cancel(t) != 0 || pthread_join(t, &how) != 0 ||
		    how != PTHREAD_CANCELED)
			return 2;
	}
	if (count_fds() != fds)
		return 3;
	return alice_is_found();
}

static void
cancelled_threads_leave_nothing_behind(void **state)
{
	(void)state;
	in_child(cancels_threads_at_random);
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
	int64_t t;

	if (sigaction(SIGALRM, &sa, NULL) != 0 ||
	    setitimer(ITIMER_REAL, &each_ms, NULL) != 0)
		return 3;
	for (int i = 0; i < 1000; i++)
		if (alice_is_found() != 0)
			return 1;
	fake_set(&fake, FAKE_FROZEN, 0);
	t = clock_mono_ns();
	if (alice_is_unavailable() != 0)
		return 2;
	t = (clock_mono_ns() - t) / 1000000;
	return t >= 1990 && t < 4000 ? 0 : 4;
}

static void
interrupted_system_calls_neither_fail_nor_stretch_it(void **state)
{
	(void)state;
	in_child(with_a_timer_each_millisecond);
}

static int
with_sigpipe_deadly(void)
{
	(void)signal(SIGPIPE, SIG_DFL);
	for (int i = 0; i < 50; i++)
		if (alice_is_unavailable() != 0)
			return 1;
	return 0;
}

static void
a_daemon_that_hangs_up_does_not_kill_by_sigpipe(void **state)
{
	(void)state;
	fake_set(&fake, FAKE_EOF, 0);
	in_child(with_sigpipe_deadly);
}

static void *
in_small_stack(void *arg)
{
	long start = 1, size = 1;
	gid_t *gids = malloc(sizeof(gid_t));
	static char buf[32768];
	struct group gr;
	intptr_t bad;
	int err;

	(void)arg;
	bad = alice_is_found();
	if (mod.getgrnam_r("big", &gr, buf, sizeof(buf), &err) != NSS_STATUS_SUCCESS)
		bad = 2;
	gids[0] = 70003;
	if (mod.initgroups_dyn("many", 70003, &start, &size, &gids, -1, &err) !=
	    NSS_STATUS_SUCCESS)
		bad = 3;
	free(gids);
	return (void *)bad;
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
		return 1;
	return pthread_join(t, &how) == 0 && how == NULL ? 0 : 2;
}

static void
a_small_stack_is_enough(void **state)
{
	(void)state;
	in_child(in_a_64k_thread);
}

static int
in_a_chroot(void)
{
	if (mkdir("/run/empty", 0755) != 0 || chroot("/run/empty") != 0 ||
	    chdir("/") != 0)
		return 3;
	return alice_is_unavailable();
}

static void
a_chroot_without_the_socket_is_unavailable(void **state)
{
	(void)state;
	in_child(in_a_chroot);
	assert_int_equal(rmdir("/run/empty"), 0);
}

static int
forbid_sockets(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog prog = { ARRAY_SIZE(code), code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) != 0)
		return 3;
	return alice_is_unavailable();
}

static void
a_sandbox_without_sockets_is_unavailable(void **state)
{
	(void)state;
	in_child(forbid_sockets);
}

/* Everything the module may run into on the way in, hostile. */
static char *const hostile_env[] = { (char *)(uintptr_t) "LD_PRELOAD=/run/evil.so",
	(char *)(uintptr_t) "LD_LIBRARY_PATH=/run",
	(char *)(uintptr_t) "KANIDM_SOCK=/run/evil",
	(char *)(uintptr_t) "KU_PATH_SOCK=/run/evil",
	(char *)(uintptr_t) "HOME=/run/evil", (char *)(uintptr_t) "TMPDIR=/run/evil",
	(char *)(uintptr_t) "LC_ALL=tr_TR.UTF-8", (char *)(uintptr_t) "RUST_LOG=trace",
	NULL, NULL };

static int
as_a_setuid_program(void)
{
	char *const argv[] = { (char *)(uintptr_t) "lookup", (char *)(uintptr_t) "lookup",
		NULL };
	char *env[ARRAY_SIZE(hostile_env)], module[512];

	memcpy(env, hostile_env, sizeof(env));
	(void)snprintf(module, sizeof(module), "KU_NSS_MODULE=%s",
	    getenv("KU_NSS_MODULE"));
	env[ARRAY_SIZE(env) - 2] = module;
	if (chdir("/run") != 0 || setgid(65533) != 0 || setuid(65533) != 0)
		return 3;
	(void)execve("/run/lookup", argv, env);
	return 4;
}

static void
a_setuid_program_is_served_whatever_its_environment_says(void **state)
{
	(void)state;
	copy_file("/proc/self/exe", "/run/lookup");
	assert_int_equal(chmod("/run/lookup", 04755), 0);
	in_child(as_a_setuid_program);
	assert_int_equal(unlink("/run/lookup"), 0);
}

static int
as_a_static_program(void)
{
	char library[512], program[] = "static_lookup";
	char *const argv[] = { program, NULL }, *const env[] = { library, NULL };
	const char *module = getenv("KU_NSS_MODULE");
	FILE *f = fopen("/run/nsswitch.conf", "we");

	if (f == NULL || fputs("passwd: kanidm\ngroup: kanidm\n", f) < 0 ||
	    fclose(f) != 0 ||
	    mount("/run/nsswitch.conf", "/etc/nsswitch.conf", NULL, MS_BIND, NULL) != 0)
		return 30;
	(void)snprintf(library, sizeof(library), "LD_LIBRARY_PATH=%.480s", module);
	*strrchr(library, '/') = '\0';
	(void)execve(getenv("KU_STATIC_LOOKUP"), argv, env);
	return 31;
}

static void
a_static_program_is_served(void **state)
{
	(void)state;
	if (getenv("KU_STATIC_LOOKUP") == NULL)
		skip();
	in_child(as_a_static_program);
	(void)umount("/etc/nsswitch.conf");
	assert_true(fake_requests(&fake) > 0);
}

static void
a_slow_or_frozen_daemon_costs_two_seconds_at_most(void **state)
{
	static const enum fake_mode modes[] = { FAKE_SLOW, FAKE_FROZEN };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		int64_t t = clock_mono_ns();

		fake_set(&fake, modes[i], 0);
		assert_int_equal(alice_is_unavailable(), 0);
		assert_in_range((clock_mono_ns() - t) / 1000000, 1990, 3500);
	}
}

static void
a_stopped_daemon_costs_two_seconds_and_recovers(void **state)
{
	int64_t t = clock_mono_ns();

	(void)state;
	assert_int_equal(kill(fake.pid, SIGSTOP), 0);
	assert_int_equal(alice_is_unavailable(), 0);
	assert_in_range((clock_mono_ns() - t) / 1000000, 1990, 3500);
	assert_int_equal(kill(fake.pid, SIGCONT), 0);
	assert_int_equal(alice_is_found(), 0);
}

/* Every entry point once; only legal statuses may come, and nothing outside the buffer. */
static void
ask_everything(void)
{
	static char buf[2048 + 16];
	static const size_t caps[] = { 0, 1, 40, 100, 2048 };

	for (size_t i = 0; i < ARRAY_SIZE(caps); i++) {
		long start = 1, size = 1;
		gid_t *gids = malloc(sizeof(gid_t));
		struct passwd pw = { 0 };
		struct group gr = { 0 };
		enum nss_status s[6];
		int err = 0;

		gids[0] = 70001;
		memset(buf, 0x5a, sizeof(buf));
		s[0] = mod.getpwnam_r("alice", &pw, buf, caps[i], &err);
		s[1] = mod.getpwuid_r(FAKE_ALICE_UID, &pw, buf, caps[i], &err);
		s[2] = mod.getpwent_r(&pw, buf, caps[i], &err);
		s[3] = mod.getgrnam_r("staff", &gr, buf, caps[i], &err);
		s[4] = mod.getgrent_r(&gr, buf, caps[i], &err);
		s[5] = mod.initgroups_dyn("alice", 70001, &start, &size, &gids, -1, &err);
		for (size_t k = 0; k < ARRAY_SIZE(s); k++)
			assert_in_range(s[k] + 2, 0, 3);
		for (size_t k = caps[i]; k < sizeof(buf); k++)
			assert_int_equal(buf[k], 0x5a);
		assert_true(s[0] != NSS_STATUS_SUCCESS || pw.pw_uid >= 1000);
		assert_true(start >= 1 && start <= size);
		free(gids);
	}
	assert_int_equal(mod.endpwent(), NSS_STATUS_SUCCESS);
	assert_int_equal(mod.endgrent(), NSS_STATUS_SUCCESS);
}

static void
garbage_of_any_kind_is_survived(void **state)
{
	static const enum fake_mode modes[] = { FAKE_CUT, FAKE_EXTRA, FAKE_WRONG_MAGIC,
		FAKE_WRONG_VERSION, FAKE_WRONG_OP, FAKE_WRONG_SERIAL, FAKE_HUGE_LENGTH,
		FAKE_BIG_LENGTH, FAKE_HUGE_COUNTS };
	int fds = count_fds();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		fake_set(&fake, modes[i], 0);
		assert_int_equal(alice_is_unavailable(), 0);
		ask_everything();
	}
	for (unsigned seed = 0; seed < 50; seed++) {
		fake_set(&fake, FAKE_GARBAGE, seed);
		ask_everything();
		fake_set(&fake, FAKE_GARBAGE_BODY, seed);
		ask_everything();
	}
	assert_int_equal(count_fds(), fds);
}

static int
by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static void
an_absent_daemon_costs_microseconds(void **state)
{
	int64_t ns[1001];

	(void)state;
	fake_stop(&fake);
	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < ARRAY_SIZE(ns); i++) {
			ns[i] = clock_mono_ns();
			assert_int_equal(alice_is_unavailable(), 0);
			ns[i] = clock_mono_ns() - ns[i];
		}
		qsort(ns, ARRAY_SIZE(ns), sizeof(ns[0]), by_value);
		print_message("%s: %ld ns\n", pass == 0 ? "nobody listens" : "no socket",
		    (long)ns[ARRAY_SIZE(ns) / 2]);
		assert_true(ns[ARRAY_SIZE(ns) / 2] < 200000);
		(void)unlink(MODULE_SOCK);
	}
	fake_start(&fake, MODULE_SOCK, 64);
}

int
main(int argc, char **argv)
{
#define T(f) cmocka_unit_test_setup(f, reset)
	const struct CMUnitTest tests[] = {
		T(closed_standard_descriptors_stay_closed),
		T(without_a_free_descriptor_it_is_unavailable_and_comes_back),
		T(a_host_with_thousands_of_descriptors_is_served),
		T(a_host_that_closes_what_it_does_not_know_is_served),
		T(children_forked_from_a_busy_threaded_process_can_look_up),
		T(cancelled_threads_leave_nothing_behind),
		T(interrupted_system_calls_neither_fail_nor_stretch_it),
		T(a_daemon_that_hangs_up_does_not_kill_by_sigpipe),
		T(a_small_stack_is_enough),
		T(a_chroot_without_the_socket_is_unavailable),
		T(a_sandbox_without_sockets_is_unavailable),
		T(a_setuid_program_is_served_whatever_its_environment_says),
		T(a_static_program_is_served),
		T(a_slow_or_frozen_daemon_costs_two_seconds_at_most),
		T(a_stopped_daemon_costs_two_seconds_and_recovers),
		T(garbage_of_any_kind_is_survived),
		T(an_absent_daemon_costs_microseconds),
	};
#undef T
	int failed;

	/* the setuid copy of this program */
	if (argc == 2 && streq(argv[1], "lookup")) {
		module_load(&mod);
		return geteuid() == 0 ? alice_is_found() : 5;
	}
	module_enter_namespace();
	fake_start(&fake, MODULE_SOCK, 64);
	module_load(&mod);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	module_unload(&mod);
	fake_stop(&fake);
	return failed;
}
