/* SPDX-License-Identifier: MPL-2.0 */
/* Arguments of kanidm_unixd_tasks. */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "src/base/attr.h"

struct task_options {
	const char *config;
	bool debug;
	bool mount_helper;
	bool version;
};

/* -1: go on; otherwise the exit code. */
int must_use_ task_options_parse(int argc, char **argv, struct task_options *ret_o,
    FILE *out, FILE *err);
