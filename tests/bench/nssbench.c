/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Times single calls through libc, the way every program makes them, and prints the median
 * and the 99th percentile per kind. Which services answer is up to the nsswitch.conf that
 * the caller has put in place: run the same program once per line to compare.
 *
 *	nssbench ROUNDS KIND KEY [KIND KEY ...]
 *	kinds: pwnam pwuid grnam grgid grouplist
 *
 * One line per pair: kind, key, found (1 or 0), p50 ns, p99 ns, calls.
 */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MAX_ROUNDS 1000000u

static char buffer[1 << 20];
static gid_t groups[1024];

static int64_t
now_ns(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static bool
call_passwd(const char *kind, const char *key, uint32_t id)
{
	struct passwd pw, *res = NULL;

	if (strcmp(kind, "pwnam") == 0)
		(void)getpwnam_r(key, &pw, buffer, sizeof(buffer), &res);
	else
		(void)getpwuid_r(id, &pw, buffer, sizeof(buffer), &res);
	return res != NULL;
}

static bool
call_group(const char *kind, const char *key, uint32_t id)
{
	struct group gr, *res = NULL;

	if (strcmp(kind, "grnam") == 0)
		(void)getgrnam_r(key, &gr, buffer, sizeof(buffer), &res);
	else
		(void)getgrgid_r(id, &gr, buffer, sizeof(buffer), &res);
	return res != NULL;
}

static bool
call_once(const char *kind, const char *key, uint32_t id)
{
	if (kind[0] == 'p')
		return call_passwd(kind, key, id);
	if (strcmp(kind, "grouplist") == 0) {
		int n = 1024;

		return getgrouplist(key, 65533, groups, &n) > 1;
	}
	return call_group(kind, key, id);
}

static int
compare(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void
bench(const char *kind, const char *key, size_t rounds, int64_t *samples)
{
	uint32_t id = (uint32_t)strtoul(key, NULL, 10);
	bool found = false;
	size_t i;

	for (i = 0; i < 50; i++)
		found = call_once(kind, key, id);
	for (i = 0; i < rounds; i++) {
		int64_t start = now_ns();

		(void)call_once(kind, key, id);
		samples[i] = now_ns() - start;
	}
	qsort(samples, rounds, sizeof(samples[0]), compare);
	(void)printf("%-9s %-24s %d %8lld %8lld %zu\n", kind, key, found,
	    (long long)samples[rounds / 2], (long long)samples[rounds * 99 / 100],
	    rounds);
}

int
main(int argc, char **argv)
{
	unsigned long rounds = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
	int64_t *samples;
	int i;

	if (rounds == 0 || rounds > MAX_ROUNDS || argc < 4 || argc % 2 != 0) {
		(void)fprintf(stderr, "usage: nssbench ROUNDS KIND KEY [KIND KEY ...]\n");
		return 2;
	}
	samples = calloc(rounds, sizeof(*samples));
	if (samples == NULL)
		return 1;
	for (i = 2; i + 1 < argc; i += 2)
		bench(argv[i], argv[i + 1], rounds, samples);
	free(samples);
	return 0;
}
