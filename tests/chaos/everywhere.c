/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The loop over all calls, the directory they are made in, and the row that says how many
 * there were. Which of them are tried when not all are: evenly spaced ones, and always the
 * first and the last.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "chaos/crash.h"
#include "src/base/fd.h"
#include "src/base/util.h"

/* At so many calls of one mode, unless told otherwise. */
#define AT_MOST 60u

static unsigned
every(unsigned calls)
{
	const char *text = getenv("KU_CRASH_EVERY");
	unsigned n = text == NULL ? 0 : (unsigned)strtoul(text, NULL, 10);

	if (n == 0)
		n = (calls + AT_MOST - 1) / AT_MOST;
	return n == 0 ? 1 : n;
}

static unsigned
next(unsigned at, unsigned step, unsigned calls)
{
	return at < calls && at + step > calls ? calls : at + step;
}

static const char *const mode_names[] = { "before the call", "half a write", "power lost",
	"power lost, names kept" };
static char crash_where[256];

/* What no message of an assertion says. */
int
crash_say_where(void **state)
{
	(void)state;
	if (crash_where[0] != '\0')
		(void)fprintf(stderr, "failed: %s, after step %u\n", crash_where,
		    crash_shared->step);
	return 0;
}

static void
run_once(struct crash_plan *p)
{
	p->prepare(p->crash.arg);
	(void)snprintf(crash_where, sizeof(crash_where), "%s, %s, at call %u", p->attack,
	    mode_names[p->crash.mode], p->crash.at);
	crash_run(&p->crash);
	/* One that ended by itself was content. */
	if (!p->crash.killed)
		assert_int_equal(p->crash.status, 0);
	p->check(&p->crash, p->crash.arg);
	crash_where[0] = '\0';
}

void
crash_everywhere(struct crash_plan *p, unsigned least)
{
	struct crash *c = &p->crash;
	uint8_t *writes = malloc(sizeof(c->writes));
	unsigned long cases = 0;
	unsigned calls;

	c->at = 0;
	run_once(p);
	calls = c->calls;
	assert_non_null(writes);
	memcpy(writes, c->writes, sizeof(c->writes));
	assert_in_range(calls, least, CRASH_MAX_CALLS - 1);
	for (size_t i = 0; i < p->n_modes; i++) {
		unsigned step = every(calls), n = 0;

		c->mode = p->modes[i];
		for (unsigned at = 1; at <= calls; at = next(at, step, calls)) {
			c->at = at;
			if (c->mode == CRASH_TORN && !writes[at])
				continue;
			run_once(p);
			n++;
		}
		print_message("%s, %s: %u of %u calls\n", p->attack, mode_names[c->mode],
		    n, calls);
		cases += n;
	}
	free(writes);
	crash_row(p->promise, p->attack, cases, "held");
}

static bool
row_path(char path[512])
{
	const char *dir = getenv("KU_PROMISES");

	if (dir == NULL)
		return false;
	(void)mkdir(dir, 0755);
	(void)snprintf(path, 512, "%s/%s.tsv", dir, program_invocation_short_name);
	return true;
}

void
crash_rows_begin(void)
{
	char path[512];

	if (row_path(path))
		(void)unlink(path);
}

void
crash_row(const char *promise, const char *attack, unsigned long cases,
    const char *result)
{
	char path[512], line[512];
	int fd cleanup_(fd_closep) = -1;
	int n;

	if (!row_path(path))
		return;
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	n = snprintf(line, sizeof(line), "%s\t%s\t%lu\t%s\n", promise, attack, cases,
	    result);
	if (fd < 0 || n < 0 || fd_write_all(fd, line, (size_t)n) < 0)
		abort();
}

void
crash_dir_make(char dir[64])
{
	(void)snprintf(dir, 64, "%s/ku-crash.XXXXXX",
	    access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	if (mkdtemp(dir) == NULL)
		abort();
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	return ftw->level == 0 ? 0 : remove(path);
}

void
crash_dir_empty(const char *dir)
{
	(void)nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void
crash_dir_remove(const char *dir)
{
	crash_dir_empty(dir);
	(void)rmdir(dir);
}

static bool
file_mentions(int dir, const char *name, const void *bytes, size_t len)
{
	int fd cleanup_(fd_closep) = openat(dir, name, O_RDONLY | O_CLOEXEC);
	size_t cap = 8u << 20, n = 0;
	char *buf = malloc(cap);
	bool found;

	/* What cannot be read whole may have them. */
	if (buf == NULL || fd < 0 || fd_read_full(fd, buf, cap, &n) < 0 || n == cap)
		abort();
	found = memmem(buf, n, bytes, len) != NULL;
	free(buf);
	return found;
}

bool
crash_dir_mentions(const char *dir, const void *bytes, size_t len, const char *skip)
{
	DIR *d = opendir(dir);
	const struct dirent *e;
	bool found = false;

	while (d != NULL && !found && (e = readdir(d)) != NULL)
		if (e->d_type == DT_REG &&
		    (skip == NULL || strstr(e->d_name, skip) == NULL))
			found = file_mentions(dirfd(d), e->d_name, bytes, len);
	if (d != NULL)
		(void)closedir(d);
	return found;
}
