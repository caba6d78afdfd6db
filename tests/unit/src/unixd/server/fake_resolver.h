/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A resolver with a fixed world, for the tests of the server:
 *
 *	alice	70001, groups 70010 and 70011, keys "ssh-ed25519 AAAA1 a" and "... AAAA2 b"
 *	local, unavail, busy	answered so
 *	slow...	kept waiting until fake_release()
 *	crowd	(a group) with fake.n_members members; otherwise "staff" 70010: alice, bob
 *	anything else	not found
 */
#pragma once

#include <stddef.h>

#include "src/unixd/core/list.h"
#include "src/unixd/resolver/resolver.h"

struct resolver {
	struct list waiting;
	size_t n_waiting;
	size_t n_cancelled;
	size_t n_asked;
	uid_t asked_by; /* now */
	uid_t last_asked_by;
	size_t n_probed;
	size_t n_members;
	int last_budget_ms;
	bool probe_waits;
	bool is_stored; /* whatever was changed, at once */
	bool disk_fails;
	int invalidated, cleared;
};

void fake_init(struct resolver *r);
/* Answers everything that waits, as alice. */
void fake_release(struct resolver *r);
