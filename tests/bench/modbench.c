/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The module called directly, as libc calls it but without libc: what of a lookup's price
 * is ours. The map is published by this program itself (support/people.h), at the path that
 * the module has compiled in, so it wants a host of its own.
 *
 *	KU_NSS_MODULE=… modbench PEOPLE		one line per kind: name, nanoseconds
 *	KU_NSS_MODULE=… modbench PEOPLE trace	COUNTED calls of each kind, with a getppid()
 *						before and after them for strace
 *	KU_NSS_MODULE=… modbench PEOPLE KIND	COUNTED calls of one kind, for callgrind
 *
 * Nanoseconds are the median over batches of calls; the names of a batch are made before
 * its clock starts.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "host/module.h"
#include "ku/paths.h"
#include "src/base/deadline.h"
#include "support/people.h"

#define BATCHES 200u
#define BATCH   1000u
#define COUNTED 1000u

struct bench;
typedef enum nss_status call_fn(struct bench *b, unsigned at);

struct kind {
	const char *name;
	char first;  /* of the names that are asked for */
	bool random; /* another one each time */
	bool heavy;  /* a tenth of the calls will do */
	call_fn *call;
	enum nss_status want;
};

struct bench {
	struct module mod;
	struct people people;
	uint32_t random;
	char names[BATCH][8];
	uint32_t ids[BATCH];
	gid_t *groups;
	long groups_size;
	char buf[64 * 1024];
};

static enum nss_status
call_name(struct bench *b, unsigned at)
{
	struct passwd pw;
	int err;

	return b->mod.getpwnam_r(b->names[at], &pw, b->buf, sizeof(b->buf), &err);
}

static enum nss_status
call_uid(struct bench *b, unsigned at)
{
	struct passwd pw;
	int err;

	return b->mod.getpwuid_r(b->ids[at], &pw, b->buf, sizeof(b->buf), &err);
}

static enum nss_status
call_group(struct bench *b, unsigned at)
{
	struct group gr;
	int err;

	return b->mod.getgrnam_r(b->names[at], &gr, b->buf, sizeof(b->buf), &err);
}

static enum nss_status
call_gid(struct bench *b, unsigned at)
{
	struct group gr;
	int err;

	return b->mod.getgrgid_r(b->ids[at], &gr, b->buf, sizeof(b->buf), &err);
}

static enum nss_status
call_thousand(struct bench *b, unsigned at)
{
	struct group gr;
	int err;

	(void)at;
	return b->mod.getgrgid_r(PEOPLE_THOUSAND_G, &gr, b->buf, sizeof(b->buf), &err);
}

/* One step; from the start again when everybody was given. */
static enum nss_status
call_enumeration(struct bench *b, unsigned at)
{
	struct passwd pw;
	int err;

	if (at == 0)
		(void)b->mod.setpwent(0);
	return b->mod.getpwent_r(&pw, b->buf, sizeof(b->buf), &err);
}

static enum nss_status
call_initgroups(struct bench *b, unsigned at)
{
	long start = 0;
	int err;
	enum nss_status status = b->mod.initgroups_dyn(b->names[at], b->ids[at], &start,
	    &b->groups_size, &b->groups, -1, &err);

	return start == PEOPLE_GROUPS ? status : NSS_STATUS_UNAVAIL;
}

static const struct kind kinds[] = {
	{ "name-same", 'p', false, false, call_name, NSS_STATUS_SUCCESS },
	{ "name-random", 'p', true, false, call_name, NSS_STATUS_SUCCESS },
	{ "unknown-same", 'q', false, false, call_name, NSS_STATUS_NOTFOUND },
	{ "unknown-random", 'q', true, false, call_name, NSS_STATUS_NOTFOUND },
	{ "uid-same", 'p', false, false, call_uid, NSS_STATUS_SUCCESS },
	{ "uid-random", 'p', true, false, call_uid, NSS_STATUS_SUCCESS },
	{ "group-same", 'p', false, false, call_group, NSS_STATUS_SUCCESS },
	{ "group-random", 'p', true, false, call_group, NSS_STATUS_SUCCESS },
	{ "gid-random", 'p', true, false, call_gid, NSS_STATUS_SUCCESS },
	{ "initgroups-same", 'p', false, false, call_initgroups, NSS_STATUS_SUCCESS },
	{ "initgroups-random", 'p', true, false, call_initgroups, NSS_STATUS_SUCCESS },
	{ "enumeration", 'p', false, false, call_enumeration, NSS_STATUS_SUCCESS },
	{ "thousand", 'p', false, true, call_thousand, NSS_STATUS_SUCCESS },
};

static void
fill_batch(struct bench *b, const struct kind *k, unsigned n)
{
	uint32_t all = k->first == 'q' ? PEOPLE_UNKNOWN : b->people.n;

	for (unsigned i = 0; i < n; i++) {
		uint32_t who = 17;

		if (k->random) {
			b->random = b->random * 1664525u + 1013904223u;
			who = (b->random >> 8) % all;
		}
		people_name(k->first, who, b->names[i]);
		b->ids[i] = PEOPLE_FIRST_UID + who;
	}
}

static void
call_batch(struct bench *b, const struct kind *k, unsigned n)
{
	unsigned wrong = 0;

	for (unsigned i = 0; i < n; i++)
		wrong += k->call(b, i) != k->want;
	if (wrong != 0) {
		(void)fprintf(stderr, "modbench: %s: %u of %u answers are wrong\n",
		    k->name, wrong, n);
		exit(1);
	}
}

static int
compare(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void
measure(struct bench *b, const struct kind *k)
{
	unsigned n = k->heavy ? BATCH / 10 : BATCH;
	double ns[BATCHES];

	people_lease(&b->people);
	for (unsigned i = 0; i < BATCHES; i++) {
		int64_t begin;

		fill_batch(b, k, n);
		if (!k->random || i == 0)
			call_batch(b, k, 10);
		begin = clock_mono_ns();
		call_batch(b, k, n);
		ns[i] = (double)(clock_mono_ns() - begin) / n;
	}
	qsort(ns, BATCHES, sizeof(ns[0]), compare);
	(void)printf("%s %.1f\n", k->name, ns[BATCHES / 2]);
}

static void
trace(struct bench *b, const struct kind *k)
{
	people_lease(&b->people);
	fill_batch(b, k, COUNTED);
	(void)syscall(SYS_getppid);
	call_batch(b, k, COUNTED);
	(void)syscall(SYS_getppid);
}

/* The one call that opens the map comes before, in a kind that is not counted with it. */
static void
count(struct bench *b, const struct kind *k)
{
	people_lease(&b->people);
	fill_batch(b, k, COUNTED);
	call_batch(b, k, COUNTED);
	(void)printf("%s %u\n", k->name, COUNTED);
}

static void
bench_init(struct bench *b, uint32_t people)
{
	const char *inside = getenv("KU_NETNS");
	struct passwd pw;
	int err;

	if (inside == NULL || strcmp(inside, "inside") != 0)
		module_enter_namespace();
	b->groups_size = 64;
	b->groups = calloc((size_t)b->groups_size, sizeof(gid_t));
	if (b->groups == NULL)
		exit(1);
	people_publish(&b->people, KU_PATH_MAP, people);
	module_load(&b->mod);
	/* maps the file */
	if (b->mod.getpwuid_r(PEOPLE_FIRST_UID, &pw, b->buf, sizeof(b->buf), &err) !=
	    NSS_STATUS_SUCCESS) {
		(void)fprintf(stderr, "modbench: the map does not answer\n");
		exit(1);
	}
}

int
main(int argc, char **argv)
{
	static struct bench b;
	const char *what = argc == 3 ? argv[2] : "";
	uint32_t people = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 0;
	unsigned done = 0;

	if (people < COUNTED || argc > 3) {
		(void)fprintf(stderr, "usage: modbench PEOPLE [trace|KIND]\n");
		return 2;
	}
	bench_init(&b, people);
	for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		const struct kind *k = &kinds[i];

		if (argc == 2)
			measure(&b, k);
		else if (strcmp(what, "trace") == 0)
			trace(&b, k);
		else if (strcmp(what, k->name) == 0)
			count(&b, k);
		else
			continue;
		done++;
	}
	people_free(&b.people);
	free(b.groups);
	return done == 0 ? 2 : 0;
}
