/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The reader of /etc/passwd and /etc/group. What its parser lists, it must also find again.
 * Then the same bytes as a file that takes the place of another one, while open, fstat and
 * read fail or come short as the bytes themselves say: the file is there as a whole, or not
 * at all and the accounts of before stay local; half of one would let the server's people
 * take the place of the others. When nothing fails any more it is there without an event.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/util.h"
#include "src/unixd/local/local.h"
#include "src/unixd/local/table.h"
#include "tests/fuzz/require.h"
#include "tests/fuzz/roll.h"

#define BEFORE "kept:x:70123:70123::/:/bin/sh\n"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int __real_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...);
int __real_fstat64(int fd, struct stat *st);
int __wrap_fstat64(int fd, struct stat *st);
ssize_t __real_read(int fd, void *buf, size_t len);
ssize_t __wrap_read(int fd, void *buf, size_t len);

static struct {
	char dir[64];
	char passwd[80], group[80];
	struct local
	    *local;    /* one for all: to end a watch takes the kernel milliseconds */
	unsigned seed; /* 0: nothing fails */
} w;

/* ---- what fails ---- */

static bool
fails(unsigned one_in)
{
	static const int errors[] = { EIO, EMFILE, ENOMEM, EINTR };

	if (w.seed == 0 || roll(&w.seed, one_in) != 0)
		return false;
	errno = errors[roll(&w.seed, ARRAY_SIZE(errors))];
	return true;
}

int
__wrap_open64(const char *path, int flags, ...)
{
	return fails(8) ? -1 : __real_open64(path, flags, 0600);
}

int
__wrap_fstat64(int fd, struct stat *st)
{
	return fails(8) ? -1 : __real_fstat64(fd, st);
}

ssize_t
__wrap_read(int fd, void *buf, size_t len)
{
	if (fails(8))
		return -1;
	if (w.seed != 0 && len > 1 && roll(&w.seed, 2) == 0)
		len = 1 + roll(&w.seed, len < 4096 ? (unsigned)len : 4096);
	return __real_read(fd, buf, len);
}

/* ---- the parser ---- */

static void
check(enum table_kind kind, const char *data, size_t size)
{
	struct table t;

	table_parse(&t, kind, data, size);
	for (size_t i = 0; i < t.n; i++) {
		const struct table_entry *e = &t.entries[i];

		if (table_text(&t, e->name)[0] == '\0' ||
		    table_by_name(&t, table_text(&t, e->canon)) > e ||
		    table_by_name(&t, table_text(&t, e->canon)) == NULL ||
		    table_by_exact(&t, table_text(&t, e->name)) == NULL ||
		    table_by_id(&t, e->id) == NULL || e->first_member > t.n_members ||
		    e->n_members > t.n_members - e->first_member)
			abort();
		for (uint32_t k = 0; k < e->n_members; k++)
			if (t.members[e->first_member + k][0] == '\0')
				abort();
	}
	table_free(&t);
}

/* ---- the file ---- */

static void
clean_up(void)
{
	w.local = local_free(w.local);
	(void)unlink(w.passwd);
	(void)unlink(w.group);
	(void)rmdir(w.dir);
}

static void
make_place(void)
{
	(void)snprintf(w.dir, sizeof(w.dir), "%s/ku-fuzz-local-XXXXXX",
	    access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	require(mkdtemp(w.dir) != NULL && atexit(clean_up) == 0);
	(void)snprintf(w.passwd, sizeof(w.passwd), "%s/passwd", w.dir);
	(void)snprintf(w.group, sizeof(w.group), "%s/group", w.dir);
	w.local = local_new(w.passwd, w.group);
}

static void
write_file(const char *path, const void *data, size_t len)
{
	FILE *f;

	/* Another inode: what makes the file look changed is not what is tried here. */
	(void)unlink(path);
	f = fopen(path, "we");
	require(f != NULL && fwrite(data, 1, len, f) == len && fclose(f) == 0);
}

static void
count(void *arg, const char *name, uint32_t id)
{
	(void)name, (void)id;
	(*(size_t *)arg)++;
}

/* As many as the whole file has; or what was last seen whole, and the names that are
 * reserved. */
static void
whole_or_before(const struct local *l, const struct table *t, bool *seen)
{
	size_t n = 0;

	*seen |= local_passwd_visible(l);
	local_each_user(l, count, &n);
	if (local_passwd_visible(l)) {
		require(n == t->n);
		return;
	}
	require(local_has_uid(l, 0) && local_has_user(l, "root"));
	if (*seen)
		require(n >= t->n);
	else
		require(local_has_user(l, "kept") && local_has_uid(l, 70123));
}

static void
replace(const uint8_t *data, size_t size, unsigned seed)
{
	bool seen = false;
	struct local *l = w.local;
	struct table t;

	table_parse(&t, TABLE_PASSWD, (const char *)data, size);
	write_file(w.passwd, BEFORE, strlen(BEFORE));
	(void)local_refresh(l);
	require(local_passwd_visible(l) && local_has_user(l, "kept"));
	write_file(w.passwd, data, size);
	w.seed = seed;
	for (unsigned i = 0; i < 3; i++) {
		(void)local_refresh(l);
		whole_or_before(l, &t, &seen);
	}
	w.seed = 0;
	(void)local_refresh(l);
	require(local_passwd_visible(l) == (t.n > 0));
	whole_or_before(l, &t, &seen);
	table_free(&t);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned seed = (unsigned)size + 1;

	if (w.dir[0] == '\0')
		make_place();
	check(TABLE_PASSWD, (const char *)data, size);
	check(TABLE_GROUP, (const char *)data, size);
	for (size_t i = 0; i < size; i++)
		seed = seed * 31 + data[i];
	/* Files are slow. */
	if (seed % 4 == 0)
		replace(data, size, seed | 1u);
	return 0;
}
