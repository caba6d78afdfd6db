/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The cache's database as somebody else left it. Input: how, then the damage. 'r': the file is
 * sound, and cells of its rows are anything of any type, set by SQL (each: table and column,
 * type, length, bytes). Else: bytes of its pages are changed in place, cut off or put behind
 * (each: position, length, bytes). 'f' and a seed in front of that: the disk fails, too. Whatever
 * is there, the store opens, gives only records that keep their promises, and is a store that
 * can be written and read again after that.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include "src/base/util.h"
#include "src/prog/log.h"
#include "src/unixd/core/loop.h"
#include "src/unixd/model/model.h"
#include "src/unixd/store/store.h"
#include "tests/fuzz/require.h"
#include "tests/fuzz/roll.h"

#define MAX_FILE (256u * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct {
	char dir[64];
	char path[96];
	uint8_t *sound; /* a database with a row in each table */
	size_t sound_len;
	unsigned users, ids;
	unsigned seed; /* 0: the disk is well */
} w;

static struct uuid
number(uint8_t n)
{
	struct uuid u = { { 0xb0, [15] = n } };

	return u;
}

/* ---- the disk, as SQLite sees it ---- */

static bool
fails(int error)
{
	if (w.seed == 0 || roll(&w.seed, 24) != 0)
		return false;
	errno = roll(&w.seed, 8) == 0 ? EINTR : error;
	return true;
}

static ssize_t
bad_pread(int fd, void *buf, size_t len, off64_t at)
{
	if (fails(EIO))
		return -1;
	if (w.seed != 0 && len > 1 && roll(&w.seed, 24) == 0)
		len = 1 + roll(&w.seed, (unsigned)len);
	return pread64(fd, buf, len, at);
}

static ssize_t
bad_pwrite(int fd, const void *buf, size_t len, off64_t at)
{
	if (fails(ENOSPC))
		return -1;
	if (w.seed != 0 && len > 1 && roll(&w.seed, 24) == 0)
		len = 1 + roll(&w.seed, (unsigned)len);
	return pwrite64(fd, buf, len, at);
}

static int
bad_ftruncate(int fd, off64_t len)
{
	return fails(EIO) ? -1 : ftruncate64(fd, len);
}

static int
bad_open(const char *path, int flags, int mode)
{
	return fails(EMFILE) ? -1 : open(path, flags, mode);
}

static void
take_the_disk(void)
{
	static const struct {
		const char *name;
		sqlite3_syscall_ptr fn;
	} calls[] = {
		{ "pread64", (sqlite3_syscall_ptr)bad_pread },
		{ "pwrite64", (sqlite3_syscall_ptr)bad_pwrite },
		{ "ftruncate", (sqlite3_syscall_ptr)bad_ftruncate },
		{ "open", (sqlite3_syscall_ptr)bad_open },
	};
	sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);

	for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
		require(
		    vfs->xSetSystemCall(vfs, calls[i].name, calls[i].fn) == SQLITE_OK);
}

/* ---- what was loaded ---- */

static void
take_user(void *arg, struct user *u, int64_t wall_s)
{
	(void)arg, (void)wall_s;
	w.users++;
	require(u->name[0] != '\0' && u->n_groups <= MODEL_MAX_GROUPS);
	(void)user_unref(u);
}

static void
take_group(void *arg, struct groupid *g, struct members *m, int64_t wall_s)
{
	(void)arg, (void)wall_s;
	require(g->name[0] != '\0');
	(void)groupid_unref(g);
	(void)members_unref(m);
}

static void
take_id(void *arg, const struct uuid *uuid, uint32_t id, uint32_t pending)
{
	(void)arg, (void)uuid, (void)id, (void)pending;
	w.ids++;
}

static void
take_cred(void *arg, const struct uuid *uuid, const void *blob, size_t len)
{
	(void)arg, (void)uuid;
	require(blob != NULL && len <= STORE_MAX_CRED);
}

static void
take_value(void *arg, const char *key, const void *blob, size_t len)
{
	(void)arg;
	require(strlen(key) <= STORE_MAX_KEY && blob != NULL && len <= STORE_MAX_VALUE);
}

/* ---- a store ---- */

static void
put_everything(struct store *s)
{
	struct uuid one = number(1), crew = number(2);
	struct groupid *g = groupid_new(&one, 100001, "alice", "alice@idm.example.com");
	struct groupid *c = groupid_new(&crew, 100002, "crew", "crew@idm.example.com");
	struct member member = { .name = "alice", .spn = "alice@idm.example.com" };
	struct members *m = members_new(&member, 1);
	struct groupid *groups[] = { g, c };
	struct user tmpl = { .id = 100001,
		.uuid = one,
		.valid = true,
		.n_groups = 2,
		.name = "alice",
		.spn = "alice@idm.example.com",
		.displayname = "Alice",
		.shell = "/bin/sh",
		.groups = groups };
	struct user *u = user_new(&tmpl);

	store_put_user(s, u, 1700000000);
	store_put_group(s, c, m, 1700000000);
	store_put_id(s, &one, 100001, 100001);
	store_put_cred(s, &one, "credential", 10, NULL, NULL);
	store_put_value(s, STORE_VALUE_DOMAIN, "idm.example.com", 15, NULL, NULL);
	(void)user_unref(u);
	(void)members_unref(m);
	(void)groupid_unref(g);
	(void)groupid_unref(c);
}

/* Opens, loads, writes if asked to, closes. */
static void
use_store(bool write)
{
	struct store_sink sink = { NULL, take_user, take_group, take_id, NULL };
	struct store_secrets secrets = { NULL, take_cred, take_value };
	struct loop *loop = NULL;
	struct store *s = NULL;
	const char *note;

	w.users = w.ids = 0;
	require(loop_new(&loop) == 0);
	require(store_open(loop, w.path, &s, &note) == 0);
	(void)!store_load(s, &sink);
	(void)!store_load_secrets(s, &secrets);
	if (write)
		put_everything(s);
	(void)store_close(s);
	(void)loop_free(loop);
}

/* ---- its file ---- */

static void
empty_dir(void)
{
	DIR *d = opendir(w.dir);
	struct dirent *e;

	while (d != NULL && (e = readdir(d)) != NULL) {
		if (!streq(e->d_name, ".") && !streq(e->d_name, ".."))
			(void)unlinkat(dirfd(d), e->d_name, 0);
	}
	if (d != NULL)
		(void)closedir(d);
}

static void
clean_up(void)
{
	empty_dir();
	(void)rmdir(w.dir);
}

static void
make_sound(void)
{
	FILE *f;

	log_set_level(LOG_LEVEL_ERR);
	require(sqlite3_initialize() == SQLITE_OK);
	take_the_disk();
	(void)snprintf(w.dir, sizeof(w.dir), "%s/ku-fuzz-store-XXXXXX",
	    access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	require(mkdtemp(w.dir) != NULL && atexit(clean_up) == 0);
	(void)snprintf(w.path, sizeof(w.path), "%s/unixd.db", w.dir);
	use_store(true);
	w.sound = malloc(MAX_FILE);
	f = fopen(w.path, "re");
	require(w.sound != NULL && f != NULL);
	w.sound_len = fread(w.sound, 1, MAX_FILE, f);
	require(fclose(f) == 0 && w.sound_len > 4096);
}

static void
write_file(const uint8_t *data, size_t len)
{
	FILE *f = fopen(w.path, "we");

	require(f != NULL && fwrite(data, 1, len, f) == len && fclose(f) == 0);
}

/* The low bits say which page, the others where in it: headers are hit often. */
static void
damage_pages(const uint8_t *data, size_t size)
{
	uint8_t *file = malloc(MAX_FILE);
	size_t len = w.sound_len;

	require(file != NULL);
	memcpy(file, w.sound, len);
	while (size >= 3) {
		size_t page = data[0] % 32u, at = (page * 4096u + data[1] * 16u) % len,
		       n = data[2] % 32;

		at += data[0] >> 5;
		data += 3;
		size -= 3;
		n = n < size ? n : size;
		if (at + n > len)
			continue;
		if (n == 0)
			len = at > 0 ? at : len; /* cut off */
		memcpy(file + at, data, n);
		data += n;
		size -= n;
	}
	write_file(file, len);
	free(file);
}

static void
bind_cell(sqlite3_stmt *st, unsigned type, const uint8_t *data, size_t n)
{
	int64_t cell = 0;

	memcpy(&cell, data, n < 8 ? n : 8);
	switch (type % 5) {
	case 0:
		(void)sqlite3_bind_blob(st, 1, data, (int)n, SQLITE_STATIC);
		break;
	case 1:
		(void)sqlite3_bind_int64(st, 1, cell);
		break;
	case 2:
		(void)sqlite3_bind_text(st, 1, (const char *)data, (int)n, SQLITE_STATIC);
		break;
	case 3:
		(void)sqlite3_bind_zeroblob(st, 1, (int)n * 64);
		break;
	default:
		break; /* NULL */
	}
}

/* As a table that is not strict: what a tool of somebody's would leave. */
static const char loosen[] =
    "PRAGMA writable_schema = ON;"
    "UPDATE sqlite_schema SET sql = replace(replace(replace(sql, ' STRICT', ''),"
    " ' NOT NULL', ''), ' CHECK (length(uuid) = 16)', '') WHERE type = 'table';"
    "PRAGMA ignore_check_constraints = ON;";

static void
damage_rows(const uint8_t *data, size_t size)
{
	static const char *const cells[] = { "users SET uuid", "users SET wall_s",
		"users SET record", "groups SET uuid", "groups SET wall_s",
		"groups SET record", "ids SET uuid", "ids SET id", "ids SET pending",
		"creds SET uuid", "creds SET cred", "keyed_values SET key",
		"keyed_values SET value" };
	sqlite3 *sql = NULL;
	bool loose = size > 0 && data[0] % 2 == 1;

	write_file(w.sound, w.sound_len);
	require(sqlite3_open(w.path, &sql) == SQLITE_OK);
	(void)sqlite3_exec(sql, loose ? loosen : "PRAGMA ignore_check_constraints = ON",
	    NULL, NULL, NULL);
	if (loose) {
		(void)sqlite3_close(sql);
		require(sqlite3_open(w.path, &sql) == SQLITE_OK);
	}
	(void)sqlite3_exec(sql, "PRAGMA synchronous = OFF; BEGIN", NULL, NULL, NULL);
	for (data += size > 0, size -= size > 0; size >= 3;) {
		char query[96];
		sqlite3_stmt *st = NULL;
		size_t n = data[2];

		(void)snprintf(query, sizeof(query), "UPDATE %s = ?1",
		    cells[data[0] % ARRAY_SIZE(cells)]);
		n = n < size - 3 ? n : size - 3;
		if (sqlite3_prepare_v2(sql, query, -1, &st, NULL) == SQLITE_OK) {
			bind_cell(st, data[1], data + 3, n);
			(void)sqlite3_step(st);
		}
		(void)sqlite3_finalize(st);
		data += 3 + n;
		size -= 3 + n;
	}
	(void)sqlite3_exec(sql, "COMMIT", NULL, NULL, NULL);
	require(sqlite3_close(sql) == SQLITE_OK);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned seed = 0;

	if (w.sound == NULL)
		make_sound();
	if (size == 0)
		return 0;
	if (data[0] == 'f' && size > 2) {
		seed = data[1] + 1u;
		data += 2;
		size -= 2;
	}
	empty_dir();
	if (data[0] == 'r')
		damage_rows(data + 1, size - 1);
	else
		damage_pages(data + 1, size - 1);
	if (seed != 0) {
		w.seed = seed;
		use_store(true);
		w.seed = 0;
	}
	use_store(true);
	use_store(false);
	require(w.users >= 1 && w.ids >= 1);
	return 0;
}
