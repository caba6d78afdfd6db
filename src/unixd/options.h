/* SPDX-License-Identifier: MPL-2.0 */
/* The daemon's command line and the environment variables that mean the same. */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "src/base/attr.h"

struct options {
	bool skip_root_check;
	bool debug;
	bool configtest;
	bool withdraw;
	const char *unixd_config;
	const char *client_config;
};

/* -1: go on with *ret_options; else the exit code, everything has been said. */
int must_use_ options_parse(int argc, char **argv, struct options *ret_options, FILE *out,
    FILE *err);
