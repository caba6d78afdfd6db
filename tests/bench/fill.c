/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A cache database as a daemon leaves it behind that has seen everybody, written through
 * the daemon's own store: what is measured with it is what a host with that many accounts
 * loads, whatever the file looks like inside.
 *
 *	fill DB N [DOMAIN]
 *
 *	fill /var/cache/kanidm-unixd/unixd.db 100000
 *
 * N people u00000, u00001 ..., each in 10 groups besides the private one. The groups are
 * `everyone` (all of them), `thousand` (the first 1,000) and g00002, g00003 ... (N / 100 of
 * them, at least 10), all with their lists of members. Numbers are derived from the UUIDs,
 * as the server does it. Everything was fetched a moment ago, so it is fresh for as long as
 * cache_timeout says; with an own domain (example.com when none is given). The file belongs
 * to the owner of its directory, and is as the daemon would have made it. An existing one
 * is written over.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "src/base/util.h"
#include "src/prog/xalloc.h"
#include "src/unixd/core/loop.h"
#include "src/unixd/model/model.h"
#include "src/unixd/store/store.h"

#define MAX_PEOPLE 1000000u
#define PER_PERSON 10u
#define EVERYONE   0u
#define THOUSAND   1u
#define FIRST_TEAM 2u
#define TEAMS_MIN  10u
#define BATCH      2000u

struct fill {
	struct loop *loop;
	struct store *store;
	const char *domain;
	int64_t wall_s;
	uint32_t n_people;
	uint32_t n_groups;
	struct groupid **groups;
	struct {
		uint32_t *v;
		size_t n, cap;
	} * lists; /* numbers of people, by group */
	bool flushed;
};

static void
die(const char *what, const char *why)
{
	(void)fprintf(stderr, "fill: %s: %s\n", what, why);
	exit(1);
}

/* Four bytes that say which one it is, spread over 28 bits so that numbers are not in the
 * order of names; the server takes them for the number. */
static uint32_t
number_of(uint32_t kind, uint32_t i)
{
	return 0x70000000u | ((i * 2u + kind) * 0x6a09e67u & 0x0fffffffu);
}

static void
uuid_of(uint32_t kind, uint32_t i, struct uuid *ret)
{
	static const uint8_t like[12] = { 0x5f, 0x11, 0x1e, 0xd0, 0x0b, 0xe4, 0x4c, 0xa7,
		0x9e, 0x01, 0x5c, 0xa1 };
	uint32_t number = number_of(kind, i);

	memcpy(ret->b, like, sizeof(like));
	for (unsigned k = 0; k < 4; k++)
		ret->b[12 + k] = (uint8_t)(number >> (24 - 8 * k));
}

static void
name_of_person(uint32_t i, char buf[16])
{
	(void)snprintf(buf, 16, "u%05" PRIu32, i);
}

static struct groupid *
make_group(const struct fill *f, uint32_t g)
{
	char name[16], spn[300];
	struct uuid uuid;

	if (g == EVERYONE)
		(void)snprintf(name, sizeof(name), "everyone");
	else if (g == THOUSAND)
		(void)snprintf(name, sizeof(name), "thousand");
	else
		(void)snprintf(name, sizeof(name), "g%05" PRIu32, g);
	(void)snprintf(spn, sizeof(spn), "%s@%s", name, f->domain);
	uuid_of(1, g, &uuid);
	return groupid_new(&uuid, number_of(1, g), name, spn);
}

/* The i-th person's k-th group. */
static uint32_t
group_of(const struct fill *f, uint32_t i, uint32_t k)
{
	uint32_t teams = f->n_groups - FIRST_TEAM;

	if (k == 0)
		return EVERYONE;
	if (k == 1 && i < 1000)
		return THOUSAND;
	return FIRST_TEAM + (uint32_t)(((uint64_t)i * 7919u + k) % teams);
}

static void
on_flushed(void *arg)
{
	struct fill *f = arg;

	f->flushed = true;
}

/* On disk, so that what waits stays small. */
static void
flush(struct fill *f)
{
	const char *why;

	f->flushed = false;
	store_flush(f->store, on_flushed, f);
	while (!f->flushed) {
		if (loop_turn(f->loop, 1000) < 0)
			die("loop", strerror(errno));
		why = store_trouble(f->store);
		if (why != NULL)
			die("cannot write", why);
	}
}

static void
put_person(struct fill *f, uint32_t i)
{
	struct groupid *groups[PER_PERSON + 1];
	char name[16], shown[32], spn[300];
	struct user tmpl = { .id = number_of(0, i),
		.valid = true,
		.n_groups = PER_PERSON + 1,
		.name = name,
		.spn = spn,
		.displayname = shown,
		.groups = groups };
	struct user *u;

	uuid_of(0, i, &tmpl.uuid);
	name_of_person(i, name);
	(void)snprintf(spn, sizeof(spn), "%s@%s", name, f->domain);
	(void)snprintf(shown, sizeof(shown), "Person %05" PRIu32, i);
	groups[0] = groupid_new(&tmpl.uuid, tmpl.id, name, spn);
	for (uint32_t k = 0; k < PER_PERSON; k++)
		groups[k + 1] = f->groups[group_of(f, i, k)];
	u = user_new(&tmpl);
	store_put_id(f->store, &u->uuid, u->id, u->id);
	store_put_user(f->store, u, f->wall_s);
	(void)user_unref(u);
	(void)groupid_unref(groups[0]);
}

static void
put_group(struct fill *f, uint32_t g)
{
	size_t n = f->lists[g].n, len = 16 + 16 + 1 + strlen(f->domain);
	struct member *v = xcalloc(n + 1, sizeof(*v));
	char *text = xcalloc(n + 1, len);
	struct members *m;

	for (size_t k = 0; k < n; k++) {
		char *at = text + k * len;

		name_of_person(f->lists[g].v[k], at);
		v[k].name = at;
		v[k].spn = at + 16;
		(void)snprintf(at + 16, len - 16, "%s@%s", v[k].name, f->domain);
	}
	m = members_new(v, n);
	store_put_group(f->store, f->groups[g], m, f->wall_s);
	(void)members_unref(m);
	free(text);
	free(v);
}

static void
list_members(struct fill *f)
{
	f->lists = xcalloc(f->n_groups, sizeof(f->lists[0]));
	for (uint32_t i = 0; i < f->n_people; i++) {
		for (uint32_t k = 0; k < PER_PERSON; k++) {
			uint32_t g = group_of(f, i, k);

			if (f->lists[g].n == f->lists[g].cap) {
				f->lists[g].cap = f->lists[g].cap * 2 + 64;
				f->lists[g].v = xreallocarray(f->lists[g].v,
				    f->lists[g].cap, sizeof(f->lists[g].v[0]));
			}
			f->lists[g].v[f->lists[g].n++] = i;
		}
	}
}

static void
write_all(struct fill *f)
{
	store_put_value(f->store, STORE_VALUE_DOMAIN, f->domain, strlen(f->domain), NULL,
	    NULL);
	f->groups = xcalloc(f->n_groups, sizeof(struct groupid *));
	for (uint32_t g = 0; g < f->n_groups; g++)
		f->groups[g] = make_group(f, g);
	list_members(f);
	for (uint32_t g = 0; g < f->n_groups; g++)
		put_group(f, g);
	for (uint32_t i = 0; i < f->n_people; i++) {
		put_person(f, i);
		if (i % BATCH == BATCH - 1)
			flush(f);
	}
	flush(f);
}

static void
clean_up(struct fill *f)
{
	for (uint32_t g = 0; g < f->n_groups; g++) {
		(void)groupid_unref(f->groups[g]);
		free(f->lists[g].v);
	}
	free(f->groups);
	free(f->lists);
	(void)store_close(f->store);
	(void)loop_free(f->loop);
}

/* The daemon's user reads it, whoever made it. */
static void
give_to_owner_of_directory(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *dir cleanup_(freep) = slash == NULL
	    ? xstrdup(".")
	    : xstrndup(path, (size_t)(slash - path) + 1);
	struct stat st;

	if (stat(dir, &st) < 0)
		die(dir, strerror(errno));
	if (geteuid() == 0 && lchown(path, st.st_uid, st.st_gid) < 0)
		die(path, strerror(errno));
}

static void
remove_old(const char *path)
{
	static const char *const ends[] = { "", "-wal", "-shm", "-journal" };

	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		char *name cleanup_(freep) = xasprintf("%s%s", path, ends[i]);

		if (unlink(name) < 0 && errno != ENOENT)
			die(name, strerror(errno));
	}
}

int
main(int argc, char **argv)
{
	struct fill f = { .wall_s = time(NULL), .domain = "example.com" };
	const char *note = NULL;
	unsigned long n;
	char *end = NULL;
	int r;

	n = argc > 2 ? strtoul(argv[2], &end, 10) : 0;
	if (end == NULL || argc > 4 || *end != '\0' || n == 0 || n > MAX_PEOPLE) {
		(void)fprintf(stderr, "usage: fill DB N [DOMAIN]\n");
		return 2;
	}
	if (argc > 3)
		f.domain = argv[3];
	if (strlen(f.domain) > 253)
		die(f.domain, "too long for a domain");
	f.n_people = (uint32_t)n;
	f.n_groups = FIRST_TEAM + f.n_people / 100;
	if (f.n_groups < FIRST_TEAM + TEAMS_MIN)
		f.n_groups = FIRST_TEAM + TEAMS_MIN;
	remove_old(argv[1]);
	r = loop_new(&f.loop);
	if (r == 0)
		r = store_open(f.loop, argv[1], &f.store, &note);
	if (r < 0 || note != NULL)
		die(argv[1], note != NULL ? note : strerror(-r));
	write_all(&f);
	clean_up(&f);
	give_to_owner_of_directory(argv[1]);
	return 0;
}
