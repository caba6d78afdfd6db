/* SPDX-License-Identifier: MPL-2.0 */
/*
 * /etc/kanidm/unixd as this process reads it: home_*, use_etc_skel, selinux and
 * task_sock_path. Never /etc/kanidm/config, and no token.
 */
#pragma once

#include <stdbool.h>
#include <sys/stat.h>

#include "src/prog/config.h"
#include "tasks/why.h"

struct conf {
	const char *path;
	struct config *config; /* never NULL after conf_init() */
	struct stat seen;
	bool usable;
	struct why why; /* when it is not */
};

void conf_init(struct conf *c, const char *path);
void conf_clear(struct conf *c);

/*
 * Reads the file again when it is another one than before, or when `force` is set. A file
 * that cannot be used leaves what there was; `usable` is false while there was nothing:
 * homes made by guesses would have to be moved. True when there is a new configuration.
 */
bool conf_refresh(struct conf *c, bool force);

/* Where homes really are. */
const char *conf_home_dir(const struct config *c);
