/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What the account and session phases lean on, under a test's hand: a resolver that gives
 * one answer, at once or when told; tasks likewise; and a login engine without a password
 * half.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/prog/config.h"
#include "src/unixd/core/timers.h"
#include "src/unixd/login/internal.h"
#include "src/unixd/model/model.h"
#include "src/unixd/taskq/taskq.h"

struct phases {
	struct login l;
	struct timers ts;
	struct config config;
	char *groups[8];
	char *callers[8];
	const char *own_domain;
	bool full; /* the engine takes no more calls */

	/* The resolver. */
	enum answer answer;
	struct account_view view;
	bool later;
	bool asked_fresh;
	int budget_ms;
	resolver_account_fn account_fn; /* of the one that waits, or NULL */
	void *account_arg;
	unsigned cancelled;
	const char *local_name; /* one local account */
	uint32_t local_uid;

	/* Tasks. */
	enum taskq_result home_result;
	const char *home_text;
	bool home_later;
	unsigned homes;
	struct taskq_home home;
	char home_names[3][100];
	int home_budget_ms;
	taskq_fn home_fn;
	void *home_arg;
	unsigned homes_cancelled;
};

extern struct phases phases;

/* alice@idm.example, 70001, valid, in shell_users@idm.example (gid 5000). */
void phases_init(void);
void phases_deinit(void);
/* Gives alice other groups: "NAME@DOMAIN" each, NULL-terminated. */
void phases_groups(bool valid, const char *const *spns);
/* The resolver, tasks have found out. */
void phases_answer(void);
void phases_home(void);
