/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The reader's tests ask what the writer wrote, and the writer's tests look through the
 * reader: a map made by hand would be a third opinion of the format. Nothing here waits;
 * time passes when a test says so.
 */
#include "unit/src/map/fixture.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "ku/map.h"
#include "src/unixd/local/local.h"

uint32_t fixture_now;
struct passwd asked_pw;
struct group asked_gr;
static char asked_buf[1 << 20];

/* What nobody wrote is not the end of a string by chance. */
static char *
dirty_buf(void)
{
	memset(asked_buf, 'z', 512);
	return asked_buf;
}

int __real_clock_gettime(clockid_t id, struct timespec *ts);
int __wrap_clock_gettime(clockid_t id, struct timespec *ts);

int
__wrap_clock_gettime(clockid_t id, struct timespec *ts)
{
	if (id == CLOCK_BOOTTIME && fixture_now != 0) {
		*ts = (struct timespec){ .tv_sec = fixture_now };
		return 0;
	}
	return __real_clock_gettime(id, ts);
}

int
fixture_setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	fixture_now = FIXTURE_START;
	(void)snprintf(f->dir, sizeof(f->dir), "/tmp/ku-map-test.XXXXXX");
	if (mkdtemp(f->dir) == NULL)
		return -1;
	(void)snprintf(f->path, sizeof(f->path), "%s/nss.map", f->dir);
	timers_init(&f->ts);
	f->ts.now.boot_ns = (int64_t)fixture_now * CLOCK_S;
	f->settings = (struct publish_settings){ .path = f->path,
		.own_domain = "own.example",
		.offline_limit_s = 3600,
		.max_ttl_s = 900 };
	f->p = publish_new(&f->ts, &f->settings);
	f->m = (struct map)MAP_INIT(f->path);
	*state = f;
	return 0;
}

int
fixture_teardown(void **state)
{
	static const char *const names[] = { "nss.map", "nss.map.new", "passwd", "group",
		"moved" };
	struct fixture *f = *state;
	char path[128];

	map_close(&f->m);
	f->p = publish_free(f->p);
	timers_deinit(&f->ts);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", f->dir, names[i]);
		(void)unlink(path);
	}
	if (rmdir(f->dir) != 0)
		return -1;
	free(f);
	return 0;
}

void
fixture_pass(struct fixture *f, uint32_t seconds)
{
	fixture_now += seconds;
	f->ts.now.boot_ns += (int64_t)seconds * CLOCK_S;
	f->ts.now.mono_ns += (int64_t)seconds * CLOCK_S;
	timers_run(&f->ts);
}

void
fixture_settle(struct fixture *f)
{
	for (int64_t next; (next = timers_next(&f->ts)) >= 0;) {
		if (next > f->ts.now.mono_ns)
			f->ts.now.mono_ns = next;
		timers_run(&f->ts);
	}
}

void
fixture_user(struct fixture *f, const char *name, uint32_t id, uint32_t fresh_until)
{
	char spn[128], dir[128];
	uint32_t gids[] = { id + 1, id + 2 };
	const char *keys[] = { name, spn };
	struct passwd_view v = { .uid = id,
		.gid = id,
		.name = spn,
		.gecos = "Some Body",
		.dir = dir,
		.shell = "/bin/sh",
		.n_gids = 2,
		.gids = gids };

	(void)snprintf(spn, sizeof(spn), "%s@own.example", name);
	(void)snprintf(dir, sizeof(dir), "/home/%s", name);
	publish_user(f->p, &v, keys, 2, fresh_until);
}

void
fixture_group(struct fixture *f, const char *name, uint32_t id,
    const char *const *members, size_t n, uint32_t fresh_until)
{
	struct group_view v = { .gid = id,
		.name = name,
		.n_members = n,
		.members = members };

	publish_group(f->p, &v, &name, 1, fresh_until);
}

static void
write_file(const struct fixture *f, const char *name, const char *text, char *path,
    size_t cap)
{
	FILE *file;

	(void)snprintf(path, cap, "%s/%s", f->dir, name);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

void
fixture_local(struct fixture *f, const char *passwd, const char *group,
    const char *const *except)
{
	char passwd_path[128], group_path[128];
	struct local *l;

	write_file(f, "passwd", passwd, passwd_path, sizeof(passwd_path));
	write_file(f, "group", group, group_path, sizeof(group_path));
	l = local_new(passwd_path, group_path);
	publish_local(f->p, l, except);
	l = local_free(l);
	(void)l;
}

void
fixture_commit(struct fixture *f)
{
	publish_lease(f->p, fixture_now, 0);
	assert_int_equal(publish_commit(f->p), 0);
}

static void
parse(const char *name, struct name *ret)
{
	assert_int_equal(name_parse(name, strlen(name), ret), 0);
}

enum map_answer
ask_user(struct map *m, const char *name)
{
	struct name n;

	parse(name, &n);
	return map_passwd_by_name(m, &n, 0, &asked_pw, dirty_buf(), sizeof(asked_buf));
}

enum map_answer
ask_user_any_age(struct map *m, const char *name)
{
	struct name n;

	parse(name, &n);
	return map_passwd_by_name(m, &n, MAP_ANY_AGE, &asked_pw, dirty_buf(),
	    sizeof(asked_buf));
}

enum map_answer
ask_uid(struct map *m, uint32_t uid)
{
	return map_passwd_by_uid(m, uid, 0, &asked_pw, dirty_buf(), sizeof(asked_buf));
}

enum map_answer
ask_group(struct map *m, const char *name)
{
	struct name n;

	parse(name, &n);
	return map_group_by_name(m, &n, 0, &asked_gr, dirty_buf(), sizeof(asked_buf));
}

enum map_answer
ask_gid(struct map *m, uint32_t gid)
{
	return map_group_by_gid(m, gid, 0, &asked_gr, dirty_buf(), sizeof(asked_buf));
}

static uint32_t *
map_header(const struct fixture *f)
{
	int fd = open(f->path, O_RDWR | O_CLOEXEC);
	void *p;

	assert_true(fd >= 0);
	p = mmap(NULL, KU_MAP_HEADER_LEN, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_true(p != MAP_FAILED);
	(void)close(fd);
	return p;
}

uint32_t
header_get(const struct fixture *f, unsigned word)
{
	uint32_t *h = map_header(f), value = h[word];

	(void)munmap(h, KU_MAP_HEADER_LEN);
	return value;
}

void
header_set(const struct fixture *f, unsigned word, uint32_t value)
{
	uint32_t *h = map_header(f);

	h[word] = value;
	(void)munmap(h, KU_MAP_HEADER_LEN);
}

unsigned
count_maps(const struct fixture *f)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[512];
	unsigned n = 0;

	assert_non_null(maps);
	while (fgets(line, sizeof(line), maps) != NULL)
		n += strstr(line, f->dir) != NULL && strstr(line, " r--s ") != NULL;
	(void)fclose(maps);
	return n;
}

void
fixture_want_generation(struct fixture *f)
{
	f->settings.offline_limit_s ^= 1;
	publish_reconfigure(f->p, &f->settings);
}

void
fixture_generation(struct fixture *f)
{
	fixture_want_generation(f);
	assert_int_equal(publish_commit(f->p), 0);
}
