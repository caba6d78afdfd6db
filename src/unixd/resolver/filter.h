/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Which server entries this host must not show: those whose name or number is local, that
 * no Kanidm entry may have, or that the container cannot hold. Numbers are privilege: a
 * remote person whose uid is the gid of a local group would get that group.
 *
 * allow_local_account_override lifts the local rules for the listed names, never the rule
 * about reserved numbers.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/name.h"
#include "src/base/uuid.h"
#include "src/unixd/local/local.h"
#include "src/unixd/resolver/idmap.h"

struct config;

enum verdict {
	VERDICT_SHOWN,
	VERDICT_RESERVED, /* not an id a Kanidm entry may have */
	VERDICT_LOCAL_NAME,
	VERDICT_LOCAL_UID,
	VERDICT_LOCAL_GID,
	VERDICT_UNMAPPED, /* the id map of this container does not hold it */
	VERDICT_HELD,     /* another account has this uid here */
	VERDICT_PRIVATE,  /* name or gid is a person's private group */
	VERDICT_MAX,
};

struct filter {
	const struct local *local;
	struct idmap uids;
	struct idmap gids;
	struct name *override; /* parsed; own domain not stripped */
	size_t n_override;
	const char *own_domain; /* borrowed, may be empty */
};

struct subject {
	const char *key; /* name, or SPN when of another domain */
	const char *spn;
	const struct uuid *uuid; /* NULL: not known */
};

void filter_init(struct filter *f, const struct local *local, const struct config *config,
    const char *own_domain, const char *uid_map_path, const char *gid_map_path);
void filter_deinit(struct filter *f);

bool filter_is_overridden(const struct filter *f, const struct subject *s);
enum verdict filter_user(const struct filter *f, const struct subject *s, uint32_t uid);
enum verdict filter_group(const struct filter *f, const struct subject *s, uint32_t gid);

/* "its uid is a local gid": continues "left out: ". */
const char *verdict_text(enum verdict v);
/* "local-gid": for counts in status. */
const char *verdict_key(enum verdict v);
