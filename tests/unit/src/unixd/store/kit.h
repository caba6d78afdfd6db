/* SPDX-License-Identifier: MPL-2.0 */
/* What the tests of the store share: a directory, people, and a sink that counts. */
#pragma once

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "src/base/deadline.h"
#include "src/base/le.h"
#include "src/base/util.h"
#include "src/unixd/core/loop.h"
#include "src/unixd/model/model.h"
#include "src/unixd/store/store.h"

struct kit {
	char dir[64];
	char path[96];
	struct loop *loop;
	struct store *store;
	const char *note;
};

struct loaded {
	unsigned users;
	unsigned groups;
	unsigned ids;
	unsigned with_members;
	int64_t wall_sum;
	uint32_t last_id;
	uint32_t last_pending;
	char last_user[80];
	bool *seen; /* by number of the person, when not NULL */
};

static inline int
kit_setup(void **state)
{
	struct kit *k = calloc(1, sizeof(*k));

	(void)snprintf(k->dir, sizeof(k->dir), "/tmp/ku-store-XXXXXX");
	if (mkdtemp(k->dir) == NULL)
		return -1;
	(void)snprintf(k->path, sizeof(k->path), "%s/unixd.db", k->dir);
	*state = k;
	return 0;
}

/* Closes what is open and removes the directory with the files in it. */
static inline int
kit_teardown(void **state)
{
	struct kit *k = *state;
	struct dirent *e;
	DIR *d;

	store_close(k->store);
	loop_free(k->loop);
	(void)chmod(k->dir, 0700);
	d = opendir(k->dir);
	while (d != NULL && (e = readdir(d)) != NULL) {
		if (streq(e->d_name, ".") || streq(e->d_name, ".."))
			continue;
		if (unlinkat(dirfd(d), e->d_name, 0) < 0)
			(void)unlinkat(dirfd(d), e->d_name, AT_REMOVEDIR);
	}
	if (d != NULL)
		(void)closedir(d);
	if (rmdir(k->dir) < 0)
		return -1;
	free(k);
	return 0;
}

static inline void
kit_open(struct kit *k)
{
	if (k->loop == NULL)
		assert_int_equal(loop_new(&k->loop), 0);
	assert_int_equal(store_open(k->loop, k->path, &k->store, &k->note), 0);
}

static inline void
kit_close(struct kit *k)
{
	k->store = store_close(k->store);
	k->note = NULL;
}

static inline struct uuid
kit_uuid(uint32_t n)
{
	struct uuid u = { { 0xb0 } };

	/* Spread, as real ones are. */
	le32_put(u.b + 1, n * 2654435761u);
	le32_put(u.b + 12, n);
	return u;
}

static inline struct user *
kit_user(uint32_t n, const char *displayname)
{
	struct uuid uuid = kit_uuid(n);
	struct uuid staff_uuid = kit_uuid(0x40000000u);
	char name[32];
	char spn[64];
	struct groupid *groups[2];
	const char *keys[] = {
		"ssh-ed25519 "
		"AAAAC3NzaC1lZDI1NTE5AAAAIGJxT0cTcz3lXbfpL1oAcEXZg0mTnhUCPYqN"
	};
	struct user tmpl = { .id = 100000 + n,
		.uuid = uuid,
		.valid = true,
		.n_groups = 2,
		.n_keys = 1,
		.name = name,
		.spn = spn,
		.displayname = displayname,
		.shell = "/bin/bash",
		.groups = groups,
		.sshkeys = keys };
	struct user *u;

	(void)snprintf(name, sizeof(name), "person%05u", n);
	(void)snprintf(spn, sizeof(spn), "person%05u@idm.example.com", n);
	groups[0] = groupid_new(&uuid, tmpl.id, name, spn);
	groups[1] = groupid_new(&staff_uuid, 70000, "staff", "staff@idm.example.com");
	u = user_new(&tmpl);
	groupid_unref(groups[0]);
	groupid_unref(groups[1]);
	return u;
}

static inline void
kit_put_user(struct kit *k, uint32_t n, int64_t wall_s)
{
	struct user *u = kit_user(n, "A Person");

	store_put_user(k->store, u, wall_s);
	user_unref(u);
}

static inline void
kit_put_group(struct kit *k, uint32_t n, size_t n_members, int64_t wall_s)
{
	struct uuid uuid = kit_uuid(n);
	struct groupid *g = groupid_new(&uuid, 200000 + n, "crew",
	    "crew@idm.example.com");
	struct member *v = calloc(n_members + 1, sizeof(*v));
	char(*text)[64] = calloc(n_members + 1, sizeof(*text));
	struct members *m;

	for (size_t i = 0; i < n_members; i++) {
		(void)snprintf(text[i], sizeof(text[i]), "person%05zu@idm.example.com",
		    i);
		v[i].name = "person";
		v[i].spn = text[i];
	}
	m = members_new(v, n_members);
	store_put_group(k->store, g, m, wall_s);
	members_unref(m);
	groupid_unref(g);
	free(v);
	free(text);
}

static inline void
kit_take_user(void *arg, struct user *u, int64_t wall_s)
{
	struct loaded *l = arg;

	l->users++;
	l->wall_sum += wall_s;
	(void)snprintf(l->last_user, sizeof(l->last_user), "%s/%s", u->name,
	    u->displayname);
	if (l->seen != NULL)
		l->seen[u->id - 100000] = true;
	user_unref(u);
}

static inline void
kit_take_group(void *arg, struct groupid *g, struct members *m, int64_t wall_s)
{
	struct loaded *l = arg;

	l->groups++;
	l->wall_sum += wall_s;
	l->with_members += m != NULL;
	groupid_unref(g);
	members_unref(m);
}

static inline void
kit_take_id(void *arg, const struct uuid *uuid, uint32_t id, uint32_t pending)
{
	struct loaded *l = arg;

	(void)uuid;
	l->ids++;
	l->last_id = id;
	l->last_pending = pending;
}

static inline int
kit_load(struct kit *k, struct loaded *l)
{
	struct store_sink sink = { l, kit_take_user, kit_take_group, kit_take_id, NULL };

	return store_load(k->store, &sink);
}

static inline void
kit_set_flag(void *arg)
{
	*(bool *)arg = true;
}

/* Turns the loop until everything queued is committed; false when that takes too long. */
static inline bool
kit_flush(struct kit *k)
{
	struct deadline d = deadline_in_ms(20000);
	static bool flushed;

	flushed = false;
	store_flush(k->store, kit_set_flag, &flushed);
	while (!flushed && deadline_left_ms(d) > 0)
		assert_true(loop_turn(k->loop, 100) >= 0);
	return flushed;
}

static inline unsigned
kit_count_files(const struct kit *k, const char *part)
{
	DIR *d = opendir(k->dir);
	struct dirent *e;
	unsigned n = 0;

	while (d != NULL && (e = readdir(d)) != NULL)
		n += strstr(e->d_name, part) != NULL;
	if (d != NULL)
		(void)closedir(d);
	return n;
}

/* Databases set aside, without the journals that went with them. */
static inline unsigned
kit_count_aside(const struct kit *k)
{
	DIR *d = opendir(k->dir);
	struct dirent *e;
	unsigned n = 0;

	while (d != NULL && (e = readdir(d)) != NULL)
		n += strstr(e->d_name, ".broken-") != NULL &&
		    strstr(e->d_name, "-wal") == NULL &&
		    strstr(e->d_name, "-shm") == NULL;
	if (d != NULL)
		(void)closedir(d);
	return n;
}

static inline void
kit_write_file(const char *path, const void *data, size_t len)
{
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

#define KIT_TEST(fn) cmocka_unit_test_setup_teardown(fn, kit_setup, kit_teardown)
