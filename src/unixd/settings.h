/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The configuration the daemon runs with, and what is to be said about it: read at start,
 * read again at SIGHUP, never a reason not to run.
 */
#pragma once

#include <stdbool.h>

#include "src/prog/config.h"
#include "src/unixd/idp/idp.h"
#include "src/unixd/publish/publish.h"
#include "src/unixd/resolver/resolver.h"

struct settings {
	const char *client_path;
	const char *unixd_path;
	const char *state_dir;           /* of the last good copy */
	struct config *config;           /* never NULL after settings_load */
	struct config_problems problems; /* of the files as last read */
	const char *fallback; /* why `config` is not what the files say, or NULL */
};

/* At start. When a file is broken the last good copy is used, else defaults. */
void settings_load(struct settings *s, const char *client_path, const char *unixd_path,
    const char *state_dir);

/*
 * At SIGHUP. 0 and the former configuration in *ret_old, which the caller frees once nobody
 * borrows it any more; -EINVAL when a file is broken: then nothing changes but the problems
 * that are shown.
 */
int must_use_ settings_reload(struct settings *s, struct config **ret_old);
void settings_clear(struct settings *s);

/* Borrow from s->config. */
struct idp_settings settings_idp(const struct settings *s);
struct publish_settings settings_publish(const struct settings *s, const char *path);

/* Pairs for STATUS: nobody may log in, configuration problems, fallback, proxies. */
void settings_status(const struct settings *s, resolver_pair_fn fn, void *arg);
