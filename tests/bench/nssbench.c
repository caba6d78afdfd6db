/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Times calls through libc, the way every program makes them. Which services answer is up
 * to the nsswitch.conf that the caller has put in place: run the same program once per line
 * to compare.
 *
 *	nssbench CALLS KIND KEY [KIND KEY ...]
 *		each call by itself; one line per pair: kind, key, found (1 or 0), median ns,
 *		99th percentile ns
 *	nssbench -t THREADS CALLS KIND KEY [KIND KEY ...]
 *		threads at once, CALLS each, without a clock between them: kind, key, found,
 *		calls per second of all threads together
 *
 *	kinds: pwnam pwuid grnam grgid grouplist
 */
#include <grp.h>
#include <pthread.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MAX_CALLS   1000000u
#define MAX_THREADS 64u
#define BUFFER      (1u << 20)
#define GROUPS      1024

struct caller {
	pthread_t thread;
	pthread_barrier_t *start;
	const char *kind;
	const char *key;
	uint32_t id;
	unsigned long calls;
	bool found;
	char *buffer;
	gid_t groups[GROUPS];
};

static int64_t
now_ns(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static bool
call_passwd(struct caller *c)
{
	struct passwd pw, *res = NULL;

	if (strcmp(c->kind, "pwnam") == 0)
		(void)getpwnam_r(c->key, &pw, c->buffer, BUFFER, &res);
	else
		(void)getpwuid_r(c->id, &pw, c->buffer, BUFFER, &res);
	return res != NULL;
}

static bool
call_group(struct caller *c)
{
	struct group gr, *res = NULL;

	if (strcmp(c->kind, "grnam") == 0)
		(void)getgrnam_r(c->key, &gr, c->buffer, BUFFER, &res);
	else
		(void)getgrgid_r(c->id, &gr, c->buffer, BUFFER, &res);
	return res != NULL;
}

static bool
call_once(struct caller *c)
{
	if (c->kind[0] == 'p')
		return call_passwd(c);
	if (strcmp(c->kind, "grouplist") == 0) {
		int n = GROUPS;

		return getgrouplist(c->key, 65533, c->groups, &n) > 1;
	}
	return call_group(c);
}

static bool
caller_init(struct caller *c, const char *kind, const char *key, unsigned long calls)
{
	c->kind = kind;
	c->key = key;
	c->id = (uint32_t)strtoul(key, NULL, 10);
	c->calls = calls;
	if (c->buffer == NULL)
		c->buffer = malloc(BUFFER);
	if (c->buffer == NULL)
		return false;
	for (int i = 0; i < 50; i++)
		c->found = call_once(c);
	return true;
}

static int
compare(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void
single_calls(struct caller *c, int64_t *samples)
{
	for (size_t i = 0; i < c->calls; i++) {
		int64_t start = now_ns();

		(void)call_once(c);
		samples[i] = now_ns() - start;
	}
	qsort(samples, c->calls, sizeof(samples[0]), compare);
	(void)printf("%s %s %d %lld %lld\n", c->kind, c->key, c->found,
	    (long long)samples[c->calls / 2], (long long)samples[c->calls * 99 / 100]);
}

static void *
thread_main(void *arg)
{
	struct caller *c = arg;

	(void)pthread_barrier_wait(c->start);
	for (unsigned long i = 0; i < c->calls; i++)
		(void)call_once(c);
	(void)pthread_barrier_wait(c->start);
	return NULL;
}

static void
threads_at_once(struct caller *callers, unsigned n)
{
	pthread_barrier_t barrier;
	int64_t begin;

	if (pthread_barrier_init(&barrier, NULL, n + 1) != 0)
		exit(1);
	for (unsigned i = 0; i < n; i++) {
		callers[i].start = &barrier;
		if (pthread_create(&callers[i].thread, NULL, thread_main, &callers[i]) !=
		    0)
			exit(1);
	}
	(void)pthread_barrier_wait(&barrier);
	begin = now_ns();
	(void)pthread_barrier_wait(&barrier);
	(void)printf("%s %s %d %.0f\n", callers[0].kind, callers[0].key, callers[0].found,
	    (double)(callers[0].calls * n) * 1e9 / (double)(now_ns() - begin));
	for (unsigned i = 0; i < n; i++)
		(void)pthread_join(callers[i].thread, NULL);
	(void)pthread_barrier_destroy(&barrier);
}

int
main(int argc, char **argv)
{
	static struct caller callers[MAX_THREADS];
	bool together = argc > 2 && strcmp(argv[1], "-t") == 0;
	unsigned long threads = together ? strtoul(argv[2], NULL, 10) : 1, calls;
	int64_t *samples;
	int at = together ? 3 : 1;

	calls = argc > at ? strtoul(argv[at], NULL, 10) : 0;
	if (calls == 0 || calls > MAX_CALLS || threads == 0 || threads > MAX_THREADS ||
	    argc < at + 3 || (argc - at) % 2 != 1) {
		(void)fprintf(stderr,
		    "usage: nssbench [-t THREADS] CALLS KIND KEY [KIND KEY ...]\n");
		return 2;
	}
	samples = calloc(calls, sizeof(*samples));
	if (samples == NULL)
		return 1;
	for (int i = at + 1; i + 1 < argc; i += 2) {
		for (unsigned t = 0; t < threads; t++)
			if (!caller_init(&callers[t], argv[i], argv[i + 1], calls))
				return 1;
		if (together)
			threads_at_once(callers, (unsigned)threads);
		else
			single_calls(&callers[0], samples);
	}
	free(samples);
	return 0;
}
