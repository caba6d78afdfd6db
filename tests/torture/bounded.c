/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What a process keeps of the maps it has had when its count of readers never comes back to
 * zero: a child forked while eight threads were inside, and a program whose handler jumps
 * out of lookups, ten thousand times, wherever the alarm finds it. Mappings, descriptors and
 * memory stay bounded, and the newest map is still found.
 */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "host/module.h"
#include "ku/paths.h"
#include "src/base/deadline.h"
#include "src/base/util.h"
#include "src/unixd/core/timers.h"
#include "src/unixd/publish/publish.h"

#define ALICE       100000u
#define THREADS     8
#define GENERATIONS 1000u
#define JUMPS       10000u
#define EACH_JUMPS  50u /* a new generation */
#define MAX_MAPS    5u
/* kB, of VmRSS; a sanitizer keeps what is freed */
#if defined(__SANITIZE_ADDRESS__)
#define MAX_GROWTH 65536u
#else
#define MAX_GROWTH 8192u
#endif
#define DEADLINE_S 100u

static struct module mod;
static struct timers timers;
static struct publish_settings settings;
static struct publish *writer;
static sigjmp_buf jump_to;
/* A module that is unloaded leaves its maps: none of a test before may count. */
static unsigned maps_before;

static void
publish_alice(uint32_t version)
{
	const char *const keys[] = { "alice" };
	char shell[32];
	const struct passwd_view v = { .uid = ALICE,
		.gid = ALICE,
		.name = "alice",
		.gecos = "Alice",
		.dir = "/home/alice",
		.shell = shell };

	(void)snprintf(shell, sizeof(shell), "/bin/v%u", version);
	timers.now.boot_ns = clock_boot_ns();
	publish_user(writer, &v, keys, 1, (uint32_t)clock_boot_s(&timers.now) + 800);
}

/* Another file at the path, and in it a version that no other had. 0 when that worked. */
static int
new_generation(uint32_t version)
{
	settings.offline_limit_s ^= 1;
	publish_reconfigure(writer, &settings);
	timers.now.mono_ns += 11 * CLOCK_S;
	publish_lease(writer, (uint32_t)clock_boot_s(&timers.now), 0);
	publish_alice(version);
	return publish_commit(writer);
}

/* Does the module say so, too? */
static bool
is_version(uint32_t version)
{
	char buf[512], shell[32];
	struct passwd pw;
	int err;

	(void)snprintf(shell, sizeof(shell), "/bin/v%u", version);
	return mod.getpwnam_r("alice", &pw, buf, sizeof(buf), &err) ==
	    NSS_STATUS_SUCCESS &&
	    streq(pw.pw_shell, shell);
}

static unsigned
count_maps(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[512];
	unsigned n = 0;

	if (maps == NULL)
		return UINT32_MAX;
	/* the writer has one of its own, for writing */
	while (fgets(line, sizeof(line), maps) != NULL)
		n += strstr(line, "nss.map") != NULL && strstr(line, " r--s ") != NULL;
	(void)fclose(maps);
	return n;
}

static unsigned
rss_kb(void)
{
	FILE *status = fopen("/proc/self/status", "re");
	char line[128];
	unsigned kb = 0;

	if (status == NULL)
		return UINT32_MAX;
	while (fgets(line, sizeof(line), status) != NULL)
		if (strncmp(line, "VmRSS:", 6) == 0)
			kb = (unsigned)strtoul(line + 6, NULL, 10);
	(void)fclose(status);
	return kb;
}

static int
setup(void **state)
{
	(void)state;
	settings = (struct publish_settings){ .path = KU_PATH_MAP,
		.own_domain = "own.example",
		.max_ttl_s = 900 };
	timers_init(&timers);
	timers.now.mono_ns = clock_mono_ns();
	timers.now.boot_ns = clock_boot_ns();
	maps_before = count_maps();
	writer = publish_new(&timers, &settings);
	publish_alice(0);
	publish_lease(writer, (uint32_t)clock_boot_s(&timers.now), 0);
	module_load(&mod);
	return publish_commit(writer);
}

static int
teardown(void **state)
{
	(void)state;
	writer = publish_free(writer);
	timers_deinit(&timers);
	module_unload(&mod);
	return unlink(KU_PATH_MAP);
}

static bool stop;

static void *
look(void *arg)
{
	char buf[512];
	struct passwd pw;
	int err;

	(void)arg;
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED))
		(void)mod.getpwuid_r(ALICE, &pw, buf, sizeof(buf), &err);
	return NULL;
}

static int
live_through_generations(void)
{
	int fds = count_fds();
	unsigned before = rss_kb();

	(void)alarm(DEADLINE_S);
	for (uint32_t i = 1; i <= GENERATIONS; i++) {
		if (new_generation(i) != 0)
			return 1;
		if (!is_version(i))
			return 2;
		if (count_maps() - maps_before > MAX_MAPS)
			return 3;
	}
	if (count_fds() != fds)
		return 4;
	return rss_kb() <= before + MAX_GROWTH ? 0 : 5;
}

static void
a_child_forked_under_eight_threads_keeps_five_maps_at_most(void **state)
{
	pthread_t threads[THREADS];
	int status = -1;
	pid_t pid;

	(void)state;
	assert_true(is_version(0));
	stop = false;
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, look, NULL), 0);
	pid = fork();
	if (pid == 0)
		_exit(live_through_generations());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_int_equal(status, 0);
}

static void
on_alarm(int sig)
{
	(void)sig;
	siglongjmp(jump_to, 1);
}

/* Looks up until the alarm, `us` microseconds from now. */
static void
look_until_alarm(unsigned us)
{
	const struct itimerval in = { .it_value = { .tv_usec = (suseconds_t)us } };
	static char buf[512];
	struct passwd pw;
	int err;

	if (setitimer(ITIMER_REAL, &in, NULL) != 0)
		return;
	for (;;)
		(void)mod.getpwnam_r("alice", &pw, buf, sizeof(buf), &err);
}

static void
jumping_out_of_lookups_leaves_nothing_that_grows(void **state)
{
	struct sigaction sa = { .sa_handler = on_alarm }, old;
	int fds = count_fds();
	unsigned before;
	static volatile uint32_t i, version, seed;

	(void)state;
	assert_true(is_version(0));
	before = rss_kb();
	assert_int_equal(sigaction(SIGALRM, &sa, &old), 0);
	seed = 1;
	for (i = 0; i < JUMPS; i++) {
		if (i % EACH_JUMPS == 0) {
			version = i;
			assert_int_equal(new_generation(version), 0);
		}
		seed = seed * 1664525u + 1013904223u;
		if (sigsetjmp(jump_to, 1) == 0)
			look_until_alarm(1 + (seed >> 8) % 40);
	}
	(void)sigaction(SIGALRM, &old, NULL);
	assert_true(is_version(version));
	assert_in_range(count_maps() - maps_before, 1, MAX_MAPS);
	assert_int_equal(count_fds(), fds);
	assert_true(rss_kb() <= before + MAX_GROWTH);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a_child_forked_under_eight_threads_keeps_five_maps_at_most),
		T(jumping_out_of_lookups_leaves_nothing_that_grows),
	};
#undef T

	module_enter_namespace();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
