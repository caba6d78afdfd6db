/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The published map, its writer killed at every call, while another process reads. Who
 * looks finds each person as they were at the last step that was over, or at the one that
 * was under way, never a mixture, and never "there is no map" once there was one. The next
 * daemon replaces it and leaves nothing else in the directory.
 */
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "chaos/crash.h"
#include "ku/map.h"
#include "src/base/util.h"
#include "unit/src/map/fixture.h"

#define N_PEOPLE 10u
#define FIRST_ID 5000u
#define LATER    (FIXTURE_START + 800)

enum step {
	NOTHING,
	PUBLISHED,
	CHANGED,
	ONE_GONE,
	NEXT_GENERATION,
	CLEARED,
	AGAIN,
	WITHDRAWN,
	N_STEPS,
};

/* Per step and person: 0, or the version. */
static const uint8_t versions[N_STEPS][N_PEOPLE] = {
	[PUBLISHED] = { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 },
	[CHANGED] = { 2, 2, 2, 2, 2, 2, 2, 2, 2, 2 },
	[ONE_GONE] = { 2, 2, 2, 0, 2, 2, 2, 2, 2, 2 },
	[NEXT_GENERATION] = { 2, 2, 2, 0, 2, 2, 2, 2, 2, 2 },
	[AGAIN] = { 3, 3, 3, 3, 3 },
};

static struct fixture fixture;

struct watcher {
	pid_t pid;
	unsigned long *n; /* shared */
};

static void
put(unsigned who, unsigned version)
{
	char name[32], spn[64], gecos[64], dir[64];
	const char *keys[] = { name, spn };
	uint32_t gids[] = { FIRST_ID + who, 9000 + version };
	struct passwd_view v = { .uid = FIRST_ID + who,
		.gid = FIRST_ID + who,
		.name = spn,
		.gecos = gecos,
		.dir = dir,
		.shell = "/bin/sh",
		.n_gids = 2,
		.gids = gids };

	(void)snprintf(name, sizeof(name), "person%u", who);
	(void)snprintf(spn, sizeof(spn), "person%u@own.example", who);
	(void)snprintf(gecos, sizeof(gecos), "version %u", version);
	(void)snprintf(dir, sizeof(dir), "/home/%u/person%u", version, who);
	publish_user(fixture.p, &v, keys, 2, LATER);
}

static void
put_all(enum step step)
{
	for (unsigned i = 0; i < N_PEOPLE; i++)
		if (versions[step][i] != 0)
			put(i, versions[step][i]);
}

static void
begin(void)
{
	timers_init(&fixture.ts);
	fixture.ts.now.boot_ns = (int64_t)fixture_now * CLOCK_S;
	fixture.settings = (struct publish_settings){ .path = fixture.path,
		.own_domain = "own.example",
		.offline_limit_s = 3600,
		.max_ttl_s = 900 };
	fixture.p = publish_new(&fixture.ts, &fixture.settings);
}

static void
end(void)
{
	fixture.p = publish_free(fixture.p);
	timers_deinit(&fixture.ts);
}

static int
commit(void)
{
	publish_lease(fixture.p, fixture_now, 0);
	return publish_commit(fixture.p);
}

static int
body(void *arg)
{
	(void)arg;
	begin();
	put_all(PUBLISHED);
	if (commit() != 0)
		return 1;
	crash_step(PUBLISHED);
	put_all(CHANGED);
	crash_step(CHANGED);
	publish_remove(fixture.p, PUBLISH_USER, FIRST_ID + 3);
	crash_step(ONE_GONE);
	fixture_generation(&fixture);
	crash_step(NEXT_GENERATION);
	publish_clear(fixture.p);
	crash_step(CLEARED);
	put_all(AGAIN);
	if (commit() != 0)
		return 2;
	crash_step(AGAIN);
	end();
	if (publish_withdraw_path(fixture.path) != 0)
		return 3;
	crash_step(WITHDRAWN);
	return 0;
}

/* The version of somebody, 0 when there is no such record, -1 when it is a mixture. */
static int
version_of(struct map *m, unsigned who)
{
	char name[32], dir[64];
	unsigned version;
	enum map_answer a;

	(void)snprintf(name, sizeof(name), "person%u", who);
	a = ask_user(m, name);
	if (a != MAP_HIT && a != MAP_STALE)
		return 0;
	if (sscanf(asked_pw.pw_gecos, "version %u", &version) != 1 ||
	    asked_pw.pw_uid != FIRST_ID + who)
		return -1;
	(void)snprintf(dir, sizeof(dir), "/home/%u/person%u", version, who);
	return streq(asked_pw.pw_dir, dir) ? (int)version : -1;
}

static void
prepare(void *arg)
{
	(void)arg;
	crash_dir_empty(fixture.dir);
}

static bool
may_be(int version, unsigned who, unsigned done)
{
	return version == versions[done][who] ||
	    (done + 1 < N_STEPS && version == versions[done + 1][who]);
}

/* What a process that starts now sees of the dead daemon's map; its generation, or 0. */
static uint32_t
judge(unsigned done, unsigned at)
{
	struct map m = MAP_INIT(fixture.path);
	bool there = access(fixture.path, F_OK) == 0;

	if (!there && done != NOTHING && done < AGAIN)
		fail_msg("call %u: no map after step %u", at, done);
	for (unsigned i = 0; there && i < N_PEOPLE; i++) {
		int v = version_of(&m, i);

		if (!may_be(v, i, done))
			fail_msg("call %u, after step %u: person %u is version %d", at,
			    done, i, v);
	}
	map_close(&m);
	return there ? header_get(&fixture, KU_MAP_H_GENERATION) : 0;
}

static void
check(const struct crash *c, void *arg)
{
	struct map m = MAP_INIT(fixture.path);
	uint32_t before = judge(crash_shared->step, c->at);

	(void)arg;
	begin();
	for (unsigned i = 0; i < N_PEOPLE; i++)
		put(i, 9);
	assert_int_equal(commit(), 0);
	/* It goes up: who reads knows the newer one. */
	assert_true(before == 0 ||
	    (int32_t)(header_get(&fixture, KU_MAP_H_GENERATION) - before) > 0);
	for (unsigned i = 0; i < N_PEOPLE; i++)
		assert_int_equal(version_of(&m, i), 9);
	map_close(&m);
	end();
	/* and nothing beside it */
	assert_int_equal(unlink(fixture.path), 0);
	assert_int_equal(rmdir(fixture.dir), 0);
	assert_int_equal(mkdir(fixture.dir, 0700), 0);
}

static _Noreturn void
watch(unsigned long *n)
{
	struct map m = MAP_INIT(fixture.path);

	for (unsigned i = 0;; i++) {
		if (i % 200 == 0)
			map_close(&m);
		if (version_of(&m, i % N_PEOPLE) < 0)
			_exit(1);
		__atomic_add_fetch(n, 1, __ATOMIC_SEQ_CST);
		if (i % 1000 == 0)
			(void)sched_yield();
	}
}

static void
watcher_start(struct watcher *w)
{
	w->n = mmap(NULL, sizeof(*w->n), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(w->n != MAP_FAILED);
	w->pid = fork();
	assert_true(w->pid >= 0);
	if (w->pid == 0)
		watch(w->n);
}

/* It was content, and alive, all the time. */
static void
watcher_stop(struct watcher *w)
{
	int status = 0;

	assert_int_equal(kill(w->pid, SIGKILL), 0);
	assert_int_equal(waitpid(w->pid, &status, 0), w->pid);
	assert_true(WIFSIGNALED(status));
	print_message("%lu lookups beside it\n", *w->n);
	assert_true(*w->n > 1000);
}

static void
a_map_is_the_old_one_or_the_new_one(void **state)
{
	static const enum crash_mode modes[] = { CRASH_BEFORE, CRASH_TORN };
	static struct crash_plan p = { .prepare = prepare,
		.check = check,
		.modes = modes,
		.n_modes = ARRAY_SIZE(modes),
		.promise = "a known name is answered from memory, and rightly",
		.attack = "map: its writer killed, with a reader beside it" };
	struct watcher w;

	(void)state;
	p.crash.dir = fixture.dir;
	p.crash.body = body;
	watcher_start(&w);
	crash_everywhere(&p, 20);
	watcher_stop(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(a_map_is_the_old_one_or_the_new_one,
		    crash_say_where),
	};
	int failed;

	fixture_now = FIXTURE_START;
	crash_init();
	crash_dir_make(fixture.dir);
	(void)snprintf(fixture.path, sizeof(fixture.path), "%s/nss.map", fixture.dir);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	crash_dir_remove(fixture.dir);
	return failed;
}
