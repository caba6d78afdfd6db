/* SPDX-License-Identifier: MPL-2.0 */
/* One request from beginning to end: home, then alias. */
#pragma once

#include <stdbool.h>

#include "src/base/attr.h"
#include "tasks/conf.h"
#include "tasks/label.h"
#include "tasks/request.h"
#include "tasks/why.h"

struct work {
	struct conf conf;
	struct label *label;
	bool labelled; /* the label question has been asked */
	bool cleaned;  /* left-overs have been removed under this configuration */
	const char *etc_passwd;
	const char *etc_group;
	const char *skel;
	const char *mount_sock;
};

/* With the compiled-in paths. */
void work_init(struct work *w, const char *config_path);
void work_clear(struct work *w);

/* Reads the configuration again when it has changed, or in any case. */
void work_refresh(struct work *w, bool force);

/* At the start and before each home: is there SELinux, and what did interrupted runs leave,
 * once the prefixes can be opened? */
void work_clean(struct work *w);

/* 0, or -errno and *why. */
int must_use_ work_home(struct work *w, const struct request *r, struct why *why);
