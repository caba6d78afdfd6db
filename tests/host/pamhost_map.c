/* SPDX-License-Identifier: MPL-2.0 */
/* The daemon's map on the host of pamhost.c, written as the daemon writes it. */
#include "host/pamhost_map.h"

#include <stdlib.h>

#include "ku/paths.h"
#include "src/base/deadline.h"
#include "src/unixd/core/timers.h"
#include "src/unixd/local/local.h"
#include "src/unixd/publish/publish.h"

void
pamhost_map(void)
{
	static const char *const except[] = { "ours.ops", NULL };
	static const char *const key[] = { "ours.ops" };
	const struct passwd_view ops = { .uid = 70011,
		.gid = 70011,
		.name = "ours.ops",
		.gecos = "",
		.dir = "/home/ours.ops",
		.shell = "/bin/sh",
		.overrides = true };
	const struct publish_settings settings = { .path = KU_PATH_MAP,
		.own_domain = "idm.example",
		.max_ttl_s = 900 };
	struct local *l = local_new(KU_PATH_ETC_PASSWD, KU_PATH_ETC_GROUP);
	struct timers timers;
	struct publish *p;

	timers_init(&timers);
	timers.now.mono_ns = clock_mono_ns();
	timers.now.boot_ns = clock_boot_ns();
	p = publish_new(&timers, &settings);
	publish_local(p, l, except);
	publish_user(p, &ops, key, 1, (uint32_t)(clock_boot_ns() / 1000000000) + 600);
	publish_lease(p, (uint32_t)(clock_boot_ns() / 1000000000), 0);
	if (publish_commit(p) != 0)
		abort();
	p = publish_free(p);
	timers_deinit(&timers);
	l = local_free(l);
	if (p != NULL || l != NULL)
		abort();
}
