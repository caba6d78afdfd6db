/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The stage on which a replay happens: the real resolver between fakes, local files of its
 * own in a temporary directory, and a clock that only moves when told.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "fakes/fakes.h"
#include "src/prog/config.h"
#include "src/unixd/core/timers.h"
#include "src/unixd/local/local.h"
#include "src/unixd/publish/publish.h"
#include "src/unixd/resolver/resolver.h"

struct stage {
	struct timers ts;
	int64_t zero_ns; /* mono time of "at 0" */
	struct config config;
	struct config_map_group map_group[4];
	char *override[8];
	char *groups[8];
	char *prefetch[8];
	struct idp *idp;
	struct store *store;
	struct publish *publish;
	bool without_map; /* fast_cache is off, and the last one may be looked at */
	struct publish_settings publish_settings;
	struct local *local;
	struct resolver *r;
	char dir[64];
	char paths[5][96]; /* passwd, group, shells, uid_map, gid_map */
	char text[5][2048];
	unsigned told;
	unsigned accepted[2]; /* who accepted ids and was told: not stored, stored */
};

enum stage_file {
	STAGE_PASSWD,
	STAGE_GROUP,
	STAGE_SHELLS,
	STAGE_UID_MAP,
	STAGE_GID_MAP,
};

void stage_init(struct stage *s);
void stage_deinit(struct stage *s);

/* Appends a line to one of the files; written when the resolver starts, or at once. */
void stage_line(struct stage *s, enum stage_file file, const char *line);
void stage_clear_file(struct stage *s, enum stage_file file);

/* false: key or value not known. */
bool stage_config(struct stage *s, const char *key, const char *value);
/* Makes configuration changed since count, when the resolver runs. */
void stage_reconfigure(struct stage *s);

void stage_start(struct stage *s);
void stage_stop(struct stage *s);

int64_t stage_now(const struct stage *s); /* ns since "at 0" */
/* Runs every timer until then. */
void stage_advance(struct stage *s, int64_t to_ns);
/* One timer at most, not beyond `to_ns`; false when there was none. */
bool stage_step(struct stage *s, int64_t to_ns);
