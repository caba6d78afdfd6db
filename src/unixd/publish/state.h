/* SPDX-License-Identifier: MPL-2.0 */
/* The writer's state, shared by publish.c (what comes in), entries.c (what there is),
 * local_apply.c and build.c (generations). Loop thread only. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/unixd/core/list.h"
#include "src/unixd/core/timers.h"
#include "src/unixd/publish/gen.h"
#include "src/unixd/publish/gen_file.h"
#include "src/unixd/publish/index.h"
#include "src/unixd/publish/let_go.h"
#include "src/unixd/publish/local_set.h"
#include "src/unixd/publish/negative.h"
#include "src/unixd/publish/publish.h"
#include "src/unixd/publish/rate.h"
#include "src/unixd/publish/record.h"
#include "src/unixd/publish/spill.h"

enum build_phase {
	BUILD_IDLE,
	BUILD_FILL,
	BUILD_LOCAL,
	BUILD_USERS,
	BUILD_GROUPS,
	BUILD_NEGATIVES,
	BUILD_LATE,
};

struct build {
	enum build_phase phase;
	struct gen_file file;
	struct gen next;
	size_t at;     /* how far this phase is: names, negatives */
	uint64_t from; /* the next id to look for, of the kind of this phase */
	uint32_t walk; /* where in the ordered part of the old generation that is */
	struct index late[2]; /* ids that came when their place had been passed */
};

struct publish {
	struct timers *ts;
	char *path;
	char *tmp;
	char *domain;
	uint32_t offline_limit;
	uint32_t max_ttl;

	struct gen cur;  /* what readers see */
	struct gen prev; /* what the writer before us left */
	struct let_go let_go;
	struct build build;
	/*
	 * What the ordered part of `cur` does not know: ids that came later, and (value: where
	 * in the spill) those whose contents it could not take. Users, groups.
	 */
	struct index ix[2];
	size_t n[2];
	uint64_t live_bytes;
	size_t aliases[2];
	struct spill spill;
	struct negatives negatives;
	struct local_set local;
	bool local_is_newer; /* than the names in `cur`, for want of room */
	struct list pending; /* groups that changed again within a second */
	struct index
	    recent[2]; /* group: mono ms of its change; this second, the last one */
	uint32_t recent_ms;
	struct record_buf rec;
	struct record_buf keys;
	struct record_buf again;

	uint32_t generation;
	uint32_t lease;
	uint32_t floor;
	struct timer build_timer;
	struct timer group_timer;
	bool begun; /* publish_commit() was called */
	bool wanted;
	bool forced;
	int64_t last_ns; /* the last generation, or the last failure */
	int failed;      /* -errno of that */
	size_t generations;
	struct rate rate;
	char trouble[192];
};

#define MINUTE_NS (60 * CLOCK_S)

static inline enum ku_map_kind
map_kind(enum publish_kind kind)
{
	return kind == PUBLISH_USER ? KU_MAP_USER : KU_MAP_GROUP;
}

static inline struct index *
index_of(struct publish *p, enum ku_map_kind kind)
{
	return &p->ix[kind == KU_MAP_GROUP];
}

/* The contents of an entry, NULL when there is none. Good until the spill or the generation
 * changes. */
const uint8_t *entries_find(const struct publish *p, enum ku_map_kind kind, uint32_t id);
/* Of two entries the one with the larger number was published later. 0: not there. */
uint64_t entries_order(const struct publish *p, enum ku_map_kind kind, uint32_t id);
/* What p->rec and p->keys hold becomes visible. */
void entries_publish(struct publish *p, uint32_t fresh_until);
void entries_touch(struct publish *p, enum ku_map_kind kind, uint32_t id,
    uint32_t fresh_until);
/* Takes an entry out of everything. */
void entries_drop(struct publish *p, enum ku_map_kind kind, uint32_t id);
void entries_drop_negative(struct publish *p, enum ku_map_kind kind, const char *name,
    uint32_t id);
/* Publishes once more what is there, in front of its chains. */
void entries_renew(struct publish *p, const uint8_t *rec);
/* Does this host's own entry win over this one? */
bool entries_is_hidden(const struct publish *p, const uint8_t *rec);
/* Forgets which groups changed more than a second ago. */
void entries_forget_recent(struct publish *p);
/* Groups whose second is over, or all that wait. */
void entries_flush_groups(struct publish *p, bool all);
void entries_timer_fired(struct timer *t);
void entries_all_stale(struct publish *p);
void entries_clear(struct publish *p);

/* A new generation is needed: now (forced), or when one may be made again. */
void build_want(struct publish *p, bool forced);
/* To the end, now. 0 or -errno. */
int must_use_ build_now(struct publish *p);
/* May one be made now? */
bool build_is_due(const struct publish *p);
void build_abort(struct publish *p);
/* From the beginning, when it is time. */
void build_restart(struct publish *p);
/* A record that the next generation must have as well. */
void build_note(struct publish *p, const uint8_t *rec, uint32_t fresh_until);
void build_timer_fired(struct timer *t);
/* Other local names, in the generations there are. False: no room for all of them. */
bool local_apply(struct publish *p, const struct local_set *old);
/* Nobody may use this one again; forgets it. */
void publish_withdraw(struct publish *p, struct gen *g);
void publish_header(struct publish *p, struct gen *g);
void publish_store_idents(struct publish *p, struct gen *g);
