/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A map as the daemon's own writer publishes it, at the built-in path. Its alice has another
 * GECOS than the fake daemon's, so an answer shows where it came from.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cmocka.h>

#include "host/fake.h"
#include "ku/paths.h"
#include "src/base/deadline.h"
#include "src/base/util.h"
#include "src/unixd/core/timers.h"
#include "src/unixd/local/local.h"
#include "src/unixd/publish/publish.h"

#define FROM_MAP "From the map"

static struct timers timers;
static struct publish *writer;

static inline void
write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

/* Local files of our own, in this namespace only. False: not allowed here. */
static inline bool
published_local_files(void)
{
	write_file("/run/passwd", "daemon:x:1:1::/:/bin/sh\n");
	write_file("/run/group", "daemon:x:1:\n");
	if (mount("/run/passwd", KU_PATH_ETC_PASSWD, NULL, MS_BIND, NULL) == 0 &&
	    mount("/run/group", KU_PATH_ETC_GROUP, NULL, MS_BIND, NULL) == 0)
		return true;
	perror("bind mount, skipped");
	return false;
}

static inline uint32_t
boot_now(void)
{
	return (uint32_t)(clock_boot_ns() / 1000000000);
}

static inline void
publish_alice(uint32_t fresh_until)
{
	static const uint32_t gids[] = { 71000, 71001, 71002 };
	static const char *const keys[] = { "alice", "alice@own.example" };
	static const char *const members[] = { "alice", "bob" };
	static const char *const group_key[] = { "staff" };
	const struct passwd_view user = { .uid = FAKE_ALICE_UID,
		.gid = FAKE_ALICE_UID,
		.name = "alice",
		.gecos = FROM_MAP,
		.dir = "/home/alice",
		.shell = "/bin/sh",
		.n_gids = ARRAY_SIZE(gids),
		.gids = gids };
	const struct group_view group = { .gid = FAKE_STAFF_GID,
		.name = "staff",
		.n_members = ARRAY_SIZE(members),
		.members = members };

	publish_user(writer, &user, keys, ARRAY_SIZE(keys), fresh_until);
	publish_group(writer, &group, group_key, 1, fresh_until);
}

/* A map of one user and one group, with a lease given at `lease_at`; fresh records or old ones. */
static inline void
publish_map(uint32_t lease_at, bool fresh)
{
	const struct publish_settings settings = { .path = KU_PATH_MAP,
		.own_domain = "own.example",
		.offline_limit_s = 0,
		.max_ttl_s = 900 };
	struct local *l = local_new(KU_PATH_ETC_PASSWD, KU_PATH_ETC_GROUP);

	timers_init(&timers);
	timers.now.mono_ns = clock_mono_ns();
	timers.now.boot_ns = clock_boot_ns();
	writer = publish_new(&timers, &settings);
	assert_non_null(writer);
	publish_local(writer, l, NULL);
	publish_alice(fresh ? boot_now() + 600 : 1);
	publish_negative(writer, PUBLISH_USER, "ghost", 0, boot_now() + 60);
	publish_lease(writer, lease_at, 0);
	assert_int_equal(publish_commit(writer), 0);
	l = local_free(l);
	assert_null(l);
}

static inline void
unpublish_map(void)
{
	if (writer != NULL) {
		writer = publish_free(writer);
		timers_deinit(&timers);
	}
	(void)unlink(KU_PATH_MAP);
}
