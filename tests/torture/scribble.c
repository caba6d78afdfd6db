/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A map whose bytes change while it is read, as a hostile daemon could do it: one process
 * writes anything anywhere, others ask the built module. What they are told may be nonsense;
 * nobody crashes, nobody hangs, and nobody is told of a system account.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/module.h"
#include "ku/map.h"
#include "ku/paths.h"
#include "src/base/deadline.h"
#include "src/base/util.h"
#include "src/unixd/core/timers.h"
#include "src/unixd/publish/publish.h"

#define PEOPLE    60u
#define FIRST_UID 100000u
#define READERS   4 /* who have the map open before it changes */
#define LATE      2 /* who open one that changes, perhaps with a header of nonsense */
#define ROUNDS    10000
#define MOST      20000u /* of one enumeration */
#define ALARM_S   60u

static struct module mod;
static char buf[1 << 20];
static unsigned hits;

static struct publish *
make_map(struct timers *ts)
{
	const struct publish_settings settings = { .path = KU_PATH_MAP,
		.own_domain = "own.example",
		.max_ttl_s = 900 };
	uint32_t now, gids[] = { 5001, 5002, 5003 };
	struct publish *p;

	timers_init(ts);
	ts->now.mono_ns = clock_mono_ns();
	ts->now.boot_ns = clock_boot_ns();
	now = (uint32_t)clock_boot_s(&ts->now);
	p = publish_new(ts, &settings);
	for (uint32_t i = 0; i < PEOPLE; i++) {
		char name[16], alias[48];
		const char *const keys[] = { name, alias }, *const member[] = { name };
		const struct passwd_view u = { FIRST_UID + i, FIRST_UID + i, name,
			"Some Body", "/home/x", "/bin/sh", 3, gids, false };
		const struct group_view g = { FIRST_UID + i, name, 1, member };

		(void)snprintf(name, sizeof(name), "u%02u", i);
		(void)snprintf(alias, sizeof(alias), "%s@trust.example", name);
		publish_user(p, &u, keys, 2, now + 800);
		publish_group(p, &g, keys, 1, now + 800);
	}
	publish_lease(p, now, 0);
	if (publish_commit(p) != 0)
		abort();
	return p;
}

/* Until killed. Most words become again what they were. */
static void
scribble(void)
{
	int fd = open(KU_PATH_MAP, O_RDWR | O_CLOEXEC);
	uint32_t seed = 1, used, *words, *were;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0)
		_exit(1);
	words = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	were = malloc((size_t)st.st_size);
	if (words == MAP_FAILED || were == NULL)
		_exit(1);
	memcpy(were, words, (size_t)st.st_size);
	used = words[KU_MAP_H_USED] / 4;
	for (;;) {
		uint32_t at, value;

		seed = seed * 1664525u + 1013904223u;
		at = (uint32_t)((seed * 2654435761u ^ seed >> 7) % used);
		value = seed * 2246822519u;
		if (seed >> 27 == 0)
			value = value % (uint32_t)st.st_size & ~7u;
		else if (seed >> 27 != 1)
			value = were[at];
		/* not the state: then nothing would be read any more */
		if (at != KU_MAP_H_STATE)
			__atomic_store_n(words + at, value, __ATOMIC_RELAXED);
	}
}

static int
is_wrong(enum nss_status s, const struct passwd *pw)
{
	if (s != NSS_STATUS_SUCCESS)
		return 0;
	hits++;
	return pw->pw_uid < 1000 || pw->pw_gid < 1000 || strlen(pw->pw_shell) > 65535;
}

static int
enumerate(void)
{
	struct passwd pw;
	unsigned n = 0;
	int bad = 0, err;

	while (n++ < MOST &&
	    mod.getpwent_r(&pw, buf, sizeof(buf), &err) == NSS_STATUS_SUCCESS)
		bad |= is_wrong(NSS_STATUS_SUCCESS, &pw);
	(void)mod.endpwent();
	return bad || n >= MOST;
}

/* The header is taken over when a map is opened; `ready` is told when that was done. */
static int
read_on(uint32_t seed, int ready)
{
	long size = 4096;
	gid_t *gids = calloc((size_t)size, sizeof(gid_t));
	int bad = gids == NULL, err;

	(void)alarm(ALARM_S);
	module_load(&mod);
	if (ready >= 0) {
		struct passwd pw;

		bad |= mod.getpwnam_r("u00", &pw, buf, sizeof(buf), &err) !=
		    NSS_STATUS_SUCCESS;
		bad |= write(ready, "", 1) != 1;
	}
	for (int i = 0; i < ROUNDS && bad == 0; i++) {
		uint32_t who = (seed = seed * 1664525u + 1013904223u) >> 8;
		char name[48];
		struct passwd pw;
		struct group gr;
		long start = 1;

		(void)snprintf(name, sizeof(name), "u%02u%s", who % PEOPLE,
		    who % 3 == 0 ? "@trust.example" : "");
		bad |= is_wrong(mod.getpwnam_r(name, &pw, buf, sizeof(buf), &err), &pw);
		bad |= is_wrong(mod.getpwuid_r(FIRST_UID + who % PEOPLE, &pw, buf,
				    sizeof(buf), &err),
		    &pw);
		if (mod.getgrgid_r(FIRST_UID + who % PEOPLE, &gr, buf, sizeof(buf),
			&err) == NSS_STATUS_SUCCESS)
			for (char **m = gr.gr_mem; *m != NULL; m++)
				bad |= strlen(*m) >= sizeof(buf);
		(void)mod.initgroups_dyn(name, FIRST_UID, &start, &size, &gids, -1, &err);
		if (i % 64 == 0)
			bad |= enumerate();
	}
	free(gids);
	if (bad)
		return 3;
	return ready < 0 || hits > ROUNDS / 100 ? 0 : 4; /* it was no map any more */
}

static pid_t
fork_reader(uint32_t seed, int ready)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(read_on(seed, ready));
	return pid;
}

int
main(void)
{
	pid_t readers[READERS + LATE], scribbler;
	struct publish *p;
	struct timers ts;
	int failed = 0, status = -1, ready[2];
	char byte;

	module_enter_namespace();
	p = make_map(&ts);
	if (pipe(ready) != 0)
		return 1;
	for (uint32_t i = 0; i < READERS; i++)
		readers[i] = fork_reader(i + 1, ready[1]);
	(void)close(ready[1]);
	for (uint32_t i = 0; i < READERS; i++)
		failed |= read(ready[0], &byte, 1) != 1;
	scribbler = fork();
	if (scribbler == 0) {
		/* A time limit ends the test and must end this, too. */
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		scribble();
	}
	for (uint32_t i = READERS; i < READERS + LATE; i++)
		readers[i] = fork_reader(i + 1, -1);
	for (int i = 0; i < READERS + LATE; i++) {
		if (waitpid(readers[i], &status, 0) != readers[i] || status != 0) {
			(void)printf("a reader ended with status %x\n", (unsigned)status);
			failed = 1;
		}
	}
	(void)kill(scribbler, SIGKILL);
	if (waitpid(scribbler, &status, 0) != scribbler || !WIFSIGNALED(status)) {
		(void)printf("the scribbler ended by itself\n");
		failed = 1;
	}
	p = publish_free(p);
	(void)p;
	timers_deinit(&ts);
	return failed;
}
