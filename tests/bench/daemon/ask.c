/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Asks the module, directly, and says what came of it. Names come from a printf pattern
 * with one number in it. Workers are threads or processes; each asks its share of the
 * numbers FIRST .. FIRST + COUNT - 1, the whole share ROUNDS times.
 *
 *	ask [-t THREADS | -p PROCESSES] [-f FIRST] [-n COUNT] [-r ROUNDS] [-u UID]
 *	    [-d SECONDS] MODULE PATTERN
 *
 * With -d the shares are asked over and over for that long. One line:
 * success=N notfound=N unavail=N tryagain=N other=N calls=N p50=NS p99=NS max=NS wall=NS
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "module.h"

struct settings {
	unsigned workers, first, count, rounds, seconds;
	bool processes;
	uid_t uid;
	const char *pattern;
	module_getpwnam_fn fn;
};

struct worker {
	const struct settings *s;
	unsigned first, count;
	pthread_t thread;
	pid_t pid;
	size_t n, room; /* of ns */
	unsigned outcomes[5];
	int64_t *ns;
};

static unsigned
outcome(enum nss_status st)
{
	switch (st) {
	case NSS_STATUS_SUCCESS:
		return 0;
	case NSS_STATUS_NOTFOUND:
		return 1;
	case NSS_STATUS_UNAVAIL:
		return 2;
	case NSS_STATUS_TRYAGAIN:
		return 3;
	default:
		return 4;
	}
}

static void
ask_one(struct worker *w, unsigned number)
{
	char name[128];
	int64_t begun;
	enum nss_status st;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	(void)snprintf(name, sizeof(name), w->s->pattern, number);
#pragma GCC diagnostic pop
	begun = module_now_ns();
	st = module_ask(w->s->fn, name);
	if (w->n < w->room)
		w->ns[w->n++] = module_now_ns() - begun;
	w->outcomes[outcome(st)]++;
}

static void *
work(void *arg)
{
	struct worker *w = arg;
	int64_t end = module_now_ns() + (int64_t)w->s->seconds * 1000000000;

	for (unsigned r = 0; r < w->s->rounds || module_now_ns() < end; r++) {
		for (unsigned i = 0; i < w->count; i++)
			ask_one(w, w->first + i);
	}
	return NULL;
}

static int
begin(struct worker *w)
{
	if (!w->s->processes)
		return pthread_create(&w->thread, NULL, work, w);
	w->pid = fork();
	if (w->pid == 0) {
		if (w->s->uid != 0 &&
		    (setresgid(w->s->uid, w->s->uid, w->s->uid) < 0 ||
			setresuid(w->s->uid, w->s->uid, w->s->uid) < 0))
			_exit(126);
		(void)work(w);
		_exit(0);
	}
	return w->pid < 0 ? errno : 0;
}

static void
finish(struct worker *w)
{
	if (w->s->processes)
		(void)waitpid(w->pid, NULL, 0);
	else
		(void)pthread_join(w->thread, NULL);
}

static void *
shared(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED) {
		perror("mmap");
		exit(2);
	}
	return p;
}

static int
by_value(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void
report(const struct worker *w, unsigned workers, int64_t wall)
{
	static const char *const words[] = { "success", "notfound", "unavail", "tryagain",
		"other" };
	unsigned calls = 0;
	size_t n = 0, at = 0;
	int64_t *all;

	for (unsigned i = 0; i < workers; i++)
		n += w[i].n;
	all = shared((n + 1) * sizeof(*all));
	for (unsigned i = 0; i < workers; i++) {
		memcpy(all + at, w[i].ns, w[i].n * sizeof(*all));
		at += w[i].n;
	}
	qsort(all, n, sizeof(*all), by_value);
	for (unsigned o = 0; o < 5; o++) {
		unsigned sum = 0;

		for (unsigned i = 0; i < workers; i++)
			sum += w[i].outcomes[o];
		calls += sum;
		printf("%s=%u ", words[o], sum);
	}
	printf("calls=%u", calls);
	printf(" p50=%lld p99=%lld max=%lld wall=%lld\n", (long long)all[n / 2],
	    (long long)all[n * 99 / 100], (long long)(n > 0 ? all[n - 1] : 0),
	    (long long)wall);
}

static int
run(const struct settings *s)
{
	struct worker *w = shared(s->workers * sizeof(*w));
	int64_t begun = module_now_ns();

	for (unsigned i = 0; i < s->workers; i++) {
		unsigned from = (unsigned)((size_t)s->count * i / s->workers);
		unsigned to = (unsigned)((size_t)s->count * (i + 1) / s->workers);

		w[i].s = s;
		w[i].first = s->first + from;
		w[i].count = to - from;
		w[i].room = s->seconds > 0 ? 1u << 20 : (size_t)w[i].count * s->rounds;
		w[i].ns = shared((w[i].room + 1) * sizeof(*w[i].ns));
	}
	for (unsigned i = 0; i < s->workers; i++) {
		if (begin(&w[i]) != 0) {
			fprintf(stderr, "ask: worker %u of %u cannot begin\n", i,
			    s->workers);
			return 1;
		}
	}
	for (unsigned i = 0; i < s->workers; i++)
		finish(&w[i]);
	report(w, s->workers, module_now_ns() - begun);
	return 0;
}

int
main(int argc, char **argv)
{
	struct settings s = { .workers = 1, .count = 1, .rounds = 1 };
	int c;

	while ((c = getopt(argc, argv, "t:p:f:n:r:u:d:")) != -1) {
		unsigned v = optarg == NULL ? 0 : (unsigned)strtoul(optarg, NULL, 10);

		if (c == 't' || c == 'p')
			s.workers = v;
		s.processes |= c == 'p';
		if (c == 'f')
			s.first = v;
		else if (c == 'n')
			s.count = v;
		else if (c == 'r')
			s.rounds = v;
		else if (c == 'u')
			s.uid = v;
		else if (c == 'd')
			s.seconds = v;
		else if (c == '?')
			return 2;
	}
	if (argc - optind != 2 || s.workers == 0 || s.count < s.workers) {
		fprintf(stderr, "ask: see the source\n");
		return 2;
	}
	s.fn = module_open(argv[optind]);
	s.pattern = argv[optind + 1];
	return run(&s);
}
