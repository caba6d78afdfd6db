/* SPDX-License-Identifier: MPL-2.0 */
/*
 * `kanidm-unix setup`: from an installed package to a host where people of the server log in,
 * and `setup --restore`, which puts back what decided about that before.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "src/base/attr.h"
#include "tools/tool.h"

/* What was typed. Strings are borrowed; NULL: not given. */
struct setup_wish {
	const char *uri;
	const char *ca;
	const char *token;
	const char *test_user;
	const char *restore_dir;
	const char **groups; /* each may name several, with commas between */
	size_t n_groups;
	bool no_nss;
	bool no_pam;
	bool ssh_keys;
	bool yes;
	bool dry_run;
	bool restore;
};

/* 0: done, or there was nothing to do; 1: something failed, and it was said what was changed
 * and what was not; 2: something is missing that nobody can be asked for. */
int cmd_setup(const struct tool *t, const struct setup_wish *wish);
