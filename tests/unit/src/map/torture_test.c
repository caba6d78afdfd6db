/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Writer and readers in one process, on one mapping, so that a thread sanitizer sees both
 * sides: entries that change in place of each other, negatives that come and go, heads that
 * swing, generations that replace each other. What a reader gets must be some version that
 * was published: each version carries a checksum of itself.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "ku/map.h"
#include "unit/src/map/fixture.h"

#define LATER        (FIXTURE_START + 800)
#define READERS      3
#define PEOPLE       50u
#define MAX_MAPPINGS 64

/* The same file is the same mapping for both sides; the last one to leave unmaps it. */
static struct mapping {
	uint64_t dev, ino;
	void *base;
	size_t len;
	unsigned users;
} mappings[MAX_MAPPINGS];
static pthread_mutex_t mappings_lock = PTHREAD_MUTEX_INITIALIZER;

void *__real_mmap64(void *at, size_t len, int prot, int flags, int fd, off_t off);
void *__wrap_mmap64(void *at, size_t len, int prot, int flags, int fd, off_t off);
int __real_munmap(void *at, size_t len);
int __wrap_munmap(void *at, size_t len);

void *
__wrap_mmap64(void *at, size_t len, int prot, int flags, int fd, off_t off)
{
	struct mapping *place = NULL;
	struct stat st;
	void *base;

	if (fd < 0 || fstat(fd, &st) != 0)
		return __real_mmap64(at, len, prot, flags, fd, off);
	(void)pthread_mutex_lock(&mappings_lock);
	for (unsigned i = 0; i < MAX_MAPPINGS; i++) {
		struct mapping *m = &mappings[i];

		if (m->users > 0 && m->dev == (uint64_t)st.st_dev &&
		    m->ino == (uint64_t)st.st_ino && m->len == len) {
			m->users++;
			base = m->base;
			(void)pthread_mutex_unlock(&mappings_lock);
			return base;
		}
		if (m->users == 0)
			place = m;
	}
	base = __real_mmap64(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (base != MAP_FAILED && place != NULL)
		*place = (struct mapping){ (uint64_t)st.st_dev, (uint64_t)st.st_ino, base,
			len, 1 };
	(void)pthread_mutex_unlock(&mappings_lock);
	return base;
}

int
__wrap_munmap(void *at, size_t len)
{
	int r = 0;
	bool last = true;

	(void)pthread_mutex_lock(&mappings_lock);
	for (unsigned i = 0; i < MAX_MAPPINGS; i++)
		if (mappings[i].users > 0 && mappings[i].base == at)
			last = --mappings[i].users == 0;
	if (last)
		r = __real_munmap(at, len);
	(void)pthread_mutex_unlock(&mappings_lock);
	return r;
}

static unsigned
checksum(const char *text)
{
	unsigned sum = 5381;

	for (; *text != '\0'; text++)
		sum = sum * 33 + (unsigned char)*text;
	return sum;
}

static void
put_version(struct fixture *f, uint32_t id, unsigned version)
{
	char name[32], dir[512], sum[16];
	const char *key = name;
	uint32_t gids[] = { 10000 + id, 10000 + version };
	struct passwd_view v = { id, id, name, sum, dir, "/bin/sh", 2, gids, false };
	size_t len;

	(void)snprintf(name, sizeof(name), "p%u", id);
	len = (size_t)snprintf(dir, sizeof(dir), "/%u/%u/", id, version);
	memset(dir + len, 'a' + (int)(version % 26), version % 200);
	dir[len + version % 200] = '\0';
	(void)snprintf(sum, sizeof(sum), "%u", checksum(dir));
	publish_user(f->p, &v, &key, 1, LATER);
}

static void
put_group(struct fixture *f, unsigned version)
{
	char sum[32];
	const char *members[] = { sum, "a", "b", "c" };

	(void)snprintf(sum, sizeof(sum), "v%u", version);
	fixture_group(f, "staff", 20000, members, version % 4 + 1, LATER);
}

struct reader {
	struct map *m;
	bool *stop;
	unsigned hits, misses, wrong;
	uint32_t seed;
};

static void
read_user(struct reader *r, uint32_t id)
{
	struct passwd pw;
	struct name n;
	char buf[1024], text[16];
	int len = snprintf(text, sizeof(text), "p%u", id);
	enum map_answer got;

	if (name_parse(text, (size_t)len, &n) != 0)
		abort();
	got = r->seed % 2 == 0 ? map_passwd_by_name(r->m, &n, 0, &pw, buf, sizeof(buf))
			       : map_passwd_by_uid(r->m, id, 0, &pw, buf, sizeof(buf));
	if (got != MAP_HIT) {
		r->misses++;
		return;
	}
	r->hits++;
	if (pw.pw_uid != id || strcmp(pw.pw_name, text) != 0 ||
	    checksum(pw.pw_dir) != (unsigned)strtoul(pw.pw_gecos, NULL, 10))
		r->wrong++;
}

static int
take_gid(void *arg, uint32_t gid)
{
	uint32_t *sum = arg;

	*sum += gid;
	return 0;
}

static void *
read_on(void *arg)
{
	struct reader *r = arg;
	char buf[2048];

	while (!__atomic_load_n(r->stop, __ATOMIC_RELAXED)) {
		uint64_t cursor = 0;
		struct passwd pw;
		struct group gr;
		struct name n;
		uint32_t sum = 0;
		int stop;

		r->seed = r->seed * 1664525u + 1013904223u;
		read_user(r, 5000 + (r->seed >> 8) % PEOPLE);
		(void)map_group_by_gid(r->m, 20000, 0, &gr, buf, sizeof(buf));
		(void)map_passwd_by_uid(r->m, 30000 + r->seed % 64, 0, &pw, buf,
		    sizeof(buf));
		if (name_parse("p5001", 5, &n) == 0)
			(void)map_initgroups(r->m, &n, 0, take_gid, &sum, &stop);
		if ((r->seed >> 16) % 64 != 0)
			continue;
		while (map_passwd_next(r->m, &cursor, &pw, buf, sizeof(buf)) == MAP_HIT)
			r->wrong += pw.pw_uid < 5000 || pw.pw_uid >= 5000 + PEOPLE;
		map_enum_end(r->m, &cursor);
	}
	return NULL;
}

static void
write_on(struct fixture *f, unsigned rounds)
{
	for (unsigned version = 1; version <= rounds; version++) {
		put_version(f, 5000 + version % PEOPLE, version);
		publish_touch(f->p, PUBLISH_USER, 5000 + version % 7,
		    LATER - version % 9);
		publish_negative(f->p, PUBLISH_USER, NULL, 30000 + version % 64, LATER);
		if (version % 5 == 0)
			publish_negatives_clear(f->p);
		f->ts.now.mono_ns += CLOCK_S;
		put_group(f, version);
		publish_lease(f->p, FIXTURE_START, version % 3 == 0 ? LATER : 0);
		timers_run(&f->ts);
		if (version % 100 == 0)
			fixture_generation(f);
	}
}

static void
readers_only_ever_see_what_was_published(void **state)
{
	struct fixture *f = *state;
	struct reader readers[READERS];
	pthread_t threads[READERS];
	bool stop = false;

	for (uint32_t id = 0; id < PEOPLE; id++)
		put_version(f, 5000 + id, 0);
	put_group(f, 0);
	fixture_commit(f);
	for (uint32_t i = 0; i < READERS; i++) {
		readers[i] = (struct reader){ .m = &f->m, .stop = &stop, .seed = i };
		assert_int_equal(pthread_create(&threads[i], NULL, read_on, &readers[i]),
		    0);
	}
	write_on(f, 3000);
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	for (unsigned i = 0; i < READERS; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_int_equal(readers[i].wrong, 0);
		assert_true(readers[i].hits > 0);
		/* These people were there all the time. */
		assert_int_equal(readers[i].misses, 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(readers_only_ever_see_what_was_published,
		    fixture_setup, fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
