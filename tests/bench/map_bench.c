/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What a lookup in the map costs, without libc around it: nanoseconds per call with the
 * parsing of the name, the best of seven rounds, at a thousand, ten thousand and a hundred
 * thousand accounts. Each account is a user with ten groups and a private group, as the
 * daemon publishes them.
 *
 *	map_bench [DIRECTORY]		where the file is made; default /dev/shm
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/deadline.h"
#include "src/map/map.h"
#include "src/unixd/core/timers.h"
#include "src/unixd/publish/publish.h"

#define ROUNDS  7
#define LOOKUPS 200000u
#define FIRST   100000u

static uint32_t
next_random(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

static void
fill(struct publish *p, uint32_t n, uint32_t fresh_until)
{
	for (uint32_t i = 0; i < n; i++) {
		char name[32], spn[64], home[64], text[64];
		const char *keys[] = { name, spn };
		uint32_t gids[10];
		struct passwd_view v = { FIRST + i, FIRST + i, spn, text, home,
			"/bin/bash", 10, gids, false };
		struct group_view g = { FIRST + i, spn, 0, NULL };

		(void)snprintf(name, sizeof(name), "p%06u", i);
		(void)snprintf(spn, sizeof(spn), "%s@idm.example.com", name);
		(void)snprintf(home, sizeof(home), "/home/3f2a77c0-1b1e-4e6f-9d5c-%012u",
		    i);
		(void)snprintf(text, sizeof(text), "Person Number %u", i);
		for (uint32_t k = 0; k < 10; k++)
			gids[k] = 50000 + (i + k * 37) % 1000;
		publish_user(p, &v, keys, 2, fresh_until);
		publish_group(p, &g, keys, 2, fresh_until);
	}
}

/* As a module does it for each call; from digits, so that no array of names is what the
 * cache misses come from. */
static void
make_name(struct name *to, char first, uint32_t i)
{
	char text[7];

	text[0] = first;
	for (int at = 6; at > 0; at--, i /= 10)
		text[at] = (char)('0' + i % 10);
	if (name_parse(text, sizeof(text), to) != 0)
		abort();
}

static int
count_gid(void *arg, uint32_t gid)
{
	*(uint32_t *)arg += gid != 0;
	return 0;
}

enum what { BY_NAME, BY_UID, UNKNOWN, INITGROUPS, N_WHAT };
static const char *const what_text[] = { "passwd by name", "passwd by uid",
	"unknown name", "initgroups, 10" };

static double
measure(struct map *m, uint32_t n, enum what what, bool same)
{
	uint32_t state = 1, gids = 0, wrong = 0;
	struct passwd pw;
	struct name name;
	char buf[1024];
	int64_t begin;
	int stop;

	begin = clock_mono_ns();
	for (uint32_t i = 0; i < LOOKUPS; i++) {
		uint32_t k = same ? 17 : next_random(&state) % n;
		enum map_answer got, want = MAP_HIT;

		switch (what) {
		case BY_NAME:
			make_name(&name, 'p', k);
			got = map_passwd_by_name(m, &name, 0, &pw, buf, sizeof(buf));
			break;
		case BY_UID:
			got = map_passwd_by_uid(m, FIRST + k, 0, &pw, buf, sizeof(buf));
			break;
		case UNKNOWN:
			make_name(&name, 'q', k);
			got = map_passwd_by_name(m, &name, 0, &pw, buf, sizeof(buf));
			want = MAP_ABSENT;
			break;
		default:
			make_name(&name, 'p', k);
			got = map_initgroups(m, &name, 0, count_gid, &gids, &stop);
			break;
		}
		wrong += got != want;
	}
	if (wrong != 0)
		(void)printf("%u wrong answers\n", wrong);
	return (double)(clock_mono_ns() - begin) / LOOKUPS;
}

static double
best_of(struct map *m, uint32_t n, enum what what, bool same)
{
	double best = measure(m, n, what, same);

	for (int i = 1; i < ROUNDS; i++) {
		double ns = measure(m, n, what, same);

		if (ns < best)
			best = ns;
	}
	return best;
}

static void
bench(const char *path, uint32_t n)
{
	struct publish_settings s = { path, "idm.example.com", 0, 3600 };
	struct map m = MAP_INIT(path);
	struct publish_stats stats;
	struct timers ts;
	struct publish *p;
	int64_t begin, filled;
	uint32_t now;
	struct stat st;

	timers_init(&ts);
	now = (uint32_t)clock_boot_s(&ts.now);
	p = publish_new(&ts, &s);
	begin = clock_mono_ns();
	fill(p, n, now + 3600);
	filled = clock_mono_ns();
	publish_lease(p, now + 40, 0); /* as if a heartbeat came during the measurement */
	if (publish_commit(p) != 0 || stat(path, &st) != 0) {
		(void)printf("%s\n", publish_trouble(p));
		exit(1);
	}
	publish_stats(p, &stats);
	(void)printf("%u accounts: published in %.1f ms, written in %.1f ms, %zu bytes, "
		     "%zu an account\n",
	    n, (double)(filled - begin) / 1e6, (double)(clock_mono_ns() - filled) / 1e6,
	    stats.bytes, stats.bytes / n);
	for (int what = 0; what < N_WHAT; what++) {
		publish_lease(p, (uint32_t)(clock_boot_ns() / 1000000000) + 40, 0);
		(void)printf("  %-16s same %6.0f ns   random %6.0f ns\n", what_text[what],
		    best_of(&m, n, (enum what)what, true),
		    best_of(&m, n, (enum what)what, false));
	}
	map_close(&m);
	p = publish_free(p);
	timers_deinit(&ts);
	(void)unlink(path);
}

int
main(int argc, char **argv)
{
	static const uint32_t sizes[] = { 1000, 10000, 100000 };
	char path[1024];

	(void)snprintf(path, sizeof(path), "%s/map_bench.%ld",
	    argc > 1 ? argv[1] : "/dev/shm", (long)getpid());
	for (unsigned i = 0; i < 3; i++)
		bench(path, sizes[i]);
	return 0;
}
