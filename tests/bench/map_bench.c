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
#include <unistd.h>

#include "src/base/deadline.h"
#include "src/map/map.h"
#include "support/people.h"

#define ROUNDS  7
#define LOOKUPS 200000u

static uint32_t
next_random(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

/* As a module does it for each call. */
static void
make_name(struct name *to, char first, uint32_t i, char *text)
{
	people_name(first, i, text);
	if (name_parse(text, 7, to) != 0)
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
	char buf[1024], text[8];
	int64_t begin;
	int stop;

	begin = clock_mono_ns();
	for (uint32_t i = 0; i < LOOKUPS; i++) {
		uint32_t k = same ? 17 : next_random(&state) % n;
		enum map_answer got, want = MAP_HIT;

		switch (what) {
		case BY_NAME:
			make_name(&name, 'p', k, text);
			got = map_passwd_by_name(m, &name, 0, &pw, buf, sizeof(buf));
			break;
		case BY_UID:
			got = map_passwd_by_uid(m, PEOPLE_FIRST_UID + k, 0, &pw, buf,
			    sizeof(buf));
			break;
		case UNKNOWN:
			make_name(&name, 'x', k, text); /* nobody asked before */
			got = map_passwd_by_name(m, &name, 0, &pw, buf, sizeof(buf));
			want = MAP_ABSENT;
			break;
		default:
			make_name(&name, 'p', k, text);
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
	struct map m = MAP_INIT(path);
	struct people people;
	struct publish_stats stats;
	int64_t begin = clock_mono_ns();

	people_publish(&people, path, n);
	publish_stats(people.publish, &stats);
	(void)printf("%u accounts: published and written in %.1f ms, %zu bytes, "
		     "%zu an account\n",
	    n, (double)(clock_mono_ns() - begin) / 1e6, stats.bytes, stats.bytes / n);
	for (int what = 0; what < N_WHAT; what++) {
		people_lease(&people);
		(void)printf("  %-16s same %6.0f ns   random %6.0f ns\n", what_text[what],
		    best_of(&m, n, (enum what)what, true),
		    best_of(&m, n, (enum what)what, false));
	}
	map_close(&m);
	people_free(&people);
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
